// SPDX-License-Identifier: MIT
#include "execution.hpp"

#include <checker/model.hpp>

#include <algorithm>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <numeric>
#include <set>
#include <stdexcept>
#include <utility>

namespace checker {

namespace {

constexpr const char* what_may_differ =
    "it must do the same in each execution. What differs may be an address of plain new or malloc "
    "(use checker::allocate), a static that keeps its value, a clock, or a random number";

// The calls with which a thread can find out that something has changed.
std::initializer_list<const void*> calls_that_may_wait() {
  static const std::initializer_list<const void*> calls = {
      reinterpret_cast<const void*>(&engine::load), reinterpret_cast<const void*>(&engine::update),
      reinterpret_cast<const void*>(&engine::compare_exchange),
      reinterpret_cast<const void*>(&engine::fence)};
  return calls;
}

// Whether there is memory of this process at an address.
bool is_mapped(std::uint64_t address) {
  std::ifstream maps("/proc/self/maps");
  for (std::string line; std::getline(maps, line);) {
    unsigned long long first = 0;
    unsigned long long last = 0;
    if (std::sscanf(line.c_str(), "%llx-%llx", &first, &last) != 2) continue;
    if (address >= first && address < last) return true;
  }
  return false;
}

// Those that are taken for alike, the first of the search first; empty if none can be.
std::vector<unsigned> alike_in(const options& chosen) {
  if (chosen.merge_reads || chosen.stopped_thread) return {};
  std::vector<unsigned> alike = chosen.alike;
  if (alike.empty() || chosen.order.empty()) return alike;
  const auto first = std::find(alike.begin(), alike.end(), chosen.order.front());
  if (first == alike.end()) return {};
  std::iter_swap(alike.begin(), first);
  return alike;
}

}  // namespace

execution::execution(program& checked, const options& chosen)
    : program_(checked),
      options_(chosen),
      thread_count_(checked.threads()),
      explorer_(thread_count_, chosen.model, chosen.merge_reads, symmetry(alike_in(chosen))),
      arena_(thread_count_ + 1),
      order_(chosen.order),
      fibers_(new fiber[thread_count_ + 1]),
      starts_threads_(checked.starts_threads()),
      schedule_(schedule::parse(chosen.replay, thread_count_)) {
  if (current_ != nullptr) {
    std::fprintf(stderr, "checker: a search cannot run inside another\n");
    std::exit(2);
  }
  if (thread_count_ == 0 || thread_count_ > most_threads) {
    throw std::invalid_argument("checker: a program needs 1 to 254 threads");
  }
  const auto is_none = [this](unsigned thread) { return thread >= thread_count_; };
  if (!starts_threads_ && chosen.stopped_thread && is_none(*chosen.stopped_thread)) {
    throw std::invalid_argument("options::stopped_thread: the program has no such thread");
  }
  const std::set<unsigned> different(chosen.alike.begin(), chosen.alike.end());
  if (different.size() != chosen.alike.size() ||
      std::any_of(different.begin(), different.end(), is_none)) {
    throw std::invalid_argument("options::alike: each must be a thread, and be named once");
  }
  auto* const stacks = static_cast<std::byte*>(checked.stacks());
  for (unsigned t = 0; t <= thread_count_; ++t) {
    const std::size_t room = checked.stack_bytes();
    fibers_[t].allocate(room, stacks == nullptr ? nullptr : stacks + 2 * room * t);
    fibers_[t].use_thread_pointer(checked.thread_pointer(t));
  }
  main_.use_thread_pointer(checked.thread_pointer(thread_count_));
  if (const auto data = checked.thread_data(); data.size != 0) {
    for (unsigned t = 0; t <= thread_count_; ++t) {
      fibers_[t].exchange_thread_data(data.begin, data.size);
    }
    main_.exchange_thread_data(data.begin, data.size);
  }
  std::vector<unsigned> all(thread_count_);
  std::iota(all.begin(), all.end(), 0u);
  if (order_.empty()) order_ = all;
  const std::vector<unsigned> alike = alike_in(chosen);
  if (!alike.empty() && chosen.order.empty()) {
    std::stable_partition(order_.begin(), order_.end(),
                          [first = alike.front()](unsigned t) { return t == first; });
  }
  if (!std::is_permutation(order_.begin(), order_.end(), all.begin(), all.end())) {
    throw std::invalid_argument("options::order: it must name each thread once");
  }
#if !defined(CHECKER_ADDRESS_SANITIZER)
  // A program that starts its threads has handlers of its own.
  if (!starts_threads_) signals_.emplace(on_signal);
#endif
  location_names_.resize(thread_count_ + 1);
  watches_.resize(thread_count_);
  watching_.resize(thread_count_, 0);
  waits_for_.resize(thread_count_, 0);
  if (chosen.keep_going || chosen.parts != 1 || schedule_.given()) chances_ = chosen.chances;
  current_ = this;
}

void execution::not_running() {
  std::fprintf(stderr,
               "checker: an object of the checked program is used outside of it. Make what the "
               "threads share in the model, not as a static.\n");
  std::exit(2);
}

void execution::reset() {
  arena_.reset();
  threads_.assign(thread_count_ + 1, {});
  if (starts_threads_) {
    for (unsigned t = 1; t != thread_count_; ++t) threads_[t].state = thread_state::absent;
    process_ended_ = false;
    why_given_up_.clear();
  }
  cells_.clear();
  uses_.clear();
  blocks_.clear();
  outcome_.clear();
  if (!why_cut_.empty()) why_cut_.clear();
  excluded_ = stale_ = co_decides_ = false;
  if (watching_now_) watching_.assign(thread_count_, 0);
  watching_now_ = false;
}

void execution::run() {
  ++totals_.runs;
  work_ += 16 + graph().size();
  owned_.reset();
  run_threads();
  if (ended_ != ending::abandoned) record();
}

void execution::run_threads() {
  reset();
  ended_ = ending::abandoned;
  if (!run_alone(stage::start)) return;
  if (!plain_looked_at_) {
    made_.assign(arena_.start_of(thread_count_),
                 arena_.start_of(thread_count_) + arena_.used_of(thread_count_));
  }
  stage_ = stage::threads;
  left_to_replay_ = graph().size();
  enter(next_to_run());
}

// Runs the program from here on, until it is left.
void execution::enter(unsigned thread) {
  running_ = thread_count_;
  inside_ = true;
  switch_to(thread);
  inside_ = false;
  if (crash_.signal != 0) [[unlikely]]
    note_crash();
}

// On a stack of its own, in the middle of whatever the program did.
void execution::on_signal(int number, siginfo_t* about, void*) {
  if (current_ == nullptr || !current_->inside_) {
    std::signal(number, SIG_DFL);
    std::raise(number);
    return;
  }
  execution& self = *current_;
  self.crash_ = {number, reinterpret_cast<std::uintptr_t>(about->si_addr)};
  self.exceptions_.put_back();
  self.ended_ = ending::abandoned;
  self.leave();
}

// Where it was is not known, but behind which operation.
void execution::note_crash() {
  const bool overflow = crash_.signal == SIGSEGV && fibers_[running_].overflows_at(crash_.address);
  std::string text = crash_.text(overflow);
  crash_ = {};
  place last{"", "", 0};
  if (tracing_ != nullptr) {
    for (const step& each : tracing_->steps) {
      if (each.thread == running_ && each.from.line != 0) last = each.from;
    }
    if (last.line != 0) tracing_->text += "; behind the operation of this line";
  }
  trace(step::kind::fault, last, initial);
  note(fault::crash, std::move(text));
}

// Runs `start` or `finish`, in a fiber, so that a fault can leave it. True if it came to its end.
bool execution::run_alone(stage now) {
  stage_ = now;
  threads_[thread_count_].state = thread_state::unstarted;
  enter(thread_count_);
  return threads_[thread_count_].state == thread_state::finished;
}

void execution::run_fiber() {
  execution& self = *current_;
  self.fibers_[self.running_].entered();
  bool thrown = true;
  try {
    switch (self.stage_) {
      case stage::start:
        self.program_.start();
        break;
      case stage::threads:
        if (self.starts_threads_) {
          self.run_started_thread();
        } else {
          self.program_.thread(self.running_);
        }
        break;
      case stage::finish:
        self.program_.finish();
        break;
    }
    thrown = false;
  } catch (const std::exception& what) {
    self.thrown_ = what.what();
  } catch (...) {
    self.thrown_ = "of a type that is no std::exception";
  }
  // Not in the handler: it would never be left.
  if (thrown) self.fail(fault::exception, self.thrown_, {"", "", 0});
  self.threads_[self.running_].state = thread_state::finished;
  self.leave_thread();
}

// The running thread has nothing more to do in this execution.
void execution::leave_thread() {
  if (stage_ == stage::threads) {
    if (threads_[running_].position < graph().thread(running_).size()) {
      fail(fault::nondeterministic,
           std::string("the thread ends earlier than before: ") + what_may_differ, {"", "", 0});
    }
    unsigned next = next_to_run();
    if (next == nobody) next = no_longer_idle();
    if (next != nobody) switch_to(next);
    end_execution();
  }
  leave();
}

// In a hunt: of the threads that can run, and do not wait for a write, the one with the highest
// priority.
unsigned execution::next_by_chance() const noexcept {
  unsigned best = nobody;
  for (unsigned t = 0; t != thread_count_; ++t) {
    const thread_status& each = threads_[t];
    if (each.state > thread_state::running || waits_for_[t] > writes_) continue;
    if (best == nobody || chance_->priority(t) > chance_->priority(best)) best = t;
  }
  return best;
}

// No thread has anything more to do.
void execution::end_execution() {
  ended_ = ending::complete;
  for (unsigned t = 0; t != thread_count_; ++t) {
    if (unfinished(threads_[t].state)) ended_ = ending::blocked;
  }
  leave();
}

void execution::run_started_thread() {
  const unsigned self = running_;
  constexpr place nowhere{"", "", 0};
  if (self != 0) step_of_thread(lifetime::begins, self, threads_[self].started_by, nowhere);
  program_.thread(self);
  end_started_thread();
}

void execution::end_thread() {
  end_started_thread();
  threads_[running_].state = thread_state::finished;
  leave_thread();
  leave();
}

void execution::end_started_thread() {
  const unsigned self = running_;
  constexpr place nowhere{"", "", 0};
  if (self != 0) {
    step_of_thread(lifetime::ends, self, initial, nowhere);
  } else {
    process_ended_ = true;
  }
  for (thread_status& each : threads_) {
    if (each.state == thread_state::joining && each.joins == self) {
      each.state = thread_state::running;
    }
  }
}

// These are events, so that they order what the threads do; they have no alternatives.
void execution::step_of_thread(lifetime what, unsigned other, event_id source, const place& from) {
  event request;
  request.kind = event_kind::choice;
  request.alternatives = 1;
  request.thread_life = what;
  request.operand = other;
  request.source = source;
  perform(request, from);
}

// The index of a new thread stands in the event: threads that start others at the same time must
// get the same ones in whatever order an execution is run again.
unsigned execution::start_thread(const place& from) {
  const unsigned self = running_;
  const std::uint32_t position = threads_[self].position;
  const auto& own = graph().thread(self);
  unsigned index = 1;
  if (position != own.size()) {
    index = static_cast<unsigned>(graph()[own[position]].operand);
  } else {
    // Those that stand in the graph have to be there first.
    for (unsigned next = next_to_run(); next != self; next = next_to_run()) {
      if (next == nobody) refuse_replay("a thread makes no such event: it has come to its end");
      switch_to(next);
    }
    while (index < thread_count_ && threads_[index].state != thread_state::absent) ++index;
    if (index >= thread_count_) return thread_count_;
  }
  step_of_thread(lifetime::starts, index, initial, from);
  threads_[index].started_by = graph().thread(self)[position];
  if (threads_[index].state == thread_state::absent) {
    threads_[index].state = thread_state::unstarted;
  }
  return index;
}

// Joining is possible only when the other has ended: it adds no executions in which it has not.
void execution::join_thread(unsigned index, const place& from) {
  thread_status& self = threads_[running_];
  const unsigned own = running_;
  if (self.position == graph().thread(own).size()) {
    if (tracing_ != nullptr) tracing_->waiting.push_back({own, self.position, index, from});
    while (threads_[index].state != thread_state::finished) {
      self.state = thread_state::joining;
      self.joins = index;
      unsigned next = next_to_run();
      if (next == nobody) next = no_longer_idle();
      if (next == nobody) end_execution();
      switch_to(next);
    }
    self.state = thread_state::running;
    step_of_thread(lifetime::joins, index, graph().last_of(index), from);
  } else {
    step_of_thread(lifetime::joins, index, initial, from);
  }
}

inline unsigned execution::next_to_run() const noexcept {
  if (!schedule_.done() && left_to_replay_ == 0) {
    const unsigned scheduled = schedule_.next_thread();
    const thread_state state = threads_[scheduled].state;
    return state <= thread_state::running || state == thread_state::idle ? scheduled : nobody;
  }
  if (left_to_replay_ != 0) {
    for (unsigned t : order_) {
      if (threads_[t].position < graph().thread(t).size()) return t;
    }
  }
  if (chance_) [[unlikely]] {
    if (hunting()) return next_by_chance();
    if (failing_ != nobody && threads_[failing_].state <= thread_state::running) return failing_;
  }
  for (unsigned t : order_) {
    if (threads_[t].state <= thread_state::running) return t;
  }
  return nobody;
}

void execution::switch_to(unsigned thread) {
  const unsigned self = running_;
  fiber& from = stage_ == stage::threads && running_ != thread_count_ ? fibers_[running_] : main_;
  running_ = thread;
  const thread_state state = threads_[thread].state;
  if (state == thread_state::unstarted || state == thread_state::absent) {
    threads_[thread].state = thread_state::running;
    fibers_[thread].start(run_fiber);
  }
  if (watching_now_ && &from != &main_) [[unlikely]]
    return switch_watched(self, thread);
  from.switch_to(fibers_[thread]);
}

// The same, and what the thread that is left has watched is looked after.
void execution::switch_watched(unsigned self, unsigned thread) {
  const auto each_watch = [&](auto change) {
    const std::uint64_t memory = arena_.contents();
    for (std::size_t i = 0; i != watching_[self]; ++i) change(watches_[self][i], memory);
  };
  each_watch(
      [](watch& own, std::uint64_t memory) { own.changed = own.changed || own.memory != memory; });
  fibers_[self].switch_to(fibers_[thread]);
  each_watch([](watch& own, std::uint64_t memory) { own.memory = memory; });
}

void execution::leave() {
  fibers_[running_].switch_to(main_);
  std::abort();  // nobody comes back to a fiber that has left
}

// Why a model may be nondeterministic, for whoever wrote it. Where the likeliest reason can be
// seen, an address of the standard allocator among the operands, it is named.
std::string execution::likely_cause(const event& before, const event& now) const {
  const std::pair<std::uint64_t, std::uint64_t> operands[] = {
      {before.value, now.value}, {before.operand, now.operand}, {before.expected, now.expected}};
  for (const auto& [then, address] : operands) {
    const bool own = arena_.holds(reinterpret_cast<const void*>(address));
    if (then == address || own || !is_mapped(address)) continue;
    char text[32];
    std::snprintf(text, sizeof text, "0x%llx", static_cast<unsigned long long>(address));
    return std::string(": ") + text +
           " is an address that plain new or malloc gave, another one in each execution. Allocate "
           "with checker::allocate";
  }
  return std::string(": ") + what_may_differ;
}

bool execution::same_request(const event& held, const event& asked) noexcept {
  if (held.location != asked.location || held.update != asked.update) return false;
  if (held.update != update_kind::none) {
    return held.operand == asked.operand && held.expected == asked.expected;
  }
  if (held.kind != asked.kind || held.thread_life != asked.thread_life) return false;
  return held.kind == event_kind::write
             ? held.value == asked.value
             : held.alternatives == asked.alternatives && held.operand == asked.operand;
}

execution::answer execution::perform(const event& request, const place& from) {
  if (stage_ != stage::threads) return perform_alone(request);
  const answer given = perform_by_thread(request, from);
  std::jmp_buf* const restart = threads_[running_].restart;
  constexpr choice_subject aborted{choice_kind::interruption};
  if (restart != nullptr && request.kind != event_kind::choice && choose(2, from, aborted) != 0) {
    leave_section();
    std::longjmp(*restart, 1);
  }
  return given;
}

bool execution::choose_spurious(const place& from) {
  if (stage_ != stage::threads || !may_fail_spuriously()) return false;
  event request;
  request.kind = event_kind::choice;
  request.alternatives = 2;
  request.may_fail_spuriously = true;
  return perform(request, from).value != 0;
}

inline execution::answer execution::perform_by_thread(const event& request, const place& from) {
  thread_status& self = threads_[running_];
  if (self.position == graph().thread(running_).size()) return add_event(request, from);
  const event_id e = graph().thread(running_)[self.position];
  const event& held = graph()[e];
  if (!same_request(held, request)) {
    fail(fault::nondeterministic,
         "the thread asks for another operation than before" + likely_cause(held, request), from);
  }
  if (held.source != initial) {
    while (!executed(held.source)) switch_to(graph()[held.source].thread);
  }
  if (held.watched) note_standing();
  pass();
  trace(step::kind::event, from, e);
  return answer_of(e);
}

// Whether an event has written another value than it has read.
inline bool execution::changes_value(event_id id) const noexcept {
  const event& e = graph()[id];
  return e.writes() && (!e.reads() || e.value != graph().value_read(id));
}

// Whether an event has changed nothing, and would turn out the same the next time. An update that
// wrote what it found has changed nothing, either.
inline bool execution::quiet(event_id id) const noexcept {
  const event& e = graph()[id];
  if (e.kind == event_kind::choice || e.kind == event_kind::write || e.failed_spuriously)
    return false;
  return e.kind != event_kind::update ||
         (options_.prune_put_back && e.value == graph().value_read(id));
}

// Whether the running thread has not changed anything for a while.
inline bool execution::may_spin() const noexcept {
  const auto& own = graph().thread(running_);
  if (own.size() < equal_turns) return false;
  for (std::size_t back = 1; back <= equal_turns; ++back) {
    if (!quiet(own[own.size() - back])) return false;
  }
  return true;
}

execution::answer execution::add_event(event request, const place& from) {
  const unsigned self = running_;
  if (hunting()) chance_->count(self);
  for (unsigned next = next_to_run(); next != self; next = next_to_run()) {
    if (next == nobody) refuse_replay("a thread makes no such event: it has come to its end");
    switch_to(next);
  }
  if (self == options_.stopped_thread && threads_[self].position >= options_.stopped_after) {
    threads_[self].state = thread_state::stopped;
    leave_thread();
  }
  request.thread = static_cast<std::uint8_t>(self);
  request.place = intern(from);
  look_for_endless_loop(request, from);
  if (options_.find_waits && may_spin()) look_for_spin(request);
  if (++since_clock_ == 1024) look_at_clock_within();
  if (request.location != no_location) {
    request.initial_value = initial_values_[request.location];
  }
  request.may_fail_spuriously = request.may_fail_spuriously && may_fail_spuriously();
  if (schedule_.given()) {
    add_as_scheduled(request);
  } else if (hunting()) {
    explorer_.add_by_chance(request, *chance_);
    if (changes_value(graph().thread(self).back())) ++writes_;
  } else if (!explorer_.add(request)) {
    leave();
  }
  ++threads_[self].position;
  return answer_of(graph().thread(self).back());
}

void execution::add_as_scheduled(const event& request) {
  if (schedule_.done()) refuse_replay("it ends before the execution does");
  if (!schedule_.fits(request, graph())) refuse_replay("an event is of another kind");
  if (!explorer_.add_as(request, schedule_.next(graph()))) {
    refuse_replay("the memory model does not allow an event");
  }
}

void execution::refuse_replay(const char* why) {
  ended_ = ending::abandoned;
  refused_ = why;
  leave();
}

void execution::require_replayed() const {
  std::string why = refused_;
  if (why.empty() && !schedule_.done()) {
    why = "the execution ends before it does, by " + std::to_string(schedule_.left()) + " events";
  }
  if (!why.empty()) throw std::invalid_argument("replay string, not of this program: " + why);
}

execution::answer execution::answer_of(event_id e) const noexcept {
  const event& done = graph()[e];
  if (done.kind == event_kind::choice) return {done.value, false};
  if (!done.reads()) return {0, false};
  return {graph().value_read(e), done.kind == event_kind::update};
}

bool execution::may_fail_spuriously() const noexcept {
  unsigned failures = 0;
  for (std::uint32_t i = 0; i != threads_[running_].position; ++i) {
    const event& before = graph()[graph().thread(running_)[i]];
    const bool woke = before.kind == event_kind::choice && before.may_fail_spuriously;
    failures += before.failed_spuriously || (woke && before.value != 0) ? 1 : 0;
  }
  return failures < options_.spurious_failures;
}

// Alone, an operation acts on the one value that the location has.
execution::answer execution::perform_alone(const event& request) {
  if (request.location == no_location) return {0, false};
  std::uint64_t& value = initial_values_[request.location];
  const std::uint64_t old = value;
  if (request.kind == event_kind::write) {
    value = request.value;
    return {0, false};
  }
  const auto [writes, updated] = apply_update(request, old);
  if (writes) value = updated;
  return {old, writes};
}

unsigned execution::choose(unsigned alternatives, const place& from, const choice_subject& about) {
  constexpr unsigned most = 0xffff;
  if (alternatives == 0 || alternatives > most) {
    fail(fault::misuse, "choose: the number of alternatives must be 1 to 65535", from);
  }
  event request;
  request.kind = event_kind::choice;
  request.alternatives = static_cast<std::uint16_t>(alternatives);
  const auto chosen = static_cast<unsigned>(perform(request, from).value);
  if (tracing_ != nullptr && !tracing_->steps.empty()) tracing_->steps.back().about = about;
  return chosen;
}

inline location_id execution::make_location(std::uint64_t value, const void* object,
                                            const place& from, object_kind is) {
  const unsigned maker = in_threads() ? running_ : thread_count_;
  auto& names = location_names_[maker];
  const std::uint32_t ordinal = threads_[maker].locations++;
  if (ordinal == names.size()) {
    names.push_back(locations_++);
    initial_values_.push_back(0);
    location_places_.push_back({maker, ordinal, from, object, is});
  }
  initial_values_[names[ordinal]] = value;
  if (tracing_ != nullptr) location_places_[names[ordinal]] = {maker, ordinal, from, object, is};
  return names[ordinal];
}

location_id execution::find_location(std::uint64_t key, std::uint64_t value, const void* object,
                                     const place& from, object_kind is) {
  const auto [found, added] = keyed_locations_.try_emplace(key, locations_);
  if (added) {
    ++locations_;
    initial_values_.push_back(0);
    location_places_.emplace_back();
  }
  if (added || tracing_ != nullptr) {
    location_places_[found->second] = {thread_count_, 0, from, object, is};
  }
  initial_values_[found->second] = value;
  return found->second;
}

std::uint32_t execution::last_write_seen(location_id l, unsigned thread) const noexcept {
  const event& last = graph()[graph().thread(running_)[threads_[running_].position - 1]];
  const auto& co = graph().at(l).writes;
  std::size_t behind = last.writes()            ? last.position
                       : last.source == initial ? 0
                                                : graph()[last.source].position + std::size_t{1};
  while (behind-- != 0) {
    if (graph()[co[behind]].thread == thread) return graph()[co[behind]].index;
  }
  return ~std::uint32_t{0};
}

// The last in co of the writes that the running thread knows, if it knows all that were executed.
engine::settled_value execution::settled(location_id l, std::uint64_t initial_value,
                                         bool writes) const {
  engine::settled_value found{true, initial_value};
  if (!graph().has(l)) return found;
  const auto& all = graph().at(l);
  for (event_id w : all.writes) {
    if (!executed(w)) continue;
    if (knows(graph()[w].thread, graph()[w].index)) {
      found.value = graph()[w].value;
    } else {
      found.ordered = false;
    }
  }
  if (!writes) return found;
  for (event_id r : all.reads) {
    if (executed(r) && !knows(graph()[r].thread, graph()[r].index)) found.ordered = false;
  }
  return found;
}

const clock_table::lane* execution::clock() const noexcept {
  const std::uint32_t position = threads_[running_].position;
  if (position == 0) return nullptr;
  return graph().happens_before(graph().thread(running_)[position - 1]);
}

inline execution::cell_id execution::make_cell(const void* object, unsigned size,
                                               bool initialised) {
  const auto id = static_cast<cell_id>(cells_.size());
  cells_.push_back({object, threads_[running_].position, static_cast<std::uint8_t>(running_),
                    initialised, static_cast<std::uint16_t>(size)});
  uses_.resize(uses_.size() + thread_count_, 0);
  ++threads_[running_].changes;
  return id;
}

inline void execution::use_cell(cell_id id, const void* object, const place& from) {
  if (id >= cells_.size() || cells_[id].object != object) [[unlikely]] {
    if (id == engine::unwatched) return;
    fail(fault::use_after_free, "the object does not live", from, object);
  }
  if (!in_threads()) return;
  const cell& used = cells_[id];
  if (used.writer != thread_count_ && !knows(used.writer, used.written)) [[unlikely]] {
    fail(fault::data_race, "a write of another thread is not ordered before this access", from,
         object);
  }
  uses_[id * thread_count_ + running_] =
      static_cast<std::uint16_t>(threads_[running_].position + 1);
}

inline void execution::change_cell(cell_id id, const void* object, const place& from) {
  use_cell(id, object, from);
  cell& used = cells_[id];
  used.initialised = true;
  ++threads_[running_].changes;
  if (!in_threads()) return;
  for (unsigned t = 0; t != thread_count_; ++t) {
    const std::uint16_t use = uses_[id * thread_count_ + t];
    if (use != 0 && !knows(t, use - 1u)) {
      fail(fault::data_race, "an access of another thread is not ordered before this write", from,
           object);
    }
  }
  used.writer = static_cast<std::uint8_t>(running_);
  used.written = threads_[running_].position;
}

void execution::end_cell(cell_id id, const void* object) {
  change_cell(id, object, {"", "destruction", 0});
  cells_[id].object = nullptr;
}

// In front of a block stands its number.
void* execution::allocate(std::size_t size, std::size_t alignment, const place& from) {
  constexpr std::size_t header = 16;
  const std::size_t room = alignment > header ? alignment : header;
  if (size > arena::region_bytes) return nullptr;
  std::byte* user = reuse(size, alignment, from);
  if (user == nullptr) {
    void* const memory =
        arena_.allocate(in_threads() ? running_ : thread_count_, size + room, room);
    if (memory == nullptr) return nullptr;
    user = static_cast<std::byte*>(memory) + room;
  }
  const std::size_t number = blocks_.size();
  std::memcpy(user - sizeof number, &number, sizeof number);
  // Not zero: what is used before it is constructed shall not look fit for use.
  std::memset(user, 0xa5, size);
  blocks_.push_back({user, size, alignment, false});
  trace(step::kind::allocate, from, initial, user, size);
  ++threads_[running_].changes;
  return user;
}

// A freed block of this shape, if the execution is one where it is used again.
std::byte* execution::reuse(std::size_t size, std::size_t alignment, const place& from) {
  if (!in_threads() || !options_.reuse_memory || !graph().has_frees()) return nullptr;
  const std::uint32_t position = threads_[running_].position;
  if (position == 0 || reused_so_far() >= options_.reuses) return nullptr;
  graph().find_reusable(graph().thread(running_)[position - 1], shape_of(size, alignment),
                        reusable_);
  if (reusable_.empty()) return nullptr;
  event request;
  request.kind = event_kind::choice;
  request.allocates = true;
  request.expected = shape_of(size, alignment);
  request.alternatives = static_cast<std::uint16_t>(reusable_.size() + 1);
  if (perform(request, from).value == 0) return nullptr;
  const event& allocation = graph()[graph().thread(running_)[position]];
  return reinterpret_cast<std::byte*>(graph()[allocation.source].operand);
}

unsigned execution::reused_so_far() const noexcept {
  unsigned count = 0;
  if (options_.reuses == ~0u) return count;
  for (std::uint32_t i = 0; i != threads_[running_].position; ++i) {
    const event& before = graph()[graph().thread(running_)[i]];
    count += before.allocates && before.source != initial ? 1 : 0;
  }
  return count;
}

void execution::note_free(const block& freed, const place& from) {
  if (!in_threads() || !options_.reuse_memory) return;
  event request;
  request.kind = event_kind::choice;
  request.frees = true;
  request.alternatives = 1;
  request.operand = reinterpret_cast<std::uintptr_t>(freed.memory);
  request.expected = shape_of(freed.size, freed.alignment);
  perform(request, from);
}

void execution::deallocate(void* memory, const place& from, bool reusable) {
  if (memory == nullptr) return;
  std::size_t number = 0;
  if (arena_.holds(memory)) {
    std::memcpy(&number, static_cast<std::byte*>(memory) - sizeof number, sizeof number);
  }
  if (!arena_.holds(memory) || number >= blocks_.size() || blocks_[number].memory != memory) {
    fail(fault::misuse, "what is freed here was not allocated", from);
  }
  block& freed = blocks_[number];
  trace(step::kind::free, from, initial, memory, freed.size);
  if (freed.freed) fail(fault::double_free, "the block was freed before", from);
  // Objects that nobody destroyed end with their memory.
  const auto* const bytes = static_cast<const std::byte*>(freed.memory);
  for (cell_id id = 0; id != cells_.size(); ++id) {
    const void* const object = cells_[id].object;
    if (object >= bytes && object < bytes + freed.size) {
      change_cell(id, object, from);
      cells_[id].object = nullptr;
    }
  }
  freed.freed = true;
  std::memset(memory, 0xdd, freed.size);
  ++threads_[running_].changes;
  if (reusable) note_free(block(freed), from);
}

void execution::begin_iteration() noexcept {
  thread_status& self = threads_[running_];
  self.iteration = self.position;
  self.changes_at_iteration = self.changes;
  self.spins = false;
}

void execution::fail_iteration() {
  if (!in_threads()) fail(fault::deadlock, "nobody is there to end this loop", {"", "", 0});
  const thread_status& self = threads_[running_];
  if (self.changes != self.changes_at_iteration) return;
  for (std::uint32_t i = self.iteration; i != self.position; ++i) {
    if (quiet(graph().thread(running_)[i])) continue;
    if (options_.prune_put_back) block_turn(self.iteration, {});
    return;
  }
  end_turn();
}

// The running thread has made a turn in vain. Returns if it goes on all the same.
void execution::end_turn() {
  const thread_status& self = threads_[running_];
  // In what a hunt has found, a turn in vain may be followed by others.
  if (self.position != graph().thread(running_).size()) return;
  if (schedule_.given() && schedule_.has(running_)) return;
  if (hunting()) return wait_in_hunt();
  block_thread();
}

// Until there is something new to read. If nobody can go on, all are blocked.
void execution::wait_in_hunt() {
  thread_state& state = threads_[running_].state;
  state = thread_state::idle;  // what it wrote in this turn is in vain
  waits_for_[running_] = reads_newest(running_) ? writes_ + 1 : 0;
  state = thread_state::running;
  const unsigned next = next_by_chance();
  if (next == nobody) {
    for (unsigned t = 0; t != thread_count_; ++t) {
      if (threads_[t].state <= thread_state::running) threads_[t].state = thread_state::blocked;
    }
    ended_ = ending::blocked;
    leave();
  }
  if (next != running_) switch_to(next);
}

// The running thread waits for what it does not get in this execution.
void execution::block_thread() {
  threads_[running_].state = thread_state::blocked;
  if (tracing_ == nullptr && !schedule_.given() && stuck()) {
    stale_ = true;
    ended_ = ending::blocked;
    leave();
  }
  leave_thread();
}

bool execution::same_call(const event& a, const event& b) noexcept {
  return a.place == b.place && a.location == b.location && a.update == b.update;
}

// Whether two events of a thread are the same call and read and wrote the same.
bool execution::same_turn(const std::vector<event_id>& own, std::size_t a,
                          std::size_t b) const noexcept {
  const event& one = graph()[own[a]];
  const event& other = graph()[own[b]];
  return same_call(one, other) && one.kind == other.kind && one.value == other.value &&
         (!one.reads() || graph().value_read(own[a]) == graph().value_read(own[b]));
}

// Of the next event of the running thread. What is decided here depends on the events of the thread
// alone, so that it is decided again in each execution that has them.
[[gnu::noinline]] void execution::look_for_spin(event& request) {
  const auto& own = graph().thread(running_);
  const std::size_t size = own.size();
  const bool again = tracing_ != nullptr || (schedule_.given() && schedule_.done());
  bool taken = false;
  std::size_t turn = 0;
  std::size_t watched = 0;
  for (std::size_t back = 1; back <= std::min(size, 2 * longest_turn); ++back) {
    const event& before = graph()[own[size - back]];
    if (!quiet(own[size - back])) break;
    const bool here = same_call(before, request);
    if (turn == 0 && here) turn = back;
    if (!before.watched) continue;
    ++watched;
    if (hunting()) {
      chance_->yield(running_);
      return;
    }
    const auto first = static_cast<std::uint32_t>(size - back);
    const watch* const noted = watch_of(first);
    if (!here || noted == nullptr || noted->changes != threads_[running_].changes) continue;
    if (!taken) standing_now_.take(calls_that_may_wait(), fibers_[running_].end());
    taken = true;
    // Where an execution is run again it ends where it did.
    if (!again && !(noted->thread == standing_now_ && memory_as(*noted))) continue;
    threads_[running_].iteration = first;
    note_spinning();
    return end_turn();
  }
  if (turn == 0 || equal_turns * turn > size || watched == most_watches) return;
  for (std::size_t i = size - 1; i != size - 1 - (equal_turns - 1) * turn; --i) {
    if (!quiet(own[i - turn]) || !same_turn(own, i, i - turn)) return;
  }
  request.watched = true;
  note_standing();
}

void execution::note_standing() {
  auto& all = watches_[running_];
  if (watching_[running_] == all.size()) all.emplace_back();
  watch& noted = all[watching_[running_]++];
  watching_now_ = true;
  noted.position = threads_[running_].position;
  noted.thread.take(calls_that_may_wait(), fibers_[running_].end());
  noted.memory = arena_.contents();
  noted.changed = false;
  noted.changes = threads_[running_].changes;
}

const execution::watch* execution::watch_of(std::uint32_t position) const noexcept {
  const auto& all = watches_[running_];
  for (std::size_t i = watching_[running_]; i-- != 0;) {
    if (all[i].position == position) return &all[i];
  }
  return nullptr;
}

bool execution::memory_as(const watch& noted) const noexcept {
  return !noted.changed && noted.memory == arena_.contents();
}

// The next event of the running thread would be one too many, or it has done the same over and
// over.
inline void execution::look_for_endless_loop(const event& request, const place& from) {
  const auto& own = graph().thread(running_);
  const std::size_t size = own.size();
  if (size >= options_.events_per_thread || graph().size() >= max_events) {
    endless_ = size >= many_events && owned();
    give_up("makes more operations than options::events_per_thread allows", from);
  }
  constexpr std::size_t now_and_then = 32;
  if (size % now_and_then == 0 && size >= most_turns && goes_round(request)) {
    endless_ = owned();
    give_up("spins: it has gone round " + std::to_string(most_turns) +
                " times, and read and written the same each time. Let it wait with checker::await, "
                "or bound the loop; it is",
            from);
  }
}

bool execution::goes_round(const event& request) const noexcept {
  const auto& own = graph().thread(running_);
  const std::size_t size = own.size();
  std::size_t turn = 1;
  while (turn != longest_turn && !same_call(graph()[own[size - turn]], request)) ++turn;
  if (size < turn * (most_turns + 1)) return false;
  for (std::size_t i = size - 1; i != size - turn * most_turns - 1; --i) {
    if (!same_turn(own, i, i - turn)) return false;
  }
  return true;
}

// The running thread goes no further. The others do: what they do may let it go another way.
void execution::give_up(const std::string& why, const place& from) {
  if (why_cut_.empty()) {
    why_cut_ = "thread " + std::to_string(running_) + " " + why;
    if (from.line != 0)
      why_cut_.append(" at ").append(from.name()) += ":" + std::to_string(from.line);
  }
  if (hunting()) {
    endless_ = false;
    ended_ = ending::abandoned;
    leave();
  }
  if (endless_ && !options_.keep_going) {
    ended_ = ending::blocked;
    leave();
  }
  threads_[running_].state = thread_state::cut;
  leave_thread();
}

// As where a bound is met: what the others do may make the assumption hold.
void execution::exclude() {
  excluded_ = true;
  threads_[running_].state = thread_state::cut;
  if (in_threads()) leave_thread();
  ended_ = ending::blocked;
  leave();
}

void execution::end_for_fence() {
  totals_.fenced = true;
  ended_ = ending::abandoned;
  leave();
}

// A long execution is looked at, too. But a checkpoint stands between two of them.
void execution::look_at_clock_within() {
  since_clock_ = 0;
  if (!options_.checkpoint.empty() || !time_is_up()) return;
  late_ = true;
  ended_ = ending::abandoned;
  leave();
}

// Whether the iteration that has just failed fails in every graph that is found from this one. A
// read that was stale when it was added is not maximal, and never will be: its thread adds nothing
// more, so that it is in no causal prefix, and no write that hides its source goes without it. So
// it is neither revisited nor deleted.
bool execution::stuck() {
  const thread_status& self = threads_[running_];
  for (std::uint32_t i = self.iteration; i != self.position; ++i) {
    const event_id e = graph().thread(running_)[i];
    const event& read = graph()[e];
    if (!read.reads() || read.writes() || explorer_.reads_first(graph(), e)) return false;
    const auto& co = graph().at(read.location).writes;
    const std::size_t behind = read.source == initial ? 0 : graph()[read.source].position + 1u;
    bool stale = false;
    for (std::size_t w = behind; w != co.size(); ++w) stale = stale || co[w] < e;
    if (!stale) return false;
  }
  return self.iteration != self.position;
}

bool execution::block_turn(std::uint32_t position, engine::span changed) {
  const unsigned own = running_;
  thread_status& self = threads_[own];
  // Where it has events yet to make, it went on: others saw what it did.
  if (!in_threads() || self.position != graph().thread(own).size()) return false;
  bool wrote = false;
  for (std::uint32_t i = position; i != self.position; ++i) {
    const event& done = graph()[graph().thread(own)[i]];
    if (done.kind == event_kind::choice || done.failed_spuriously) return false;
    wrote = wrote || done.writes();
  }
  self.iteration = position;
  self.changed = changed;
  if (schedule_.given() && schedule_.has(own)) return true;
  if (hunting()) {
    if (wrote && !may_be_in_vain(own)) return false;
    wait_in_hunt();
    return true;
  }
  if (!wrote) {
    self.state = thread_state::blocked;
    if (stuck()) {
      ended_ = ending::blocked;
      leave();
    }
    leave_thread();
    leave();
  }
  co_decides_ = true;
  if (!may_be_in_vain(own)) return false;
  self.state = thread_state::idle;
  if (!alike_in(options_).empty()) {
    note(fault::cut, "a thread waits in a loop that writes: no threads can be taken for alike");
  }
  unsigned next = next_to_run();
  if (next == nobody) next = no_longer_idle();
  if (next == nobody) end_execution();
  if (next != own) switch_to(next);
  self.state = thread_state::running;
  return true;
}

// Whether e belongs to a turn that its thread makes in vain.
bool execution::of_turn(event_id e) const noexcept {
  const thread_status& maker = threads_[graph()[e].thread];
  return (maker.state == thread_state::blocked || maker.state == thread_state::idle) &&
         graph()[e].index >= maker.iteration;
}

// Whether a thread's last turn may leave the memory as it was: of each location, what it added it
// has taken back; or what it wrote stands together in co, from an update to the value that this
// read.
bool execution::may_be_in_vain(unsigned thread) const noexcept {
  const auto& own = graph().thread(thread);
  const std::uint32_t begin = threads_[thread].iteration;
  for (std::uint32_t i = begin; i != own.size(); ++i) {
    const event& first = graph()[own[i]];
    if (!first.writes()) continue;
    std::uint64_t added = 0;
    bool adds = true;
    for (std::uint32_t k = begin; k != own.size(); ++k) {
      const event& each = graph()[own[k]];
      if (!each.writes() || each.location != first.location) continue;
      adds = adds && (each.update == update_kind::add || each.update == update_kind::sub);
      added += each.update == update_kind::add ? each.operand : 0 - each.operand;
    }
    if (adds && (added & first.mask) == 0) continue;
    const auto& co = graph().at(first.location).writes;
    const auto mine = [&](event_id e) {
      return graph()[e].thread == thread && graph()[e].index >= begin;
    };
    if (first.position != 0 && mine(co[first.position - 1u])) continue;
    std::size_t last = first.position;
    while (last + 1 != co.size() && mine(co[last + 1])) ++last;
    if (!is_as_before(own[i], co[last])) return false;
  }
  return true;
}

// Whether the writes of one location from `first` to `last`, which stand together in co, leave it
// as it was. Who reads the last of them may then read what was there before.
bool execution::is_as_before(event_id first, event_id last) const noexcept {
  const event& head = graph()[first];
  const event& tail = graph()[last];
  if (head.kind == event_kind::update) return tail.value == graph().value_read(first);
  // A store reads nothing. It finds what its own thread has stored there last, if that stands in
  // front of it; who reads that instead must not synchronise with more.
  if (head.position == 0) return false;
  const event& before = graph()[graph().at(head.location).writes[head.position - 1u]];
  return before.thread == head.thread && before.kind == event_kind::write &&
         tail.kind == event_kind::write && before.value == tail.value &&
         (releases(tail.success) || !releases(before.success));
}

// Whether all would be as it is without the last turn of a thread, and those of others that go
// round in vain. What they wrote, where it stands together in co, ends with the value that was
// there before, and nobody else has read it on the way: so who reads the last of it may read that
// one. A store behind an update may be the head of a release sequence: then the update that the
// same thread made before has to acquire, so that the store passes on what it read.
bool execution::leaves_no_trace(unsigned thread) const noexcept {
  const auto& own = graph().thread(thread);
  const engine::span changed = threads_[thread].changed;
  for (std::uint32_t i = threads_[thread].iteration; i != own.size(); ++i) {
    const event& written = graph()[own[i]];
    if (!written.writes()) continue;
    const auto& accesses = graph().at(written.location);
    const auto& co = accesses.writes;
    std::size_t first = written.position;
    std::size_t last = written.position;
    while (first != 0 && of_turn(co[first - 1])) --first;
    while (last + 1 != co.size() && of_turn(co[last + 1])) ++last;
    const event& head = graph()[co[first]];
    if (!is_as_before(co[first], co[last])) return false;
    if (head.kind != event_kind::update) {
      const auto by_another = [&](event_id e) {
        return graph()[e].thread != thread || graph()[e].kind != event_kind::write;
      };
      if (std::any_of(co.data() + first, co.data() + last + 1, by_another)) return false;
    } else if (written.kind == event_kind::write) {
      std::size_t before = written.position;
      while (before != first && graph()[co[before - 1]].thread == thread) --before;
      const event& chain = graph()[co[before]];
      if (chain.kind != event_kind::update || !acquires(chain.success)) return false;
    }
    const bool shows_changes = i >= changed.begin && i < changed.end;
    if (written.position == last && !shows_changes) continue;
    for (event_id r : accesses.reads) {
      if (graph()[r].source == own[i] && graph()[r].thread != thread && !of_turn(r)) return false;
    }
  }
  return true;
}

// A thread that was taken to go round in vain, and that others have seen since.
unsigned execution::no_longer_idle() const noexcept {
  for (unsigned t : order_) {
    if (threads_[t].state == thread_state::idle && !leaves_no_trace(t)) return t;
  }
  return nobody;
}

void execution::give_up_thread(engine::surrender why) {
  thread_status& self = threads_[running_];
  self.iteration = self.position;
  excluded_ = excluded_ || why == engine::surrender::excluded;
  self.state = why == engine::surrender::waits      ? thread_state::blocked
               : why == engine::surrender::excluded ? thread_state::excluded
                                                    : thread_state::stopped;
  leave_thread();
  leave();
}

void execution::add_outcome(std::string_view text) {
  if (!outcome_.empty()) outcome_ += "; ";
  outcome_ += text;
}

void execution::fail(fault what, std::string text, const place& from, const void* object) {
  if (what == fault::cut && in_threads()) give_up(text, from);
  trace(step::kind::fault, from, initial, object);
  failing_ = running_;
  ended_ = ending::abandoned;
  note(what, std::move(text));
  leave();
}

void execution::note_step(step::kind what, const place& from, event_id e, const void* object,
                          std::uint64_t value) {
  step added;
  added.what = what;
  added.thread = running_;
  added.e = e;
  added.object = object;
  added.value = value;
  added.from = from;
  tracing_->steps.push_back(added);
}

void execution::trace_plain(bool write, const void* object, std::uint64_t value,
                            const place& from) {
  trace(write ? step::kind::plain_write : step::kind::plain_read, from, initial, object, value);
}

std::uint32_t execution::intern(const place& from) {
  const std::uint64_t key = reinterpret_cast<std::uintptr_t>(from.file) * 31 + from.line;
  const auto known = place_names_.find(key);
  if (known != place_names_.end()) return known->second;
  // A checkpoint brings places whose files are named elsewhere in memory.
  const auto same = std::find_if(places_.begin(), places_.end(), [&](const place& each) {
    return each.line == from.line && std::strcmp(each.file, from.file) == 0;
  });
  const auto number = static_cast<std::uint32_t>(same - places_.begin());
  if (same == places_.end()) places_.push_back(from);
  place_names_.emplace(key, number);
  return number;
}

// What front ends call. Each is one call into this file: what it calls is inlined where that pays.

namespace {

event request_of(event_kind kind, unsigned size, location_id location, order o) noexcept {
  event asked;
  asked.kind = kind;
  asked.location = location;
  asked.mask = ~std::uint64_t{0} >> (64 - 8 * size);
  asked.success = o;
  asked.failure = o;
  return asked;
}

// What a report shows of plain memory.
std::uint64_t shown(const void* bytes, unsigned size) noexcept {
  std::uint64_t word = 0;
  std::memcpy(&word, bytes, std::min<std::size_t>(size, sizeof word));
  return word;
}

}  // namespace

namespace engine {

bool running() noexcept { return execution::running(); }
bool in_threads() noexcept { return execution::current().in_threads(); }
unsigned thread() noexcept { return execution::current().thread(); }

handle begin_atomic(const void* address, unsigned size, std::uint64_t value, const place& from,
                    object_kind is) {
  execution& now = execution::current();
  const location_id location = now.make_location(value, address, from, is);
  return {location, now.make_cell(address, size, true)};
}

life_id begin_plain(const void* address, unsigned size, bool initialised) {
  return execution::current().make_cell(address, size, initialised);
}

void end(const void* address, life_id life) { execution::current().end_cell(life, address); }

location_id find_location(std::uint64_t key, std::uint64_t value, const void* object,
                          const place& from, object_kind is) {
  return execution::current().find_location(key, value, object, from, is);
}

std::uint32_t last_write_seen(location_id location, unsigned thread) {
  return execution::current().last_write_seen(location, thread);
}

settled_value settled(location_id location, std::uint64_t initial_value, bool writes) {
  return execution::current().settled(location, initial_value, writes);
}

std::uint64_t last_value(location_id location, std::uint64_t initial_value) {
  return execution::current().last_value(location, initial_value);
}

knowledge look() noexcept { return execution::current().look(); }

bool block_turn(std::uint32_t position, span changed) {
  execution::current().note_spinning();
  return execution::current().block_turn(position, changed);
}
void give_up_thread(surrender why, std::string_view text) {
  if (!text.empty()) execution::current().cut_turns(std::string(text));
  execution::current().give_up_thread(why);
}
void give_way() noexcept { execution::current().give_way(); }
void end_process() noexcept { execution::current().end_process(); }
void end_thread() { execution::current().end_thread(); }

unsigned start_thread(const place& from) { return execution::current().start_thread(from); }
void join_thread(unsigned index, const place& from) {
  execution::current().join_thread(index, from);
}

bool tracing() noexcept { return execution::current().tracing(); }
std::size_t note_plain(bool write, const void* object, std::uint64_t value, const place& from) {
  execution& now = execution::current();
  now.trace_plain(write, object, value, from);
  return now.traced() - 1;
}
void correct_plain(std::size_t step, std::uint64_t value) {
  execution::current().correct_step(step, value);
}

const std::byte* stack_end() noexcept { return execution::current().stack_end(); }

std::uint64_t load(const void* address, unsigned size, handle known, order o, const place& from) {
  execution& now = execution::current();
  now.use_cell(known.life, address, from);
  const event* const held = now.held(known.location);
  if (held != nullptr && held->kind == event_kind::read && held->update == update_kind::none) {
    now.pass();
    return now.value_read(*held);
  }
  return now.perform(request_of(event_kind::read, size, known.location, o), from).value;
}

void store(const void* address, unsigned size, handle known, std::uint64_t value, order o,
           const place& from) {
  execution& now = execution::current();
  now.use_cell(known.life, address, from);
  const event* const held = now.held(known.location);
  if (held != nullptr && held->kind == event_kind::write && held->value == value) {
    now.pass();
    return;
  }
  event asked = request_of(event_kind::write, size, known.location, o);
  asked.value = value;
  now.perform(asked, from);
}

std::uint64_t update(const void* address, unsigned size, handle known, update_kind kind,
                     std::uint64_t operand, order o, const place& from) {
  execution& now = execution::current();
  now.use_cell(known.life, address, from);
  const event* const held = now.held(known.location);
  if (held != nullptr && held->update == kind && held->operand == operand) {
    now.pass();
    return now.value_read(*held);
  }
  event asked = request_of(event_kind::update, size, known.location, o);
  asked.update = kind;
  asked.operand = operand;
  return now.perform(asked, from).value;
}

bool compare_exchange(const void* address, unsigned size, handle known, std::uint64_t& expected,
                      std::uint64_t desired, compare_orders orders, const place& from) {
  execution& now = execution::current();
  now.use_cell(known.life, address, from);
  const event* const held = now.held(known.location);
  if (held != nullptr && held->update == update_kind::compare && held->operand == desired &&
      held->expected == expected) {
    now.pass();
    if (held->kind == event_kind::update) return true;
    expected = now.value_read(*held);
    return false;
  }
  event asked = request_of(event_kind::update, size, known.location, orders.success);
  asked.update = update_kind::compare;
  asked.failure = orders.failure;
  asked.expected = expected;
  asked.operand = desired;
  asked.may_fail_spuriously = orders.weak;
  const execution::answer got = now.perform(asked, from);
  if (!got.updated) expected = got.value;
  return got.updated;
}

void fence(order o, const place& from) {
  execution& now = execution::current();
  if (acquires(o) || o == order::light) now.expect_fence();
  event asked;
  asked.kind = event_kind::fence;
  asked.success = asked.failure = o;
  now.perform(asked, from);
}

void read(const void* address, unsigned size, life_id life, const place& from) {
  execution& now = execution::current();
  now.use_cell(life, address, from);
  if (!now.cell_initialised(life)) {
    now.fail(fault::uninitialised_read, "the variable has no value yet", from, address);
  }
  if (now.tracing()) now.trace_plain(false, address, shown(address, size), from);
}

void write(const void* address, unsigned size, life_id life, const void* bytes, const place& from) {
  execution& now = execution::current();
  if (now.tracing()) now.trace_plain(true, address, shown(bytes, size), from);
  now.change_cell(life, address, from);
}

void* allocate(std::size_t size, std::size_t alignment, const place& from) {
  return execution::current().allocate(size, alignment, from);
}
void* allocate_static(std::size_t size, std::size_t alignment) noexcept {
  return execution::current().make_static(size, alignment);
}
void deallocate(void* memory, const place& from, bool reusable) {
  execution::current().deallocate(memory, from, reusable);
}

unsigned choose(unsigned alternatives, const place& from, const choice_subject& about) {
  return execution::current().choose(alternatives, from, about);
}
bool choose_spurious(const place& from) { return execution::current().choose_spurious(from); }

void begin_iteration() noexcept { execution::current().begin_iteration(); }
void fail_iteration() { execution::current().fail_iteration(); }

void enter_section(std::jmp_buf* restart) noexcept { execution::current().enter_section(restart); }
void leave_section() noexcept { execution::current().leave_section(); }

moment mark() noexcept { return execution::current().mark(); }
bool happened_before(const moment& then) noexcept {
  return execution::current().happened_before(then);
}

void exclude() { execution::current().exclude(); }

void add_outcome(std::string_view text) { execution::current().add_outcome(text); }

void fail(fault what, std::string_view text, const place& from, const void* object) {
  execution::current().fail(what, std::string(text), from, object);
}

}  // namespace engine

// Of model.hpp, which takes what printf takes.
void outcome(const char* format, ...) {
  char text[256];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  engine::add_outcome(text);
}

}  // namespace checker

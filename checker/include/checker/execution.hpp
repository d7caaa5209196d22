// Runs a program, again and again, against the graphs of the explorer.
//
// The threads of the program are fibers. Each operation on shared data comes here: one that has an
// event in the graph is answered from it, a new one becomes an event. Plain data lies in native
// memory. So that it holds what the graph says, a read is answered only when its source has been
// executed again; and new events are added only when all of the graph has been.
//
// Before and after its threads the program runs alone: `start` makes what the threads share, and
// `finish` looks at it when they are done. Neither adds events: what start writes is the initial
// value of its location, and finish reads the co-latest.
//
// Stands on: arena, counterexample, explorer, fiber, outcome_set, place, schedule.
#pragma once

#include "arena.hpp"
#include "counterexample.hpp"
#include "explorer.hpp"
#include "fiber.hpp"
#include "outcome_set.hpp"
#include "place.hpp"
#include "schedule.hpp"

#include <algorithm>
#include <chrono>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <functional>
#include <memory>
#include <numeric>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace checker {

// What is run: `start`, then every thread, then `finish`.
class program {
 public:
  virtual ~program() = default;
  virtual unsigned threads() const = 0;
  virtual void start() = 0;
  virtual void thread(unsigned index) = 0;
  virtual void finish() = 0;
  // What finish does with the final values of the locations. Graphs that differ only in where a
  // last write stands in co need not run the threads again, unless finish changes what they left.
  enum class finishing : std::uint8_t { ignores_values, looks, changes };
  virtual finishing finishes_by() const { return finishing::changes; }
};

// 128 bits, added over all complete graphs: two searches that visit the same graphs agree.
struct graph_hash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  void add(std::uint64_t l, std::uint64_t h) noexcept {
    low += l;
    high += h + (low < l ? 1 : 0);
  }
  friend bool operator==(const graph_hash&, const graph_hash&) = default;
};

// How many complete executions a search will find, and the error of that: see estimate.hpp.
struct size_estimate {
  double executions = 0;
  double error = 0;
  bool known = false;
  bool rough = false;  // the samples were too narrow: it may be much too low, whatever the error
};

// What is known while a search goes on.
struct progress {
  std::uint64_t complete = 0;
  size_estimate estimate;
};

struct statistics {
  std::uint64_t complete = 0;
  std::uint64_t blocked = 0;
  std::uint64_t errors = 0;
  std::uint64_t cut = 0;
  std::uint64_t duplicates = 0;  // among the graphs that options::remember_graphs let it compare
  std::uint64_t runs = 0;        // of the program
  graph_hash hash;
  outcome_set outcomes;
  // By thread: the most events that it made in an execution that was complete or blocked.
  std::vector<std::uint32_t> longest;
  // Of the first error: runs it again.
  std::string replay;
  // The first error, with all that a report needs.
  std::optional<counterexample> first;

  // Of the size of the whole search, if options::estimate_seconds asked for it.
  size_estimate estimate;

  // The sum of two parts of one search.
  void add(const statistics& part) {
    complete += part.complete;
    blocked += part.blocked;
    errors += part.errors;
    cut += part.cut;
    duplicates += part.duplicates;
    runs += part.runs;
    hash.add(part.hash.low, part.hash.high);
    outcomes.add(part.outcomes);
    longest.resize(std::max(longest.size(), part.longest.size()), 0);
    std::transform(part.longest.begin(), part.longest.end(), longest.begin(), longest.begin(),
                   [](std::uint32_t a, std::uint32_t b) { return std::max(a, b); });
    if (replay.empty()) replay = part.replay;
  }

  // All but `first` and `estimate`.
  void store(archive& file) {
    file(complete);
    file(blocked);
    file(errors);
    file(cut);
    file(duplicates);
    file(runs);
    file(hash);
    outcomes.store(file);
    file(longest);
    file(replay);
  }
};

struct options {
  memory_model model = memory_model::rc11;
  // How many weak compare-and-swaps of each thread may fail for no reason.
  unsigned spurious_failures = 1;
  // A thread that makes so many events and then nothing, for ever: the others must return. What
  // `finish` would check is not checked then.
  std::optional<unsigned> stopped_thread = {};
  unsigned stopped_after = 0;
  // Whether memory that was freed may be allocated again in the same execution: both are tried.
  bool reuse_memory = true;
  // Whether the search goes on after an error.
  bool keep_going = false;
  // A thread with more events than this is cut.
  unsigned events_per_thread = 10'000;
  // Which part of the search is done: part `part` of `parts`.
  unsigned part = 0;
  unsigned parts = 1;
  // A file that the search is written to every `checkpoint_seconds`, and that it goes on from if it
  // is there. Removed when the search is done.
  std::string checkpoint = {};
  double checkpoint_seconds = 30;
  // The search ends, and is reported as cut, after so many seconds.
  double seconds = 0;  // 0: no limit
  // Called about ten times a second.
  std::function<void(const progress&)> on_progress = {};
  // So long the size of the search may be estimated, if it is not done at once; 0: it is not
  // estimated.
  double estimate_seconds = 0;
  // The threads' turn to add an event: thread order[0] first. Empty: by index.
  std::vector<unsigned> order = {};
  // How many complete graphs are remembered, to count duplicates: a test of the search.
  std::size_t remember_graphs = 0;
  // How reports call the program.
  std::string name = {};
  // Runs this one execution: what a counterexample's `replay` says. One that is cut off, or is of
  // another program, is refused where that shows: explore throws std::invalid_argument.
  std::string replay = {};
  // Called for every complete execution; for tests.
  std::function<void(const execution_graph&)> on_complete = {};
};

class execution {
 public:
  execution(program& checked, const options& chosen);
  execution(const execution&) = delete;
  execution& operator=(const execution&) = delete;
  ~execution() { current_ = nullptr; }

  // The one that is running on this process's only thread.
  static execution& current() noexcept {
    if (current_ == nullptr) not_running();
    return *current_;
  }
  static bool running() noexcept { return current_ != nullptr; }

  statistics explore();

  // One step of all executions that begin as this graph: puts the graphs that come next into
  // `next`. True if there are none because the execution is complete. For estimates.
  bool expand(const execution_graph& from, std::vector<execution_graph>& next);
  explorer& search() noexcept { return explorer_; }

  // The place in the source that the events of a graph call by this number.
  const place& where(std::uint32_t number) const noexcept { return places_[number]; }

  // What the objects of the program call.

  enum class stage : std::uint8_t { start, threads, finish };
  bool in_threads() const noexcept { return stage_ == stage::threads; }
  unsigned thread() const noexcept { return running_; }

  // An atomic operation, or a fence.
  struct answer {
    std::uint64_t value;  // that was read, or 0
    bool updated;         // whether an update has written
  };
  answer perform(const event& request, const place& from);

  // A moment in the running thread, and whether what it did until then happens before what the
  // thread that asks does next.
  struct moment {
    unsigned thread = 0;
    std::uint32_t position = 0;
  };
  moment mark() const noexcept { return {running_, threads_[running_].position}; }
  bool happened_before(const moment& then) const noexcept {
    return !in_threads() || then.thread == thread_count_ || then.position == 0 ||
           knows(then.thread, then.position - 1);
  }

  // A choice of one in `alternatives`, the first of which is tried first.
  unsigned choose(unsigned alternatives, const place& from);

  // A choice that is offered only while the thread has spurious failures left.
  bool choose_spurious(const place& from);

  // Until leave_section, the running thread may be aborted after each operation: it then goes on at
  // `restart`. Null: it may not.
  void enter_section(std::jmp_buf* restart) noexcept { threads_[running_].restart = restart; }
  void leave_section() noexcept { threads_[running_].restart = nullptr; }

  // A new location.
  location_id make_location(std::uint64_t value, const void* object, const place& from);

  // The life and accesses of an object that threads share, for races: its construction and
  // destruction are writes.
  using cell_id = std::uint32_t;
  cell_id make_cell(const void* object, bool initialised);
  void use_cell(cell_id id, const void* object, const place& from);
  void change_cell(cell_id id, const void* object, const place& from);
  void end_cell(cell_id id, const void* object);
  void trace_plain(bool write, const void* object, std::uint64_t value, const place& from);
  bool cell_initialised(cell_id id) const noexcept { return cells_[id].initialised; }

  void* allocate(std::size_t size, std::size_t alignment, const place& from);
  // Memory that nobody has to give back: of the process rather than of its heap.
  void* make_static(std::size_t size, std::size_t alignment) noexcept {
    return arena_.allocate(thread_count_, size, alignment);
  }
  void deallocate(void* memory, const place& from);

  // Of a loop that waits: an iteration begins, and ends without success. If it changed nothing, its
  // thread is blocked.
  void begin_iteration() noexcept;
  void fail_iteration();

  void add_outcome(std::string_view text);
  // `object`: what was accessed, if anything.
  [[noreturn]] void fail(fault what, std::string text, const place& from,
                         const void* object = nullptr);

 private:
  enum class thread_state : std::uint8_t { unstarted, running, blocked, stopped, finished };

  struct thread_status {
    thread_state state = thread_state::unstarted;
    std::uint32_t position = 0;   // events that have been executed again
    std::uint32_t locations = 0;  // made so far
    std::uint32_t iteration = 0;  // position at the start of the iteration
    std::uint64_t changes = 0;    // of plain data and memory
    std::jmp_buf* restart = nullptr;
    std::uint64_t changes_at_iteration = 0;
  };

  // Who wrote and who used a cell, in the threads' own time: their positions.
  struct cell {
    const void* object;
    std::uint32_t written;
    std::uint8_t writer;
    bool initialised;
  };

  struct block {
    void* memory;
    std::size_t size;
    std::size_t alignment;
    bool freed;
  };

  static std::uint64_t shape_of(std::size_t size, std::size_t alignment) noexcept {
    return std::uint64_t{size} << 16 | alignment;
  }

  static constexpr unsigned nobody = ~0u;
  static constexpr unsigned most_threads = 254;
  static constexpr std::size_t stack_bytes = std::size_t{256} << 10;

  [[noreturn]] static void not_running();
  static void run_fiber();

  void run();
  bool next();
  bool look_at_clock();
  bool time_is_up() const;
  bool divide();
  void store(archive& file);
  void save();
  bool resume();
  void reset();
  void run_threads();
  void finish();
  void capture();
  void trace(step::kind what, const place& from, event_id e, const void* object = nullptr,
             std::uint64_t value = 0);
  bool run_alone(stage now);
  void record();
  void record_again();
  bool deadlocked() const noexcept;
  void add_hash();
  void remember(const graph_hash& graph);
  void note(fault what, std::string text);
  // Whether this execution is counted here, or in another part of the search.
  bool owned() {
    if (!owned_) owned_ = explorer_.owns_execution();
    return *owned_;
  }
  bool stopped() const noexcept { return totals_.errors != 0 && !options_.keep_going; }

  const execution_graph& graph() const noexcept { return explorer_.graph(); }
  bool executed(event_id e) const noexcept {
    return graph()[e].index < threads_[graph()[e].thread].position;
  }
  const clock_table::lane* clock() const noexcept;
  bool knows(unsigned thread, std::uint32_t time) const noexcept {
    if (thread == running_) return true;
    const auto* const known = clock();
    return known != nullptr && known[thread] > time;
  }
  answer perform_by_thread(const event& request, const place& from);
  answer perform_alone(const event& request);
  answer add_event(event request, const place& from);
  answer answer_of(event_id e) const noexcept;
  bool may_fail_spuriously() const noexcept;
  static bool same_request(const event& held, const event& asked) noexcept;
  bool stuck() const noexcept;
  std::byte* reuse(std::size_t size, std::size_t alignment, const place& from);
  void note_free(const block& freed, const place& from);
  unsigned next_to_run() const noexcept;
  void switch_to(unsigned thread);
  void leave_thread();
  [[noreturn]] void leave();
  void add_as_scheduled(const event& request);
  [[noreturn]] void refuse_replay(const char* why);
  void require_replayed() const;
  std::uint32_t intern(const place& from);

  inline static execution* current_ = nullptr;

  program& program_;
  const options options_;
  const unsigned thread_count_;
  explorer explorer_;
  arena arena_;
  stage stage_ = stage::start;
  unsigned running_ = 0;
  std::size_t left_to_replay_ = 0;
  std::vector<thread_status> threads_;
  std::vector<unsigned> order_;
  std::unique_ptr<fiber[]> fibers_;
  fiber main_;
  // How the last run ended.
  enum class ending : std::uint8_t { complete, blocked, abandoned };
  ending ended_ = ending::complete;
  std::optional<bool> owned_;

  std::vector<std::uint64_t> initial_values_;
  std::vector<std::vector<location_id>> location_names_;  // by thread and ordinal
  location_id locations_ = 0;
  std::vector<cell> cells_;
  std::vector<std::uint16_t> uses_;  // of each cell by each thread: one more than the time
  std::vector<block> blocks_;
  std::vector<event_id> reusable_;
  std::vector<place> places_;
  std::unordered_map<std::uint64_t, std::uint32_t> place_names_;
  struct hash_of_hash {
    std::size_t operator()(const graph_hash& of) const noexcept { return of.low; }
  };
  std::unordered_set<graph_hash, hash_of_hash> remembered_;
  std::vector<named_location> location_places_;
  std::string outcome_;
  statistics totals_;
  std::chrono::steady_clock::time_point started_, last_checkpoint_, last_progress_;
  std::uint64_t resumed_at_ = ~std::uint64_t{0};
  schedule schedule_;                  // of the one execution that is replayed
  std::string refused_;                // why it cannot be
  counterexample* tracing_ = nullptr;  // while its execution is run once more
};

inline execution::execution(program& checked, const options& chosen)
    : program_(checked),
      options_(chosen),
      thread_count_(checked.threads()),
      explorer_(thread_count_, chosen.model),
      arena_(thread_count_ + 1),
      order_(chosen.order),
      fibers_(new fiber[thread_count_ + 1]),
      schedule_(schedule::parse(chosen.replay, thread_count_)) {
  if (current_ != nullptr) {
    std::fprintf(stderr, "checker: a search cannot run inside another\n");
    std::exit(2);
  }
  if (thread_count_ == 0 || thread_count_ > most_threads) {
    throw std::invalid_argument("checker: a program needs 1 to 254 threads");
  }
  for (unsigned t = 0; t <= thread_count_; ++t) fibers_[t].allocate(stack_bytes);
  std::vector<unsigned> all(thread_count_);
  std::iota(all.begin(), all.end(), 0u);
  if (order_.empty()) order_ = all;
  if (!std::is_permutation(order_.begin(), order_.end(), all.begin(), all.end())) {
    throw std::invalid_argument("options::order: it must name each thread once");
  }
  location_names_.resize(thread_count_ + 1);
  current_ = this;
}

inline void execution::not_running() {
  std::fprintf(stderr,
               "checker: an object of the checked program is used outside of it. Make what the "
               "threads share in the model, not as a static.\n");
  std::exit(2);
}

inline statistics execution::explore() {
  started_ = last_checkpoint_ = std::chrono::steady_clock::now();
  if (options_.parts > 1 && !divide()) return std::move(totals_);
  if (!resume()) run();
  if (schedule_.given()) require_replayed();
  while (next()) {
  }
  if (!options_.checkpoint.empty() && totals_.cut == 0) std::remove(options_.checkpoint.c_str());
  return std::move(totals_);
}

inline bool execution::expand(const execution_graph& from, std::vector<execution_graph>& next) {
  explorer_.collect(from, next);
  run_threads();
  // The first that came next ended this run; here are the others.
  explorer_.advance();
  return ended_ == ending::complete;
}

// The next execution. False if there is none.
inline bool execution::next() {
  if (totals_.first && totals_.first->steps.empty()) capture();
  if (schedule_.given() || stopped()) return false;
  if (totals_.runs % 256 == 0 && totals_.runs != resumed_at_ && !look_at_clock()) return false;
  switch (explorer_.advance()) {
    case explorer::next_graph::none:
      return false;
    case explorer::next_graph::same_program:
      if (ended_ != ending::abandoned && program_.finishes_by() != program::finishing::changes) {
        record_again();
        return true;
      }
      break;
    case explorer::next_graph::to_run:
      break;
  }
  run();
  return true;
}

// What is done from time to time. False if the time is up.
inline bool execution::look_at_clock() {
  const auto now = std::chrono::steady_clock::now();
  const auto seconds_since = [now](auto then) {
    return std::chrono::duration<double>(now - then).count();
  };
  if (options_.on_progress && seconds_since(last_progress_) > 0.1) {
    last_progress_ = now;
    options_.on_progress({totals_.complete, {}});
  }
  const bool done = time_is_up();
  if (!options_.checkpoint.empty() &&
      (done || seconds_since(last_checkpoint_) > options_.checkpoint_seconds)) {
    last_checkpoint_ = now;
    save();
  }
  if (done) ++totals_.cut;
  return !done;
}

inline bool execution::time_is_up() const {
  const auto elapsed = std::chrono::steady_clock::now() - started_;
  return options_.seconds > 0 && elapsed > std::chrono::duration<double>(options_.seconds);
}

// Finds the depth at which there are enough subtrees to be divided evenly: 64 for each part. False
// if the time was up before.
inline bool execution::divide() {
  share mine{options_.part, options_.parts, 0};
  for (mine.depth = 4;; mine.depth += 2) {
    // A part that gets nothing: the top of the tree is walked, and the subtrees are counted.
    explorer_.take({~0u, ~0u, mine.depth});
    run();
    while (explorer_.advance() != explorer::next_graph::none) {
      if (totals_.runs % 256 == 0 && time_is_up()) {
        totals_ = {};
        totals_.cut = 1;
        return false;
      }
      run();
    }
    const bool enough =
        explorer_.divided() >= 64 * std::uint64_t{mine.parts} || !explorer_.has_subtrees();
    explorer_.restart();
    if (enough) break;
  }
  totals_ = {};
  explorer_.take(mine);
  return true;
}

inline void execution::store(archive& file) {
  file.same(options_.name, "program");
  file.same(options_.spurious_failures, "search: options::spurious_failures");
  file.same(options_.reuse_memory, "search: options::reuse_memory");
  file.same(options_.stopped_thread.value_or(thread_count_), "search: options::stopped_thread");
  file.same(options_.stopped_after, "search: options::stopped_after");
  explorer_.store(file);
  file(location_names_);
  file(locations_);
  file(initial_values_);
  totals_.store(file);
  if (file.reading()) location_places_.resize(locations_);
}

// The old file stays until the new one is whole.
inline void execution::save() {
  const std::string whole = options_.checkpoint + ".new";
  {
    std::ofstream out(whole, std::ios::binary | std::ios::trunc);
    archive file(out);
    store(file);
  }
  if (std::rename(whole.c_str(), options_.checkpoint.c_str()) != 0) {
    std::perror(("checker: " + options_.checkpoint).c_str());
  }
}

inline bool execution::resume() {
  if (options_.checkpoint.empty()) return false;
  std::ifstream in(options_.checkpoint, std::ios::binary);
  if (!in) return false;
  archive file(in);
  store(file);
  resumed_at_ = totals_.runs;  // a search with little time goes on nevertheless
  ended_ = ending::abandoned;
  return true;
}

inline void execution::reset() {
  arena_.reset();
  threads_.assign(thread_count_ + 1, {});
  cells_.clear();
  uses_.clear();
  blocks_.clear();
  outcome_.clear();
}

inline void execution::run() {
  ++totals_.runs;
  owned_.reset();
  run_threads();
  if (ended_ != ending::abandoned) record();
}

inline void execution::run_threads() {
  reset();
  ended_ = ending::abandoned;
  if (!run_alone(stage::start)) return;
  stage_ = stage::threads;
  left_to_replay_ = graph().size();
  running_ = thread_count_;
  switch_to(next_to_run());
}

// Runs `start` or `finish`, in a fiber, so that a fault can leave it. True if it came to its end.
inline bool execution::run_alone(stage now) {
  stage_ = now;
  running_ = thread_count_;
  threads_[running_].state = thread_state::running;
  fibers_[running_].start(run_fiber);
  main_.switch_to(fibers_[running_]);
  return threads_[thread_count_].state == thread_state::finished;
}

inline void execution::run_fiber() {
  execution& self = *current_;
  self.fibers_[self.running_].entered();
  switch (self.stage_) {
    case stage::start:
      self.program_.start();
      break;
    case stage::threads:
      self.program_.thread(self.running_);
      break;
    case stage::finish:
      self.program_.finish();
      break;
  }
  self.threads_[self.running_].state = thread_state::finished;
  self.leave_thread();
}

// The running thread has nothing more to do in this execution.
inline void execution::leave_thread() {
  if (stage_ == stage::threads) {
    if (threads_[running_].position < graph().thread(running_).size()) {
      fail(fault::nondeterministic, "the thread ends earlier than before", {"", "", 0});
    }
    const unsigned next = next_to_run();
    if (next != nobody) switch_to(next);
    ended_ = ending::complete;
    for (unsigned t = 0; t != thread_count_; ++t) {
      if (threads_[t].state == thread_state::blocked) ended_ = ending::blocked;
    }
  }
  leave();
}

inline unsigned execution::next_to_run() const noexcept {
  if (!schedule_.done() && left_to_replay_ == 0) {
    const unsigned scheduled = schedule_.next_thread();
    return threads_[scheduled].state <= thread_state::running ? scheduled : nobody;
  }
  if (left_to_replay_ != 0) {
    for (unsigned t : order_) {
      if (threads_[t].position < graph().thread(t).size()) return t;
    }
  }
  for (unsigned t : order_) {
    if (threads_[t].state <= thread_state::running) return t;
  }
  return nobody;
}

inline void execution::switch_to(unsigned thread) {
  fiber& from = stage_ == stage::threads && running_ != thread_count_ ? fibers_[running_] : main_;
  running_ = thread;
  if (threads_[thread].state == thread_state::unstarted) {
    threads_[thread].state = thread_state::running;
    fibers_[thread].start(run_fiber);
  }
  from.switch_to(fibers_[thread]);
}

inline void execution::leave() {
  fibers_[running_].switch_to(main_);
  std::abort();  // nobody comes back to a fiber that has left
}

inline bool execution::same_request(const event& held, const event& asked) noexcept {
  if (held.location != asked.location || held.update != asked.update) return false;
  if (held.update != update_kind::none) {
    return held.operand == asked.operand && held.expected == asked.expected;
  }
  if (held.kind != asked.kind) return false;
  return held.kind == event_kind::write
             ? held.value == asked.value
             : held.alternatives == asked.alternatives && held.operand == asked.operand;
}

inline execution::answer execution::perform(const event& request, const place& from) {
  if (stage_ != stage::threads) return perform_alone(request);
  const answer given = perform_by_thread(request, from);
  std::jmp_buf* const restart = threads_[running_].restart;
  if (restart != nullptr && request.kind != event_kind::choice && choose(2, from) != 0) {
    leave_section();
    std::longjmp(*restart, 1);
  }
  return given;
}

inline bool execution::choose_spurious(const place& from) {
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
    fail(fault::nondeterministic, "the thread asks for another operation than before", from);
  }
  if (held.source != initial) {
    while (!executed(held.source)) switch_to(graph()[held.source].thread);
  }
  --left_to_replay_;
  ++self.position;
  trace(step::kind::event, from, e);
  return answer_of(e);
}

inline execution::answer execution::add_event(event request, const place& from) {
  const unsigned self = running_;
  for (unsigned next = next_to_run(); next != self; next = next_to_run()) {
    if (next == nobody) refuse_replay("a thread makes no such event: it has come to its end");
    switch_to(next);
  }
  if (self == options_.stopped_thread && threads_[self].position >= options_.stopped_after) {
    threads_[self].state = thread_state::stopped;
    leave_thread();
  }
  if (threads_[self].position >= options_.events_per_thread || graph().size() >= max_events) {
    fail(fault::cut, "the thread has more operations than the bound allows", from);
  }
  request.thread = static_cast<std::uint8_t>(self);
  request.place = intern(from);
  if (request.location != no_location) {
    request.initial_value = initial_values_[request.location];
  }
  request.may_fail_spuriously = request.may_fail_spuriously && may_fail_spuriously();
  if (schedule_.given()) {
    add_as_scheduled(request);
  } else if (!explorer_.add(request)) {
    leave();
  }
  ++threads_[self].position;
  return answer_of(graph().thread(self).back());
}

inline void execution::add_as_scheduled(const event& request) {
  if (schedule_.done()) refuse_replay("it ends before the execution does");
  if (!schedule_.fits(request, graph())) refuse_replay("an event is of another kind");
  if (!explorer_.add_as(request, schedule_.next(graph()))) {
    refuse_replay("the memory model does not allow an event");
  }
}

inline void execution::refuse_replay(const char* why) {
  ended_ = ending::abandoned;
  refused_ = why;
  leave();
}

inline void execution::require_replayed() const {
  std::string why = refused_;
  if (why.empty() && !schedule_.done()) {
    why = "the execution ends before it does, by " + std::to_string(schedule_.left()) + " events";
  }
  if (!why.empty()) throw std::invalid_argument("replay string, not of this program: " + why);
}

inline execution::answer execution::answer_of(event_id e) const noexcept {
  const event& done = graph()[e];
  if (done.kind == event_kind::choice) return {done.value, false};
  if (!done.reads()) return {0, false};
  return {graph().value_read(e), done.kind == event_kind::update};
}

inline bool execution::may_fail_spuriously() const noexcept {
  unsigned failures = 0;
  for (std::uint32_t i = 0; i != threads_[running_].position; ++i) {
    const event& before = graph()[graph().thread(running_)[i]];
    const bool woke = before.kind == event_kind::choice && before.may_fail_spuriously;
    failures += before.failed_spuriously || (woke && before.value != 0) ? 1 : 0;
  }
  return failures < options_.spurious_failures;
}

// Alone, an operation acts on the one value that the location has.
inline execution::answer execution::perform_alone(const event& request) {
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

inline unsigned execution::choose(unsigned alternatives, const place& from) {
  constexpr unsigned most = 0xffff;
  if (alternatives == 0 || alternatives > most) {
    fail(fault::misuse, "choose: the number of alternatives must be 1 to 65535", from);
  }
  event request;
  request.kind = event_kind::choice;
  request.alternatives = static_cast<std::uint16_t>(alternatives);
  return static_cast<unsigned>(perform(request, from).value);
}

inline location_id execution::make_location(std::uint64_t value, const void* object,
                                            const place& from) {
  const unsigned maker = in_threads() ? running_ : thread_count_;
  auto& names = location_names_[maker];
  const std::uint32_t ordinal = threads_[maker].locations++;
  if (ordinal == names.size()) {
    names.push_back(locations_++);
    initial_values_.push_back(0);
    location_places_.push_back({maker, ordinal, from, object});
  }
  initial_values_[names[ordinal]] = value;
  if (tracing_ != nullptr) location_places_[names[ordinal]].object = object;
  return names[ordinal];
}

inline const clock_table::lane* execution::clock() const noexcept {
  const std::uint32_t position = threads_[running_].position;
  if (position == 0) return nullptr;
  return graph().happens_before(graph().thread(running_)[position - 1]);
}

inline execution::cell_id execution::make_cell(const void* object, bool initialised) {
  const auto id = static_cast<cell_id>(cells_.size());
  cells_.push_back(
      {object, threads_[running_].position, static_cast<std::uint8_t>(running_), initialised});
  uses_.resize(uses_.size() + thread_count_, 0);
  ++threads_[running_].changes;
  return id;
}

inline void execution::use_cell(cell_id id, const void* object, const place& from) {
  if (id >= cells_.size() || cells_[id].object != object) [[unlikely]] {
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

inline void execution::end_cell(cell_id id, const void* object) {
  change_cell(id, object, {"", "destruction", 0});
  cells_[id].object = nullptr;
}

// In front of a block stands its number.
inline void* execution::allocate(std::size_t size, std::size_t alignment, const place& from) {
  constexpr std::size_t header = 16;
  const std::size_t room = alignment > header ? alignment : header;
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
inline std::byte* execution::reuse(std::size_t size, std::size_t alignment, const place& from) {
  if (!in_threads() || !options_.reuse_memory || !graph().has_frees()) return nullptr;
  const std::uint32_t position = threads_[running_].position;
  if (position == 0) return nullptr;
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

inline void execution::note_free(const block& freed, const place& from) {
  if (!in_threads() || !options_.reuse_memory) return;
  event request;
  request.kind = event_kind::choice;
  request.frees = true;
  request.alternatives = 1;
  request.operand = reinterpret_cast<std::uintptr_t>(freed.memory);
  request.expected = shape_of(freed.size, freed.alignment);
  perform(request, from);
}

inline void execution::deallocate(void* memory, const place& from) {
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
  note_free(block(freed), from);
}

inline void execution::begin_iteration() noexcept {
  thread_status& self = threads_[running_];
  self.iteration = self.position;
  self.changes_at_iteration = self.changes;
}

inline void execution::fail_iteration() {
  if (!in_threads()) fail(fault::deadlock, "nobody is there to end this loop", {"", "", 0});
  thread_status& self = threads_[running_];
  bool changed = self.changes != self.changes_at_iteration;
  for (std::uint32_t i = self.iteration; i != self.position; ++i) {
    const event& done = graph()[graph().thread(running_)[i]];
    // A choice, or a spurious failure, may turn out otherwise the next time.
    changed = changed || done.writes() || done.kind == event_kind::choice || done.failed_spuriously;
  }
  if (changed) return;
  self.state = thread_state::blocked;
  if (stuck()) {
    ended_ = ending::blocked;
    leave();
  }
  leave_thread();
}

// Whether the iteration that has just failed fails in every graph that is found from this one. A
// read that was stale when it was added is not maximal, and never will be: its thread adds nothing
// more, so that it is in no causal prefix, and no write that hides its source goes without it. So
// it is neither revisited nor deleted.
inline bool execution::stuck() const noexcept {
  const thread_status& self = threads_[running_];
  for (std::uint32_t i = self.iteration; i != self.position; ++i) {
    const event_id e = graph().thread(running_)[i];
    const event& read = graph()[e];
    if (!read.reads()) return false;
    const auto& co = graph().at(read.location).writes;
    const std::size_t behind = read.source == initial ? 0 : graph()[read.source].position + 1u;
    bool stale = false;
    for (std::size_t w = behind; w != co.size(); ++w) stale = stale || co[w] < e;
    if (!stale) return false;
  }
  return self.iteration != self.position;
}

inline void execution::add_outcome(std::string_view text) {
  if (!outcome_.empty()) outcome_ += "; ";
  outcome_ += text;
}

inline void execution::fail(fault what, std::string text, const place& from, const void* object) {
  trace(step::kind::fault, from, initial, object);
  ended_ = ending::abandoned;
  note(what, std::move(text));
  leave();
}

// Counts an error. That a report can be made of the first one, its execution is run once more.
inline void execution::note(fault what, std::string text) {
  if (tracing_ != nullptr || !owned()) return;
  if (what == fault::cut) {
    ++totals_.cut;
  } else if (totals_.errors++ == 0) {
    totals_.first.emplace();
    totals_.first->what = what;
    totals_.first->text = std::move(text);
  }
}

// Runs the execution of the first error once more, and writes down what happens.
inline void execution::capture() {
  counterexample& shown = *totals_.first;
  shown.program = options_.name;
  shown.model = options_.model;
  tracing_ = &shown;
  run_threads();
  if (ended_ == ending::complete) finish();
  tracing_ = nullptr;
  shown.graph = graph();
  shown.places = places_;
  shown.locations = location_places_;
  shown.replay = schedule::of(shown.graph, shown.steps).text();
  totals_.replay = shown.replay;
}

inline void execution::trace(step::kind what, const place& from, event_id e, const void* object,
                             std::uint64_t value) {
  if (tracing_ == nullptr) return;
  step added;
  added.what = what;
  added.thread = running_;
  added.e = e;
  added.object = object;
  added.value = value;
  added.from = from;
  tracing_->steps.push_back(added);
}

inline void execution::trace_plain(bool write, const void* object, std::uint64_t value,
                                   const place& from) {
  trace(write ? step::kind::plain_write : step::kind::plain_read, from, initial, object, value);
}

// The run has come to an end: all threads have finished, or none can go on.
inline void execution::record() {
  if (!owned()) return;
  totals_.longest.resize(thread_count_, 0);
  for (unsigned t = 0; t != thread_count_; ++t) {
    totals_.longest[t] = std::max(totals_.longest[t], threads_[t].position);
  }
  if (ended_ == ending::blocked) {
    if (deadlocked()) {
      note(fault::deadlock, "no thread can go on");
    } else {
      ++totals_.blocked;
    }
    return;
  }
  if (stage_ == stage::threads && !options_.stopped_thread) finish();
  if (ended_ != ending::complete) return;
  ++totals_.complete;
  add_hash();
  if (!outcome_.empty()) totals_.outcomes.insert(outcome_);
  if (options_.on_complete) options_.on_complete(graph());
}

// The same run, for a graph with another co.
inline void execution::record_again() {
  owned_.reset();
  if (ended_ == ending::complete && program_.finishes_by() == program::finishing::looks) {
    outcome_.clear();
    stage_ = stage::threads;
  }
  record();
}

// All threads are done: what they left is looked at.
inline void execution::finish() {
  for (location_id l : graph().active_locations()) {
    const auto& co = graph().at(l).writes;
    if (!co.empty()) initial_values_[l] = graph()[co.back()].value;
  }
  ended_ = ending::abandoned;
  if (!run_alone(stage::finish)) return;
  for (const block& each : blocks_) {
    if (each.freed) continue;
    note(fault::memory_leak, "a block of " + std::to_string(each.size) + " bytes is not freed");
    return;
  }
  ended_ = ending::complete;
}

// A thread that waits for a value that is not the last may yet get another: that execution is found
// elsewhere.
inline bool execution::deadlocked() const noexcept {
  for (unsigned t = 0; t != thread_count_; ++t) {
    if (threads_[t].state != thread_state::blocked) continue;
    for (std::uint32_t i = threads_[t].iteration; i != threads_[t].position; ++i) {
      const event& read = graph()[graph().thread(t)[i]];
      if (!read.reads()) continue;
      const auto& co = graph().at(read.location).writes;
      if (read.source != (co.empty() ? initial : co.back())) return false;
    }
  }
  return true;
}

// The sum of the events' hashes is the graph's: what an event is, where it reads from, and its
// place in co. Orders, addresses and ages are not part of it.
inline void execution::add_hash() {
  __extension__ typedef unsigned __int128 wide;
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<wide>(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xbf58476d1ce4e5b9);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  for (event_id e = 0; e != graph().size(); ++e) {
    const event& each = graph()[e];
    const std::uint64_t name = std::uint64_t{each.thread} << 32 | std::uint64_t{each.index} << 8 |
                               static_cast<std::uint64_t>(each.kind);
    std::uint64_t read = 0xffff'ffff'ffff;
    if (each.reads() && each.source != initial) {
      read = std::uint64_t{graph()[each.source].thread} << 32 | graph()[each.source].index;
    }
    const std::uint64_t place = each.in_co ? each.position + 1u : 0;
    const std::uint64_t what = mix(name + (std::uint64_t{each.location} << 40),
                                   arena_.canonical(each.value) + read * 0xd6e8feb86659fd93);
    const std::uint64_t hash = mix(what, place << 1 | (each.failed_spuriously ? 1 : 0));
    low += hash;
    high += mix(hash, 0x94d049bb133111eb);
  }
  const graph_hash whole{mix(low, high), mix(high, low + 1)};
  totals_.hash.add(whole.low, whole.high);
  if (options_.remember_graphs != 0) remember(whole);
}

inline void execution::remember(const graph_hash& graph) {
  if (remembered_.contains(graph)) {
    ++totals_.duplicates;
  } else if (remembered_.size() < options_.remember_graphs) {
    remembered_.insert(graph);
  }
}

inline std::uint32_t execution::intern(const place& from) {
  const std::uint64_t key = reinterpret_cast<std::uintptr_t>(from.file) * 31 + from.line;
  const auto [found, added] =
      place_names_.try_emplace(key, static_cast<std::uint32_t>(places_.size()));
  if (added) places_.push_back(from);
  return found->second;
}

}  // namespace checker

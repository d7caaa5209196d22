// SPDX-License-Identifier: MIT
// The search over all executions of a program: from one to the next, and what is kept of each.
#include <checker/search.hpp>

#include "estimate.hpp"
#include "execution.hpp"
#include "parallel.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <fstream>
#include <utility>

#include <unistd.h>

namespace checker {

namespace {

constexpr const char* time_is_up_text = "the time is up";

errors_of_kind& of_kind(std::vector<errors_of_kind>& kinds, fault what) {
  const auto found = std::find_if(kinds.begin(), kinds.end(),
                                  [what](const errors_of_kind& each) { return each.what == what; });
  return found != kinds.end() ? *found : kinds.emplace_back(errors_of_kind{what, 0, {}, {}, {}});
}

void take_longest(std::vector<std::uint32_t>& kept, const std::vector<std::uint32_t>& other) {
  kept.resize(std::max(kept.size(), other.size()), 0);
  for (std::size_t t = 0; t != other.size(); ++t) kept[t] = std::max(kept[t], other[t]);
}

// What one part has not met, another may have. A place without a line has no name, and is left out.
void add_conflicts(statistics& to, const std::vector<std::string>& met,
                   const std::vector<std::string>& unmet) {
  const auto has = [](const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
  };
  for (const std::string& each : met) {
    if (!each.empty() && !has(to.met, each)) to.met.push_back(each);
    to.unmet.erase(std::remove(to.unmet.begin(), to.unmet.end(), each), to.unmet.end());
  }
  for (const std::string& each : unmet) {
    if (!each.empty() && !has(to.met, each) && !has(to.unmet, each)) to.unmet.push_back(each);
  }
}

// One part of a search, or one that goes on from a checkpoint, cannot begin anew alone; and to one
// execution, or those of a hunt, merging gives nothing.
options merging_if_it_can(options chosen) {
  chosen.merge_reads = chosen.merge_reads && chosen.parts <= 1 && chosen.checkpoint.empty() &&
                       chosen.replay.empty() && chosen.hunt == 0;
  return chosen;
}

}  // namespace

statistics execution::explore() {
  started_ = last_checkpoint_ = std::chrono::steady_clock::now();
  if (options_.parts > 1 && !divide()) return std::move(totals_);
  if (!resume()) run();
  if (schedule_.given() && !late_) require_replayed();
  while (next()) {
  }
  if (!options_.checkpoint.empty() && totals_.cut == 0) std::remove(options_.checkpoint.c_str());
  totals_.endless = endless_;
  totals_.replayed = schedule_.given();
  note_conflicts();
  return std::move(totals_);
}

// Executions by chance, each from its start. Errors apart, what they show is not kept: the same one
// may come twice.
statistics execution::hunt() {
  started_ = std::chrono::steady_clock::now();
  run_by_chance(options_.hunt, options_.hunt_seed);
  owned_ = true;
  note(fault::cut, "a hunt looks at some executions, and proves nothing");
  return std::move(totals_);
}

// In a graph beside that of the search.
void execution::run_by_chance(std::uint64_t count, std::uint64_t seed) {
  chance_.emplace(thread_count_, options_.hunt_depth, seed);
  explorer_.begin_aside();
  while (totals_.runs != count && !stopped() && !late_ && !time_is_up()) {
    explorer_.clear_aside();
    chance_->begin();
    writes_ = 0;
    std::fill(waits_for_.begin(), waits_for_.end(), 0);
    run();
    if (new_kind_) capture();
  }
  explorer_.end_aside();
  totals_.hunted = totals_.runs;
  totals_.hunted_events = chance_->longest();
  chance_.reset();
}

// From time to time, and a quarter as often as the search runs. True if there was an error: then it
// is that of this search.
bool execution::find_by_chance() {
  const std::uint64_t count =
      std::min<std::uint64_t>(std::max<std::uint64_t>(chances_, 250), options_.chances - chances_);
  statistics own = std::exchange(totals_, {});
  run_by_chance(count, options_.hunt_seed + chances_);
  chances_ += count;
  const statistics found = std::exchange(totals_, std::move(own));
  ended_ = ending::abandoned;  // what the program has in its memory is not what the graph says
  if (found.errors == 0) return false;
  take_longest(totals_.longest, found.longest);
  totals_.errors = found.errors;
  totals_.first = found.first;
  totals_.kinds = found.kinds;
  totals_.replay = found.replay;
  return true;
}

bool execution::expand(const execution_graph& from, std::vector<execution_graph>& next) {
  explorer_.collect(from, next);
  run_threads();
  // The first that came next ended this run; here are the others.
  explorer_.advance();
  return ended_ == ending::complete;
}

// The next execution. False if there is none.
bool execution::next() {
  if (new_kind_) capture();
  if (schedule_.given() || stopped() || totals_.fenced) return false;
  if (!late_ && chances_ < options_.chances && totals_.runs >= 4 * chances_ + 1000 &&
      find_by_chance()) {
    return false;
  }
  if (late_) {
    owned_ = true;
    note(fault::cut, time_is_up_text);
    return false;
  }
  if (work_ > 16'384 && totals_.runs != resumed_at_ && !look_at_clock()) return false;
  const bool ran_enough = options_.most_runs != 0 && totals_.runs >= options_.most_runs;
  const explorer::next_graph found = explorer_.advance();
  if (ran_enough && found != explorer::next_graph::none) {
    owned_ = true;
    note(fault::cut, "options::most_runs allows no more runs");
    return false;
  }
  switch (found) {
    case explorer::next_graph::none:
      return false;
    case explorer::next_graph::same_program:
      if (ended_ != ending::abandoned && !co_decides_ &&
          program_.finishes_by() != program::finishing::changes) {
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
bool execution::look_at_clock() {
  work_ = 0;
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
  if (done) {
    owned_ = true;
    note(fault::cut, time_is_up_text);
  }
  return !done;
}

bool execution::time_is_up() const {
  const auto elapsed = std::chrono::steady_clock::now() - started_;
  return options_.seconds > 0 && elapsed > std::chrono::duration<double>(options_.seconds);
}

// Finds the depth at which there are enough subtrees to be divided evenly: 64 for each part. Or so
// many as are found in a second or two, for a thread that never ends has no more at any depth: each
// part counts the same events. False if the time was up before.
bool execution::divide() {
  constexpr std::uint64_t most_events = 1'000'000;
  std::uint64_t events = 0;
  share mine{options_.part, options_.parts, 0};
  for (mine.depth = 4;; mine.depth += 2) {
    // A part that gets nothing: the top of the tree is walked, and the subtrees are counted.
    explorer_.take({~0u, ~0u, mine.depth});
    run();
    while (explorer_.advance() != explorer::next_graph::none) {
      if (late_ || (totals_.runs % 256 == 0 && time_is_up())) {
        totals_ = {};
        totals_.cut = 1;
        totals_.why_cut = time_is_up_text;
        return false;
      }
      run();
      events += graph().size();
    }
    const bool enough = explorer_.divided() >= 64 * std::uint64_t{mine.parts} ||
                        !explorer_.has_subtrees() || events > most_events;
    explorer_.restart();
    if (enough) break;
  }
  totals_ = {};
  explorer_.take(mine);
  return true;
}

void execution::store(archive& file) {
  file.same(options_.name, "program");
  file.same(options_.digest, "program, or one with other parameters");
  file.same(options_.spurious_failures, "search: options::spurious_failures");
  file.same(options_.reuse_memory, "search: options::reuse_memory");
  file.same(options_.stopped_thread.value_or(thread_count_), "search: options::stopped_thread");
  file.same(options_.stopped_after, "search: options::stopped_after");
  file.same(options_.reuses, "search: options::reuses");
  file.same(options_.prune_put_back, "search: options::prune_put_back");
  file.same(options_.find_waits, "search: options::find_waits");
  file.same(options_.events_per_thread, "search: options::events_per_thread");
  std::vector<unsigned> alike = options_.alike;
  std::vector<unsigned> order = order_;
  file(alike);
  file(order);
  if (alike != options_.alike || order != order_) {
    throw std::runtime_error("checkpoint of another search: options::alike, or options::order");
  }
  explorer_.store(file);
  file(location_names_);
  file(locations_);
  store_keyed_locations(file);
  store_places(file);
  file(initial_values_);
  totals_.store(file);
  if (file.reading()) location_places_.resize(locations_);
}

// Events name them by number.
void execution::store_places(archive& file) {
  std::uint64_t count = places_.size();
  file(count);
  if (file.reading()) places_.assign(count, {"", "", 0});
  for (place& each : places_) {
    std::string name = each.file;
    std::string function = each.function;
    file(name);
    file(function);
    file(each.line);
    if (!file.reading()) continue;
    each.file = read_names_.emplace_back(std::move(name)).c_str();
    each.function = read_names_.emplace_back(std::move(function)).c_str();
  }
}

void execution::store_keyed_locations(archive& file) {
  std::vector<std::uint64_t> keys;
  std::vector<location_id> names;
  for (const auto& [key, name] : keyed_locations_) {
    keys.push_back(key);
    names.push_back(name);
  }
  file(keys);
  file(names);
  for (std::size_t i = 0; i != keys.size(); ++i) keyed_locations_[keys[i]] = names[i];
}

// The old file stays until the new one is whole.
void execution::save() {
  note_conflicts();
  const std::string whole = options_.checkpoint + ".new";
  {
    std::ofstream out(whole, std::ios::binary | std::ios::trunc);
    archive file(out);
    store(file);
    out.close();
    if (!out) throw std::runtime_error("checkpoint: cannot write " + whole);
  }
  if (std::rename(whole.c_str(), options_.checkpoint.c_str()) != 0) {
    std::perror(("checker: " + options_.checkpoint).c_str());
  }
}

bool execution::resume() {
  if (options_.checkpoint.empty()) return false;
  std::ifstream in(options_.checkpoint, std::ios::binary);
  if (!in) return false;
  archive file(in);
  store(file);
  resumed_at_ = totals_.runs;  // a search with little time goes on nevertheless
  ended_ = ending::abandoned;
  plain_looked_at_ = totals_.complete != 0;
  return true;
}

// Counts an error. That a report can be made of the first one of a kind, its execution is run once
// more.
void execution::note(fault what, std::string text) {
  if (tracing_ != nullptr || !owned()) return;
  if (what == fault::cut) {
    ++totals_.cut;
    if (totals_.why_cut.empty()) totals_.why_cut = std::move(text);
    return;
  }
  ++totals_.errors;
  errors_of_kind& kind = of_kind(totals_.kinds, what);
  if (kind.count++ != 0) return;
  kind.text = std::move(text);
  new_kind_ = true;
}

// How many events each thread has made.
void execution::note_lengths() {
  totals_.longest.resize(thread_count_, 0);
  for (unsigned t = 0; t != thread_count_; ++t) {
    totals_.longest[t] = std::max(totals_.longest[t], threads_[t].position);
  }
}

// Runs the execution of an error once more, and writes down what happens.
void execution::capture() {
  new_kind_ = false;
  errors_of_kind& kind = totals_.kinds.back();
  counterexample& shown = kind.first.emplace();
  shown.what = kind.what;
  shown.text = kind.text;
  shown.program = options_.name;
  shown.model = options_.model;
  tracing_ = &shown;
  run_threads();
  if (ended_ == ending::complete) finish();
  tracing_ = nullptr;
  note_waiting(shown);
  shown.graph = graph();
  note_lengths();
  shown.places = places_;
  shown.locations = location_places_;
  shown.replay = schedule::of(shown.graph, shown.steps).text();
  kind.replay = shown.replay;
  if (!totals_.replay.empty()) return;
  totals_.first = shown;
  totals_.replay = shown.replay;
}

// Who waits, and for what: of those that join they have been noted as they began to.
void execution::note_waiting(counterexample& shown) const {
  for (unsigned t = 0; t != thread_count_; ++t) {
    if (threads_[t].state == thread_state::stopped) shown.stopped.push_back(t);
  }
  if (shown.what != fault::deadlock && shown.what != fault::livelock) return shown.waiting.clear();
  std::erase_if(shown.waiting, [this](const waiting_thread& each) {
    return threads_[each.thread].state != thread_state::joining ||
           threads_[each.thread].joins != each.joins;
  });
  for (unsigned t = 0; t != thread_count_; ++t) {
    const thread_state state = threads_[t].state;
    if (state != thread_state::blocked && state != thread_state::idle) continue;
    shown.waiting.push_back(
        {t, threads_[t].iteration, waiting_thread::nobody, {"", "", 0}, threads_[t].spins});
  }
  std::sort(shown.waiting.begin(), shown.waiting.end(),
            [](const waiting_thread& a, const waiting_thread& b) { return a.thread < b.thread; });
}

// The run has come to an end: all threads have finished, or none can go on.
void execution::record() {
  if (!owned()) return;
  note_lengths();
  if (options_.stopped_thread && *options_.stopped_thread < thread_count_) {
    totals_.stopped += threads_[*options_.stopped_thread].state == thread_state::stopped ? 1 : 0;
  }
  if (ended_ == ending::blocked) {
    if (!why_cut_.empty()) {
      note(fault::cut, why_cut_);
      return;
    }
    if (!why_given_up_.empty()) {
      note(fault::cut, why_given_up_);
      return;
    }
    if (excluded_) {
      ++totals_.excluded;
      return;
    }
    if (stale_ || !deadlocked()) {
      ++totals_.blocked;
      return;
    }
    if (!process_ended_) {
      if (livelocked()) {
        note(fault::livelock,
             "each thread that is left spins, or waits for the end of one that does");
      } else {
        note(fault::deadlock, why_deadlocked());
      }
      return;
    }
    ended_ = ending::complete;
  }
  if (!plain_looked_at_) look_at_plain_memory();
  if (stage_ == stage::threads && !options_.stopped_thread) finish();
  if (ended_ == ending::blocked) ++totals_.excluded;  // by what it does after the threads
  if (ended_ != ending::complete) return;
  ++totals_.complete;
  if (hunting()) return;
  add_hash();
  look_at_conflicts();
  if (!outcome_.empty()) totals_.outcomes.insert(outcome_);
  if (options_.on_complete) options_.on_complete(graph());
}

inline void execution::look_at_conflicts() {
  constexpr std::uint64_t all_of = 512;
  constexpr std::uint64_t every = 512;
  constexpr std::size_t largest = 256;  // since each access is compared with each of its location
  if (totals_.complete > all_of && totals_.complete % every != 0) return;
  if (graph().size() > largest) {
    ++totals_.too_long;
    return;
  }
  conflicts_.look_at(graph());
}

// Plain members that threads change, but for those that are checked. Who reads them is not seen.
void execution::look_at_plain_memory() {
  plain_looked_at_ = true;
  const std::byte* const now = arena_.start_of(thread_count_);
  std::vector<bool> checked(made_.size(), false);
  for (const cell& each : cells_) {
    const auto* const object = static_cast<const std::byte*>(each.object);
    if (object < now || object >= now + made_.size()) continue;
    const auto first = static_cast<std::size_t>(object - now);
    std::fill_n(checked.begin() + static_cast<std::ptrdiff_t>(first),
                std::min<std::size_t>(each.size, made_.size() - first), true);
  }
  for (std::size_t i = 0; i != made_.size(); ++i) {
    totals_.plain_bytes += made_[i] != now[i] && !checked[i] ? 1 : 0;
  }
  made_ = {};
}

// To what was noted before the checkpoint that this search goes on from.
void execution::note_conflicts() {
  const auto named = [this](std::uint32_t number) {
    const place& at = places_[number];
    return at.line == 0 ? std::string() : std::string(at.name()) + ":" + std::to_string(at.line);
  };
  std::vector<std::string> met;
  std::vector<std::string> unmet;
  conflicts_.for_each([&](std::uint32_t number, bool) { met.push_back(named(number)); });
  conflicts_.for_each_conflict([&](std::uint32_t number, bool) { unmet.push_back(named(number)); });
  add_conflicts(totals_, met, unmet);
}

// The same run, for a graph with another co.
void execution::record_again() {
  owned_.reset();
  if (ended_ == ending::complete && program_.finishes_by() == program::finishing::looks) {
    outcome_.clear();
    stage_ = stage::threads;
  }
  record();
}

// All threads are done: what they left is looked at.
void execution::finish() {
  for (location_id l : graph().active_locations()) {
    const auto& co = graph().at(l).writes;
    if (!co.empty()) initial_values_[l] = graph()[co.back()].value;
  }
  ended_ = ending::abandoned;
  if (!run_alone(stage::finish)) return;
  for (const block& each : blocks_) {
    if (each.freed || !options_.find_leaks || !program_.must_free()) continue;
    note(fault::memory_leak, "a block of " + std::to_string(each.size) + " bytes is not freed");
    return;
  }
  ended_ = ending::complete;
}

// A thread that waits for a value that is not the last may yet get another: that execution is found
// elsewhere.
bool execution::deadlocked() {
  for (unsigned t = 0; t != thread_count_; ++t) {
    const thread_state state = threads_[t].state;
    if (state == thread_state::excluded) return false;
    if (state != thread_state::blocked && state != thread_state::idle) continue;
    if (!reads_newest(t)) return false;
  }
  return true;
}

// Whether all who have not ended spin, or join one that does: nobody waits for a lock, or to be
// woken, or for who was stopped.
bool execution::livelocked() const {
  bool spins = false;
  for (unsigned t = 0; t != thread_count_; ++t) {
    const thread_state state = threads_[t].state;
    if (state == thread_state::stopped) return false;
    if (state != thread_state::blocked && state != thread_state::idle) continue;
    if (!threads_[t].spins) return false;
    spins = true;
  }
  return spins;
}

// A thread that is stopped for ever is nobody's mistake: what others wait for is that they wait.
std::string execution::why_deadlocked() const {
  std::string stopped;
  for (unsigned t = 0; t != thread_count_; ++t) {
    if (threads_[t].state != thread_state::stopped) continue;
    const auto done = static_cast<unsigned>(graph().thread(t).size());
    stopped += (stopped.empty() ? "T" : ", T") + std::to_string(t) + " is stopped after " +
               std::to_string(done) + (done == 1 ? " operation" : " operations");
  }
  return stopped.empty() ? "no thread can go on" : stopped + ", and others wait";
}

// Whether what a thread has read in its turn is the last of its location.
bool execution::reads_newest(unsigned thread) {
  for (std::uint32_t i = threads_[thread].iteration; i != threads_[thread].position; ++i) {
    if (!reads_last(graph().thread(thread)[i])) return false;
  }
  return true;
}

// Whether e, of a thread that waits, reads the last write. What threads wrote in turns that they
// make in vain does not count: who has read it, and another value than the last, may yet read that.
bool execution::reads_last(event_id e) {
  const event& read = graph()[e];
  if (!read.reads()) return true;
  const auto& co = graph().at(read.location).writes;
  std::size_t behind = co.size();
  while (behind != 0 && of_turn(co[behind - 1])) --behind;
  const event_id last = behind == 0 ? initial : co[behind - 1];
  if (read.source == last || explorer_.is_merged(graph(), e, last)) return true;
  if (read.source == initial || !of_turn(read.source)) return false;
  const std::uint64_t value = last == initial ? read.initial_value : graph()[last].value;
  return graph()[read.source].thread == read.thread || graph()[read.source].value == value;
}

// The sum of the events' hashes is the graph's: what an event is, where it reads from, and its
// place in co. Orders, addresses and ages are not part of it, nor are the numbers of locations,
// which depend on who came to one first: a location is called by the first of its events, by thread
// and index.
graph_hash execution::hash_of(const execution_graph& seen) {
  using wide = __uint128_t;
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<wide>(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xbf58476d1ce4e5b9);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const auto name_of = [&seen](event_id e) {
    return std::uint64_t{seen[e].thread} << 32 | std::uint64_t{seen[e].index} << 8;
  };
  first_events_.resize(locations_);
  for (const location_id l : seen.active_locations()) {
    std::uint64_t& first = first_events_[l] = ~std::uint64_t{0};
    for (const event_id e : seen.at(l).reads) first = std::min(first, name_of(e));
    for (const event_id e : seen.at(l).writes) first = std::min(first, name_of(e));
  }
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  for (event_id e = 0; e != seen.size(); ++e) {
    const event& each = seen[e];
    const std::uint64_t name = name_of(e) | static_cast<std::uint64_t>(each.kind);
    const std::uint64_t location = each.location == no_location ? 0 : first_events_[each.location];
    std::uint64_t read = 0xffff'ffff'ffff;
    if (each.reads() && each.source != initial) {
      read = std::uint64_t{seen[each.source].thread} << 32 | seen[each.source].index;
    }
    const std::uint64_t place = each.in_co ? each.position + 1u : 0;
    const std::uint64_t what = mix(name + location * 0x9fb21c651e98df25,
                                   arena_.canonical(each.value) + read * 0xd6e8feb86659fd93);
    const std::uint64_t hash = mix(what, place << 1 | (each.failed_spuriously ? 1 : 0));
    low += hash;
    high += mix(hash, 0x94d049bb133111eb);
  }
  return {mix(low, high), mix(high, low + 1)};
}

void execution::add_hash() {
  graph_hash whole;
  if (!options_.by_orbit.empty()) {
    whole = orbit_hash::of(graph(), options_.by_orbit);
  } else if (options_.by_normal_form) {
    execution_graph copy = graph();
    explorer_.bring_to_normal_form(copy);
    whole = hash_of(copy);
  } else {
    whole = hash_of(graph());
  }
  const bool again = options_.remember_graphs != 0 && remembers(whole);
  const bool one_of_each = options_.by_normal_form || !options_.by_orbit.empty();
  if (!again || !one_of_each) totals_.hash.add(whole.low, whole.high);
}

// Whether there was such a graph before.
bool execution::remembers(const graph_hash& graph) {
  if (remembered_.contains(graph)) {
    ++totals_.duplicates;
    return true;
  }
  if (remembered_.size() < options_.remember_graphs) remembered_.insert(graph);
  return false;
}

void statistics::add(const statistics& part) {
  complete += part.complete;
  blocked += part.blocked;
  errors += part.errors;
  cut += part.cut;
  excluded += part.excluded;
  stopped += part.stopped;
  duplicates += part.duplicates;
  runs += part.runs;
  hash.add(part.hash.low, part.hash.high);
  outcomes.add(part.outcomes);
  take_longest(longest, part.longest);
  for (const errors_of_kind& theirs : part.kinds) {
    errors_of_kind& kind = of_kind(kinds, theirs.what);
    kind.count += theirs.count;
    if (kind.replay.empty()) {
      kind.text = theirs.text;
      kind.replay = theirs.replay;
    }
  }
  if (replay.empty()) replay = part.replay;
  if (why_cut.empty()) why_cut = part.why_cut;
  endless = endless || part.endless;
  fenced = fenced || part.fenced;
  replayed = replayed || part.replayed;
  too_long += part.too_long;
  add_conflicts(*this, part.met, part.unmet);
  plain_bytes = std::max(plain_bytes, part.plain_bytes);
}

void statistics::store(archive& file) {
  file(complete);
  file(blocked);
  file(errors);
  file(cut);
  file(excluded);
  file(stopped);
  file(duplicates);
  file(runs);
  file(hash);
  outcomes.store(file);
  file(longest);
  file(replay);
  file(why_cut);
  file(endless);
  file(fenced);
  file(replayed);
  file(too_long);
  file(met);
  file(unmet);
  file(plain_bytes);
  std::uint64_t count = kinds.size();
  file(count);
  kinds.resize(count);
  for (errors_of_kind& each : kinds) {
    file(each.what);
    file(each.count);
    file(each.text);
    file(each.replay);
  }
}

exploration::exploration(program& checked, const options& chosen)
    : program_(checked),
      options_(merging_if_it_can(chosen)),
      running_(new execution(checked, options_)) {}
exploration::~exploration() { delete running_; }

statistics exploration::explore() {
  statistics found = running_->explore();
  if (!found.fenced) return found;
  options_.merge_reads = false;
  delete std::exchange(running_, nullptr);
  running_ = new execution(program_, options_);
  return running_->explore();
}

double hunt_chance(const statistics& hunted, unsigned threads, unsigned depth) {
  const double each =
      1 / (threads * std::pow(std::max<double>(1, static_cast<double>(hunted.hunted_events)),
                              static_cast<double>(depth) - 1));
  const std::uint64_t newest = hunted.hunted / 2;  // in which reads read the newest value
  return 1 - std::pow(1 - each, static_cast<double>(newest));
}

const place& exploration::where(std::uint32_t number) const noexcept {
  return running_->where(number);
}

namespace {

statistics explore_as_it_is(program& checked, const options& chosen, unsigned jobs) {
  constexpr double at_once = 0.25;
  if (jobs == 0) jobs = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
  const bool kept = !chosen.checkpoint.empty();
  const bool alone = jobs <= 1 || chosen.parts > 1 || kept || chosen.most_runs != 0;
  const bool estimated = chosen.estimate_seconds > 0 && chosen.parts <= 1 && chosen.replay.empty();
  const auto start = std::chrono::steady_clock::now();
  options rest = chosen;
  if (!kept && (!alone || estimated) && (chosen.seconds <= 0 || chosen.seconds > at_once)) {
    options first = chosen;
    first.seconds = at_once;
    execution running(checked, first);
    statistics found = running.explore();
    if (found.cut == 0 || (found.ends_early() && !chosen.keep_going)) return found;
  }
  const size_estimate size =
      estimated ? estimate(checked, chosen, chosen.estimate_seconds) : size_estimate{};
  if (chosen.seconds > 0) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    rest.seconds = std::max(chosen.seconds - spent.count(), 1e-3);
  }
  if (size.known && chosen.on_progress) {
    rest.on_progress = [&](progress now) {
      now.estimate = size;
      chosen.on_progress(now);
    };
  }
  statistics found =
      alone ? execution(checked, rest).explore() : parallel_search(checked, rest, jobs).explore();
  found.estimate = size;
  if (kept) show_errors(checked, rest, found);  // those from before the checkpoint
  return found;
}

}  // namespace

statistics explore(program& checked, const options& chosen, unsigned jobs) {
  options wanted = merging_if_it_can(chosen);
  if (wanted.hunt != 0) return execution(checked, wanted).hunt();
  statistics found = explore_as_it_is(checked, wanted, jobs);
  if (!found.fenced) return found;
  wanted.merge_reads = false;
  return explore_as_it_is(checked, wanted, jobs);
}

}  // namespace checker

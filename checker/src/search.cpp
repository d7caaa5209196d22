// The search over all executions of a program: from one to the next, and what is kept of each.
#include <checker/search.hpp>

#include "estimate.hpp"
#include "execution.hpp"
#include "parallel.hpp"

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <fstream>
#include <utility>

#include <unistd.h>

namespace checker {

statistics execution::explore() {
  started_ = last_checkpoint_ = std::chrono::steady_clock::now();
  if (options_.parts > 1 && !divide()) return std::move(totals_);
  if (!resume()) run();
  if (schedule_.given()) require_replayed();
  while (next()) {
  }
  if (!options_.checkpoint.empty() && totals_.cut == 0) std::remove(options_.checkpoint.c_str());
  return std::move(totals_);
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
  if (totals_.first && totals_.first->steps.empty()) capture();
  if (schedule_.given() || stopped()) return false;
  if (totals_.runs % 256 == 0 && totals_.runs != resumed_at_ && !look_at_clock()) return false;
  const bool ran_enough = options_.most_runs != 0 && totals_.runs >= options_.most_runs;
  const explorer::next_graph found = explorer_.advance();
  if (ran_enough && found != explorer::next_graph::none) {
    ++totals_.cut;
    return false;
  }
  switch (found) {
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
bool execution::look_at_clock() {
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

bool execution::time_is_up() const {
  const auto elapsed = std::chrono::steady_clock::now() - started_;
  return options_.seconds > 0 && elapsed > std::chrono::duration<double>(options_.seconds);
}

// Finds the depth at which there are enough subtrees to be divided evenly: 64 for each part. False
// if the time was up before.
bool execution::divide() {
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

void execution::store(archive& file) {
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
void execution::save() {
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

bool execution::resume() {
  if (options_.checkpoint.empty()) return false;
  std::ifstream in(options_.checkpoint, std::ios::binary);
  if (!in) return false;
  archive file(in);
  store(file);
  resumed_at_ = totals_.runs;  // a search with little time goes on nevertheless
  ended_ = ending::abandoned;
  return true;
}

// Counts an error. That a report can be made of the first one, its execution is run once more.
void execution::note(fault what, std::string text) {
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
void execution::capture() {
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

// The run has come to an end: all threads have finished, or none can go on.
void execution::record() {
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
    if (each.freed) continue;
    note(fault::memory_leak, "a block of " + std::to_string(each.size) + " bytes is not freed");
    return;
  }
  ended_ = ending::complete;
}

// A thread that waits for a value that is not the last may yet get another: that execution is found
// elsewhere.
bool execution::deadlocked() const noexcept {
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
void execution::add_hash() {
  __extension__ typedef unsigned __int128 wide;
  const auto mix = [](std::uint64_t a, std::uint64_t b) {
    const auto product = static_cast<wide>(a ^ 0x9e3779b97f4a7c15) * (b ^ 0xbf58476d1ce4e5b9);
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  };
  const execution_graph& seen = graph();
  std::uint64_t low = 0;
  std::uint64_t high = 0;
  for (event_id e = 0; e != seen.size(); ++e) {
    const event& each = seen[e];
    const std::uint64_t name = std::uint64_t{each.thread} << 32 | std::uint64_t{each.index} << 8 |
                               static_cast<std::uint64_t>(each.kind);
    std::uint64_t read = 0xffff'ffff'ffff;
    if (each.reads() && each.source != initial) {
      read = std::uint64_t{seen[each.source].thread} << 32 | seen[each.source].index;
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

void execution::remember(const graph_hash& graph) {
  if (remembered_.contains(graph)) {
    ++totals_.duplicates;
  } else if (remembered_.size() < options_.remember_graphs) {
    remembered_.insert(graph);
  }
}

void statistics::add(const statistics& part) {
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

void statistics::store(archive& file) {
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

exploration::exploration(program& checked, const options& chosen)
    : running_(new execution(checked, chosen)) {}
exploration::~exploration() { delete running_; }

statistics exploration::explore() { return running_->explore(); }

const place& exploration::where(std::uint32_t number) const noexcept {
  return running_->where(number);
}

statistics explore(program& checked, const options& chosen, unsigned jobs) {
  constexpr double at_once = 0.25;
  if (jobs == 0) jobs = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
  const bool kept = !chosen.checkpoint.empty();
  const bool alone = jobs <= 1 || chosen.parts > 1 || kept;
  const bool estimated = chosen.estimate_seconds > 0 && chosen.parts <= 1 && chosen.replay.empty();
  const auto start = std::chrono::steady_clock::now();
  options rest = chosen;
  if (!kept && (!alone || estimated) && (chosen.seconds <= 0 || chosen.seconds > at_once)) {
    options first = chosen;
    first.seconds = at_once;
    execution running(checked, first);
    statistics found = running.explore();
    if (found.cut == 0 || (found.errors != 0 && !chosen.keep_going)) return found;
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
  return found;
}

}  // namespace checker

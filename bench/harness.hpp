// SPDX-License-Identifier: MIT
// Runs a scenario on a peer, and reports what it cost and whether it happened.
//
// A scenario is a class with
//   name             its name in the results
//   object           what its pools hold
//   run(state, pool, record)   called by each thread: warm up, record.start(), the loop over state,
//                              record.finish(..), clean up
// What is measured are pairs: a get and a put. Every run has an empty pool of its own, and whatever
// a pool still holds when it is destroyed must then be gone.
//
// Counters, summed over threads:
//   wall_ns       from the first thread's start to the last one's end. (Google Benchmark's own
//                 time is the threads' mean, which makes threads that wait for a CPU look fast.)
//   pairs         gets with their puts
//   constructed   objects made meanwhile: misses
//   core_ns       the slower core_probe of those before and after the loop, the threads' mean: what
//                 other users of the cores left of them
#pragma once

#include <benchmark/benchmark.h>

#include <algorithm>
#include <barrier>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <string>
#include <type_traits>
#include <utility>

#include "baselines/peer.hpp"
#include "core_probe.hpp"
#include "latencies.hpp"
#include "objects.hpp"

namespace pool_bench {

// Its functions are not inlined: they are none of the measured loop's business.
class recorder {
 public:
  using clock = std::chrono::steady_clock;

  recorder(benchmark::State& state, std::barrier<>& meeting, bool pooled)
      : state_(state), meeting_(meeting), pooled_(pooled) {}

  // Waits for all threads.
  void meet() { meeting_.arrive_and_wait(); }

  // Directly before the loop: when this returns, all threads have warmed up.
  [[gnu::noinline]] void start() {
    core_ns_ = core_probe();
    meeting_.arrive_and_wait();
    before_ = tally::total();
    start_ = clock::now();
  }

  // What one thread does between two pairs, and is no part of their cost.
  template <class Work>
  [[gnu::noinline]] void leave_out(Work work) {
    const clock::time_point begin = clock::now();
    work();
    start_ += clock::now() - begin;
  }

  // Directly after the loop, which all threads leave together; `pairs` is this thread's number.
  // While the others still wait, before any of them cleans up, thread 0 reports.
  template <class Report>
  [[gnu::noinline]] void finish(std::int64_t pairs, Report report) {
    const clock::time_point end = clock::now();
    const census after = tally::total();
    state_.counters["core_ns"] =
        benchmark::Counter(std::max(core_ns_, core_probe()), benchmark::Counter::kAvgThreads);
    set("pairs", static_cast<double>(pairs));
    if (!pooled_) set("constructed", static_cast<double>(pairs));
    if (state_.thread_index() == 0) {
      set("wall_ns", std::chrono::duration<double, std::nano>(end - start_).count());
      if (pooled_) set("constructed", static_cast<double>(after.constructed - before_.constructed));
      report();
    }
    meeting_.arrive_and_wait();
  }

  void finish(std::int64_t pairs) {
    finish(pairs, [] {});
  }

  [[gnu::noinline]] void set(const char* counter, double value) {
    state_.counters[counter] = value;
  }

  // What makes the measurement worthless if it is not so.
  void require(bool condition, const char* otherwise) {
    if (!condition) state_.SkipWithError(otherwise);
  }

 private:
  benchmark::State& state_;
  std::barrier<>& meeting_;
  bool pooled_;
  census before_;
  clock::time_point start_;
  double core_ns_ = 0;
};

// Sets the counters what_mean_ns, what_p50_ns, .. and what_longest_ns, and what_count.
inline void report_latencies(recorder& record, const std::string& what, const latencies& measured) {
  const auto set = [&](const char* which, double value) {
    record.set((what + which).c_str(), value);
  };
  set("_mean_ns", measured.mean());
  set("_p50_ns", measured.percentile(50));
  set("_p95_ns", measured.percentile(95));
  set("_p99_ns", measured.percentile(99));
  set("_p99.9_ns", measured.percentile(99.9));
  set("_longest_ns", static_cast<double>(measured.longest()));
  set("_count", static_cast<double>(measured.total()));
}

template <class Pool>
using item_of = decltype(std::declval<Pool&>().get());

template <class Pool>
using object_of = typename item_of<Pool>::element_type;

// How far a statistic of the subject moves; nothing for peers, which have none.
template <class Pool>
std::uint64_t steals_of(const Pool& pool) {
  if constexpr (requires { pool.stats().steals; })
    return pool.stats().steals;
  else
    return 0;
}

template <class Scenario, class Pool>
class run_of {
 public:
  static void set_up(const benchmark::State& state) {
    live_before_ = tally::total().live();
    pool_.emplace();
    meeting_.emplace(state.threads());
  }

  static void run(benchmark::State& state) {
    recorder record(state, *meeting_, keeps);
    Scenario::run(state, *pool_, record);
  }

  static void tear_down(const benchmark::State&) {
    pool_.reset();
    if (tally::total().live() == live_before_) return;
    std::fprintf(stderr, "%s/%s: objects are lost, or destroyed twice\n", Scenario::name,
                 Pool::name);
    std::exit(1);
  }

 private:
  // Peers of other interfaces say it.
  static constexpr bool keeps = [] {
    if constexpr (requires { Pool::keeps; })
      return Pool::keeps;
    else
      return keeps_items<Pool>;
  }();

  static inline std::optional<Pool> pool_;
  static inline std::optional<std::barrier<>> meeting_;
  static inline std::uint64_t live_before_ = 0;
};

// The allocator's objects are not counted where that would be a part of the cost.
template <template <class> class Peer, class Scenario>
using object_for = std::conditional_t<!keeps_items<Peer<counted_object>> &&
                                          std::is_same_v<typename Scenario::object, counted_object>,
                                      object, typename Scenario::object>;

// Registers scenario/peer; the caller adds the numbers of threads.
template <class Scenario, class Pool>
benchmark::internal::Benchmark* add_pool() {
  using measured = run_of<Scenario, Pool>;
  const std::string name = std::string(Scenario::name) + "/" + Pool::name;
  return benchmark::RegisterBenchmark(name.c_str(), measured::run)
      ->Setup(measured::set_up)
      ->Teardown(measured::tear_down)
      ->UseRealTime();
}

// The same of a peer that pools any type.
template <class Scenario, template <class> class Peer>
benchmark::internal::Benchmark* add() {
  using pool_type = Peer<object_for<Peer, Scenario>>;
  static_assert(pool_of<pool_type, object_for<Peer, Scenario>>);
  return add_pool<Scenario, pool_type>();
}

}  // namespace pool_bench

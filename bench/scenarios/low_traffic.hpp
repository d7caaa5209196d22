// SPDX-License-Identifier: MIT
// low_traffic: a burst of 20,000 items into a pool that begins a cycle each 100 ms, and then one
// call every 50 ms, for five intervals: nobody else does the cycles' work. The timeline has, after
// each call, how many objects are left. `gone_after` is when the last was destroyed, in intervals
// (0: not within five); `longest_ns` is the longest of the calls, and `longest_frees_ns` how long
// as many frees in a row take as that call made.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <poolproof/object_pool.hpp>
#include <thread>
#include <utility>
#include <vector>

#include "../harness.hpp"
#include "../latencies.hpp"
#include "../timeline.hpp"

namespace pool_bench {

// The subject, with cycles that come soon enough to be watched.
template <class T>
class pool_with_short_cycles {
 public:
  static constexpr const char* name = "poolproof";
  static constexpr std::chrono::milliseconds interval{100};

  std::unique_ptr<T> try_get() { return pool_.try_get(); }
  std::unique_ptr<T> get() { return pool_.get(); }
  void put(std::unique_ptr<T> item) { pool_.put(std::move(item)); }

 private:
  poolproof::object_pool<T> pool_{[] { return std::make_unique<T>(); },
                                  poolproof::pool_options{.cycle_interval = interval}};
};

struct low_traffic {
  static constexpr const char* name = "low_traffic";
  using object = counted_object;
  static constexpr std::size_t burst = 20'000;
  static constexpr int intervals = 5;

  // Of as many objects as a call has destroyed, made as the pool's were.
  static std::uint64_t time_frees(std::size_t count) {
    std::vector<std::unique_ptr<object>> doomed(count);
    for (auto& each : doomed) each = std::make_unique<object>();
    const clock::time_point start = clock::now();
    for (auto& each : doomed) each.reset();
    return nanoseconds_since(start);
  }

  template <class Pool>
  static void run(benchmark::State& state, Pool& pool, recorder& record) {
    const std::uint64_t before = tally::total().live();
    timeline samples;
    double gone_after = 0;
    std::uint64_t longest = 0;
    std::size_t destroyed_by_it = 0;
    record.start();
    for (auto _ : state) {
      {
        std::vector<item_of<Pool>> items(burst);
        for (auto& item : items) item = pool.get();
        for (auto& item : items) pool.put(std::move(item));
      }
      const clock::time_point start = clock::now();
      clock::time_point next = start;
      for (int call = 0; call <= 2 * intervals; ++call, next += Pool::interval / 2) {
        std::this_thread::sleep_until(next);
        const std::uint64_t had = tally::total().live() - before;
        const clock::time_point begin = clock::now();
        pool.put(pool.get());
        const std::uint64_t took = nanoseconds_since(begin);
        const std::uint64_t left = tally::total().live() - before;
        const double seconds = std::chrono::duration<double>(begin - start).count();
        samples.add(seconds, left, 0, 0);
        if (took > longest) {
          longest = took;
          destroyed_by_it = had > left ? had - left : 0;
        }
        if (left <= 1 && gone_after == 0) {
          gone_after = seconds / std::chrono::duration<double>(Pool::interval).count();
        }
      }
    }
    state.SetLabel(samples.json());
    record.set("gone_after", gone_after);
    record.set("longest_ns", static_cast<double>(longest));
    record.set("longest_destroyed", static_cast<double>(destroyed_by_it));
    record.set("longest_frees_ns", static_cast<double>(time_frees(destroyed_by_it)));
    record.finish(2 * intervals);
  }
};

}  // namespace pool_bench

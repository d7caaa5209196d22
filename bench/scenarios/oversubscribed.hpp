// SPDX-License-Identifier: MIT
// oversubscribed: as pool, but with many more threads than CPUs, so that threads lose their CPU
// with an item in hand or in the middle of a call. All run for the same time, so that all contend
// to the end. Each has used the pool once before. `live` is how many objects there are at the end,
// and as nothing is destroyed meanwhile, the most there were; `live_after_cycles` how many are left
// when the pool, which nobody uses then, has done two cycles.
//
// oversubscribed_in_use is the same and counts, by two locked instructions a pair, how many objects
// are in use, which is why it has no times to compare: `live_beyond_peak` is how many more objects
// there were than in use at once, at the most.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "../harness.hpp"
#include "../latencies.hpp"

namespace pool_bench {

class use_counter {
 public:
  void begin() {
    const std::int64_t now = in_use_.fetch_add(1, std::memory_order_relaxed) + 1;
    std::int64_t most = peak_.load(std::memory_order_relaxed);
    while (now > most && !peak_.compare_exchange_weak(most, now, std::memory_order_relaxed)) {
    }
  }
  void end() { in_use_.fetch_sub(1, std::memory_order_relaxed); }
  std::int64_t peak() const { return peak_.load(std::memory_order_relaxed); }
  void reset() { peak_.store(0, std::memory_order_relaxed); }

 private:
  std::atomic<std::int64_t> in_use_{0};
  std::atomic<std::int64_t> peak_{0};
};

template <bool counts_use>
struct crowd {
  using object = counted_object;
  static constexpr std::chrono::milliseconds duration{250};
  static constexpr int pairs_per_look = 64;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    static std::atomic<clock::time_point> end;
    static use_counter used;
    auto&& mine = enter(shared);
    mine.put(mine.get());
    std::int64_t pairs = 0;
    if (state.thread_index() == 0) {
      end.store(clock::now() + duration);
      used.reset();
    }
    record.start();
    for (auto _ : state) {
      while (clock::now() < end.load(std::memory_order_relaxed)) {
        for (int i = 0; i < pairs_per_look; ++i) {
          item_of<Pool> item = mine.get();
          if constexpr (counts_use) used.begin();
          use(item.get());
          if constexpr (counts_use) used.end();
          mine.put(std::move(item));
          benchmark::ClobberMemory();
        }
        pairs += pairs_per_look;
      }
    }
    record.finish(pairs, [&] {
      if constexpr (keeps_items<Pool>)
        record.set("live", static_cast<double>(tally::total().live()));
      if constexpr (counts_use)
        record.set("live_beyond_peak", static_cast<double>(tally::total().live() - used.peak()));
      if constexpr (requires { shared.rotate(); }) {
        shared.rotate();
        shared.rotate();
        record.set("live_after_cycles", static_cast<double>(tally::total().live()));
      }
    });
  }
};

struct oversubscribed : crowd<false> {
  static constexpr const char* name = "oversubscribed";
};

struct oversubscribed_in_use : crowd<true> {
  static constexpr const char* name = "oversubscribed_in_use";
};

}  // namespace pool_bench

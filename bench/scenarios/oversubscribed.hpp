// oversubscribed: as pool, but with many more threads than CPUs, so that threads lose their CPU
// with an item in hand or in the middle of a call. All run for the same time, so that all contend
// to the end. Each has used the pool once before. `live` is how many objects there are at the end,
// and as nothing is destroyed meanwhile, the most there were; `live_after_cycles` how many are left
// when the pool, which nobody uses then, has done two cycles.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <utility>

#include "../harness.hpp"
#include "../latencies.hpp"

namespace pool_bench {

struct oversubscribed {
  static constexpr const char* name = "oversubscribed";
  using object = counted_object;
  static constexpr std::chrono::milliseconds duration{250};
  static constexpr int pairs_per_look = 64;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    static std::atomic<clock::time_point> end;
    auto&& mine = enter(shared);
    mine.put(mine.get());
    std::int64_t pairs = 0;
    if (state.thread_index() == 0) end.store(clock::now() + duration);
    record.start();
    for (auto _ : state) {
      while (clock::now() < end.load(std::memory_order_relaxed)) {
        for (int i = 0; i < pairs_per_look; ++i) {
          item_of<Pool> item = mine.get();
          use(item.get());
          mine.put(std::move(item));
          benchmark::ClobberMemory();
        }
        pairs += pairs_per_look;
      }
    }
    record.finish(pairs, [&] {
      if constexpr (keeps_items<Pool>)
        record.set("live", static_cast<double>(tally::total().live()));
      if constexpr (requires { shared.rotate(); }) {
        shared.rotate();
        shared.rotate();
        record.set("live_after_cycles", static_cast<double>(tally::total().live()));
      }
    });
  }
};

}  // namespace pool_bench

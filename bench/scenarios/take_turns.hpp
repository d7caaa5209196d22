// SPDX-License-Identifier: MIT
// take_turns: two threads, each on a CPU of its own, get and put the pool's one item in turns. So
// every get finds it where the other CPU has put it. A pair is timed by itself, without the wait
// for the turn: `own_*_ns` of the first thread, with what the clock takes, which is the same for
// all.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "../harness.hpp"
#include "../latencies.hpp"
#include "../pinned.hpp"

namespace pool_bench {

struct take_turns {
  static constexpr const char* name = "take_turns";
  using object = counted_object;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    static std::atomic<int> turn;
    const int me = state.thread_index();
    const pinned here(static_cast<std::size_t>(me));
    auto&& pool = enter(shared);
    if (me == 0) {
      turn.store(0);
      pool.put(std::make_unique<object_of<Pool>>());
    }
    latencies own;
    record.start();
    for (auto _ : state) {
      for (int looks = 0; turn.load(std::memory_order_acquire) != me; ++looks) {
        if (looks > most_looks) std::this_thread::yield();
      }
      const clock::time_point start = clock::now();
      item_of<Pool> item = pool.get();
      use(item.get());
      pool.put(std::move(item));
      own.add(nanoseconds_since(start));
      turn.store(1 - me, std::memory_order_release);
    }
    if (me == 0) report_latencies(record, "own", own);
    record.finish(state.iterations(), [&] {
      if constexpr (requires { shared.stats(); }) {
        record.set("steals", static_cast<double>(shared.stats().steals));
      }
    });
  }

 private:
  static constexpr int most_looks = 1000;
};

}  // namespace pool_bench

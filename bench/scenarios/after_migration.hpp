// SPDX-License-Identifier: MIT
// after_migration: a thread puts an item, moves to another CPU, and gets it there: `own_*_ns`, with
// what the clock takes, which is the same for all. The move and the put are not timed. With two
// threads they change places, and may take each other's item.
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <utility>

#include "../harness.hpp"
#include "../latencies.hpp"
#include "../pinned.hpp"

namespace pool_bench {

struct after_migration {
  static constexpr const char* name = "after_migration";
  using object = counted_object;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    auto cpu = static_cast<std::size_t>(state.thread_index());
    auto&& pool = enter(shared);
    {
      const pinned here(cpu);
      pool.put(std::make_unique<object_of<Pool>>());
    }
    latencies own;
    record.start();
    for (auto _ : state) {
      const pinned there(++cpu);
      const clock::time_point start = clock::now();
      item_of<Pool> item = pool.get();
      own.add(nanoseconds_since(start));
      use(item.get());
      pool.put(std::move(item));
    }
    if (state.thread_index() == 0) report_latencies(record, "own", own);
    record.finish(state.iterations());
  }
};

}  // namespace pool_bench

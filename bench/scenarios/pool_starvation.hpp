// SPDX-License-Identifier: MIT
// pool_starvation: up to 67 puts, then 100 gets without a factory (Go's scenario has none), so that
// a third or more find nothing and look everywhere. The items are conserved: a thread that took
// another's holds more for a while. Each thread signs the items that it gets; `moved` counts those
// that another signed last, `found` the gets that found one. A pair is two calls here.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "../harness.hpp"

namespace pool_bench {

// The look that takes nothing from other CPUs, of a pool that has one.
template <class Pool>
auto look_near(Pool& pool) {
  if constexpr (requires { pool.try_get_near(); }) {
    return pool.try_get_near();
  } else {
    return pool.try_get();
  }
}

struct pool_starvation {
  static constexpr const char* name = "pool_starvation";
  using object = counted_object;
  static constexpr std::size_t gets = 100;
  static constexpr std::size_t most_puts = 67;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    auto&& pool = enter(shared);
    const auto signature = static_cast<std::uint64_t>(state.thread_index());
    std::vector<item_of<Pool>> mine(most_puts);
    for (auto& item : mine) {
      item = std::make_unique<object_of<Pool>>();
      item->words[0] = signature;
    }
    mine.reserve(most_puts * static_cast<std::size_t>(state.threads()) + gets);
    std::int64_t calls = 0;
    std::int64_t found = 0;
    std::int64_t moved = 0;
    record.start();
    for (auto _ : state) {
      const std::size_t puts = std::min(most_puts, mine.size());
      for (std::size_t i = 0; i < puts; ++i) {
        pool.put(std::move(mine.back()));
        mine.pop_back();
      }
      for (std::size_t i = 0; i < gets; ++i) {
        item_of<Pool> item = look_near(pool);
        if (!item) continue;
        ++found;
        moved += item->words[0] != signature;
        item->words[0] = signature;
        mine.push_back(std::move(item));
      }
      calls += static_cast<std::int64_t>(puts + gets);
    }
    record.set("gets", static_cast<double>(static_cast<std::int64_t>(gets) * state.iterations()));
    record.set("found", static_cast<double>(found));
    record.set("moved", static_cast<double>(moved));
    record.require(found > 0, "no get found an item");
    record.finish(calls / 2);
  }
};

}  // namespace pool_bench

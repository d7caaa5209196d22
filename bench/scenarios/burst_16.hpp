// SPDX-License-Identifier: MIT
// burst_16: 16 gets, then 16 puts: what a request needs that holds several items at once.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "../harness.hpp"

namespace pool_bench {

struct burst_16 {
  static constexpr const char* name = "burst_16";
  using object = counted_object;
  static constexpr std::size_t burst = 16;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    auto&& pool = enter(shared);
    std::array<item_of<Pool>, burst> mine;
    for (auto& item : mine) item = std::make_unique<object_of<Pool>>();
    for (auto& item : mine) pool.put(std::move(item));
    record.start();
    for (auto _ : state) {
      for (auto& item : mine) {
        item = pool.get();
        use(item.get());
      }
      for (auto& item : mine) pool.put(std::move(item));
      benchmark::ClobberMemory();
    }
    record.finish(static_cast<std::int64_t>(burst) * state.iterations());
  }
};

}  // namespace pool_bench

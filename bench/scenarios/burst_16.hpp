// SPDX-License-Identifier: MIT
// burst_16: 16 gets, then 16 puts: what a request needs that holds several items at once.
// burst_16_borrow: the same with items that go back at the end of their scope.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "../borrowing.hpp"
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

struct burst_16_borrow {
  static constexpr const char* name = "burst_16_borrow";
  using object = counted_object;
  static constexpr std::size_t burst = 16;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    auto&& pool = enter(shared);
    for (std::size_t i = 0; i != burst; ++i) pool.put(std::make_unique<object_of<Pool>>());
    record.start();
    for (auto _ : state) {
      std::array<decltype(borrow_from(pool)), burst> mine;
      for (auto& each : mine) {
        each = borrow_from(pool);
        use(each.get());
      }
      benchmark::ClobberMemory();
    }
    record.finish(static_cast<std::int64_t>(burst) * state.iterations());
  }
};

}  // namespace pool_bench

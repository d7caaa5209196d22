// SPDX-License-Identifier: MIT
// pool_overflow: 100 puts, then 100 gets, for which a CPU may have room at hand. pool_overflow_1000
// and pool_overflow_10000: a thousand and ten thousand of each, most of which go past that.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "../harness.hpp"

namespace pool_bench {

template <std::size_t batch>
struct puts_then_gets {
  using object = counted_object;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    auto&& pool = enter(shared);
    std::array<item_of<Pool>, batch> mine;
    for (auto& item : mine) item = std::make_unique<object_of<Pool>>();
    record.start();
    for (auto _ : state) {
      for (auto& item : mine) pool.put(std::move(item));
      for (auto& item : mine) {
        item = pool.get();
        use(item.get());
      }
    }
    record.finish(static_cast<std::int64_t>(batch) * state.iterations());
  }
};

struct pool_overflow : puts_then_gets<100> {
  static constexpr const char* name = "pool_overflow";
};

struct pool_overflow_1000 : puts_then_gets<1000> {
  static constexpr const char* name = "pool_overflow_1000";
};

struct pool_overflow_10000 : puts_then_gets<10'000> {
  static constexpr const char* name = "pool_overflow_10000";
};

}  // namespace pool_bench

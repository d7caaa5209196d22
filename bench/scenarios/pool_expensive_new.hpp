// SPDX-License-Identifier: MIT
// pool_expensive_new: 100 gets, 100 puts; making an object takes a millisecond, and thread 0 runs a
// cycle after every 16 of its iterations, where the peer has cycles. `constructed` tells how many
// the victims save; the time that making them takes is in the mean.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "../harness.hpp"

namespace pool_bench {

struct pool_expensive_new {
  static constexpr const char* name = "pool_expensive_new";
  using object = slow_object;
  static constexpr std::size_t batch = 100;
  static constexpr std::uint64_t iterations_per_cycle = 16;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    auto&& pool = enter(shared);
    std::array<item_of<Pool>, batch> mine;
    for (auto& item : mine) item = std::make_unique<object_of<Pool>>();
    for (auto& item : mine) pool.put(std::move(item));
    std::uint64_t iteration = 0;
    record.start();
    for (auto _ : state) {
      for (auto& item : mine) {
        item = pool.get();
        use(item.get());
      }
      for (auto& item : mine) pool.put(std::move(item));
      if (state.thread_index() != 0 || ++iteration % iterations_per_cycle != 0) continue;
      if constexpr (requires { shared.rotate(); }) shared.rotate();
    }
    record.finish(static_cast<std::int64_t>(batch) * state.iterations());
  }
};

}  // namespace pool_bench

// SPDX-License-Identifier: MIT
// after_cycle: 100 gets, then 100 puts, just after a cycle, which has moved every item to where the
// next one would destroy it. The cycle itself is not timed; a peer without cycles does what
// burst_16 does, with 100 items.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "../harness.hpp"

namespace pool_bench {

struct after_cycle {
  static constexpr const char* name = "after_cycle";
  using object = counted_object;
  static constexpr std::size_t items = 100;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    auto&& pool = enter(shared);
    std::array<item_of<Pool>, items> mine;
    for (auto& item : mine) item = std::make_unique<object_of<Pool>>();
    for (auto& item : mine) pool.put(std::move(item));
    record.start();
    for (auto _ : state) {
      record.leave_out([&] {
        if constexpr (requires { shared.rotate(); }) shared.rotate();
      });
      for (auto& item : mine) {
        item = pool.get();
        use(item.get());
      }
      for (auto& item : mine) pool.put(std::move(item));
      benchmark::ClobberMemory();
    }
    record.finish(static_cast<std::int64_t>(items) * state.iterations());
  }
};

}  // namespace pool_bench

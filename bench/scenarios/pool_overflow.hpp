// pool_overflow: 100 puts, then 100 gets, so that nearly all go past what a CPU keeps at hand.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>

#include "../harness.hpp"

namespace pool_bench {

struct pool_overflow {
  static constexpr const char* name = "pool_overflow";
  using object = counted_object;
  static constexpr std::size_t batch = 100;

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

}  // namespace pool_bench

// SPDX-License-Identifier: MIT
// first_use: 1,000 fresh pools, each made, used once and destroyed, with the one object that its
// get makes. A pair is a pool's whole life.
#pragma once

#include <cstdint>
#include <utility>

#include "../harness.hpp"

namespace pool_bench {

struct first_use {
  static constexpr const char* name = "first_use";
  using object = counted_object;
  static constexpr int pools = 1000;

  template <class Pool>
  static void run(benchmark::State& state, Pool&, recorder& record) {
    record.start();
    for (auto _ : state) {
      for (int i = 0; i < pools; ++i) {
        Pool fresh;
        auto&& pool = enter(fresh);
        item_of<Pool> item = pool.get();
        use(item.get());
        pool.put(std::move(item));
      }
    }
    record.finish(static_cast<std::int64_t>(pools) * state.iterations());
  }
};

}  // namespace pool_bench

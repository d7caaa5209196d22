// SPDX-License-Identifier: MIT
// pool: each thread takes an item and gives it back, always a hit. The anchor of all ratios,
// bare_slot, is this scenario's.
#pragma once

#include <memory>
#include <utility>

#include "../borrowing.hpp"
#include "../harness.hpp"

namespace pool_bench {

struct pool {
  static constexpr const char* name = "pool";
  using object = counted_object;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    auto&& mine = enter(shared);
    mine.put(std::make_unique<object_of<Pool>>());
    record.start();
    for (auto _ : state) {
      item_of<Pool> item = mine.get();
      use(item.get());
      mine.put(std::move(item));
      benchmark::ClobberMemory();
    }
    record.finish(state.iterations());
    mine.get().reset();  // a slot of this thread ends empty
  }
};

// pool_borrow: the same with an item that goes back at the end of its scope. The subject's handle
// also keeps track of a pool that dies first.
struct pool_borrow {
  static constexpr const char* name = "pool_borrow";
  using object = counted_object;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    auto&& mine = enter(shared);
    mine.put(std::make_unique<object_of<Pool>>());
    record.start();
    for (auto _ : state) {
      auto borrowed = borrow_from(mine);  // not const, which g++ keeps in memory
      use(borrowed.get());
      benchmark::ClobberMemory();
    }
    record.finish(state.iterations());
    mine.get().reset();  // a slot of this thread ends empty
  }
};

}  // namespace pool_bench

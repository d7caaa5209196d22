// oversubscribed: as pool, but with many more threads than CPUs, so that threads lose their CPU
// with an item in hand or in the middle of a call. The pool begins empty. `live` is how many
// objects there are at the end, `live_after_cycles` how many are left when the pool, which nobody
// uses then, has done two cycles.
#pragma once

#include <memory>
#include <utility>

#include "../harness.hpp"

namespace pool_bench {

struct oversubscribed {
  static constexpr const char* name = "oversubscribed";
  using object = counted_object;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    auto&& mine = enter(shared);
    record.start();
    for (auto _ : state) {
      item_of<Pool> item = mine.get();
      use(item.get());
      mine.put(std::move(item));
      benchmark::ClobberMemory();
    }
    record.finish(state.iterations(), [&] {
      if constexpr (keeps_items<Pool>)
        record.set("live", static_cast<double>(tally::total().live()));
      if constexpr (requires { shared.rotate(); }) {
        shared.rotate();
        shared.rotate();
        record.set("live_after_cycles", static_cast<double>(tally::total().live()));
      }
    });
  }
};

}  // namespace pool_bench

// SPDX-License-Identifier: MIT
// many_pools: a get and a put of a pool that is drawn from 100, as in a program with a pool for
// each of its types. Which one it is no branch predictor knows, and what all of them read is more
// than a few lines.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <utility>
#include <vector>

#include "../baselines/peer.hpp"
#include "../harness.hpp"

namespace pool_bench {

// What such a program has without a pool: a vector for each type, of one thread.
template <class T>
class own_vector {
 public:
  static constexpr const char* name = "own_vector";

  [[gnu::always_inline]] std::unique_ptr<T> try_get() {
    if (items_.empty()) return nullptr;
    std::unique_ptr<T> taken = std::move(items_.back());
    items_.pop_back();
    return taken;
  }
  [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }
  [[gnu::always_inline]] void put(std::unique_ptr<T> item) { items_.push_back(std::move(item)); }

 private:
  std::vector<std::unique_ptr<T>> items_;
};

struct many_pools {
  static constexpr const char* name = "many_pools";
  using object = counted_object;
  static constexpr std::uint32_t pools = 100;

  template <class Pool>
  static void run(benchmark::State& state, Pool&, recorder& record) {
    std::vector<Pool> all(pools);
    for (Pool& each : all) each.put(std::make_unique<object_of<Pool>>());
    std::uint32_t random = 1;
    record.start();
    for (auto _ : state) {
      random = random * 1664525 + 1013904223;
      Pool& drawn = all[(std::uint64_t{random} * pools) >> 32];
      item_of<Pool> item = drawn.get();
      use(item.get());
      drawn.put(std::move(item));
      benchmark::ClobberMemory();
    }
    record.finish(state.iterations());
  }
};

}  // namespace pool_bench

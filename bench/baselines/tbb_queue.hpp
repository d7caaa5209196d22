// SPDX-License-Identifier: MIT
// tbb::concurrent_queue, which is unbounded and keeps its items in pages.
#pragma once

#include <tbb/concurrent_queue.h>

#include <memory>
#include <utility>

#include "peer.hpp"

namespace pool_bench {

template <class T>
class tbb_queue {
 public:
  static constexpr const char* name = "tbb_concurrent_queue";

  [[gnu::always_inline]] std::unique_ptr<T> try_get() {
    std::unique_ptr<T> taken;
    queue_.try_pop(taken);
    return taken;
  }

  [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }

  [[gnu::always_inline]] void put(std::unique_ptr<T> item) { queue_.push(std::move(item)); }

 private:
  tbb::concurrent_queue<std::unique_ptr<T>> queue_;
};

}  // namespace pool_bench

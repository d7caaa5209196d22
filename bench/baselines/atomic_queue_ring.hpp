// SPDX-License-Identifier: MIT
// atomic_queue's bounded queue of atomic pointers, 4096 places: what does not fit is destroyed.
#pragma once

#include <atomic_queue/atomic_queue.h>

#include <memory>
#include <utility>

#include "peer.hpp"

namespace pool_bench {

template <class T>
class atomic_queue_ring {
 public:
  static constexpr const char* name = "atomic_queue";

  ~atomic_queue_ring() {
    while (try_get()) {
    }
  }

  [[gnu::always_inline]] std::unique_ptr<T> try_get() {
    T* taken = nullptr;
    queue_.try_pop(taken);
    return std::unique_ptr<T>(taken);
  }

  [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }

  [[gnu::always_inline]] void put(std::unique_ptr<T> item) {
    if (queue_.try_push(item.get())) item.release();
  }

 private:
  atomic_queue::AtomicQueue<T*, 4096> queue_;
};

}  // namespace pool_bench

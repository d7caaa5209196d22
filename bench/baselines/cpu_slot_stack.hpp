// SPDX-License-Identifier: MIT
// One slot for each CPU, exchanged, over a stack with a lock: what one slot per CPU gives without
// rings, steals and cycles. A put leaves its item in the slot of the current CPU, and moves what
// was there to the stack; a get that finds its slot empty looks into the stack, and last into the
// other CPUs' slots.
#pragma once

#include <sched.h>

#include <atomic>
#include <cstddef>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "mutex_vector.hpp"
#include "peer.hpp"

namespace pool_bench {

template <class T>
class cpu_slot_stack {
 public:
  static constexpr const char* name = "cpu_slot_stack";

  ~cpu_slot_stack() {
    for (slot& each : slots_) take(each);
  }

  [[gnu::always_inline]] std::unique_ptr<T> try_get() {
    if (std::unique_ptr<T> own = take(my_slot())) [[likely]]
      return own;
    return search();
  }

  [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }

  [[gnu::always_inline]] void put(std::unique_ptr<T> item) {
    std::unique_ptr<T> displaced(
        my_slot().item.exchange(item.release(), std::memory_order_acq_rel));
    if (displaced) stack_.put(std::move(displaced));
  }

 private:
  struct alignas(64) slot {
    std::atomic<T*> item{nullptr};
  };

  static std::unique_ptr<T> take(slot& from) {
    return std::unique_ptr<T>(from.item.exchange(nullptr, std::memory_order_acquire));
  }

  [[gnu::noinline]] std::unique_ptr<T> search() {
    if (std::unique_ptr<T> stacked = stack_.try_get()) return stacked;
    for (slot& each : slots_) {
      if (each.item.load(std::memory_order_relaxed) == nullptr) continue;
      if (std::unique_ptr<T> other = take(each)) return other;
    }
    return nullptr;
  }

  // glibc reads the number from the thread's rseq area. It is a hint: any slot would do.
  slot& my_slot() { return slots_[static_cast<std::size_t>(sched_getcpu()) % slots_.size()]; }

  // Asked for once: it is a system call.
  static inline const std::size_t cpus_ = std::thread::hardware_concurrency();

  std::vector<slot> slots_ = std::vector<slot>(cpus_);
  mutex_vector<T> stack_;
};

}  // namespace pool_bench

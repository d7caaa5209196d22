// SPDX-License-Identifier: MIT
// The anchors: what keeping one item can cost at least. They can neither share, nor steal, nor give
// memory back, and they hold one item.
//
// External linkage keeps the slots honest: the compiler cannot know that nobody else changes them.
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "peer.hpp"

namespace pool_bench {

template <class T>
constinit inline thread_local T* slot = nullptr;

// Load, store null, store back. Whether an item was there is not looked at, and what a second put
// displaces is lost: no program could use it. All ratios go through it.
template <class T>
class bare_slot {
 public:
  static constexpr const char* name = "bare_slot";

  [[gnu::always_inline]] std::unique_ptr<T> try_get() {
    return std::unique_ptr<T>(std::exchange(slot<T>, nullptr));
  }
  [[gnu::always_inline]] std::unique_ptr<T> get() { return try_get(); }
  [[gnu::always_inline]] void put(std::unique_ptr<T> item) { slot<T> = item.release(); }
};

// The same as a program would write it: makes an item if none is there, destroys what is in the
// way.
template <class T>
class checked_slot {
 public:
  static constexpr const char* name = "checked_slot";

  [[gnu::always_inline]] std::unique_ptr<T> try_get() {
    return std::unique_ptr<T>(std::exchange(slot<T>, nullptr));
  }
  [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }
  [[gnu::always_inline]] void put(std::unique_ptr<T> item) {
    const std::unique_ptr<T> displaced(std::exchange(slot<T>, item.release()));
  }
};

// What the portable pin cannot go below: an atomic exchange to take and one to give, on a line that
// only this thread touches.
template <class T>
constinit inline thread_local std::atomic<T*> exchanged_slot{nullptr};

template <class T>
class two_exchanges {
 public:
  static constexpr const char* name = "two_exchanges";

  [[gnu::always_inline]] std::unique_ptr<T> try_get() {
    return std::unique_ptr<T>(exchanged_slot<T>.exchange(nullptr, std::memory_order_acquire));
  }
  [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }
  [[gnu::always_inline]] void put(std::unique_ptr<T> item) {
    const std::unique_ptr<T> displaced(
        exchanged_slot<T>.exchange(item.release(), std::memory_order_acq_rel));
  }
};

}  // namespace pool_bench

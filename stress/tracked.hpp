// SPDX-License-Identifier: MIT
// The items of the tests that run whole pools: each knows who holds it, and all are counted.
//
// Stands on: stress.
#pragma once

#include "stress.hpp"

namespace stress {

// Taking one out of a pool and giving it back is told to it. An item that is handed out twice, or
// destroyed while it is held, ends the test. The contents are plain data, and the word that names
// the holder is relaxed: so the thread sanitizer sees a hand-over that orders nothing.
class tracked {
 public:
  tracked() noexcept { made_.fetch_add(1, std::memory_order_relaxed); }

  ~tracked() {
    if (holder_.exchange(destroyed, std::memory_order_relaxed) != nobody) {
      fail("an item was destroyed while it was held, or twice");
    }
    check_contents();
    gone_.fetch_add(1, std::memory_order_relaxed);
  }

  tracked(const tracked&) = delete;
  tracked& operator=(const tracked&) = delete;

  // The calling thread got it.
  void check_out() {
    const std::uint32_t before = holder_.exchange(thread_number(), std::memory_order_relaxed);
    if (before == destroyed) fail("a destroyed item was handed out");
    if (before != nobody) fail("an item was handed out twice");
    check_contents();
    contents_ += thread_number();
    copy_ = contents_;
  }

  // The calling thread, which holds it, is about to give it away or destroy it.
  void check_in() {
    check_contents();
    if (holder_.exchange(nobody, std::memory_order_relaxed) != thread_number()) {
      fail("an item was handed out to another thread while this one held it");
    }
  }

  static std::uint64_t made() noexcept { return made_.load(std::memory_order_relaxed); }
  static std::uint64_t gone() noexcept { return gone_.load(std::memory_order_relaxed); }
  static std::uint64_t alive() noexcept { return made() - gone(); }

 private:
  void check_contents() const {
    if (contents_ != copy_) fail("the contents of an item are not as its last holder left them");
  }

  static constexpr std::uint32_t nobody = 0;
  static constexpr std::uint32_t destroyed = ~std::uint32_t{0};

  static inline constinit std::atomic<std::uint64_t> made_{0};
  static inline constinit std::atomic<std::uint64_t> gone_{0};

  std::atomic<std::uint32_t> holder_{nobody};
  std::uint64_t contents_ = 0;
  std::uint64_t copy_ = 0;
};

}  // namespace stress

// SPDX-License-Identifier: MIT
// A number that many threads add to and subtract from, and that is never more than a maximum.
//
// Who owns what
//   C1. What is added is the adder's until it subtracts it, or hands it on: with an item that is
//       put it goes to whoever takes the item out.
//   C2. So the number is the sum of what was added and not yet subtracted, at each moment of its
//       own order of changes, and in that order it is never more than the maximum.
//
// Stands on: sync.
#pragma once

#include <poolproof/sync.hpp>

#include <algorithm>
#include <cstdint>

namespace poolproof {

template <sync_policy Sync = std_sync>
class bounded_count {
 public:
  // Adds, unless that would make it more than `most`. Anyone; lock-free. False only if at some
  // moment of the call there was no room.
  [[nodiscard]] bool add(std::uint64_t number, std::uint64_t most) noexcept {
    // [add.read] relaxed: hint, rechecked by [add.claim]; "full" is an answer of its own, true at
    // some moment.
    std::uint64_t seen = count_.load(std::memory_order_relaxed);
    do {
      if (number > most || seen > most - number) return false;
      // Nothing is handed over by it: what an item's subtraction comes after is the item's put, and
      // so its addition (C1).
      // [add.claim] relaxed: coherence with [subtract.sub], [subtract_above.claim]; each sees what
      // the one before it in the number's own order has left (C2).
      // [add.claim.fail] relaxed: hint, rechecked by [add.claim].
    } while (!count_.compare_exchange_weak(seen, seen + number, std::memory_order_relaxed,
                                           std::memory_order_relaxed));
    return true;
  }

  // Subtracts what was added. Anyone; wait-free.
  void subtract(std::uint64_t number) noexcept {
    // [subtract.sub] relaxed: coherence with [add.claim].
    count_.fetch_sub(number, std::memory_order_relaxed);
  }

  // Subtracts up to `number`, as long as `least` are left; returns how many. Anyone; lock-free.
  [[nodiscard]] std::uint64_t subtract_above(std::uint64_t least, std::uint64_t number) noexcept {
    // [subtract_above.read] relaxed: hint, rechecked by [subtract_above.claim].
    std::uint64_t seen = count_.load(std::memory_order_relaxed);
    std::uint64_t taken = 0;
    do {
      taken = (std::min)(number, seen - (std::min)(seen, least));
      if (taken == 0) return 0;
      // [subtract_above.claim] relaxed: coherence with [add.claim].
      // [subtract_above.claim.fail] relaxed: hint, rechecked by [subtract_above.claim].
    } while (!count_.compare_exchange_weak(seen, seen - taken, std::memory_order_relaxed,
                                           std::memory_order_relaxed));
    return taken;
  }

  // Anyone; wait-free; for statistics.
  std::uint64_t value() const noexcept {
    // [value.read] relaxed: counter.
    return count_.load(std::memory_order_relaxed);
  }

 private:
  typename Sync::template atomic<std::uint64_t> count_{0};
};

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// A right that one thread has at a time, and that nobody waits for.
//
// Stands on: sync.
#pragma once

#include <poolproof/sync.hpp>

namespace poolproof {

// To work at the head of a shard's chains, or to begin a shard. Who finds it taken goes elsewhere.
template <sync_policy Sync>
class ownership {
 public:
  // True if the caller is now the owner. Anyone; wait-free. What the last owner did before release
  // happens before the return of true.
  [[nodiscard]] bool try_own() noexcept {
    // [try_own.look] relaxed: hint, rechecked by [try_own.claim]; spares the line while it is
    // taken.
    if (owned_.load(std::memory_order_relaxed)) return false;
    // [try_own.claim] acquire: pairs with [release.hand_over]; so that the owner finds what it owns
    // as the last owner left it.
    return !owned_.exchange(true, std::memory_order_acquire);
  }

  // Owner only; wait-free.
  void release() noexcept {
    // [release.hand_over] release: pairs with [try_own.claim]; so that the next owner finds what it
    // owns as this one leaves it.
    owned_.store(false, std::memory_order_release);
  }

 private:
  typename Sync::template atomic<bool> owned_{false};
};

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// The pin: what takes the place of Go's "this processor is mine until I say otherwise".
//
// C++ has no processor to hold on to, so there are two smaller things instead, each of which a thread
// may lose its CPU in without harm to the others:
//   private_part   take() and give() on the private part of the current CPU's shard. Each is atomic
//                  as a whole and leaves nothing held; it never waits and is never busy.
//   ownership      (ownership.hpp) the right to push_head and pop_head on a shard's chains: asked for
//                  by one exchange, not waited for. Who finds it taken goes elsewhere.
// The index of the current CPU's shard is Sync::cpu(), a hint: everything here is correct when
// several threads share a CPU, and when a thread migrates between reading the index and using it.
//
// This is the portable form. What stands above may not assume that take and give lock or hold
// anything, nor that the private part is one item: a form with restartable sequences does neither.
//
// Stands on: sync.
#pragma once

#include <poolproof/sync.hpp>

namespace poolproof {

// The private part of a shard.
//
//   I1. An item is in the slot, or with the one thread whose exchange took it out.
//   I2. Who takes an item out sees all that was done to it before it was given.
template <class T, sync_policy Sync>
class private_part {
 public:
  // The most items that it holds.
  static constexpr std::size_t capacity = 1;

  // Takes an item, or null if there is none. Anyone; wait-free. Meant for the current CPU's shard.
  // What happened before an item's give happens before the return of its take.
  T* take() noexcept {
    // Looking first spares an empty slot the locked exchange.
    // [take.look] relaxed: hint, rechecked by [take.claim]; "empty" is an answer of its own, true
    // at some moment. The pointer is not followed.
    if (slot_.load(std::memory_order_relaxed) == nullptr) return nullptr;
    // [take.claim] acquire: pairs with [give.swap]; so that the item is as its giver left it (I2).
    return slot_.exchange(nullptr, std::memory_order_acquire);
  }

  // Gives an item, which must not be null. Anyone; wait-free. Returns null, or an item for which
  // there is no room: that one is then the caller's.
  [[nodiscard]] T* give(T* item) noexcept {
    // [give.swap] acq_rel: acquire pairs with [give.swap]; so that the displaced item, which this
    // thread now pushes or destroys, is as its giver left it; release pairs with [take.claim],
    // [give.swap]; so that whoever takes this item out sees what was done to it (I2).
    return slot_.exchange(item, std::memory_order_acq_rel);
  }

  // As take, for a thread on any CPU: the last resort of a get, and a cycle's way to empty the
  // part. The portable slot may be emptied from anywhere; a part of restartable sequences may not.
  T* steal() noexcept { return take(); }

  // How many items it holds. Anyone; wait-free; for statistics.
  std::size_t size() const noexcept {
    // [private_size.read] relaxed: counter; the pointer is not followed.
    return slot_.load(std::memory_order_relaxed) == nullptr ? 0 : 1;
  }

 private:
  typename Sync::template atomic<T*> slot_{nullptr};
};

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// The pin: what takes the place of Go's "this processor is mine until I say otherwise".
//
// C++ has no processor to hold on to, so there are two smaller things instead, each of which a
// thread may lose its CPU in without harm to the others:
//   private_part   take() and give() on the private part of the current CPU's shard. Each item
//                  moves by one exchange, and nothing is held meanwhile; it never waits and is
//                  never busy.
//   ownership      (ownership.hpp) the right to push_head and pop_head on a shard's chains: asked
//                  for by one exchange, not waited for. Who finds it taken goes elsewhere.
// The index of the current CPU's shard is Sync::cpu(), a hint: everything here is correct when
// several threads share a CPU, and when a thread migrates between reading the index and using it.
//
// This is the portable form. Restartable sequences have the magazine (magazine.hpp) before it.
//
// Stands on: sync.
#pragma once

#include <poolproof/sync.hpp>

#include <algorithm>

namespace poolproof {

// The private part of a shard: a stack of items, about, in slots that are each exchanged alone.
//
//     slots   [ item | item | - | item | - | - ]
//     top     where the next item goes, and below which the newest is: a hint
//
//   I1. An item is in one slot, or with the one thread whose exchange took it out.
//   I2. Who takes an item out sees all that was done to it before it was given.
//   I3. A steal looks into every slot. So it finds what is there also where the threads of a CPU
//       have spoilt the hint for each other.
template <class T, sync_policy Sync>
class private_part {
 public:
  // The most items that it holds. Beside a magazine one is enough: for what few threads need, and
  // what has no room there.
  static constexpr std::uint32_t capacity =
      Sync::sections::compiled ? 1 : Sync::limits::private_items;

  // Takes the newest item below the hint, or null. Anyone; wait-free. Meant for the current CPU's
  // shard. What happened before an item's give happens before the return of its take.
  T* take() noexcept {
    if constexpr (capacity == 1) return take_from(slots_[0]);
    const std::uint32_t top = this->top();
    std::uint32_t next = top;
    T* item = nullptr;
    while (next != 0 && item == nullptr) item = take_from(slots_[--next]);
    if (next != top) set_top(next);
    return item;
  }

  // Gives an item, which must not be null. Anyone; wait-free. Returns null, or an item for which
  // there is no room: that one is then the caller's, and the newer one stays.
  [[nodiscard]] T* give(T* item) noexcept {
    if constexpr (capacity == 1) return swap(slots_[0], item);
    const std::uint32_t top = this->top();
    const std::uint32_t next = (std::min)(top, capacity - 1);
    T* const displaced = swap(slots_[next], item);
    if (next == top) set_top(next + 1);
    return displaced;
  }

  // Takes any item; null if each slot was empty at some moment. For a thread on any CPU: the last
  // resort of a get. Anyone; wait-free. What happened before is as with take.
  T* steal() noexcept {
    for (slot& each : slots_) {
      if (T* const item = take_from(each)) return item;
    }
    return nullptr;
  }

  // Calls keep(item) for what is taken out of each slot once: a cycle's way to empty the part. As
  // steal.
  template <class Keep>
  void empty(Keep keep) noexcept {
    for (slot& each : slots_) {
      if (T* const item = take_from(each)) keep(item);
    }
    if (capacity != 1) set_top(0);
  }

  // How many items it holds, about. Anyone; wait-free.
  std::uint32_t size() const noexcept {
    std::uint32_t count = 0;
    for (const slot& each : slots_) {
      // [private_size.read] relaxed: counter; the pointer is not followed.
      count += each.load(std::memory_order_relaxed) == nullptr ? 0 : 1;
    }
    return count;
  }

 private:
  using slot = typename Sync::template atomic<T*>;

  static T* take_from(slot& from) noexcept {
    // Looking first spares an empty slot the locked exchange.
    // [take_from.look] relaxed: hint, rechecked by [take_from.claim]; "empty" is an answer of its
    // own, true at some moment. The pointer is not followed.
    if (from.load(std::memory_order_relaxed) == nullptr) return nullptr;
    // [take_from.claim] acquire: pairs with [swap.item]; so that the item is as its giver left it
    // (I2).
    return from.exchange(nullptr, std::memory_order_acquire);
  }

  static T* swap(slot& with, T* item) noexcept {
    // [swap.item] acq_rel: acquire pairs with [swap.item]; so that the displaced item, which this
    // thread now pushes or destroys, is as its giver left it; release pairs with [take_from.claim],
    // [swap.item]; so that whoever takes this item out sees what was done to it (I2).
    return with.exchange(item, std::memory_order_acq_rel);
  }

  // Where the next item goes. Not asked for where there is one slot.
  std::uint32_t top() const noexcept {
    // [top.read] relaxed: hint, rechecked by [take_from.claim], [swap.item].
    return top_.load(std::memory_order_relaxed);
  }
  void set_top(std::uint32_t top) noexcept {
    // [set_top.store] relaxed: hint, rechecked by [take_from.claim], [swap.item].
    top_.store(top, std::memory_order_relaxed);
  }

  typename Sync::template atomic<std::uint32_t> top_{0};
  slot slots_[capacity]{};
};

}  // namespace poolproof

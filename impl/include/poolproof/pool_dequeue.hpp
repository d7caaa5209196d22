// SPDX-License-Identifier: MIT
// A ring of pointers of fixed length: one producer, many consumers (Go's poolDequeue).
//
//              tail                     head
//               v                        v
//     [ null | item | item | item | ... | null | null ]      length: a power of two
//
// The owner pushes and pops at the head; anyone, the owner included, pops at the tail. Head and
// tail are 32-bit indices that run freely and wrap, packed into one 64-bit word, so that one
// compare-and-swap decides who gets an item. A slot is one atomic word: a null pointer is the mark
// of an empty slot, so the item and the mark can never be seen apart.
//
// Each call moves one item or several: the ends by one read-modify-write for all of them, the slots
// one by one.
//
// Who owns what
//   I1. The indices tail <= i < head (modulo 2^32) are in the ring. Index i is taken by the one
//       read-modify-write that moves tail or head over it, alone or with its neighbours; from then
//       on slot i is the taker's.
//   I2. A slot outside [tail, head) that is not null is still a consumer's: it has won the index
//       and has not yet vacated the slot. The producer may fill a slot only after it has read null
//       there.
//   I3. Whoever takes index i sees the item that was pushed at i, and all that its producer did
//       before.
//
// head_tail_ is changed by read-modify-writes only. So every publishing increment heads a release
// sequence that all later claims continue, and a claim synchronises with every push before it.
//
// Stands on: sync.
#pragma once

#include <poolproof/sync.hpp>

#include <algorithm>

namespace poolproof {

// The two ends of a ring. Both wrap at 2^32; empty when equal.
struct ring_ends {
  std::uint32_t head = 0;  // the next index to fill
  std::uint32_t tail = 0;  // the oldest index that holds an item

  friend constexpr bool operator==(ring_ends, ring_ends) noexcept = default;

  // How many items lie between the ends.
  constexpr std::uint32_t distance() const noexcept { return head - tail; }
};

// Head lies in the high half: adding one to it is a plain fetch_add whose overflow falls off.
constexpr std::uint64_t pack(ring_ends ends) noexcept {
  return std::uint64_t{ends.head} << 32 | ends.tail;
}

constexpr ring_ends unpack(std::uint64_t packed) noexcept {
  return {static_cast<std::uint32_t>(packed >> 32), static_cast<std::uint32_t>(packed)};
}

inline constexpr std::uint64_t one_head = pack({1, 0});

template <class T, sync_policy Sync = std_sync>
class pool_dequeue {
 public:
  using slot = typename Sync::template atomic<T*>;

  // With 2^32 indices and at most 2^30 slots, a full ring and an empty one never look the same.
  static constexpr std::uint32_t max_length = std::uint32_t{1} << 30;

  // The ring works on `length` slots from `first` on, which the caller provides, all null; length
  // is a power of two, at most max_length. Both ends start at `start`.
  pool_dequeue(slot* first, std::uint32_t length, std::uint32_t start = 0) noexcept
      : slots_(first), length_(length), head_tail_(pack({start, start})) {}

  pool_dequeue(const pool_dequeue&) = delete;
  pool_dequeue& operator=(const pool_dequeue&) = delete;

  std::uint32_t length() const noexcept { return length_.get(); }

  // Pushes items, none of them null, as many of the first `count` as there is room for, and returns
  // how many that is. There is no room where the ring is full, or where the thief that took the
  // slot's last item has not yet vacated it. Owner only; wait-free. What happened before the push
  // happens before the return of the pop that takes the item.
  std::uint32_t push_head(T* const* items, std::uint32_t count) noexcept;
  bool push_head(T* item) noexcept { return push_head(&item, 1) == 1; }

  // Takes the newest items, up to `room`, newest first, and returns how many: none if the ring was
  // empty at some moment of the call. Owner only; lock-free: it retries only after a thief's
  // success.
  std::uint32_t pop_head(T** out, std::uint32_t room) noexcept;
  T* pop_head() noexcept {
    T* item = nullptr;
    pop_head(&item, 1);
    return item;
  }

  // Takes the oldest items, up to `room`, oldest first, and returns how many: none if the ring was
  // empty at some moment of the call. Anyone; lock-free: it retries only after another thread's
  // success.
  std::uint32_t pop_tail(T** out, std::uint32_t room) noexcept;
  T* pop_tail() noexcept {
    T* item = nullptr;
    pop_tail(&item, 1);
    return item;
  }

  // How many items the ring held at some moment. Anyone; wait-free.
  std::uint32_t size() const noexcept;

 private:
  // What the slots are found by, read once for a loop that stores to them.
  struct slot_range {
    slot* first;
    std::uint32_t length;

    slot& at(std::uint32_t index) const noexcept { return first[index & (length - 1)]; }
  };
  slot_range all_slots() const noexcept { return {slots_.get(), length_.get()}; }

  // Read by everyone, changed by nobody. Plain data to a checker: a thief that reads them while the
  // ring is being freed is a race.
  typename Sync::template var<slot*> slots_;
  typename Sync::template var<std::uint32_t> length_;

  // Thieves write it: not on the line of what everyone only reads.
  alignas(64) typename Sync::template atomic<std::uint64_t> head_tail_;
};

template <class T, sync_policy Sync>
std::uint32_t pool_dequeue<T, Sync>::push_head(T* const* items, std::uint32_t count) noexcept {
  // [push_head.read] relaxed: owner-only; the head is exact, and an old tail can only make the ring
  // look fuller.
  const ring_ends ends = unpack(head_tail_.load(std::memory_order_relaxed));
  const slot_range ring = all_slots();
  const std::uint32_t room = (std::min)(count, ring.length - ends.distance());

  // Go needs an acquire here, for its slots are two words. With one word the order within the slot
  // is enough: the taker read its item before it stored null, this thread reads that null before it
  // stores the next item, so the taker cannot have read the next item.
  std::uint32_t filled = 0;
  for (; filled != room; ++filled) {
    slot& target = ring.at(ends.head + filled);
    // [push_head.reuse] relaxed: coherence with [pop_tail.vacate]; until null is seen, the slot is
    // a thief's (I2).
    if (target.load(std::memory_order_relaxed) != nullptr) break;
    // [push_head.fill] relaxed: ordered by [push_head.publish]; no one looks before the head moves
    // (I3).
    target.store(items[filled], std::memory_order_relaxed);
  }
  if (filled == 0) return 0;

  // [push_head.publish] release: pairs with [pop_tail.claim]; so that the slots, and the objects
  // that the items point to, are seen by whoever claims the indices (I3).
  head_tail_.fetch_add(filled * one_head, std::memory_order_release);
  return filled;
}

template <class T, sync_policy Sync>
std::uint32_t pool_dequeue<T, Sync>::pop_head(T** out, std::uint32_t room) noexcept {
  // [pop_head.read] relaxed: hint, rechecked by [pop_head.claim]; the head is the owner's own.
  std::uint64_t seen = head_tail_.load(std::memory_order_relaxed);
  ring_ends ends;
  std::uint32_t count = 0;
  do {
    ends = unpack(seen);
    count = (std::min)(room, ends.distance());
    if (count == 0) return 0;
    ends.head -= count;
    // The items were pushed by this thread, or by an earlier owner whose release of the ownership
    // came before: the claim has nothing to acquire, and the slots stay with the owner.
    // [pop_head.claim] relaxed: owner-only; the swap alone decides against thieves (I1).
    // [pop_head.claim.fail] relaxed: hint, rechecked by [pop_head.claim]; a thief moved the tail.
  } while (!head_tail_.compare_exchange_weak(seen, pack(ends), std::memory_order_relaxed,
                                             std::memory_order_relaxed));

  const slot_range ring = all_slots();
  for (std::uint32_t i = 0; i != count; ++i) {
    slot& source = ring.at(ends.head + count - 1 - i);
    // [pop_head.take] relaxed: owner-only; the slot left the ring at [pop_head.claim] (I1).
    out[i] = source.load(std::memory_order_relaxed);
    // [pop_head.vacate] relaxed: owner-only; the next to look at the slot is an owner's next push.
    source.store(nullptr, std::memory_order_relaxed);
  }
  return count;
}

template <class T, sync_policy Sync>
std::uint32_t pool_dequeue<T, Sync>::pop_tail(T** out, std::uint32_t room) noexcept {
  // [pop_tail.read] relaxed: hint, rechecked by [pop_tail.claim].
  std::uint64_t seen = head_tail_.load(std::memory_order_relaxed);
  ring_ends ends;
  std::uint32_t count = 0;
  do {
    ends = unpack(seen);
    count = (std::min)(room, ends.distance());
    if (count == 0) return 0;
    // The acquire must be the claim's, not the first read's: between the two the owner can pop,
    // push another item at the same index and bring the word back to the same value.
    // [pop_tail.claim] acquire: pairs with [push_head.publish]; so that the slots are read only
    // after they were filled, and the objects only after their producer was done with them (I3).
    // [pop_tail.claim.fail] relaxed: hint, rechecked by [pop_tail.claim]; nothing is read on
    // failure.
  } while (!head_tail_.compare_exchange_weak(seen, pack({ends.head, ends.tail + count}),
                                             std::memory_order_acquire, std::memory_order_relaxed));

  const slot_range ring = all_slots();
  for (std::uint32_t i = 0; i != count; ++i) {
    slot& source = ring.at(ends.tail + i);
    // [pop_tail.take] relaxed: ordered by [pop_tail.claim]; nobody fills a slot that is not null
    // (I2).
    out[i] = source.load(std::memory_order_relaxed);
    // The slot goes back to the producer here, whatever becomes of its neighbours.
    // [pop_tail.vacate] relaxed: coherence with [push_head.reuse]; the item was read before, and
    // nothing else is handed back: the object is the taker's.
    source.store(nullptr, std::memory_order_relaxed);
  }
  return count;
}

template <class T, sync_policy Sync>
std::uint32_t pool_dequeue<T, Sync>::size() const noexcept {
  // [dequeue_size.read] relaxed: owner-only; its head is exact, and an old tail errs on the side of
  // "not yet empty". To everyone else it is a statistic.
  return unpack(head_tail_.load(std::memory_order_relaxed)).distance();
}

}  // namespace poolproof

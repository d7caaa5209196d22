// SPDX-License-Identifier: MIT
// A list of rings, each twice as long as the one before (Go's poolChain).
//
//      tail_                                    head_
//        v                                        v
//     [ ring 8 ] --next--> [ ring 16 ] --next--> [ ring 32 ]      thieves go this way
//         ^------prev----------' ^------prev---------'            the owner goes this way
//
// The owner pushes to the ring at head_, and adds one when it is full. It pops from head_, then
// from the rings before it. Thieves pop from the ring at tail_, and unlink it once it is drained
// for good.
//
// Who owns what
//   I1. head_ and every prev are the owner's. tail_ and every next are read by thieves; the owner
//       sets a next once, and tail_ only where no ring holds an item; thieves move tail_ to a next.
//   I2. A ring whose next is set gets no more items. So if a thief reads a next first and then
//       finds that ring empty, it is drained for good.
//   I3. tail_ never points to a ring before which an item lies. The rings before tail_ are
//       unlinked: a thief that enters from now on cannot reach them. Late thieves can, and so can
//       the owner. An owner that finds no item hides the chain: tail_ is null, no thief need visit,
//       until the next push shows the ring at head_.
//   I4. What is unlinked goes to the reclaimer, which the owner asks first whether it has room.
//
// Stands on: pool_dequeue, ring_reclaimer, sync.
#pragma once

#include <poolproof/pool_dequeue.hpp>
#include <poolproof/ring_reclaimer.hpp>
#include <poolproof/sync.hpp>

#include <algorithm>
#include <utility>

namespace poolproof {

template <class T, sync_policy Sync = std_sync>
class pool_chain {
 public:
  using ring = chain_ring<T, Sync>;
  using reclaimer = ring_reclaimer<T, Sync>;
  using tenure = typename reclaimer::tenure;

  static constexpr std::uint32_t first_length = Sync::limits::first_ring;

  pool_chain() noexcept = default;
  pool_chain(const pool_chain&) = delete;
  pool_chain& operator=(const pool_chain&) = delete;

  // Exclusive. Frees the rings; what they still point to is the caller's affair.
  ~pool_chain();

  // Pushes items, none of them null, and returns how many: all `count`, unless a ring is needed and
  // memory is refused; the last ones are then still the caller's. Owner only; wait-free but for the
  // allocator. What happened before the push happens before the return of the pop that takes the
  // item.
  std::uint32_t push_head(T* const* items, std::uint32_t count, tenure& rings) noexcept;
  bool push_head(T* item, tenure& rings) noexcept { return push_head(&item, 1, rings) == 1; }

  // Takes items, up to `room`, at least one, newest first, from the youngest ring that has some,
  // and returns how many: none if the chain is empty, which is then hidden. Owner only; lock-free.
  std::uint32_t pop_head(T** out, std::uint32_t room) noexcept;
  T* pop_head() noexcept {
    T* item = nullptr;
    pop_head(&item, 1);
    return item;
  }

  // Takes items, up to `room`, oldest first, from the oldest ring that has some, and returns how
  // many: none if the chain was empty at some moment of the call. Anyone, inside a visit of the
  // shard's reclaimer; lock-free.
  std::uint32_t pop_tail(T** out, std::uint32_t room) noexcept;
  T* pop_tail() noexcept {
    T* item = nullptr;
    pop_tail(&item, 1);
    return item;
  }

  // True if the chain is hidden, or has no ring: a thief need not visit, nor an owner look. Anyone;
  // wait-free; a hint, but for what happened before the call.
  bool looks_empty() const noexcept {
    // [looks_empty.read] relaxed: hint, rechecked by [chain_pop_tail.tail]; "empty" is an answer of
    // its own, true at some moment. The pointer is not followed.
    return tail_.load(std::memory_order_relaxed) == nullptr;
  }

  // True if no item is left. Owner only; wait-free.
  bool drained() const noexcept;

  // The same; it is then hidden, as after a pop that finds none. Owner only; wait-free.
  bool hide_if_drained() noexcept {
    if (!drained()) return false;
    hide();
    return true;
  }

  // How many items it held, about. Anyone, inside a visit; wait-free but for growth meanwhile.
  std::uint64_t size() const noexcept;

  // Gives all rings of a drained chain to the reclaimer, so that a chain that once was long becomes
  // short; does nothing while the reclaimer still waits for a thief. Owner only.
  void release_rings(tenure& rings) noexcept;

 private:
  void show() noexcept;
  void hide() noexcept;
  ring* grow(tenure& rings) noexcept;
  void release_unlinked(tenure& rings) noexcept;

  typename Sync::template var<ring*> head_{nullptr};
  typename Sync::template atomic<ring*> tail_{nullptr};
};

template <class T, sync_policy Sync>
pool_chain<T, Sync>::~pool_chain() {
  ring* newest = head_.get();
  while (newest != nullptr) ring::destroy(std::exchange(newest, newest->prev.get()));
}

template <class T, sync_policy Sync>
std::uint32_t pool_chain<T, Sync>::push_head(T* const* items, std::uint32_t count,
                                             tenure& rings) noexcept {
  ring* newest = head_.get();
  std::uint32_t pushed = 0;
  if (newest != nullptr) {
    show();
    pushed = newest->items.push_head(items, count);
  }
  while (pushed != count) {
    newest = grow(rings);
    if (newest == nullptr) break;
    pushed += newest->items.push_head(items + pushed, count - pushed);
  }
  return pushed;
}

// Lets thieves come to the ring at head_, if they cannot come to any: no ring holds an item.
template <class T, sync_policy Sync>
void pool_chain<T, Sync>::show() noexcept {
  // [show.look] relaxed: hint, rechecked by [chain_pop_tail.unlink]; null is the owner's own, and
  // to a tail that thieves move nothing is done.
  if (tail_.load(std::memory_order_relaxed) != nullptr) return;
  // [show.tail] release: pairs with [chain_pop_tail.tail], [chain_size.tail]; so that a thief finds
  // the ring initialised.
  tail_.store(head_.get(), std::memory_order_release);
}

// Keeps thieves from coming to what the owner has found empty. Who is inside stays, and finds
// nothing until the next push.
template <class T, sync_policy Sync>
void pool_chain<T, Sync>::hide() noexcept {
  // [hide.look] relaxed: hint, rechecked by [chain_pop_tail.unlink]; as [show.look].
  if (tail_.load(std::memory_order_relaxed) == nullptr) return;
  // A thief's unlinking that comes later fails: its ring is no longer at tail_.
  // [hide.tail] relaxed: coherence with [show.tail]; who knows of a later push sees that one's
  // tail, or a later one.
  tail_.store(nullptr, std::memory_order_relaxed);
}

// Adds an empty ring at the head, or returns null.
template <class T, sync_policy Sync>
auto pool_chain<T, Sync>::grow(tenure& rings) noexcept -> ring* {
  release_unlinked(rings);
  ring* const newest = head_.get();
  if (newest == nullptr) {
    ring* const first = ring::create(first_length, nullptr);
    if (first == nullptr) return nullptr;
    head_.set(first);
    show();
    return first;
  }
  const std::uint32_t twice =
      (std::min)(newest->items.length() * 2, pool_dequeue<T, Sync>::max_length);
  ring* const added = ring::create(twice, newest);
  if (added == nullptr) return nullptr;
  head_.set(added);
  // [grow.link] release: pairs with [chain_pop_tail.next], [chain_size.next]; so that a thief finds
  // the ring initialised, and all pushes to the ring before it done (I2).
  newest->next.store(added, std::memory_order_release);
  return added;
}

template <class T, sync_policy Sync>
std::uint32_t pool_chain<T, Sync>::pop_head(T** out, std::uint32_t room) noexcept {
  for (ring* r = head_.get(); r != nullptr; r = r->prev.get()) {
    if (const std::uint32_t count = r->items.pop_head(out, room)) return count;
  }
  hide();
  return 0;
}

template <class T, sync_policy Sync>
std::uint32_t pool_chain<T, Sync>::pop_tail(T** out, std::uint32_t room) noexcept {
  // [chain_pop_tail.tail] acquire: pairs with [show.tail], [chain_pop_tail.unlink]; so that the
  // ring that it points to is initialised for this thread.
  ring* oldest = tail_.load(std::memory_order_acquire);
  while (oldest != nullptr) {
    // Before the pop: only then does its failure mean that the ring is drained for good (I2).
    // [chain_pop_tail.next] acquire: pairs with [grow.link]; so that the pop sees every item that
    // was pushed to this ring, and the next ring is initialised.
    ring* const next = oldest->next.load(std::memory_order_acquire);
    if (const std::uint32_t count = oldest->items.pop_tail(out, room)) return count;
    if (next == nullptr) return 0;
    // Go's winner also clears the next ring's prev, so that the collector can free this ring. Here
    // that is left to the owner, and prev stays the owner's alone.
    ring* expected = oldest;
    // [chain_pop_tail.unlink] release: pairs with [chain_pop_tail.tail], [chain_size.tail]; so that
    // whoever finds the next ring at tail_ finds it initialised: the initialisation came to this
    // thread by [chain_pop_tail.next].
    // [chain_pop_tail.unlink.fail] relaxed: hint, rechecked by [chain_pop_tail.unlink]; another
    // thief has unlinked this ring, and the next one is known already.
    tail_.compare_exchange_strong(expected, next, std::memory_order_release,
                                  std::memory_order_relaxed);
    oldest = next;
  }
  return 0;
}

template <class T, sync_policy Sync>
bool pool_chain<T, Sync>::drained() const noexcept {
  for (ring* r = head_.get(); r != nullptr; r = r->prev.get()) {
    if (r->items.size() != 0) return false;
  }
  return true;
}

template <class T, sync_policy Sync>
std::uint64_t pool_chain<T, Sync>::size() const noexcept {
  std::uint64_t total = 0;
  // [chain_size.tail] acquire: pairs with [show.tail], [chain_pop_tail.unlink]; so that the ring is
  // initialised.
  ring* r = tail_.load(std::memory_order_acquire);
  while (r != nullptr) {
    total += r->items.size();
    // [chain_size.next] acquire: pairs with [grow.link]; so that the ring is initialised.
    r = r->next.load(std::memory_order_acquire);
  }
  return total;
}

// Retires the rings that thieves have unlinked: those before tail_. The ring at tail_ itself stays.
template <class T, sync_policy Sync>
void pool_chain<T, Sync>::release_unlinked(tenure& rings) noexcept {
  if (!rings.reclaim()) return;
  // A thief that enters after the flip reads tail_ no older than it is read here (I3).
  // [release_unlinked.tail] relaxed: ordered by [retire.flip]; an owner has made the ring it points
  // to.
  ring* const oldest = tail_.load(std::memory_order_relaxed);
  if (oldest == nullptr) return;
  ring* const unlinked = oldest->prev.get();
  if (unlinked == nullptr) return;
  oldest->prev.set(nullptr);
  rings.retire(unlinked);
}

template <class T, sync_policy Sync>
void pool_chain<T, Sync>::release_rings(tenure& rings) noexcept {
  // Reclaim first: a chain without rings may still have left some in limbo.
  if (!rings.reclaim()) return;
  ring* const newest = head_.get();
  if (newest == nullptr) return;
  head_.set(nullptr);
  // A late thief's unlinking fails or is overwritten: its ring is no longer at tail_.
  // [release_rings.cut] relaxed: ordered by [retire.flip]; who enters after it finds no ring, or a
  // new first one.
  tail_.store(nullptr, std::memory_order_relaxed);
  rings.retire(newest);
}

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// The rings of a shard's chains, and when those that a chain no longer needs may be freed (in Go
// the garbage collector's work).
//
// Who owns what
//   I1. A ring comes out of the reclaimer only by the owner of the shard (so no owner is walking
//       back into it), and only after every thief that entered before it was unlinked has left (so
//       no thief is in it). It is then the former owner's, who frees it after giving up the shard:
//       the allocator may take milliseconds for a long one.
//
// Stands on: pool_dequeue, sync.
#pragma once

#include <poolproof/pool_dequeue.hpp>
#include <poolproof/sync.hpp>

#include <memory>
#include <utility>

namespace poolproof {

// One ring of a chain; its slots follow it in the same block of memory.
template <class T, sync_policy Sync>
struct chain_ring {
  using slot = typename pool_dequeue<T, Sync>::slot;

  // A ring with `length` empty slots, or null if memory is refused.
  static chain_ring* create(std::uint32_t length, chain_ring* prev) noexcept;
  static void destroy(chain_ring* ring) noexcept;

  // The links lie in what would be padding, on the line that a thief writes anyway.
  [[no_unique_address]] pool_dequeue<T, Sync> items;
  typename Sync::template var<chain_ring*> prev;     // the ring before this one; the owner's
  typename Sync::template atomic<chain_ring*> next;  // the ring after this one; set once

 private:
  chain_ring(std::uint32_t length, chain_ring* previous) noexcept
      : items(first_slot(), length), prev(previous), next(nullptr) {}
  ~chain_ring() = default;

  slot* first_slot() noexcept { return reinterpret_cast<slot*>(this + 1); }

  static constexpr std::size_t bytes(std::uint32_t length) noexcept {
    return sizeof(chain_ring) + length * sizeof(slot);
  }
};

template <class T, sync_policy Sync>
chain_ring<T, Sync>* chain_ring<T, Sync>::create(std::uint32_t length, chain_ring* prev) noexcept {
  static_assert(alignof(slot) <= alignof(chain_ring), "the slots follow the ring without a gap");
  // So that a long one costs its owner the pages that it fills, when it fills them.
  void* const memory = Sync::allocate_zeroed(bytes(length), alignof(chain_ring));
  if (memory == nullptr) return nullptr;
  auto* const ring = ::new (memory) chain_ring(length, prev);
  if constexpr (!Sync::zeros_are_objects) {
    for (std::uint32_t i = 0; i < length; ++i) ::new (ring->first_slot() + i) slot(nullptr);
  }
  return ring;
}

template <class T, sync_policy Sync>
void chain_ring<T, Sync>::destroy(chain_ring* ring) noexcept {
  const std::uint32_t length = ring->items.length();
  if constexpr (!Sync::zeros_are_objects) std::destroy_n(ring->first_slot(), length);
  ring->~chain_ring();
  Sync::deallocate_zeroed(ring, bytes(length), alignof(chain_ring));
}

// Who is inside the chains of a shard, and the rings that wait for them to leave.
//
// A thief enters by one read-modify-write on gate_, which holds the phase (the top bit) and how
// many have entered in it; it leaves by one on left_[phase]. The owner, who has unlinked some
// rings, starts a new phase by one exchange, which tells how many entered the old one. They are a
// closed set: once as many have left, nobody can hold a pointer to those rings. Thieves of the new
// phase, however many, do not delay it. Both sides change gate_ by read-modify-writes, so each
// thief is either counted in the exchange or has read from it; no fence is needed to exclude a
// third case.
//
// A thief that stops inside holds back what is in limbo_, and nothing is added to limbo_ meanwhile:
// the rings of one chain, at most. The chains go on in the rings that they have.
template <class T, sync_policy Sync>
class ring_reclaimer {
 public:
  using ring = chain_ring<T, Sync>;

  ring_reclaimer() noexcept = default;
  ring_reclaimer(const ring_reclaimer&) = delete;
  ring_reclaimer& operator=(const ring_reclaimer&) = delete;

  // Exclusive: nobody else may use the shard any more.
  ~ring_reclaimer() { destroy_rings(limbo_.get()); }

  // A thief's visit. While one exists, no ring is freed that it could have reached. Anyone;
  // wait-free.
  class visit {
   public:
    explicit visit(ring_reclaimer& reclaimer) noexcept
        : reclaimer_(reclaimer), phase_(reclaimer.enter()) {}
    ~visit() { reclaimer_.leave(phase_); }
    visit(const visit&) = delete;
    visit& operator=(const visit&) = delete;

   private:
    ring_reclaimer& reclaimer_;
    const unsigned phase_;
  };

  // An owner's part, for as long as it owns the shard: reclaims and retires, and keeps the rings
  // that come back.
  class tenure {
   public:
    explicit tenure(ring_reclaimer* reclaimer) noexcept : reclaimer_(reclaimer) {}
    // Frees the rings: to be called after the shard has been given up. Anyone; wait-free but for
    // the allocator.
    ~tenure() { destroy_rings(unreachable_); }
    tenure(tenure&& other) noexcept
        : reclaimer_(other.reclaimer_), unreachable_(std::exchange(other.unreachable_, nullptr)) {}
    tenure& operator=(tenure&&) = delete;

    // True if retire may be called: no rings are in limbo any more. Owner only; wait-free. Takes
    // the rings out of limbo if all who could reach them have left.
    bool reclaim() noexcept;

    // Takes over rings that no thief can reach any more from a chain, linked by prev, newest first;
    // they are in limbo until a reclaim, perhaps this one, takes them out. Owner only; wait-free;
    // only after reclaim has said true.
    void retire(ring* unlinked) noexcept;

   private:
    void keep(ring* newest) noexcept;

    ring_reclaimer* reclaimer_;
    ring* unreachable_ = nullptr;  // linked by prev
  };

 private:
  static constexpr std::uint64_t phase_bit = std::uint64_t{1} << 63;

  static unsigned phase_of(std::uint64_t gate) noexcept { return (gate & phase_bit) != 0 ? 1 : 0; }

  unsigned enter() noexcept {
    // [enter.count] acquire: pairs with [retire.flip]; so that whoever is not counted in the old
    // phase finds the retired rings unlinked (I1).
    return phase_of(gate_.fetch_add(1, std::memory_order_acquire));
  }

  void leave(unsigned phase) noexcept {
    // [leave.count] release: pairs with [reclaim.quiet]; so that all reads of a ring come before
    // its memory is given back (I1).
    left_[phase].fetch_add(1, std::memory_order_release);
  }

  static void destroy_rings(ring* newest) noexcept;

  typename Sync::template atomic<std::uint64_t> gate_{0};
  // How many have left each phase, modulo 2^32: no more can be inside at once.
  typename Sync::template atomic<std::uint32_t> left_[2]{0, 0};
  // The owner's: the rings that wait, and gate_ at the end of the phase whose thieves they wait
  // for.
  typename Sync::template var<ring*> limbo_{nullptr};
  typename Sync::template var<std::uint64_t> entered_{0};
};

template <class T, sync_policy Sync>
bool ring_reclaimer<T, Sync>::tenure::reclaim() noexcept {
  ring* const waiting = reclaimer_->limbo_.get();
  if (waiting == nullptr) return true;
  const std::uint64_t old_phase = reclaimer_->entered_.get();
  // [reclaim.quiet] acquire: pairs with [leave.count]; so that the rings are freed only after the
  // last read of every thief that had entered (I1).
  const std::uint32_t left = reclaimer_->left_[phase_of(old_phase)].load(std::memory_order_acquire);
  if (left != static_cast<std::uint32_t>(old_phase)) return false;
  reclaimer_->limbo_.set(nullptr);
  keep(waiting);
  return true;
}

template <class T, sync_policy Sync>
void ring_reclaimer<T, Sync>::tenure::retire(ring* unlinked) noexcept {
  // [retire.read] relaxed: owner-only; only owners change the phase, and the count is not looked
  // at.
  const unsigned next_phase = 1 - phase_of(reclaimer_->gate_.load(std::memory_order_relaxed));
  // The last phase of this number is over: reclaim has seen all its thieves leave.
  // [retire.reset] relaxed: ordered by [retire.flip]; thieves of the new phase count from zero.
  reclaimer_->left_[next_phase].store(0, std::memory_order_relaxed);
  const std::uint64_t opened = next_phase == 0 ? 0 : phase_bit;
  // Nothing to acquire: what the thieves of the old phase did matters only once they have left.
  // [retire.flip] release: pairs with [enter.count]; so that thieves of the new phase find the
  // rings unlinked, and left_ reset (I1).
  reclaimer_->entered_.set(reclaimer_->gate_.exchange(opened, std::memory_order_release));
  reclaimer_->limbo_.set(unlinked);
  reclaim();
}

// Puts rings before those that are kept already.
template <class T, sync_policy Sync>
void ring_reclaimer<T, Sync>::tenure::keep(ring* newest) noexcept {
  if (unreachable_ != nullptr) {
    ring* oldest = newest;
    while (ring* const older = oldest->prev.get()) oldest = older;
    oldest->prev.set(unreachable_);
  }
  unreachable_ = newest;
}

template <class T, sync_policy Sync>
void ring_reclaimer<T, Sync>::destroy_rings(ring* newest) noexcept {
  while (newest != nullptr) ring::destroy(std::exchange(newest, newest->prev.get()));
}

}  // namespace poolproof

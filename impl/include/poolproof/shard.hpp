// SPDX-License-Identifier: MIT
// A shard: the part of a pool that one CPU uses (Go's poolLocal).
//
//     magazine            take and give of the threads on the CPU, by sections
//     private part        take and give by exchange: those of threads without sections, and what
//                         the magazine has no room for
//     chain [c]           shared: the owner works at its head, thieves steal from its tail
//     chain [1 - c]       victim: what was shared before the last cycle; it only shrinks
//     c                   the lowest bit of the shard's cycle number
//
// A cycle of a shard ("turn") makes the shared chain the victim, and the victim chain, which must
// be drained by then, the shared one. No ring moves and nothing is copied: the cycle number goes up
// by one.
//
// Who owns what
//   I1. Only the owner pushes to a chain or pops from its head, and only the owner turns the shard.
//       So which chain is which is fixed for the owner, and a hint for everyone else.
//   I2. Nobody pushes to the victim: once drained it stays drained until the shard turns.
//   I3. An item in the victim was put before the shard's last turn, an item in the magazine, the
//       private part or the shared chain before the next.
//   I4. A handle is counted once when it is borrowed and once when it is returned, each in the
//       magazine or the shard that the thread finds then. Only the sum over all shards means
//       something.
//
// Stands on: borrows, magazine, ownership, pin, pool_chain, sync.
#pragma once

#include <poolproof/borrows.hpp>
#include <poolproof/magazine.hpp>
#include <poolproof/ownership.hpp>
#include <poolproof/pin.hpp>
#include <poolproof/pool_chain.hpp>
#include <poolproof/sync.hpp>

namespace poolproof {

// Two cache lines: processors fetch them in pairs, so neighbours of half the size would still
// disturb each other. A shard with a magazine has eight such pairs.
inline constexpr std::size_t shard_alignment = 128;

template <class T, sync_policy Sync = std_sync>
class alignas(shard_alignment) shard {
 public:
  using item_type = T;
  using magazine_type = magazine<T, Sync>;
  using private_type = private_part<T, Sync>;
  using counter = typename Sync::counter;

  // A shard that takes part in all cycles. Of a policy whose zeros_are_objects, memory of zeros is
  // one, too.
  shard() noexcept = default;

  // What sections work on; its owner closes it.
  magazine_type& own_magazine() noexcept { return magazine_; }

  // The private part. take and give are meant for the CPU's own shard, steal for any.
  T* take() noexcept { return private_.take(); }
  [[nodiscard]] T* give(T* item) noexcept { return private_.give(item); }
  T* steal_private() noexcept { return private_.steal(); }

  // Takes an item that the magazine held, whose others go to the shared chain; null if there was
  // none or if the shard has an owner. What the CPU puts next goes where thieves come without this.
  // Anyone; lock-free but for the allocator; takes a system call, but not where the magazine is
  // empty.
  T* steal_magazine() noexcept;

  // Takes an item from where only its CPU's threads look first. As the two above.
  T* steal_unshared() noexcept {
    if (T* const item = steal_private()) return item;
    return steal_magazine();
  }

  // Take the oldest items of the shared chain, or of the victim, up to `room`, and tell how many:
  // none if it was empty at some moment of the call. Anyone; lock-free. While the shard turns, the
  // two may be mistaken for each other. Who finds nothing in the shared chain becomes its owner for
  // a moment, if there is none, and so hides it from later calls.
  std::uint32_t steal_shared(T** out, std::uint32_t room) noexcept;
  T* steal_shared() noexcept {
    T* item = nullptr;
    steal_shared(&item, 1);
    return item;
  }
  std::uint32_t steal_victims(T** out, std::uint32_t room) noexcept {
    return steal_from(1 - shared_index(), out, room);
  }
  T* steal_victim() noexcept { return steal_from(1 - shared_index()); }

  // How many items the victim holds, about. Anyone; wait-free but for growth meanwhile.
  std::uint64_t victims() noexcept {
    const chain& from = chains_[1 - shared_index()];
    if (from.looks_empty()) return 0;
    const typename reclaimer::visit inside(rings_);
    return from.size();
  }

  // How often its calls look at the clock: each of them from now on; or ever less often from the
  // second look on that comes too soon, for the first may be the last call of a busy moment. But
  // while its chains hold what a cycle has to free, now and then. Anyone; wait-free; a hint.
  void look_often() noexcept { set_pace(often); }
  void look_less() noexcept {
    if (pace() == often) return set_pace(nearly_often);
    const std::uint32_t least = pace() > 4 * now_and_then || holds_items() ? now_and_then : seldom;
    set_pace((std::max)({(pace() + 1) / 4, seldom, least}));
  }
  bool looks_seldom() const noexcept { return pace() <= seldom; }

  // Takes an item from wherever there is one; null if each place was empty at some moment of the
  // call. Which chain is the victim does not matter here, so the cycle is not read. The private
  // part comes first: a turn moves items out of it, never into it. Anyone; lock-free.
  T* steal_any() noexcept {
    if (T* const item = steal_private()) return item;
    if (T* const item = steal_from(0)) return item;
    return steal_from(1);
  }

  class owner;

  // The owner's rights, or an owner that converts to false if another thread has them. Anyone;
  // wait-free.
  [[nodiscard]] owner try_own() noexcept { return owner(owned_.try_own() ? this : nullptr); }

  // False if an owner has nothing to find here: spares a get the exchange. Anyone; wait-free; a
  // hint, but for what happened before the call.
  bool looks_shared() const noexcept { return !chains_[shared_index()].looks_empty(); }

  // How many items move between magazine and ring at once, at most: half of what a deep magazine
  // holds, so that it is then neither full nor empty.
  static constexpr std::uint32_t handful = std::clamp(magazine_type::capacity, 2U, 52U);

  // How deep a magazine gets unless its CPU takes back what it has put itself. Nor does a get take
  // more at once from others.
  static constexpr std::uint32_t shallow = (std::min)(handful, 16U);

  // How many cycles this shard has been through. Anyone; wait-free; exact for the owner, else
  // perhaps old.
  std::uint64_t cycle() const noexcept {
    // [cycle.read] relaxed: hint, rechecked by [try_own.claim]; which chain is which matters for
    // safety to owners only. A thief's view is brought up to date by [victims_to_search.read].
    return cycle_.load(std::memory_order_relaxed);
  }

  // How many items it holds, about. Anyone; wait-free but for growth meanwhile.
  std::uint64_t size() noexcept {
    const typename reclaimer::visit inside(rings_);
    return magazine_.size() + private_.size() + chains_[0].size() + chains_[1].size();
  }

  // The handles that are counted here, not by sections. Anyone.
  borrow_count<Sync>& borrows() noexcept { return borrows_; }

  // How many more handles were borrowed here than returned, by sections and else. Anyone;
  // wait-free; about.
  std::int64_t handles() const noexcept { return magazine_.handles() + borrows_.out(); }

  // Marks the shard closed, also to sections, and returns how many more handles were counted here
  // than returned, but for those that sections count. Once, by the pool's destructor.
  std::int64_t close_borrows() noexcept {
    magazine_.close_for_good();
    return borrows_.close();
  }

 private:
  using chain = pool_chain<T, Sync>;
  using reclaimer = ring_reclaimer<T, Sync>;

  // Of a ticker's period, what a take counts for.
  static constexpr std::uint32_t seldom = 256 / Sync::ticker::period;
  static constexpr std::uint32_t now_and_then = 4;
  // Nearly round is the most that a magazine's byte holds.
  static constexpr std::uint32_t nearly_often = 255;
  static constexpr std::uint32_t often = 256;

  std::uint32_t pace() const noexcept {
    const bool of_magazine = Sync::sections::compiled && magazine_.pace() != nearly_often;
    return of_magazine ? magazine_.pace() : operations.pace();
  }
  void set_pace(std::uint32_t chosen) noexcept {
    if (chosen == pace()) return;
    magazine_.set_pace((std::min)(chosen, nearly_often));
    operations.set_pace(chosen);
  }
  // Whether a chain holds an item, or has another owner. Hides those that do not.
  bool holds_items() noexcept {
    if (chains_[0].looks_empty() && chains_[1].looks_empty()) return false;
    const owner held = try_own();
    if (!held) return true;
    const bool has_first = !chains_[0].hide_if_drained();
    return !chains_[1].hide_if_drained() || has_first;
  }

  unsigned shared_index() const noexcept { return static_cast<unsigned>(cycle() & 1); }

  std::uint32_t steal_from(unsigned index, T** out, std::uint32_t room) noexcept {
    chain& from = chains_[index];
    if (from.looks_empty()) return 0;
    const typename reclaimer::visit inside(rings_);
    return from.pop_tail(out, room);
  }

  T* steal_from(unsigned index) noexcept {
    T* item = nullptr;
    steal_from(index, &item, 1);
    return item;
  }

  // First: the assembly looks for it there.
  [[no_unique_address]] magazine_type magazine_;

 public:
  // Drives the clock of the calls for which this shard is their own and no section took effect.
  typename Sync::ticker operations;

  // Statistics of the same calls.
  counter takes;  // about: each tick adds those of its round
  counter steals;
  counter misses;

 private:
  // With a magazine: from here on lies what other CPUs' searches read; their own calls write to
  // what is above, also when they find nothing. Without one, each give writes to the private part.
  alignas(magazine_type::capacity == 0 ? alignof(private_type)
                                       : shard_alignment) private_type private_;
  // Of handles that no section lends or takes back: seldom, where there is a magazine.
  borrow_count<Sync> borrows_;
  ownership<Sync> owned_;
  typename Sync::template atomic<std::uint64_t> cycle_{0};
  chain chains_[2];
  reclaimer rings_;
};

// The owner's rights over a shard's chains, given back on destruction. Belongs to one thread.
template <class T, sync_policy Sync>
class shard<T, Sync>::owner {
 public:
  owner() noexcept : owner(nullptr) {}
  // What is to be freed is freed by the members' destructors, after this.
  ~owner() {
    if (shard_ != nullptr) shard_->owned_.release();
  }
  owner(owner&& other) noexcept
      : shard_(std::exchange(other.shard_, nullptr)), rings_(std::move(other.rings_)) {}
  owner& operator=(owner&&) = delete;

  explicit operator bool() const noexcept { return shard_ != nullptr; }

  // Pushes items to the shared chain, and returns how many: all, unless memory is refused; the last
  // ones are then still the caller's. Wait-free but for the allocator.
  std::uint32_t push(T* const* items, std::uint32_t count) noexcept {
    return shared().push_head(items, count, rings_);
  }
  bool push(T* item) noexcept { return push(&item, 1) == 1; }

  // Takes items of the shared chain, the newest of a ring, up to `room`, and returns how many.
  // Lock-free.
  std::uint32_t pop(T** out, std::uint32_t room) noexcept { return shared().pop_head(out, room); }
  T* pop() noexcept { return shared().pop_head(); }

  // Takes up to `room` items out of the victim and returns how many. Fewer than `room`: it is
  // drained. Lock-free.
  std::uint32_t take_victims(T** out, std::uint32_t room) noexcept {
    std::uint32_t count = 0;
    while (count != room) {
      const std::uint32_t more = victim().pop_head(out + count, room - count);
      if (more == 0) break;
      count += more;
    }
    return count;
  }

  // Takes the newest item of the magazine, and moves the others to the shared chain; what finds no
  // memory stays. It is reopened none deep. Null if it is empty, or the kernel does not restart
  // sections. Takes a system call; lock-free but for the allocator.
  T* empty_magazine() noexcept {
    typename magazine_type::closing closed(shard_->magazine_, 0);
    if (!closed || closed.empty()) return nullptr;
    T* const newest = closed.newest();
    closed.drop_newest();
    while (!closed.empty() && push(closed.newest())) closed.drop_newest();
    return newest;
  }

  // Closes the magazine for good and returns how many items it held, at most its capacity; none if
  // the kernel does not restart sections. Takes a system call.
  std::size_t close_magazine(T** out) noexcept {
    typename magazine_type::closing closed(shard_->magazine_);
    closed.keep_closed();
    std::size_t count = 0;
    for (; closed && !closed.empty(); closed.drop_newest()) out[count++] = closed.newest();
    return count;
  }

  // The newest item of the magazine, or null. Only when sections are over. Wait-free.
  T* pop_magazine() noexcept { return shard_->magazine_.pop_exclusive(); }

  // True if no victim is left. Wait-free.
  bool victims_drained() noexcept { return victim().drained(); }

  // The most items that find no memory in a turn.
  static constexpr std::size_t most_refused = magazine_type::capacity + private_type::capacity;

  // One cycle of the shard; the victim must be drained. True if the new victim is not empty. If
  // nothing is left at all, the shard has been through `target` cycles at once, and keeps no rings.
  // Items for which memory is refused are added to those at `out`, and are the caller's to destroy.
  // Takes a system call, but not where the magazine is empty; lock-free but for the allocator.
  bool turn(std::uint64_t target, T** out, std::uint32_t& count) noexcept {
    const auto keep = [&](T* item) {
      if (!push(item)) out[count++] = item;
    };
    if (shard_->magazine_.size() != 0) {
      typename magazine_type::closing closed(shard_->magazine_);
      for (; closed && !closed.empty(); closed.drop_newest()) keep(closed.newest());
    }
    shard_->private_.empty(keep);
    const bool has_victims = !shared().drained();
    victim().release_rings(rings_);
    // Which chain is next to be the victim is not known here: the cycle may go up by two.
    if (!has_victims) shared().release_rings(rings_);
    set_cycle(has_victims ? shard_->cycle() + 1 : target);
    return has_victims;
  }

  // Lets a shard that holds nothing catch up to `target` for free, so that what is pushed next is
  // not taken for older than it is. Wait-free.
  void skip_to(std::uint64_t target) noexcept {
    if (shard_->cycle() >= target || shard_->private_.size() != 0) return;
    if (shared().drained() && victim().drained()) set_cycle(target);
  }

 private:
  friend class shard;
  explicit owner(shard* owned) noexcept
      : shard_(owned), rings_(owned == nullptr ? nullptr : &owned->rings_) {}

  void set_cycle(std::uint64_t cycle) noexcept {
    // [set_cycle.store] relaxed: ordered by [note_turn.count]; the next owner is told by
    // [release.hand_over].
    shard_->cycle_.store(cycle, std::memory_order_relaxed);
  }

  chain& shared() noexcept { return shard_->chains_[shard_->shared_index()]; }
  chain& victim() noexcept { return shard_->chains_[1 - shard_->shared_index()]; }

  shard* shard_;
  typename reclaimer::tenure rings_;
};

// A chain without items is hidden by the owner that finds it so: one whose CPU is idle, or that of
// a spill shard, would else be entered for nothing by each search.
template <class T, sync_policy Sync>
std::uint32_t shard<T, Sync>::steal_shared(T** out, std::uint32_t room) noexcept {
  if (!looks_shared()) return 0;
  if (const std::uint32_t count = steal_from(shared_index(), out, room)) return count;
  owner held = try_own();
  return held ? held.pop(out, room) : 0;
}

template <class T, sync_policy Sync>
T* shard<T, Sync>::steal_magazine() noexcept {
  if (magazine_.size() == 0) return nullptr;
  owner held = try_own();
  if (!held) return nullptr;
  magazine_.expose();
  T* const taken = held.empty_magazine();
  return taken != nullptr ? taken : held.pop();
}

static_assert((std_sync::sections::compiled ? sizeof(shard<int>) == 8 * shard_alignment
                                            : sizeof(shard<int>) <= 2 * shard_alignment) &&
              alignof(shard<int>) == shard_alignment);
static_assert(shard<int>::magazine_type::has_layout());

}  // namespace poolproof

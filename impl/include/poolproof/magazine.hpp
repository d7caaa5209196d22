// SPDX-License-Identifier: MIT
// The magazine of a shard: a small stack of items that the threads of one CPU use by sections.
//
//     word     operations : 8 | handles : 48 | count : 8     the items below the count are in it
//     bounds   limit : 32 | floor : 32           a take needs count > floor, a give count < limit
//     pace                                       what a take adds: operations, and an item less
//     items    [ 0 | 1 | ... | capacity - 1 ]
//
// Open, the floor is 0 and the limit is the depth: none until the first use, then one; deepen
// doubles it. Closed, the limit is 0 and the floor beyond any count: sections leave again. Closing
// thus costs them nothing, for the bounds are what they compare with in any case. Closed for good,
// it does not open again.
//
// Where the operations would go round it is time for a look at the clock: a take then takes
// nothing, and its caller looks, and takes by take_some. Where calls are many each counts as one of
// 256; where they are few, each goes nearly round.
//
// The handles are those that were borrowed by sections of this CPU, less those that were returned
// by them: a negative number if most return elsewhere than they came from. Only the sum over all
// shards, and over what their threads count without sections, means something.
//
// Who owns what
//   M1. Items below the count belong to the magazine; a slot at the count or beyond belongs to
//       nobody, and what stands in it means nothing.
//   M2. Word and slots are stored to by sections of the shard's CPU that have read open bounds, and
//       by the closer between its restart_all and its reopening; by nobody else, and never by a
//       locked instruction.
//   M3. Bounds are never stored to by a section. The closer and who deepens compare before they
//       swap; only the pool's end does not, which closes for good.
//   M4. A section has one store that others can see the effect of, its last: the word. Of several
//       items each is copied before it.
//   M5. There is one closer at a time: the shard's owner.
//   M6. An open magazine with a limit has a pace; it is of zeros before.
//   M7. What a giver did before happens before what the taker does after: on one CPU because a
//       switch between its threads orders them, through a closer by restart_all and the reopening.
//
// Why no section commits after restart_all: one that committed before it is seen by the closer; one
// that was under way starts again, and one that begins afterwards reads that the magazine is
// closed.
//
// Stands on: sync.
#pragma once

#include <poolproof/sync.hpp>

#include <algorithm>

namespace poolproof {

template <class T, sync_policy Sync = std_sync>
class magazine {
 public:
  static constexpr std::uint32_t capacity = Sync::sections::magazine_capacity;
  static_assert(capacity > 1, "items move between it and a ring by two at least");
  static_assert(capacity < 254,
                "the count is a byte, and less than the floor of a closed magazine");

  magazine() noexcept = default;
  magazine(const magazine&) = delete;
  magazine& operator=(const magazine&) = delete;

  // How many items it holds. Anyone; wait-free; a hint, but for what happened before the call.
  std::uint32_t size() const noexcept {
    // [magazine_size.read] relaxed: counter; what is above the count is not looked at.
    return count_of(word_.load(std::memory_order_relaxed));
  }

  // How many more it takes than the `held` that are in it: none while it is closed. Anyone;
  // wait-free; a hint.
  std::uint32_t room_beside(std::uint32_t held) const noexcept {
    // [room_beside.bounds] relaxed: hint, rechecked by [give_step.bounds].
    const std::uint32_t depth = limit_of(bounds_.load(std::memory_order_relaxed));
    return depth - (std::min)(depth, held);
  }

  // Doubles the depth, up to `most`, unless another thread does so; a magazine that has not been
  // used yet becomes one item deep. False if it is closed or as deep as that. Anyone; wait-free.
  // What happened before the call that made it one item deep happens before what sections give to
  // it.
  bool deepen(std::uint32_t most = capacity) noexcept {
    // [deepen.read] relaxed: hint, rechecked by [deepen.swap].
    std::uint64_t seen = bounds_.load(std::memory_order_relaxed);
    const std::uint32_t depth = limit_of(seen);
    if (floor_of(seen) != 0 || depth >= most) return false;
    // Who takes from it has read the bounds that follow (M6).
    if (depth == 0 && pace() == 0) set_pace(slowest_pace);
    // It continues the reopening's release. A closed magazine stays closed: the bounds differ.
    // [deepen.swap] release: pairs with [give_step.bounds], [take_step.bounds]; so that who gives
    // the shard its first item by a section knows that searches come here, and takes have a pace
    // (M6).
    // [deepen.swap.fail] relaxed: hint, rechecked by [give_step.bounds]; another thread was faster.
    return bounds_.compare_exchange_strong(seen, open(std::clamp(2 * depth, 1U, most)),
                                           std::memory_order_release, std::memory_order_relaxed) ||
           limit_of(seen) > depth;
  }

  // How much of a round a take counts for, of 256: between slowest_pace and 255; 0 before its first
  // use. Anyone; wait-free; a hint.
  static constexpr std::uint32_t slowest_pace = 256 / Sync::ticker::period;
  std::uint32_t pace() const noexcept {
    // [pace.read] relaxed: counter; what it is wrong by, the next look mends.
    return static_cast<std::uint32_t>((pace_.load(std::memory_order_relaxed) + 1) >> 56);
  }
  void set_pace(std::uint32_t pace) noexcept {
    // [set_pace.store] relaxed: ordered by [deepen.swap]; one that comes later is another pace.
    pace_.store((std::uint64_t{pace} << 56) - 1, std::memory_order_relaxed);
  }

  // How many takes a tick stands for, and how many there have been since the last: about. Anyone;
  // wait-free.
  std::uint32_t takes_of_round() const noexcept { return 256 / (std::max)(pace(), 1U); }
  std::uint32_t takes_since_tick() const noexcept { return operations() / (std::max)(pace(), 1U); }
  // How far the round is, of 256. Anyone; wait-free; exact for a section only.
  std::uint32_t operations() const noexcept {
    // [operations.word] relaxed: counter; for statistics, and to see that a round has passed.
    return static_cast<std::uint32_t>(word_.load(std::memory_order_relaxed) >> 56);
  }

  // Lets the next puts of its CPU go by it, to where thieves come without closing it. Anyone;
  // wait-free.
  void expose() noexcept {
    // [expose.set] relaxed: counter; as [is_exposed.read].
    exposed_.store(Sync::limits::exposed_puts, std::memory_order_relaxed);
  }

  // Whether a put is one of those, and counts it. Anyone; wait-free; about.
  bool is_exposed() noexcept {
    // [is_exposed.read] relaxed: counter; a put more or less goes by it.
    const std::uint32_t left = exposed_.load(std::memory_order_relaxed);
    // [is_exposed.count] relaxed: counter; as [is_exposed.read].
    if (left != 0) exposed_.store(left - 1, std::memory_order_relaxed);
    return left != 0;
  }

  class closing;

  // Sections leave it alone from the next restart_all on. By the pool's end, whoever owns the
  // shard; wait-free.
  void close_for_good() noexcept {
    // [close_for_good.mark] relaxed: section; restart_all separates those that have read other
    // bounds.
    bounds_.store(closed_for_good, std::memory_order_relaxed);
  }

  // How many more handles were borrowed here by sections than returned. Exact if sections are over:
  // an owner that is at work meanwhile leaves this part of the word as it is.
  std::int64_t handles() const noexcept {
    // [handles.word] relaxed: section; none commits from restart_all on (M2).
    return handles_of(word_.load(std::memory_order_relaxed));
  }

  // Whether the members lie where the assembly looks for them.
  static constexpr bool has_layout() noexcept {
    return offsetof(magazine, word_) == magazine_layout::word &&
           offsetof(magazine, bounds_) == magazine_layout::floor &&
           magazine_layout::limit == magazine_layout::floor + sizeof(std::uint32_t) &&
           offsetof(magazine, pace_) == magazine_layout::pace &&
           offsetof(magazine, items_) == magazine_layout::items && sizeof(slot) == sizeof(void*);
  }

  // The newest item, or null. The shard's owner's, when sections are over; or exclusive.
  T* pop_exclusive() noexcept {
    // [pop_exclusive.word] relaxed: exclusive.
    const std::uint64_t word = word_.load(std::memory_order_relaxed);
    if (count_of(word) == 0) return nullptr;
    // [pop_exclusive.shrink] relaxed: exclusive.
    word_.store(word - 1, std::memory_order_relaxed);
    // [pop_exclusive.item] relaxed: exclusive.
    return items_[count_of(word) - 1].load(std::memory_order_relaxed);
  }

 private:
  template <class Shards>
  friend struct magazine_steps;

  using word_type = typename Sync::template atomic<std::uint64_t>;
  using slot = typename Sync::template atomic<T*>;

  static constexpr std::uint64_t closed = 0xffff'ffff;
  static constexpr std::uint64_t closed_for_good = 0xffff'fffe;
  static constexpr std::uint64_t open(std::uint32_t depth) noexcept {
    return std::uint64_t{depth} << 32;
  }
  static constexpr std::uint32_t count_of(std::uint64_t word) noexcept {
    return static_cast<std::uint8_t>(word);
  }
  static constexpr std::int64_t handles_of(std::uint64_t word) noexcept {
    return static_cast<std::int64_t>(word << 8) >> 16;
  }
  static constexpr std::uint32_t floor_of(std::uint64_t bounds) noexcept {
    return static_cast<std::uint32_t>(bounds);
  }
  static constexpr std::uint32_t limit_of(std::uint64_t bounds) noexcept {
    return static_cast<std::uint32_t>(bounds >> 32);
  }

  word_type word_{0};
  word_type bounds_{open(0)};
  word_type pace_{0};
  slot items_[capacity]{};
  typename Sync::template atomic<std::uint32_t> exposed_{0};
};

// A closed magazine, and the right to change it; reopened on destruction. The shard's owner's.
template <class T, sync_policy Sync>
class magazine<T, Sync>::closing {
 public:
  // Converts to false if the kernel refuses to restart sections: the magazine then holds what it
  // held. It is reopened `depth` items deep, one or none. Takes a system call.
  explicit closing(magazine& closed_one, std::uint32_t depth = 1) noexcept
      : magazine_(closed_one), depth_(depth), restarted_(close()) {
    if (!restarted_) return;
    // [closing.word] relaxed: section; none commits from restart_all on (M2).
    word_ = magazine_.word_.load(std::memory_order_relaxed);
  }

  ~closing() {
    if (restarted_) {
      // [closing_end.shrink] relaxed: ordered by [closing_end.bounds].
      magazine_.word_.store(word_, std::memory_order_relaxed);
    }
    std::uint64_t expected = closed;
    // [closing_end.bounds] release: pairs with [take_step.bounds], [give_step.bounds]; so that
    // sections find the magazine as the closer leaves it (M7).
    // [closing_end.bounds.fail] relaxed: coherence with [close_for_good.mark]; the pool has ended
    // meanwhile.
    magazine_.bounds_.compare_exchange_strong(expected, open(depth_), std::memory_order_release,
                                              std::memory_order_relaxed);
  }

  closing(const closing&) = delete;
  closing& operator=(const closing&) = delete;

  explicit operator bool() const noexcept { return restarted_; }

  bool empty() const noexcept { return count_of(word_) == 0; }

  // The newest item; the magazine must not be empty.
  T* newest() const noexcept {
    // [newest.item] relaxed: section; as [closing.word].
    return magazine_.items_[count_of(word_) - 1].load(std::memory_order_relaxed);
  }
  void drop_newest() noexcept { --word_; }

  // It stays closed.
  void keep_closed() noexcept { magazine_.close_for_good(); }

 private:
  bool close() noexcept {
    // [close.read] relaxed: hint, rechecked by [close.mark].
    std::uint64_t seen = magazine_.bounds_.load(std::memory_order_relaxed);
    // [close.mark] relaxed: section; restart_all separates those that have read other bounds.
    // [close.mark.fail] relaxed: hint, rechecked by [close.mark]; it has been deepened, or closed
    // for good.
    while (seen != closed_for_good &&
           !magazine_.bounds_.compare_exchange_strong(seen, closed, std::memory_order_relaxed,
                                                      std::memory_order_relaxed)) {
    }
    return Sync::sections::restart_all();
  }

  magazine& magazine_;
  std::uint64_t word_ = 0;
  const std::uint32_t depth_;
  const bool restarted_;
};

// For a policy without sections: a magazine that never holds an item.
template <class T, sync_policy Sync>
requires(!Sync::sections::compiled) class magazine<T, Sync> {
 public:
  static constexpr std::uint32_t capacity = 0;
  static constexpr bool has_layout() noexcept { return true; }

  std::uint32_t size() const noexcept { return 0; }
  std::uint32_t room_beside(std::uint32_t) const noexcept { return 0; }
  bool deepen(std::uint32_t = 0) noexcept { return false; }
  static constexpr std::uint32_t slowest_pace = 0;
  std::uint32_t pace() const noexcept { return 0; }
  void set_pace(std::uint32_t) noexcept {}
  std::uint32_t takes_of_round() const noexcept { return 0; }
  std::uint32_t takes_since_tick() const noexcept { return 0; }
  std::uint32_t operations() const noexcept { return 0; }
  void expose() noexcept {}
  bool is_exposed() noexcept { return false; }
  T* pop_exclusive() noexcept { return nullptr; }
  void close_for_good() noexcept {}
  std::int64_t handles() const noexcept { return 0; }

  struct closing {
    explicit closing(magazine&, std::uint32_t = 1) noexcept {}
    explicit operator bool() const noexcept { return false; }
    bool empty() const noexcept { return true; }
    T* newest() const noexcept { return nullptr; }
    void drop_newest() noexcept {}
    void keep_closed() noexcept {}
  };
};

}  // namespace poolproof

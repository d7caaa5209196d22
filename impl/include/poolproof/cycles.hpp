// SPDX-License-Identifier: MIT
// When a pool's shards are due to turn (in Go the collector's part in poolCleanup).
//
// A cycle of a pool is begun by counting it. Each shard that is behind the count is due to turn,
// once for each cycle that it missed: that is the only mark there is, so a shard that could not be
// turned, because its owner is inside, is caught up by whoever comes next.
//
// Automatic cycles begin at fixed times, an interval apart, or when a call looks at the clock next.
// What a cycle has to destroy is then due over half an interval: a call destroys the share that
// the time since the last look has of what is left of that half. So the work follows the time and
// not the calls, and with a call in each half interval the items of a burst are gone three
// intervals later.
//
// Who owns what
//   I1. begun_ only grows. A shard that has been through as many cycles has nothing left to do.
//   I2. If turns_ has not changed since all victims were found empty, they still are.
//
// Stands on: sync.
#pragma once

#include <poolproof/sync.hpp>

#include <algorithm>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>

namespace poolproof {

// A part of a number, in 2^-20.
class work_share {
 public:
  static constexpr std::uint64_t whole = std::uint64_t{1} << 20;

  constexpr work_share() noexcept = default;
  // Of `part` in `of`; all, if that is not more.
  constexpr work_share(std::uint64_t part, std::uint64_t of) noexcept {
    // So that the product below has room.
    const int excess = (std::max)(0, static_cast<int>(std::bit_width(of)) - 43);
    parts_ = part >= of ? whole : (part >> excess) * whole / (of >> excess);
  }

  constexpr bool is_none() const noexcept { return parts_ == 0; }
  // Of fewer than 2^44.
  constexpr std::size_t operator()(std::uint64_t all) const noexcept {
    return static_cast<std::size_t>(all * parts_ / whole);
  }

 private:
  std::uint64_t parts_ = 0;
};

// The cycles of one pool.
template <sync_policy Sync = std_sync>
class cycle_state {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  // What a look at the clock tells.
  struct look {
    // Calls are so few that the next should look, too.
    bool quiet = false;
    // What is to be destroyed now of what is overdue.
    work_share due;
    // The number of the cycle that it has begun; 0: none.
    std::uint64_t begun = 0;
  };

  // Automatic cycles every `interval` from now on; no value, none.
  explicit cycle_state(std::optional<nanoseconds> interval) noexcept
      : interval_(interval ? static_cast<std::uint64_t>(interval->count()) : 0),
        looked_(is_automatic() ? now() : 0),
        deadline_(is_automatic() ? now() + interval_ : 0) {}

  // Whether automatic cycles are on.
  bool is_automatic() const noexcept { return interval_ != 0; }

  // How many cycles have begun. Anyone; wait-free.
  std::uint64_t begun() const noexcept {
    // [begun.read] relaxed: counter; a shard that is turned late is turned by whoever sees it
    // later.
    return begun_.load(std::memory_order_relaxed);
  }

  // Begins a cycle and returns its number. Anyone; wait-free.
  std::uint64_t begin() noexcept {
    // [begin.count] relaxed: counter; the work is done under each shard's ownership.
    return begun_.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  // Begins a cycle if automatic ones are on and it is time. Anyone; wait-free; of several callers
  // at once, one begins it.
  look look_at_clock() noexcept {
    if (!is_automatic()) return {};
    const std::uint64_t time = now();
    // [look_at_clock.last] relaxed: counter; of a look beside this one it does not matter which is
    // the last.
    const std::uint64_t last = looked_.load(std::memory_order_relaxed);
    // Looks in quick succession count as one: busy CPUs would take the line from each other.
    const bool noted = time_between(last, time) >= interval_ / looks_of_interval;
    // [look_at_clock.note] relaxed: counter; as [look_at_clock.last].
    if (noted) looked_.store(time, std::memory_order_relaxed);
    // [look_at_clock.deadline] relaxed: hint, rechecked by [look_at_clock.claim].
    std::uint64_t deadline = deadline_.load(std::memory_order_relaxed);
    look seen;
    if (time >= deadline) {
      const std::uint64_t next = deadline + ((time - deadline) / interval_ + 1) * interval_;
      // [look_at_clock.claim] relaxed: counter; the swap alone decides who begins the cycle.
      // [look_at_clock.claim.fail] relaxed: hint, rechecked by [look_at_clock.claim]; another call
      // has begun it.
      if (deadline_.compare_exchange_strong(deadline, next, std::memory_order_relaxed,
                                            std::memory_order_relaxed)) {
        seen.begun = begin();
        deadline = next;
      }
    }
    // Of the time that the cycle's work has, what was over at the last look, and what is now.
    const std::uint64_t begun_at = deadline - interval_;
    const std::uint64_t over = time_between(begun_at, time);
    const std::uint64_t over_before = (std::min)(over, time_between(begun_at, last));
    const std::uint64_t left = time_between(over_before, interval_ / 2);
    seen.quiet = time_between(last, time) >= interval_ / 16;
    if (noted) seen.due = work_share(over - over_before, left);
    return seen;
  }

  // True if some shard may be due to turn. Anyone; wait-free.
  bool overdue() const noexcept {
    // [overdue.read] relaxed: hint, rechecked by [cycle.read]; each shard knows its own cycle, and
    // who is told too early that nothing is due is told otherwise the next time.
    return swept_.load(std::memory_order_relaxed) != begun();
  }

  // Claims the overdue work for the caller: so that a destructor that uses the pool does not do
  // overdue work in its turn, ever deeper. False while another call has claimed it for the same
  // cycle; a claim that is never given up, as in a forked child, lasts until the next cycle begins.
  // Anyone; wait-free.
  [[nodiscard]] bool claim_sweep(std::uint64_t cycle) noexcept {
    // [claim_sweep.read] relaxed: hint, rechecked by [claim_sweep.swap].
    std::uint64_t claimed = sweeper_.load(std::memory_order_relaxed);
    if (claimed >= cycle) return false;
    // [claim_sweep.swap] relaxed: counter; the claim guards no data, each shard has an owner for
    // that.
    // [claim_sweep.swap.fail] relaxed: hint, rechecked by [claim_sweep.swap]; another call was
    // faster.
    return sweeper_.compare_exchange_strong(claimed, cycle, std::memory_order_relaxed,
                                            std::memory_order_relaxed);
  }

  // Gives up the claim for `cycle`, unless a later one has taken its place. Wait-free.
  void end_sweep(std::uint64_t cycle) noexcept {
    // [end_sweep.swap] relaxed: counter; as [claim_sweep.swap].
    // [end_sweep.swap.fail] relaxed: counter; a later claim has taken its place.
    sweeper_.compare_exchange_strong(cycle, 0, std::memory_order_relaxed,
                                     std::memory_order_relaxed);
  }

  // Notes that every shard has been through `cycle` cycles. Anyone; wait-free.
  void note_swept(std::uint64_t cycle) noexcept {
    // [note_swept.store] relaxed: hint, rechecked by [cycle.read]; an older number only makes
    // somebody look again.
    swept_.store(cycle, std::memory_order_relaxed);
  }

  // Notes that a shard has turned and has victims. Its owner; wait-free.
  void note_turn() noexcept {
    // [note_turn.count] release: pairs with [victims_to_search.read]; so that whoever sees the
    // count looks for the victims in the right chain (I2).
    turns_.fetch_add(1, std::memory_order_release);
  }

  // A number that changes with every note_turn: what a thread that finds no victims hands to
  // note_no_victims. Empty if nothing was added to any victim since all were found empty.
  // Wait-free.
  std::optional<std::uint64_t> victims_to_search() const noexcept {
    // [victims_to_search.read] acquire: pairs with [note_turn.count]; so that the search sees every
    // turn that it speaks of (I2).
    const std::uint64_t turns = turns_.load(std::memory_order_acquire);
    // [victims_to_search.last] relaxed: counter; victims only shrink between turns, so the same
    // number means the same answer, whoever found it.
    if (turns == empty_at_.load(std::memory_order_relaxed)) return std::nullopt;
    return turns;
  }

  // Remembers that the victims, searched after victims_to_search had returned `turns`, were empty.
  void note_no_victims(std::uint64_t turns) noexcept {
    // [note_no_victims.store] relaxed: counter; as [victims_to_search.last].
    empty_at_.store(turns, std::memory_order_relaxed);
  }

 private:
  static std::uint64_t now() noexcept { return static_cast<std::uint64_t>(Sync::now().count()); }

  // None if `to` is not later: readings of several threads may be.
  static constexpr std::uint64_t time_between(std::uint64_t from, std::uint64_t to) noexcept {
    return to > from ? to - from : 0;
  }

  // How many looks of an interval are told apart.
  static constexpr std::uint64_t looks_of_interval = 256;

  // In nanoseconds, as the times of Sync::now() below. The longest interval is 292 years, and so is
  // the clock's half of the range: their sum has room.
  const std::uint64_t interval_;  // 0: none
  typename Sync::template atomic<std::uint64_t> begun_{0};
  typename Sync::template atomic<std::uint64_t> swept_{0};
  typename Sync::template atomic<std::uint64_t> sweeper_{0};  // the cycle that is being swept, or 0
  typename Sync::template atomic<std::uint64_t> turns_{0};
  typename Sync::template atomic<std::uint64_t> empty_at_{0};
  typename Sync::template atomic<std::uint64_t> looked_;    // when a call has looked last
  typename Sync::template atomic<std::uint64_t> deadline_;  // when the next cycle begins
};

}  // namespace poolproof

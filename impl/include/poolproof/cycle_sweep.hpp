// SPDX-License-Identifier: MIT
// Does a pool's cycles: turns the shards that are due, and destroys their victims (Go's
// poolCleanup).
//
// Who owns what
//   S1. A destructor of an item runs with no shard owned. It may run under a claim to the pool's
//       overdue work, for which nobody waits.
//   S2. What a call takes out in order to destroy, it destroys before it returns.
//   S3. What it takes out and the pool keeps, for it is to hold so many, is pushed to the shared
//       chain under the same ownership: it counts as put now, what is of the last batch; the rest
//       as put before this cycle.
//
// Stands on: cycles, probes, shard_table, shard, sync, upkeep.
#pragma once

#include <poolproof/cycles.hpp>
#include <poolproof/probes.hpp>
#include <poolproof/shard_table.hpp>
#include <poolproof/sync.hpp>
#include <poolproof/upkeep.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <optional>

namespace poolproof {

template <class T, class Deleter, sync_policy Sync>
class cycle_sweep : public cycle_state<Sync> {
 public:
  using state = cycle_state<Sync>;
  using shard_type = shard<T, Sync>;
  using typename state::nanoseconds;

  using upkeep_type = upkeep<T, Deleter, Sync>;

  // Of the shards of a table, and of the items that an upkeep counts; both must outlive it.
  cycle_sweep(shard_table<T, Sync>& table, upkeep_type& items,
              std::optional<nanoseconds> interval) noexcept
      : state(interval), table_(table), upkeep_(items) {}

  // One cycle: begins it and does all that is due. See object_pool::rotate. Anyone; lock-free but
  // for destructors and the allocator.
  void rotate() noexcept {
    const std::uint64_t target = state::begin();
    tell_begun(target);
    do_all(target);
  }

  // Begins a cycle if it is time, and does all that is overdue. Anyone; as rotate.
  void rotate_due() noexcept {
    look_at_clock();
    if (state::overdue()) do_all(state::begun());
  }

  // At each tick of the caller's shard: looks at the clock, and does of what is overdue in any
  // shard as much as the time demands. Anyone; as rotate.
  void look_and_sweep(shard_type& own) noexcept;

  // What a call that does not hit does for cycles: if its shard ticks, all that; else some of what
  // is overdue in its shard. Anyone; as rotate.
  void do_overdue(shard_type& own, bool ticks) noexcept {
    if (ticks) {
      look_and_sweep(own);
    } else {
      catch_up(own);
    }
  }

 private:
  using owner = typename shard_type::owner;

  static constexpr std::uint32_t batch = Sync::limits::cycle_batch;
  static constexpr std::size_t call_budget = Sync::limits::call_budget;
  static constexpr std::size_t no_budget = (std::numeric_limits<std::size_t>::max)();

  void tell_begun([[maybe_unused]] std::uint64_t number) noexcept {
    POOLPROOF_PROBE(cycle, upkeep_.name(), number);
  }
  typename state::look look_at_clock() noexcept {
    const typename state::look seen = state::look_at_clock();
    if (seen.begun != 0) tell_begun(seen.begun);
    return seen;
  }
  void do_all(std::uint64_t target) noexcept;
  void catch_up(shard_type& own) noexcept;
  std::uint64_t victims() noexcept;
  bool advance(shard_type& s, std::uint64_t target, std::size_t& budget,
               unsigned attempts) noexcept;
  bool advance_all(std::uint64_t target, std::size_t& budget, unsigned attempts) noexcept;
  static owner own_within(shard_type& s, unsigned attempts) noexcept;

  shard_table<T, Sync>& table_;
  upkeep_type& upkeep_;
};

// Advances every shard as far as it can be.
template <class T, class Deleter, sync_policy Sync>
void cycle_sweep<T, Deleter, Sync>::do_all(std::uint64_t target) noexcept {
  std::size_t budget = no_budget;
  if (advance_all(target, budget, Sync::patience())) state::note_swept(target);
}

template <class T, class Deleter, sync_policy Sync>
void cycle_sweep<T, Deleter, Sync>::look_and_sweep(shard_type& own) noexcept {
  const auto seen = look_at_clock();
  if (state::is_automatic()) seen.quiet ? own.look_often() : own.look_less();
  const std::uint64_t target = state::begun();
  if (!state::overdue() || !state::claim_sweep(target)) return;
  std::size_t budget = call_budget;
  if (!seen.due.is_none()) budget += seen.due(victims());
  if (advance_all(target, budget, 1)) state::note_swept(target);
  state::end_sweep(target);
}

template <class T, class Deleter, sync_policy Sync>
void cycle_sweep<T, Deleter, Sync>::catch_up(shard_type& own) noexcept {
  const std::uint64_t target = state::begun();
  if (own.cycle() >= target || !state::claim_sweep(target)) return;
  std::size_t budget = call_budget;
  advance(own, target, budget, 1);
  state::end_sweep(target);
}

// How many items the next cycle destroys, about.
template <class T, class Deleter, sync_policy Sync>
std::uint64_t cycle_sweep<T, Deleter, Sync>::victims() noexcept {
  std::uint64_t total = 0;
  table_.for_each([&](shard_type& s) { total += s.victims(); });
  return total;
}

// Advances every shard; false if one of them could not be.
template <class T, class Deleter, sync_policy Sync>
bool cycle_sweep<T, Deleter, Sync>::advance_all(std::uint64_t target, std::size_t& budget,
                                                unsigned attempts) noexcept {
  bool all = true;
  table_.for_each([&](shard_type& s) { all = advance(s, target, budget, attempts) && all; });
  return all;
}

// Turns a shard until it has been through `target` cycles; destroys at most `budget` items for it,
// and takes them off the budget. False if the budget or the attempts to own the shard did not
// suffice. A shard without victims needs no budget: so one with many does not make the others late.
template <class T, class Deleter, sync_policy Sync>
bool cycle_sweep<T, Deleter, Sync>::advance(shard_type& s, std::uint64_t target,
                                            std::size_t& budget, unsigned attempts) noexcept {
  while (s.cycle() < target) {
    std::array<T*, batch + owner::most_refused> doomed;
    std::uint32_t count = 0;
    std::uint32_t kept = 0;
    bool turned = false;
    {
      owner held = own_within(s, attempts);
      if (!held) return false;
      // Only now is the number exact. Who came before may have done the work, and what is the
      // victim then is younger than this cycle.
      if (s.cycle() >= target) return true;
      count = held.take_victims(doomed.data(),
                                static_cast<std::uint32_t>(std::min<std::size_t>(budget, batch)));
      turned = held.victims_drained();
      budget -= count;
      // The first are the newest.
      const std::uint32_t victims = count;
      const std::uint32_t leave = upkeep_.let_go(count);
      if (turned && held.turn(target, doomed.data(), count)) state::note_turn();
      if (leave != victims) kept = held.push(doomed.data(), victims - leave);
      // Nor does that count any more for which memory is refused, here or in the turn.
      upkeep_.forget(count - leave - kept);
    }
    upkeep_.destroy(doomed.data() + kept, count - kept, drop_cause::cycle);
    if (count == 0 && !turned) return false;
  }
  return true;
}

template <class T, class Deleter, sync_policy Sync>
auto cycle_sweep<T, Deleter, Sync>::own_within(shard_type& s, unsigned attempts) noexcept -> owner {
  for (unsigned i = 1; i < attempts; ++i) {
    if (owner held = s.try_own()) return held;
    Sync::yield();
  }
  return s.try_own();
}

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// What get and put do where the current CPU has no item at hand, or no room for one (Go's getSlow,
// and what Put does when the private slot is full), and what is done at the end of each round of
// takes: a look at the clock.
//
//     put    a magazine that is full: a handful of it goes to a ring first
//            -> private part -> displaced item: own ring -> busy: a spill shard
//     get    own ring -> other shards' rings -> victims -> others' private parts and magazines
//
// Between a magazine and the rings items move by the handful, with one locked instruction for all.
//
// Stands on: cycle_sweep, pool_stats, probes, shard_table, sync, upkeep.
#pragma once

#include <poolproof/cycle_sweep.hpp>
#include <poolproof/pool_stats.hpp>
#include <poolproof/probes.hpp>
#include <poolproof/shard_table.hpp>
#include <poolproof/sync.hpp>
#include <poolproof/upkeep.hpp>

#include <algorithm>
#include <array>

namespace poolproof {

// Whether a get that finds nothing else looks into other CPUs' magazines, which interrupts those.
enum class interrupts : bool { never, always };

template <class T, class Deleter, sync_policy Sync>
class slow_paths {
 public:
  using shard_type = shard<T, Sync>;
  using sweep_type = cycle_sweep<T, Deleter, Sync>;
  using upkeep_type = upkeep<T, Deleter, Sync>;

  // Of the shards of a table; all three must outlive it.
  slow_paths(shard_table<T, Sync>& table, sweep_type& cycles, upkeep_type& items) noexcept
      : table_(table), cycles_(cycles), upkeep_(items) {}

  // Puts what the CPU's magazine, or its private part, has no room for. Anyone; lock-free but for
  // the allocator and for the destructors of a cycle.
  [[gnu::noinline]] void put(shard_type& own, T* item, bool has_magazine) noexcept;

  // Takes an item where the hit has not: of the magazine, if it is time for a look at the clock;
  // else of whatever place has one. Null if none has. Anyone; as put.
  [[gnu::noinline]] T* get(std::uint32_t cpu, shard_type& own, interrupts others) noexcept;

  // A look at the clock, when a take ticks that was no section's. Anyone; as put.
  [[gnu::noinline]] void note_tick(shard_type& own) noexcept {
    count_takes(own);
    cycles_.look_and_sweep(own);
  }

  // The same, when a section has taken the last of a round.
  [[gnu::noinline]] void note_round(shard_type& own) noexcept {
    own.takes.add(own.own_magazine().takes_of_round());
    cycles_.look_and_sweep(own);
  }

  // Tells what it has counted. Anyone; wait-free.
  void add_to(pool_stats& result) const noexcept;

 private:
  using owner = typename shard_type::owner;

  // Room for what moves between a magazine and a ring at once.
  using handful = std::array<T*, shard_type::handful>;

  const near_shards<T, Sync>& reachable() const noexcept { return table_.reachable(); }
  bool give_near(T* item) noexcept { return Sync::sections::give(reachable(), item); }
  static void count_takes(shard_type& own) noexcept {
    own.takes.add(Sync::ticker::period / own.operations.pace());
  }

  [[gnu::noinline]] void make_room(shard_type& own) noexcept;
  [[gnu::noinline]] void push_all(shard_type& own, T* const* items, std::uint32_t count) noexcept;
  std::uint32_t search(std::uint32_t cpu, shard_type& own, T** out, std::uint32_t room,
                       interrupts others) noexcept;
  void note_steal([[maybe_unused]] std::uint32_t cpu, shard_type& own) noexcept {
    own.steals.add(1);
    POOLPROOF_PROBE(steal, upkeep_.name(), cpu);
  }
  std::uint32_t pop_own(shard_type& own, T** out, std::uint32_t room) noexcept;
  static void deepen(shard_type& own, bool found_all, std::uint32_t most) noexcept;
  T* keep_rest(shard_type& own, T* const* taken, std::uint32_t count) noexcept;

  shard_table<T, Sync>& table_;
  sweep_type& cycles_;
  upkeep_type& upkeep_;
  typename Sync::counter busy_;
  typename Sync::counter victim_hits_;
  typename Sync::counter spills_;
};

template <class T, class Deleter, sync_policy Sync>
void slow_paths<T, Deleter, Sync>::put(shard_type& own, T* item, bool has_magazine) noexcept {
  if (has_magazine) {
    while (own.own_magazine().deepen(shard_type::shallow)) {
      if (give_near(item)) return;
    }
  }
  // Before the push: so that what is pushed is put after the cycles that have begun, not before.
  cycles_.do_overdue(own, own.operations.tick_slowly());
  if (has_magazine) {
    make_room(own);
    if (give_near(item)) return;
    // The magazine is closed, or full again, or this thread is on another CPU by now.
    item = own.give(item);
    if (item == nullptr) return;
  }
  push_all(own, &item, 1);
}

// Moves items from the magazine, if it is open, to a ring, so that the next to be given lies on
// top. What is moved counts as put now.
template <class T, class Deleter, sync_policy Sync>
void slow_paths<T, Deleter, Sync>::make_room(shard_type& own) noexcept {
  handful moved;
  const std::uint32_t count =
      Sync::sections::take_some(reachable(), moved.data(), shard_type::handful);
  if (count != 0) push_all(own, moved.data(), count);
}

template <class T, class Deleter, sync_policy Sync>
T* slow_paths<T, Deleter, Sync>::get(std::uint32_t cpu, shard_type& own,
                                     interrupts others) noexcept {
  handful taken;
  std::uint32_t wanted = 1;
  if (Sync::sections::runs() && cpu < reachable().reach()) {
    const std::uint32_t held = own.own_magazine().size();
    if (held != 0 && Sync::sections::take_some(reachable(), taken.data(), 1) != 0) {
      note_round(own);
      return taken[0];
    }
    // As many besides as its magazine has room for.
    wanted = (std::min)(shard_type::handful, 1 + own.own_magazine().room_beside(held));
  }
  const std::uint32_t count = search(cpu, own, taken.data(), wanted, others);
  // After the search, not before: an overdue cycle destroys what the search may find. But before
  // the magazine gets the rest, so that it is put after the cycles that have begun.
  const bool ticks = own.operations.tick();
  if (ticks) count_takes(own);
  cycles_.do_overdue(own, ticks);
  if (count == 0) return nullptr;
  return keep_rest(own, taken.data(), count);
}

template <class T, class Deleter, sync_policy Sync>
std::uint32_t slow_paths<T, Deleter, Sync>::search(std::uint32_t cpu, shard_type& own, T** out,
                                                   std::uint32_t room, interrupts others) noexcept {
  const std::uint32_t share = (std::min)(room, shard_type::shallow);
  if (const std::uint32_t count = pop_own(own, out, room)) {
    deepen(own, count >= share, magazine<T, Sync>::capacity);
    return count;
  }
  // Perhaps the first call here for long, of a pool that few calls use, wherever they are.
  if (cycles_.is_automatic() && own.looks_seldom()) own.look_often();
  const auto steal = [&](shard_type& s) { return s.steal_shared(out, share); };
  if (const std::uint32_t count = table_.find_first(cpu, steal)) {
    note_steal(cpu, own);
    deepen(own, count >= share, shard_type::shallow);
    return count;
  }
  if (const auto turns = cycles_.victims_to_search()) {
    const auto steal_victims = [&](shard_type& s) { return s.steal_victims(out, share); };
    if (const std::uint32_t count = table_.find_first(cpu, steal_victims)) {
      victim_hits_.add(1);
      deepen(own, count >= share, shard_type::shallow);
      return count;
    }
    cycles_.note_no_victims(*turns);
  }
  // Go cannot reach these; a factory that is worth a pool costs more than one look at each.
  const auto steal_unshared = [others](shard_type& s) {
    return others == interrupts::always ? s.steal_unshared() : s.steal_private();
  };
  if (T* const item = table_.find_first(cpu, steal_unshared)) {
    note_steal(cpu, own);
    out[0] = item;
    return 1;
  }
  own.misses.add(1);
  POOLPROOF_PROBE(miss, upkeep_.name(), cpu);
  return 0;
}

// After a get has found as many items as it wanted, or as a shallow magazine holds, and so might
// have found more: lets the magazine have more the next time. Deep are only those whose CPU has
// taken back what it had put, since they were last closed: what lies in a magazine is out of cheap
// reach for other CPUs.
template <class T, class Deleter, sync_policy Sync>
void slow_paths<T, Deleter, Sync>::deepen(shard_type& own, bool found_all,
                                          std::uint32_t most) noexcept {
  if (found_all && Sync::sections::runs()) own.own_magazine().deepen(most);
}

// The newest items of the own shard's ring. None also if its owner is another: then it has not been
// looked into, and a thief's way leads there.
template <class T, class Deleter, sync_policy Sync>
std::uint32_t slow_paths<T, Deleter, Sync>::pop_own(shard_type& own, T** out,
                                                    std::uint32_t room) noexcept {
  if (!own.looks_shared()) return 0;
  if (owner held = own.try_own()) {
    return held.pop(out, room);
  }
  busy_.add(1);
  return 0;
}

// Returns the first item that a get has taken out of a ring, and gives the others to the magazine,
// so that the second is the next to be found; they count as put now. For what finds it full or
// closed after all there are the rings.
template <class T, class Deleter, sync_policy Sync>
T* slow_paths<T, Deleter, Sync>::keep_rest(shard_type& own, T* const* taken,
                                           std::uint32_t count) noexcept {
  if (count == 1) return taken[0];
  const std::uint32_t left =
      count - 1 - Sync::sections::give_some(reachable(), taken + 1, count - 1);
  if (left != 0) push_all(own, taken + 1, left);
  return taken[0];
}

// Pushes items to the own ring, or where that is busy to that of a spill shard. Those for which
// memory is refused go to the magazine, and where that has no room either, they are destroyed.
template <class T, class Deleter, sync_policy Sync>
void slow_paths<T, Deleter, Sync>::push_all(shard_type& own, T* const* items,
                                            std::uint32_t count) noexcept {
  std::uint32_t kept = 0;
  if (owner held = own.try_own()) {
    kept = held.push(items, count);
  } else {
    busy_.add(1);
    if (owner spill = table_.own_spill()) {
      spill.skip_to(cycles_.begun());
      kept = spill.push(items, count);
      spills_.add(kept);
    }
  }
  if (kept != 0 && cycles_.is_automatic()) own.look_often();
  for (; kept != count; ++kept) {
    if (!give_near(items[kept])) upkeep_.drop(items[kept], drop_cause::memory);
  }
}

template <class T, class Deleter, sync_policy Sync>
void slow_paths<T, Deleter, Sync>::add_to(pool_stats& result) const noexcept {
  result.busy += busy_.value();
  result.victim_hits += victim_hits_.value();
  result.spills += spills_.value();
}

}  // namespace poolproof

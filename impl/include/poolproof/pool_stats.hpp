// SPDX-License-Identifier: MIT
// What a pool has done, and what it holds: the numbers of object_pool::stats and for_each_pool.
// docs/observability.md says what each of them means for its operator.
//
// Stands on: sync_policy.
#pragma once

#include <poolproof/sync_policy.hpp>

#include <array>
#include <cstdint>
#include <iosfwd>
#include <string_view>

namespace poolproof {

// An object_pool or a bounded_pool: they count different numbers.
enum class pool_kind : std::uint8_t { object, bounded };

// Since the pool's first use. Numbers that several threads count at once are exact, but not of one
// moment; those that are "about" may be wrong by what calls that are inside have in their hands.
// What this kind of pool does not count is 0: see pool_number::is_counted_by.
struct pool_stats {
  std::uint64_t constructions = 0;  // items that the factory made
  // Gets that found an item, about: a hit counts nothing, and this is what the looks at the clock
  // tell. Where a CPU's magazine never overflows, and each of its takes counts one operation, as in
  // a busy pool, it is right to fewer than 256 a CPU; else to some hundredths. Misses are exact and
  // are taken off, so with many of them it may be told too small for a while, or fall.
  std::uint64_t hits = 0;
  std::uint64_t misses = 0;       // gets that found no item, wherever they looked
  std::uint64_t steals = 0;       // gets that took an item as a thief, from whatever shard
  std::uint64_t victim_hits = 0;  // gets that took an item that the next cycle would have destroyed
  std::uint64_t busy = 0;         // times that the own shard's ring had another owner
  std::uint64_t spills = 0;       // items that went to a spill shard for that reason
  std::uint64_t reset_dropped = 0;   // items destroyed because their reset has refused them
  std::uint64_t bound_dropped = 0;   // items destroyed because the pool held as much as it may
  std::uint64_t refused_memory = 0;  // items destroyed for want of memory, not by cycles
  std::uint64_t late_returns =
      0;                     // items destroyed because their handle came back to a closed pool
  std::uint64_t cycles = 0;  // cycles begun
  std::uint64_t cycle_destroyed = 0;  // items that cycles destroyed
  std::uint64_t retained = 0;         // items in the pool, about
  std::uint64_t bytes = 0;            // what they hold, if the hook size_of tells
  std::uint64_t in_use = 0;           // handles that are out, about
  // The most that were out at once, about, as seen by borrows that found no item, and by stats().
  // Too small only if more were lent out of what a get, put_range or reserve had made.
  std::uint64_t peak_in_use = 0;
  // Of a bounded_pool only.
  std::uint64_t max = 0;       // items that may exist
  std::uint64_t waiting = 0;   // gets that wait now
  std::uint64_t queued = 0;    // gets that found all items in use, those by try_get, too
  std::uint64_t given_up = 0;  // of these, those that did not wait until they were served

  pool_kind kind = pool_kind::object;    // whose numbers these are
  pin_kind pin = pin_kind::thread_hash;  // how the calling thread finds its shard

  // The share of the gets that found an item, as right as `hits`; 0 before the first.
  constexpr double hit_ratio() const noexcept {
    const double gets = static_cast<double>(hits) + static_cast<double>(misses);
    return gets == 0 ? 0 : static_cast<double>(hits) / gets;
  }
};

// One of those numbers, for who prints them all.
struct pool_number {
  // Which kinds of pools count it.
  enum class counted : std::uint8_t { by_object_pools, by_bounded_pools, by_both };

  std::string_view name;                   // as the member's
  std::uint64_t pool_stats::*value;        // the member
  bool only_grows;                         // a counter; an estimate is none
  std::string_view meaning;                // a sentence
  counted who = counted::by_object_pools;  // and of all others it is 0

  // Whether such a pool has it.
  constexpr bool is_counted_by(pool_kind kind) const noexcept {
    return who == counted::by_both ||
           (who == counted::by_bounded_pools) == (kind == pool_kind::bounded);
  }
};

// All of them, in the order of the members.
inline constexpr std::array pool_numbers{
    pool_number{"constructions", &pool_stats::constructions, true, "Items that the factory made."},
    pool_number{"hits", &pool_stats::hits, false, "Gets that found an item, about.",
                pool_number::counted::by_both},
    pool_number{"misses", &pool_stats::misses, true, "Gets that found no item.",
                pool_number::counted::by_both},
    pool_number{"steals", &pool_stats::steals, true,
                "Gets that took an item from another CPU's share."},
    pool_number{"victim_hits", &pool_stats::victim_hits, true,
                "Gets that took an item that the next cycle would have destroyed."},
    pool_number{"busy", &pool_stats::busy, true, "Times that a CPU's ring had another owner."},
    pool_number{"spills", &pool_stats::spills, true,
                "Items that went elsewhere because their CPU's ring had another owner."},
    pool_number{"reset_dropped", &pool_stats::reset_dropped, true,
                "Items destroyed because their reset has refused them."},
    pool_number{"bound_dropped", &pool_stats::bound_dropped, true,
                "Items destroyed because the pool held as much as it may."},
    pool_number{"refused_memory", &pool_stats::refused_memory, true,
                "Items destroyed because memory was refused."},
    pool_number{"late_returns", &pool_stats::late_returns, true,
                "Items destroyed because their handle came back to a closed pool."},
    pool_number{"cycles", &pool_stats::cycles, true, "Cleanup cycles begun.",
                pool_number::counted::by_both},
    pool_number{"cycle_destroyed", &pool_stats::cycle_destroyed, true,
                "Items that cleanup cycles destroyed.", pool_number::counted::by_both},
    pool_number{"retained", &pool_stats::retained, false, "Items in the pool, about.",
                pool_number::counted::by_both},
    pool_number{"bytes", &pool_stats::bytes, false, "Bytes that the items in the pool hold."},
    pool_number{"in_use", &pool_stats::in_use, false, "Handles that are out, about.",
                pool_number::counted::by_both},
    pool_number{"peak_in_use", &pool_stats::peak_in_use, false,
                "Handles that were out at once at most, about.", pool_number::counted::by_both},
    pool_number{"max", &pool_stats::max, false, "Items that may exist.",
                pool_number::counted::by_bounded_pools},
    pool_number{"waiting", &pool_stats::waiting, false, "Gets that wait now.",
                pool_number::counted::by_bounded_pools},
    pool_number{"queued", &pool_stats::queued, true, "Gets that found all items in use.",
                pool_number::counted::by_bounded_pools},
    pool_number{"given_up", &pool_stats::given_up, true,
                "Gets that found all items in use, and did not wait until they were served.",
                pool_number::counted::by_bounded_pools},
};

// As `pin_kind` spells it.
constexpr std::string_view name_of(pin_kind pin) noexcept {
  switch (pin) {
    case pin_kind::rseq:
      return "rseq";
    case pin_kind::rseq_cpu_id:
      return "rseq_cpu_id";
    case pin_kind::sched_getcpu:
      return "sched_getcpu";
    case pin_kind::thread_hash:
      return "thread_hash";
    case pin_kind::model:
      return "model";
  }
  return "";
}

// All that is counted in one line: "constructions 3, hits 120, ..., pin rseq". For a stream of
// <ostream>.
template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& to,
                                             const pool_stats& stats) {
  for (const pool_number& each : pool_numbers) {
    if (each.is_counted_by(stats.kind)) to << each.name << ' ' << stats.*each.value << ", ";
  }
  return to << "pin " << name_of(stats.pin);
}

}  // namespace poolproof

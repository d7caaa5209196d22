// SPDX-License-Identifier: MIT
// What a bounded_pool has, and what it has done.
//
// Stands on: the standard library.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>

namespace poolproof {

// Of one moment, and exact. An item that is just being destroyed exists, and is not idle.
struct bounded_stats {
  std::size_t max = 0;          // as the pool was made
  std::size_t existing = 0;     // items that exist, or are being made
  std::size_t idle = 0;         // of these, those that nobody has
  std::size_t peak_in_use = 0;  // others than these, at most, since the pool was made
  std::size_t waiting = 0;      // calls in the queue

  // Since the pool was made.
  std::uint64_t hits = 0;             // gets that were given an item of the pool
  std::uint64_t misses = 0;           // gets that were given a place, and call the factory
  std::uint64_t queued = 0;           // gets that found all in use, those by try_get, too
  std::uint64_t given_up = 0;         // of these, those that did not wait until they were served
  std::uint64_t cycles = 0;           // cleanup cycles
  std::uint64_t cycle_destroyed = 0;  // items that these destroyed
};

// All of it in one line: "max 8, existing 3, ...". For a stream of <ostream>.
template <class Traits>
std::basic_ostream<char, Traits>& operator<<(std::basic_ostream<char, Traits>& to,
                                             const bounded_stats& stats) {
  return to << "max " << stats.max << ", existing " << stats.existing << ", idle " << stats.idle
            << ", peak_in_use " << stats.peak_in_use << ", waiting " << stats.waiting << ", hits "
            << stats.hits << ", misses " << stats.misses << ", queued " << stats.queued
            << ", given_up " << stats.given_up << ", cycles " << stats.cycles
            << ", cycle_destroyed " << stats.cycle_destroyed;
}

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// The clients of object_pool: threads that make any of its calls, while the machine does what
// machines do.
//
// Stands on: client.
#pragma once

#include "client.hpp"

#include <cstddef>
#include <memory>
#include <string_view>
#include <vector>

namespace poolproof::proofs {

// The machines on which clients run, a family for each.
std::vector<family> pool_families();

// What a client can hold: calls; items that a thread makes, and those made before and after the
// threads; handles of each.
inline constexpr std::size_t most_calls_of_client = 16;
inline constexpr std::size_t most_made = 5;
inline constexpr std::size_t most_made_alone = 12;
inline constexpr std::size_t most_handles = 3;

// What the clients of a family have in common.
struct pool_setting {
  unsigned cpus = 1;       // the threads are on them in turn, and so are CPUs that they go to
  unsigned cpus_told = 0;  // of which the pool is told, if not of all: some share a shard then
  unsigned first_cpu = 0;  // where the first thread is, and what comes before and after them
  unsigned patience = 1;   // how often a cycle tries to own a shard
  bool automatic_cycles = false;
  // How many items the pool may hold, if not 0, and how many a cycle leaves in it. With either it
  // has hooks, too.
  std::size_t most_items = 0;
  std::size_t least_items = 0;

  bool has_upkeep() const noexcept { return most_items + least_items != 0; }
  bool tells_fewer_cpus() const noexcept { return cpus_told != 0; }
  unsigned cpu_of(std::size_t thread) const noexcept {
    return (first_cpu + static_cast<unsigned>(thread)) % cpus;
  }
};

// Makes a client: a policy of client_sync.hpp each, compiled in a file of its own.
using pool_player = std::unique_ptr<checker::program>(const client& played,
                                                      const pool_setting& setting);
pool_player portable_player;
pool_player section_player;
pool_player small_portable_player;
pool_player small_section_player;
pool_player narrow_portable_player;
pool_player narrow_section_player;

// How many handles a script needs beyond those that it borrows itself.
struct handles_needed {
  explicit handles_needed(std::string_view of) noexcept {
    std::size_t own = 0;
    for (const char sign : of) {
      own += sign == 'b' ? 1 : 0;
      if (std::string_view("eFdma").find(sign) == std::string_view::npos) continue;
      if (own == 0) ++given, ++own;
      own -= std::string_view("eFd").find(sign) != std::string_view::npos ? 1 : 0;
    }
  }
  std::size_t given = 0;
};

}  // namespace poolproof::proofs

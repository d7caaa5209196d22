// SPDX-License-Identifier: MIT
// The form in which two engines compare execution graphs: a flat vector of numbers.
//
// For each thread in index order: the number of its events, then per event in program order
//   kind, location, value read, value written, thread and index of the write that it reads from
// (0 for what does not apply; the initial value is thread and index 0xffffffff). Then for each
// location in index order: the number of its writes, then (thread, index) of each in modification
// order, the initial value left out. An event's index is its place among all events of its thread,
// from 0.
//
// Locations are those of the program in its order, plain ones included, which have no writes here;
// the mutexes follow them. Locking and unlocking a mutex are read-modify-writes of 0 to 1 and 1 to
// 0. A failed compare-and-swap is a read. Fences and choices have location 0. Accesses to plain
// data are no events.
#pragma once

#include <cstdint>
#include <utility>
#include <vector>

namespace checker {

using canonical_graph = std::vector<std::uint64_t>;

enum class canonical_kind : std::uint64_t {
  read = 1,
  write = 2,
  read_modify_write = 3,
  fence = 4,
  choice = 5
};

inline constexpr std::uint32_t initial_value = 0xffffffff;

struct canonical_event {
  canonical_kind kind = canonical_kind::fence;
  std::uint64_t location = 0;
  std::uint64_t read = 0;  // of a choice: what was chosen
  std::uint64_t written = 0;
  std::uint32_t source_thread = 0;
  std::uint32_t source_index = 0;
};

using event_name = std::pair<std::uint32_t, std::uint32_t>;  // thread, index

inline canonical_graph make_canonical(const std::vector<std::vector<canonical_event>>& threads,
                                      const std::vector<std::vector<event_name>>& coherence) {
  canonical_graph result;
  for (const auto& thread : threads) {
    result.push_back(thread.size());
    for (const canonical_event& e : thread) {
      result.insert(result.end(), {static_cast<std::uint64_t>(e.kind), e.location, e.read,
                                   e.written, e.source_thread, e.source_index});
    }
  }
  for (const auto& writes : coherence) {
    result.push_back(writes.size());
    for (const auto& [thread, index] : writes) result.insert(result.end(), {thread, index});
  }
  return result;
}

}  // namespace checker

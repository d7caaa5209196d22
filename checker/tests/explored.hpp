// SPDX-License-Identifier: MIT
// What the explorer finds of a litmus program, in the form that the brute force gives.
#pragma once

#include <cstddef>
#include <cstdint>
#include <set>
#include <tuple>
#include <vector>

#include "../tools/litmus_program.hpp"
#include "canonical.hpp"

namespace checker {

// The values of the locations from `mutexes` on say who holds a mutex; here: whether it is held.
inline canonical_graph canonical_of(const execution_graph& graph, std::size_t locations,
                                    std::size_t mutexes) {
  const auto name = [&](event_id e) { return event_name(graph[e].thread, graph[e].index); };
  std::vector<std::vector<canonical_event>> threads(graph.thread_count());
  for (unsigned t = 0; t != graph.thread_count(); ++t) {
    for (const event_id id : graph.thread(t)) {
      const event& e = graph[id];
      canonical_event seen;
      seen.kind = e.kind == event_kind::read     ? canonical_kind::read
                  : e.kind == event_kind::write  ? canonical_kind::write
                  : e.kind == event_kind::update ? canonical_kind::read_modify_write
                  : e.kind == event_kind::fence  ? canonical_kind::fence
                                                 : canonical_kind::choice;
      seen.location = e.location == no_location ? 0 : e.location;
      seen.written = e.writes() ? e.value : 0;
      if (e.kind == event_kind::choice) seen.read = e.value;
      if (e.reads()) {
        seen.read = graph.value_read(id);
        seen.source_thread = seen.source_index = initial_value;
        if (e.source != initial) {
          std::tie(seen.source_thread, seen.source_index) = name(e.source);
        }
      }
      if (e.location != no_location && e.location >= mutexes) {
        seen.read = seen.read != 0 ? 1 : 0;
        seen.written = seen.written != 0 ? 1 : 0;
      }
      threads[t].push_back(seen);
    }
  }
  std::vector<std::vector<event_name>> coherence(locations);
  for (const location_id l : graph.active_locations()) {
    for (const event_id w : graph.at(l).writes) coherence[l].push_back(name(w));
  }
  return make_canonical(threads, coherence);
}

struct explored {
  statistics totals;
  std::set<canonical_graph> graphs;
  std::uint64_t duplicates = 0;
};

inline explored explore(const litmus::program& p, options chosen) {
  explored result;
  const std::size_t mutexes = p.locations.size();
  const std::size_t locations = mutexes + p.mutexes.size();
  chosen.spurious_failures = 0;
  chosen.keep_going = true;
  chosen.on_complete = [&](const execution_graph& graph) {
    if (!result.graphs.insert(canonical_of(graph, locations, mutexes)).second) ++result.duplicates;
  };
  litmus::litmus_program checked(p, p.name);
  exploration running(checked, chosen);
  result.totals = running.explore();
  return result;
}

inline explored explore(const litmus::program& p, memory_model model) {
  options chosen;
  chosen.model = model;
  return explore(p, chosen);
}

}  // namespace checker

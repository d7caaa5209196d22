// SPDX-License-Identifier: MIT
#include <checker/contention.hpp>

#include <cstddef>

namespace checker {

namespace {

// Whether e happens before whatever precedes `next` in the thread of `next`.
bool known_before(const execution_graph& graph, event_id e, event_id next) {
  const event& after = graph[next];
  if (after.index == 0) return false;
  return graph.knows(graph.happens_before(graph.thread(after.thread)[after.index - 1u]), e);
}

// Whether two accesses of one location, of which one writes, contend.
bool contend(const execution_graph& graph, event_id a, event_id b) {
  return graph[a].thread != graph[b].thread && !known_before(graph, a, b) &&
         !known_before(graph, b, a);
}

std::size_t half(const event& e) noexcept {
  return e.kind == event_kind::read && e.update == update_kind::compare ? 1 : 0;
}

}  // namespace

void contention::look_at(const execution_graph& graph) {
  for (const location_id l : graph.active_locations()) {
    for (const event_id w : graph.at(l).writes) {
      for (const event_id r : graph.at(l).reads) look_at(graph, w, r);
      for (const event_id other : graph.at(l).writes) look_at(graph, w, other);
    }
  }
}

void contention::look_at(const execution_graph& graph, event_id a, event_id b) {
  if (marked(found_, graph[a]) && marked(found_, graph[b])) return;
  if (graph[a].thread == graph[b].thread) return;
  mark(conflicts_, graph[a]);
  mark(conflicts_, graph[b]);
  if (!contend(graph, a, b)) return;
  mark(found_, graph[a]);
  mark(found_, graph[b]);
}

bool contention::marked(const sites& of, const event& e) noexcept {
  return e.place < of.size() && of[e.place][half(e)];
}

void contention::mark(sites& of, const event& e) {
  if (e.place >= of.size()) of.resize(e.place + 1);
  of[e.place][half(e)] = true;
}

}  // namespace checker

// Which operations of a program are ever contended: whether, in some execution, another thread
// accesses the same location, one of the two writes, and neither access happens before the other
// for a reason of its own.
//
// What an operation is ordered by through itself does not count: two read-modify-writes that
// acquire and release are always ordered, by what the second reads, and contend all the same. So
// the question is asked one step earlier: neither access is known to what its counterpart's thread
// has done before.
//
// Stands on: graph.
#pragma once

#include "graph.hpp"

#include <array>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace checker {

// Whether e happens before whatever precedes `next` in the thread of `next`.
inline bool known_before(const execution_graph& graph, event_id e, event_id next) {
  const event& after = graph[next];
  if (after.index == 0) return false;
  return graph.knows(graph.happens_before(graph.thread(after.thread)[after.index - 1u]), e);
}

// Whether two accesses of one location, of which one writes, contend.
inline bool contend(const execution_graph& graph, event_id a, event_id b) {
  return graph[a].thread != graph[b].thread && !known_before(graph, a, b) &&
         !known_before(graph, b, a);
}

// The contended operations of all executions that it is shown, by their places in the source. A
// compare-and-swap that failed is an operation of its own, with an order of its own.
class contention {
 public:
  void look_at(const execution_graph& graph) {
    for (const location_id l : graph.active_locations()) {
      for (const event_id w : graph.at(l).writes) {
        for (const event_id r : graph.at(l).reads) look_at(graph, w, r);
        for (const event_id other : graph.at(l).writes) look_at(graph, w, other);
      }
    }
  }

  // Calls visit(place, failed) for each; the execution that was searched knows what place that is.
  template <class Visit>
  void for_each(Visit visit) const {
    for (std::size_t place = 0; place != found_.size(); ++place) {
      for (const bool failed : {false, true}) {
        if (found_[place][failed ? 1 : 0]) visit(static_cast<std::uint32_t>(place), failed);
      }
    }
  }

 private:
  void look_at(const execution_graph& graph, event_id a, event_id b) {
    if (marked(graph[a]) && marked(graph[b])) return;
    if (!contend(graph, a, b)) return;
    mark(graph[a]);
    mark(graph[b]);
  }

  static std::size_t half(const event& e) noexcept {
    return e.kind == event_kind::read && e.update == update_kind::compare ? 1 : 0;
  }
  bool marked(const event& e) const noexcept {
    return e.place < found_.size() && found_[e.place][half(e)];
  }
  void mark(const event& e) {
    if (e.place >= found_.size()) found_.resize(e.place + 1);
    found_[e.place][half(e)] = true;
  }

  std::vector<std::array<bool, 2>> found_;  // by place: succeeded, failed
};

}  // namespace checker

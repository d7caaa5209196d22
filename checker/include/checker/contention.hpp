// SPDX-License-Identifier: MIT
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

// The contended operations of all executions that it is shown, by their places in the source. A
// compare-and-swap that failed is an operation of its own, with an order of its own.
class contention {
 public:
  void look_at(const execution_graph& graph);

  // Calls visit(place, failed) for each; the execution that was searched knows what place that is.
  template <class Visit>
  void for_each(Visit visit) const {
    for_each_of(found_, visit);
  }

  // The same for all that access what another thread does, one of the two a write, whether or not
  // they are ordered.
  template <class Visit>
  void for_each_conflict(Visit visit) const {
    for_each_of(conflicts_, visit);
  }

 private:
  using sites = std::vector<std::array<bool, 2>>;  // by place: succeeded, failed

  template <class Visit>
  static void for_each_of(const sites& marked, Visit visit) {
    for (std::size_t place = 0; place != marked.size(); ++place) {
      for (const bool failed : {false, true}) {
        if (marked[place][failed ? 1 : 0]) visit(static_cast<std::uint32_t>(place), failed);
      }
    }
  }

  void look_at(const execution_graph& graph, event_id a, event_id b);

  static bool marked(const sites& of, const event& e) noexcept;
  static void mark(sites& of, const event& e);

  sites found_;
  sites conflicts_;
};

}  // namespace checker

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
    for (std::size_t place = 0; place != found_.size(); ++place) {
      for (const bool failed : {false, true}) {
        if (found_[place][failed ? 1 : 0]) visit(static_cast<std::uint32_t>(place), failed);
      }
    }
  }

 private:
  void look_at(const execution_graph& graph, event_id a, event_id b);

  bool marked(const event& e) const noexcept;
  void mark(const event& e);

  std::vector<std::array<bool, 2>> found_;  // by place: succeeded, failed
};

}  // namespace checker

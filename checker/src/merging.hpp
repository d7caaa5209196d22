// SPDX-License-Identifier: MIT
// Merged reads: sources of a read between which nothing can tell are one alternative.
//
// A hint is read far more often than it changes anything: whether a shard looks free, whether a
// slot looks full. Where several threads have written the same value, each of those writes is a
// source of its own, and the same run is explored for each, and for each product of them.
//
// Let `first` be the earliest source that coherence leaves to a read e. It is known to e's thread:
// it happens before e, or something that does has read it; or it is the initial value. Another
// source w is merged with it if
//
//   (value) both have the same value, and e is a read, or a compare-and-swap that fails by it;
//   (order) e is relaxed; or it acquires, and by both the same;
//   (free)  no memory was freed before w, in po and rf, but what was freed before e too: else e
//           could be why an allocation gets the same block again.
//
// Then no graph is explored in which e reads w. That holds of programs without acquire fences, and
// the search sees to it that there are none: behind one, a relaxed read would tell more by w.
//
// Theorem. Of each consistent graph in which e reads such a w there is another one that differs
// only in that e reads `first`. It is consistent, too, and each thread does the same in both.
//   Proof. By (value) e's thread goes on as it did, and by (order) happens-before is the same in
// both. What is before what in po and rf is the same, too, but for what e had from w: it gets
// nothing from `first`, which is in its past already. So po and rf have no cycle, and by (free)
// allocations may re-use what they did. Coherence: `first` is not hidden from e; what reads or
// writes behind e comes after w in mo, or is w, and w comes after `first`. Reading something older
// adds pairs (e, v) to rb, with v behind `first`. The order of seq_cst operations asks for such a
// pair only if e is seq_cst, or a seq_cst fence is before it: e is not, and there are none.
//   All conditions, and `first`, depend on what is before e and before w in po and rf only. So a
// graph in which no read has a merged source (it is in normal form) stays in normal form when other
// events are taken away, as a revisit does.
//
// The search stays complete and optimal: it visits each graph in normal form once. TruSt asks of
// the events that a revisit deletes that each be as it would be if it were added last: a read would
// read the newest write. In normal form it reads `first` instead if the newest is merged with it;
// that is always consistent, since reading the newest is. And a write revisits no read that it
// would be merged for.
//   merging_test.cpp compares its graphs with those of the whole search, brought to normal form.
//
// Stands on: consistency, <checker/graph.hpp>.
#pragma once

#include "consistency.hpp"

#include <checker/graph.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>

namespace checker {

class read_merging {
 public:
  read_merging(bool wanted, memory_model model) noexcept
      : wanted_(wanted && model != memory_model::sc) {}

  // Whether e may have merged sources.
  bool applies_to(const event& e) const noexcept {
    return wanted_ && e.reads() && !is_seq_cst(order_of(e)) &&
           (e.update == update_kind::none || e.update == update_kind::compare);
  }

  // Of such a read, whether w is merged with the first source that it may have. `known`: what
  // happens before e.
  static bool merges(const execution_graph& g, event_id e, const clock_table::lane* known,
                     event_id first, event_id w) noexcept {
    const event& read = g[e];
    const std::uint64_t value = value_of(g, e, first);
    if (value != value_of(g, e, w)) return false;
    if (read.update == update_kind::compare && value == read.expected) return false;
    if (acquires(order_of(read)) && !tell_the_same(g, known, first, w)) return false;
    return frees_nothing(g, e, w);
  }

 private:
  // What it has where it writes nothing.
  static order order_of(const event& e) noexcept {
    return e.update == update_kind::compare ? e.failure : e.success;
  }

  static std::uint64_t value_of(const execution_graph& g, event_id e, event_id w) noexcept {
    return w == initial ? g[e].initial_value : g[w].value;
  }

  // Whether an acquire read knows the same by either.
  static bool tell_the_same(const execution_graph& g, const clock_table::lane* known,
                            event_id first, event_id w) noexcept {
    const auto* const by_first = first == initial ? known : g.message(first);
    const auto* const by_w = w == initial ? known : g.message(w);
    for (unsigned t = 0; t != g.thread_count(); ++t) {
      if (std::max(known[t], by_first[t]) != std::max(known[t], by_w[t])) return false;
    }
    return true;
  }

  static bool frees_nothing(const execution_graph& g, event_id e, event_id w) noexcept {
    if (w == initial) return true;
    const event& read = g[e];
    return std::none_of(g.frees().begin(), g.frees().end(), [&](event_id f) {
      if (!g.knows(g.causes(w), f)) return false;
      return read.index == 0 || !g.knows(g.causes(g.thread(read.thread)[read.index - 1u]), f);
    });
  }

  const bool wanted_;
};

}  // namespace checker

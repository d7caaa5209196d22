// SPDX-License-Identifier: MIT
// Threads that are alike: executions that differ only in which of them did what.
//
// Two threads are alike if they run the same code from the same state, so that exchanging them in
// an execution gives an execution of the same program. Of executions that are made from each other
// by such exchanges, which are an *orbit*, it is enough to see one.
//
// Let f be the thread that adds its events first: the first one in the search's order. It is
// compared with the threads that are like it, event by event, as long as they do the same: reads of
// one location from one source, fences, equal choices. A graph is left out if, at the first event
// that differs,
//
//   (late)  f's event comes after the other thread's, in po and rf; or
//   (old)   neither of the two does, both read one location, or write it, and f's source, or
//           place, in co is behind that of the other; and no event of those that are still compared
//           comes before the other thread's, in po and rf.
//
// Each orbit keeps a graph: of the events that differ there are some with none of the others before
// them; among these are some whose source is the earliest of their location, and a thread with one
// of them may be called f. It goes on with those that have the same source; the others have been
// compared to the end. What is said here of graphs does not depend on what threads are called.
//
// Nothing is left out that leads to a graph that is kept, i.e. who is left out stays so, in all
// that TruSt makes of it. Let a be f's event, and b the other's.
//   An event that is added changes nothing of a and b. A revisit of read r by write w deletes what
// is younger than r and not before w, all of which is as if it had been added last, as is r.
//   - An event that is younger than r, is not before w, and has been read by one that is as old as
//     r or older, is not as if it had been added last. So what is left has all that was before it
//     in po and rf, and r is not before what is left.
//   - (first) An event of another thread that is older than an event of f is before an earlier
//     event of f: it was there when f could do nothing more, or it would have been added later;
//     since then an event of f was revisited, and what was not before the new source is gone. So
//     it is neither revisited nor deleted while that event of f is there. And b, if it is older
//     than a, is before an event of f before a, which then differs from that of the other thread
//     already: that one cannot have the same source. So a is older than b.
//   - If a and b stay, nothing has changed between them, nor in what is before b.
//   - If b is deleted or revisited: in (old), a's source, or a, is behind b's in co and older than
//     b, or before w, or read by a which is older: b, or that source, is not as if it had been
//     added last. In (late) b is before a, so that a goes too: but its source is younger than a.
//   - If a is revisited and b stays, b is before w, since it is younger than a: then a is late.
//   - If a is deleted and b stays, r is an earlier event of f, by (first), and b is before w: then
//     r is late.
//
// So it is not for searches that merge reads, in which more is as if it had been added last; nor
// for programs in which f goes on after it was taken to wait in vain.
//   symmetry_test.cpp compares the orbits with those of the whole search.
//
// Stands on: <checker/graph.hpp>, <checker/search.hpp>.
#pragma once

#include <checker/graph.hpp>
#include <checker/search.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <unordered_map>
#include <utility>
#include <vector>

namespace checker {

class symmetry {
 public:
  // Of threads that are alike; the one that is named first adds its events first.
  explicit symmetry(std::vector<unsigned> alike) : alike_(std::move(alike)) {}

  // Whether the graph is kept.
  bool keeps(const execution_graph& g) {
    if (alike_.size() < 2) return true;
    compared_.assign(alike_.begin(), alike_.end());
    const std::size_t most = g.thread(alike_.front()).size();
    for (std::size_t i = 0; i != most; ++i) {
      std::erase_if(compared_, [&](unsigned t) { return g.thread(t).size() <= i; });
      if (compared_.size() == 1) return true;
      if (is_late(g, i) || is_old(g, i)) return false;
      const event& first = g[g.thread(alike_.front())[i]];
      std::erase_if(compared_, [&](unsigned t) {
        return t != alike_.front() && !same(first, g[g.thread(t)[i]]);
      });
    }
    return true;
  }

 private:
  // Both of a thread's i-th event.
  static bool is_before(const execution_graph& g, unsigned one, unsigned other, std::size_t i) {
    return one != other && g.knows(g.causes(g.thread(other)[i]), g.thread(one)[i]);
  }

  bool is_late(const execution_graph& g, std::size_t i) const {
    return std::any_of(compared_.begin(), compared_.end(),
                       [&](unsigned t) { return is_before(g, t, alike_.front(), i); });
  }

  bool is_old(const execution_graph& g, std::size_t i) const {
    const event& first = g[g.thread(alike_.front())[i]];
    return std::any_of(compared_.begin(), compared_.end(), [&](unsigned t) {
      return goes_before(g, g[g.thread(t)[i]], first) &&
             std::none_of(compared_.begin(), compared_.end(),
                          [&](unsigned other) { return is_before(g, other, t, i); });
    });
  }

  static bool goes_before(const execution_graph& g, const event& one, const event& other) {
    if (one.location != other.location) return false;
    if (one.reads() && other.reads()) return place_of(g, one.source) < place_of(g, other.source);
    return one.kind == event_kind::write && other.kind == event_kind::write &&
           one.position < other.position;
  }

  static std::size_t place_of(const execution_graph& g, event_id source) {
    return source == initial ? 0 : g[source].position + std::size_t{1};
  }

  static bool same(const event& one, const event& other) {
    return one.kind == other.kind && one.kind != event_kind::write &&
           one.location == other.location && one.source == other.source &&
           one.update == other.update && one.success == other.success &&
           one.failed_spuriously == other.failed_spuriously &&
           (one.kind != event_kind::choice || one.value == other.value);
  }

  const std::vector<unsigned> alike_;
  std::vector<unsigned> compared_;
};

// A hash that graphs of one orbit have in common, and others have not. Locations go by where they
// are accessed first, since each thread may have made its own.
class orbit_hash {
 public:
  static graph_hash of(const execution_graph& g, std::vector<unsigned> alike) {
    std::sort(alike.begin(), alike.end());
    std::vector<unsigned> threads(g.thread_count());
    for (unsigned t = 0; t != threads.size(); ++t) threads[t] = t;
    std::vector<unsigned> exchanged = alike;
    graph_hash least{~std::uint64_t{0}, ~std::uint64_t{0}};
    do {
      for (std::size_t i = 0; i != alike.size(); ++i) threads[alike[i]] = exchanged[i];
      const graph_hash here = orbit_hash(g, threads).hash();
      if (std::pair(here.high, here.low) < std::pair(least.high, least.low)) least = here;
    } while (std::next_permutation(exchanged.begin(), exchanged.end()));
    return least;
  }

 private:
  // threads[t] is the one that is called t.
  orbit_hash(const execution_graph& g, const std::vector<unsigned>& threads)
      : graph_(g), names_(threads.size()) {
    for (unsigned t = 0; t != threads.size(); ++t) names_[threads[t]] = t;
    for (const unsigned t : threads) {
      take(g.thread(t).size());
      for (const event_id e : g.thread(t)) take_event(g[e]);
    }
    for (const location_id l : in_order_) {
      take(g.at(l).writes.size());
      for (const event_id w : g.at(l).writes) take_name(w);
    }
  }

  graph_hash hash() const noexcept { return {low_, high_}; }

  void take_event(const event& e) {
    take(static_cast<std::uint64_t>(e.kind) << 8 | static_cast<std::uint64_t>(e.update) << 1 |
         (e.failed_spuriously ? 1 : 0));
    if (e.kind == event_kind::choice && !e.allocates) take(e.value);
    take_name(e.source);
    if (e.location == no_location) return;
    const auto [found, added] = labels_.try_emplace(e.location, in_order_.size());
    if (added) in_order_.push_back(e.location);
    take(found->second);
  }

  void take_name(event_id e) {
    take(e == initial ? ~std::uint64_t{0}
                      : std::uint64_t{names_[graph_[e].thread]} << 32 | graph_[e].index);
  }

  void take(std::uint64_t number) noexcept {
    low_ = mix(low_ ^ number, 0xbf58476d1ce4e5b9);
    high_ = mix(high_ + number, 0x94d049bb133111eb) ^ low_;
  }

  static std::uint64_t mix(std::uint64_t a, std::uint64_t b) noexcept {
    const auto product = static_cast<__uint128_t>(a ^ 0x9e3779b97f4a7c15) * b;
    return static_cast<std::uint64_t>(product) ^ static_cast<std::uint64_t>(product >> 64);
  }

  const execution_graph& graph_;
  std::vector<unsigned> names_;
  std::unordered_map<location_id, std::size_t> labels_;
  std::vector<location_id> in_order_;
  std::uint64_t low_ = 1;
  std::uint64_t high_ = 2;
};

}  // namespace checker

// SPDX-License-Identifier: MIT
// Which graphs a memory model allows.
//
// Coherence is kept by construction: `first_allowed` bounds the sources of a read and the places of
// a write. Atomicity of updates is kept by the explorer, po and rf have no cycle because a
// read is only ever given a source that is there. What remains is the order of seq_cst operations:
// `sequential_order`, an acyclicity check.
//
//   rc11  Lahav et al., Repairing sequential consistency in C/C++11 (PLDI 2017), with the release
//         sequences of C++20
//   iso   C++20 [atomics.order]: a total order S of the seq_cst operations
//   sc    interleavings: po, rf, mo and rb have no cycle
//
// Stands on: <checker/graph.hpp>.
#pragma once

#include <checker/graph.hpp>

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace checker {

// Coherence, for an access `e` that comes after everything in `clock`: with the initial value as
// place 0 and co[i] as place i + 1, the first place that e may read from; and, since a write goes
// after all of them, the first index in co that it may take.
inline std::size_t first_allowed(const execution_graph& graph, event_id e,
                                 const clock_table::lane* clock) noexcept {
  const auto& accesses = graph.at(graph[e].location);
  std::size_t first = 0;
  for (std::size_t i = accesses.writes.size(); i != 0; --i) {
    if (graph.knows(clock, accesses.writes[i - 1])) {
      first = i;
      break;
    }
  }
  for (event_id read : accesses.reads) {
    if (read == e || !graph.knows(clock, read)) continue;
    const event_id source = graph[read].source;
    if (source != initial && graph[source].position + std::size_t{1} > first) {
      first = graph[source].position + std::size_t{1};
    }
  }
  return first;
}

// Whether the order of seq_cst operations that the model asks for exists.
//
// Sets of events are rows of bits, in which the events of a thread stand side by side, in program
// order. Thus what happens after an event is a range of bits for each thread, and what a range of
// one thread leads to is computed once, from the thread's end to its start (`suffix_of`).
class sequential_order {
 public:
  bool exists(const execution_graph& graph, memory_model model) {
    if (model == memory_model::sc) return interleaving_exists(graph);
    if (!graph.has_seq_cst()) return true;
    prepare(graph);
    if (model == memory_model::rc11) {
      relate_rc11();
    } else {
      relate_iso();
    }
    return acyclic();
  }

  // The same of a graph whose order existed before its youngest event e was added, an access. What
  // that adds begins or ends in e. Behind e there is nothing but later writes of its location and
  // their readers, and the order goes there only from a seq_cst access, or from a fence that
  // happens before e.
  bool still_exists(const execution_graph& graph, memory_model model, event_id e) {
    if (model != memory_model::sc && !may_lead_on(graph, e)) return true;
    return exists(graph, model);
  }

 private:
  using word = std::uint64_t;

  // A set for each event, or for each of something else.
  class rows {
   public:
    void reset(std::size_t count, std::size_t words) {
      words_ = words;
      bits_.assign(count * words, 0);
    }
    word* operator[](std::size_t i) noexcept { return bits_.data() + i * words_; }
    const word* operator[](std::size_t i) const noexcept { return bits_.data() + i * words_; }

   private:
    std::vector<word> bits_;
    std::size_t words_ = 0;
  };

  static void set(word* bits, std::size_t i) noexcept { bits[i / 64] |= word{1} << (i % 64); }
  static bool has(const word* bits, std::size_t i) noexcept {
    return (bits[i / 64] >> (i % 64) & 1) != 0;
  }

  // first .. last-1
  static void set_range(word* bits, std::size_t first, std::size_t last) noexcept {
    for (std::size_t i = first / 64; i * 64 < last; ++i) {
      word range = ~word{0};
      if (i == first / 64) range &= ~word{0} << (first % 64);
      if (last < i * 64 + 64) range &= (word{1} << (last % 64)) - 1;
      bits[i] |= range;
    }
  }

  void unite(word* to, const word* from) const noexcept {
    for (std::size_t k = 0; k != words_; ++k) to[k] |= from[k];
  }

  bool meet(const word* a, const word* b) const noexcept {
    for (std::size_t k = 0; k != words_; ++k) {
      if ((a[k] & b[k]) != 0) return true;
    }
    return false;
  }

  template <class Visit>
  void for_each(const word* bits, Visit visit) const {
    for (std::size_t i = 0; i != words_; ++i) {
      for (word rest = bits[i]; rest != 0; rest &= rest - 1) {
        visit(i * 64 + static_cast<std::size_t>(std::countr_zero(rest)));
      }
    }
  }

  // A choice is no event of the memory model, and a light fence none of the C++ model.
  static bool is_step(const event& e) noexcept {
    return e.kind != event_kind::choice && e.success != order::light;
  }

  static order order_of(const event& e) noexcept {
    return e.kind == event_kind::choice ? order::relaxed : e.effective_order();
  }

  // The fences that the order may begin or end at, with what happens before or after them.
  static bool is_ordering_fence(const event& e) noexcept {
    return e.kind == event_kind::fence && (is_seq_cst(e.success) || e.success == order::light);
  }

  // The place of an access in its location's order: writes at even numbers, between them the reads.
  static std::size_t rank(const execution_graph& graph, const event& e) noexcept {
    if (e.writes()) return 2 * (e.position + std::size_t{1});
    return e.source == initial ? 1 : 2 * (graph[e.source].position + std::size_t{1}) + 1;
  }

  static bool may_lead_on(const execution_graph& graph, event_id e) noexcept {
    if (is_seq_cst(order_of(graph[e]))) return true;
    const auto* const known = graph.happens_before(e);
    for (unsigned t = 0; t != graph.thread_count(); ++t) {
      for (std::size_t i = 0; i != known[t]; ++i) {
        if (is_ordering_fence(graph[graph.thread(t)[i]])) return true;
      }
    }
    return false;
  }

  const event& at(std::size_t a) const noexcept { return (*graph_)[events_[a]]; }

  void prepare(const execution_graph& graph) {
    graph_ = &graph;
    events_.clear();
    begins_.clear();
    for (unsigned t = 0; t != graph.thread_count(); ++t) {
      begins_.push_back(events_.size());
      events_.insert(events_.end(), graph.thread(t).begin(), graph.thread(t).end());
    }
    begins_.push_back(events_.size());
    const std::size_t n = events_.size();
    words_ = (n + 63) / 64;
    for (rows* each : {&after_, &before_, &elsewhere_, &suffix_, &eco_, &direct_}) {
      each->reset(n, words_);
    }
    scratch_.reset(2, words_);
    relate_by_happens_before();
    relate_elsewhere();
    for (location_id l : graph.active_locations()) relate_location(l);
    find_nodes();
  }

  // What each event happens before, and what happens before it. The clocks of a thread's events
  // grow: so does, from one event of a thread to the next, where in another thread the first
  // stands.
  void relate_by_happens_before() {
    const unsigned threads = graph_->thread_count();
    first_.assign(events_.size() * threads, 0);
    for (unsigned t = 0; t != threads; ++t) {
      for (unsigned u = 0; u != threads; ++u) {
        std::size_t b = begins_[u];
        for (std::size_t a = begins_[t]; a != begins_[t + 1]; ++a) {
          if (t == u) {
            b = a + 1;
          } else {
            while (b != begins_[u + 1] && clock(b)[t] <= a - begins_[t]) ++b;
          }
          first_[a * threads + u] = static_cast<std::uint16_t>(b);
          set_range(after_[a], b, begins_[u + 1]);
        }
      }
    }
    for (std::size_t b = 0; b != events_.size(); ++b) {
      for (unsigned t = 0; t != threads; ++t) {
        set_range(before_[b], begins_[t], begins_[t] + clock(b)[t]);
      }
      before_[b][b / 64] &= ~(word{1} << (b % 64));
    }
  }

  const clock_table::lane* clock(std::size_t a) const noexcept {
    return graph_->happens_before(events_[a]);
  }

  // Where the events of thread t begin that a happens before; none if that is the thread's end.
  std::size_t first_after(std::size_t a, unsigned t) const noexcept {
    return first_[a * graph_->thread_count() + t];
  }

  // What follows an event in its thread at another location; and what follows it, or any later
  // event of its thread, so.
  void relate_elsewhere() {
    find_locations();
    for (unsigned t = 0; t != graph_->thread_count(); ++t) {
      for (std::size_t a = begins_[t + 1]; a-- != begins_[t];) {
        if (is_step(at(a))) {
          set_range(elsewhere_[a], a + 1, begins_[t + 1]);
          const word* const here = locations_[place_of(at(a).location)];
          for (std::size_t k = 0; k != words_; ++k) elsewhere_[a][k] &= steps()[k] & ~here[k];
        }
        add_suffix(suffix_, elsewhere_, a, t);
      }
    }
  }

  void add_suffix(rows& suffix, const rows& each, std::size_t a, unsigned t) noexcept {
    unite(suffix[a], each[a]);
    if (a + 1 != begins_[t + 1]) unite(suffix[a], suffix[a + 1]);
  }

  // The events of each location, those of none, and, as the last row, the steps.
  void find_locations() {
    const auto& active = graph_->active_locations();
    for (std::size_t i = 0; i != active.size(); ++i) {
      if (active[i] >= place_of_location_.size()) place_of_location_.resize(active[i] + 1);
      place_of_location_[active[i]] = static_cast<std::uint32_t>(i);
    }
    locations_.reset(active.size() + 2, words_);
    for (std::size_t a = 0; a != events_.size(); ++a) {
      set(locations_[place_of(at(a).location)], a);
      if (is_step(at(a))) set(locations_[active.size() + 1], a);
    }
  }

  std::size_t place_of(location_id l) const noexcept {
    return l == no_location ? graph_->active_locations().size() : place_of_location_[l];
  }
  const word* steps() const noexcept { return locations_[graph_->active_locations().size() + 1]; }

  // direct: mo and rb, from the writes and reads of one location, and hb there; eco: the closure of
  // both with rf. From the last in the location's order to the first.
  void relate_location(location_id l) {
    const auto& [writes, reads, active] = graph_->at(l);
    readers_.reset(writes.size() + 1, words_);
    for (event_id read : reads) {
      const event& e = (*graph_)[read];
      if (!e.writes()) set(readers_[rank(*graph_, e) / 2], number_of(e));
    }
    word* const later = scratch_[0];
    word* const later_writes = scratch_[1];
    std::fill_n(later, 2 * words_, 0);
    const word* const here = locations_[place_of(l)];
    const auto relate = [&](std::size_t a) {
      unite(eco_[a], later);
      for (std::size_t k = 0; k != words_; ++k) {
        direct_[a][k] |= later_writes[k] | (after_[a][k] & here[k]);
      }
    };
    for (std::size_t place = writes.size() + 1; place-- != 0;) {
      for_each(readers_[place], relate);
      unite(later, readers_[place]);
      if (place == 0) break;
      const std::size_t w = number_of((*graph_)[writes[place - 1]]);
      relate(w);
      set(later, w);
      set(later_writes, w);
    }
  }

  std::size_t number_of(const event& e) const noexcept { return begins_[e.thread] + e.index; }

  // The events that are ordered: seq_cst ones, and light fences.
  void find_nodes() {
    nodes_.clear();
    fences_.clear();
    node_sets_.reset(2, words_);
    for (std::size_t a = 0; a != events_.size(); ++a) {
      const order o = order_of(at(a));
      if (!is_seq_cst(o) && o != order::light) continue;
      nodes_.push_back(a);
      if (at(a).kind == event_kind::fence) {
        fences_.push_back(a);
      } else {
        set(node_sets_[0], a);
      }
    }
    related_.reset(events_.size(), words_);
  }

  // Two light fences order nothing, and a light and a C++ fence neither.
  bool light(std::size_t a) const noexcept { return at(a).success == order::light; }
  bool heavy(std::size_t a) const noexcept { return at(a).success == order::heavy; }
  bool fences_meet(std::size_t a, std::size_t b) const noexcept {
    return (!light(a) || heavy(b)) && (!light(b) || heavy(a));
  }

  // What `suffix` has of all events that a happens before.
  void add_after(word* to, std::size_t a, const rows& suffix) const noexcept {
    for (unsigned t = 0; t != graph_->thread_count(); ++t) {
      const std::size_t first = first_after(a, t);
      if (first != begins_[t + 1]) unite(to, suffix[first]);
    }
  }

  // scb from a: po; po elsewhere, hb, po elsewhere; and what is direct.
  void add_scb(word* to, std::size_t a) const {
    set_range(to, a + 1, begins_[at(a).thread + 1u]);
    unite(to, direct_[a]);
    if (const std::size_t next = first_elsewhere(a); next != events_.size()) {
      add_after(to, next, suffix_);
    }
  }

  // Of what happens after events elsewhere all happens after the first of these.
  std::size_t first_elsewhere(std::size_t a) const noexcept {
    for (std::size_t k = 0; k != words_; ++k) {
      if (elsewhere_[a][k] != 0) {
        return k * 64 + static_cast<std::size_t>(std::countr_zero(elsewhere_[a][k]));
      }
    }
    return events_.size();
  }

  // Relates the nodes by what `add` gives from each, or, for a fence, from it and all that it
  // happens before; and to a fence leads what leads to anything that happens before it.
  template <class Add>
  void relate_through(Add add) {
    const bool from_fences =
        std::any_of(fences_.begin(), fences_.end(), [this](std::size_t f) { return !light(f); });
    if (from_fences) {
      each_.reset(events_.size(), words_);
      each_suffix_.reset(events_.size(), words_);
      for (unsigned t = 0; t != graph_->thread_count(); ++t) {
        for (std::size_t a = begins_[t + 1]; a-- != begins_[t];) {
          add(each_[a], a);
          add_suffix(each_suffix_, each_, a, t);
        }
      }
    }
    word* const to = scratch_[0];
    for (const std::size_t s : nodes_) {
      if (light(s)) continue;
      std::fill_n(to, words_, 0);
      add(to, s);
      if (at(s).kind == event_kind::fence) add_after(to, s, each_suffix_);
      for (std::size_t k = 0; k != words_; ++k) related_[s][k] |= to[k] & node_sets_[0][k];
      for (const std::size_t f : fences_) {
        if (!light(f) && (has(to, f) || meet(to, before_[f]))) set(related_[s], f);
      }
    }
  }

  // psc_F: from fence to fence by hb, or by hb, eco and hb.
  void relate_fences() {
    word* const to = scratch_[0];
    for (const std::size_t f : fences_) {
      std::fill_n(to, words_, 0);
      for_each(after_[f], [&](std::size_t a) { unite(to, eco_[a]); });
      for (const std::size_t g : fences_) {
        if (fences_meet(f, g) && (has(after_[f], g) || meet(to, before_[g]))) set(related_[f], g);
      }
    }
  }

  void relate_rc11() {
    relate_through([this](word* to, std::size_t a) { add_scb(to, a); });
    relate_fences();
  }

  // C++20 p4 (coherence-ordered before, eco) and p3 (strongly happens before: po, and po, hb, po).
  void relate_iso() {
    relate_through([this](word* to, std::size_t a) { unite(to, eco_[a]); });
    relate_fences();
    word* const to = scratch_[0];
    for (const std::size_t s : nodes_) {
      if (light(s)) continue;
      const std::size_t end = begins_[at(s).thread + 1u];
      std::fill_n(to, words_, 0);
      set_range(to, s + 1, end);
      if (s + 1 != end) {
        for (unsigned t = 0; t != graph_->thread_count(); ++t) {
          const std::size_t first = first_after(s + 1, t);
          if (first != begins_[t + 1]) set_range(to, first + 1, begins_[t + 1]);
        }
      }
      for (const std::size_t other : nodes_) {
        if (!light(other) && has(to, other)) set(related_[s], other);
      }
    }
  }

  // Takes away what leads to nothing until nothing is left, or only cycles.
  bool acyclic() {
    word* const left = node_sets_[1];
    for (const std::size_t s : nodes_) set(left, s);
    for (bool changed = true; changed;) {
      changed = false;
      for (const std::size_t s : nodes_) {
        if (!has(left, s) || meet(related_[s], left)) continue;
        left[s / 64] &= ~(word{1} << (s % 64));
        changed = true;
      }
    }
    return std::all_of(left, left + words_, [](word bits) { return bits == 0; });
  }

  // Runs the graph as an interleaving: an event goes when its thread's earlier ones are gone, with
  // a read its source, and with a write the earlier writes and all reads of those.
  bool interleaving_exists(const execution_graph& graph) {
    done_.assign(graph.thread_count(), 0);
    for (std::size_t left = graph.size(); left != 0;) {
      const std::size_t before = left;
      for (unsigned t = 0; t != graph.thread_count(); ++t) {
        while (done_[t] != graph.thread(t).size() && may_go(graph, graph.thread(t)[done_[t]])) {
          ++done_[t];
          --left;
        }
      }
      if (left == before) return false;
    }
    return true;
  }

  bool gone(const execution_graph& graph, event_id e) const noexcept {
    return graph[e].index < done_[graph[e].thread];
  }

  bool may_go(const execution_graph& graph, event_id id) const noexcept {
    const event& e = graph[id];
    if (!e.reads() && !e.writes()) return true;
    const auto& accesses = graph.at(e.location);
    if (e.reads() && e.source != initial && !gone(graph, e.source)) return false;
    if (!e.writes()) return true;
    const std::size_t own = rank(graph, e);
    return std::all_of(accesses.writes.begin(), accesses.writes.begin() + e.position,
                       [&](event_id w) { return gone(graph, w); }) &&
           std::all_of(accesses.reads.begin(), accesses.reads.end(), [&](event_id r) {
             return r == id || rank(graph, graph[r]) >= own || gone(graph, r);
           });
  }

  const execution_graph* graph_ = nullptr;
  std::size_t words_ = 0;             // of a row
  std::vector<event_id> events_;      // by thread, in program order; the others number these
  std::vector<std::size_t> begins_;   // of each thread, and the end
  std::vector<std::uint16_t> first_;  // see first_after
  rows after_, before_;               // what an event happens before, and what before it
  rows elsewhere_, suffix_;           // see relate_elsewhere
  rows eco_, direct_;                 // see relate_location
  rows each_, each_suffix_;           // see relate_through
  rows locations_, readers_, node_sets_, scratch_;
  std::vector<std::uint32_t> place_of_location_;
  std::vector<std::size_t> nodes_;   // the seq_cst events, and light fences
  std::vector<std::size_t> fences_;  // of these
  rows related_;                     // of nodes
  std::vector<std::size_t> done_;    // see interleaving_exists
};

}  // namespace checker

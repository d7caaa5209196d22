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

 private:
  using word = std::uint64_t;

  // A relation on the events, or on the seq_cst events: rows of bits.
  class relation {
   public:
    void reset(std::size_t rows, std::size_t columns) {
      words_ = (columns + 63) / 64;
      bits_.assign(rows * words_, 0);
    }
    word* row(std::size_t i) noexcept { return bits_.data() + i * words_; }
    const word* row(std::size_t i) const noexcept { return bits_.data() + i * words_; }
    void set(std::size_t i, std::size_t j) noexcept { row(i)[j / 64] |= word{1} << (j % 64); }
    bool has(std::size_t i, std::size_t j) const noexcept {
      return (row(i)[j / 64] >> (j % 64) & 1) != 0;
    }

   private:
    std::vector<word> bits_;
    std::size_t words_ = 0;
  };

  // The union of the rows of `from` that `which` names, added to `to`.
  void add_rows(word* to, const word* which, const relation& from) const {
    for (std::size_t i = 0; i != words_; ++i) {
      for (word bits = which[i]; bits != 0; bits &= bits - 1) {
        const word* const row = from.row(i * 64 + static_cast<std::size_t>(std::countr_zero(bits)));
        for (std::size_t k = 0; k != words_; ++k) to[k] |= row[k];
      }
    }
  }

  bool meet(const word* a, const word* b) const noexcept {
    for (std::size_t k = 0; k != words_; ++k) {
      if ((a[k] & b[k]) != 0) return true;
    }
    return false;
  }

  // A choice is no event of the memory model, and a light fence none of the C++ model.
  static bool is_step(const event& e) noexcept {
    return e.kind != event_kind::choice && e.success != order::light;
  }

  // The place of a access in its location's order: writes at even numbers, between them the reads.
  static std::size_t rank(const execution_graph& graph, const event& e) noexcept {
    if (e.writes()) return 2 * (e.position + std::size_t{1});
    return e.source == initial ? 1 : 2 * (graph[e.source].position + std::size_t{1}) + 1;
  }

  void prepare(const execution_graph& graph) {
    graph_ = &graph;
    const std::size_t n = graph.size();
    words_ = (n + 63) / 64;
    for (relation* each : {&po_, &po_elsewhere_, &hb_, &hb_inverse_, &eco_, &direct_}) {
      each->reset(n, n);
    }
    nodes_.clear();
    for (event_id b = 0; b != n; ++b) relate_before(b);
    for (location_id l : graph.active_locations()) relate_location(l);
    relate_nodes_.reset(nodes_.size(), nodes_.size());
    scratch_.resize(3 * words_);
  }

  // po and hb that end in b, and whether b is ordered by what follows.
  void relate_before(event_id b) {
    const event& second = (*graph_)[b];
    const auto* const clock = graph_->happens_before(b);
    for (unsigned t = 0; t != graph_->thread_count(); ++t) {
      for (std::size_t i = 0; i != clock[t]; ++i) {
        const event_id a = graph_->thread(t)[i];
        if (a == b) continue;
        hb_.set(a, b);
        hb_inverse_.set(b, a);
        if (t != second.thread) continue;
        po_.set(a, b);
        const event& first = (*graph_)[a];
        if (is_step(first) && is_step(second) && first.location != second.location) {
          po_elsewhere_.set(a, b);
        }
      }
    }
    const order o = second.kind == event_kind::choice ? order::relaxed : second.effective_order();
    if (is_seq_cst(o) || (o == order::light && graph_->has_asymmetric_fences())) {
      nodes_.push_back(b);
    }
  }

  // direct: mo and rb, from the writes and reads of one location; eco: their closure with rf.
  void relate_location(location_id l) {
    members_ = graph_->at(l).writes;
    for (event_id read : graph_->at(l).reads) {
      if (!(*graph_)[read].writes()) members_.push_back(read);
    }
    for (event_id a : members_) {
      for (event_id b : members_) {
        if (a == b) continue;
        const std::size_t from = rank(*graph_, (*graph_)[a]);
        const std::size_t to = rank(*graph_, (*graph_)[b]);
        if (from < to) {
          eco_.set(a, b);
          if ((*graph_)[b].writes()) direct_.set(a, b);
        }
        if (hb_.has(a, b)) direct_.set(a, b);  // hb at one location
      }
    }
  }

  bool is_fence(event_id e) const noexcept { return (*graph_)[e].kind == event_kind::fence; }

  // Two light fences order nothing, and a light and a C++ fence neither.
  bool light(event_id e) const noexcept { return (*graph_)[e].success == order::light; }
  bool heavy(event_id e) const noexcept { return (*graph_)[e].success == order::heavy; }
  bool fences_meet(event_id a, event_id b) const noexcept {
    return (!light(a) || heavy(b)) && (!light(b) || heavy(a));
  }

  // scb from a: po, po elsewhere; hb; po elsewhere, and what is direct.
  void add_scb(word* to, event_id a) {
    word* const reached = scratch_.data() + words_;
    std::fill_n(reached, words_, 0);
    add_rows(reached, po_elsewhere_.row(a), hb_);
    add_rows(to, reached, po_elsewhere_);
    for (std::size_t k = 0; k != words_; ++k) to[k] |= po_.row(a)[k] | direct_.row(a)[k];
  }

  // What `add` gives from s, or, if s is a fence, from s and all that it happens before.
  template <class Add>
  const word* reach(event_id s, Add add) {
    word* const to = scratch_.data();
    std::fill_n(to, words_, 0);
    add(to, s);
    if (is_fence(s)) {
      for_each(hb_.row(s), [&](event_id a) { add(to, a); });
    }
    return to;
  }

  template <class Visit>
  void for_each(const word* bits, Visit visit) const {
    for (std::size_t i = 0; i != words_; ++i) {
      for (word rest = bits[i]; rest != 0; rest &= rest - 1) {
        visit(static_cast<event_id>(i * 64 + static_cast<std::size_t>(std::countr_zero(rest))));
      }
    }
  }

  // Whether the set holds s, or, if s is a fence, anything that happens before it.
  bool ends_in(const word* set, event_id s) const noexcept {
    if ((set[s / 64] >> (s % 64) & 1) != 0) return true;
    return is_fence(s) && meet(set, hb_inverse_.row(s));
  }

  template <class Add>
  void relate_through(Add add) {
    for (std::size_t i = 0; i != nodes_.size(); ++i) {
      if (light(nodes_[i])) continue;
      const word* const reached = reach(nodes_[i], add);
      for (std::size_t j = 0; j != nodes_.size(); ++j) {
        if (!light(nodes_[j]) && ends_in(reached, nodes_[j])) relate_nodes_.set(i, j);
      }
    }
  }

  // psc_F: from fence to fence by hb, or by hb, eco and hb.
  void relate_fences() {
    for (std::size_t i = 0; i != nodes_.size(); ++i) {
      const event_id f = nodes_[i];
      if (!is_fence(f)) continue;
      word* const reached = scratch_.data();
      std::fill_n(reached, words_, 0);
      add_rows(reached, hb_.row(f), eco_);
      for (std::size_t j = 0; j != nodes_.size(); ++j) {
        const event_id g = nodes_[j];
        if (!is_fence(g) || !fences_meet(f, g)) continue;
        if (hb_.has(f, g) || meet(reached, hb_inverse_.row(g))) relate_nodes_.set(i, j);
      }
    }
  }

  void relate_rc11() {
    relate_through([this](word* to, event_id a) { add_scb(to, a); });
    relate_fences();
  }

  // C++20 p4 (coherence-ordered before, eco) and p3 (strongly happens before).
  void relate_iso() {
    relate_through([this](word* to, event_id a) {
      for (std::size_t k = 0; k != words_; ++k) to[k] |= eco_.row(a)[k];
    });
    relate_fences();
    for (std::size_t i = 0; i != nodes_.size(); ++i) {
      if (light(nodes_[i])) continue;
      word* const reached = scratch_.data();
      word* const between = scratch_.data() + words_;
      std::copy_n(po_.row(nodes_[i]), words_, reached);
      std::fill_n(between, words_, 0);
      add_rows(between, po_.row(nodes_[i]), hb_);
      add_rows(reached, between, po_);
      for (std::size_t j = 0; j != nodes_.size(); ++j) {
        const event_id b = nodes_[j];
        if (!light(b) && (reached[b / 64] >> (b % 64) & 1) != 0) relate_nodes_.set(i, j);
      }
    }
  }

  // Takes away what nothing precedes until nothing is left, or only cycles.
  bool acyclic() {
    const std::size_t n = nodes_.size();
    removed_.assign(n, false);
    for (std::size_t left = n; left != 0; --left) {
      std::size_t first = 0;
      while (first != n && (removed_[first] || has_predecessor(first))) ++first;
      if (first == n) return false;
      removed_[first] = true;
    }
    return true;
  }

  bool has_predecessor(std::size_t j) const noexcept {
    for (std::size_t i = 0; i != nodes_.size(); ++i) {
      if (!removed_[i] && relate_nodes_.has(i, j)) return true;
    }
    return false;
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
  std::size_t words_ = 0;
  relation po_, po_elsewhere_, hb_, hb_inverse_, eco_, direct_;
  std::vector<event_id> nodes_;  // the seq_cst events, and light fences
  relation relate_nodes_;
  std::vector<event_id> members_;
  std::vector<word> scratch_;
  std::vector<bool> removed_;
  std::vector<std::size_t> done_;
};

}  // namespace checker

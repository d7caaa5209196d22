// SPDX-License-Identifier: MIT
// The reference semantics of litmus programs: every execution graph of a program, by brute force.
//
// It shares nothing with the explorer: no clocks, no revisits, no ages. It guesses for every read
// which write it reads from, then for every location in which order its writes stand, and asks of
// each complete graph whether the axioms hold, with relations as bit matrices. What makes it end
// sooner is only this: a read may not be guessed to read from a write that exists because of it (po
// and rf are acyclic in all three models); no two read-modify-writes read the same write; the
// modification order contradicts neither happens-before nor, location by location, coherence; and a
// part that no order makes coherent is not completed.
//
// The models
//   rc11  Lahav et al. (PLDI 2017), release sequences as of C++20, one event per read-modify-write.
//   iso   ISO C++20: some total order of the seq_cst operations satisfies [atomics.order]; the
//         rules give edges, and there is such an order if and only if they make no cycle.
//   sc    po, rf, mo and rb together make no cycle.
// A light and a heavy fence are to each other as an acq_rel and a seq_cst fence, and as two seq_cst
// fences where cycles of fences are concerned; a heavy fence is a seq_cst fence to all else, a
// light one nothing.
//
// Plain accesses have no place in any of these relations; they are checked for races, and a read of
// plain data may read whatever happens-before does not hide. What a racy program reads has no
// meaning beyond the fact that there is a race.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "../tools/interpreter.hpp"
#include "../tools/program.hpp"
#include "canonical.hpp"

namespace checker::brute_force {

using litmus::word;

enum class model : std::uint8_t { rc11, iso, sc };
inline constexpr std::array all_models = {model::rc11, model::iso, model::sc};

// The registers of all threads, then the last value of each atomic location.
using outcome = std::vector<word>;

struct result {
  std::set<canonical_graph> graphs;  // complete: every thread has returned
  std::set<outcome> outcomes;
  std::set<canonical_graph> blocked;  // some thread waits for a mutex for ever
  bool race = false;
  bool failure =
      false;         // a require does not hold, an index is out of range, a foreign mutex unlocked
  bool cut = false;  // a loop's bound was reached
};

struct limits {
  std::size_t states = 1'000'000;      // partial graphs
  std::size_t candidates = 5'000'000;  // graphs with all their orders, tested by the axioms
};

// ---- relations ----

inline constexpr std::size_t max_events = 64;
using event_set = std::uint64_t;

// A binary relation on at most 64 events: row i holds the successors of i.
class relation {
 public:
  explicit relation(std::size_t size) : size_(size) {}

  bool has(std::size_t from, std::size_t to) const { return (rows_[from] >> to & 1) != 0; }
  void add(std::size_t from, std::size_t to) { rows_[from] |= event_set{1} << to; }
  event_set successors(std::size_t from) const { return rows_[from]; }

  relation& operator|=(const relation& other) {
    for (std::size_t i = 0; i < size_; ++i) rows_[i] |= other.rows_[i];
    return *this;
  }
  friend relation operator|(relation left, const relation& right) { return left |= right; }

  // Composition: first left, then right.
  friend relation operator*(const relation& left, const relation& right) {
    relation result(left.size_);
    for (std::size_t i = 0; i < left.size_; ++i) {
      for (event_set rest = left.rows_[i]; rest != 0; rest &= rest - 1) {
        result.rows_[i] |= right.rows_[static_cast<std::size_t>(std::countr_zero(rest))];
      }
    }
    return result;
  }

  // Only what leads from one set into another.
  relation between(event_set from, event_set to) const {
    relation result(size_);
    for (std::size_t i = 0; i < size_; ++i) {
      if ((from >> i & 1) != 0) result.rows_[i] = rows_[i] & to;
    }
    return result;
  }

  // Reflexive on a set.
  relation or_same(event_set on) const {
    relation result = *this;
    for (std::size_t i = 0; i < size_; ++i) result.rows_[i] |= on & event_set{1} << i;
    return result;
  }

  relation closure() const {
    relation result = *this;
    for (std::size_t k = 0; k < size_; ++k) {
      for (std::size_t i = 0; i < size_; ++i) {
        if (result.has(i, k)) result.rows_[i] |= result.rows_[k];
      }
    }
    return result;
  }

  bool irreflexive() const {
    for (std::size_t i = 0; i < size_; ++i) {
      if (has(i, i)) return false;
    }
    return true;
  }

  bool acyclic() const { return closure().irreflexive(); }

 private:
  std::array<event_set, max_events> rows_{};
  std::size_t size_;
};

// ---- what a thread does next, given what it has read ----

enum class step_kind : std::uint8_t {
  read,
  write,
  add,
  exchange,
  compare_exchange,
  fence,
  light_fence,
  heavy_fence,
  choose,
  lock,
  unlock,
  plain_read,
  plain_write,
  end
};

struct step {
  step_kind kind = step_kind::end;
  std::uint32_t location = 0;  // or mutex
  word first = 0;              // what is written or added or expected; how many alternatives
  word second = 0;             // desired
  std::memory_order order = std::memory_order_relaxed;
  std::memory_order failure_order = std::memory_order_relaxed;
};

// Runs a thread with given answers, up to the first operation that has none.
class scripted_machine {
 public:
  struct stopped {};
  struct exchanged {
    bool success;
    word old;
  };

  explicit scripted_machine(const std::vector<word>& answers) : answers_(answers) {}

  word load(std::uint32_t location, std::memory_order order) {
    return answer({step_kind::read, location, 0, 0, order, order});
  }
  void store(std::uint32_t location, word value, std::memory_order order) {
    answer({step_kind::write, location, value, 0, order, order});
  }
  word fetch_add(std::uint32_t location, word addend, std::memory_order order) {
    return answer({step_kind::add, location, addend, 0, order, order});
  }
  word exchange(std::uint32_t location, word value, std::memory_order order) {
    return answer({step_kind::exchange, location, value, 0, order, order});
  }
  exchanged compare_exchange(std::uint32_t location, word expected, word desired,
                             std::memory_order success, std::memory_order failure) {
    const word old =
        answer({step_kind::compare_exchange, location, expected, desired, success, failure});
    return {old == expected, old};
  }
  void fence(std::memory_order order) { answer({step_kind::fence, 0, 0, 0, order, order}); }
  void light_fence() { answer({step_kind::light_fence}); }
  void heavy_fence() { answer({step_kind::heavy_fence}); }
  word plain_load(std::uint32_t location) { return answer({step_kind::plain_read, location}); }
  void plain_store(std::uint32_t location, word value) {
    answer({step_kind::plain_write, location, value});
  }
  word choose(word alternatives) { return answer({step_kind::choose, 0, alternatives}); }
  void lock(std::uint32_t mutex) { answer({step_kind::lock, mutex}); }
  void unlock(std::uint32_t mutex) { answer({step_kind::unlock, mutex}); }
  void require(bool holds, std::uint32_t) { failed = failed || !holds; }
  void cut(std::uint32_t) { was_cut = true; }
  void exclude() { excluded = true; }

  step pending;
  bool failed = false;
  bool was_cut = false;
  bool excluded = false;

 private:
  word answer(step next) {
    if (used_ < answers_.size()) return answers_[used_++];
    pending = next;
    throw stopped{};
  }

  const std::vector<word>& answers_;
  std::size_t used_ = 0;
};

// Where a thread stands after certain answers. Each node is computed once.
class thread_node {
 public:
  thread_node(const litmus::program& p, std::size_t thread, std::vector<word> answers)
      : program_(p), thread_(thread), answers_(std::move(answers)) {
    scripted_machine machine(answers_);
    try {
      litmus::run_thread(p, thread, machine, registers);
    } catch (const scripted_machine::stopped&) {
      next = machine.pending;
    }
    failed = machine.failed;
    was_cut = machine.was_cut;
    excluded = machine.excluded;
  }

  thread_node* after(word answer) {
    std::unique_ptr<thread_node>& child = children_[answer];
    if (!child) {
      std::vector<word> longer = answers_;
      longer.push_back(answer);
      child = std::make_unique<thread_node>(program_, thread_, std::move(longer));
    }
    return child.get();
  }

  step next;
  litmus::register_file registers{};
  bool failed = false;
  bool was_cut = false;
  bool excluded = false;

 private:
  const litmus::program& program_;
  std::size_t thread_;
  std::vector<word> answers_;
  std::map<word, std::unique_ptr<thread_node>> children_;
};

// ---- graphs ----

inline constexpr event_name from_start = {initial_value, initial_value};

struct event {
  step_kind kind = step_kind::end;
  std::uint32_t location = 0;
  std::memory_order order = std::memory_order_relaxed;
  bool reads = false;
  bool writes = false;
  bool plain = false;
  word read = 0;
  word written = 0;
  event_name source = {0, 0};

  bool is_fence() const {
    return kind == step_kind::fence || kind == step_kind::light_fence ||
           kind == step_kind::heavy_fence;
  }
  bool accesses() const { return (reads || writes) && !plain; }
};

// A graph without modification orders, in the making.
struct partial_graph {
  std::vector<std::vector<event>> threads;
  std::vector<thread_node*> nodes;
  bool misused_mutex = false;
};

inline bool is_acquire(std::memory_order order) {
  return order == std::memory_order_acquire || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

inline bool is_release(std::memory_order order) {
  return order == std::memory_order_release || order == std::memory_order_acq_rel ||
         order == std::memory_order_seq_cst;
}

// A complete graph's events, numbered, with the relations that do not depend on modification
// orders.
class numbered_graph {
 public:
  numbered_graph(const partial_graph& graph, const std::vector<word>& initial)
      : events_(initial_writes(graph, initial)),
        po(events_.size()),
        rf(events_.size()),
        sw(events_.size()),
        hb(events_.size()) {
    const std::size_t starts = events_.size();
    for (std::uint32_t t = 0; t < graph.threads.size(); ++t) {
      for (std::uint32_t i = 0; i < graph.threads[t].size(); ++i) {
        events_.push_back(graph.threads[t][i]);
        names_.push_back({t, i});
      }
    }
    fits_ = events_.size() <= max_events;
    if (!fits_) return;
    po = rf = sw = hb = relation(events_.size());
    relate(starts);
    synchronise();
    hb = (po | sw).closure();
  }

  bool fits() const { return fits_; }
  std::size_t size() const { return events_.size(); }
  const event& operator[](std::size_t i) const { return events_[i]; }
  event_name name(std::size_t i) const { return names_[i]; }
  bool is_initial(std::size_t i) const { return names_[i] == from_start; }

  template <class Predicate>
  event_set all(Predicate holds) const {
    event_set result = 0;
    for (std::size_t i = 0; i < events_.size(); ++i) {
      if (holds(events_[i])) result |= event_set{1} << i;
    }
    return result;
  }

 private:
  // Only locations that something accesses need an initial write.
  std::vector<event> initial_writes(const partial_graph& graph, const std::vector<word>& initial) {
    std::vector<bool> used(initial.size());
    for (const auto& thread : graph.threads) {
      for (const event& e : thread) {
        if (e.reads || e.writes) used[e.location] = true;
      }
    }
    std::vector<event> result;
    for (std::uint32_t l = 0; l < initial.size(); ++l) {
      if (!used[l]) continue;
      event e;
      e.kind = step_kind::write;
      e.location = l;
      e.writes = true;
      e.written = initial[l];
      result.push_back(e);
      names_.push_back(from_start);
    }
    for (event& e : result) e.plain = plain_location(graph, e.location);
    return result;
  }

  static bool plain_location(const partial_graph& graph, std::uint32_t location) {
    for (const auto& thread : graph.threads) {
      for (const event& e : thread) {
        if (e.plain && e.location == location) return true;
      }
    }
    return false;
  }

  void relate(std::size_t starts) {
    for (std::size_t i = 0; i < size(); ++i) {
      for (std::size_t k = starts; k < size(); ++k) {
        if (i < starts || (names_[i].first == names_[k].first && i < k)) po.add(i, k);
        if (events_[k].reads && reads_from(k, i)) rf.add(i, k);
      }
    }
  }

  bool reads_from(std::size_t reader, std::size_t writer) const {
    return events_[writer].writes && events_[writer].location == events_[reader].location &&
           names_[writer] == events_[reader].source;
  }

  // [release write] or [release fence];po;[write], then the release sequence, then rf, then
  // [acquire read] or [read];po;[acquire fence].
  void synchronise() {
    const event_set writes = all([](const event& e) { return e.writes && e.accesses(); });
    const event_set reads = all([](const event& e) { return e.reads && e.accesses(); });
    const event_set release_writes =
        all([](const event& e) { return e.writes && e.accesses() && is_release(e.order); });
    const event_set acquire_reads =
        all([](const event& e) { return e.reads && e.accesses() && is_acquire(e.order); });
    const event_set heavy = all([](const event& e) { return e.kind == step_kind::heavy_fence; });
    const event_set light = all([](const event& e) { return e.kind == step_kind::light_fence; });
    const event_set release_fences = heavy | all([](const event& e) {
                                       return e.kind == step_kind::fence && is_release(e.order);
                                     });
    const event_set acquire_fences = heavy | all([](const event& e) {
                                       return e.kind == step_kind::fence && is_acquire(e.order);
                                     });

    const relation sequence = rf.between(writes, reads & writes).closure().or_same(writes);
    const relation carried = sequence * rf.between(writes, reads);
    const auto from_fences = [&](event_set fences) { return po.between(fences, writes) * carried; };
    const auto into_fences = [&](event_set fences) { return po.between(reads, fences); };
    const relation released = carried.between(release_writes, reads) | from_fences(release_fences);

    sw |= released.between(~event_set{0}, acquire_reads);
    sw |= released * into_fences(acquire_fences);
    sw |= from_fences(light) * into_fences(heavy);
    sw |= from_fences(heavy) * into_fences(light);
  }

  std::vector<event_name> names_;
  std::vector<event> events_;
  bool fits_ = true;

 public:
  relation po;
  relation rf;
  relation sw;
  relation hb;
};

// ---- axioms ----

// Everything about a graph whose modification orders are fixed as well.
class axioms {
 public:
  axioms(const numbered_graph& graph, const relation& mo)
      : g_(graph),
        mo_(mo),
        rb_(reads_before(graph, mo)),
        eco_((access_rf() | mo_ | rb_).closure()) {}

  // No event happens before one that extended coherence orders before it.
  bool coherent() const { return (g_.hb * eco_).irreflexive() && g_.hb.irreflexive(); }

  bool consistent(model m) const {
    switch (m) {
      case model::rc11:
        return rc11();
      case model::iso:
        return iso();
      default:
        return (g_.po | g_.rf | mo_ | rb_).acyclic();
    }
  }

 private:
  // rf^-1;mo without identity, which an RMW would have otherwise.
  static relation reads_before(const numbered_graph& g, const relation& mo) {
    relation result(g.size());
    for (std::size_t w = 0; w < g.size(); ++w) {
      for (std::size_t r = 0; r < g.size(); ++r) {
        if (!g.rf.has(w, r)) continue;
        for (std::size_t later = 0; later < g.size(); ++later) {
          if (mo.has(w, later) && later != r) result.add(r, later);
        }
      }
    }
    return result;
  }

  relation access_rf() const { return g_.rf.between(accesses(), accesses()); }

  event_set accesses() const {
    return g_.all([](const event& e) { return e.accesses(); });
  }
  event_set sc_accesses() const {
    return g_.all(
        [](const event& e) { return e.accesses() && e.order == std::memory_order_seq_cst; });
  }
  event_set sc_fences() const {
    return g_.all([](const event& e) {
      return e.kind == step_kind::heavy_fence ||
             (e.kind == step_kind::fence && e.order == std::memory_order_seq_cst);
    });
  }
  event_set heavy_fences() const {
    return g_.all([](const event& e) { return e.kind == step_kind::heavy_fence; });
  }
  event_set light_fences() const {
    return g_.all([](const event& e) { return e.kind == step_kind::light_fence; });
  }

  // Of a relation between fences: that between seq_cst ones, and that between light and heavy ones.
  relation between_fences(const relation& all) const {
    return all.between(sc_fences(), sc_fences()) | all.between(light_fences(), heavy_fences()) |
           all.between(heavy_fences(), light_fences());
  }

  bool same_location(std::size_t a, std::size_t b) const {
    return g_[a].accesses() && g_[b].accesses() && g_[a].location == g_[b].location;
  }

  bool rc11() const {
    const event_set graph_events = ~g_.all([](const event& e) { return e.plain; });
    relation sb_other(g_.size());
    relation hb_same(g_.size());
    for (std::size_t i = 0; i < g_.size(); ++i) {
      for (std::size_t k = 0; k < g_.size(); ++k) {
        if (g_.po.has(i, k) && !same_location(i, k)) sb_other.add(i, k);
        if (g_.hb.has(i, k) && same_location(i, k)) hb_same.add(i, k);
      }
    }
    sb_other = sb_other.between(graph_events, graph_events);
    const relation scb = g_.po | sb_other * g_.hb * sb_other | hb_same | mo_ | rb_;

    const event_set fences = sc_fences();
    const relation left = g_.hb.between(fences, ~event_set{0}).or_same(sc_accesses() | fences);
    const relation right = g_.hb.between(~event_set{0}, fences).or_same(sc_accesses() | fences);
    const relation psc_base = left * scb * right;
    const relation psc_f = between_fences(g_.hb | g_.hb * eco_ * g_.hb);
    return (psc_base.between(sc_accesses() | fences, sc_accesses() | fences) | psc_f).acyclic();
  }

  bool iso() const {
    const event_set accesses = sc_accesses();
    const event_set operations = accesses | sc_fences();
    // Strongly happens before; coherence-ordered before is eco.
    const relation strongly =
        (g_.po | g_.sw.between(operations, operations) | g_.po * g_.hb * g_.po).closure();
    relation edges = strongly.between(operations, operations) | between_fences(strongly);
    edges |= eco_.between(accesses, accesses);
    edges |= (eco_ * g_.hb).between(accesses, sc_fences());
    edges |= (g_.hb * eco_).between(sc_fences(), accesses);
    edges |= between_fences(g_.hb * eco_ * g_.hb);
    return edges.acyclic();
  }

  const numbered_graph& g_;
  const relation& mo_;
  relation rb_;
  relation eco_;
};

// ---- enumeration ----

class enumeration {
 public:
  enumeration(const litmus::program& p, limits most) : program_(p), most_(most) {
    for (const litmus::location& l : p.locations) initial_.push_back(l.initial);
    initial_.resize(p.locations.size() + p.mutexes.size(), 0);
    for (std::size_t t = 0; t < p.threads.size(); ++t) {
      roots_.push_back(std::make_unique<thread_node>(p, t, std::vector<word>{}));
    }
  }

  // Nothing if the program is too large.
  std::optional<std::array<result, 3>> run() {
    partial_graph start;
    start.threads.resize(program_.threads.size());
    for (const auto& root : roots_) start.nodes.push_back(root.get());
    extend(std::move(start));
    if (too_large_) return std::nullopt;
    return std::move(results_);
  }

 private:
  std::uint32_t mutex_location(std::uint32_t mutex) const {
    return static_cast<std::uint32_t>(program_.locations.size()) + mutex;
  }

  // Partial graphs grow by one read or choice at a time; what needs no guess is added at once.
  // Different ways lead to the same partial graph: it is extended once.
  void extend(partial_graph graph) {
    for (std::uint32_t t = 0; t < graph.threads.size(); ++t) add_unguessed(graph, t);
    if (too_large_ || !seen_.insert(key_of(graph)).second) return;
    too_large_ = seen_.size() > most_.states;
    if (!may_be_coherent(graph)) return;
    bool extended = false;
    for (std::uint32_t t = 0; t < graph.threads.size(); ++t) extended |= guess(graph, t);
    if (!extended) judge(graph);
  }

  // Whether every location can be ordered coherently. If one cannot, no larger graph can be
  // coherent, since happens-before among events that are there does not change when others are
  // added behind them.
  bool may_be_coherent(const partial_graph& graph) {
    const numbered_graph g(graph, initial_);
    if (!g.fits()) {
      too_large_ = true;
      return false;
    }
    if (hidden_plain_read(g)) return false;
    for (std::uint32_t l = 0; l < initial_.size(); ++l) {
      std::vector<std::vector<std::size_t>> found;
      std::vector<std::size_t> order;
      std::vector<std::size_t> writes = writes_to(g, l);
      list_orders(g, writes, order, found, 1);
      if (found.empty()) return false;
    }
    return true;
  }

  void add_unguessed(partial_graph& graph, std::uint32_t t) {
    for (;;) {
      const step& next = graph.nodes[t]->next;
      event e;
      e.kind = next.kind;
      e.location = next.location;
      e.order = next.order;
      switch (next.kind) {
        case step_kind::write:
        case step_kind::plain_write:
          e.writes = true;
          e.plain = next.kind == step_kind::plain_write;
          e.written = next.first;
          break;
        case step_kind::fence:
        case step_kind::light_fence:
        case step_kind::heavy_fence:
          e.location = 0;
          break;
        case step_kind::unlock:
          if (!unlock(graph, t, e)) return;
          break;
        default:
          return;
      }
      append(graph, t, e, 0);
    }
  }

  // Whoever holds the mutex unlocks it: the event reads the lock. Nobody else can have written
  // between.
  bool unlock(partial_graph& graph, std::uint32_t t, event& e) {
    e.location = mutex_location(e.location);
    const std::vector<event>& mine = graph.threads[t];
    for (std::size_t i = mine.size(); i-- > 0;) {
      if (!mine[i].writes || mine[i].plain || mine[i].location != e.location) continue;
      if (mine[i].kind != step_kind::lock) break;
      e.reads = e.writes = true;
      e.order = std::memory_order_acq_rel;
      e.read = 1;
      e.source = {t, static_cast<std::uint32_t>(i)};
      return true;
    }
    graph.misused_mutex = true;
    return false;
  }

  static void append(partial_graph& graph, std::uint32_t t, const event& e, word answer) {
    graph.threads[t].push_back(e);
    graph.nodes[t] = graph.nodes[t]->after(answer);
  }

  // True if the thread can go on.
  bool guess(const partial_graph& graph, std::uint32_t t) {
    const step& next = graph.nodes[t]->next;
    if (next.kind == step_kind::end || next.kind == step_kind::unlock) return false;
    if (next.kind != step_kind::choose) return guess_source(graph, t);
    for (word chosen = 0; chosen < next.first; ++chosen) {
      event e;
      e.kind = step_kind::choose;
      e.read = chosen;
      follow(graph, t, e, chosen);
    }
    return true;
  }

  void follow(const partial_graph& graph, std::uint32_t t, const event& e, word answer) {
    if (too_large_) return;
    partial_graph longer = graph;
    append(longer, t, e, answer);
    extend(std::move(longer));
  }

  bool guess_source(const partial_graph& graph, std::uint32_t t) {
    const step& next = graph.nodes[t]->next;
    const std::uint32_t location =
        next.kind == step_kind::lock ? mutex_location(next.location) : next.location;
    bool any = guess_one(graph, t, location, from_start, initial_[location]);
    for (std::uint32_t s = 0; s < graph.threads.size(); ++s) {
      for (std::uint32_t i = 0; i < graph.threads[s].size(); ++i) {
        const event& w = graph.threads[s][i];
        if (w.writes && w.location == location) {
          any |= guess_one(graph, t, location, {s, i}, w.written);
        }
      }
    }
    return any;
  }

  bool guess_one(const partial_graph& graph, std::uint32_t t, std::uint32_t location,
                 event_name source, word value) {
    const event e = reading_event(graph.nodes[t]->next, location, source, value);
    if (e.kind == step_kind::lock && value != 0) return false;
    if (e.writes && is_taken(graph, location, source)) return false;
    follow(graph, t, e, value);
    return true;
  }

  static event reading_event(const step& next, std::uint32_t location, event_name source,
                             word value) {
    event e;
    e.kind = next.kind;
    e.location = location;
    e.order = next.order;
    e.reads = true;
    e.plain = next.kind == step_kind::plain_read;
    e.read = value;
    e.source = source;
    switch (next.kind) {
      case step_kind::add:
        e.written = value + next.first;
        e.writes = true;
        break;
      case step_kind::exchange:
        e.written = next.first;
        e.writes = true;
        break;
      case step_kind::compare_exchange:
        e.writes = value == next.first;
        e.written = e.writes ? next.second : 0;
        if (!e.writes) e.order = next.failure_order;
        break;
      case step_kind::lock:
        e.written = 1;
        e.writes = true;
        e.order = std::memory_order_acq_rel;
        break;
      default:
        break;
    }
    return e;
  }

  // Whether a read-modify-write reads this write already.
  static bool is_taken(const partial_graph& graph, std::uint32_t location, event_name source) {
    for (const auto& thread : graph.threads) {
      for (const event& e : thread) {
        if (e.reads && e.writes && e.location == location && e.source == source) return true;
      }
    }
    return false;
  }

  // What was guessed tells everything else.
  static std::vector<std::uint64_t> key_of(const partial_graph& graph) {
    std::vector<std::uint64_t> key;
    for (const auto& thread : graph.threads) {
      key.push_back(thread.size());
      for (const event& e : thread) {
        key.push_back(e.kind == step_kind::choose
                          ? e.read
                          : std::uint64_t{e.source.first} << 32 | e.source.second);
      }
    }
    return key;
  }

  // ---- modification orders ----

  // Tries every modification order of a graph to which nothing can be added.
  void judge(const partial_graph& graph) {
    const numbered_graph g(graph, initial_);
    std::vector<std::vector<std::vector<std::size_t>>> orders;  // per location, those that may be
    for (std::uint32_t l = 0; l < initial_.size(); ++l) {
      orders.emplace_back();
      std::vector<std::size_t> order;
      std::vector<std::size_t> writes = writes_to(g, l);
      list_orders(g, writes, order, orders.back(), all_of_them);
    }
    std::vector<std::size_t> choice(orders.size(), 0);
    combine(graph, g, orders, choice, 0);
  }

  static std::vector<std::size_t> writes_to(const numbered_graph& g, std::uint32_t location) {
    std::vector<std::size_t> result;
    for (std::size_t i = 0; i < g.size(); ++i) {
      if (g[i].writes && g[i].accesses() && g[i].location == location) result.push_back(i);
    }
    return result;
  }

  // A read of plain data does not read what another write has hidden by happens-before.
  static bool hidden_plain_read(const numbered_graph& g) {
    for (std::size_t r = 0; r < g.size(); ++r) {
      if (!g[r].plain || !g[r].reads) continue;
      for (std::size_t w = 0; w < g.size(); ++w) {
        if (!g.rf.has(w, r)) continue;
        for (std::size_t other = 0; other < g.size(); ++other) {
          if (g[other].plain && g[other].writes && g[other].location == g[r].location &&
              g.hb.has(w, other) && g.hb.has(other, r)) {
            return true;
          }
        }
      }
    }
    return false;
  }

  static constexpr std::size_t all_of_them = ~std::size_t{0};

  // At most so many permutations in which no write precedes one that happens before it, a
  // read-modify-write directly follows its source, and the location by itself is coherent.
  void list_orders(const numbered_graph& g, std::vector<std::size_t>& rest,
                   std::vector<std::size_t>& order, std::vector<std::vector<std::size_t>>& out,
                   std::size_t most) {
    if (rest.empty()) {
      if (axioms(g, relation_of(g, {order})).coherent()) out.push_back(order);
      return;
    }
    for (std::size_t i = 0; i < rest.size() && out.size() < most; ++i) {
      if (!may_follow(g, rest, order, rest[i])) continue;
      const std::size_t next = rest[i];
      rest.erase(rest.begin() + static_cast<std::ptrdiff_t>(i));
      order.push_back(next);
      list_orders(g, rest, order, out, most);
      order.pop_back();
      rest.insert(rest.begin() + static_cast<std::ptrdiff_t>(i), next);
    }
  }

  static bool may_follow(const numbered_graph& g, const std::vector<std::size_t>& rest,
                         const std::vector<std::size_t>& order, std::size_t next) {
    for (const std::size_t other : rest) {
      if (g.hb.has(other, next)) return false;
      if (!order.empty() && other != next && g[other].reads && g.rf.has(order.back(), other)) {
        return false;
      }
    }
    return !g[next].reads || (!order.empty() && g.rf.has(order.back(), next));
  }

  static relation relation_of(const numbered_graph& g,
                              const std::vector<std::vector<std::size_t>>& orders) {
    relation mo(g.size());
    for (const auto& order : orders) {
      for (std::size_t i = 0; i < order.size(); ++i) {
        for (std::size_t k = i + 1; k < order.size(); ++k) mo.add(order[i], order[k]);
      }
    }
    return mo;
  }

  void combine(const partial_graph& graph, const numbered_graph& g,
               const std::vector<std::vector<std::vector<std::size_t>>>& orders,
               std::vector<std::size_t>& choice, std::size_t location) {
    if (location < orders.size()) {
      for (std::size_t i = 0; i < orders[location].size() && !too_large_; ++i) {
        choice[location] = i;
        combine(graph, g, orders, choice, location + 1);
      }
      return;
    }
    too_large_ = ++candidates_ > most_.candidates;
    std::vector<std::vector<std::size_t>> chosen;
    for (std::size_t l = 0; l < orders.size(); ++l) chosen.push_back(orders[l][choice[l]]);
    test(graph, g, chosen);
  }

  void test(const partial_graph& graph, const numbered_graph& g,
            const std::vector<std::vector<std::size_t>>& orders) {
    const relation mo = relation_of(g, orders);
    const axioms law(g, mo);
    for (const model m : all_models) {
      if (law.consistent(m)) record(results_[static_cast<std::size_t>(m)], graph, g, orders);
    }
  }

  // ---- results ----

  void record(result& into, const partial_graph& graph, const numbered_graph& g,
              const std::vector<std::vector<std::size_t>>& orders) {
    bool complete = true;
    bool blocked = false;
    for (const thread_node* node : graph.nodes) {
      into.failure |= node->failed;
      into.cut |= node->was_cut;
      blocked |= node->next.kind == step_kind::lock;
      complete &= node->next.kind == step_kind::end && !node->failed && !node->was_cut;
      complete &= !node->excluded;
    }
    into.failure |= graph.misused_mutex;
    into.race |= has_race(g);
    if (blocked) into.blocked.insert(canonical(graph, g, orders));
    if (!complete) return;
    into.graphs.insert(canonical(graph, g, orders));
    into.outcomes.insert(outcome_of(graph, g, orders));
  }

  static bool has_race(const numbered_graph& g) {
    for (std::size_t a = 0; a < g.size(); ++a) {
      for (std::size_t b = a + 1; b < g.size(); ++b) {
        if (g[a].plain && g[b].plain && g[a].location == g[b].location &&
            (g[a].writes || g[b].writes) && !g.hb.has(a, b) && !g.hb.has(b, a)) {
          return true;
        }
      }
    }
    return false;
  }

  outcome outcome_of(const partial_graph& graph, const numbered_graph& g,
                     const std::vector<std::vector<std::size_t>>& orders) const {
    outcome result;
    for (std::size_t t = 0; t < graph.nodes.size(); ++t) {
      const std::size_t count = program_.threads[t].registers.size();
      for (std::size_t r = 0; r < count; ++r) {
        result.push_back(graph.nodes[t]->registers[r]);
      }
    }
    for (std::size_t l = 0; l < program_.locations.size(); ++l) {
      if (program_.locations[l].plain) continue;
      result.push_back(orders[l].empty() ? initial_[l] : g[orders[l].back()].written);
    }
    return result;
  }

  // Plain accesses are left out, and indices count what is left.
  static canonical_graph canonical(const partial_graph& graph, const numbered_graph& g,
                                   const std::vector<std::vector<std::size_t>>& orders) {
    std::vector<std::vector<canonical_event>> threads;
    for (const auto& thread : graph.threads) {
      threads.emplace_back();
      for (const event& e : thread) {
        if (!e.plain) threads.back().push_back(canonical(graph, e));
      }
    }
    std::vector<std::vector<event_name>> coherence;
    for (const auto& order : orders) {
      coherence.emplace_back();
      for (const std::size_t i : order) {
        if (!g.is_initial(i)) coherence.back().push_back(name_without_plain(graph, g.name(i)));
      }
    }
    return make_canonical(threads, coherence);
  }

  static canonical_event canonical(const partial_graph& graph, const event& e) {
    canonical_event result;
    if (e.is_fence()) return result;
    result.read = e.read;
    if (e.kind == step_kind::choose) {
      result.kind = canonical_kind::choice;
      return result;
    }
    result.kind = e.reads && e.writes ? canonical_kind::read_modify_write
                  : e.reads           ? canonical_kind::read
                                      : canonical_kind::write;
    result.location = e.location;
    result.written = e.written;
    if (e.reads) {
      const event_name source = name_without_plain(graph, e.source);
      result.source_thread = source.first;
      result.source_index = source.second;
    }
    return result;
  }

  static event_name name_without_plain(const partial_graph& graph, event_name name) {
    if (name == from_start) return name;
    const std::vector<event>& thread = graph.threads[name.first];
    const auto plain = std::count_if(thread.begin(), thread.begin() + name.second,
                                     [](const event& e) { return e.plain; });
    return {name.first, name.second - static_cast<std::uint32_t>(plain)};
  }

  const litmus::program& program_;
  limits most_;
  std::vector<word> initial_;  // of locations, then of mutexes
  std::vector<std::unique_ptr<thread_node>> roots_;
  std::set<std::vector<std::uint64_t>> seen_;
  std::size_t candidates_ = 0;
  bool too_large_ = false;
  std::array<result, 3> results_;
};

// What every model allows, in the order of all_models; nothing if the program exceeds the limits.
inline std::optional<std::array<result, 3>> enumerate(const litmus::program& p, limits most = {}) {
  return enumeration(p, most).run();
}

}  // namespace checker::brute_force

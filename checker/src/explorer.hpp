// SPDX-License-Identifier: MIT
// The search: every consistent execution graph of a program, each once.
//
// The algorithm is TruSt (Kokologiannakis, Marmanis, Gladstein and Vafeiadis, Truly stateless,
// optimal dynamic partial order reduction, POPL 2022). The program adds one event at a time. Where
// an event has alternatives -- the source of a read, the place of a write in co, a choice -- a
// frame is pushed that later gives the next one. A write also *revisits*: reads that were there
// first, and that could have read from it, read from it in a smaller graph. No set of visited
// graphs is kept; that each graph is reached once follows from where a revisit is allowed
// (`maximal`).
//
// The stack has a level for each revisit that is being explored, and each level a graph and its
// frames. Memory is bounded by the length of an execution, not by their number.
//
// Sources of a read between which nothing can tell are one alternative: merging.hpp. Of threads
// that are alike not all orders are gone through: symmetry.hpp.
//
// Stands on: chance, growing_graph, consistency, merging, schedule, symmetry.
#pragma once

#include <checker/checkpoint.hpp>
#include "chance.hpp"
#include "consistency.hpp"
#include "growing_graph.hpp"
#include "merging.hpp"
#include "schedule.hpp"
#include "symmetry.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <numeric>
#include <utility>
#include <vector>

namespace checker {

// A part of a search: every `parts`-th of the subtrees whose roots are the first nodes with `depth`
// frames or more. What lies above is walked for each share, and counted for one.
struct share {
  unsigned part = 0;
  unsigned parts = 1;
  std::size_t depth = 0;

  friend bool operator==(const share&, const share&) = default;
};

class explorer {
 public:
  explorer(unsigned threads, memory_model model, bool merges_reads, symmetry alike)
      : model_(model),
        threads_(threads),
        merging_(merges_reads, model),
        symmetry_(std::move(alike)) {
    restart();
  }

  void restart() {
    go_to(0);
    now_->graph.reset(threads_);
    now_->frames.clear();
    divided_ = 0;
    roots_ = 0;
    inside_ = false;
  }

  // Beside the search: an empty graph, until the search is gone on with.
  void begin_aside() {
    go_to(depth_ + 1);
    clear_aside();
  }
  void clear_aside() {
    now_->graph.reset(threads_);
    now_->frames.clear();
  }
  void end_aside() { go_to(depth_ - 1); }

  // Explore only what belongs to one share of the search.
  void take(const share& part) noexcept { share_ = part; }
  // How many subtrees and executions have been divided among the shares.
  std::uint64_t divided() const noexcept { return divided_; }
  bool has_subtrees() const noexcept { return roots_ != 0; }

  // Whether the execution that has just ended belongs to the share.
  bool owns_execution() noexcept { return inside_ || share_.parts == 1 || take_next(); }

  // From now on no graph is gone on with: those that come next after `from` are put into `into`.
  void collect(const execution_graph& from, std::vector<execution_graph>& into) {
    go_to(0);
    now_->graph = from;
    now_->frames.clear();
    share_ = {0, 2, 0};  // of a whole search `enter` asks nothing
    inside_ = false;
    collected_ = &into;
  }

  // Whether e is as it would be if it were added last, after the events that are older: only such
  // events are ever deleted.
  bool is_maximal(const execution_graph& g, event_id e) {
    return maximal(g, e, initial, no_events(g));
  }

  // Whether no graph is explored in which read e has the source w.
  bool is_merged(const execution_graph& g, event_id e, event_id w) {
    if (!merging_.applies_to(g[e])) return false;
    const event_id first = source_at(g, e, first_source(g, e));
    return w != first && read_merging::merges(g, e, known_before(g, e), first, w);
  }
  // Whether read e has the source that others are merged with.
  bool reads_first(const execution_graph& g, event_id e) {
    return merging_.applies_to(g[e]) && g[e].source == source_at(g, e, first_source(g, e));
  }

  // Gives each read of a complete graph the source that its own is merged with.
  void bring_to_normal_form(execution_graph& g) const {
    explorer merging(threads_, model_, true, symmetry({}));
    std::vector<event_id> in_order(g.size());
    std::iota(in_order.begin(), in_order.end(), event_id{0});
    const auto depth = [&g](event_id e) {
      return std::accumulate(g.causes(e), g.causes(e) + g.thread_count(), std::size_t{0});
    };
    std::vector<std::size_t> depths(g.size());
    std::transform(in_order.begin(), in_order.end(), depths.begin(), depth);
    std::sort(in_order.begin(), in_order.end(),
              [&](event_id a, event_id b) { return depths[a] < depths[b]; });
    // What is before an event in po and rf comes before it here.
    for (const event_id e : in_order) {
      if (g[e].reads() && merging.is_merged(g, e, g[e].source)) {
        g.set_source(e, source_at(g, e, merging.first_source(g, e)));
      }
      g.set_clocks(e);
    }
  }

  // How many reads the next write of a thread could revisit, if it were to their location.
  std::size_t revisitable(const execution_graph& g, unsigned thread) {
    const event_id last = g.last_of(thread);
    const auto* const prefix = last == initial ? no_events(g) : g.causes(last);
    std::size_t reads = 0;
    for (std::size_t next = g.size(); next-- != 0;) {
      const auto e = static_cast<event_id>(next);
      if (g.knows(prefix, e)) continue;
      if (!maximal(g, e, initial, prefix)) break;
      reads += g[e].reads() ? 1 : 0;
    }
    return reads;
  }

  void store(archive& file) {
    file.same(model_, "memory model");
    file.same(share_, "share");
    file(depth_);
    const std::size_t depth = depth_;
    for (std::size_t i = 0; i <= depth; ++i) {
      go_to(i);
      if (file.reading()) top().graph.reset(threads_);
      top().graph.store(file);
      file(top().frames);
      file(top().below);
    }
    file(revisits_);
    file(divided_);
    file(inside_);
    file(root_);
  }

  const execution_graph& graph() const noexcept { return top().graph; }

  // The program's next event. False if the memory model allows none of its alternatives, which ends
  // this execution.
  bool add(const event& next) {
    const event_id e = top().graph.add(next);
    if (next.reads()) {
      open_sources(e);
    } else if (next.writes()) {
      top().graph.set_clocks(e);
      open_places(e, true);
    } else {
      top().graph.set_clocks(e);
      if (next.alternatives > 1) open_choice(e);
      return enter();
    }
    // Revisits make another graph: they come when this execution is done.
    const std::size_t own = top().frames.size() - 1;
    while (top().frames.size() > own && top().frames.back().now != stage::revisits) {
      if (step(top().frames.size() - 1) && symmetry_.keeps(graph())) return enter();
    }
    return false;
  }

  // The program's next event, with the alternative that a schedule names. The search does not leave
  // it. False if the memory model does not allow it.
  bool add_as(const event& next, const decision& chosen) {
    execution_graph& g = top().graph;
    const event_id e = g.add(next);
    if (next.reads()) g.set_source(e, chosen.source);
    if (next.kind == event_kind::choice && !g.choose(e, chosen.alternative)) return false;
    g.set_clocks(e);
    if (chosen.spurious) {
      g.fail_spuriously(e);
      g.set_clocks(e);
    }
    if (g[e].writes() != chosen.placed || !coherent(e, chosen)) return false;
    if (chosen.placed) g.place(e, chosen.position);
    return consistent_with(e);
  }

  // The program's next event, with an alternative by chance. The search does not leave it.
  void add_by_chance(const event& next, chance& by) {
    execution_graph& g = top().graph;
    const event_id e = g.add(next);
    settle(e, by.stale(), by);
    if (consistent_with(e)) return;
    g.truncate(e);
    g.add(next);
    settle(e, false, by);  // the last of its location: the memory model always allows that
  }

  // What the search goes on with.
  enum class next_graph : std::uint8_t {
    none,          // all graphs have been visited
    to_run,        // another graph: the program has to run from its start
    same_program,  // the same graph, but for the place in co of its youngest event, a write
  };

  // Takes back the youngest alternative and takes the next one.
  next_graph advance() {
    const std::size_t size = graph().size();
    const std::size_t depth = depth_;
    const std::uint64_t revisits = revisits_;
    const bool write =
        size != 0 && graph()[static_cast<event_id>(size - 1)].kind == event_kind::write;
    // A read that the youngest event revisits: it failed spuriously, and succeeds again next.
    const bool failed = !top().frames.empty() && top().frames.back().now == stage::failed;
    do {
      while (top().frames.empty()) {
        if (depth_ == 0) return next_graph::none;
        go_to(depth_ - 1);
      }
      // The next alternative of a root, or of what is above it, is in another subtree.
      if (inside_ && frames() <= root_) inside_ = false;
    } while (!step(top().frames.size() - 1) || !symmetry_.keeps(graph()) || !enter());
    const bool same = write && !failed && last_was_place_ && depth_ == depth &&
                      graph().size() == size && revisits_ == revisits;
    return same ? next_graph::same_program : next_graph::to_run;
  }

 private:
  // A weak compare-and-swap fails spuriously as the last alternative of its write half.
  enum class stage : std::uint8_t { sources, places, revisits, failed, choice };

  // An event whose alternatives are being tried, in order of `next`.
  struct frame {
    event_id e;
    stage now;
    bool revisits;       // a write: whether the revisits are this frame's
    event_id revisited;  // at the root of a level: the read that reads from this write
    std::uint16_t size;  // of the graph in this frame
    std::uint16_t next;  // one above the alternative that comes next; for revisits the event
    std::uint16_t least;
  };

  struct level {
    execution_graph graph;
    std::vector<frame> frames;
    std::size_t below = 0;  // frames of the levels below
  };

  level& top() noexcept { return *now_; }
  const level& top() const noexcept { return *now_; }

  void go_to(std::size_t depth) {
    if (depth == levels_.size()) levels_.push_back(std::make_unique<level>());
    depth_ = depth;
    now_ = levels_[depth].get();
  }

  std::uint16_t size_now() const noexcept { return static_cast<std::uint16_t>(graph().size()); }

  std::size_t frames() const noexcept { return top().below + top().frames.size(); }

  // Chooses what event e reads, and where it stands in co: as the last of its location, or where
  // else coherence allows.
  void settle(event_id e, bool stale, chance& by) {
    execution_graph& g = top().graph;
    const event& added = g[e];
    if (added.kind == event_kind::choice) {
      if (!g.choose(e, by.below(added.alternatives))) g.choose(e, 0);
      return;
    }
    if (!added.reads() && !added.writes()) return g.set_clocks(e);
    const std::size_t last = g.at(added.location).writes.size();
    std::size_t place = last;
    if (added.reads()) {
      const std::size_t first = first_source(g, e);
      if (stale) place = first + by.below(last - first + 1);
      set_source_at(e, place);
      if (added.kind == event_kind::update && !is_free(g, e, place)) set_source_at(e, place = last);
      if (added.kind == event_kind::update && added.may_fail_spuriously && by.below(4) == 0) {
        g.fail_spuriously(e);
      }
      g.set_clocks(e);
    } else {
      g.set_clocks(e);
      const std::size_t first = first_allowed(g, e, g.happens_before(e));
      if (stale) place = first + by.below(last - first + 1);
      if (!is_free(g, e, place)) place = last;
    }
    if (added.writes()) g.place(e, place);
  }

  void set_source_at(event_id e, std::size_t place) {
    execution_graph& g = top().graph;
    g.set_source(e, source_at(g, e, place));
  }

  // Whether the search goes on below the node that it has reached.
  bool enter() {
    if (share_.parts == 1 || inside_ || frames() < share_.depth) return true;
    return enter_subtree();
  }

  // Not for whole searches: apart, so that it costs them nothing.
  [[gnu::noinline]] bool enter_subtree() {
    if (collected_ != nullptr) {
      collected_->push_back(graph());
      return false;
    }
    ++roots_;
    inside_ = take_next();
    root_ = frames();
    return inside_;
  }

  bool take_next() noexcept { return divided_++ % share_.parts == share_.part; }

  bool consistent() { return sequential_order_.exists(top().graph, model_); }

  // The same of a graph that was consistent before its youngest event e was added. One that is the
  // last of its location, or no access, has nothing after it in any order that a model asks for: it
  // closes no cycle. So a long execution costs what its length is.
  bool consistent_with(event_id e) {
    const execution_graph& g = top().graph;
    const event& added = g[e];
    if (!added.reads() && !added.writes()) return true;
    const auto& co = g.at(added.location).writes;
    const bool last =
        added.in_co ? co.back() == e : added.source == (co.empty() ? initial : co.back());
    return last || sequential_order_.still_exists(g, model_, e);
  }

  // Whether event e, which is not placed yet, may have this source and place: those that
  // open_sources and open_places would try.
  bool coherent(event_id e, const decision& chosen) {
    const execution_graph& g = top().graph;
    const std::size_t source = chosen.source == initial ? 0 : g[chosen.source].position + 1u;
    if (g[e].reads() && source < first_source(g, e)) return false;
    if (!chosen.placed) return true;
    if (g[e].kind == event_kind::update && chosen.position != source) return false;
    if (g[e].kind == event_kind::write &&
        chosen.position < first_allowed(g, e, g.happens_before(e))) {
      return false;
    }
    return chosen.position <= g.at(g[e].location).writes.size() && is_free(g, e, chosen.position);
  }

  std::size_t first_source(const execution_graph& g, event_id e) {
    return first_allowed(g, e, known_before(g, e));
  }

  // What happens before the event before e in its thread, and that event.
  const clock_table::lane* known_before(const execution_graph& g, event_id e) {
    const event& each = g[e];
    return each.index == 0 ? no_events(g)
                           : g.happens_before(g.thread(each.thread)[each.index - 1u]);
  }

  // The source of a read that has this place in front of it.
  static event_id source_at(const execution_graph& g, event_id e, std::size_t place) noexcept {
    return place == 0 ? initial : g.at(g[e].location).writes[place - 1];
  }

  // The sources of read e: from the co-latest to the earliest that coherence allows.
  void open_sources(event_id e) {
    execution_graph& g = top().graph;
    const std::size_t first = first_source(g, e);
    const std::size_t last = g.at(g[e].location).writes.size();
    top().frames.push_back({e, stage::sources, false, initial, size_now(),
                            static_cast<std::uint16_t>(last + 1),
                            static_cast<std::uint16_t>(first)});
  }

  const clock_table::lane* no_events(const execution_graph& g) {
    nothing_.assign(g.clocks().lanes(), 0);
    return nothing_.data();
  }

  // The places of write w in co. That of an update is directly behind its source.
  void open_places(event_id w, bool revisits, event_id revisited = initial) {
    execution_graph& g = top().graph;
    const event& write = g[w];
    frame added{w, stage::places, revisits, revisited, size_now(), 0, 0};
    std::size_t first =
        revisited == initial ? 0 : first_allowed(g, revisited, g.happens_before(revisited));
    if (write.kind == event_kind::update) {
      const std::size_t place = write.source == initial ? 0 : g[write.source].position + 1u;
      const bool allowed = place >= first && is_free(g, w, place);
      added.next = static_cast<std::uint16_t>(place + (allowed ? 1 : 0));
      added.least = static_cast<std::uint16_t>(place);
    } else {
      first = std::max(first, first_allowed(g, w, g.happens_before(w)));
      added.next = static_cast<std::uint16_t>(g.at(write.location).writes.size() + 1);
      added.least = static_cast<std::uint16_t>(first);
    }
    top().frames.push_back(added);
  }

  void open_choice(event_id e) {
    top().frames.push_back(
        {e, stage::choice, false, initial, size_now(), 1, top().graph[e].alternatives});
  }

  // Whether index `place` of co is not between an update and its source.
  static bool is_free(const execution_graph& g, event_id w, std::size_t place) noexcept {
    const auto& co = g.at(g[w].location).writes;
    if (place == co.size()) return true;
    const event& behind = g[co[place]];
    if (behind.kind != event_kind::update) return true;
    return behind.source != (place == 0 ? initial : co[place - 1]);
  }

  // One step of a frame: true if a consistent graph is reached that the program goes on with.
  bool step(std::size_t index) {
    level& now = top();
    frame& f = now.frames[index];
    now.graph.truncate(f.size);
    last_was_place_ = false;
    switch (f.now) {
      case stage::sources:
        return next_source(f);
      case stage::places:
        return next_place(f);
      case stage::revisits:
        return next_revisit(f);
      case stage::failed:
        top().frames.pop_back();
        return false;
      case stage::choice:
        return next_choice(f);
    }
    return false;
  }

  bool next_source(frame& f) {
    execution_graph& g = top().graph;
    pass_merged(f);
    if (f.next == f.least) {
      top().frames.pop_back();
      return false;
    }
    --f.next;
    const event_id e = f.e;
    g.set_source(e, source_at(g, e, f.next));
    g.set_clocks(e);
    if (g[e].kind == event_kind::update) {
      open_places(e, true);
      return false;
    }
    return consistent_with(e);
  }

  // The earliest source comes last, and stands for those that are merged with it.
  void pass_merged(frame& f) {
    const execution_graph& g = top().graph;
    if (f.next <= f.least + 1u || !merging_.applies_to(g[f.e])) return;
    const auto* const known = known_before(g, f.e);
    const event_id first = source_at(g, f.e, f.least);
    while (f.next > f.least + 1u &&
           read_merging::merges(g, f.e, known, first, source_at(g, f.e, f.next - 1u))) {
      --f.next;
    }
  }

  bool next_place(frame& f) {
    execution_graph& g = top().graph;
    if (g[f.e].in_co) g.unplace(f.e);
    while (f.next != f.least && !is_free(g, f.e, f.next - 1u)) --f.next;
    if (f.next == f.least) {
      if (f.revisits) {
        f.now = stage::revisits;
        f.next = f.size;
      } else {
        top().frames.pop_back();
      }
      return false;
    }
    --f.next;
    g.place(f.e, f.next);
    if (f.revisited != initial) {
      g.set_source(f.revisited, f.e);
      g.set_clocks(f.revisited);
      if (g[f.revisited].kind == event_kind::update) {
        open_places(f.revisited, true);
        return false;
      }
    }
    last_was_place_ = true;
    // A revisit has changed more than the youngest event.
    return f.revisited == initial && f.e + 1u == f.size ? consistent_with(f.e) : consistent();
  }

  bool next_choice(frame& f) {
    if (f.next == f.least) {
      top().frames.pop_back();
      return false;
    }
    return top().graph.choose(f.e, f.next++);
  }

  // Goes from the youngest event to the oldest. What is outside the causal prefix of w would be
  // deleted, so that the search ends at the first event that is not maximal.
  bool next_revisit(frame& f) {
    const execution_graph& g = top().graph;
    const event_id w = f.e;
    const auto* const prefix = g.causes(w);
    while (f.next != 0) {
      const event_id e = --f.next;
      if (g.knows(prefix, e)) continue;
      if (!maximal(g, e, w, prefix)) break;
      if (g[e].reads() && g[e].location == g[w].location && !is_merged(g, e, w)) {
        revisit(e, w);
        return false;
      }
    }
    if (g[w].may_fail_spuriously) return fail_spuriously(f);
    top().frames.pop_back();
    return false;
  }

  bool fail_spuriously(frame& f) {
    f.now = stage::failed;
    top().graph.fail_spuriously(f.e);
    top().graph.set_clocks(f.e);
    return consistent();
  }

  // Whether e is as it would be if it were added last, after the events that are no younger and the
  // prefix of w: then, of all graphs that lead to the revisited one, this is the one that does it.
  bool maximal(const execution_graph& g, event_id e, event_id w, const clock_table::lane* prefix) {
    const event& tested = g[e];
    if (tested.failed_spuriously) return false;
    if (tested.kind == event_kind::choice) return tested.value == 0;
    if (!tested.reads() && !tested.writes()) return true;
    const auto counts = [&](event_id other) {
      return other != w && (other <= e || g.knows(prefix, other));
    };
    const auto& accesses = g.at(tested.location);
    // The place behind the newest write that counts, but for e; at least this one.
    const auto newest = [&](std::size_t least) {
      std::size_t place = accesses.writes.size();
      while (place != least &&
             (accesses.writes[place - 1] == e || !counts(accesses.writes[place - 1])))
        --place;
      return place;
    };
    if (tested.writes()) {
      for (event_id read : accesses.reads) {
        if (g[read].source == e && counts(read)) return false;
      }
      if (newest(tested.position + 1u) != tested.position + 1u) return false;
    }
    if (!tested.reads()) return true;
    if (tested.source != initial && !counts(tested.source)) return false;
    const std::size_t read = tested.source == initial ? 0 : g[tested.source].position + 1u;
    const std::size_t last = newest(read);
    return last == read || (reads_first(g, e) && is_merged(g, e, accesses.writes[last - 1]));
  }

  // Read r reads from w, in a graph of its own.
  void revisit(event_id r, event_id w) {
    ++revisits_;
    const level& parent = top();
    go_to(depth_ + 1);
    level& child = top();
    child.frames.clear();
    child.below = parent.below + parent.frames.size();
    const auto names = child.graph.restrict_to(parent.graph, r, w);
    open_places(names.write, false, names.read);
  }

  const memory_model model_;
  const unsigned threads_;
  const read_merging merging_;
  symmetry symmetry_;
  share share_;
  std::uint64_t divided_ = 0;
  std::uint64_t roots_ = 0;  // subtrees, of what is divided
  std::vector<execution_graph>* collected_ = nullptr;
  bool inside_ = false;                         // a subtree of the share
  std::size_t root_ = 0;                        // how many frames its root has
  std::vector<std::unique_ptr<level>> levels_;  // those above depth_ keep their memory
  std::size_t depth_ = 0;
  level* now_ = nullptr;  // the level at depth_
  bool last_was_place_ = false;
  std::uint64_t revisits_ = 0;
  sequential_order sequential_order_;
  std::vector<clock_table::lane> nothing_;
};

}  // namespace checker

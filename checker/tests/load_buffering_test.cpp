// SPDX-License-Identifier: MIT
// What load buffering could reach: litmus programs of which it can be said by hand.
//
// An operation stands on a line of its own, from 1; a candidate is the lines of the read and of the
// write that could overtake it. And the theorem of load_buffering.hpp, tried on random programs.

#include <checker/load_buffering.hpp>

#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "../tools/litmus_program.hpp"
#include "../tools/notation.hpp"
#include "brute_force.hpp"
#include "catch.hpp"
#include "random_programs.hpp"

using namespace checker;

namespace {

using lines = std::set<std::pair<unsigned, unsigned>>;

lines candidates(const std::string& text) {
  const litmus::program parsed = litmus::parse(text, "test")[0];
  litmus::litmus_program checked(parsed, "test");
  load_buffering seen;
  options chosen;
  chosen.on_complete = [&](const execution_graph& graph) { seen.look_at(graph); };
  exploration running(checked, chosen);
  INFO(text);
  const statistics searched = running.explore();
  CHECK(searched.errors == 0);
  CHECK(searched.complete != 0);
  lines found;
  for (const auto& each : seen.found()) {
    found.emplace(running.where(each.read).line, running.where(each.write).line);
  }
  CHECK(found.size() == seen.found().size());
  return found;
}

// ---- every execution with a cycle, by brute force ----

namespace reference = brute_force;
using reference::relation;
using reference::step_kind;

struct operation {
  std::string text;
  reference::event does;
};
using straight_program = std::vector<std::vector<operation>>;

// Without branches and values: so no write depends on a read.
class random_straight_program {
 public:
  explicit random_straight_program(std::uint64_t seed) : random_(seed) {}

  // In each thread a read comes first and a write last, as in a cycle through all; sometimes not.
  straight_program make() {
    const std::size_t threads = 2 + random_.below(2);
    straight_program made(threads);
    std::size_t spare = 8 - 2 * threads;
    for (std::size_t t = 0; t != threads; ++t) {
      const std::size_t first = random_.percent(85) ? t : random_.below(threads);
      made[t].push_back(random_.percent(80) ? read(first) : update(first));
      while (spare != 0 && random_.percent(45)) {
        --spare;
        made[t].push_back(anything(threads));
      }
      const std::size_t last = random_.percent(85) ? (t + 1) % threads : random_.below(threads);
      made[t].push_back(random_.percent(80) ? write(last) : update(last));
    }
    return made;
  }

 private:
  operation anything(std::size_t locations) {
    const std::size_t location = random_.below(locations);
    switch (random_.below(8)) {
      case 0:
        return fence();
      case 1:
        return update(location);
      case 2:
      case 3:
      case 4:
        return write(location);
      default:
        return read(location);
    }
  }

  struct named_order {
    const char* name;
    std::memory_order order;
  };
  named_order relaxed_or(const std::vector<named_order>& others) {
    return random_.percent(65) ? named_order{".rlx", std::memory_order_relaxed}
                               : random_.pick(others);
  }

  static operation access(const char* kind, named_order o, std::size_t location, const char* value,
                          step_kind does) {
    operation made;
    made.text = std::string(kind) + o.name + ' ' + "xyz"[location] + value;
    made.does.kind = does;
    made.does.location = static_cast<std::uint32_t>(location);
    made.does.order = o.order;
    made.does.reads = does != step_kind::write;
    made.does.writes = does != step_kind::read;
    return made;
  }
  operation read(std::size_t location) {
    return access("R", relaxed_or({{".acq", std::memory_order_acquire}, {".sc", sc}}), location, "",
                  step_kind::read);
  }
  operation write(std::size_t location) {
    return access("W", relaxed_or({{".rel", std::memory_order_release}, {".sc", sc}}), location,
                  " = 1", step_kind::write);
  }
  operation update(std::size_t location) {
    return access("U",
                  relaxed_or({{".acq", std::memory_order_acquire},
                              {".rel", std::memory_order_release},
                              {".ar", std::memory_order_acq_rel},
                              {".sc", sc}}),
                  location, " += 1", step_kind::add);
  }
  operation fence() {
    const auto o = random_.pick(std::vector<named_order>{
        {".acq", std::memory_order_acquire}, {".rel", std::memory_order_release}, {".sc", sc}});
    operation made;
    made.text = std::string("F") + o.name;
    made.does.kind = step_kind::fence;
    made.does.order = o.order;
    return made;
  }

  static constexpr std::memory_order sc = std::memory_order_seq_cst;
  litmus::random_source random_;
};

std::string text_of(const straight_program& p) {
  std::string text;
  for (const auto& thread : p) {
    for (const operation& each : thread) {
      text += each.text;
      text += &each != &thread.back() ? "\n" : &thread != &p.back() ? " ||\n" : "";
    }
  }
  return text;
}

// Whether a model that has RC11's axioms, but for the acyclicity of po and rf, and has bob and rf
// acyclic instead, allows an execution in which po and rf have a cycle.
class cyclic_executions {
 public:
  explicit cyclic_executions(const straight_program& p) : locations_(p.size(), 0) {
    for (const auto& thread : p) {
      graph_.threads.emplace_back();
      for (const operation& each : thread) graph_.threads.back().push_back(each.does);
    }
    for (std::uint32_t t = 0; t != graph_.threads.size(); ++t) {
      for (std::uint32_t i = 0; i != graph_.threads[t].size(); ++i) {
        if (graph_.threads[t][i].reads) reads_.push_back({t, i});
      }
    }
  }

  bool exist() { return exist(0); }

 private:
  reference::event& at(event_name name) { return graph_.threads[name.first][name.second]; }

  bool exist(std::size_t guessed) {
    if (guessed == reads_.size()) return any_order();
    reference::event& read = at(reads_[guessed]);
    read.source = reference::from_start;
    if (exist(guessed + 1)) return true;
    for (std::uint32_t t = 0; t != graph_.threads.size(); ++t) {
      for (std::uint32_t i = 0; i != graph_.threads[t].size(); ++i) {
        const reference::event& write = graph_.threads[t][i];
        if (&write == &read || !write.writes || write.location != read.location) continue;
        read.source = {t, i};
        if (exist(guessed + 1)) return true;
      }
    }
    return false;
  }

  bool any_order() {
    const reference::numbered_graph g(graph_, locations_);
    if ((g.po | g.rf).acyclic() || !(bob(g) | g.rf).acyclic() || !g.hb.irreflexive()) return false;
    return any_order(g, relation(g.size()), 0);
  }

  // For each location from `l` on, every order of its writes.
  bool any_order(const reference::numbered_graph& g, const relation& mo, std::uint32_t l) {
    if (l == locations_.size()) {
      const reference::axioms law(g, mo);
      return law.coherent() && law.consistent(reference::model::rc11);
    }
    std::vector<std::size_t> writes;
    for (std::size_t i = 0; i != g.size(); ++i) {
      if (g[i].writes && g[i].location == l) writes.push_back(i);
    }
    do {
      if (!updates_follow_their_sources(g, writes)) continue;
      relation longer = mo;
      for (std::size_t i = 0; i != writes.size(); ++i) {
        for (std::size_t k = i + 1; k != writes.size(); ++k) longer.add(writes[i], writes[k]);
      }
      if (any_order(g, longer, l + 1)) return true;
    } while (std::next_permutation(writes.begin(), writes.end()));
    return false;
  }

  static bool updates_follow_their_sources(const reference::numbered_graph& g,
                                           const std::vector<std::size_t>& order) {
    for (std::size_t i = 0; i != order.size(); ++i) {
      if (g.is_initial(order[i]) && i != 0) return false;
      if (g[order[i]].reads && (i == 0 || !g.rf.has(order[i - 1], order[i]))) return false;
    }
    return true;
  }

  static relation bob(const reference::numbered_graph& g) {
    relation result(g.size());
    for (std::size_t a = 0; a != g.size(); ++a) {
      for (std::size_t b = 0; b != g.size(); ++b) {
        if (!g.po.has(a, b) || g.is_initial(a)) continue;
        const bool acquire = g[a].reads && reference::is_acquire(g[a].order);
        const bool release = g[b].writes && reference::is_release(g[b].order);
        if (acquire || release || g[a].is_fence() || g[b].is_fence()) result.add(a, b);
      }
    }
    return result;
  }

  reference::partial_graph graph_;
  std::vector<event_name> reads_;
  std::vector<litmus::word> locations_;
};

}  // namespace

TEST_CASE("relaxed_reads_before_relaxed_writes_are_found") {
  CHECK(candidates("R x\nW y = 1 ||\nR y\nW x = 1") == lines{{1, 2}, {3, 4}});
  CHECK(candidates("R x\nW z = 1\nW y = 1 ||\nR y\nR z\nW x = 1") ==
        lines{{1, 2}, {1, 3}, {4, 6}, {5, 6}});
}

TEST_CASE("a_cycle_through_three_threads_is_found") {
  CHECK(candidates("R x\nW y = 1 ||\nR y\nW z = 1 ||\nR z\nW x = 1") ==
        lines{{1, 2}, {3, 4}, {5, 6}});
}

TEST_CASE("what_goes_by_a_thread_that_only_passes_on_is_found") {
  CHECK(candidates("R x\nW y = 1 ||\nU y += 1 ||\nR y\nW x = 1").contains({1, 2}));
}

TEST_CASE("a_dependency_is_not_known_and_reported") {
  CHECK(candidates("r1 = R x\nW y = r1 ||\nR y\nW x = 1") == lines{{1, 2}, {3, 4}});
  CHECK(candidates("if R x == 0 {\nW y = 1} ||\nR y\nW x = 1") == lines{{1, 2}});
}

TEST_CASE("updates_are_reads_and_writes") {
  CHECK(candidates("R x\nU y += 1 ||\nR y\nW x = 1") == lines{{1, 2}, {3, 4}});
  CHECK(candidates("U x += 1\nW y = 1 ||\nR y\nW x = 1") == lines{{1, 2}, {3, 4}});
  CHECK(candidates("R x\nU y += 1 ||\nU y += 1\nU x += 1") == lines{{1, 2}, {3, 4}});
}

// It ends as it did, so that it has the order of that end.
TEST_CASE("a_swap_has_the_order_of_its_end") {
  CHECK(candidates("C(acq, rlx) x: 7 -> 2\nW y = 1 ||\nR.acq y\nW x = 1") == lines{{1, 2}});
  CHECK(candidates("C(acq, acq) x: 7 -> 2\nW y = 1 ||\nR.acq y\nW x = 1").empty());
  CHECK(candidates("C(acq, rlx) x: 0 -> 2\nW y = 1 ||\nif R.acq y {\nW x = 1}").empty());
}

// A look before a swap: what the look could read, the swap had to.
TEST_CASE("an_acquire_at_the_same_location_orders_a_look_before_it") {
  CHECK(candidates("R x\nU.acq x += 1\nW y = 1 ||\nR.acq y\nU x += 1").empty());
  CHECK(candidates("R x\nR.acq x\nW y = 1 ||\nR.acq y\nU x += 1").empty());
  CHECK(candidates("R x\nU x += 1\nW y = 1 ||\nR.acq y\nU x += 1").contains({1, 3}));
  CHECK(candidates("R x\nU.acq z += 1\nW y = 1 ||\nR.acq y\nU x += 1") == lines{{1, 3}});
  CHECK(candidates("R x\nW y = 1\nU.acq x += 1 ||\nR.acq y\nU x += 1") == lines{{1, 2}});
}

// In the execution that is meant the update reads what the swap writes: that there is no such write
// beside the update is the update's doing, and what the swap acquires from it, too.
TEST_CASE("an_update_does_not_hide_the_update_that_answers_it") {
  CHECK(candidates("U x += 1\nW y = 1 ||\nR.acq y\nC x: 0 -> 2") == lines{{1, 2}});
  CHECK(candidates("U.rel x += 1\nW y = 1 ||\nR.acq y\nU.ar x += 1") == lines{{1, 2}});
}

TEST_CASE("plain_data_and_other_accesses_between_order_nothing") {
  CHECK(candidates("plain p\nR x\nW p = 1\nW y = 1 ||\nR y\nW x = 1") == lines{{2, 4}, {5, 6}});
  CHECK(candidates("R x\nR.acq z\nW.rel z = 1\nW y = 1 ||\nR y\nW x = 1") == lines{{1, 4}, {5, 6}});
  CHECK(candidates("R x\nU.ar z += 1\nW y = 1 ||\nR y\nW x = 1") == lines{{1, 3}, {4, 5}});
}

// Where one side is ordered the other can still be overtaken.
TEST_CASE("one_ordered_side_leaves_the_other") {
  CHECK(candidates("R.acq x\nW y = 1 ||\nR y\nW x = 1") == lines{{3, 4}});
  CHECK(candidates("R x\nW.rel y = 1 ||\nR y\nW x = 1") == lines{{3, 4}});
  CHECK(candidates("R x\nF.acq\nW y = 1 ||\nR y\nW x = 1") == lines{{4, 5}});
  CHECK(candidates("R.acq x\nW y = 1 ||\nR y\nW.rel x = 1").empty());
}

TEST_CASE("acquire_reads_order_what_follows") {
  CHECK(candidates("R.acq x\nW y = 1 ||\nR.acq y\nW x = 1").empty());
  CHECK(candidates("U.acq x += 1\nW y = 1 ||\nR.sc y\nW x = 1").empty());
}

TEST_CASE("release_writes_order_what_precedes") {
  CHECK(candidates("R x\nW.rel y = 1 ||\nR y\nW.rel x = 1").empty());
  CHECK(candidates("R x\nU.rel y += 1 ||\nR y\nW.sc x = 1").empty());
}

TEST_CASE("fences_order_and_a_light_one_does_not") {
  for (const char* const fence : {"acq", "rel", "ar", "sc", "heavy"}) {
    const std::string between = std::string("\nF.") + fence + "\n";
    CHECK(candidates("R x" + between + "W y = 1 ||\nR y" + between + "W x = 1").empty());
  }
  CHECK(candidates("R x\nF.light\nW y = 1 ||\nR y\nF.light\nW x = 1") == lines{{1, 3}, {4, 6}});
  CHECK(candidates("F.sc\nR x\nW y = 1\nF.sc ||\nR y\nW x = 1") == lines{{2, 3}, {5, 6}});
}

// A synchronises-with edge on all of the way but one: the read happens before its answer.
TEST_CASE("what_a_read_happens_before_it_cannot_read") {
  CHECK(candidates("R x\nW z = 1\nW.rel y = 1 ||\nif R.acq y {\nR z\nW x = 1}").empty());
  CHECK(candidates("R x\nW z = 1\nW.rel y = 1 ||\nif R y {\nR z\nW x = 1}") == lines{{1, 2}});
}

TEST_CASE("the_answer_has_to_follow_from_the_write_that_overtakes") {
  CHECK(candidates("R x\nW y = 1\nW.rel z = 1 ||\nR y ||\nif R z {\nW x = 1}").empty());
}

TEST_CASE("a_thread_alone_has_no_cycle") {
  CHECK(candidates("R x\nW y = 1\nR y\nW x = 1 ||\nR x").empty());
  CHECK(candidates("R x\nW y = 1 ||\nR y\nW z = 1").empty());
}

TEST_CASE("coherence_leaves_no_cycle_at_one_location") {
  CHECK(candidates("R x\nW x = 1 ||\nR x\nW x = 2").empty());
  CHECK(candidates("U x += 1\nU x += 1 ||\nU x += 1").empty());
  CHECK(candidates("R x\nW x = 1\nW y = 1 ||\nR y\nW.rel x = 2") == lines{{1, 3}});
  CHECK(candidates("W x = 1\nR x\nW y = 1 ||\nR y\nU x += 1").contains({2, 3}));
}

// What is read instead is newer: r would read x1 rather than x2, which stands before it in mo.
TEST_CASE("a_read_that_has_read_something_newer_needs_no_answer") {
  CHECK(
      candidates("W.rel x = 2 ||\nif R.acq x == 2 {\nU x += 1\nR x\nW y = 1} ||\nR.acq y\nX x = 3")
          .contains({4, 5}));
}

// The theorem: a program with a cycle has a candidate. What has none has no cycle.
TEST_CASE("programs_with_cycles_have_candidates") {
  std::size_t cyclic = 0, clean = 0, alarms = 0;
  for (std::uint64_t seed = 0; seed != 3'000; ++seed) {
    const straight_program p = random_straight_program(seed).make();
    const bool cycle = cyclic_executions(p).exist();
    const bool found = !candidates(text_of(p)).empty();
    INFO(text_of(p));
    CHECK((found || !cycle));
    cyclic += cycle ? 1 : 0;
    clean += found ? 0 : 1;
    alarms += found && !cycle ? 1 : 0;
  }
  CHECK(alarms < 100);
  CHECK(cyclic > 500);
  CHECK(clean > 500);
}

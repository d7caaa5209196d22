// SPDX-License-Identifier: MIT
// Laws that hold of every search, whatever the program: no counts are known, only how they relate.

#include <sys/types.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <string>
#include <thread>
#include <vector>

#include "../tools/notation.hpp"
#include "catch.hpp"
#include "checkpoint_file.hpp"
#include "explored.hpp"
#include "oracles.hpp"
#include "random_programs.hpp"

using namespace checker;
using litmus::statement_kind;

namespace {

constexpr std::array all_models = {memory_model::rc11, memory_model::iso, memory_model::sc};

// Random programs without errors, so that all their graphs are complete.
litmus::program error_free_program(std::uint64_t seed) {
  return litmus::random_program(seed, {true, false, false});
}

bool includes(const std::set<canonical_graph>& large, const std::set<canonical_graph>& small) {
  return std::includes(large.begin(), large.end(), small.begin(), small.end());
}

// ---- one step weaker ----

using order_list = std::vector<std::memory_order>;

order_list weaker_load(std::memory_order o) {
  if (o == std::memory_order_seq_cst) return {std::memory_order_acquire};
  if (o == std::memory_order_acquire) return {std::memory_order_relaxed};
  return {};
}

order_list weaker_store(std::memory_order o) {
  if (o == std::memory_order_seq_cst) return {std::memory_order_release};
  if (o == std::memory_order_release) return {std::memory_order_relaxed};
  return {};
}

order_list weaker_both(std::memory_order o) {
  if (o == std::memory_order_seq_cst) return {std::memory_order_acq_rel};
  if (o == std::memory_order_acq_rel) {
    return {std::memory_order_acquire, std::memory_order_release};
  }
  if (o == std::memory_order_relaxed) return {};
  return {std::memory_order_relaxed};
}

// Each order of a program, weakened: visit(program) is called with one changed at a time.
template <class Visit>
class weakening {
 public:
  weakening(litmus::program& p, Visit visit) : program_(p), visit_(visit) {}

  void run() {
    for (litmus::thread& t : program_.threads) weaken(t.body);
  }

 private:
  void try_orders(std::memory_order& site, const order_list& weaker) {
    const std::memory_order kept = site;
    for (const std::memory_order o : weaker) {
      site = o;
      visit_(program_);
    }
    site = kept;
  }

  void weaken(litmus::expression& e) {
    for (litmus::expression& index : e.where.index) weaken(index);
    for (litmus::expression& operand : e.operands) weaken(operand);
    switch (e.kind) {
      case litmus::expression_kind::load:
        return try_orders(e.order, weaker_load(e.order));
      case litmus::expression_kind::compare_exchange:
        try_orders(e.failure_order, weaker_load(e.failure_order));
        return try_orders(e.order, weaker_both(e.order));
      case litmus::expression_kind::fetch_add:
      case litmus::expression_kind::exchange:
        return try_orders(e.order, weaker_both(e.order));
      default:
        return;
    }
  }

  void weaken(std::vector<litmus::statement>& body) {
    for (litmus::statement& s : body) {
      weaken(s.value);
      if (s.kind == statement_kind::store) try_orders(s.order, weaker_store(s.order));
      if (s.kind == statement_kind::fence) try_orders(s.order, weaker_both(s.order));
      if (s.kind == statement_kind::light_fence || s.kind == statement_kind::heavy_fence) {
        drop_fence(s);
      }
      weaken(s.body);
      weaken(s.otherwise);
    }
  }

  // An asymmetric fence that orders nothing.
  void drop_fence(litmus::statement& s) {
    const statement_kind kept = s.kind;
    s.kind = statement_kind::fence;
    s.order = std::memory_order_relaxed;
    visit_(program_);
    s.kind = kept;
  }

  litmus::program& program_;
  Visit visit_;
};

// ---- searches in parts ----

struct total {
  std::uint64_t complete = 0;
  std::uint64_t blocked = 0;
  graph_hash hash;

  void add(const statistics& part) {
    complete += part.complete;
    blocked += part.blocked;
    hash.add(part.hash.low, part.hash.high);
  }
  friend bool operator==(const total&, const total&) = default;
};

statistics search(const litmus::program& p, options chosen) {
  chosen.keep_going = true;
  chosen.spurious_failures = 0;
  litmus::litmus_program checked(p, p.name);
  exploration running(checked, chosen);
  return running.explore();
}

total total_of(const litmus::program& p, const options& chosen = {}) {
  total all;
  all.add(search(p, chosen));
  return all;
}

total total_of_parts(const litmus::program& p, unsigned parts, memory_model model) {
  total all;
  for (unsigned part = 0; part != parts; ++part) {
    options chosen;
    chosen.model = model;
    chosen.part = part;
    chosen.parts = parts;
    all.add(search(p, chosen));
  }
  return all;
}

litmus::program from_text(const std::string& text) { return litmus::parse(text, "test")[0]; }

options with_checkpoint(const checkpoint_file& file) {
  options chosen;
  chosen.checkpoint = file.name();
  return chosen;
}

std::vector<std::string> in_order(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

}  // namespace

TEST_CASE("weakening_an_order_loses_no_graph") {
  std::size_t programs = 0;
  std::size_t weakened = 0;
  std::size_t gained = 0;
  for (std::uint64_t seed = 0; seed != 700; ++seed) {
    litmus::program p = error_free_program(seed);
    ++programs;
    for (const memory_model model : {memory_model::rc11, memory_model::iso}) {
      const explored before = explore(p, model);
      REQUIRE(before.totals.errors == 0);
      const auto compare = [&](const litmus::program& weaker) {
        const explored after = explore(weaker, model);
        INFO(litmus::print(p) << "weakened to\n" << litmus::print(weaker));
        REQUIRE(includes(after.graphs, before.graphs));
        REQUIRE(after.duplicates == 0);
        ++weakened;
        gained += after.graphs.size() > before.graphs.size() ? 1u : 0u;
      };
      weakening each(p, compare);
      each.run();
    }
  }
  std::cout << "weakening: " << programs << " programs, " << weakened << " weakenings, " << gained
            << " gained graphs, 0 lost any\n";
  CHECK(weakened > 3000);
  CHECK(gained > 100);
}

TEST_CASE("the_order_of_threads_changes_no_set") {
  std::size_t compared = 0;
  for (std::uint64_t seed = 10'000; seed != 10'600; ++seed) {
    const litmus::program p = error_free_program(seed);
    for (const memory_model model : all_models) {
      options chosen;
      chosen.model = model;
      const explored by_index = explore(p, chosen);
      for (unsigned t = 0; t != p.threads.size(); ++t) chosen.order.push_back(t);
      while (std::next_permutation(chosen.order.begin(), chosen.order.end())) {
        const explored other = explore(p, chosen);
        INFO(litmus::print(p));
        REQUIRE(other.graphs == by_index.graphs);
        REQUIRE(other.duplicates == 0);
        REQUIRE(other.totals.complete == by_index.totals.complete);
        REQUIRE(other.totals.hash == by_index.totals.hash);
        ++compared;
      }
    }
  }
  std::cout << "order of threads: " << compared << " searches in another order\n";
}

TEST_CASE("different_sets_have_different_hashes") {
  std::size_t compared = 0;
  for (std::uint64_t seed = 20'000; seed != 20'400; ++seed) {
    const litmus::program p = error_free_program(seed);
    const explored rc11 = explore(p, memory_model::rc11);
    const explored sc = explore(p, memory_model::sc);
    INFO(litmus::print(p));
    REQUIRE((rc11.totals.hash == sc.totals.hash) == (rc11.graphs == sc.graphs));
    compared += rc11.graphs == sc.graphs ? 0u : 1u;
  }
  CHECK(compared > 50);
}

TEST_CASE("parts_add_up_to_the_whole") {
  for (std::uint64_t seed = 30'000; seed != 30'150; ++seed) {
    const litmus::program p = error_free_program(seed);
    for (const memory_model model : all_models) {
      options whole;
      whole.model = model;
      const total expected = total_of(p, whole);
      INFO(litmus::print(p));
      for (const unsigned parts : {1u, 2u, 7u}) {
        REQUIRE(total_of_parts(p, parts, model) == expected);
      }
    }
  }
}

TEST_CASE("parts_of_a_large_search_are_even") {
  const litmus::program p = from_text("8 x {U.rlx x += 1}");
  std::vector<std::uint64_t> counts;
  total all;
  for (unsigned part = 0; part != 7; ++part) {
    options chosen;
    chosen.part = part;
    chosen.parts = 7;
    const statistics found = search(p, chosen);
    counts.push_back(found.complete);
    all.add(found);
  }
  CHECK(all == total_of(p));
  CHECK(all.complete == 40'320);
  CHECK(*std::min_element(counts.begin(), counts.end()) > 0);
  CHECK(*std::max_element(counts.begin(), counts.end()) <= 3 * 40'320 / 7);
}

// A part of a search with errors counts those of its own executions.
TEST_CASE("the_errors_of_parts_add_up") {
  const litmus::program p = from_text("5 x {U x += 1; require R x < 5}");
  const std::uint64_t errors = search(p, {}).errors;
  CHECK(errors > 100);
  for (const unsigned parts : {2u, 7u}) {
    std::uint64_t sum = 0;
    for (unsigned part = 0; part != parts; ++part) {
      options chosen;
      chosen.part = part;
      chosen.parts = parts;
      sum += search(p, chosen).errors;
    }
    INFO(parts << " parts");
    CHECK(sum == errors);
  }
}

TEST_CASE("a_search_goes_on_where_its_time_was_up") {
  const litmus::program p = from_text("8 x {U.rlx x += 1}");
  const total expected = total_of(p);
  const checkpoint_file file;
  options chosen = with_checkpoint(file);
  chosen.seconds = 0.001;  // a fast machine needs little for all of it
  unsigned interrupted = 0;
  statistics found = search(p, chosen);
  while (found.cut != 0 && interrupted != 1000) {
    ++interrupted;
    REQUIRE(file.exists());
    chosen.seconds *= 1.2;  // a slow machine needs more only to read the file
    found = search(p, chosen);
  }
  std::cout << "time limit: interrupted " << interrupted << " times\n";
  CHECK(interrupted > 0);
  total all;
  all.add(found);
  CHECK(all == expected);
  CHECK_FALSE(file.exists());
}

// After the first 512 executions one in 512 is looked at for conflicts, so that the last piece of a
// search may look at none.
TEST_CASE("conflicts_that_were_met_outlive_a_checkpoint") {
  for (const char* const text :
       {"5 x {U.rlx x += 1} || R.rlx x; R.rlx x", "6 x {U.rlx x += 1} || R.rlx x; R.rlx x",
        "4 x {U.rlx x += 1} || 2 x {W.rlx x = 7} || R.rlx x"}) {
    const litmus::program p = from_text(text);
    const statistics whole = search(p, {});
    REQUIRE_FALSE(whole.met.empty());
    const checkpoint_file file;
    options chosen = with_checkpoint(file);
    chosen.seconds = 1e-6;
    statistics found = search(p, chosen);
    for (unsigned pieces = 1; found.cut != 0 && pieces != 10'000; ++pieces) {
      REQUIRE(file.exists());
      found = search(p, chosen);
    }
    REQUIRE(found.cut == 0);
    INFO(text);
    CHECK(found.complete == whole.complete);
    CHECK(in_order(found.met) == in_order(whole.met));
    CHECK(in_order(found.unmet) == in_order(whole.unmet));
  }
}

TEST_CASE("a_search_goes_on_where_its_process_was_killed") {
  const litmus::program p = from_text("9 x {U.rlx x += 1}");
  const total expected = total_of(p);
  const checkpoint_file file;
  const auto last = std::chrono::steady_clock::now() + std::chrono::minutes(1);
  // Once more if the search had just come to its end, which takes its file away.
  do {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      options chosen = with_checkpoint(file);
      chosen.checkpoint_seconds = 0.01;
      for (;;) search(p, chosen);  // until it is killed
    }
    while (!file.exists() && std::chrono::steady_clock::now() < last) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
    }
    ::kill(child, SIGKILL);
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK((WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL));
  } while (!file.exists() && std::chrono::steady_clock::now() < last);
  REQUIRE(file.exists());
  const statistics found = search(p, with_checkpoint(file));
  total all;
  all.add(found);
  CHECK(all == expected);
  CHECK(found.cut == 0);
}

TEST_CASE("a_checkpoint_of_another_search_is_rejected") {
  const checkpoint_file file;
  options chosen = with_checkpoint(file);
  chosen.seconds = 1e-6;
  REQUIRE(search(from_text("9 x {U.rlx x += 1}"), chosen).cut == 1);
  chosen.model = memory_model::sc;
  CHECK_THROWS_AS(search(from_text("9 x {U.rlx x += 1}"), chosen), std::runtime_error);
}

TEST_CASE("a_search_of_so_many_runs_is_cut_and_one_of_enough_is_not") {
  const litmus::program p = from_text("4 x {U.rlx x += 1}");
  const statistics whole = search(p, {});
  REQUIRE(whole.runs > 5);
  options chosen;
  chosen.most_runs = 5;
  const statistics some = search(p, chosen);
  CHECK(some.cut == 1);
  CHECK(some.runs == 5);
  CHECK(some.complete < whole.complete);
  chosen.most_runs = whole.runs;
  const statistics all = search(p, chosen);
  CHECK(all.cut == 0);
  CHECK(all.complete == whole.complete);
}

// What a loop's bound has cut before the interruption is still known afterwards.
TEST_CASE("cuts_and_errors_outlive_a_checkpoint") {
  const litmus::program p =
      from_text("6 x {U x += 1} || W y = 1 || while R y == 0 bound 1 {} || require R y == 0");
  const statistics whole = search(p, {});
  REQUIRE(whole.cut > 0);
  REQUIRE(whole.errors > 0);
  REQUIRE_FALSE(whole.replay.empty());
  const checkpoint_file file;
  options chosen = with_checkpoint(file);
  chosen.seconds = 1e-6;
  statistics found = search(p, chosen);
  REQUIRE(file.exists());
  chosen.seconds = 0;
  found = search(p, chosen);
  CHECK(found.complete == whole.complete);
  CHECK(found.cut == whole.cut);
  CHECK(found.errors == whole.errors);
  CHECK(found.replay == whole.replay);
}

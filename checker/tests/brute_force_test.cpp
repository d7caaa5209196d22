// SPDX-License-Identifier: MIT
// The reference semantics: known counts, known sets of graphs, and laws that hold of every program.

#include "brute_force.hpp"

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../tools/notation.hpp"
#include "canonical.hpp"
#include "catch.hpp"
#include "oracles.hpp"
#include "random_programs.hpp"

using namespace checker;

namespace {

using results = std::array<brute_force::result, 3>;

results all_of(const litmus::program& p) {
  std::optional<results> found = brute_force::enumerate(p);
  INFO(litmus::print(p));
  REQUIRE(found.has_value());
  return *found;
}

results all_of(const std::string& text) { return all_of(litmus::parse(text, "test")[0]); }

void check_expectation(const litmus::program& p, const results& found) {
  INFO(litmus::print(p));
  const auto& [rc11, iso, sc] = found;
  if (p.expected.rc11) CHECK(rc11.graphs.size() == *p.expected.rc11);
  if (p.expected.iso) CHECK(iso.graphs.size() == *p.expected.iso);
  if (p.expected.sc) CHECK(sc.graphs.size() == *p.expected.sc);
  if (p.expected.outcomes) CHECK(rc11.outcomes.size() == *p.expected.outcomes);
  if (p.expected.race) CHECK(rc11.race == *p.expected.race);
  if (p.expected.failure) CHECK(rc11.failure == *p.expected.failure);
  CHECK_FALSE(rc11.cut);
}

// Checks the programs of a file that are not too large; returns how many there were.
std::size_t check_file(const std::string& stem, brute_force::limits most) {
  std::size_t checked = 0;
  for (const litmus::program& p : load_oracles(stem)) {
    const std::optional<results> found = brute_force::enumerate(p, most);
    if (!found) continue;
    check_expectation(p, *found);
    ++checked;
  }
  return checked;
}

bool includes(const std::set<canonical_graph>& large, const std::set<canonical_graph>& small) {
  return std::includes(large.begin(), large.end(), small.begin(), small.end());
}

// All accesses of a program whose orders can be weakened, in order of appearance.
void collect(litmus::expression& e, std::vector<std::memory_order*>& out) {
  if (!e.where.index.empty()) collect(e.where.index[0], out);
  for (litmus::expression& operand : e.operands) collect(operand, out);
  if (e.order != std::memory_order_relaxed) out.push_back(&e.order);
  if (e.failure_order != std::memory_order_relaxed) out.push_back(&e.failure_order);
}

void collect(std::vector<litmus::statement>& body, std::vector<std::memory_order*>& out) {
  for (litmus::statement& s : body) {
    collect(s.value, out);
    if (s.order != std::memory_order_relaxed) out.push_back(&s.order);
    collect(s.body, out);
    collect(s.otherwise, out);
  }
}

constexpr std::uint64_t start = initial_value;

}  // namespace

TEST_CASE("every_litmus_test_has_its_count_in_every_model") {
  CHECK(check_file("litmus", {}) == 35);
  CHECK(check_file("fences", {}) == 19);
}

TEST_CASE("closed_forms_hold_as_far_as_they_are_small") {
  CHECK(check_file("closed_forms", {5000, 6000}) == 57);
}

TEST_CASE("the_small_rings_have_their_counts") { CHECK(check_file("ring", {2000, 2000}) >= 6); }

TEST_CASE("one_write_and_one_read_have_two_graphs") {
  const std::set<canonical_graph> expected = {
      {1, 2, 0, 0, 7, 0, 0, 1, 1, 0, 0, 0, start, start, 1, 0, 0},
      {1, 2, 0, 0, 7, 0, 0, 1, 1, 0, 7, 0, 0, 0, 1, 0, 0}};
  for (const brute_force::result& found : all_of("W x = 7 || R x")) CHECK(found.graphs == expected);
}

TEST_CASE("choices_fences_and_failed_exchanges_are_events") {
  const std::set<canonical_graph> expected = {
      {3, 5, 0, 0, 0, 0, 0, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, start, start, 0},
      {3, 5, 0, 1, 0, 0, 0, 4, 0, 0, 0, 0, 0, 3, 0, 0, 5, start, start, 1, 0, 2}};
  for (const brute_force::result& found : all_of("r = choose(2); F.ar; C x: 1 - r -> 5")) {
    CHECK(found.graphs == expected);
  }
}

TEST_CASE("outcomes_are_registers_and_last_values") {
  const results found = all_of("W x = 1 || r1 = R x; W y = r1");
  CHECK(found[0].outcomes == std::set<brute_force::outcome>{{0, 1, 0}, {1, 1, 1}});
}

TEST_CASE("plain_accesses_are_no_events_but_race") {
  const results ordered = all_of("plain x; init x = 5; W x = 1; W.rel y = 1 || if R.acq y {R x}");
  CHECK(ordered[0].graphs.size() == 2);
  CHECK_FALSE(ordered[0].race);
  CHECK(ordered[0].outcomes == std::set<brute_force::outcome>{{0, 1}, {1, 1}});
  CHECK(all_of("plain x; W x = 1; W y = 1 || if R.acq y {R x}")[0].race);
  CHECK(all_of("plain x; W x = 1 || W x = 2")[2].race);
  CHECK_FALSE(all_of("plain x; R x || R x")[0].race);
}

TEST_CASE("a_race_that_only_a_race_could_cause_is_none") {
  CHECK_FALSE(all_of("plain x; plain y; if R x {W y = 1} || if R y {W x = 1}")[0].race);
}

TEST_CASE("lockers_of_one_mutex_come_in_any_order") {
  CHECK(all_of("lock m; unlock m")[0].graphs.size() == 1);
  CHECK(all_of("3 x {lock m; unlock m}")[0].graphs.size() == 6);
  CHECK(all_of("3 x {lock m; unlock m}")[2].graphs.size() == 6);
  CHECK_FALSE(all_of("plain p; 2 x {lock m; W p = 1; unlock m}")[0].race);
  CHECK(all_of("plain p; lock m; W p = 1; unlock m || W p = 2")[0].race);
}

TEST_CASE("a_deadlock_is_blocked_and_not_complete") {
  const results found =
      all_of("lock m; lock k; unlock k; unlock m || lock k; lock m; unlock m; unlock k");
  CHECK(found[0].graphs.size() == 2);
  CHECK(found[0].blocked.size() == 1);
  CHECK(all_of("lock m || lock m")[0].graphs.empty());
}

TEST_CASE("a_mutex_is_unlocked_by_its_holder") {
  CHECK(all_of("unlock m")[0].failure);
  CHECK(all_of("lock m || unlock m")[0].failure);
  CHECK(all_of("lock m; unlock m; unlock m")[0].failure);
}

TEST_CASE("failures_and_cuts_are_told_and_their_graphs_not_counted") {
  const results failing = all_of("W x = 1 || require R x == 0");
  CHECK(failing[0].failure);
  CHECK(failing[0].graphs.size() == 1);
  CHECK_FALSE(all_of("W x = 1 || require R x < 2")[0].failure);
  const results cut = all_of("W x = 1 || while R x == 0 bound 1 {}");
  CHECK(cut[0].cut);
  CHECK(cut[0].graphs.size() == 2);
}

TEST_CASE("the_failure_order_of_an_exchange_counts") {
  CHECK(all_of("W x = 1; W.rel y = 2 || r = C(rlx, acq) y: 1 -> 3; if r == 2 {R x}")[0]
            .graphs.size() == 2);
  CHECK(all_of("W x = 1; W.rel y = 2 || r = C(acq, rlx) y: 1 -> 3; if r == 2 {R x}")[0]
            .graphs.size() == 3);
}

TEST_CASE("two_exchanges_do_not_read_the_same_write") {
  for (const brute_force::result& found : all_of("3 x {U x += 1}")) {
    CHECK(found.graphs.size() == 6);
    CHECK(found.outcomes.size() == 6);
    for (const brute_force::outcome& o : found.outcomes) CHECK(o.back() == 3);
  }
}

TEST_CASE("a_program_beyond_the_limits_has_no_result") {
  const litmus::program p = litmus::parse("6 x {U x += 1; U y += 1}", "test")[0];
  CHECK_FALSE(brute_force::enumerate(p, {100, 1000}).has_value());
  CHECK_FALSE(brute_force::enumerate(litmus::parse("3 x {W x = 1; W y = 1}", "test")[0], {100, 10})
                  .has_value());
  CHECK_FALSE(brute_force::enumerate(litmus::parse("repeat 80 {W x = 1}", "test")[0]).has_value());
}

TEST_CASE("sc_allows_less_than_iso_and_iso_less_than_rc11") {
  std::size_t weaker_than_sc = 0;
  std::size_t weaker_than_iso = 0;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const litmus::program p = litmus::random_program(seed);
    const auto [rc11, iso, sc] = all_of(p);
    INFO(litmus::print(p));
    REQUIRE(includes(iso.graphs, sc.graphs));
    REQUIRE(includes(rc11.graphs, iso.graphs));
    REQUIRE_FALSE(rc11.graphs.empty());
    weaker_than_sc += rc11.graphs.size() > sc.graphs.size() ? 1U : 0U;
    weaker_than_iso += rc11.graphs.size() > iso.graphs.size() ? 1U : 0U;
  }
  CHECK(weaker_than_sc > 250);
  CHECK(weaker_than_iso > 2);
}

TEST_CASE("weakening_an_order_loses_no_graph") {
  std::size_t gained = 0;
  for (std::uint64_t seed = 0; seed < 500; ++seed) {
    litmus::program p = litmus::random_program(seed, {true, false, true});
    std::vector<std::memory_order*> sites;
    for (litmus::thread& t : p.threads) collect(t.body, sites);
    if (sites.empty()) continue;
    const results before = all_of(p);
    *sites[seed % sites.size()] = std::memory_order_relaxed;
    const results after = all_of(p);
    INFO(litmus::print(p));
    for (std::size_t m = 0; m < 3; ++m) REQUIRE(includes(after[m].graphs, before[m].graphs));
    REQUIRE(after[2].graphs == before[2].graphs);
    gained += after[0].graphs.size() > before[0].graphs.size() ? 1U : 0U;
  }
  CHECK(gained > 20);
}

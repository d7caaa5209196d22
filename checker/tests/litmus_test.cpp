// SPDX-License-Identifier: MIT
// Litmus programs with known counts, on the explorer, in all three models.

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>

#include "../tools/litmus_program.hpp"
#include "../tools/notation.hpp"
#include "catch.hpp"
#include "oracles.hpp"

using namespace checker;

namespace {

statistics explore(const litmus::program& p, memory_model model) {
  options chosen;
  chosen.model = model;
  chosen.spurious_failures = 0;
  chosen.keep_going = true;
  chosen.remember_graphs = 1'000'000;
  litmus::litmus_program checked(p, p.name);
  exploration running(checked, chosen);
  return running.explore();
}

void check(const litmus::program& p, memory_model model,
           const std::optional<std::uint64_t>& count) {
  if (!count) return;
  const statistics found = explore(p, model);
  INFO(p.name << ", model " << static_cast<int>(model));
  CHECK(found.complete == *count);
  CHECK(found.duplicates == 0);
  CHECK(found.cut == 0);
  if (p.expected.race != true) CHECK(found.errors == 0);
}

// Checks the programs of a file; returns how many there were.
std::size_t check_file(const std::string& stem) {
  std::size_t checked = 0;
  for (const litmus::program& p : load_oracles(stem)) {
    check(p, memory_model::rc11, p.expected.rc11);
    check(p, memory_model::iso, p.expected.iso);
    check(p, memory_model::sc, p.expected.sc);
    if (p.expected.race == true) {
      const statistics found = explore(p, memory_model::rc11);
      INFO(p.name);
      CHECK((found.first && found.first->what == fault::data_race));
    }
    ++checked;
  }
  return checked;
}

statistics explore(const std::string& text, memory_model model = memory_model::rc11) {
  return explore(litmus::parse(text, "test")[0], model);
}

}  // namespace

TEST_CASE("every_litmus_test_has_its_count_in_every_model") { CHECK(check_file("litmus") >= 35); }

TEST_CASE("asymmetric_fences_have_their_counts") { CHECK(check_file("fences") >= 14); }

TEST_CASE("closed_forms_hold") { CHECK(check_file("closed_forms") >= 67); }

TEST_CASE("rings_have_their_counts") { CHECK(check_file("ring") >= 10); }

TEST_CASE("nine_updates_come_in_every_order") {
  CHECK(explore("9 x {U.rlx x += 1}").complete == 362'880);
}

TEST_CASE("what_a_loops_bound_cuts_is_told") {
  const statistics found = explore("W x = 1 || while R x == 0 bound 1 {}");
  CHECK(found.cut == 1);
  CHECK(found.complete == 2);
}

// A thread that is cut hides nothing of what the others do: the write comes after the loop.
TEST_CASE("what_an_assumption_excludes_and_what_a_bound_cuts_is_counted_apart") {
  const statistics excluded = explore("assume R x == 1 || W x = 1");
  CHECK(excluded.excluded == 1);
  CHECK(excluded.cut == 0);
  CHECK(excluded.complete == 1);
  CHECK(excluded.errors == 0);
  const statistics both =
      explore("assume R x == 1 || while R y == 0 bound 1 {} || W x = 1; W y = 1");
  CHECK(both.excluded == 2);  // the loop sees the write at once, or in its second turn
  CHECK(both.cut == 2);
  CHECK(both.complete == 2);
  const statistics cut = explore("while R x == 0 bound 1 {} || W x = 1");
  CHECK(cut.cut == 1);
  CHECK(cut.complete == 2);
}

TEST_CASE("a_program_that_fails_a_require_has_an_error") {
  const statistics found = explore("W x = 1 || require R x == 0");
  CHECK(found.errors == 1);
  CHECK(found.complete == 1);
  REQUIRE(found.first);
  CHECK(found.first->what == fault::assertion);
}

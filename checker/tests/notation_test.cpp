// SPDX-License-Identifier: MIT
// The litmus notation: what is read, what it means, what is rejected and where.

#include "../tools/notation.hpp"

#include <map>
#include <set>
#include <string>
#include <vector>

#include "../tools/interpreter.hpp"
#include "../tools/program.hpp"
#include "catch.hpp"
#include "oracles.hpp"
#include "random_programs.hpp"

using namespace checker;
using namespace checker::litmus;

namespace {

program one(const std::string& text, const parameters& given = {}) {
  std::vector<program> all = parse(text, "test.litmus", given);
  REQUIRE(all.size() == 1);
  return all[0];
}

// Two spellings of one program.
void check_same(const std::string& text, const std::string& in_full) {
  INFO(text);
  INFO(print(one(text)));
  CHECK(one(text) == one(in_full));
}

void check_rejected(const std::string& text, std::uint32_t line, std::uint32_t column,
                    const std::string& message) {
  INFO(text);
  try {
    parse(text, "test.litmus");
    FAIL("accepted");
  } catch (const notation_error& error) {
    CHECK(error.at().line == line);
    CHECK(error.at().column == column);
    INFO(error.what());
    CHECK(std::string(error.what()).find(message) != std::string::npos);
  }
}

// Memory in which every operation takes effect at once, with a log of what was done.
struct sequential_machine {
  struct exchanged {
    bool success;
    word old;
  };

  word load(std::uint32_t l, std::memory_order) { return note("R", l, memory[l]); }
  void store(std::uint32_t l, word v, std::memory_order) { note("W", l, memory[l] = v); }
  word fetch_add(std::uint32_t l, word v, std::memory_order) {
    const word old = memory[l];
    memory[l] += v;
    return note("U", l, old);
  }
  word exchange(std::uint32_t l, word v, std::memory_order) {
    const word old = memory[l];
    memory[l] = v;
    return note("X", l, old);
  }
  exchanged compare_exchange(std::uint32_t l, word expected, word desired, std::memory_order,
                             std::memory_order) {
    const word old = memory[l];
    if (old == expected) memory[l] = desired;
    note("C", l, old);
    return {old == expected, old};
  }
  void fence(std::memory_order) { log += "F "; }
  void light_fence() { log += "FL "; }
  void heavy_fence() { log += "FH "; }
  word plain_load(std::uint32_t l) { return note("PR", l, memory[l]); }
  void plain_store(std::uint32_t l, word v) { note("PW", l, memory[l] = v); }
  word choose(word n) { return note("choose", 0, n - 1); }
  void lock(std::uint32_t m) { note("lock", m, 0); }
  void unlock(std::uint32_t m) { note("unlock", m, 0); }
  void require(bool holds, std::uint32_t line) {
    if (!holds) log += "failed@" + std::to_string(line) + " ";
  }
  void exclude() { log += "excluded "; }
  void cut(std::uint32_t line) { log += "cut@" + std::to_string(line) + " "; }

  word note(const std::string& what, std::uint32_t l, word v) {
    log += what + std::to_string(l) + "=" + std::to_string(v) + " ";
    return v;
  }

  std::map<std::uint32_t, word> memory;
  std::string log;
};

// Runs the threads one after another; returns what they did.
std::string run(const std::string& text) {
  const program p = one(text);
  sequential_machine machine;
  for (std::uint32_t l = 0; l < p.locations.size(); ++l) machine.memory[l] = p.locations[l].initial;
  register_file registers;
  for (std::size_t t = 0; t < p.threads.size(); ++t) run_thread(p, t, machine, registers);
  return machine.log;
}

}  // namespace

TEST_CASE("an_operation_without_an_order_is_relaxed") {
  check_same("W x1; R x; U x; X x2; C x:1->2",
             "W.rlx x=1; R.rlx x; U.rlx x+=1; X.rlx x=2; C(rlx, fail rlx) x:1->2");
}

TEST_CASE("a_write_without_a_value_writes_one") {
  check_same("W.rel x || X y", "W.rel x=1 || X y=1");
}

TEST_CASE("digits_after_a_name_are_the_value_that_is_written") {
  check_same("W.rel x1 y12; X.sc z3", "W.rel x=1; W.rel y=12; X.sc z=3");
}

TEST_CASE("a_register_stands_before_an_operation_or_behind_an_arrow") {
  check_same("R.acq x -> r1; C x:0->1 -> old; W y=old", "r1 = R.acq x; old = C x:0->1; W y=old");
}

TEST_CASE("a_name_with_digits_is_a_location_if_it_is_read_anywhere") {
  const program p = one("W x1; W x2=5 || R x1; R x2");
  REQUIRE(p.locations.size() == 2);
  CHECK(p.locations[0].name == "x1");
  CHECK(p.locations[1].name == "x2");
}

TEST_CASE("lists_are_several_operations") {
  check_same("R.acq x,y,z || U x, y", "R.acq x; R.acq y; R.acq z || U x; U y");
  check_same("R x, R y || W.rel x1, y2", "R x; R y || W.rel x1; W.rel y2");
}

TEST_CASE("orders_have_short_and_long_names") {
  check_same("R.acquire x; W.release x1; F.acq_rel; F.seq_cst; R(relaxed) x",
             "R.acq x; W.rel x1; F.ar; F.sc; R.rlx x");
}

TEST_CASE("a_failure_order_is_given_or_is_the_load_half") {
  check_same("C(acq, fail rlx) y:1->3; C.acq,fail sc y:1->3",
             "C(acq, rlx) y:1->3; C(acq, sc) y:1->3");
  check_same("C.acq/rlx y:1->3; C(acq/sc) y:1->3", "C(acq, rlx) y:1->3; C(acq, sc) y:1->3");
  check_same("C.ar x:0->1; C.rel x:0->1; C.sc x:0->1; C.acq x:0->1",
             "C(ar, acq) x:0->1; C(rel, rlx) x:0->1; C(sc, sc) x:0->1; C(acq, acq) x:0->1");
}

TEST_CASE("copies_of_a_thread_and_threads_joined_by_plus_or_and") {
  check_same("W.rel x + 2 x R.acq x", "W.rel x || R.acq x || R.acq x");
  check_same("W.rel x=2 and 2 x C x:2->3", "W.rel x=2 || C x:2->3 || C x:2->3");
  check_same("2 x (R.rlx x; W.rel x)", "R x; W.rel x || R x; W.rel x");
  check_same("2 × U x", "U x || U x");
  check_same("n = 1\nn+1 writers W.rel x + one R.acq x", "W.rel x || W.rel x || R.acq x");
  check_same("W x=2 + 2 x R x", "W x=2 || R x || R x");
}

TEST_CASE("a_plus_sign_after_a_value_adds_unless_a_thread_must_follow") {
  CHECK(one("W x=R y + R z").threads.size() == 1);
  CHECK(one("W x=2 + W y").threads.size() == 2);
  CHECK(one("R y + R z").threads.size() == 2);
}

TEST_CASE("copies_are_numbered_from_one") {
  check_same("array a[0..2]; 2 x W.rel a[j] = R.acq a[j-1] + 1",
             "array a[3]; W.rel a[1] = R.acq a[0] + 1 || W.rel a[2] = R.acq a[1] + 1");
  check_same("thread i = 1..2: C.rlx x: i-1 -> i", "C.rlx x:0->1 || C.rlx x:1->2");
}

TEST_CASE("parameters_are_given_by_the_text_or_by_the_caller") {
  CHECK(one("n = 3\nn x U x").threads.size() == 3);
  CHECK(one("let n = 3; n x U x").threads.size() == 3);
  CHECK(one("let count = 3\ncount x U x", {{"count", 5}}).threads.size() == 5);
  CHECK(one("n x U x", {{"n", 2}}).threads.size() == 2);
}

TEST_CASE("initial_values") {
  const program p = one("init x=1 y=2, z=w=3\narray a[2] = 7\ninit a[1]=8\nR x");
  REQUIRE(p.locations.size() == 6);
  CHECK(p.locations[1].initial == 2);
  CHECK(p.locations[3].initial == 3);
  CHECK(p.locations[4].initial == 7);
  CHECK(p.locations[5].initial == 8);
  check_same("x=y=1; T1 R x, T2 R y", "init x=1 y=1; R x || R y");
  check_same("x=1; y=2; T1: R x\nT2: R y", "init x=1 y=2; R x || R y");
}

TEST_CASE("an_assignment_to_a_location_writes_and_one_to_a_register_does_not") {
  check_same("x=1; W.rel y1 || if R.acq y>1: x=2",
             "W.rlx x=1; W.rel y=1 || if R.acq y > 1 {W x=2}");
  check_same("a = R x; W y=a", "reg a = R x; W y=a");
  check_same("r1 = 5; W y=r1", "reg r1 = 5; W y=r1");
  check_same("x = R y || R x", "W x=R y || R x");
  check_same("x = x + y || R x; R y", "W x=R x + R y || R x; R y");
}

TEST_CASE("an_order_list_goes_for_the_assignments_of_threads_joined_by_commas") {
  check_same("x=y=1; T1 2 times x=x+y, T2 2 times y=x+y (R.acq, R.acq, W.rel), T3 R x, R y",
             "init x=1 y=1; repeat 2 {W.rel x=R.acq x + R.acq y} || "
             "repeat 2 {W.rel y=R.acq x + R.acq y} || R.acq x; R.acq y");
  check_same("x=y || y=x (R.acq, W.rel) || R x; R y", "W x=R y || W.rel y=R.acq x || R x; R y");
}

TEST_CASE("plain_locations") {
  const program p = one("x=1 plain; W.rel y1 || if R.acq y read x plain");
  CHECK(p.locations[0].plain);
  CHECK_FALSE(p.locations[1].plain);
  check_same("x=1 plain; W.rel y1 || if R.acq y read x plain",
             "plain x\nW.plain x1; W.rel y1 || if R.acq y {R.na x}");
}

TEST_CASE("an_unbraced_body_is_one_statement") {
  check_same("if R x: W y; W z", "if R x {W y}; W z");
  check_same("if R x: W y; else W z", "if R x {W y} else {W z}");
  check_same("if R.rlx x==2 {F.acq; R.sc y} || R x", "if (R x == 2) {F.acq; R.sc y} || R x");
}

TEST_CASE("newlines_separate_statements_and_comments_are_ignored") {
  check_same("W x1 # a comment || R z\nW y2 // another\n|| R x", "W x1; W y2 || R x");
  check_same("T1:\n W x1\n W y2\nT2:\n R x", "W x1; W y2 || R x");
}

TEST_CASE("several_programs_and_expectations") {
  const std::vector<program> all = parse(
      "name: first one\nexpect rc11 4 sc 3 iso 2 no race\nR x\n\nname: second\nexpect 7 (5), race\n"
      "R x || R y\nexpect failure outcomes 6\n",
      "test.litmus");
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "first one");
  CHECK(all[0].expected.rc11 == 4);
  CHECK(all[0].expected.sc == 3);
  CHECK(all[0].expected.iso == 2);
  CHECK(all[0].expected.race == false);
  CHECK_FALSE(all[0].expected.failure.has_value());
  CHECK(all[1].expected.rc11 == 7);
  CHECK(all[1].expected.sc == 5);
  CHECK(all[1].expected.race == true);
  CHECK(all[1].expected.failure == true);
  CHECK(all[1].expected.outcomes == 6);
  CHECK(one("R x").name == "test");
}

TEST_CASE("rows_of_tables_are_programs") {
  const std::vector<program> all = parse(
      "| name | program | count |\n|---|---|---|\n"
      "| SB | W.rel x1; R.acq y || W.rel y1; R.acq x | 4 (3) |\n"
      "| fib | R x || R y | 525,630 (218,243) |\n| MP | R x | 2, no race |\n",
      "test.litmus");
  REQUIRE(all.size() == 3);
  CHECK(all[0].name == "SB");
  CHECK(all[0].threads.size() == 2);
  CHECK(all[0].expected.rc11 == 4);
  CHECK(all[0].expected.sc == 3);
  CHECK(all[1].expected.rc11 == 525630);
  CHECK(all[1].expected.sc == 218243);
  CHECK(all[2].expected.rc11 == 2);
  CHECK(all[2].expected.race == false);
}

TEST_CASE("errors_tell_where_and_what_was_expected") {
  check_rejected("W x1;\nR.rel x", 2, 3, "expected an order of a read");
  check_rejected("W.acq x1", 1, 3, "expected an order of a write");
  check_rejected("R.foo x", 1, 3, "expected an order (rlx, acq, rel, ar or sc), found 'foo'");
  check_rejected("C(acq, fail rel) x:0->1", 1, 13, "expected a failure order");
  check_rejected("C x:0 1", 1, 7, "expected '->', found '1'");
  check_rejected("F", 1, 2, "expected '.', found the end of the program");
  check_rejected("R x R y", 1, 5, "expected ';', '||' or the end of the program, found 'R'");
  check_rejected("R x ||", 1, 7, "expected a statement, found the end of the program");
  check_rejected("if R x {W y", 1, 12, "expected '}'");
  check_rejected("the same, all seq_cst", 1, 1, "expected a statement, found 'the'");
  check_rejected("W x=r1", 1, 5, "expected a register to which this thread has assigned before");
  check_rejected("n x U x", 1, 1, "'n' has no value");
  check_rejected("3 x R x; R y", 1, 10,
                 "several statements of a copied thread stand in parentheses");
  check_rejected("R a[0]", 1, 3, "expected an array");
  check_rejected("array a[2]; R a[2]", 1, 15, "expected an index in the array's range");
  check_rejected("x=1 plain || R.acq x", 1, 14, "'x' is plain");
  check_rejected("x=1 plain || U x", 1, 14, "'x', which is plain");
  check_rejected("while R x {W y}", 1, 11, "expected 'bound'");
  check_rejected("R x $", 1, 5, "found the character '$'");
  check_rejected("W x=99999999999999999999", 1, 5, "64 bits");
  check_rejected("choose(0)", 1, 1, "at least one alternative");
  check_rejected("expect rc 4\nR x", 1, 8, "expected a number, 'rc11'");
  check_rejected("# nothing\n", 1, 1, "expected a program");
  check_rejected("name: a\nname: b\nR x", 2, 1, "expected a thread");
  check_rejected("| a | R.rel x | 3 |", 1, 9, "expected an order of a read");
}

TEST_CASE("operands_are_evaluated_from_left_to_right_after_the_place") {
  CHECK(run("init x=1 y=2\narray a[4]\nW a[R x] = R y + R x") == "R0=1 R1=2 R0=1 W3=3 ");
  CHECK(run("init x=3 y=4\nC x: R x -> R y") == "R0=3 R1=4 C0=3 ");
}

TEST_CASE("logical_operators_evaluate_the_right_operand_only_if_needed") {
  CHECK(run("init x=0 y=1\nr = (R x && R y); r = (R y || R x)") == "R0=0 R1=1 ");
}

TEST_CASE("arithmetic_wraps_and_comparisons_are_unsigned") {
  CHECK(run("W x=2 - 3; if R x > 5: W y=7*6/4%4") ==
        "W0=18446744073709551615 R0=18446744073709551615 W1=2 ");
}

TEST_CASE("it_is_what_was_read_last") {
  CHECK(run("init y=2\nC y:1->3; if it read 2: W x7; if it failed: W x8; if it succeeded: W x9") ==
        "C0=2 W1=7 W1=8 ");
  CHECK(run("init x=4\nU x; W y=it") == "U0=4 W1=4 ");
}

TEST_CASE("a_compare_and_swap_as_a_condition_is_its_success") {
  CHECK(run("if C x:0->1: W y2") == "C0=0 W1=2 ");
  CHECK(run("if !C x:5->1: W y2") == "C0=0 W1=2 ");
  CHECK(run("init x=5\nr1 = C x:5->1; W y=r1") == "C0=5 W1=5 ");
  CHECK(run("init x=5\nif C x:4->1 == 5: W y2") == "C0=5 W1=2 ");
}

TEST_CASE("loops") {
  CHECK(run("3 times U x") == "U0=0 U0=1 U0=2 ");
  CHECK(run("for i = 2..3 {W x=i}") == "W0=2 W0=3 ");
  CHECK(run("for i in 2 to 3: W x=i") == "W0=2 W0=3 ");
  CHECK(run("for i = 3..2 {W x=i}; R x") == "R0=0 ");
  CHECK(run("init x=2\nwhile R x bound 5 {U x-=1}") == "R0=2 U0=2 R0=1 U0=1 R0=0 ");
  CHECK(run("array a[0..2] = 1\ninit a[0]=0\ni = 2 down while R a[i] != 0; W y=i") ==
        "R2=1 R1=1 R0=0 W3=0 ");
}

TEST_CASE("a_loop_that_would_go_on_beyond_its_bound_is_cut") {
  CHECK(run("init x=1\nwhile R x bound 2 {W y1}\nR y") == "R0=1 W1=1 R0=1 W1=1 R0=1 cut@2 ");
  CHECK(run("array a[0..1] = 1\ni = 1 down while R a[i]; W y") == "R1=1 R0=1 cut@2 ");
}

TEST_CASE("a_failed_requirement_ends_the_thread") {
  CHECK(run("require(R x == 0)\nrequire R x == 1\nR x || R y") == "R0=0 R0=0 failed@2 R1=0 ");
  CHECK(run("array a[2]; init y=2\nW a[R y] = R y; R y") == "R2=2 failed@2 ");
  CHECK(run("W x=1 / R y; R x") == "R1=0 failed@1 ");
}

TEST_CASE("an_assumption_that_does_not_hold_ends_the_thread") {
  CHECK(run("assume(R x == 0)\nassume R x == 1\nR y") == "R0=0 R0=0 excluded ");
}

TEST_CASE("everything_else_reaches_the_machine") {
  CHECK(run("F.light; F.heavy; F.ar; r = choose(3); W x=r; lock m; unlock m") ==
        "FL FH F choose0=2 W0=2 lock0=0 unlock0=0 ");
  CHECK(run("plain p=3\nread p; p = 4; U x+=5; X x=2") == "PR0=3 PW0=4 U1=0 X1=5 ");
}

TEST_CASE("registers_have_names_and_reads_without_one_are_numbered") {
  const program p = one("r1 = R x; R y; R z");
  CHECK(p.threads[0].registers == std::vector<std::string>{"it", "ok", "r1", "#1", "#2"});
}

TEST_CASE("random_programs_survive_printing_and_reading") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    const program p = random_program(seed);
    INFO(print(p));
    REQUIRE(one(print(p)) == p);
  }
}

TEST_CASE("oracle_programs_survive_printing_and_reading") {
  for (const std::string stem : {"litmus", "fences", "closed_forms", "large", "ring"}) {
    for (const program& p : load_oracles(stem)) {
      INFO(print(p));
      CHECK(one(print(p)) == p);
    }
  }
}

TEST_CASE("programs_that_differ_are_not_equal") {
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    program p = random_program(seed);
    p.name.clear();
    texts.insert(print(p));
  }
  CHECK(texts.size() > 990);
  CHECK_FALSE(one("R.acq x") == one("R.rlx x"));
  CHECK_FALSE(one("C(acq, rlx) x:0->1") == one("C(acq, acq) x:0->1"));
}

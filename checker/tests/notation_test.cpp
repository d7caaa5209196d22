// SPDX-License-Identifier: MIT
// The litmus notation: what is read, and what is rejected, where and with which words.

#include "../tools/notation.hpp"

#include <cstddef>
#include <string>
#include <vector>

#include "../tools/program.hpp"
#include "catch.hpp"

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

std::string rejection(const std::string& text) {
  try {
    parse(text, "t");
  } catch (const notation_error& error) {
    return error.what();
  }
  return "accepted";
}

}  // namespace

// ---- operations ----

TEST_CASE("an_operation_without_an_order_is_relaxed") {
  check_same("W x = 1; R x; U x += 1; X x = 2; C x: 1 -> 2",
             "W.rlx x = 1; R.rlx x; U.rlx x += 1; X.rlx x = 2; C(rlx, rlx) x: 1 -> 2");
}

TEST_CASE("an_operation_has_the_order_that_is_written") {
  const program p =
      one("R.acq x; W.rel x = 1; U.ar x += 1; X.sc x = 1; C(ar, acq) x: 0 -> 1; F.ar");
  const std::vector<statement>& s = p.threads[0].body;
  CHECK(s[0].value.order == std::memory_order_acquire);
  CHECK(s[1].order == std::memory_order_release);
  CHECK(s[2].value.order == std::memory_order_acq_rel);
  CHECK(s[3].value.order == std::memory_order_seq_cst);
  CHECK(s[4].value.order == std::memory_order_acq_rel);
  CHECK(s[4].value.failure_order == std::memory_order_acquire);
  CHECK(s[5].order == std::memory_order_acq_rel);
}

TEST_CASE("orders_that_an_operation_cannot_have_are_rejected") {
  CHECK(rejection("W x = 1;\nR.rel x") ==
        "t:2:3: expected an order of R (rlx, acq or sc), found 'rel'");
  CHECK(rejection("R.ar x") == "t:1:3: expected an order of R (rlx, acq or sc), found 'ar'");
  CHECK(rejection("W.acq x = 1") == "t:1:3: expected an order of W (rlx, rel or sc), found 'acq'");
  CHECK(rejection("U.acquire x += 1") ==
        "t:1:3: expected an order of U (rlx, acq, rel, ar or sc), found 'acquire'");
  CHECK(rejection("C(acq, rel) x: 0 -> 1") ==
        "t:1:8: expected an order of the failure of C (rlx, acq or sc), found 'rel'");
  CHECK(rejection("F.full") ==
        "t:1:3: expected an order of F (acq, rel, ar, sc, light or heavy), found 'full'");
  CHECK(rejection("F") == "t:1:2: expected '.', found the end of the program");
}

TEST_CASE("what_is_written_is_always_said") {
  CHECK(rejection("W.rel x1; R x") == "t:1:9: W x1 needs a value: W x1 = ..");
  CHECK(rejection("U x") == "t:1:4: U x needs a value: U x += ..");
  CHECK(rejection("X.ar x || R x") == "t:1:8: X x needs a value: X x = ..");
  CHECK(rejection("array a[2]\ni = 1; W a[i]\n") == "t:2:14: W a[..] needs a value: W a[..] = ..");
  CHECK(rejection("C x") == "t:1:4: expected ':', found the end of the program");
  CHECK(rejection("C x: 0 1") == "t:1:8: expected '->', found '1'");
  CHECK(rejection("W x =\nR y") == "t:1:6: expected a value, found the end of the line");
}

TEST_CASE("a_compare_and_swap_has_two_orders_or_none") {
  CHECK(rejection("C.acq x: 0 -> 1") ==
        "t:1:2: expected the orders of success and of failure: C(acq, rlx) x: .. -> .., found '.'");
  CHECK(rejection("C(acq) x: 0 -> 1") == "t:1:6: expected ',', found ')'");
  CHECK(rejection("C(acq, fail rlx) x: 0 -> 1") ==
        "t:1:8: expected an order of the failure of C (rlx, acq or sc), found 'fail'");
  CHECK(rejection("R(acq) x") == "t:1:2: expected '.', found '('");
}

TEST_CASE("one_operation_has_one_place") {
  CHECK(rejection("R x, y") ==
        "t:1:4: expected ';', a new line, '||' or the end of the program, found ','");
  CHECK(rejection("R 5") == "t:1:3: expected a location, found '5'");
  CHECK(rejection("R if") == "t:1:3: expected a name, found 'if', which means something else");
}

// ---- names ----

TEST_CASE("digits_belong_to_names") {
  const program p = one("W x1 = 1; W x2 = 5 || R x1");
  REQUIRE(p.locations.size() == 2);
  CHECK(p.locations[0].name == "x1");
  CHECK(p.locations[1].name == "x2");
}

TEST_CASE("an_operation_touches_a_location_and_an_assignment_a_register") {
  const program p = one("a = R x; W y = a + 1");
  CHECK(p.locations.size() == 2);
  CHECK(p.threads[0].registers == std::vector<std::string>{"a"});
  CHECK(p.threads[0].body[1].value.operands[0].kind == expression_kind::reg);
}

TEST_CASE("values_that_no_register_takes_are_numbered") {
  const program p = one("r1 = R x; R y; R z; choose(2); U x += 1 || R x");
  CHECK(p.threads[0].registers == std::vector<std::string>{"r1", "#1", "#2", "#3", "#4"});
  CHECK(p.threads[1].registers == std::vector<std::string>{"#1"});
}

TEST_CASE("a_name_means_one_thing_in_all_of_a_program") {
  CHECK(rejection("R x\nx = 1") == "t:2:1: 'x' is a location (line 1): W x = .. writes it");
  CHECK(rejection("R x\nif x == 1 {}") == "t:2:4: 'x' is a location (line 1): R x reads it");
  CHECK(rejection("r = 1\n||\nR r") ==
        "t:3:3: 'r' is a register (line 1): a location is needed here");
  CHECK(rejection("let n = 1\nR n") ==
        "t:2:3: 'n' is a number (line 1): a location is needed here");
  CHECK(rejection("let n = 1\nn = 2") ==
        "t:2:1: 'n' is a number (line 1): a register needs another name");
  CHECK(rejection("array a[2]\nW x = a") == "t:2:7: 'a' is an array (line 1): R a reads it");
  CHECK(rejection("mutex m\nW x = m") == "t:2:7: 'm' is a mutex (line 1): it has no value");
  CHECK(rejection("R x\nlock x") ==
        "t:2:6: 'x' is a location (line 1): a mutex needs another name");
  CHECK(rejection("lock m\nR m") == "t:2:3: 'm' is a mutex (line 1): a location is needed here");
  CHECK(rejection("init x = 1\nplain x\nR x") ==
        "t:2:7: 'x' is a location (line 1): a declaration needs a new name");
  CHECK(rejection("let n = 1\nlet n = 2\nR x") ==
        "t:2:5: 'n' is a number (line 1): a declaration needs a new name");
  CHECK(rejection("choose = 1") == "t:1:8: expected '(', found '='");
  CHECK(rejection("copy = 1") ==
        "t:1:1: expected a name, found 'copy', which means something else");
}

TEST_CASE("a_register_is_read_where_its_thread_has_assigned_to_it") {
  CHECK(rejection("W x = r") ==
        "t:1:7: nothing has been assigned to 'r' here (if it is a location: R r reads it)");
  CHECK(rejection("r = 1 ||\nW x = r") ==
        "t:2:7: nothing has been assigned to 'r' here (if it is a location: R r reads it)");
  CHECK(rejection("r = r + 1") ==
        "t:1:5: nothing has been assigned to 'r' here (if it is a location: R r reads it)");
}

TEST_CASE("a_thread_has_so_many_registers") {
  std::string text;
  for (std::size_t i = 0; i != max_registers; ++i) text += "R x\n";
  CHECK(one(text).threads[0].registers.size() == max_registers);
  CHECK(rejection(text + "R x") ==
        "t:65:1: expected at most 64 registers and reads without one in a thread");
}

// ---- declarations ----

TEST_CASE("initial_values") {
  const program p = one("init x = 1\narray a[2]; init a[1] = 8\nplain p\ninit p = 4\nR x");
  REQUIRE(p.locations.size() == 4);
  CHECK(p.locations[0].initial == 1);
  CHECK(p.locations[1].initial == 0);
  CHECK(p.locations[2].initial == 8);
  CHECK(p.locations[3].initial == 4);
  CHECK(rejection("init x\nR x") == "t:1:7: expected '=', found the end of the line");
  CHECK(rejection("init x = R y\nR x") ==
        "t:1:10: expected an initial value: a number, or what is calculated from numbers");
  CHECK(rejection("init x = 1 y = 2\nR x") ==
        "t:1:12: expected ';' or a new line after a declaration, found 'y'");
}

TEST_CASE("plain_locations") {
  const program p = one("plain x; plain array a[2]\nW x = R y || R a[1]");
  CHECK(p.locations[0].plain);
  CHECK(p.locations[1].plain);
  CHECK(p.locations[2].plain);
  CHECK_FALSE(p.locations[3].plain);
  CHECK(p.threads[0].body[0].plain);
  CHECK(p.threads[1].body[0].value.plain);
  CHECK(rejection("plain x\nR.acq x") == "t:2:1: 'x' is plain: its accesses have no order");
  CHECK(rejection("plain x\nR y; W.rlx x = 1") ==
        "t:2:6: 'x' is plain: its accesses have no order");
  CHECK(rejection("plain x\nU x += 1") == "t:2:1: 'x' is plain: only R and W access it");
}

TEST_CASE("arrays") {
  check_same("array a[4]\nW a[1 + 1] = R a[0]", "array a[4]\nW a[2] = R a[0]");
  CHECK(one("array a[4]\nR x\ni = 1; R a[i]").threads[0].body[2].value.where.extent == 4);
  CHECK(rejection("R a[0]") ==
        "t:1:3: 'a' is no array: array a[4] before the threads makes it one");
  CHECK(rejection("array a[2]\nR a") ==
        "t:2:4: expected '[' after the name of an array, found the end of the program");
  CHECK(rejection("array a[2]\nR a[2]") == "t:2:3: expected an index below 2");
  CHECK(rejection("array a[2]\ninit a[2] = 1\nR x") == "t:2:8: expected an index below 2");
  CHECK(rejection("array a[0]\nR x") == "t:1:9: expected 1 to 65536 elements");
  CHECK(rejection("array a[65537]\nR x") == "t:1:9: expected 1 to 65536 elements");
}

TEST_CASE("numbers_are_given_by_the_text_or_by_the_caller") {
  CHECK(one("let n = 3\nn x {U x += 1}").threads.size() == 3);
  CHECK(one("let n = 2; let m = n * 2 - 1\n(m + 1) x {U x += 1}").threads.size() == 4);
  CHECK(one("let n = 3\nn x {U x += 1}", {{"n", 5}}).threads.size() == 5);
  CHECK(one("n x {U x += 1}", {{"n", 2}}).threads.size() == 2);
  CHECK(rejection("n x {U x += 1}") ==
        "t:1:1: 'n' has no value: let n = 3 before the threads gives it one");
  CHECK(rejection("let n = x\nR x") ==
        "t:1:9: nothing has been assigned to 'x' here (if it is a location: R x reads it)");
}

TEST_CASE("mutexes") {
  CHECK(one("mutex k; mutex m\nlock m; unlock m").mutexes == std::vector<std::string>{"k", "m"});
  CHECK(one("lock m; lock k").mutexes == std::vector<std::string>{"m", "k"});
  CHECK(rejection("lock (m)") == "t:1:6: expected the name of a mutex, found '('");
}

TEST_CASE("expectations") {
  const program p = one("expect rc11 4 sc 3 iso 2 no race\nexpect failure outcomes 6\nR x");
  CHECK(p.expected.rc11 == 4);
  CHECK(p.expected.sc == 3);
  CHECK(p.expected.iso == 2);
  CHECK(p.expected.outcomes == 6);
  CHECK(p.expected.race == false);
  CHECK(p.expected.failure == true);
  CHECK_FALSE(one("expect race\nR x").expected.failure.has_value());
  CHECK(rejection("expect 4\nR x") ==
        "t:1:8: expected 'rc11', 'iso', 'sc', 'outcomes', 'race' or 'failure', found '4'");
  CHECK(rejection("expect rc11\nR x") == "t:1:12: expected a number, found the end of the line");
}

TEST_CASE("declarations_stand_before_the_threads") {
  for (const std::string name : {"let", "init", "plain", "array", "mutex", "expect"}) {
    CHECK(rejection("R x\n" + name + " y") ==
          "t:2:1: expected a statement: declarations stand before the threads");
  }
  CHECK(rejection("init x = 1") == "t:1:11: expected a thread, found the end of the program");
}

// ---- threads ----

TEST_CASE("bars_separate_threads") {
  CHECK(one("R x || R y ||\nR z\n|| R x\n||\nR y\n").threads.size() == 5);
  CHECK(rejection("R x ||") == "t:1:7: expected a statement, found the end of the program");
  CHECK(rejection("|| R x") == "t:1:1: expected a statement, found '||'");
  CHECK(rejection("R x }") ==
        "t:1:5: expected ';', a new line, '||' or the end of the program, found '}'");
}

TEST_CASE("copies_are_numbered_from_one") {
  check_same("array a[3]; 2 x {W.rel a[copy] = R.acq a[copy - 1] + 1}",
             "array a[3]; W.rel a[1] = R.acq a[0] + 1 || W.rel a[2] = R.acq a[1] + 1");
  check_same("W x = 1 || 2 x {\n  R x\n  R y\n}\n|| R z", "W x = 1 || R x; R y || R x; R y || R z");
  CHECK(rejection("R x; W y = copy") ==
        "t:1:12: 'copy' is the number of a copy: it stands in n x {..} only");
  CHECK(rejection("2 x {R x} || W y = copy") ==
        "t:1:20: 'copy' is the number of a copy: it stands in n x {..} only");
  CHECK(rejection("array a[2]\n3 x {R a[copy]}") == "t:2:8: expected an index below 2");
  CHECK(rejection("3 x R x") == "t:1:5: expected '{', found 'R'");
  CHECK(rejection("3 times R x") == "t:1:3: expected 'x' and the thread, in braces, found 'times'");
  CHECK(rejection("0 x {R x}") == "t:1:1: expected 1 to 64 copies");
  CHECK(rejection("65 x {R x}") == "t:1:1: expected 1 to 64 copies");
  CHECK(rejection("2 x {}") == "t:1:7: expected a statement, found the end of the program");
  CHECK(rejection("R x; 2 x {R x}") == "t:1:6: expected '||' before copies of a thread, found '2'");
  CHECK(rejection("2 x {R x}; R y") ==
        "t:1:12: expected ';', a new line, '||' or the end of the program, found 'R'");
}

// ---- statements ----

TEST_CASE("a_semicolon_or_a_new_line_ends_a_statement") {
  check_same("W x = 1 # a comment || R z\n\n;;W y = 2 // another\n|| R x",
             "W x = 1; W y = 2 || R x");
  check_same("if (R x == 1\n    && R y == 1) {\nR z\n}", "if R x == 1 && R y == 1 {R z}");
  CHECK(rejection("R x R y") ==
        "t:1:5: expected ';', a new line, '||' or the end of the program, found 'R'");
  CHECK(rejection("W x = 1\n+ 2") == "t:2:1: expected a statement, found '+'");
}

TEST_CASE("bodies_stand_in_braces") {
  check_same("if R x {W y = 1; W z = 1} else {W z = 2}",
             "if R x {\n  W y = 1\n  W z = 1\n}\nelse {\n  W z = 2;\n}\n");
  check_same("if R x {}; R y", "if R x {\n}\nR y");
  CHECK(rejection("if R x: W y = 1") == "t:1:7: expected '{', found ':'");
  CHECK(rejection("if R x {R y} else R z") == "t:1:19: expected '{', found 'R'");
  CHECK(rejection("if R x {W y = 1") ==
        "t:1:16: expected ';', a new line or '}', found the end of the program");
  CHECK(rejection("if R x {R y || R z}") == "t:1:13: expected ';', a new line or '}', found '||'");
  CHECK(rejection("while R x {W y = 1}") == "t:1:11: expected 'bound', found '{'");
  CHECK(
      rejection("while R x bound R y {}") ==
      "t:1:17: expected the largest number of turns: a number, or what is calculated from numbers");
  CHECK(rejection("for i = 1 {}") == "t:1:11: expected '..', found '{'");
  CHECK(rejection("for 3 = 1..2 {}") == "t:1:5: expected a register, found '3'");
}

TEST_CASE("what_is_no_statement_is_told") {
  CHECK(rejection("the same, all seq_cst") == "t:1:1: expected a statement, found 'the'");
  CHECK(rejection("R x; read y") == "t:1:6: expected a statement: write R x");
  CHECK(rejection("assert R x") == "t:1:1: expected a statement: write require E");
  CHECK(rejection("reg v = 1") == "t:1:1: expected a statement: write r = E");
  CHECK(rejection("thread:\n  R x") == "t:1:1: expected a statement: || separates threads");
  CHECK(rejection("R x $") == "t:1:5: expected a statement, found the character '$'");
  CHECK(rejection("R x ∥ R y") == "t:1:5: expected a statement, found the character '∥'");
  CHECK(rejection("R x é") == "t:1:5: expected a statement, found the character 'é'");
  CHECK(rejection("W x = # é") == "t:1:10: expected a value, found the end of the program");
}

// ---- expressions ----

TEST_CASE("operators_bind_as_in_c") {
  check_same("r = R a + R b * R c - R d", "r = (R a + (R b * R c)) - R d");
  check_same("r = R a == R b + 1 && !R c", "r = (R a == (R b + 1)) && (!R c)");
  check_same("r = (R a && R b || R c && R d)", "r = ((R a && R b) || (R c && R d))");
  check_same("r = R a / R b % R c", "r = (R a / R b) % R c");
  check_same("r = R a < R b == R c", "r = (R a < R b) == R c");
  check_same("r = R a && R b == R c", "r = R a && (R b == R c)");
  check_same("r = -R a + 1", "r = (0 - R a) + 1");
}

TEST_CASE("what_an_operation_writes_is_a_sum") {
  check_same("r = U x += 1 + 2 == 3", "r = (U x += 3) == 3");
  check_same("r = X x = R y * 2 == 3", "r = (X x = (R y * 2)) == 3");
  check_same("r = C x: 1 + 1 -> R y + 1 == 3", "r = (C x: 2 -> (R y + 1)) == 3");
  CHECK_FALSE(one("r = (U x += 1) + 2") == one("r = U x += 1 + 2"));
}

TEST_CASE("calculations_with_numbers_are_done_at_once") {
  check_same("let n = 7\nW x = (n * 2 - 4) / 3 % 2", "W x = 1");
  CHECK(one("W x = 1 / 0").threads[0].body[0].value.kind == expression_kind::divide);
}

TEST_CASE("errors_in_expressions") {
  CHECK(rejection("W x = ") == "t:1:7: expected a value, found the end of the program");
  CHECK(rejection("W x = (1 + 2") == "t:1:13: expected ')', found the end of the program");
  CHECK(rejection("W x = F.sc") == "t:1:7: expected a value, which W and F have not, found 'F'");
  CHECK(rejection("W x = 99999999999999999999") == "t:1:7: expected a number of at most 64 bits");
  CHECK(one("W x = 18446744073709551615").threads[0].body[0].value.value == ~word{0});
  CHECK(rejection("choose(0)") == "t:1:8: expected a number of alternatives, at least one");
  CHECK(rejection("r = choose(R x)") == "t:1:12: expected a number of alternatives, at least one");
}

TEST_CASE("what_would_exhaust_the_stack_is_rejected") {
  const std::string many(100'000, '(');
  CHECK(rejection("W x = " + many) == "t:1:407: expected a shorter expression");
  CHECK(rejection("W x = " + std::string(100'000, '!')) ==
        "t:1:207: expected a shorter expression");
  std::string sum = "W x = R x";
  for (int i = 0; i != 200; ++i) sum += "+R x";
  CHECK(rejection(sum) == "t:1:807: expected a shorter expression");
  std::string blocks;
  for (int i = 0; i != 100'000; ++i) blocks += "repeat 1 {";
  CHECK(rejection(blocks) == "t:1:510: expected at most 50 blocks within each other");
  std::string updates, loops;
  for (int i = 0; i != 60; ++i) {
    updates += "U x += R x + R x + R x + R x\n";
    loops += "repeat 1 {}\n";
  }
  CHECK(one(updates + loops).threads[0].body.size() == 120);
}

// ---- files ----

TEST_CASE("a_file_has_several_programs_or_one") {
  const std::vector<program> all =
      parse("# both\nname: first one\nR x\n\nname:second, |≠| \nR x || R y\n", "a/b.c.litmus");
  REQUIRE(all.size() == 2);
  CHECK(all[0].name == "first one");
  CHECK(all[1].name == "second, |≠|");
  CHECK(all[1].threads.size() == 2);
  CHECK(parse("R x", "a/b.c.litmus")[0].name == "b.c");
  CHECK(rejection("# nothing\n") == "t:1:1: expected a program");
  CHECK(rejection("name: a\nname: b\nR x") ==
        "t:2:1: expected a thread, found the end of the program");
  CHECK(rejection("R x\nname: b\nR x") ==
        "t:1:1: expected 'name: ..' before the first program, found 'R'");
  CHECK(rejection("name: a\nR x\nname: b\nR.rel x") ==
        "t:4:3: expected an order of R (rlx, acq or sc), found 'rel'");
}

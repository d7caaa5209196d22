// SPDX-License-Identifier: MIT
// What a litmus program does, one thread after another.

#include "../tools/interpreter.hpp"

#include <cstddef>
#include <cstdint>
#include <map>
#include <string>

#include "../tools/notation.hpp"
#include "catch.hpp"

using namespace checker;
using namespace checker::litmus;

namespace {

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
  const program p = parse(text, "test")[0];
  sequential_machine machine;
  for (std::uint32_t l = 0; l < p.locations.size(); ++l) machine.memory[l] = p.locations[l].initial;
  register_file registers;
  for (std::size_t t = 0; t < p.threads.size(); ++t) run_thread(p, t, machine, registers);
  return machine.log;
}

}  // namespace

TEST_CASE("operands_are_evaluated_from_left_to_right_after_the_place") {
  CHECK(run("init x = 1; init y = 2\narray a[4]\nW a[R x] = R y + R x") == "R0=1 R1=2 R0=1 W3=3 ");
  CHECK(run("init x = 3; init y = 4\nC x: R x -> R y") == "R0=3 R1=4 C0=3 ");
}

TEST_CASE("logical_operators_evaluate_the_right_operand_only_if_needed") {
  CHECK(run("init x = 0; init y = 1\nr = (R x && R y); r = (R y || R x)") == "R0=0 R1=1 ");
}

TEST_CASE("arithmetic_wraps_and_comparisons_are_unsigned") {
  CHECK(run("W x = 2 - 3; if R x > 5 {W y = 7 * 6 / 4 % 4}") ==
        "W0=18446744073709551615 R0=18446744073709551615 W1=2 ");
  CHECK(run("init x = 7\nW y = R x * 6 / 4 % 4; U x += -1") == "R0=7 W1=2 U0=7 ");
}

TEST_CASE("a_compare_and_swap_as_a_condition_is_its_success") {
  CHECK(run("if C x: 0 -> 1 {W y = 2}") == "C0=0 W1=2 ");
  CHECK(run("if (C x: 0 -> 1) {W y = 2}") == "C0=0 W1=2 ");
  CHECK(run("if !C x: 5 -> 1 {W y = 2}") == "C0=0 W1=2 ");
  CHECK(run("if 1 && C x: 0 -> 1 {W y = 2}") == "C0=0 W1=2 ");
  CHECK(run("require C x: 0 -> 1; while C x: 1 -> 0 bound 1 {}; assume C x: 0 -> 1; R y") ==
        "C0=0 C0=1 C0=0 C0=0 R1=0 ");
  CHECK(run("init x = 5\nr1 = C x: 5 -> 1; W y = r1") == "C0=5 W1=5 ");
  CHECK(run("init x = 5\nif C x: 4 -> 1 == 5 {W y = 2}") == "C0=5 W1=2 ");
}

TEST_CASE("loops") {
  CHECK(run("repeat 3 {U x += 1}") == "U0=0 U0=1 U0=2 ");
  CHECK(run("for i = 2..3 {W x = i}") == "W0=2 W0=3 ");
  CHECK(run("for i = 3..2 {W x = i}; R x") == "R0=0 ");
  CHECK(run("init x = 2\nwhile R x bound 5 {U x += -1}") == "R0=2 U0=2 R0=1 U0=1 R0=0 ");
}

TEST_CASE("a_loop_that_would_go_on_beyond_its_bound_is_cut") {
  CHECK(run("init x = 1\nwhile R x bound 2 {W y = 1}\nR y") == "R0=1 W1=1 R0=1 W1=1 R0=1 cut@2 ");
}

TEST_CASE("a_failed_requirement_ends_the_thread") {
  CHECK(run("require R x == 0\nrequire R x == 1\nR x || R y") == "R0=0 R0=0 failed@2 R1=0 ");
  CHECK(run("array a[2]; init y = 2\nW a[R y] = R y; R y") == "R2=2 failed@2 ");
  CHECK(run("W x = 1 / R y; R x") == "R1=0 failed@1 ");
}

TEST_CASE("an_assumption_that_does_not_hold_ends_the_thread") {
  CHECK(run("assume R x == 0\nassume R x == 1\nR y") == "R0=0 R0=0 excluded ");
}

TEST_CASE("everything_else_reaches_the_machine") {
  CHECK(run("F.light; F.heavy; F.ar; r = choose(3); W x = r; lock m; unlock m") ==
        "FL FH F choose0=2 W0=2 lock0=0 unlock0=0 ");
  CHECK(run("plain p; init p = 3\nR p; W p = 4; U x += 5; X x = 2") == "PR0=3 PW0=4 U1=0 X1=5 ");
}

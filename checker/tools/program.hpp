// SPDX-License-Identifier: MIT
// A litmus program as data: what the notation is parsed into, and what the interpreter runs.
//
//   program -> locations (atomic or plain), mutexes, threads -> statements -> expressions
//
// The tree knows no engine: interpreter.hpp runs it on anything that can load and store. Every node
// is immutable once built, so that any number of executions may share it. Two programs compare
// equal if they do the same; where in a file they stand, and what the file expects of them, makes
// no difference.

#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

namespace checker::litmus {

// Registers and locations hold 64-bit unsigned values; arithmetic wraps, comparisons are unsigned.
using word = std::uint64_t;

// Where in the file a node stands, for messages. It takes no part in comparisons.
struct position {
  std::uint32_t line = 0;
  std::uint32_t column = 0;

  friend bool operator==(const position&, const position&) { return true; }
};

// A thread's registers. They are a flat array, since an engine may abandon a fiber without
// unwinding it: nothing on an interpreter's stack may own memory.
inline constexpr std::size_t max_registers = 64;
using register_file = std::array<word, max_registers>;

enum class expression_kind : std::uint8_t {
  constant,          // value
  reg,               // value: the register's number
  load,              // where, order
  fetch_add,         // where, order; operands: what is added
  exchange,          // where, order; operands: the new value
  compare_exchange,  // where, order, failure_order; operands: expected, desired
  choose,            // value: the number of alternatives
  logical_not,       // operands: one; the kinds below have two
  add,
  subtract,
  multiply,
  divide,  // by zero: a failed requirement, as is the remainder
  remainder,
  equal,
  not_equal,
  less,
  greater,
  less_equal,
  greater_equal,
  logical_and,  // the right operand is evaluated only if the left one does not decide
  logical_or
};

// What an operator of arithmetic gives; nothing if it is another, or divides by zero.
constexpr std::optional<word> calculated(expression_kind kind, word left, word right) {
  switch (kind) {
    case expression_kind::add:
      return left + right;
    case expression_kind::subtract:
      return left - right;
    case expression_kind::multiply:
      return left * right;
    case expression_kind::divide:
      return right == 0 ? std::nullopt : std::optional(left / right);
    case expression_kind::remainder:
      return right == 0 ? std::nullopt : std::optional(left % right);
    default:
      return std::nullopt;
  }
}

struct expression;

// A location, or the element of an array that `index` selects when the access is made.
struct place {
  std::uint32_t base = 0;    // the location's number; an array's first element
  std::uint32_t extent = 1;  // the number of the array's elements
  std::vector<expression> index;

  friend bool operator==(const place&, const place&) = default;
};

// An operation that reads is an expression: its value is the value that it read.
struct expression {
  expression_kind kind = expression_kind::constant;
  bool plain = false;           // load: not atomic
  bool yields_success = false;  // compare_exchange: the value is whether it succeeded
  std::memory_order order = std::memory_order_relaxed;
  std::memory_order failure_order = std::memory_order_relaxed;
  word value = 0;
  place where;
  std::vector<expression> operands;
  position at;

  friend bool operator==(const expression&, const expression&) = default;
};

enum class statement_kind : std::uint8_t {
  evaluate,  // target = value
  store,     // where = value, order
  fence,     // order
  light_fence,
  heavy_fence,
  branch,   // if value: body, else otherwise
  repeat,   // value times body
  count,    // for target = value .. last: body
  loop,     // while value: body, at most bound times
  require,  // value must hold
  assume,   // executions in which value does not hold are left out
  lock,     // mutex
  unlock    // mutex
};

struct statement {
  statement_kind kind = statement_kind::evaluate;
  bool plain = false;  // store: not atomic
  std::memory_order order = std::memory_order_relaxed;
  std::uint32_t target = 0;  // a register
  std::uint32_t mutex = 0;
  word bound = 0;
  place where;
  expression value;
  expression last;
  std::vector<statement> body;
  std::vector<statement> otherwise;
  position at;

  friend bool operator==(const statement&, const statement&) = default;
};

struct thread {
  std::vector<statement> body;
  // Every register's name, in order of appearance. An operation whose value goes nowhere has one of
  // its own, called #1, #2, ... after its place among them, so that outcomes tell what it read.
  std::vector<std::string> registers;

  friend bool operator==(const thread&, const thread&) = default;
};

struct location {
  std::string name;
  word initial = 0;
  bool plain = false;        // accesses are not atomic: checked for races, no events
  std::uint32_t extent = 1;  // an array's first element carries the number of its elements
  friend bool operator==(const location&, const location&) = default;
};

// What a file says that an exploration finds. Nothing is expected of what is not mentioned.
struct expectation {
  std::optional<std::uint64_t> rc11;  // complete executions
  std::optional<std::uint64_t> iso;
  std::optional<std::uint64_t> sc;
  std::optional<std::uint64_t> outcomes;  // distinct ones under rc11
  std::optional<bool> race;               // some execution has a data race
  std::optional<bool> failure;            // some execution fails a require
};

struct program {
  std::string name;
  std::vector<location> locations;  // an array's elements are neighbours, named a[0], a[1], ...
  std::vector<std::string> mutexes;
  std::vector<thread> threads;
  expectation expected;
  position at;

  friend bool operator==(const program& left, const program& right) {
    return left.name == right.name && left.locations == right.locations &&
           left.mutexes == right.mutexes && left.threads == right.threads;
  }
};

}  // namespace checker::litmus

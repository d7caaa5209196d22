// SPDX-License-Identifier: MIT
// Reads expressions of the litmus notation, and the operations that are part of them.
//
// Stands on: names, token_reader.
#pragma once

#include <atomic>
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>

#include "names.hpp"
#include "program.hpp"
#include "token_reader.hpp"

namespace checker::litmus {

// What every access begins with: R.acq x, W x, C(acq, rlx) a[1].
struct access {
  token op;
  std::memory_order order = std::memory_order_relaxed;
  std::memory_order failure_order = std::memory_order_relaxed;
  place where;
  bool plain = false;
};

class expression_parser {
 public:
  expression_parser(token_reader& in, names& known, const program& into)
      : in_(in), names_(known), program_(into) {}

  expression value();
  // A compare-and-swap by itself is whether it succeeded.
  expression condition();
  // What is known while parsing.
  word constant(const std::string& what);
  // R, U, X, C or choose.
  bool at_operation() const;
  expression operation();

  access begin_access();
  void expect_written(const access& of, std::string_view sign);
  // An order of an operation: after which letter it stands decides which are possible.
  std::memory_order order(std::string_view op);

 private:
  // Operands with operators that are at least so strong between them.
  expression sequence(unsigned least);
  expression unary();
  expression primary();

  expression inner_operation();
  expression read_or_modify();
  expression choose();
  expression named_value();

  void read_orders(access& of);
  place location(const token& name);

  token_reader& in_;
  names& names_;
  const program& program_;
  // Of the present expression.
  std::size_t operands_ = 0;
  std::size_t parentheses_ = 0;
};

}  // namespace checker::litmus

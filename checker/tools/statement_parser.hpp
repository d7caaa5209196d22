// SPDX-License-Identifier: MIT
// Reads statements of the litmus notation.
//
// Stands on: expression_parser.
#pragma once

#include <cstddef>
#include <vector>

#include "expression_parser.hpp"
#include "names.hpp"
#include "program.hpp"
#include "token_reader.hpp"

namespace checker::litmus {

class statement_parser {
 public:
  statement_parser(token_reader& in, names& known, expression_parser& values)
      : in_(in), names_(known), values_(values) {}

  // All statements up to what is none: the end of a block, of a thread, or of the program.
  std::vector<statement> statements();
  // {S; S}
  std::vector<statement> block();

 private:
  statement one();

  void evaluation(statement& s);
  void write(statement& s);
  void fence(statement& s);
  void branch(statement& s);
  void repetition(statement& s);
  void count(statement& s);
  void loop(statement& s);
  void requirement(statement& s);
  void mutex_operation(statement& s);
  void assignment(statement& s);
  [[noreturn]] void no_statement() const;

  token_reader& in_;
  names& names_;
  expression_parser& values_;
  std::size_t depth_ = 0;  // of blocks
};

}  // namespace checker::litmus

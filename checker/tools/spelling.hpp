// SPDX-License-Identifier: MIT
// Signs and words of the litmus notation that are read and written.
//
// Stands on: program.
#pragma once

#include <array>
#include <atomic>
#include <string_view>

#include "program.hpp"

namespace checker::litmus {

struct operator_spelling {
  std::string_view text;
  expression_kind kind;
  unsigned strength;  // the stronger one is evaluated first
};

inline constexpr unsigned weakest = 0, weakest_outside_parentheses = 1, strength_of_sums = 3;

inline constexpr std::array<operator_spelling, 13> operators = {
    {{"||", expression_kind::logical_or, 0},
     {"&&", expression_kind::logical_and, 1},
     {"==", expression_kind::equal, 2},
     {"!=", expression_kind::not_equal, 2},
     {"<", expression_kind::less, 2},
     {">", expression_kind::greater, 2},
     {"<=", expression_kind::less_equal, 2},
     {">=", expression_kind::greater_equal, 2},
     {"+", expression_kind::add, strength_of_sums},
     {"-", expression_kind::subtract, strength_of_sums},
     {"*", expression_kind::multiply, 4},
     {"/", expression_kind::divide, 4},
     {"%", expression_kind::remainder, 4}}};

struct order_spelling {
  std::string_view text;
  std::memory_order order;
};

inline constexpr std::array<order_spelling, 5> orders = {{{"rlx", std::memory_order_relaxed},
                                                          {"acq", std::memory_order_acquire},
                                                          {"rel", std::memory_order_release},
                                                          {"ar", std::memory_order_acq_rel},
                                                          {"sc", std::memory_order_seq_cst}}};

}  // namespace checker::litmus

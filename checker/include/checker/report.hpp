// SPDX-License-Identifier: MIT
// A failure as text: the threads as columns, one step a row, in the order of execution.
//
//     checker::print(std::cout, *seen.first);
//
// Stands on: counterexample.
#pragma once

#include "counterexample.hpp"

#include <cstddef>
#include <iosfwd>
#include <string>
#include <vector>

namespace checker {

// In lines of about `width` columns: more only if the threads are too many for it.
void print(std::ostream& out, const counterexample& told, std::size_t width = 120);

// What was chosen, beside the order of operations and what each reads: the program's own choices,
// time limits, whom a notification wakes, spurious failures, re-used memory, interrupted sections
// and CPUs. Each as its step is told: "T1.4 queue.cpp:12 the time limit of wait_for expires".
std::vector<std::string> choices(const counterexample& told);

}  // namespace checker

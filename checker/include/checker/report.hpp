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

namespace checker {

// In lines of about `width` columns: more only if the threads are too many for it.
void print(std::ostream& out, const counterexample& told, std::size_t width = 120);

}  // namespace checker

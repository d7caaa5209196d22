// SPDX-License-Identifier: MIT
// A failure as one HTML page that needs nothing else: the threads as columns, the steps from top to
// bottom in the order of execution, and arrows for what reads from what, for the order of the
// writes of a location, and for what happens before what across threads.
//
//     std::ofstream("failure.html") << checker::page(*seen.first);
//
// No two steps stand side by side. So an arrow never crosses a box: it leaves its source to the
// side, goes up or down in the gutter beside its target, and enters that from the side.
//
// Stands on: counterexample.
#pragma once

#include "counterexample.hpp"

#include <string>

namespace checker {

std::string page(const counterexample& told);

// The same into a file.
void write_page(const std::string& file, const counterexample& told);

}  // namespace checker

// SPDX-License-Identifier: MIT
// What a search says of its program: for what it is proved, under which bounds, and what was not
// looked at.
//
//     std::cout << checker::verdict(found, chosen);
//
// Stands on: search.
#pragma once

#include "search.hpp"

#include <cstddef>
#include <string>

namespace checker {

// A few lines of about `width` columns.
std::string verdict(const statistics& found, const options& chosen, std::size_t width = 100);

}  // namespace checker

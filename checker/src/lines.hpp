// SPDX-License-Identifier: MIT
// Text broken into lines, for reports.
//
// Stands on: nothing.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace checker::telling {

// How many columns a text takes: its characters in UTF-8.
std::size_t columns_of(std::string_view text) noexcept;

// Without what would move the cursor.
std::string printable(std::string_view text);

// Lines of at most `width` columns, all but the first indented. A word that is too long is broken.
std::vector<std::string> wrapped(std::string_view text, std::size_t width);

}  // namespace checker::telling

// SPDX-License-Identifier: MIT
// Where in the source an operation stands.
//
// As a defaulted argument, `place::here()` is the caller's place, with g++ 12 and clang 14 alike
// (clang 14 has no std::source_location). Keep receiver and `.op(` of a call on one line: the
// compilers number a split call differently.
//
// Stands on: nothing.
#pragma once

#include <cstdint>
#include <string_view>

namespace checker {

struct place {
  const char* file;
  const char* function;
  std::uint32_t line;

  static constexpr place here(const char* file = __builtin_FILE(),
                              const char* function = __builtin_FUNCTION(),
                              std::uint32_t line = __builtin_LINE()) noexcept {
    return {file, function, line};
  }

  // The file's name without its folders.
  constexpr std::string_view name() const noexcept {
    const std::string_view whole = file;
    const std::size_t slash = whole.rfind('/');
    return slash == std::string_view::npos ? whole : whole.substr(slash + 1);
  }
};

}  // namespace checker

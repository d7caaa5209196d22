// SPDX-License-Identifier: MIT
// The notation of litmus programs, as text: README.md beside this file describes it.
#pragma once

#include <cstdint>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "program.hpp"

namespace checker::litmus {

// A text that is no program. what() reads "file:line:column: expected this, found that".
class notation_error : public std::runtime_error {
 public:
  notation_error(const std::string& file, position at, const std::string& message)
      : std::runtime_error(file + ":" + std::to_string(at.line) + ":" + std::to_string(at.column) +
                           ": " + message),
        at_(at) {}

  position at() const noexcept { return at_; }

 private:
  position at_;
};

// Values for named parameters, such as the n of "n x U x". They go before those that the text
// gives.
using parameters = std::map<std::string, word, std::less<>>;

// All programs of a text, in order. A program without a name is called after the file.
std::vector<program> parse(std::string_view text, const std::string& file,
                           const parameters& given = {});

// The program in the notation, in full: parse() gives back an equal program.
std::string print(const program& p);

}  // namespace checker::litmus

// SPDX-License-Identifier: MIT
// A number for what was searched: parts with different ones are not of one search.
#pragma once

#include <cstdint>
#include <cstdio>
#include <string>
#include <string_view>

namespace checker {

// FNV-1a, of texts of which each is told from what follows it. Against mistakes, not against those
// who want to be mistaken.
class digest {
 public:
  void add(std::string_view text) noexcept {
    for (const char c : text) add(c);
    add('\0');
  }

  std::string hexadecimal() const {
    char text[20];
    std::snprintf(text, sizeof text, "%016llx", static_cast<unsigned long long>(hash_));
    return text;
  }

 private:
  void add(char c) noexcept { hash_ = (hash_ ^ static_cast<unsigned char>(c)) * 0x100000001b3; }

  std::uint64_t hash_ = 0xcbf29ce484222325;
};

}  // namespace checker

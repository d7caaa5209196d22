// SPDX-License-Identifier: MIT
// The program's source, read when a report is made: what stands in a line, and on what it operates.
//
// C++ does not tell how a variable is called, but the line of an operation does: in
// `ring.head_tail.load(o)` it is `head_tail`. Where a file is not there, or a line is too hard to
// read, the report says less.
//
// Stands on: <checker/place.hpp>.
#pragma once

#include <checker/place.hpp>

#include <algorithm>
#include <cctype>
#include <cstddef>
#include <fstream>
#include <initializer_list>
#include <map>
#include <string>
#include <string_view>
#include <vector>

namespace checker {

class source_files {
 public:
  // Without the space around it; empty if it is not known.
  std::string_view line(const place& at) {
    if (at.line == 0 || *at.file == '\0') return {};
    const auto [found, added] = files_.try_emplace(at.file);
    if (added) {
      std::ifstream file(at.file);
      for (std::string line; std::getline(file, line);) found->second.push_back(line);
    }
    return at.line <= found->second.size() ? trimmed(found->second[at.line - 1])
                                           : std::string_view{};
  }

 private:
  static std::string_view trimmed(std::string_view line) noexcept {
    constexpr std::string_view space = " \t\r";
    const std::size_t first = line.find_first_not_of(space);
    if (first == std::string_view::npos) return {};
    return line.substr(first, line.find_last_not_of(space) - first + 1);
  }

  std::map<std::string, std::vector<std::string>, std::less<>> files_;
};

inline bool is_word(char c) noexcept {
  return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
}

// Steps back from `end` over calls and indices: to 4 in `head(i).load`, to 5 in `slots[i].load`.
inline std::size_t before_brackets(std::string_view line, std::size_t end) noexcept {
  while (end != 0 && (line[end - 1] == ')' || line[end - 1] == ']')) {
    std::size_t open = 0;
    do {
      --end;
      if (line[end] == ')' || line[end] == ']') ++open;
      if (line[end] == '(' || line[end] == '[') --open;
    } while (open != 0 && end != 0);
  }
  return end;
}

// The last name in the object of the one call in `line` of a member that is called like one of
// `members`. Empty if there is none, or more than one.
inline std::string_view object_of_call(std::string_view line,
                                       std::initializer_list<std::string_view> members) {
  std::string_view found;
  for (std::size_t open = line.find('('); open != std::string_view::npos;
       open = line.find('(', open + 1)) {
    std::size_t start = open;
    while (start != 0 && is_word(line[start - 1])) --start;
    const std::string_view member = line.substr(start, open - start);
    if (std::find(members.begin(), members.end(), member) == members.end()) continue;
    if (start != 0 && line[start - 1] == '.') {
      start -= 1;
    } else if (start > 1 && line.substr(start - 2, 2) == "->") {
      start -= 2;
    } else {
      continue;
    }
    const std::size_t end = before_brackets(line, start);
    start = end;
    while (start != 0 && is_word(line[start - 1])) --start;
    if (!found.empty() || start == end) return {};
    found = line.substr(start, end - start);
  }
  return found;
}

// The first call in `line` of a function that is called like one of `names`; empty: none.
inline std::string_view called_in(std::string_view line,
                                  std::initializer_list<std::string_view> names) {
  for (std::size_t open = line.find('('); open != std::string_view::npos;
       open = line.find('(', open + 1)) {
    std::size_t start = open;
    while (start != 0 && is_word(line[start - 1])) --start;
    const std::string_view name = line.substr(start, open - start);
    if (std::find(names.begin(), names.end(), name) != names.end()) return name;
  }
  return {};
}

// The last name in the one argument of the one object or call in `line` that is called like one of
// `names`: m in `std::lock_guard<std::mutex> lock(queue.m)` and in `pthread_mutex_lock(&m)`; of
// locks the first that is not followed by another. Empty if there is none, or more than one.
inline std::string_view argument_of(std::string_view line,
                                    std::initializer_list<std::string_view> names) {
  std::string_view found;
  for (std::size_t start = 0; start < line.size();) {
    std::size_t end = start;
    while (end != line.size() && is_word(line[end])) ++end;
    const std::string_view name = line.substr(start, end - start);
    start = std::max(end, start + 1);
    if (std::find(names.begin(), names.end(), name) == names.end()) continue;
    std::size_t open = line.find_first_of("({;", end);
    if (open == std::string_view::npos || line[open] == ';') continue;
    std::size_t close = ++open;
    int depth = 0;
    while (close != line.size()) {
      const char c = line[close];
      if (depth == 0 && (c == ',' || c == ')' || c == '}')) break;
      if (c == '(' || c == '[' || c == '{') ++depth;
      if (c == ')' || c == ']' || c == '}') --depth;
      ++close;
    }
    std::size_t last = before_brackets(line, close);
    const std::size_t behind = last;
    while (last > open && is_word(line[last - 1])) --last;
    const bool several = name == "scoped_lock" && close != line.size() && line[close] == ',';
    if (several || !found.empty() || last == behind) return {};
    found = line.substr(last, behind - last);
  }
  return found;
}

}  // namespace checker

// SPDX-License-Identifier: MIT
#include "lines.hpp"

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace checker::telling {

std::size_t columns_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

std::string printable(std::string_view text) {
  std::string shown(text);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return shown;
}

namespace {

std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    if (end != start) words.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

// Takes what fits into `width` columns from the front of a word.
std::string take_front(std::string& word, std::size_t width) {
  std::size_t end = 0;
  for (std::size_t taken = 0; end < word.size(); ++end) {
    if ((word[end] & 0xc0) != 0x80 && taken++ == width) break;
  }
  std::string front = word.substr(0, end);
  word.erase(0, end);
  return front;
}

}  // namespace

std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  constexpr std::string_view indent = "  ";
  std::vector<std::string> lines;
  std::string line;
  const auto finish_line = [&] {
    lines.push_back(line);
    line = indent;
  };
  for (std::string& word : words_of(printable(text))) {
    const bool fresh = line.find_first_not_of(' ') == std::string::npos;
    if (!fresh && columns_of(line) + 1 + columns_of(word) > width) finish_line();
    while (columns_of(word) > width - columns_of(line) &&
           line.find_first_not_of(' ') == std::string::npos) {
      line += take_front(word, width - columns_of(line));
      finish_line();
    }
    if (line.find_first_not_of(' ') != std::string::npos) line += ' ';
    line += word;
  }
  if (line.find_first_not_of(' ') != std::string::npos || lines.empty()) lines.push_back(line);
  return lines;
}

}  // namespace checker::telling

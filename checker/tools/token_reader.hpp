// SPDX-License-Identifier: MIT
// Goes through the tokens of a program, and says what is wrong with one.
//
// Stands on: tokens.
#pragma once

#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "tokens.hpp"

namespace checker::litmus {

class token_reader {
 public:
  token_reader(std::vector<token> tokens, std::string file)
      : tokens_(std::move(tokens)), file_(std::move(file)) {}

  const token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
  }
  bool at(token_kind kind, std::size_t ahead = 0) const { return peek(ahead).kind == kind; }
  bool at_symbol(std::string_view text, std::size_t ahead = 0) const {
    return at(token_kind::symbol, ahead) && peek(ahead).text == text;
  }
  bool at_word(std::string_view text, std::size_t ahead = 0) const {
    return at(token_kind::name, ahead) && peek(ahead).text == text;
  }

  const token& take() {
    const token& result = peek();
    if (!at(token_kind::end)) ++next_;
    return result;
  }
  bool accept_symbol(std::string_view text) {
    if (!at_symbol(text)) return false;
    take();
    return true;
  }
  bool accept_word(std::string_view text) {
    if (!at_word(text)) return false;
    take();
    return true;
  }
  void expect_symbol(std::string_view text) {
    if (!accept_symbol(text)) expected("'" + std::string(text) + "'");
  }
  void expect_word(std::string_view text) {
    if (!accept_word(text)) expected("'" + std::string(text) + "'");
  }
  void skip_separators() {
    while (at(token_kind::separator)) take();
  }

  // For what is read several times, once for each copy.
  std::size_t mark() const { return next_; }
  void go_back(std::size_t mark) { next_ = mark; }

  [[noreturn]] void expected(const std::string& what) const {
    reject(peek().at, "expected " + what + ", found " + shown(peek()));
  }
  [[noreturn]] void reject(position at, const std::string& message) const {
    throw notation_error(file_, at, message);
  }

 private:
  std::vector<token> tokens_;
  std::string file_;
  std::size_t next_ = 0;
};

}  // namespace checker::litmus

// SPDX-License-Identifier: MIT
// The words and symbols of the litmus notation.
#pragma once

#include <array>
#include <cctype>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "notation.hpp"
#include "program.hpp"

namespace checker::litmus {

enum class token_kind : std::uint8_t { name, number, symbol, end };

struct token {
  token_kind kind = token_kind::end;
  bool starts_line = false;  // it is the first of its line
  std::string text;
  word value = 0;  // of a number
  position at;
};

// Splits a stretch of a file into tokens. Comments run from # or // to the end of the line.
class tokenizer {
 public:
  tokenizer(std::string_view text, position start, std::string file)
      : text_(text), at_(start), file_(std::move(file)) {}

  std::vector<token> run() {
    std::vector<token> tokens;
    bool starts_line = true;
    while (skip_blanks(starts_line)) {
      token next = read();
      next.starts_line = std::exchange(starts_line, false);
      tokens.push_back(std::move(next));
    }
    tokens.push_back({token_kind::end, true, "the end of the program", 0, at_});
    return tokens;
  }

 private:
  static bool starts_name(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }

  char peek(std::size_t ahead = 0) const {
    return next_ + ahead < text_.size() ? text_[next_ + ahead] : '\0';
  }

  void advance(std::size_t characters) {
    for (; characters > 0; --characters, ++next_) {
      if (text_[next_] == '\n') {
        ++at_.line;
        at_.column = 1;
      } else if ((text_[next_] & 0xc0) != 0x80) {  // one column for a character of several bytes
        ++at_.column;
      }
    }
  }

  // False at the end of the text.
  bool skip_blanks(bool& starts_line) {
    while (next_ < text_.size()) {
      const char c = peek();
      if (c == '\n') starts_line = true;
      if (c == '#' || (c == '/' && peek(1) == '/')) {
        while (next_ < text_.size() && peek() != '\n') advance(1);
      } else if (std::isspace(static_cast<unsigned char>(c)) != 0) {
        advance(1);
      } else {
        return true;
      }
    }
    return false;
  }

  token read() {
    if (starts_name(peek())) return read_name();
    if (is_digit(peek())) return read_number();
    return read_symbol();
  }

  token read_name() {
    token result{token_kind::name, false, {}, 0, at_};
    while (starts_name(peek()) || is_digit(peek())) {
      result.text += peek();
      advance(1);
    }
    return result;
  }

  token read_number() {
    token result{token_kind::number, false, {}, 0, at_};
    while (is_digit(peek())) {
      const word digit = static_cast<word>(peek() - '0');
      if (result.value > (~word{0} - digit) / 10) {
        throw notation_error(file_, result.at, "expected a number of at most 64 bits");
      }
      result.value = result.value * 10 + digit;
      result.text += peek();
      advance(1);
    }
    return result;
  }

  token read_symbol() {
    // Longer symbols come first. The second text is what a typographic form stands for.
    static constexpr std::array<std::pair<std::string_view, std::string_view>, 41> symbols = {{
        {"||", "||"}, {"&&", "&&"}, {"->", "->"}, {"..", ".."}, {"+=", "+="}, {"-=", "-="},
        {"==", "=="}, {"!=", "!="}, {"<=", "<="}, {">=", ">="}, {"=", "="},   {"<", "<"},
        {">", ">"},   {"!", "!"},   {"+", "+"},   {"-", "-"},   {"*", "*"},   {"/", "/"},
        {"%", "%"},   {"(", "("},   {")", ")"},   {"{", "{"},   {"}", "}"},   {"[", "["},
        {"]", "]"},   {";", ";"},   {",", ","},   {".", "."},   {":", ":"},   {"∥", "||"},
        {"‖", "||"},  {"∧", "&&"},  {"→", "->"},  {"…", ".."},  {"≠", "!="},  {"≤", "<="},
        {"≥", ">="},  {"¬", "!"},   {"−", "-"},   {"·", "*"},   {"×", "x"},
    }};
    for (const auto& [written, meant] : symbols) {
      if (text_.substr(next_, written.size()) != written) continue;
      const position at = at_;
      advance(written.size());
      // A multiplication sign is the x of "n x": a name like any other.
      return {meant == "x" ? token_kind::name : token_kind::symbol, false, std::string(meant), 0,
              at};
    }
    throw notation_error(file_, at_,
                         std::string("expected a statement, found the character '") + peek() + "'");
  }

  std::string_view text_;
  std::size_t next_ = 0;
  position at_;
  std::string file_;
};

}  // namespace checker::litmus

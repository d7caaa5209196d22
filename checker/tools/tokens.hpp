// SPDX-License-Identifier: MIT
// The words and symbols of the litmus notation.
//
// Stands on: notation.
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

// A separator is a semicolon or the end of a line; several in a row are one.
enum class token_kind : std::uint8_t { name, number, symbol, separator, end };

struct token {
  token_kind kind = token_kind::end;
  std::string text;  // as it is written
  word value = 0;    // of a number
  position at;
};

// What a message says was found.
inline std::string shown(const token& t) {
  if (t.kind == token_kind::end) return "the end of the program";
  return t.text == "\n" ? "the end of the line" : "'" + t.text + "'";
}

// Splits a stretch of a file into tokens. Comments run from # or // to the end of the line. Within
// parentheses and brackets the end of a line is a blank like any other.
class tokenizer {
 public:
  tokenizer(std::string_view text, position start, std::string file)
      : text_(text), at_(start), file_(std::move(file)) {}

  std::vector<token> run() {
    while (skip_blanks()) {
      token next = read();
      const bool repeated = next.kind == token_kind::separator && !tokens_.empty() &&
                            tokens_.back().kind == token_kind::separator;
      if (!repeated) tokens_.push_back(std::move(next));
    }
    tokens_.push_back({token_kind::end, "", 0, at_});
    return std::move(tokens_);
  }

 private:
  static bool starts_name(char c) {
    return std::isalpha(static_cast<unsigned char>(c)) != 0 || c == '_';
  }
  static bool is_digit(char c) { return c >= '0' && c <= '9'; }
  static bool continues_character(char c) { return (c & 0xc0) == 0x80; }

  char peek(std::size_t ahead = 0) const {
    return next_ + ahead < text_.size() ? text_[next_ + ahead] : '\0';
  }

  void advance(std::size_t bytes) {
    for (; bytes > 0; --bytes, ++next_) {
      if (text_[next_] == '\n') {
        ++at_.line;
        at_.column = 1;
      } else if (!continues_character(text_[next_])) {
        ++at_.column;
      }
    }
  }

  // False at the end of the text.
  bool skip_blanks() {
    while (next_ < text_.size()) {
      const char c = peek();
      if (c == '#' || (c == '/' && peek(1) == '/')) {
        while (next_ < text_.size() && peek() != '\n') advance(1);
      } else if (std::isspace(static_cast<unsigned char>(c)) != 0 && (c != '\n' || nested_ > 0)) {
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
    if (peek() == ';' || peek() == '\n') return take(token_kind::separator, 1);
    return read_symbol();
  }

  token take(token_kind kind, std::size_t bytes) {
    token result{kind, std::string(text_.substr(next_, bytes)), 0, at_};
    advance(bytes);
    return result;
  }

  token read_name() {
    std::size_t bytes = 1;
    while (starts_name(peek(bytes)) || is_digit(peek(bytes))) ++bytes;
    return take(token_kind::name, bytes);
  }

  token read_number() {
    std::size_t bytes = 0;
    word value = 0;
    for (; is_digit(peek(bytes)); ++bytes) {
      const word digit = static_cast<word>(peek(bytes) - '0');
      if (value > (~word{0} - digit) / 10) {
        throw notation_error(file_, at_, "expected a number of at most 64 bits");
      }
      value = value * 10 + digit;
    }
    token result = take(token_kind::number, bytes);
    result.value = value;
    return result;
  }

  token read_symbol() {
    // Longer symbols come first.
    static constexpr std::array<std::string_view, 27> symbols = {
        "||", "&&", "->", "..", "+=", "==", "!=", "<=", ">=", "=", "<", ">", "!", "+",
        "-",  "*",  "/",  "%",  "(",  ")",  "{",  "}",  "[",  "]", ",", ".", ":"};
    for (const std::string_view symbol : symbols) {
      if (text_.substr(next_, symbol.size()) != symbol) continue;
      if (symbol == "(" || symbol == "[") ++nested_;
      if ((symbol == ")" || symbol == "]") && nested_ > 0) --nested_;
      return take(token_kind::symbol, symbol.size());
    }
    std::size_t bytes = 1;
    while (continues_character(peek(bytes))) ++bytes;
    throw notation_error(file_, at_,
                         "expected a statement, found the character '" +
                             std::string(text_.substr(next_, bytes)) + "'");
  }

  std::string_view text_;
  std::size_t next_ = 0;
  std::size_t nested_ = 0;  // parentheses and brackets that are open
  position at_;
  std::string file_;
  std::vector<token> tokens_;
};

}  // namespace checker::litmus

// SPDX-License-Identifier: MIT

#include "statement_parser.hpp"

#include <array>
#include <string>
#include <string_view>
#include <utility>

namespace checker::litmus {
namespace {

constexpr std::size_t most_blocks = 50;  // within each other: the parser and its users recurse

}  // namespace

std::vector<statement> statement_parser::statements() {
  std::vector<statement> result;
  in_.skip_separators();
  while (!in_.at(token_kind::end) && !in_.at_symbol("}") && !in_.at_symbol("||")) {
    result.push_back(one());
    if (!in_.at(token_kind::separator)) break;
    in_.skip_separators();
  }
  return result;
}

std::vector<statement> statement_parser::block() {
  if (++depth_ > most_blocks) {
    in_.reject(in_.peek().at,
               "expected at most " + std::to_string(most_blocks) + " blocks within each other");
  }
  in_.expect_symbol("{");
  std::vector<statement> result = statements();
  if (!in_.accept_symbol("}")) in_.expected("';', a new line or '}'");
  --depth_;
  return result;
}

statement statement_parser::one() {
  using parse = void (statement_parser::*)(statement&);
  static constexpr std::array<std::pair<std::string_view, parse>, 10> words = {
      {{"W", &statement_parser::write},
       {"F", &statement_parser::fence},
       {"if", &statement_parser::branch},
       {"repeat", &statement_parser::repetition},
       {"for", &statement_parser::count},
       {"while", &statement_parser::loop},
       {"require", &statement_parser::requirement},
       {"assume", &statement_parser::requirement},
       {"lock", &statement_parser::mutex_operation},
       {"unlock", &statement_parser::mutex_operation}}};
  statement result;
  result.at = in_.peek().at;
  for (const auto& [name, parser] : words) {
    if (!in_.at_word(name)) continue;
    (this->*parser)(result);
    return result;
  }
  if (values_.at_operation()) {
    evaluation(result);
  } else if (in_.at(token_kind::name) && in_.at_symbol("=", 1)) {
    assignment(result);
  } else {
    no_statement();
  }
  return result;
}

// R x: what it reads goes nowhere.
void statement_parser::evaluation(statement& s) {
  s.value = values_.operation();
  s.target = names_.anonymous_register(s.at);
}

// r = E
void statement_parser::assignment(statement& s) {
  const token name = in_.take();
  in_.take();
  s.value = values_.value();
  s.target = names_.assigned_register(name);
}

void statement_parser::write(statement& s) {
  access to = values_.begin_access();
  s.kind = statement_kind::store;
  s.plain = to.plain;
  s.order = to.order;
  values_.expect_written(to, "=");
  s.where = std::move(to.where);
  s.value = values_.value();
}

void statement_parser::fence(statement& s) {
  in_.take();
  in_.expect_symbol(".");
  if (in_.accept_word("light")) {
    s.kind = statement_kind::light_fence;
  } else if (in_.accept_word("heavy")) {
    s.kind = statement_kind::heavy_fence;
  } else {
    s.kind = statement_kind::fence;
    s.order = values_.order("F");
  }
}

void statement_parser::branch(statement& s) {
  in_.take();
  s.kind = statement_kind::branch;
  s.value = values_.condition();
  s.body = block();
  if (!in_.at_word("else", in_.at(token_kind::separator) ? 1 : 0)) return;
  in_.skip_separators();
  in_.take();
  s.otherwise = block();
}

// repeat E {S}
void statement_parser::repetition(statement& s) {
  in_.take();
  s.kind = statement_kind::repeat;
  s.value = values_.value();
  s.body = block();
}

// for i = E..E {S}
void statement_parser::count(statement& s) {
  in_.take();
  s.kind = statement_kind::count;
  if (!in_.at(token_kind::name)) in_.expected("a register");
  const token name = in_.take();
  in_.expect_symbol("=");
  s.value = values_.value();
  in_.expect_symbol("..");
  s.last = values_.value();
  s.target = names_.assigned_register(name);
  s.body = block();
}

// while E bound N {S}
void statement_parser::loop(statement& s) {
  in_.take();
  s.kind = statement_kind::loop;
  s.value = values_.condition();
  in_.expect_word("bound");
  s.bound = values_.constant("the largest number of turns");
  s.body = block();
}

void statement_parser::requirement(statement& s) {
  s.kind = in_.take().text == "require" ? statement_kind::require : statement_kind::assume;
  s.value = values_.condition();
}

void statement_parser::mutex_operation(statement& s) {
  s.kind = in_.take().text == "lock" ? statement_kind::lock : statement_kind::unlock;
  if (!in_.at(token_kind::name)) in_.expected("the name of a mutex");
  s.mutex = names_.mutex(in_.take());
}

// Some words are those of what stands elsewhere, or stood here in an older notation.
void statement_parser::no_statement() const {
  static constexpr std::array<std::pair<std::string_view, std::string_view>, 10> hints = {
      {{"let", "declarations stand before the threads"},
       {"init", "declarations stand before the threads"},
       {"plain", "declarations stand before the threads"},
       {"array", "declarations stand before the threads"},
       {"mutex", "declarations stand before the threads"},
       {"expect", "declarations stand before the threads"},
       {"read", "write R x"},
       {"assert", "write require E"},
       {"reg", "write r = E"},
       {"thread", "|| separates threads"}}};
  for (const auto& [name, hint] : hints) {
    if (in_.at_word(name)) in_.reject(in_.peek().at, "expected a statement: " + std::string(hint));
  }
  if (in_.at_word("x", 1)) in_.expected("'||' before copies of a thread");
  in_.expected("a statement");
}

}  // namespace checker::litmus

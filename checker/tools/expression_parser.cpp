// SPDX-License-Identifier: MIT

#include "expression_parser.hpp"

#include <algorithm>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "spelling.hpp"

namespace checker::litmus {
namespace {

// Of one expression: the parser recurses, and so does who walks through the tree.
constexpr std::size_t most_operands = 200;
constexpr std::size_t most_parentheses = 2 * most_operands;  // a printed program has so many

bool is_load_order(std::memory_order order) {
  return order == std::memory_order_relaxed || order == std::memory_order_acquire ||
         order == std::memory_order_seq_cst;
}

bool is_store_order(std::memory_order order) {
  return order == std::memory_order_relaxed || order == std::memory_order_release ||
         order == std::memory_order_seq_cst;
}

// Where a truth value is wanted.
expression as_condition(expression e) {
  if (e.kind == expression_kind::compare_exchange) e.yields_success = true;
  return e;
}

expression make_constant(word value) {
  expression result;
  result.value = value;
  return result;
}

const operator_spelling* operator_at(const token& t) {
  if (t.kind != token_kind::symbol) return nullptr;
  const auto same = [&](const operator_spelling& each) { return each.text == t.text; };
  const auto* const found = std::find_if(operators.begin(), operators.end(), same);
  return found == operators.end() ? nullptr : &*found;
}

// What is calculated from numbers is a number, such as copy - 1. What divides by zero is left to
// the run, where it is an error.
expression combined(expression_kind kind, position at, expression left, expression right) {
  if (left.kind == expression_kind::constant && right.kind == expression_kind::constant) {
    const std::optional<word> known = calculated(kind, left.value, right.value);
    if (known) return make_constant(*known);
  }
  const bool logical = kind == expression_kind::logical_and || kind == expression_kind::logical_or;
  expression result;
  result.kind = kind;
  result.at = at;
  result.operands.push_back(logical ? as_condition(std::move(left)) : std::move(left));
  result.operands.push_back(logical ? as_condition(std::move(right)) : std::move(right));
  return result;
}

}  // namespace

// ---- expressions ----

expression expression_parser::value() {
  operands_ = parentheses_ = 0;
  return sequence(weakest_outside_parentheses);
}

expression expression_parser::condition() { return as_condition(value()); }

word expression_parser::constant(const std::string& what) {
  const position at = in_.peek().at;
  const expression result = value();
  if (result.kind != expression_kind::constant) {
    in_.reject(at, "expected " + what + ": a number, or what is calculated from numbers");
  }
  return result.value;
}

expression expression_parser::sequence(unsigned least) {
  expression left = unary();
  for (;;) {
    const operator_spelling* const found = operator_at(in_.peek());
    if (found == nullptr || found->strength < least) return left;
    const position at = in_.take().at;
    left = combined(found->kind, at, std::move(left), sequence(found->strength + 1));
  }
}

expression expression_parser::unary() {
  const position at = in_.peek().at;
  std::size_t& count = in_.at_symbol("(") ? parentheses_ : operands_;
  if (++count > (&count == &operands_ ? most_operands : most_parentheses)) {
    in_.reject(at, "expected a shorter expression");
  }
  if (in_.accept_symbol("!")) {
    expression result;
    result.kind = expression_kind::logical_not;
    result.at = at;
    result.operands.push_back(as_condition(unary()));
    return result;
  }
  if (in_.accept_symbol("-")) {
    return combined(expression_kind::subtract, at, make_constant(0), unary());
  }
  return primary();
}

expression expression_parser::primary() {
  if (in_.at(token_kind::number)) return make_constant(in_.take().value);
  if (in_.accept_symbol("(")) {
    expression inner = sequence(weakest);
    in_.expect_symbol(")");
    return inner;
  }
  if (at_operation()) return inner_operation();
  if (in_.at_word("W") || in_.at_word("F")) in_.expected("a value, which W and F have not");
  if (!in_.at(token_kind::name)) in_.expected("a value");
  return named_value();
}

expression expression_parser::named_value() {
  const token& name = in_.take();
  if (const std::optional<word> number = names_.number(name.text)) return make_constant(*number);
  expression result;
  result.kind = expression_kind::reg;
  result.value = names_.read_register(name);
  result.at = name.at;
  return result;
}

expression expression_parser::choose() {
  expression result;
  result.kind = expression_kind::choose;
  result.at = in_.take().at;
  in_.expect_symbol("(");
  const position at = in_.peek().at;
  const expression number = sequence(weakest);
  if (number.kind != expression_kind::constant || number.value == 0) {
    in_.reject(at, "expected a number of alternatives, at least one");
  }
  result.value = number.value;
  in_.expect_symbol(")");
  return result;
}

// ---- operations ----

bool expression_parser::at_operation() const {
  const std::string& text = in_.peek().text;
  return in_.at(token_kind::name) &&
         (text == "R" || text == "U" || text == "X" || text == "C" || text == "choose");
}

expression expression_parser::operation() {
  operands_ = parentheses_ = 0;
  return inner_operation();
}

expression expression_parser::inner_operation() {
  return in_.at_word("choose") ? choose() : read_or_modify();
}

expression expression_parser::read_or_modify() {
  access of = begin_access();
  expression result;
  result.at = of.op.at;
  result.plain = of.plain;
  result.order = of.order;
  result.failure_order = of.failure_order;
  result.where = std::move(of.where);
  if (of.op.text == "R") {
    result.kind = expression_kind::load;
  } else if (of.op.text == "U") {
    result.kind = expression_kind::fetch_add;
    expect_written(of, "+=");
    result.operands.push_back(sequence(strength_of_sums));
  } else if (of.op.text == "X") {
    result.kind = expression_kind::exchange;
    expect_written(of, "=");
    result.operands.push_back(sequence(strength_of_sums));
  } else {
    result.kind = expression_kind::compare_exchange;
    in_.expect_symbol(":");
    result.operands.push_back(sequence(strength_of_sums));
    in_.expect_symbol("->");
    result.operands.push_back(sequence(strength_of_sums));
  }
  return result;
}

access expression_parser::begin_access() {
  access result;
  result.op = in_.take();
  const bool with_order = in_.at_symbol(".") || in_.at_symbol("(");
  if (with_order) read_orders(result);
  if (!in_.at(token_kind::name)) in_.expected("a location");
  const token& name = in_.take();
  result.where = location(name);
  result.plain = program_.locations[result.where.base].plain;
  if (!result.plain) return result;
  if (result.op.text != "R" && result.op.text != "W") {
    in_.reject(result.op.at, "'" + name.text + "' is plain: only R and W access it");
  }
  if (with_order) {
    in_.reject(result.op.at, "'" + name.text + "' is plain: its accesses have no order");
  }
  return result;
}

void expression_parser::expect_written(const access& of, std::string_view sign) {
  if (in_.accept_symbol(sign)) return;
  const std::string& element = program_.locations[of.where.base].name;
  const std::string name =
      of.where.index.empty() ? element : element.substr(0, element.find('[')) + "[..]";
  const std::string what = of.op.text + " " + name;
  in_.reject(in_.peek().at, what + " needs a value: " + what + " " + std::string(sign) + " ..");
}

// .acq; of a compare-and-swap (acq, rlx)
void expression_parser::read_orders(access& of) {
  if (of.op.text != "C") {
    in_.expect_symbol(".");
    of.order = order(of.op.text);
    return;
  }
  if (!in_.accept_symbol("(")) {
    in_.expected("the orders of success and of failure: C(acq, rlx) x: .. -> ..");
  }
  of.order = order("C");
  in_.expect_symbol(",");
  of.failure_order = order("the failure of C");
  in_.expect_symbol(")");
}

std::memory_order expression_parser::order(std::string_view op) {
  const bool read = op == "R" || op == "the failure of C";
  const std::string possible = read        ? "rlx, acq or sc"
                               : op == "W" ? "rlx, rel or sc"
                               : op == "F" ? "acq, rel, ar, sc, light or heavy"
                                           : "rlx, acq, rel, ar or sc";
  const auto same = [&](const order_spelling& each) { return in_.at_word(each.text); };
  const auto* const found = std::find_if(orders.begin(), orders.end(), same);
  if (found == orders.end() || (read && !is_load_order(found->order)) ||
      (op == "W" && !is_store_order(found->order))) {
    in_.expected("an order of " + std::string(op) + " (" + possible + ")");
  }
  in_.take();
  return found->order;
}

// A location, or an element. a[2] is a location like any other.
place expression_parser::location(const token& name) {
  place result;
  result.base = names_.location(name);
  if (!in_.at_symbol("[")) {
    if (names_.is_array(name.text)) in_.expected("'[' after the name of an array");
    return result;
  }
  if (!names_.is_array(name.text)) {
    in_.reject(name.at, "'" + name.text + "' is no array: array " + name.text +
                            "[4] before the threads makes it one");
  }
  in_.take();
  result.extent = program_.locations[result.base].extent;
  result.index.push_back(sequence(weakest));
  in_.expect_symbol("]");
  if (result.index[0].kind != expression_kind::constant) return result;
  const word index = result.index[0].value;
  if (index >= result.extent) {
    in_.reject(name.at, "expected an index below " + std::to_string(result.extent));
  }
  return {result.base + static_cast<std::uint32_t>(index), 1, {}};
}

}  // namespace checker::litmus

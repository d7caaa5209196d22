// SPDX-License-Identifier: MIT
// Writes a program in the litmus notation, in full: every location and mutex is declared, every
// order given, every compound operand in parentheses.

#include <algorithm>
#include <cstddef>
#include <string>
#include <vector>

#include "notation.hpp"
#include "spelling.hpp"

namespace checker::litmus {
namespace {

std::string order_name(std::memory_order order) {
  const auto same = [&](const order_spelling& each) { return each.order == order; };
  return std::string(std::find_if(orders.begin(), orders.end(), same)->text);
}

std::string operator_name(expression_kind kind) {
  const auto same = [&](const operator_spelling& each) { return each.kind == kind; };
  return std::string(std::find_if(operators.begin(), operators.end(), same)->text);
}

// Whether it is read as one wherever a value may stand.
bool is_simple(const expression& e) {
  return e.kind == expression_kind::constant || e.kind == expression_kind::reg ||
         e.kind == expression_kind::load || e.kind == expression_kind::choose;
}

class printer {
 public:
  explicit printer(const program& p) : program_(p) {}

  std::string run() {
    text_ = "name: " + program_.name + "\n";
    declarations();
    for (const thread& each : program_.threads) {
      if (&each != &program_.threads.front()) text_ += "||\n";
      thread_ = &each;
      block(each.body, 0);
    }
    return std::move(text_);
  }

 private:
  // ---- declarations ----

  void declarations() {
    for (std::size_t i = 0; i < program_.locations.size(); i += program_.locations[i].extent) {
      const location& first = program_.locations[i];
      if (first.name.back() == ']') {
        text_ += (first.plain ? "plain array " : "array ") + array_name(first) + "[" +
                 std::to_string(first.extent) + "]\n";
      } else if (first.plain) {
        text_ += "plain " + first.name + "\n";
      } else {
        initial_value(first);
        continue;
      }
      for (std::size_t k = i; k < i + first.extent; ++k) {
        if (program_.locations[k].initial != 0) initial_value(program_.locations[k]);
      }
    }
    for (const std::string& mutex : program_.mutexes) text_ += "mutex " + mutex + "\n";
  }

  void initial_value(const location& of) {
    text_ += "init " + of.name + " = " + std::to_string(of.initial) + "\n";
  }

  static std::string array_name(const location& element) {
    return element.name.substr(0, element.name.find('['));
  }

  // ---- statements ----

  void block(const std::vector<statement>& statements, std::size_t depth) {
    for (const statement& s : statements) {
      text_.append(2 * depth, ' ');
      print(s, depth);
      text_ += "\n";
    }
  }

  void nested(const std::vector<statement>& statements, std::size_t depth) {
    text_ += " {\n";
    block(statements, depth + 1);
    text_.append(2 * depth, ' ');
    text_ += "}";
  }

  void print(const statement& s, std::size_t depth) {
    switch (s.kind) {
      case statement_kind::evaluate:
        if (register_name(s.target)[0] != '#') text_ += register_name(s.target) + " = ";
        print(s.value);
        break;
      case statement_kind::store:
        text_ += s.plain ? "W " : "W." + order_name(s.order) + " ";
        print(s.where);
        text_ += " = ";
        print(s.value);
        break;
      case statement_kind::fence:
        text_ += "F." + order_name(s.order);
        break;
      case statement_kind::light_fence:
        text_ += "F.light";
        break;
      case statement_kind::heavy_fence:
        text_ += "F.heavy";
        break;
      case statement_kind::lock:
      case statement_kind::unlock:
        text_ += s.kind == statement_kind::lock ? "lock " : "unlock ";
        text_ += program_.mutexes[s.mutex];
        break;
      case statement_kind::require:
      case statement_kind::assume:
        text_ += s.kind == statement_kind::require ? "require " : "assume ";
        print(s.value);
        break;
      default:
        compound(s, depth);
    }
  }

  void compound(const statement& s, std::size_t depth) {
    if (s.kind == statement_kind::branch) {
      text_ += "if ";
      print(s.value);
    } else if (s.kind == statement_kind::repeat) {
      text_ += "repeat ";
      print(s.value);
    } else if (s.kind == statement_kind::count) {
      text_ += "for " + register_name(s.target) + " = ";
      print(s.value);
      text_ += "..";
      print(s.last);
    } else {
      text_ += "while ";
      print(s.value);
      text_ += " bound " + std::to_string(s.bound);
    }
    nested(s.body, depth);
    if (s.otherwise.empty()) return;
    text_ += " else";
    nested(s.otherwise, depth);
  }

  // ---- expressions ----

  void print(const expression& e) {
    switch (e.kind) {
      case expression_kind::constant:
        text_ += std::to_string(e.value);
        break;
      case expression_kind::reg:
        text_ += register_name(e.value);
        break;
      case expression_kind::choose:
        text_ += "choose(" + std::to_string(e.value) + ")";
        break;
      case expression_kind::load:
      case expression_kind::fetch_add:
      case expression_kind::exchange:
      case expression_kind::compare_exchange:
        operation(e);
        break;
      case expression_kind::logical_not:
        text_ += "!";
        operand(e.operands[0]);
        break;
      case expression_kind::logical_or:
        text_ += "(";
        both(e);
        text_ += ")";
        break;
      default:
        both(e);
    }
  }

  void both(const expression& e) {
    operand(e.operands[0]);
    text_ += " " + operator_name(e.kind) + " ";
    operand(e.operands[1]);
  }

  void operand(const expression& e) {
    const bool enclosed = !is_simple(e) && e.kind != expression_kind::logical_or;
    if (enclosed) text_ += "(";
    print(e);
    if (enclosed) text_ += ")";
  }

  void operation(const expression& e) {
    const std::string order = order_name(e.order);
    if (e.kind == expression_kind::load) {
      text_ += e.plain ? "R " : "R." + order + " ";
      print(e.where);
    } else if (e.kind == expression_kind::compare_exchange) {
      text_ += "C(" + order + ", " + order_name(e.failure_order) + ") ";
      print(e.where);
      text_ += ": ";
      operand(e.operands[0]);
      text_ += " -> ";
      operand(e.operands[1]);
    } else {
      const bool adds = e.kind == expression_kind::fetch_add;
      text_ += (adds ? "U." : "X.") + order + " ";
      print(e.where);
      text_ += adds ? " += " : " = ";
      operand(e.operands[0]);
    }
  }

  void print(const place& where) {
    const location& first = program_.locations[where.base];
    if (where.index.empty()) {
      text_ += first.name;
      return;
    }
    text_ += array_name(first) + "[";
    print(where.index[0]);
    text_ += "]";
  }

  const std::string& register_name(word number) const { return thread_->registers[number]; }

  const program& program_;
  const thread* thread_ = nullptr;
  std::string text_;
};

}  // namespace

std::string print(const program& p) { return printer(p).run(); }

}  // namespace checker::litmus

// SPDX-License-Identifier: MIT
// Writes a program in the litmus notation, in full: every location with its initial value, every
// value behind "=", every compound expression in parentheses.

#include <string>
#include <string_view>
#include <vector>

#include "notation.hpp"

namespace checker::litmus {
namespace {

std::string_view order_name(std::memory_order order) {
  switch (order) {
    case std::memory_order_relaxed:
      return "rlx";
    case std::memory_order_acquire:
      return "acq";
    case std::memory_order_release:
      return "rel";
    case std::memory_order_acq_rel:
      return "ar";
    default:
      return "sc";
  }
}

std::string_view operator_name(expression_kind kind) {
  switch (kind) {
    case expression_kind::add:
      return " + ";
    case expression_kind::subtract:
      return " - ";
    case expression_kind::multiply:
      return " * ";
    case expression_kind::divide:
      return " / ";
    case expression_kind::remainder:
      return " % ";
    case expression_kind::equal:
      return " == ";
    case expression_kind::not_equal:
      return " != ";
    case expression_kind::less:
      return " < ";
    case expression_kind::greater:
      return " > ";
    case expression_kind::less_equal:
      return " <= ";
    case expression_kind::greater_equal:
      return " >= ";
    case expression_kind::logical_and:
      return " && ";
    default:
      return " || ";
  }
}

class printer {
 public:
  explicit printer(const program& p) : program_(p) {}

  std::string run() {
    text_ = "name: " + program_.name + "\n";
    header();
    for (std::size_t i = 0; i < program_.threads.size(); ++i) {
      thread_ = &program_.threads[i];
      text_ += "thread:\n";
      block(thread_->body, 1);
    }
    return std::move(text_);
  }

 private:
  void header() {
    for (std::size_t i = 0; i < program_.locations.size(); i += program_.locations[i].extent) {
      const location& first = program_.locations[i];
      if (first.extent > 1 || first.name.back() == ']') {
        array(i);
      } else {
        text_ += (first.plain ? "plain " : "init ") + first.name + "=" +
                 std::to_string(first.initial) + "\n";
      }
    }
    for (const std::string& mutex : program_.mutexes) text_ += "mutex " + mutex + "\n";
  }

  void array(std::size_t base) {
    const location& first = program_.locations[base];
    const std::string name = first.name.substr(0, first.name.find('['));
    text_ += "array " + name + "[" + std::to_string(first.extent) + "]\n";
    for (std::size_t i = 0; i < first.extent; ++i) {
      const location& element = program_.locations[base + i];
      text_ += "init " + element.name + "=" + std::to_string(element.initial) + "\n";
    }
    if (first.plain) text_ += "plain " + name + "\n";
  }

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
        if (name_of(s.target)[0] != '#') text_ += "reg " + name_of(s.target) + " = ";
        print(s.value);
        break;
      case statement_kind::store:
        text_ += s.plain ? "W " : "W." + std::string(order_name(s.order)) + " ";
        print(s.where);
        text_ += "=";
        print(s.value);
        break;
      case statement_kind::fence:
        text_ += "F." + std::string(order_name(s.order));
        break;
      case statement_kind::light_fence:
        text_ += "F.light";
        break;
      case statement_kind::heavy_fence:
        text_ += "F.heavy";
        break;
      case statement_kind::branch:
        text_ += "if ";
        print(s.value);
        nested(s.body, depth);
        if (!s.otherwise.empty()) {
          text_ += " else";
          nested(s.otherwise, depth);
        }
        break;
      case statement_kind::repeat:
        text_ += "repeat ";
        print(s.value);
        nested(s.body, depth);
        break;
      case statement_kind::count:
        text_ += "for " + name_of(s.target) + " = ";
        print(s.value);
        text_ += "..";
        print(s.last);
        nested(s.body, depth);
        break;
      case statement_kind::loop:
        text_ += "while ";
        print(s.value);
        text_ += " bound " + std::to_string(s.bound);
        nested(s.body, depth);
        break;
      case statement_kind::require:
      case statement_kind::assume:
        text_ += s.kind == statement_kind::require ? "require " : "assume ";
        print(s.value);
        break;
      case statement_kind::lock:
        text_ += "lock " + program_.mutexes[s.mutex];
        break;
      case statement_kind::unlock:
        text_ += "unlock " + program_.mutexes[s.mutex];
        break;
    }
  }

  void print(const expression& e) {
    switch (e.kind) {
      case expression_kind::constant:
        text_ += std::to_string(e.value);
        break;
      case expression_kind::reg:
        text_ += name_of(static_cast<std::uint32_t>(e.value));
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
        text_ += "!(";
        print(e.operands[0]);
        text_ += ")";
        break;
      default:
        text_ += "(";
        print(e.operands[0]);
        text_ += operator_name(e.kind);
        print(e.operands[1]);
        text_ += ")";
    }
  }

  void operation(const expression& e) {
    const std::string order(order_name(e.order));
    if (e.kind == expression_kind::load) {
      text_ += e.plain ? "R " : "R." + order + " ";
      print(e.where);
    } else if (e.kind == expression_kind::compare_exchange) {
      text_ += "C(" + order + ", fail " + std::string(order_name(e.failure_order)) + ") ";
      print(e.where);
      text_ += ":";
      print(e.operands[0]);
      text_ += "->";
      print(e.operands[1]);
    } else {
      const bool adds = e.kind == expression_kind::fetch_add;
      text_ += (adds ? "U." : "X.") + order + " ";
      print(e.where);
      text_ += adds ? "+=" : "=";
      print(e.operands[0]);
    }
  }

  void print(const place& where) {
    const std::string& name = program_.locations[where.base].name;
    if (where.index.empty()) {
      text_ += name;
      return;
    }
    text_ += name.substr(0, name.find('[')) + "[";
    print(where.index[0]);
    text_ += "]";
  }

  const std::string& name_of(std::uint32_t number) const { return thread_->registers[number]; }

  const program& program_;
  const thread* thread_ = nullptr;
  std::string text_;
};

}  // namespace

std::string print(const program& p) { return printer(p).run(); }

}  // namespace checker::litmus

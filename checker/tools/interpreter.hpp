// SPDX-License-Identifier: MIT
// Runs one thread of a litmus program on a machine: an explorer's fiber, an enumerator, or real
// atomics.
//
// A machine provides, with locations and mutexes by number and values of 64 bits:
//
//   word load(location, order);                 void store(location, value, order);
//   word fetch_add(location, addend, order);    word exchange(location, value, order);
//   {bool success, word old} compare_exchange(location, expected, desired, success, failure);
//   void fence(order);  void light_fence();     void heavy_fence();
//   word plain_load(location);                  void plain_store(location, value);
//   word choose(n);      // 0 .. n-1            void lock(mutex);  void unlock(mutex);
//   void require(bool holds, line);             void cut(line);    // a loop's bound was reached
//   void exclude();                             // an assumption does not hold
//   void at_line(line);  // optional: the line of the operation that comes next
//
// Any of them may abandon the thread instead of returning: the interpreter owns nothing. If a
// failed require, a cut or an exclude does return, then the thread ends there.

#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <vector>

#include "program.hpp"

namespace checker::litmus {

template <class Machine>
class interpreter {
 public:
  interpreter(Machine& machine, register_file& registers)
      : machine_(machine), registers_(registers) {}

  // Runs the statements in order. False if the thread has ended early.
  bool run(const std::vector<statement>& statements) {
    return std::all_of(statements.begin(), statements.end(),
                       [this](const statement& next) { return execute(next); });
  }

 private:
  bool execute(const statement& next) {
    switch (next.kind) {
      case statement_kind::evaluate:
        registers_[next.target] = evaluate(next.value);
        return !ended_;
      case statement_kind::store:
        return store(next);
      case statement_kind::fence:
        announce(next.at);
        machine_.fence(next.order);
        return true;
      case statement_kind::light_fence:
        announce(next.at);
        machine_.light_fence();
        return true;
      case statement_kind::heavy_fence:
        announce(next.at);
        machine_.heavy_fence();
        return true;
      case statement_kind::branch:
        return branch(next);
      case statement_kind::repeat:
        return repeat(next);
      case statement_kind::count:
        return count(next);
      case statement_kind::loop:
        return loop(next);
      case statement_kind::require:
        return require(evaluate(next.value) != 0, next.at);
      case statement_kind::assume:
        return assume(evaluate(next.value) != 0);
      case statement_kind::lock:
        announce(next.at);
        machine_.lock(next.mutex);
        return true;
      case statement_kind::unlock:
        announce(next.at);
        machine_.unlock(next.mutex);
        return true;
    }
    return false;
  }

  bool store(const statement& next) {
    std::uint32_t location = 0;
    if (!locate(next.where, next.at, location)) return false;
    const word value = evaluate(next.value);
    if (ended_) return false;
    announce(next.at);
    if (next.plain) {
      machine_.plain_store(location, value);
    } else {
      machine_.store(location, value, next.order);
    }
    return true;
  }

  bool branch(const statement& next) {
    const bool taken = evaluate(next.value) != 0;
    return !ended_ && run(taken ? next.body : next.otherwise);
  }

  bool repeat(const statement& next) {
    const word times = evaluate(next.value);
    for (word done = 0; done < times && !ended_; ++done) {
      if (!run(next.body)) return false;
    }
    return !ended_;
  }

  // The variable is a register like any other, but the body does not move the loop by changing it.
  bool count(const statement& next) {
    const word first = evaluate(next.value);
    const word last = evaluate(next.last);
    for (word i = first; i <= last && !ended_; ++i) {
      registers_[next.target] = i;
      if (!run(next.body)) return false;
      if (i == last) break;  // the largest value has no successor
    }
    return !ended_;
  }

  // The condition is evaluated once more after the last permitted turn: only a loop that would go
  // on is cut.
  bool loop(const statement& next) {
    for (word done = 0;; ++done) {
      const bool again = evaluate(next.value) != 0;
      if (ended_) return false;
      if (!again) return true;
      if (done == next.bound) return cut(next.at);
      if (!run(next.body)) return false;
    }
  }

  bool cut(position at) {
    ended_ = true;
    machine_.cut(at.line);
    return false;
  }

  bool require(bool holds, position at) {
    if (ended_) return false;
    machine_.require(holds, at.line);
    ended_ = !holds;
    return holds;
  }

  bool assume(bool holds) {
    if (ended_ || holds) return !ended_;
    ended_ = true;
    machine_.exclude();
    return false;
  }

  word evaluate(const expression& e) {
    switch (e.kind) {
      case expression_kind::constant:
        return e.value;
      case expression_kind::reg:
        return registers_[e.value];
      case expression_kind::load:
      case expression_kind::fetch_add:
      case expression_kind::exchange:
      case expression_kind::compare_exchange:
        return access(e);
      case expression_kind::choose:
        return choose(e);
      case expression_kind::logical_not:
        return evaluate(e.operands[0]) == 0;
      case expression_kind::logical_and:
        return evaluate(e.operands[0]) != 0 && evaluate(e.operands[1]) != 0;
      case expression_kind::logical_or:
        return evaluate(e.operands[0]) != 0 || evaluate(e.operands[1]) != 0;
      default:
        return combine(e);
    }
  }

  // The operators that evaluate both operands, the left one first.
  word combine(const expression& e) {
    const word left = evaluate(e.operands[0]);
    const word right = evaluate(e.operands[1]);
    if (const std::optional<word> result = calculated(e.kind, left, right)) return *result;
    switch (e.kind) {
      case expression_kind::divide:
      case expression_kind::remainder:
        return require(false, e.at);
      case expression_kind::equal:
        return left == right ? 1 : 0;
      case expression_kind::not_equal:
        return left != right ? 1 : 0;
      case expression_kind::less:
        return left < right ? 1 : 0;
      case expression_kind::greater:
        return left > right ? 1 : 0;
      case expression_kind::less_equal:
        return left <= right ? 1 : 0;
      default:
        return left >= right ? 1 : 0;
    }
  }

  word choose(const expression& e) {
    if (ended_) return 0;
    announce(e.at);
    return machine_.choose(e.value);
  }

  // The place is found first, then the operands from left to right, then the operation is made.
  word access(const expression& e) {
    std::uint32_t location = 0;
    if (!locate(e.where, e.at, location)) return 0;
    const word first = e.operands.empty() ? 0 : evaluate(e.operands[0]);
    const word second = e.operands.size() < 2 ? 0 : evaluate(e.operands[1]);
    if (ended_) return 0;
    announce(e.at);
    if (e.kind == expression_kind::compare_exchange) {
      const auto [success, old] =
          machine_.compare_exchange(location, first, second, e.order, e.failure_order);
      return e.yields_success ? word{success} : word{old};
    }
    return simple_access(e, location, first);
  }

  word simple_access(const expression& e, std::uint32_t location, word operand) {
    switch (e.kind) {
      case expression_kind::fetch_add:
        return machine_.fetch_add(location, operand, e.order);
      case expression_kind::exchange:
        return machine_.exchange(location, operand, e.order);
      default:
        return e.plain ? machine_.plain_load(location) : machine_.load(location, e.order);
    }
  }

  // An index out of the array's range is a failed requirement of the program.
  bool locate(const place& where, position at, std::uint32_t& location) {
    const word index = where.index.empty() ? 0 : evaluate(where.index[0]);
    if (ended_) return false;
    if (index >= where.extent) return require(false, at);
    location = where.base + static_cast<std::uint32_t>(index);
    return true;
  }

  void announce(position at) {
    if constexpr (requires { machine_.at_line(at.line); }) machine_.at_line(at.line);
  }

  Machine& machine_;
  register_file& registers_;
  bool ended_ = false;
};

// Runs a thread from its start. The registers are cleared first, and hold its outcome afterwards.
template <class Machine>
void run_thread(const program& p, std::size_t thread, Machine& machine, register_file& registers) {
  registers.fill(0);
  interpreter<Machine>(machine, registers).run(p.threads[thread].body);
}

}  // namespace checker::litmus

// SPDX-License-Identifier: MIT
// Reads the litmus notation.
//
// A program is parsed twice. The first time finds out which names are locations, and which of those
// are plain: "x = 1" alone does not tell whether x is a location or a register, and "W x1" may
// write 1 to x or something to x1. The second time builds the program.

#include "notation.hpp"

#include <algorithm>
#include <cctype>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "tokens.hpp"

namespace checker::litmus {
namespace {

// The orders of "x=x+y (R.acq, R.acq, W.rel)".
struct order_list {
  std::vector<std::memory_order> reads;
  std::optional<std::memory_order> write;
};

// An assignment in order of appearance. Those of threads that a comma joins share their order list.
struct assignment {
  std::size_t comma_group = 0;
  std::optional<order_list> orders;
};

// What the first pass has found out.
struct evidence {
  std::set<std::string, std::less<>> locations;
  std::set<std::string, std::less<>> plain;
  std::set<std::string, std::less<>> with_digits;  // x1 where x1 may be a location or "1 to x"
  std::vector<assignment> assignments;
};

struct orders {
  std::optional<std::memory_order> success;
  std::optional<std::memory_order> failure;
  bool plain = false;
};

bool is_one_of(std::string_view text, std::initializer_list<std::string_view> these) {
  return std::find(these.begin(), these.end(), text) != these.end();
}

bool is_operation(std::string_view text) { return is_one_of(text, {"R", "W", "U", "X", "C", "F"}); }

bool is_keyword(std::string_view text) {
  return is_operation(text) ||
         is_one_of(text,
                   {"if",     "then",   "else",    "repeat", "times",  "for",    "while",  "bound",
                    "down",   "it",     "ok",      "plain",  "read",   "lock",   "unlock", "and",
                    "choose", "thread", "require", "assert", "assume", "expect", "reg"});
}

// T1, T2, ...: the heading of a thread.
bool is_thread_number(std::string_view text) {
  return text.size() > 1 && (text[0] == 'T' || text[0] == 'P') &&
         std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

// r, r1, r2, ...: a name that is a register unless something else says that it is a location.
bool looks_like_register(std::string_view text) {
  return !text.empty() && text[0] == 'r' &&
         std::all_of(text.begin() + 1, text.end(), [](char c) { return c >= '0' && c <= '9'; });
}

bool is_load_order(std::memory_order order) {
  return order == std::memory_order_relaxed || order == std::memory_order_acquire ||
         order == std::memory_order_seq_cst;
}

bool is_store_order(std::memory_order order) {
  return order == std::memory_order_relaxed || order == std::memory_order_release ||
         order == std::memory_order_seq_cst;
}

// The load half of an order, which a failed compare-and-swap has if it is given none of its own.
std::memory_order load_half(std::memory_order order) {
  if (order == std::memory_order_acq_rel) return std::memory_order_acquire;
  if (order == std::memory_order_release) return std::memory_order_relaxed;
  return order;
}

std::optional<std::memory_order> order_named(std::string_view text) {
  if (is_one_of(text, {"rlx", "relaxed"})) return std::memory_order_relaxed;
  if (is_one_of(text, {"acq", "acquire"})) return std::memory_order_acquire;
  if (is_one_of(text, {"rel", "release"})) return std::memory_order_release;
  if (is_one_of(text, {"ar", "acq_rel"})) return std::memory_order_acq_rel;
  if (is_one_of(text, {"sc", "seq_cst"})) return std::memory_order_seq_cst;
  return std::nullopt;
}

// Where a truth value is wanted, a compare-and-swap by itself says whether it succeeded.
void make_condition(expression& e) {
  if (e.kind == expression_kind::compare_exchange) e.yields_success = true;
}

expression make_constant(word value) {
  expression result;
  result.value = value;
  return result;
}

class parser {
 public:
  parser(const std::vector<token>& tokens, std::string file, const parameters& given,
         const evidence& known, bool building)
      : tokens_(tokens),
        file_(std::move(file)),
        given_(given),
        names_(given),
        known_(known),
        building_(building) {}

  program run() {
    program_.at = tokens_[next_].at;
    header();
    if (at_end()) expected("a thread");
    threads();
    return std::move(program_);
  }

  // What this pass has seen, for the next one.
  evidence found() {
    for (const std::string& name : found_.with_digits) {
      if (!found_.locations.contains(name)) found_.locations.insert(without_digits(name));
    }
    return std::move(found_);
  }

 private:
  // ---- tokens ----

  const token& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(next_ + ahead, tokens_.size() - 1)];
  }
  bool at_end() const { return peek().kind == token_kind::end; }
  bool at_symbol(std::string_view text, std::size_t ahead = 0) const {
    return peek(ahead).kind == token_kind::symbol && peek(ahead).text == text;
  }
  bool at_name(std::size_t ahead = 0) const { return peek(ahead).kind == token_kind::name; }
  bool at_name(std::string_view text, std::size_t ahead = 0) const {
    return at_name(ahead) && peek(ahead).text == text;
  }
  bool at_operation(std::size_t ahead = 0) const {
    return at_name(ahead) && is_operation(peek(ahead).text);
  }
  const token& take() {
    const token& result = peek();
    if (!at_end()) ++next_;
    return result;
  }
  bool accept_symbol(std::string_view text) {
    if (!at_symbol(text)) return false;
    take();
    return true;
  }
  bool accept_name(std::string_view text) {
    if (!at_name(text)) return false;
    take();
    return true;
  }
  void expect_symbol(std::string_view text) {
    if (!accept_symbol(text)) expected("'" + std::string(text) + "'");
  }
  void expect_name(std::string_view text) {
    if (!accept_name(text)) expected("'" + std::string(text) + "'");
  }

  [[noreturn]] void expected(const std::string& what) const {
    const std::string found = at_end() ? peek().text : "'" + peek().text + "'";
    throw notation_error(file_, peek().at, "expected " + what + ", found " + found);
  }
  [[noreturn]] void reject(position at, const std::string& message) const {
    throw notation_error(file_, at, message);
  }

  std::string take_fresh_name(const std::string& what) {
    if (!at_name() || is_keyword(peek().text)) expected(what);
    return take().text;
  }

  // ---- constants: numbers and parameters, known while parsing ----

  std::optional<word> constant_primary() {
    if (peek().kind == token_kind::number) return take().value;
    if (at_name()) {
      const auto found = names_.find(peek().text);
      if (found == names_.end()) return std::nullopt;
      take();
      return found->second;
    }
    if (!accept_symbol("(")) return std::nullopt;
    const std::optional<word> inner = constant_sum();
    return inner && accept_symbol(")") ? inner : std::nullopt;
  }

  std::optional<word> constant_product() {
    std::optional<word> result = constant_primary();
    while (result && accept_symbol("*")) {
      const std::optional<word> right = constant_primary();
      if (!right) return std::nullopt;
      *result *= *right;
    }
    return result;
  }

  // A sign that no constant follows belongs to what comes next: "x = 1 + R y" starts with the
  // constant 1.
  std::optional<word> constant_sum() {
    std::optional<word> result = constant_product();
    while (result && (at_symbol("+") || at_symbol("-"))) {
      const std::size_t before = next_;
      const bool plus = take().text == "+";
      const std::optional<word> right = constant_product();
      if (!right) {
        next_ = before;
        break;
      }
      *result = plus ? *result + *right : *result - *right;
    }
    return result;
  }

  std::optional<word> try_constant() {
    const std::size_t before = next_;
    std::optional<word> result = constant_sum();
    if (!result) next_ = before;
    return result;
  }

  word constant(const std::string& what) {
    const std::optional<word> result = try_constant();
    if (!result) expected(what);
    return *result;
  }

  // ---- header ----

  void header() {
    while (header_item()) {
      while (accept_symbol(";")) {
      }
    }
  }

  bool header_item() {
    if ((at_name("init") || at_name("initially")) && at_name(1)) {
      take();
      initial_values(false);
    } else if (at_name("plain") && at_name(1)) {
      take();
      initial_values(true);
    } else if (accept_name("array")) {
      array();
    } else if (accept_name("mutex")) {
      do mutex_number(take_fresh_name("the name of a mutex"));
      while (accept_symbol(",") || (at_name() && !peek().starts_line));
    } else if (at_name("let") || at_parameter()) {
      accept_name("let");
      parameter();
    } else if (at_name("expect") && peek().starts_line) {
      expectations();
    } else if (at_name() && at_symbol("=", 1) && at_name(2) && at_symbol("=", 3)) {
      chained_initial_value();  // x=y=1
    } else {
      return false;
    }
    return true;
  }

  // A line "n = 5" of its own: so a parameter may be given without saying "let".
  bool at_parameter() const {
    return at_name() && is_one_of(peek().text, {"n", "m", "k", "N"}) && peek().starts_line &&
           at_symbol("=", 1) && peek(2).kind == token_kind::number &&
           (peek(3).starts_line || at_symbol(";", 3));
  }

  void parameter() {
    const std::string name = take_fresh_name("the name of a parameter");
    expect_symbol("=");
    const word value = constant("the value of the parameter");
    if (!given_.contains(name)) names_[name] = value;
  }

  void initial_values(bool plain) {
    do {
      if (!at_name() || is_keyword(peek().text)) expected("the name of a location");
      if (at_symbol("=", 1) && at_name(2) && at_symbol("=", 3)) {
        chained_initial_value();
      } else {
        initial_value(plain);
      }
      accept_symbol(",");
    } while (at_name() && !peek().starts_line);
  }

  void initial_value(bool plain) {
    const token name = take();
    word index = 0;
    if (accept_symbol("[")) {
      if (!arrays_.contains(name.text)) reject(name.at, "expected the name of an array");
      index = constant("an index");
      expect_symbol("]");
    }
    const std::uint32_t base = location_number(name.text);
    if (index >= program_.locations[base].extent) reject(name.at, "expected an index in range");
    if (plain) mark_plain(name.text);
    if (!plain || at_symbol("=")) {
      expect_symbol("=");
      program_.locations[base + index].initial = constant("an initial value");
    }
  }

  void chained_initial_value() {
    std::vector<std::uint32_t> these;
    while (at_name() && at_symbol("=", 1)) {
      these.push_back(location_number(take().text));
      take();
    }
    const word value = constant("an initial value");
    for (const std::uint32_t one : these) program_.locations[one].initial = value;
  }

  // array a[0..n] = 0, or array a[n+1]
  void array() {
    const position at = peek().at;
    const std::string name = take_fresh_name("the name of an array");
    if (locations_.contains(name)) reject(at, "expected a new name, found '" + name + "'");
    expect_symbol("[");
    word extent = constant("the number of elements");
    if (accept_symbol("..")) {
      if (extent != 0) reject(at, "expected an array that starts at 0");
      extent = constant("the last index") + 1;
    }
    expect_symbol("]");
    if (extent == 0 || extent > 65536) reject(at, "expected 1 to 65536 elements");
    const word initial = accept_symbol("=") ? constant("an initial value") : 0;
    found_.locations.insert(name);
    arrays_.insert(name);
    locations_[name] = static_cast<std::uint32_t>(program_.locations.size());
    for (word i = 0; i < extent; ++i) {
      program_.locations.push_back({name + "[" + std::to_string(i) + "]", initial,
                                    known_.plain.contains(name),
                                    i == 0 ? static_cast<std::uint32_t>(extent) : 1});
    }
  }

  void expectations() {
    take();
    expectation& all = program_.expected;
    do {
      if (peek().kind == token_kind::number) {
        all.rc11 = take().value;
        if (accept_symbol("(")) {
          all.sc = constant("the number of executions under sc");
          expect_symbol(")");
        }
      } else if (accept_name("rc11")) {
        all.rc11 = constant("a number of executions");
      } else if (accept_name("iso")) {
        all.iso = constant("a number of executions");
      } else if (accept_name("sc")) {
        all.sc = constant("a number of executions");
      } else if (accept_name("outcomes")) {
        all.outcomes = constant("a number of outcomes");
      } else {
        const bool wanted = !accept_name("no");
        if (at_name("race")) {
          all.race = wanted;
        } else if (at_name("failure")) {
          all.failure = wanted;
        } else {
          expected("a number, 'rc11', 'iso', 'sc', 'outcomes', 'race' or 'failure'");
        }
        take();
      }
      accept_symbol(",");
    } while (!at_end() && !peek().starts_line && !at_symbol(";"));
  }

  // ---- threads ----

  void threads() {
    for (;;) {
      group();
      if (at_end()) return;
      if (at_name("expect") && peek().starts_line) {
        header();
        if (at_end()) return;
        expected("the end of the program");
      }
      if (accept_symbol("||") || accept_symbol("+") || accept_name("and")) {
        ++comma_group_;
      } else if (!accept_symbol(",")) {
        while (accept_symbol(";")) ++comma_group_;
        if (at_end()) return;
        if (!at_thread()) expected("';', '||' or the end of the program");
        ++comma_group_;
      } else if (!at_thread()) {
        expected("a thread");
      }
    }
  }

  // A new thread starts here although nothing separates it but a line, a comma or a semicolon.
  bool at_thread() {
    if (!at_name()) return copies_ahead();
    const std::string& text = peek().text;
    if (is_one_of(text, {"thread", "reader", "writer", "one"})) return !at_symbol("=", 1);
    if (is_thread_number(text)) return true;
    if (at_label()) return true;
    return copies_ahead();
  }

  // "producer: R x" names a thread.
  bool at_label() const { return at_name() && !is_keyword(peek().text) && at_symbol(":", 1); }

  // "5 x", "n+1 writers": how many copies of the thread that follows.
  std::optional<word> copies() {
    if (at_name("one")) {
      take();
      return 1;
    }
    const std::size_t before = next_;
    const std::optional<word> number = try_constant();
    if (!number) {
      if (at_name() && !is_keyword(peek().text) && at_name("x", 1) && !peek(1).starts_line &&
          (at_operation(2) || at_symbol("(", 2))) {
        reject(peek().at, "expected a number of threads; '" + peek().text +
                              "' has no value: write \"let " + peek().text + " = 3\" before");
      }
      return std::nullopt;
    }
    if (at_name("x") && (at_name(1) || at_symbol("(", 1) || at_symbol("{", 1))) {
      take();
      return number;
    }
    if (at_name() && is_one_of(peek().text, {"writers", "readers", "threads", "copies"})) {
      take();
      return number;
    }
    next_ = before;
    return std::nullopt;
  }

  bool copies_ahead() {
    const std::size_t before = next_;
    const bool result = copies().has_value();
    next_ = before;
    return result;
  }

  void group() {
    const bool labelled = label();
    if (labelled) forget_leading_values();
    if (at_name("thread")) {
      indexed_threads();
    } else if (const std::optional<word> number = copies()) {
      accept_symbol(":");
      copied_threads(*number);
    } else {
      one_thread([this](std::vector<statement>& out) { statements(out, true); });
      leading_values_ = program_.threads.size() == 1 && !labelled;
    }
  }

  bool label() {
    if (at_name() && is_thread_number(peek().text)) {
      take();
      accept_symbol(":");
      return true;
    }
    if (at_label()) {
      take();
      take();
      return true;
    }
    return accept_name("reader") || accept_name("writer");
  }

  // "x=1; y=1; T1 ... T2 ...": what looks like a first thread of stores gives the initial values.
  void forget_leading_values() {
    if (!std::exchange(leading_values_, false)) return;
    for (const statement& s : program_.threads[0].body) {
      if (s.kind != statement_kind::store || s.value.kind != expression_kind::constant ||
          !s.where.index.empty() || s.order != std::memory_order_relaxed) {
        return;
      }
    }
    for (const statement& s : program_.threads[0].body) {
      program_.locations[s.where.base].initial = s.value.value;
    }
    program_.threads.clear();
  }

  // thread i = 1..n: ...
  void indexed_threads() {
    take();
    if (peek().kind == token_kind::number && at_symbol(":", 1)) take();
    if (at_symbol(":")) {
      take();
      one_thread([this](std::vector<statement>& out) { statements(out, true); });
      return;
    }
    const std::string index = take_fresh_name("the name of the thread's index");
    expect_symbol("=");
    const word first = constant("the first index");
    if (!accept_symbol("..")) expect_name("to");
    const word last = constant("the last index");
    expect_symbol(":");
    repeated_threads(index, first, last,
                     [this](std::vector<statement>& out) { statements(out, true); });
  }

  // n x (...). The copies are numbered from 1; i, j or k is the number unless it means something
  // else.
  void copied_threads(word number) {
    const bool outer = std::exchange(in_copies_, true);
    repeated_threads("", 1, number, [this](std::vector<statement>& out) { one_statement(out); });
    in_copies_ = outer;
    const std::size_t before = next_;
    while (accept_symbol(";")) {
    }
    if (next_ != before && !at_end() && !at_thread() && !at_name("expect")) {
      reject(peek().at, "expected another thread, found '" + peek().text +
                            "': several statements of a copied thread stand in parentheses");
    }
    next_ = before;
  }

  void repeated_threads(const std::string& index, word first, word last,
                        const std::function<void(std::vector<statement>&)>& body) {
    const std::size_t start = next_;
    const std::size_t group_start = found_.assignments.size();
    const std::size_t before = program_.threads.size();
    if (last > first && last - first >= 64) reject(peek().at, "expected at most 64 threads");
    for (word i = first; i == first || i <= last; ++i) {
      next_ = start;
      found_.assignments.resize(group_start);
      copy_ = i;
      const parameters outer = names_;
      if (!index.empty()) names_[index] = i;
      one_thread(body);
      names_ = outer;
    }
    // No copies at all: the body has been read once, and goes.
    if (last < first) program_.threads.resize(before);
  }

  void one_thread(const std::function<void(std::vector<statement>&)>& body) {
    program_.threads.emplace_back();
    registers_.clear();
    anonymous_ = 0;
    body(program_.threads.back().body);
  }

  // ---- statements ----

  bool at_close() const { return at_symbol("}") || at_symbol(")"); }
  bool at_separator() const { return at_symbol("||") || at_symbol("+") || at_name("and"); }

  void statements(std::vector<statement>& out, bool top) {
    for (;;) {
      one_statement(out);
      const std::size_t before = next_;
      const bool separated = accept_symbol(";") || accept_symbol(",");
      while (accept_symbol(";")) {
      }
      const bool goes_on = separated || peek().starts_line;
      if (!goes_on || at_end() || at_close() || at_separator() || at_name("expect")) return;
      if (top && at_thread()) {
        next_ = before;
        return;
      }
    }
  }

  // One statement of the notation may be several: R.acq x,y,z.
  void one_statement(std::vector<statement>& out) {
    if (at_symbol("{") || at_symbol("(")) return block_of(out);
    if (!at_name() && peek().kind != token_kind::number) expected("a statement");
    const std::string& text = peek().text;
    if (text == "R") return reads(out);
    if (text == "W") return writes(out);
    if (is_one_of(text, {"U", "X", "C"})) return read_modify_writes(out);
    if (text == "choose") return discard(out, primary());
    if (text == "F") return fence(out);
    if (text == "if") return branch(out);
    if (text == "for") return count(out);
    if (text == "while") return loop(out);
    if (text == "read" && at_name(1)) return read_word(out);
    if (is_one_of(text, {"require", "assert"})) return condition(out, statement_kind::require);
    if (text == "assume") return condition(out, statement_kind::assume);
    if (is_one_of(text, {"lock", "unlock"})) return mutex_operation(out);
    if (text == "repeat" || times_ahead()) return repeat(out);
    assign(out);
  }

  statement& append(std::vector<statement>& out, statement_kind kind, position at) {
    out.emplace_back();
    out.back().kind = kind;
    out.back().at = at;
    return out.back();
  }

  void block_of(std::vector<statement>& out) {
    const std::string_view close = take().text == "{" ? "}" : ")";
    const std::size_t depth = std::exchange(depth_, 0);
    if (!at_symbol(close)) statements(out, false);
    depth_ = depth;
    expect_symbol(close);
  }

  // What an if or a loop governs: one statement, or several in braces.
  void body_of(std::vector<statement>& out) {
    if (!accept_symbol(":")) accept_name("then");
    one_statement(out);
  }

  // A value that no register takes ("R x -> r1") gets one without a name, so that outcomes tell it.
  void discard(std::vector<statement>& out, expression value) {
    statement& s = append(out, statement_kind::evaluate, value.at);
    const bool named = accept_symbol("->");
    s.target = register_number(
        named ? take_fresh_name("a register") : "#" + std::to_string(++anonymous_), value.at);
    s.value = std::move(value);
  }

  void reads(std::vector<statement>& out) {
    const token op = take();
    const orders given = or_listed(operation_orders(op));
    do discard(out, load(op, given));
    while (more_places());
  }

  // A read without an order, in a thread that a comma joins to one with an order list, has the
  // order that the list gives to all reads.
  orders or_listed(orders given) const {
    if (given.success || given.plain) return given;
    for (const assignment& each : known_.assignments) {
      if (each.comma_group != comma_group_ || !each.orders || each.orders->reads.empty()) continue;
      const auto& reads = each.orders->reads;
      if (std::count(reads.begin(), reads.end(), reads.front()) ==
          static_cast<std::ptrdiff_t>(reads.size())) {
        given.success = reads.front();
      }
    }
    return given;
  }

  // A comma before another name goes on with the list; before anything else it ends the statement.
  bool more_places() {
    if (!at_symbol(",") || !at_name(1) || is_keyword(peek(1).text)) return false;
    if (is_thread_number(peek(1).text) || at_symbol("=", 2) || at_symbol(":", 2)) return false;
    take();
    return true;
  }

  void read_word(std::vector<statement>& out) {
    const token op = take();
    expression value = load(op, {});
    if (accept_name("plain")) mark_plain(last_place_);
    discard(out, std::move(value));
  }

  void writes(std::vector<statement>& out) {
    const token op = take();
    const orders given = operation_orders(op);
    do write(out, op, given);
    while (more_writes());
  }

  bool more_writes() {
    const std::size_t ahead = at_symbol(",") ? 1 : 0;
    if (!at_name(ahead) || peek(ahead).starts_line || is_keyword(peek(ahead).text)) return false;
    const std::string& text = peek(ahead).text;
    if (is_thread_number(text) || looks_like_register(text) || text == "T") return false;
    if (ahead == 1) take();
    return true;
  }

  void write(std::vector<statement>& out, const token& op, const orders& given) {
    statement s;
    s.kind = statement_kind::store;
    s.at = op.at;
    std::optional<word> adjacent = place_and_digits(s.where);
    s.plain = access_is_plain(op, given);
    s.order = given.success.value_or(std::memory_order_relaxed);
    if (accept_symbol("=")) {
      s.value = value();
    } else {
      s.value = make_constant(adjacent ? *adjacent : written_value());
    }
    if (accept_name("plain")) {
      if (given.success) reject(op.at, "expected no order for a plain access");
      mark_plain(last_place_);
    }
    out.push_back(std::move(s));
  }

  // A write that does not say what it writes writes 1.
  word written_value() {
    return peek().kind == token_kind::number && !peek().starts_line ? take().value : 1;
  }

  void read_modify_writes(std::vector<statement>& out) {
    const token op = take();
    const orders given = operation_orders(op);
    do discard(out, read_modify_write(op, given));
    while (op.text == "U" && more_places());
  }

  void fence(std::vector<statement>& out) {
    const token op = take();
    const bool parenthesised = accept_symbol("(");
    if (!parenthesised) expect_symbol(".");
    if (accept_name("light")) {
      append(out, statement_kind::light_fence, op.at);
    } else if (accept_name("heavy")) {
      append(out, statement_kind::heavy_fence, op.at);
    } else {
      const std::memory_order order = one_order("acq, rel, ar, sc, light or heavy");
      append(out, statement_kind::fence, op.at).order = order;
    }
    if (parenthesised) expect_symbol(")");
  }

  void branch(std::vector<statement>& out) {
    const position at = take().at;
    expression condition = value();
    make_condition(condition);
    statement s;
    s.kind = statement_kind::branch;
    s.at = at;
    s.value = std::move(condition);
    body_of(s.body);
    const std::size_t before = next_;
    accept_symbol(";");
    if (accept_name("else")) {
      body_of(s.otherwise);
    } else {
      next_ = before;
    }
    out.push_back(std::move(s));
  }

  bool times_ahead() {
    const std::size_t before = next_;
    const bool result = try_constant().has_value() && at_name("times");
    next_ = before;
    return result;
  }

  // repeat E {...}, or E times ...
  void repeat(std::vector<statement>& out) {
    statement s;
    s.kind = statement_kind::repeat;
    s.at = peek().at;
    if (accept_name("repeat")) {
      s.value = value();
      accept_name("times");
    } else {
      s.value = make_constant(constant("a number of times"));
      expect_name("times");
    }
    body_of(s.body);
    out.push_back(std::move(s));
  }

  // for i = a..b {...}
  void count(std::vector<statement>& out) {
    statement s;
    s.kind = statement_kind::count;
    s.at = take().at;
    const position at = peek().at;
    s.target = register_number(take_fresh_name("a register"), at);
    if (!accept_name("in")) expect_symbol("=");
    s.value = value();
    if (!accept_symbol("..")) expect_name("to");
    s.last = value();
    body_of(s.body);
    out.push_back(std::move(s));
  }

  // while E bound N {...}
  void loop(std::vector<statement>& out) {
    statement s;
    s.kind = statement_kind::loop;
    s.at = take().at;
    s.value = value();
    make_condition(s.value);
    expect_name("bound");
    s.bound = constant("the largest number of turns");
    body_of(s.body);
    out.push_back(std::move(s));
  }

  void condition(std::vector<statement>& out, statement_kind kind) {
    const position at = take().at;
    expression holds = value();
    make_condition(holds);
    append(out, kind, at).value = std::move(holds);
  }

  void mutex_operation(std::vector<statement>& out) {
    const token op = take();
    const bool parenthesised = accept_symbol("(");
    const std::uint32_t mutex = mutex_number(take_fresh_name("the name of a mutex"));
    if (parenthesised) expect_symbol(")");
    append(out, op.text == "lock" ? statement_kind::lock : statement_kind::unlock, op.at).mutex =
        mutex;
  }

  // r1 = E, reg v = E, x = E, or i = E down while E
  void assign(std::vector<statement>& out) {
    const bool is_register = accept_name("reg");
    if (!at_name() || is_keyword(peek().text)) expected("a statement");
    if (!at_symbol("=", 1) && !at_symbol("[", 1)) expected("a statement");
    const token name = peek();
    const bool is_read = at_name(2) && (is_operation(peek(2).text) || peek(2).text == "choose");
    if (!is_register && (at_symbol("[", 1) || is_known_location(name.text))) return store(out);
    take();
    take();
    expression assigned = value();
    if (accept_name("down")) return count_down(out, name, std::move(assigned));
    if (is_register || is_read || looks_like_register(name.text) ||
        registers_.contains(name.text)) {
      statement& s = append(out, statement_kind::evaluate, name.at);
      s.target = register_number(name.text, name.at);
      s.value = std::move(assigned);
    } else {
      statement s;
      s.at = name.at;
      s.where.base = location_number(name.text);
      last_place_ = name.text;
      finish_store(out, std::move(s), std::move(assigned));
    }
  }

  void store(std::vector<statement>& out) {
    statement s;
    s.at = peek().at;
    s.where = exact_place();
    const std::string name = last_place_;
    expect_symbol("=");
    expression assigned = value();
    last_place_ = name;
    finish_store(out, std::move(s), std::move(assigned));
  }

  void finish_store(std::vector<statement>& out, statement s, expression assigned) {
    s.kind = statement_kind::store;
    s.value = std::move(assigned);
    if (accept_name("plain")) mark_plain(last_place_);
    s.plain = known_.plain.contains(last_place_);
    const std::size_t number = found_.assignments.size();
    found_.assignments.push_back({comma_group_, std::nullopt});
    if (at_symbol("(") && at_operation(1) && at_symbol(".", 2)) {
      found_.assignments.back().orders = listed_orders();
    }
    apply_orders(s, number);
    out.push_back(std::move(s));
  }

  // (R.acq, R.acq, W.rel)
  order_list listed_orders() {
    order_list result;
    take();
    do {
      const token op = take();
      const orders given = operation_orders(op);
      if (op.text == "W") {
        result.write = given.success;
      } else if (op.text == "R" && given.success) {
        result.reads.push_back(*given.success);
      } else {
        reject(op.at, "expected orders of reads and of the write, such as (R.acq, W.rel)");
      }
    } while (accept_symbol(","));
    expect_symbol(")");
    return result;
  }

  // An assignment takes the orders that follow it, or that follow one of a thread joined to its own
  // by commas, if there are as many as it has reads.
  void apply_orders(statement& s, std::size_t number) {
    std::vector<expression*> loads;
    collect_loads(s.value, loads);
    for (std::size_t i = number; i < known_.assignments.size(); ++i) {
      const assignment& from = known_.assignments[i];
      if (from.comma_group != comma_group_) return;
      if (!from.orders || from.orders->reads.size() != loads.size()) {
        if (i == number && from.orders) {
          reject(s.at, "expected as many orders of reads as there are reads");
        }
        continue;
      }
      for (std::size_t k = 0; k < loads.size(); ++k) loads[k]->order = from.orders->reads[k];
      s.order = from.orders->write.value_or(std::memory_order_relaxed);
      return;
    }
  }

  void collect_loads(expression& e, std::vector<expression*>& out) {
    for (expression& index : e.where.index) collect_loads(index, out);
    for (expression& operand : e.operands) collect_loads(operand, out);
    if (e.kind == expression_kind::load) out.push_back(&e);
  }

  // i = n down while E [body]: from n on, as long as E holds, at most to 0.
  void count_down(std::vector<statement>& out, const token& name, expression start) {
    if (start.kind != expression_kind::constant) reject(name.at, "expected a constant start");
    const std::uint32_t target = register_number(name.text, name.at);
    statement& first = append(out, statement_kind::evaluate, name.at);
    first.target = target;
    first.value = start;
    statement s;
    s.kind = statement_kind::loop;
    s.at = name.at;
    s.bound = start.value;
    expect_name("while");
    s.value = value();
    make_condition(s.value);
    if (at_symbol(":") || at_symbol("{")) body_of(s.body);
    expression before;
    before.kind = expression_kind::reg;
    before.value = target;
    statement& step = append(s.body, statement_kind::evaluate, name.at);
    step.target = target;
    step.value.kind = expression_kind::subtract;
    step.value.operands = {before, make_constant(1)};
    out.push_back(std::move(s));
  }

  // ---- expressions ----

  // From the weakest operator to the strongest. Outside parentheses, || separates threads.
  expression value() { return disjunction(); }

  expression binary(expression_kind kind, position at, expression left, expression right) {
    expression result;
    result.kind = kind;
    result.at = at;
    result.operands.push_back(std::move(left));
    result.operands.push_back(std::move(right));
    return result;
  }

  expression disjunction() {
    expression left = conjunction();
    while (depth_ > 0 && at_symbol("||")) {
      const position at = take().at;
      left = both(expression_kind::logical_or, at, std::move(left), conjunction());
    }
    return left;
  }

  expression conjunction() {
    expression left = comparison();
    while (at_symbol("&&")) {
      const position at = take().at;
      left = both(expression_kind::logical_and, at, std::move(left), comparison());
    }
    return left;
  }

  expression both(expression_kind kind, position at, expression left, expression right) {
    make_condition(left);
    make_condition(right);
    return binary(kind, at, std::move(left), std::move(right));
  }

  expression comparison() {
    static const std::map<std::string, expression_kind, std::less<>> kinds = {
        {"==", expression_kind::equal},      {"!=", expression_kind::not_equal},
        {"<", expression_kind::less},        {">", expression_kind::greater},
        {"<=", expression_kind::less_equal}, {">=", expression_kind::greater_equal}};
    expression left = sum();
    while (peek().kind == token_kind::symbol && kinds.contains(peek().text)) {
      const token op = take();
      left = binary(kinds.find(op.text)->second, op.at, std::move(left), sum());
    }
    return left;
  }

  expression sum() {
    expression left = product();
    while (at_symbol("-") || (at_symbol("+") && !thread_after_plus())) {
      const token op = take();
      const expression_kind kind =
          op.text == "+" ? expression_kind::add : expression_kind::subtract;
      left = fold(binary(kind, op.at, std::move(left), product()));
    }
    return left;
  }

  // "W.rel x=2 + 5 x R.acq x": the plus sign joins threads.
  bool thread_after_plus() {
    if (depth_ > 0) return false;
    if (at_name("W", 1) || at_name("F", 1)) return true;
    const std::size_t before = next_;
    take();
    const bool result = copies_ahead();
    next_ = before;
    return result;
  }

  expression product() {
    expression left = unary();
    while (at_symbol("*") || at_symbol("/") || at_symbol("%")) {
      const token op = take();
      const expression_kind kind = op.text == "*"   ? expression_kind::multiply
                                   : op.text == "/" ? expression_kind::divide
                                                    : expression_kind::remainder;
      left = fold(binary(kind, op.at, std::move(left), unary()));
    }
    return left;
  }

  // Arithmetic of constants is done here, so that i-1 is a number where i is one.
  expression fold(expression e) {
    const expression& left = e.operands[0];
    const expression& right = e.operands[1];
    if (left.kind != expression_kind::constant || right.kind != expression_kind::constant) return e;
    switch (e.kind) {
      case expression_kind::add:
        return make_constant(left.value + right.value);
      case expression_kind::subtract:
        return make_constant(left.value - right.value);
      case expression_kind::multiply:
        return make_constant(left.value * right.value);
      default:
        return e;
    }
  }

  expression unary() {
    if (at_symbol("!")) {
      expression result;
      result.kind = expression_kind::logical_not;
      result.at = take().at;
      result.operands.push_back(unary());
      make_condition(result.operands[0]);
      return result;
    }
    if (at_symbol("-")) {
      const position at = take().at;
      return fold(binary(expression_kind::subtract, at, make_constant(0), unary()));
    }
    return primary();
  }

  expression primary() {
    if (peek().kind == token_kind::number) return make_constant(take().value);
    if (accept_symbol("(")) {
      ++depth_;
      expression inner = value();
      --depth_;
      expect_symbol(")");
      return inner;
    }
    if (!at_name()) expected("a value");
    if (at_name("it")) return it();
    if (at_name("ok")) return register_value(ok_register, take().at);
    if (at_name("choose")) return choose();
    if (at_operation()) return operation();
    return named_value();
  }

  expression register_value(std::uint32_t number, position at) {
    expression result;
    result.kind = expression_kind::reg;
    result.value = number;
    result.at = at;
    return result;
  }

  // it; it read 2; it succeeded; it failed
  expression it() {
    const position at = take().at;
    expression read = register_value(it_register, at);
    if (accept_name("read")) {
      return binary(expression_kind::equal, at, std::move(read), sum());
    }
    if (at_name("succeeded") || at_name("failed")) {
      const bool succeeded = take().text == "succeeded";
      expression result = register_value(ok_register, at);
      if (succeeded) return result;
      expression negated;
      negated.kind = expression_kind::logical_not;
      negated.at = at;
      negated.operands.push_back(std::move(result));
      return negated;
    }
    return read;
  }

  expression choose() {
    expression result;
    result.kind = expression_kind::choose;
    result.at = take().at;
    result.value = constant("a number of alternatives");
    if (result.value == 0) reject(result.at, "expected at least one alternative");
    return result;
  }

  expression operation() {
    const token op = take();
    if (op.text == "W" || op.text == "F") {
      reject(op.at, "expected a value, found '" + op.text + "', which has none");
    }
    const orders given = operation_orders(op);
    return op.text == "R" ? load(op, given) : read_modify_write(op, given);
  }

  // A name in an expression: a parameter or the copy's number, a register, or a location that is
  // read.
  expression named_value() {
    const token& name = peek();
    if (is_keyword(name.text)) expected("a value");
    if (const auto found = names_.find(name.text); found != names_.end()) {
      take();
      return make_constant(found->second);
    }
    if (const auto found = registers_.find(name.text); found != registers_.end()) {
      return register_value(found->second, take().at);
    }
    if (is_known_location(name.text) || at_symbol("[", 1)) return load(name, {});
    if (in_copies_ && is_one_of(name.text, {"i", "j", "k"})) {
      take();
      return make_constant(copy_);
    }
    if (!building_) {
      take();
      return make_constant(0);
    }
    if (looks_like_register(name.text)) {
      reject(name.at, "expected a register to which this thread has assigned before, found '" +
                          name.text + "'");
    }
    return load(name, {});
  }

  expression load(const token& op, const orders& given) {
    expression result;
    result.kind = expression_kind::load;
    result.at = op.at;
    result.where = exact_place();
    result.plain = access_is_plain(op, given);
    result.order = given.success.value_or(std::memory_order_relaxed);
    return result;
  }

  expression read_modify_write(const token& op, const orders& given) {
    expression result;
    result.at = op.at;
    result.order = given.success.value_or(std::memory_order_relaxed);
    if (op.text == "X") {
      exchange(result);
    } else {
      result.where = exact_place();
      if (op.text == "U") {
        fetch_add(result);
      } else {
        compare_exchange(result, given);
      }
    }
    if (known_.plain.contains(last_place_)) {
      reject(op.at, "expected an atomic location, found '" + last_place_ + "', which is plain");
    }
    return result;
  }

  void exchange(expression& e) {
    e.kind = expression_kind::exchange;
    const std::optional<word> adjacent = place_and_digits(e.where);
    const std::string name = last_place_;
    if (accept_symbol("=")) {
      e.operands.push_back(value());
    } else {
      e.operands.push_back(make_constant(adjacent ? *adjacent : written_value()));
    }
    last_place_ = name;
  }

  // U x, U x+=2, U x-=1
  void fetch_add(expression& e) {
    e.kind = expression_kind::fetch_add;
    const std::string name = last_place_;
    if (accept_symbol("+=")) {
      e.operands.push_back(sum());
    } else if (at_symbol("-=")) {
      const position at = take().at;
      e.operands.push_back(fold(binary(expression_kind::subtract, at, make_constant(0), sum())));
    } else {
      e.operands.push_back(make_constant(1));
    }
    last_place_ = name;
  }

  void compare_exchange(expression& e, const orders& given) {
    e.kind = expression_kind::compare_exchange;
    e.failure_order = given.failure.value_or(load_half(e.order));
    const std::string name = last_place_;
    expect_symbol(":");
    e.operands.push_back(sum());
    expect_symbol("->");
    e.operands.push_back(sum());
    last_place_ = name;
  }

  // ---- orders ----

  std::memory_order one_order(const std::string& what) {
    if (!at_name()) expected(what);
    const std::optional<std::memory_order> result = order_named(peek().text);
    if (!result) expected(what);
    take();
    return *result;
  }

  // .acq, (acq), (acq, fail rlx)
  orders operation_orders(const token& op) {
    orders result;
    const bool parenthesised = at_symbol("(");
    if (!parenthesised && !at_symbol(".")) return result;
    take();
    if (at_name("plain") || at_name("na")) {
      take();
      result.plain = true;
    } else {
      const position at = peek().at;
      result.success = one_order("an order (rlx, acq, rel, ar or sc)");
      check_order(op, *result.success, at);
    }
    const bool failure_follows =
        at_symbol("/") || (at_symbol(",") && (parenthesised || at_name("fail", 1)));
    if (op.text == "C" && failure_follows) {
      take();
      accept_name("fail");
      const position at = peek().at;
      result.failure = one_order("a failure order (rlx, acq or sc)");
      if (!is_load_order(*result.failure)) {
        reject(at, "expected a failure order (rlx, acq or sc), as of a read");
      }
    }
    if (parenthesised) expect_symbol(")");
    return result;
  }

  void check_order(const token& op, std::memory_order order, position at) const {
    if (op.text == "R" && !is_load_order(order)) {
      reject(at, "expected an order of a read: rlx, acq or sc");
    }
    if (op.text == "W" && !is_store_order(order)) {
      reject(at, "expected an order of a write: rlx, rel or sc");
    }
  }

  // ---- names ----

  static std::string without_digits(const std::string& name) {
    return name.substr(0, name.find_last_not_of("0123456789") + 1);
  }

  bool is_known_location(const std::string& name) const {
    return known_.locations.contains(name) || locations_.contains(name);
  }

  // Whether the access to the place just parsed is plain. An access that names an order is atomic.
  bool access_is_plain(const token& op, const orders& given) {
    if (given.plain) mark_plain(last_place_);
    const bool plain = known_.plain.contains(last_place_);
    if (plain && given.success) {
      reject(op.at, "expected no order: '" + last_place_ + "' is plain");
    }
    return plain;
  }

  void mark_plain(const std::string& name) { found_.plain.insert(name); }

  std::uint32_t location_number(const std::string& name) {
    found_.locations.insert(name);
    const auto found = locations_.find(name);
    if (found != locations_.end()) return found->second;
    const auto number = static_cast<std::uint32_t>(program_.locations.size());
    program_.locations.push_back({name, 0, known_.plain.contains(name), 1});
    locations_[name] = number;
    return number;
  }

  std::uint32_t mutex_number(const std::string& name) {
    const auto found = std::find(program_.mutexes.begin(), program_.mutexes.end(), name);
    if (found == program_.mutexes.end()) program_.mutexes.push_back(name);
    return static_cast<std::uint32_t>(
        std::find(program_.mutexes.begin(), program_.mutexes.end(), name) -
        program_.mutexes.begin());
  }

  std::uint32_t register_number(const std::string& name, position at) {
    const auto found = registers_.find(name);
    if (found != registers_.end()) return found->second;
    std::vector<std::string>& all = program_.threads.back().registers;
    if (all.size() == max_registers) {
      reject(at, "expected at most " + std::to_string(max_registers - first_register) +
                     " registers and reads without one in a thread");
    }
    const auto number = static_cast<std::uint32_t>(all.size());
    all.push_back(name);
    registers_[name] = number;
    return number;
  }

  // A place where no value can follow: the whole word is the name.
  place exact_place() {
    if (!at_name() || is_keyword(peek().text)) expected("a location");
    const token name = take();
    return rest_of_place(name.text, name.at);
  }

  place rest_of_place(const std::string& name, position at) {
    place result;
    result.base = location_number(name);
    if (accept_symbol("[")) {
      if (!arrays_.contains(name)) {
        reject(at, "expected an array before '[', found '" + name + "': write \"array " + name +
                       "[4]\" before the threads");
      }
      result.extent = program_.locations[result.base].extent;
      ++depth_;
      result.index.push_back(value());
      --depth_;
      expect_symbol("]");
      simplify(result, at);
    } else if (arrays_.contains(name)) {
      expected("'[' after the name of an array");
    }
    last_place_ = name;
    return result;
  }

  // a[2] is a location like any other.
  void simplify(place& where, position at) {
    if (where.index[0].kind != expression_kind::constant) return;
    const word index = where.index[0].value;
    if (building_ && index >= where.extent) reject(at, "expected an index in the array's range");
    where = {where.base + static_cast<std::uint32_t>(index), 1, {}};
  }

  // The place of a write or exchange, and the value if it is written onto the name: x1.
  std::optional<word> place_and_digits(place& where) {
    if (!at_name() || is_keyword(peek().text)) expected("a location");
    const token name = take();
    const std::string stem = without_digits(name.text);
    if (stem == name.text || at_symbol("=") || at_symbol("[") || is_known_location(name.text)) {
      where = rest_of_place(name.text, name.at);
      return std::nullopt;
    }
    if (!building_) {
      found_.with_digits.insert(name.text);
      last_place_ = stem;
      return 0;
    }
    where = rest_of_place(stem, name.at);
    if (name.text.size() - stem.size() > 18) reject(name.at, "expected a shorter number");
    return std::stoull(name.text.substr(stem.size()));
  }

  const std::vector<token>& tokens_;
  std::string file_;
  const parameters& given_;
  parameters names_;  // parameters and the indices of threads
  const evidence& known_;
  bool building_;
  evidence found_;

  std::size_t next_ = 0;
  std::size_t depth_ = 0;  // of parentheses and brackets in an expression
  std::size_t comma_group_ = 0;
  bool leading_values_ = false;
  bool in_copies_ = false;
  word copy_ = 1;
  std::size_t anonymous_ = 0;
  std::string last_place_;

  program program_;
  std::map<std::string, std::uint32_t, std::less<>> locations_;
  std::set<std::string, std::less<>> arrays_;
  std::map<std::string, std::uint32_t, std::less<>> registers_;  // of the present thread
};

// A stretch of a file that holds one program.
struct section {
  std::string name;
  std::string_view text;
  position at;
  expectation expected;
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// The cells of a row of a Markdown table: what stands between single bars.
std::vector<std::string_view> cells_of(std::string_view row) {
  std::vector<std::string_view> cells;
  std::size_t start = 0;
  for (std::size_t i = 0; i <= row.size(); ++i) {
    const bool bar = i == row.size() || row[i] == '|';
    if (bar && row.substr(i, 2) == "||") {
      ++i;
    } else if (bar) {
      cells.push_back(row.substr(start, i - start));
      start = i + 1;
    }
  }
  return cells;
}

std::optional<std::uint64_t> leading_number(std::string_view& text) {
  std::optional<std::uint64_t> result;
  while (!text.empty() &&
         (std::isdigit(static_cast<unsigned char>(text[0])) != 0 || (result && text[0] == ','))) {
    if (text[0] != ',') {
      result = result.value_or(0) * 10 + static_cast<std::uint64_t>(text[0] - '0');
    } else if (text.size() < 2 || std::isdigit(static_cast<unsigned char>(text[1])) == 0) {
      break;
    }
    text.remove_prefix(1);
  }
  return result;
}

// | name | program | 4 (3) |, as in the tables of the oracles. Rows without a count are headings.
std::optional<section> table_row(std::string_view line, std::uint32_t number) {
  const std::vector<std::string_view> cells = cells_of(trim(line));
  if (cells.size() < 5) return std::nullopt;
  section result;
  std::string_view count = trim(cells[3]);
  const bool no_race = count.find("no race") != std::string_view::npos;
  result.expected.rc11 = leading_number(count);
  if (!result.expected.rc11) return std::nullopt;
  count = trim(count);
  if (!count.empty() && count[0] == '(') {
    count.remove_prefix(1);
    result.expected.sc = leading_number(count);
  }
  if (no_race) result.expected.race = false;
  result.name = trim(cells[1]);
  result.text = cells[2];
  result.at = {number, static_cast<std::uint32_t>(cells[2].data() - line.data()) + 1};
  return result;
}

// Cuts a file at its "name:" lines and at the rows of its tables.
std::vector<section> sections_of(std::string_view text, const std::string& stem) {
  std::vector<section> result;
  result.push_back({stem, text.substr(0, 0), {1, 1}, {}});
  std::size_t start = 0;
  for (std::uint32_t number = 1; start < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', start), text.size() - 1) + 1;
    const std::string_view line = text.substr(start, end - start);
    const std::string_view content = trim(line.substr(0, line.find('\n')));
    if (content.substr(0, 5) == "name:") {
      result.push_back(
          {std::string(trim(content.substr(5))), text.substr(end, 0), {number + 1, 1}, {}});
    } else if (content.size() > 1 && content[0] == '|' && content[1] != '|') {
      if (std::optional<section> row = table_row(line, number)) result.push_back(std::move(*row));
      result.push_back({stem, text.substr(end, 0), {number + 1, 1}, {}});
    } else {
      section& last = result.back();
      last.text = std::string_view(
          last.text.data(), static_cast<std::size_t>(line.data() - last.text.data()) + line.size());
    }
    start = end;
  }
  return result;
}

std::string stem_of(const std::string& file) {
  const std::size_t slash = file.find_last_of('/');
  const std::string name = slash == std::string::npos ? file : file.substr(slash + 1);
  return name.substr(0, name.find_last_of('.'));
}

void merge(expectation& into, const expectation& from) {
  if (from.rc11) into.rc11 = from.rc11;
  if (from.sc) into.sc = from.sc;
  if (from.race) into.race = from.race;
}

program parse_section(const section& part, const std::vector<token>& tokens,
                      const std::string& file, const parameters& given) {
  const evidence nothing;
  parser first(tokens, file, given, nothing, false);
  first.run();
  const evidence known = first.found();
  program result = parser(tokens, file, given, known, true).run();
  result.name = part.name;
  merge(result.expected, part.expected);
  return result;
}

}  // namespace

std::vector<program> parse(std::string_view text, const std::string& file,
                           const parameters& given) {
  std::vector<program> programs;
  const std::string stem = stem_of(file);
  for (const section& part : sections_of(text, stem)) {
    const std::vector<token> tokens = tokenizer(part.text, part.at, file).run();
    const bool empty = tokens.size() == 1;
    if (!empty || part.name != stem) {
      programs.push_back(parse_section(part, tokens, file, given));
    }
  }
  if (programs.empty()) throw notation_error(file, {1, 1}, "expected a program");
  return programs;
}

}  // namespace checker::litmus

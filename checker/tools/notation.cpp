// SPDX-License-Identifier: MIT
// Reads files of litmus programs: what stands around the statements of a thread.

#include "notation.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "expression_parser.hpp"
#include "names.hpp"
#include "statement_parser.hpp"
#include "token_reader.hpp"
#include "tokens.hpp"

namespace checker::litmus {
namespace {

constexpr word most_elements = 65536;
constexpr word most_copies = 64;

class program_parser {
 public:
  program_parser(token_reader in, const parameters& given)
      : in_(std::move(in)),
        names_(in_, result_, given),
        values_(in_, names_, result_),
        statements_(in_, names_, values_) {}

  program run() {
    in_.skip_separators();
    result_.at = in_.peek().at;
    while (declaration()) {
      if (!in_.at(token_kind::separator) && !in_.at(token_kind::end)) {
        in_.expected("';' or a new line after a declaration");
      }
      in_.skip_separators();
    }
    if (in_.at(token_kind::end)) in_.expected("a thread");
    do threads();
    while (in_.accept_symbol("||"));
    if (!in_.at(token_kind::end)) in_.expected("';', a new line, '||' or the end of the program");
    return std::move(result_);
  }

 private:
  // ---- declarations ----

  bool declaration() {
    if (in_.accept_word("let")) {
      let();
    } else if (in_.accept_word("init")) {
      init();
    } else if (in_.accept_word("plain")) {
      if (in_.accept_word("array")) {
        array(true);
      } else {
        names_.add_location(fresh_name("a location"), true);
      }
    } else if (in_.accept_word("array")) {
      array(false);
    } else if (in_.accept_word("mutex")) {
      names_.mutex(fresh_name("a mutex"));
    } else if (in_.accept_word("expect")) {
      do expectation_item();
      while (!in_.at(token_kind::separator) && !in_.at(token_kind::end));
    } else {
      return false;
    }
    return true;
  }

  token fresh_name(const std::string& of) {
    if (!in_.at(token_kind::name)) in_.expected("the name of " + of);
    return in_.take();
  }

  void let() {
    const token name = fresh_name("a number");
    in_.expect_symbol("=");
    names_.declare_number(name, values_.constant("the value of " + name.text));
  }

  // init x = 1, init a[2] = 1
  void init() {
    const token name = fresh_name("a location");
    const std::uint32_t first = names_.location(name);
    word index = 0;
    if (names_.is_array(name.text)) {
      in_.expect_symbol("[");
      const position at = in_.peek().at;
      index = values_.constant("an index");
      const word extent = result_.locations[first].extent;
      if (index >= extent) {
        in_.reject(at, "expected an index below " + std::to_string(extent));
      }
      in_.expect_symbol("]");
    }
    in_.expect_symbol("=");
    result_.locations[first + index].initial = values_.constant("an initial value");
  }

  void array(bool plain) {
    const token name = fresh_name("an array");
    in_.expect_symbol("[");
    const position at = in_.peek().at;
    const word extent = values_.constant("a number of elements");
    if (extent == 0 || extent > most_elements) {
      in_.reject(at, "expected 1 to " + std::to_string(most_elements) + " elements");
    }
    in_.expect_symbol("]");
    names_.add_array(name, static_cast<std::uint32_t>(extent), plain);
  }

  void expectation_item() {
    expectation& all = result_.expected;
    const std::array<std::pair<std::string_view, std::optional<std::uint64_t>*>, 4> counts = {
        {{"rc11", &all.rc11}, {"iso", &all.iso}, {"sc", &all.sc}, {"outcomes", &all.outcomes}}};
    for (const auto& [name, count] : counts) {
      if (!in_.accept_word(name)) continue;
      if (!in_.at(token_kind::number)) in_.expected("a number");
      *count = in_.take().value;
      return;
    }
    const bool wanted = !in_.accept_word("no");
    if (in_.accept_word("race")) {
      all.race = wanted;
    } else if (in_.accept_word("failure")) {
      all.failure = wanted;
    } else {
      in_.expected("'rc11', 'iso', 'sc', 'outcomes', 'race' or 'failure'");
    }
  }

  // ---- threads ----

  // A thread, or n x {S; S}
  void threads() {
    in_.skip_separators();
    if (at_copies()) return copies();
    names_.start_thread();
    finish_thread(statements_.statements());
  }

  bool at_copies() const {
    if (in_.at(token_kind::number) || in_.at_symbol("(")) return true;
    if (!in_.at(token_kind::name) || in_.at_symbol("=", 1)) return false;
    const token& name = in_.peek();
    if (names_.number(name.text)) return true;
    if (!values_.at_operation() && in_.at_word("x", 1) && in_.at_symbol("{", 2)) {
      in_.reject(name.at, "'" + name.text + "' has no value: let " + name.text +
                              " = 3 before the threads gives it one");
    }
    return false;
  }

  void copies() {
    const position at = in_.peek().at;
    const word number = values_.constant("a number of copies");
    if (number == 0 || number > most_copies) {
      in_.reject(at, "expected 1 to " + std::to_string(most_copies) + " copies");
    }
    if (!in_.accept_word("x")) in_.expected("'x' and the thread, in braces");
    const std::size_t body = in_.mark();
    for (word i = 1; i <= number; ++i) {
      in_.go_back(body);
      names_.set_copy(i);
      names_.start_thread();
      finish_thread(statements_.block());
    }
    names_.set_copy(std::nullopt);
    in_.skip_separators();
  }

  void finish_thread(std::vector<statement> body) {
    if (body.empty()) in_.expected("a statement");
    result_.threads.back().body = std::move(body);
  }

  token_reader in_;
  program result_;
  names names_;
  expression_parser values_;
  statement_parser statements_;
};

// A stretch of a file that holds one program.
struct section {
  std::string name;
  bool named;
  std::string_view text;
  position at;
};

std::string_view trim(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

// Cuts a file at its lines "name: ...".
std::vector<section> sections_of(std::string_view text, std::string stem) {
  constexpr std::string_view heading = "name:";
  std::vector<section> result = {{std::move(stem), false, text.substr(0, 0), {1, 1}}};
  std::size_t start = 0;
  for (std::uint32_t number = 1; start < text.size(); ++number) {
    const std::size_t end = std::min(text.find('\n', start), text.size() - 1) + 1;
    const std::string_view line = text.substr(start, end - start);
    if (line.starts_with(heading)) {
      const std::string_view name = trim(line.substr(heading.size()));
      result.push_back({std::string(name), true, text.substr(end, 0), {number + 1, 1}});
    } else {
      section& last = result.back();
      const auto before = static_cast<std::size_t>(last.text.data() - text.data());
      last.text = text.substr(before, end - before);
    }
    start = end;
  }
  return result;
}

std::string stem_of(const std::string& file) {
  const std::string name = file.substr(file.find_last_of('/') + 1);
  return name.substr(0, name.find_last_of('.'));
}

}  // namespace

std::vector<program> parse(std::string_view text, const std::string& file,
                           const parameters& given) {
  std::vector<program> programs;
  const std::vector<section> sections = sections_of(text, stem_of(file));
  for (const section& part : sections) {
    token_reader in(tokenizer(part.text, part.at, file).run(), file);
    in.skip_separators();
    const bool empty = in.at(token_kind::end);
    if (!part.named && empty) continue;
    if (!part.named && sections.size() > 1) in.expected("'name: ..' before the first program");
    programs.push_back(program_parser(std::move(in), given).run());
    programs.back().name = part.name;
  }
  if (programs.empty()) throw notation_error(file, {1, 1}, "expected a program");
  return programs;
}

}  // namespace checker::litmus

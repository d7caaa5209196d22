// SPDX-License-Identifier: MIT
// What the names of a litmus program mean. A name has one meaning in all of a program: its first
// use or declaration decides which.
//
// Stands on: token_reader.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>

#include "token_reader.hpp"

namespace checker::litmus {

class names {
 public:
  // Adds what is named to the program.
  names(const token_reader& in, program& into, const parameters& given)
      : in_(in), program_(into), given_(given) {
    for (const auto& [name, value] : given) known_[name] = {kind::number, {}, value};
  }

  // ---- numbers: parameters and `copy` ----

  void declare_number(const token& name, word value) {
    if (given_.contains(name.text)) return;
    fresh(name);
    known_[name.text] = {kind::number, name.at, value};
  }

  void set_copy(std::optional<word> number) { copy_ = number; }

  std::optional<word> number(const std::string& name) const {
    if (name == "copy") return copy_;
    const auto found = known_.find(name);
    if (found == known_.end() || found->second.is != kind::number) return std::nullopt;
    return found->second.number;
  }

  // ---- locations ----

  // The number of a location, or of an array's first element. A new name is an atomic location.
  std::uint32_t location(const token& name) {
    const auto found = known_.find(name.text);
    if (found == known_.end()) return add_location(name, false);
    if (!is_location(found->second)) clash(name, found->second, "a location is needed here");
    return static_cast<std::uint32_t>(found->second.number);
  }

  std::uint32_t add_location(const token& name, bool plain) {
    const std::uint32_t first = declare(name, kind::location);
    program_.locations.push_back({name.text, 0, plain, 1});
    return first;
  }

  void add_array(const token& name, std::uint32_t extent, bool plain) {
    declare(name, kind::array);
    for (std::uint32_t i = 0; i != extent; ++i) {
      program_.locations.push_back(
          {name.text + "[" + std::to_string(i) + "]", 0, plain, i == 0 ? extent : 1});
    }
  }

  bool is_array(const std::string& name) const {
    const auto found = known_.find(name);
    return found != known_.end() && found->second.is == kind::array;
  }

  // ---- mutexes ----

  std::uint32_t mutex(const token& name) {
    const auto found = known_.find(name.text);
    if (found == known_.end()) {
      check_word(name);
      known_[name.text] = {kind::mutex, name.at, program_.mutexes.size()};
      program_.mutexes.push_back(name.text);
    } else if (found->second.is != kind::mutex) {
      clash(name, found->second, "a mutex needs another name");
    }
    return static_cast<std::uint32_t>(known_[name.text].number);
  }

  // ---- registers, of the last thread ----

  void start_thread() {
    program_.threads.emplace_back();
    registers_.clear();
    anonymous_ = 0;
  }

  std::uint32_t assigned_register(const token& name) {
    const auto found = known_.find(name.text);
    if (found == known_.end()) {
      check_word(name);
      known_[name.text] = {kind::reg, name.at, 0};
    } else if (found->second.is != kind::reg) {
      clash(name, found->second,
            is_location(found->second) ? "W " + name.text + " = .. writes it"
                                       : "a register needs another name");
    }
    const auto mine = registers_.find(name.text);
    if (mine != registers_.end()) return mine->second;
    return registers_[name.text] = add_register(name.text, name.at);
  }

  // For a value that goes nowhere, so that outcomes tell it.
  std::uint32_t anonymous_register(position at) {
    return add_register("#" + std::to_string(++anonymous_), at);
  }

  std::uint32_t read_register(const token& name) const {
    const auto mine = registers_.find(name.text);
    if (mine != registers_.end()) return mine->second;
    if (name.text == "copy") {
      in_.reject(name.at, "'copy' is the number of a copy: it stands in n x {..} only");
    }
    const auto found = known_.find(name.text);
    if (found != known_.end() && is_location(found->second)) {
      clash(name, found->second, "R " + name.text + " reads it");
    }
    if (found != known_.end() && found->second.is != kind::reg) {
      clash(name, found->second, "it has no value");
    }
    in_.reject(name.at, "nothing has been assigned to '" + name.text +
                            "' here (if it is a location: R " + name.text + " reads it)");
  }

 private:
  enum class kind : std::uint8_t { number, location, array, mutex, reg };

  struct meaning {
    kind is = kind::reg;
    position at;
    word number = 0;  // a parameter's value, or its place among its kind
  };

  static bool is_location(const meaning& m) {
    return m.is == kind::location || m.is == kind::array;
  }

  std::uint32_t declare(const token& name, kind is) {
    fresh(name);
    const std::size_t number = program_.locations.size();
    known_[name.text] = {is, name.at, number};
    return static_cast<std::uint32_t>(number);
  }

  void fresh(const token& name) const {
    check_word(name);
    const auto found = known_.find(name.text);
    if (found != known_.end()) clash(name, found->second, "a declaration needs a new name");
  }

  void check_word(const token& name) const {
    static constexpr std::array<std::string_view, 24> reserved = {
        "R",    "W",     "U",     "X",      "C",     "F",      "if",     "else",
        "for",  "while", "bound", "repeat", "lock",  "unlock", "choose", "require",
        "copy", "let",   "init",  "plain",  "array", "mutex",  "expect", "assume"};
    if (std::find(reserved.begin(), reserved.end(), name.text) != reserved.end()) {
      in_.reject(name.at, "expected a name, found '" + name.text + "', which means something else");
    }
  }

  std::uint32_t add_register(const std::string& name, position at) {
    auto& all = program_.threads.back().registers;
    if (all.size() == max_registers) {
      in_.reject(at, "expected at most " + std::to_string(max_registers) +
                         " registers and reads without one in a thread");
    }
    all.push_back(name);
    return static_cast<std::uint32_t>(all.size() - 1);
  }

  [[noreturn]] void clash(const token& name, const meaning& before, const std::string& hint) const {
    static constexpr std::array<std::string_view, 5> kinds = {"a number", "a location", "an array",
                                                              "a mutex", "a register"};
    const std::string where =
        before.at.line == 0 ? "given" : "line " + std::to_string(before.at.line);
    in_.reject(name.at, "'" + name.text + "' is " +
                            std::string(kinds[static_cast<std::size_t>(before.is)]) + " (" + where +
                            "): " + hint);
  }

  const token_reader& in_;
  program& program_;
  const parameters& given_;
  std::map<std::string, meaning, std::less<>> known_;
  std::map<std::string, std::uint32_t, std::less<>> registers_;
  std::size_t anonymous_ = 0;
  std::optional<word> copy_;
};

}  // namespace checker::litmus

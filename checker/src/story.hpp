// SPDX-License-Identifier: MIT
// A counterexample, told: what each step was, in words, and what the steps have to do with one
// another. Text and page are two ways to lay it out.
//
// A step is called by its thread and its event, as in the replay string: T1.4 is event 4 of thread
// 1. Steps that are no events have letters: T1.4a is the first thing that thread 1 did after T1.4,
// T1.a the first that it did before its first event.
//
// Stands on: <checker/counterexample.hpp>.
#pragma once

#include <checker/counterexample.hpp>

#include <string>
#include <vector>

namespace checker {

inline constexpr std::size_t no_step = ~std::size_t{0};

struct told_step {
  unsigned thread = 0;  // as many as threads: before or after them
  step::kind kind = step::kind::event;
  std::string label;   // T1.4; before and after the threads: before, after
  std::string where;   // file:line
  std::string source;  // what stands there
  std::string what;    // load ready acquire -> 1
  std::string origin;  // of what was read: from T0.1 store
  std::vector<std::string> remarks;
  bool is_aside = false;   // nobody looks for it first: set-up, plain reads, frees, the end
  bool is_choice = false;  // another one would be another execution
  bool stale = false;      // read another value than the newest
  bool culprit = false;    // the fault, or the access that it is about
  bool involved = false;   // what the culprit collided with
};

struct arrow {
  enum class kind : std::uint8_t { reads_from, coherence, happens_before };
  kind what;
  std::size_t from;
  std::size_t to;
};

// Writes that a read could not see, and why the model lets it read an older one.
struct missed_writes {
  std::vector<std::size_t> steps;
  std::string why;
};

struct stale_read {
  std::size_t step;
  std::vector<missed_writes> missed;
};

struct story {
  unsigned threads = 0;
  std::vector<told_step> steps;
  std::vector<arrow> arrows;
  std::vector<stale_read> stale;
  std::vector<std::string> overtaken;  // writes that came first, and come later in mo than others
  std::string race;  // why the two accesses of a data race are not ordered, if there is a path
  std::vector<std::string> waits;  // of a deadlock: who waits, for what, and why nothing comes
};

std::string_view name_of(memory_model m) noexcept;

story tell(const counterexample& told);

}  // namespace checker

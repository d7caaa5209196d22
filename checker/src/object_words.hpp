// SPDX-License-Identifier: MIT
// What is told of an object, by its kind: how it is called, what an event does there and finds, and
// why a thread waits there for ever. Each kind has a row of one table.
//
// Stands on: <checker/counterexample.hpp>.
#pragma once

#include <checker/counterexample.hpp>

#include <cstdint>
#include <string>
#include <string_view>

namespace checker::telling {

std::string_view name_of(order o) noexcept;

// Of threads as bits: T1, T2
std::string names_of_threads(std::uint64_t bits, std::string_view between = ", ");

// What a row asks of the execution that is told.
class narrator {
 public:
  virtual const execution_graph& graph() const = 0;
  virtual std::string name(location_id l) const = 0;
  // A value as event e has it.
  virtual std::string value_at(std::uint64_t v, event_id e) const = 0;
  // T1.4
  virtual std::string label(event_id e) const = 0;
  // (flag.hpp:12), with a space before it
  virtual std::string line_of(event_id e) const = 0;
  // T1.4 store flag release = 1 (flag.hpp:12)
  virtual std::string told(event_id e) const = 0;
  // flag -> 0, from T1.4 store flag release = 1 (flag.hpp:12)
  virtual std::string read_by(event_id e) const = 0;
  // What a thread had read when it went to sleep: before it locked the mutex; or of the atomic on
  // which it sleeps, at the same place if it has to be.
  virtual std::string read_before(event_id entered) const = 0;
  virtual std::string read_of_atomic(event_id entered, bool at_same_place) const = 0;
  // The end of a sentence on a thread that others wait for.
  virtual std::string what_it_does(unsigned thread, std::string_view else_it) const = 0;

 protected:
  narrator() = default;
  ~narrator() = default;
  narrator(const narrator&) = default;
  narrator& operator=(const narrator&) = default;
};

struct object_words {
  std::string_view name{};
  // What it is called in a model where no line names it; empty: after the line that made it.
  std::string_view otherwise{};
  // What is found there as long as nobody has written it.
  std::string_view at_first = "initial value";
  // It is no more than who sleeps on an object that has a name of its own.
  bool is_beside_another = false;
  // It bears the name of what lies at its address.
  bool is_called_as_its_word = false;
  // Who waits there sleeps until it is woken.
  bool sleeps = false;
  // A line that unlocks it may name a lock of it instead.
  bool hides_behind_locks = false;
  // The name that a line has for it; empty if it has none.
  std::string_view (*named_in)(std::string_view line, const event& e) = nullptr;
  // What the event is called in the source.
  std::string_view (*verb)(const execution_graph& graph, event_id e) = nullptr;
  // What it does, with the object, and what it finds there.
  std::string (*what)(const narrator& story, event_id e) = nullptr;
  // Why a thread that waits there goes on no more, behind "T1 waits at a.cpp:1".
  std::string (*why)(const narrator& story, const waiting_thread& waits) = nullptr;
};

const object_words& words_of(object_kind is) noexcept;

}  // namespace checker::telling

// SPDX-License-Identifier: MIT
// A failing execution, as data: what a report is made from.
//
// Stands on: graph, place.
#pragma once

#include "graph.hpp"
#include "place.hpp"

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace checker {

enum class fault : std::uint8_t {
  none,
  assertion,
  data_race,
  uninitialised_read,
  use_after_free,
  double_free,
  use_after_return,  // of a local variable, when its function has returned
  memory_leak,
  deadlock,
  livelock,          // the same, of threads that go round in loops instead of waiting
  misuse,            // a mutex unlocked by a thread that does not hold it, and the like
  nondeterministic,  // the program asked for another operation than the graph holds
  crash,             // a signal: a pointer that leads nowhere, an abort
  exception,         // that leaves a thread
  cut,               // not a fault of the program: a bound of the search was met
};

constexpr std::string_view name_of(fault f) noexcept {
  constexpr std::string_view names[] = {
      "none",           "assertion",          "data race",        "uninitialised read",
      "use after free", "double free",        "use after return", "memory leak",
      "deadlock",       "livelock",           "misuse",           "nondeterministic model",
      "crash",          "uncaught exception", "bound met"};
  return names[static_cast<std::size_t>(f)];
}

// What a choice is about.
enum class choice_kind : std::uint8_t {
  program,       // what the program asks for itself
  time_limit,    // whether one is over before what is waited for has come: 1
  whom_to_wake,  // one of the threads that sleep
  interruption,  // whether a section is aborted: 1
  cpu,           // which one the thread is on
};

struct choice_subject {
  choice_kind is = choice_kind::program;
  std::uint64_t among = 0;  // the threads that sleep, as bits; or the CPU that is the first choice
};

// One thing that a thread did, in the order in which it was executed.
struct step {
  enum class kind : std::uint8_t {
    event,  // an operation of the graph: `e`
    plain_read,
    plain_write,
    allocate,
    free,
    fault,  // the last one: what was wrong, and where
  };
  kind what = kind::event;
  unsigned thread = 0;  // as many as threads: before or after them
  event_id e = initial;
  const void* object = nullptr;  // of plain accesses and memory
  std::uint64_t value = 0;       // of plain accesses; of memory the size
  place from{"", "", 0};
  choice_subject about{};  // of an event that is a choice
};

// What a location is to whoever wrote the program: what a front end makes of it is its own affair.
enum class object_kind : std::uint8_t {
  word,
  mutex,      // its holder, one more than the index of a thread; 0: nobody
  sleepers,   // 32 threads as bits, below those that count the notifications
  condition,  // the same of 40 threads: of a condition variable,
  futex,      // and of who sleeps on a word
  rwlock,     // how many read; or the highest bit: somebody writes
  semaphore,  // what is left
  barrier,    // how many have arrived in this round, and above 32 bits the round
  once,       // 0; 1: somebody does it; 2: it is done
};

struct named_location {
  unsigned maker = 0;  // the thread that made it; as many as threads: before them
  unsigned ordinal = 0;
  place made{"", "", 0};
  const void* object = nullptr;
  object_kind is = object_kind::word;
};

// A thread that waits, when nothing can run: since this event of its own, the first of the turn
// that did not succeed; or for the end of a thread, which is no event before it has come.
struct waiting_thread {
  static constexpr unsigned nobody = ~0u;

  unsigned thread = 0;
  std::uint32_t since = 0;
  unsigned joins = nobody;
  place from{"", "", 0};  // of who joins
  bool spins = false;     // it goes round in a loop, of which nothing says that it waits
};

// How an object is called that lines do not name.
struct named_object {
  const void* object = nullptr;
  std::string name;
  bool exact = false;  // it says all: else a line may say more
  bool inner = false;  // a library's own: who sleeps there waits for what the line names
};

struct counterexample {
  counterexample();
  counterexample(const counterexample&);
  counterexample(counterexample&&) noexcept;
  counterexample& operator=(const counterexample&);
  counterexample& operator=(counterexample&&) noexcept;
  ~counterexample();

  fault what = fault::none;
  std::string text;
  std::string program;
  memory_model model = memory_model::rc11;
  execution_graph graph;  // happens_before, causes, rf and co of all events
  std::vector<step> steps;
  std::vector<place> places;              // of event::place
  std::vector<named_location> locations;  // by location_id
  std::vector<waiting_thread> waiting;    // of a deadlock or a livelock
  std::vector<unsigned> stopped;          // threads that are stopped for ever
  std::vector<named_object> names;        // what a front end knows of objects: of a model, none
  std::string replay;                     // runs exactly this execution again
};

}  // namespace checker

// SPDX-License-Identifier: MIT
// What a model is: a program of a few threads on the pool's headers, run in every interleaving that
// the search asks for, with what must hold and what must be seen.
//
//     // Property:   ...
//     // Expected:   ...
//     // Threads:    owner: push, push, pop || thief: 2 steals
//     // Bound:      ...
//     // Would show: ...
//     struct push_vs_steal : model {
//       static model_info info() { return {.property = "...", .threads = 2, .bound = "...",
//                                          .outcomes = {"stolen", "lost race"}}; }
//       void before() override;                  // one thread; also the constructor
//       void thread(unsigned index) override;    // index 0 .. threads - 1
//       void after() override;                   // one thread; also the destructor
//     };
//     const registered<push_vs_steal> registration;   // once per file, for all its models
//
// A model is written once, and knows no engine: `sync` is the policy of the engine that it is
// compiled for. Relacy searches interleavings; the checker visits every execution graph once.
//
// Each execution makes a new object of the model. Data that its threads share is sync::atomic or
// sync::var; plain members are invisible to the engines: fit for what one thread writes and after()
// reads. Shared plain data that a thread reads would make a model nondeterministic: the checker
// says so. A leak is looked for after the destructor. `this_machine` sets CPUs and refused
// allocations (machine.hpp), choose(n) tries n alternatives, advance_clock moves the clock that the
// pool sees, and what an `uninterrupted` does Relacy leaves to one thread, to keep the search
// short.
//
// Stands on: engine.hpp, from the folder engines/<engine>.
#pragma once

#include "engine.hpp"
#include "machine.hpp"
#include "sites.hpp"

#include <cstddef>
#include <cstdint>
#include <new>
#include <string_view>
#include <vector>

namespace poolproof::models {

// How Relacy searches a model's executions. The checker always visits all.
struct search_plan {
  // Every execution that Relacy's semantics has.
  bool full = true;
  // Otherwise every execution with at most this many preemptions; -1 is none of them ...
  int context_bound = -1;
  // ... and then random ones.
  std::uint64_t random_iterations = 0;
};

inline constexpr std::uint64_t default_random_iterations = 1'000'000;

constexpr search_plan full_search() { return {}; }

constexpr search_plan bounded_and_random(int context_bound,
                                         std::uint64_t iterations = default_random_iterations) {
  return {false, context_bound, iterations};
}

constexpr search_plan random_search(std::uint64_t iterations = default_random_iterations) {
  return {false, -1, iterations};
}

// What a model can fail by. A model that must fail passes by failing in exactly this way.
enum class failure : std::uint8_t {
  none,
  assertion,
  data_race,
  freed_memory,
  double_free,
  memory_leak,
  resource_leak,
  uninitialised_access,
  deadlock,
  livelock,
  mutex_misuse,
  nondeterminism,
  cut,
  missing_outcome,
  unexpected_outcome,
  few_schedules,
  other,
};

enum class verdict : std::uint8_t { forbidden, allowed };

// Of a litmus test: the outcome that it is about, and what three memory models say of it. For
// Relacy, "allowed" means: its search shows it. The outcome "race" is a data race.
struct litmus_question {
  std::string_view program = {};
  std::string_view outcome = {};
  verdict relacy = verdict::forbidden;
  verdict rc11 = verdict::forbidden;
  verdict iso = verdict::forbidden;
  // Whether an execution with the outcome has a cycle of program order and reads: those the checker
  // leaves out of ISO's.
  bool cyclic = false;
};

struct model_info {
  std::string_view property;
  unsigned threads = 2;
  std::string_view bound;
  search_plan search = full_search();
  // Each must be seen in some execution.
  std::vector<std::string_view> outcomes = {};
  // And no other.
  bool no_other_outcomes = false;
  failure expected = failure::none;
  // Whether it may end with memory that nobody has freed.
  bool leaves_memory = false;
  // How many different schedules a random search must have run.
  std::uint64_t least_distinct = 0;
  // For litmus tests. A litmus test goes by its name in the literature, not by that of its type.
  litmus_question litmus = {};
  std::string_view name = {};
  // Executions longer than this many scheduling points are livelocks, to Relacy.
  unsigned depth_limit = 5000;
};

class model {
 public:
  model() = default;
  model(const model&) = delete;
  model& operator=(const model&) = delete;
  virtual ~model() = default;

  virtual void before() {}
  virtual void thread(unsigned index) = 0;
  virtual void after() {}
};

// Records that this execution had an outcome; it may have several. The text is formatted as by
// printf.
[[gnu::format(printf, 1, 2)]] void outcome(const char* format, ...) noexcept;

// An assertion. A false condition ends the search with the execution that led to it.
inline void require(bool condition, const char* text, call_site from = call_site::here()) noexcept {
  if (!condition) fail_assertion(text, from);
}

// An object that is handed from thread to thread. Its user calls prepare() before it gives it away,
// and claim() when it gets it: plain accesses, so that a hand-over without happens-before is a
// race, and so is a hand-out to two at once.
class token {
 public:
  void prepare(call_site from = call_site::here()) noexcept {
    content_.set(content_.get(from) + 1, from);
    given_ = true;
  }

  void claim(call_site from = call_site::here()) noexcept {
    content_.set(content_.get(from) + 1, from);
    require(given_, "an item was handed out twice", from);
    given_ = false;
  }

  // True if the object lies with the pool.
  bool given() const noexcept { return given_; }

 private:
  sync::var<std::uint32_t> content_;
  bool given_ = false;
};

// The models that are linked into the program.
struct model_entry {
  std::string_view name;
  std::string_view file;
  model_info info;
  std::size_t size;
  std::size_t alignment;
  model* (*create)(void* memory);
};

inline std::vector<model_entry>& all_models() {
  static std::vector<model_entry> models;
  return models;
}

// The unqualified name of a type.
template <class Type>
std::string_view type_name() {
  // "... [with Type = poolproof::models::{anonymous}::name; ...]" or "... [Type = ...::name]"
  std::string_view name = __PRETTY_FUNCTION__;
  name.remove_prefix(name.find("Type = ") + 7);
  name = name.substr(0, name.find_first_of(";]"));
  const std::size_t scope = name.rfind("::");
  return scope == std::string_view::npos ? name : name.substr(scope + 2);
}

template <class... Models>
class registered {
 public:
  explicit registered(call_site from = call_site::here()) {
    std::string_view file = from.file;
    file.remove_prefix(file.rfind('/') + 1);
    (all_models().push_back({name_of<Models>(), file, Models::info(), sizeof(Models),
                             alignof(Models),
                             [](void* memory) -> model* { return ::new (memory) Models; }}),
     ...);
  }

 private:
  template <class Model>
  static std::string_view name_of() {
    const std::string_view given = Model::info().name;
    return given.empty() ? type_name<Model>() : given;
  }
};

}  // namespace poolproof::models

// SPDX-License-Identifier: MIT
// The machine that a model runs on, as far as the pool can tell: CPUs, memory that may be refused,
// and the accidents that a model allows. The clock is the engine's: see advance_clock() in
// model.hpp.
//
// Stands on: <poolproof/sync.hpp>, and three functions of the engine.
#pragma once

#include <poolproof/sync.hpp>

#include <algorithm>
#include <array>
#include <cstdint>

namespace poolproof::models {

inline constexpr unsigned max_threads = 4;

// How much is done at once: as in production, but that a private part holds one item. A second slot
// comes with hints, which multiply the executions.
struct model_limits : production_limits {
  static constexpr std::uint32_t private_items = 1;
};

enum class answer : std::uint8_t { no, yes, any };

// A model sets it in its constructor or in before(). A thread may later change what is its own: its
// CPU.
struct machine {
  // Instead of a CPU number: any below migration_range, chosen anew at each call, as if the thread
  // migrated.
  static constexpr std::uint32_t any_cpu = ~std::uint32_t{0};
  // Instead of a CPU number: the thread's index, modulo cpu_count.
  static constexpr std::uint32_t own_cpu = any_cpu - 1;

  // How many CPUs the pool is told of.
  std::uint32_t cpu_count = 2;
  std::uint32_t migration_range = 2;
  // The CPU of each thread. Before and after the threads, everything runs on CPU 0.
  std::array<std::uint32_t, max_threads> cpu_of_thread{own_cpu, own_cpu, own_cpu, own_cpu};
  // What ticker::tick says.
  answer ticks = answer::no;
  // Which of each thread's calls of allocate() is refused: 1 is its first; 0 is none.
  std::array<unsigned, max_threads> refused_allocation{};
  // How often a cycle tries to own a shard. A failed attempt leaves everything as it found it, so
  // that one more adds executions and no new state.
  unsigned patience = 1;
  // Whether Relacy may hand out again, in the same execution, a block that threads give back: it
  // tries both, which multiplies its executions. The checker always tries both.
  bool reuse_memory = true;
  // Whether a weak compare-and-swap may fail for no reason: both are tried. It multiplies the
  // executions.
  bool spurious_failures = true;
};

inline machine this_machine;

// The engine's.

// Whether the model's threads are running, or before() and after(), alone.
inline bool in_threads() noexcept;
// The index of the running thread.
inline unsigned current_thread() noexcept;
// One of 0 .. limit - 1; each is tried.
inline std::uint32_t choose(std::uint32_t limit);

inline bool decide(answer wish) {
  return wish == answer::any ? choose(2) == 1 : wish == answer::yes;
}

// Nothing depends on a statistic, so it is no operation of the memory model.
class model_counter {
 public:
  void add(std::uint64_t n) noexcept { count_ += n; }
  void raise_to(std::uint64_t n) noexcept { count_ = (std::max)(count_, n); }
  std::uint64_t value() const noexcept { return count_; }

 private:
  std::uint64_t count_ = 0;
};

class model_ticker {
 public:
  bool tick() noexcept { return decide(this_machine.ticks); }
  bool tick_slowly() noexcept { return tick(); }
  static std::uint32_t pace() noexcept { return 1; }
  static void set_pace(std::uint32_t) noexcept {}

  static constexpr std::uint32_t period = 256;
};

// The CPU that the running thread is told.
inline std::uint32_t current_cpu() {
  if (!in_threads()) return 0;
  const unsigned thread = current_thread();
  switch (const std::uint32_t cpu = this_machine.cpu_of_thread[thread]) {
    case machine::any_cpu:
      return choose(this_machine.migration_range);
    case machine::own_cpu:
      return thread % this_machine.cpu_count;
    default:
      return cpu;
  }
}

// Whether the allocation that the running thread asks for is the one that is refused.
inline bool refuses_allocation() noexcept {
  if (!in_threads()) return false;
  unsigned& left = this_machine.refused_allocation[current_thread()];
  return left != 0 && --left == 0;
}

}  // namespace poolproof::models

// A model: a small program with a bounded number of threads, as a class.
//
//     struct message_passing {
//       static constexpr unsigned threads = 2;
//       checker::var<int> data{0};
//       checker::atomic<bool> ready{false};
//       void thread(unsigned index) {
//         if (index == 0) {
//           data.set(42);
//           ready.store(true, std::memory_order_release);
//         } else if (ready.load(std::memory_order_acquire)) {
//           checker::require(data.get() == 42, "the message is there");
//         }
//       }
//       void after() {}   // may be missing; runs alone when all threads are done
//     };
//     const checker::statistics seen = checker::verify<message_passing>();
//
// Each execution makes a new object of the model. What its threads share is atomic, var, or memory
// from `allocate`; a plain member is for what one thread writes and `after` reads. Memory of the
// standard allocator leaks in executions that are given up: keep it out of models.
//
// Stands on: section, parallel, estimate.
#pragma once

#include "estimate.hpp"
#include "parallel.hpp"
#include "section.hpp"

#include <algorithm>
#include <chrono>
#include <cstdarg>
#include <cstdio>
#include <new>

#include <unistd.h>

namespace checker {

// An assertion: if it does not hold, the search ends with this execution.
inline void require(bool condition, const char* what, place from = place::here()) {
  if (!condition) execution::current().fail(fault::assertion, what, from);
}

// Explored nondeterminism: one of 0 .. alternatives - 1, the first of which is tried first.
inline unsigned choose(unsigned alternatives, place from = place::here()) {
  return execution::current().choose(alternatives, from);
}

// Notes what this execution showed; formatted as by printf. The outcomes of all complete executions
// are in statistics::outcomes.
[[gnu::format(printf, 1, 2)]] inline void outcome(const char* format, ...) {
  char text[256];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  execution::current().add_outcome(text);
}

// A moment of a thread: all that it has done so far.
using moment = execution::moment;

inline moment mark() { return execution::current().mark(); }

// Whether what happened until `then` happens before what the calling thread does now. Only atomic
// operations and choices count: of two moments between which a thread did none, neither is known to
// be the later one.
inline bool happened_before(const moment& then) {
  return execution::current().happened_before(then);
}

// Memory of the execution: leaks, double frees and uses after the free are errors. Null if the
// execution's memory is used up.
inline void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t),
                      place from = place::here()) {
  return execution::current().allocate(size, alignment, from);
}
inline void deallocate(void* memory, place from = place::here()) {
  execution::current().deallocate(memory, from);
}

template <class Model>
class model_program final : public program {
 public:
  unsigned threads() const override { return Model::threads; }

  void start() override {
    void* const memory =
        execution::current().allocate(sizeof(Model), alignof(Model), place::here());
    model_ = ::new (memory) Model;
  }

  void thread(unsigned index) override { model_->thread(index); }

  void finish() override {
    if constexpr (has_after) model_->after();
    model_->~Model();
    execution::current().deallocate(model_, place::here());
  }

  finishing finishes_by() const override {
    return has_after ? finishing::changes : finishing::ignores_values;
  }

 private:
  static constexpr bool has_after = requires(Model & m) { m.after(); };

  Model* model_ = nullptr;
};

// Explores all executions of a program on `jobs` processes: 0 stands for as many as there are CPUs.
// What is done in a quarter of a second is done by this process alone, and not estimated.
inline statistics explore(program& checked, const options& chosen = {}, unsigned jobs = 1) {
  constexpr double at_once = 0.25;
  if (jobs == 0) jobs = static_cast<unsigned>(::sysconf(_SC_NPROCESSORS_ONLN));
  const bool kept = !chosen.checkpoint.empty();
  const bool alone = jobs <= 1 || chosen.parts > 1 || kept;
  const bool estimated = chosen.estimate_seconds > 0 && chosen.parts <= 1 && chosen.replay.empty();
  const auto start = std::chrono::steady_clock::now();
  options rest = chosen;
  if (!kept && (!alone || estimated) && (chosen.seconds <= 0 || chosen.seconds > at_once)) {
    options first = chosen;
    first.seconds = at_once;
    execution running(checked, first);
    statistics found = running.explore();
    if (found.cut == 0 || (found.errors != 0 && !chosen.keep_going)) return found;
  }
  const size_estimate size =
      estimated ? estimate(checked, chosen, chosen.estimate_seconds) : size_estimate{};
  if (chosen.seconds > 0) {
    const std::chrono::duration<double> spent = std::chrono::steady_clock::now() - start;
    rest.seconds = std::max(chosen.seconds - spent.count(), 1e-3);
  }
  if (size.known && chosen.on_progress) {
    rest.on_progress = [&](progress now) {
      now.estimate = size;
      chosen.on_progress(now);
    };
  }
  statistics found =
      alone ? execution(checked, rest).explore() : parallel_search(checked, rest, jobs).explore();
  found.estimate = size;
  return found;
}

// Explores all executions of a model.
template <class Model>
statistics verify(const options& chosen = {}, unsigned jobs = 1) {
  model_program<Model> checked;
  return explore(checked, chosen, jobs);
}

}  // namespace checker

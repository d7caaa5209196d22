// SPDX-License-Identifier: MIT
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
// Stands on: search, section.
#pragma once

#include "search.hpp"
#include "section.hpp"

#include <cstddef>
#include <new>

namespace checker {

// An assertion: if it does not hold, the search ends with this execution.
inline void require(bool condition, const char* what, place from = place::here()) {
  if (!condition) engine::fail(fault::assertion, what, from);
}

// Executions in which the condition does not hold are left out: they are counted as excluded, and
// are neither errors nor complete. The thread goes no further; the others do, so that it may yet
// hold in another execution.
inline void assume(bool condition) {
  if (!condition) engine::exclude();
}

// Explored nondeterminism: one of 0 .. alternatives - 1, the first of which is tried first.
inline unsigned choose(unsigned alternatives, place from = place::here()) {
  return engine::choose(alternatives, from);
}

// Notes what this execution showed; formatted as by printf. The outcomes of all complete executions
// are in statistics::outcomes.
[[gnu::format(printf, 1, 2)]] void outcome(const char* format, ...);

// A moment of a thread: all that it has done so far.
using moment = engine::moment;

inline moment mark() { return engine::mark(); }

// Whether what happened until `then` happens before what the calling thread does now. Only atomic
// operations and choices count: of two moments between which a thread did none, neither is known to
// be the later one.
inline bool happened_before(const moment& then) { return engine::happened_before(then); }

// Memory of the execution: leaks, double frees and uses after the free are errors. Null if the
// execution's memory is used up.
inline void* allocate(std::size_t size, std::size_t alignment = alignof(std::max_align_t),
                      place from = place::here()) {
  return engine::allocate(size, alignment, from);
}
inline void deallocate(void* memory, place from = place::here()) {
  engine::deallocate(memory, from);
}

template <class Model>
class model_program final : public program {
 public:
  unsigned threads() const override { return Model::threads; }

  void start() override {
    void* const memory = engine::allocate(sizeof(Model), alignof(Model), place::here());
    model_ = ::new (memory) Model;
  }

  void thread(unsigned index) override { model_->thread(index); }

  void finish() override {
    if constexpr (has_after) model_->after();
    model_->~Model();
    engine::deallocate(model_, place::here());
  }

  finishing finishes_by() const override {
    return has_after ? finishing::changes : finishing::ignores_values;
  }

 private:
  static constexpr bool has_after = requires(Model & m) { m.after(); };

  Model* model_ = nullptr;
};

// Explores all executions of a model.
template <class Model>
statistics verify(const options& chosen = {}, unsigned jobs = 1) {
  model_program<Model> checked;
  return explore(checked, chosen, jobs);
}

}  // namespace checker

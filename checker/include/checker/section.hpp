// SPDX-License-Identifier: MIT
// CPUs, and sections on them: restartable sequences, or code that runs with preemption off.
//
//     checker::cpus machine{2};                       // a member of the model
//     machine.run([&](checker::section& here) {       // on the CPU that the thread is on
//       const auto count = counts[here.cpu()].load(relaxed);
//       here.commit([&] { counts[here.cpu()].store(count + 1, relaxed); });
//     });
//
// The sections of one CPU are totally ordered, and each sees what those before it did. A section
// may be aborted before its commit, after any of its operations: what it has stored stays, and it
// starts again, perhaps on another CPU. On which CPU is a choice, of which the first alternative is
// the one before. A thread does both as often as its budgets allow.
//
// A section that is aborted is left without unwinding: it must own nothing.
//
// Stands on: waiting.
#pragma once

#include "waiting.hpp"

#include <array>
#include <csetjmp>
#include <cstddef>
#include <cstdint>

namespace checker {

class cpus;

class section {
 public:
  unsigned cpu() const noexcept { return cpu_; }

  // The last operation. With it the section is over: what follows is neither aborted nor ordered
  // with others on its CPU.
  template <class Operation>
  void commit(Operation operation, place from = place::here()) {
    engine::leave_section();
    operation();
    end(from);
  }

 private:
  friend class cpus;

  void begin(unsigned cpu, mutex& order, place from) {
    cpu_ = cpu;
    order_ = &order;
    order_->lock(from);
  }

  // Once, at the commit or without one.
  void end(place from) {
    if (order_ != nullptr) order_->unlock(from);
    order_ = nullptr;
  }

  unsigned cpu_ = 0;
  mutex* order_ = nullptr;  // of the section's CPU, locked from its beginning to its end
  std::jmp_buf start_;
};

class cpus {
 public:
  static constexpr unsigned most = 8;

  struct thread {
    unsigned cpu;         // that it was on when it last asked
    unsigned migrations;  // left
    unsigned aborts;      // left
  };

  // Each thread is at the start on the CPU of its index, modulo their number.
  explicit cpus(unsigned count, unsigned migrations = 1, unsigned aborts = 1) : count_(count) {
    if (count == 0 || count > most) {
      engine::fail(fault::misuse, "cpus: the count must be 1 to 8", place::here());
    }
    for (unsigned t = 0; t != threads_.size(); ++t) threads_[t] = {t % count, migrations, aborts};
  }

  unsigned count() const noexcept { return count_; }

  // Where a thread is, and what it may still do. A program may change its own as it goes; the one
  // that runs before and after the threads comes behind them.
  thread& of(unsigned index) noexcept {
    if (index >= threads_.size()) {
      engine::fail(fault::misuse, "cpus: there are at most 16 threads", place::here());
    }
    return threads_[index];
  }

  // The CPU that the calling thread is on now.
  unsigned current(place from = place::here()) {
    thread& self = of(engine::thread());
    if (count_ > 1 && self.migrations != 0) {
      const unsigned moved = engine::choose(count_, from, {choice_kind::cpu, self.cpu});
      if (moved != 0) --self.migrations;
      self.cpu = (self.cpu + moved) % count_;
    }
    return self.cpu;
  }

  // Runs body(section&) as a section on the current CPU.
  template <class Body>
  void run(Body body, place from = place::here()) {
    thread& self = of(engine::thread());
    section here;
    if (setjmp(here.start_) != 0) {
      --self.aborts;
      here.end(from);
    }
    const unsigned cpu = current(from);
    here.begin(cpu, order_[cpu], from);
    engine::enter_section(self.aborts != 0 ? &here.start_ : nullptr);
    body(here);
    engine::leave_section();
    here.end(from);
  }

  // The heavy side of an asymmetric fence, as the kernel's membarrier for restartable sequences: a
  // heavy fence, and on each CPU a point between sections.
  void heavy_fence(place from = place::here()) {
    for (unsigned c = 0; c != count_; ++c) {
      order_[c].lock(from);
      order_[c].unlock(from);
    }
    checker::heavy_fence(from);
  }

 private:
  const unsigned count_;
  std::array<mutex, most> order_;
  std::array<thread, 17> threads_;
};

}  // namespace checker

// SPDX-License-Identifier: MIT
// Records a run of a pool for its specification: which calls a program made, what was seen of them,
// and what happened before what.
//
// Stands on: specification, the checker.
#pragma once

#include "specification.hpp"

#include <checker/model.hpp>

#include <array>
#include <cstdint>

namespace poolproof::proofs {

// A program starts it anew with each execution. Its members are plain: what a thread reads of
// others is only what has happened before, which is the same whenever an execution is run again.
class history {
 public:
  void start(const surroundings& around) noexcept {
    run_.around = around;
    run_.call_count = run_.step_count = run_.told_count = run_.blocks_left = 0;
    unwanted_ = 0;
    inside_.fill(nobody);
  }

  // A call begins in the running thread; returns its number.
  std::uint8_t begin(call_kind kind) {
    const std::size_t number = run_.call_count++;
    checker::require(number < most_calls, "the client makes more calls than are recorded");
    const unsigned thread = checker::engine::thread();
    call& added = run_.calls[number];
    added = {.kind = kind, .thread = static_cast<std::uint8_t>(thread), .inside = inside_[thread]};
    for (std::size_t c = 0; c != number; ++c) {
      if (run_.calls[c].over && checker::happened_before(call_ends_[c])) {
        added.before |= std::uint32_t{1} << c;
      }
    }
    steps_before_[number] = steps_until_now();
    inside_[thread] = static_cast<std::uint8_t>(number);
    return static_cast<std::uint8_t>(number);
  }

  call& operator[](std::uint8_t number) noexcept { return run_.calls[number]; }
  // The running thread's innermost call.
  std::uint8_t innermost_number() const noexcept { return inside_[checker::engine::thread()]; }
  call& innermost() noexcept { return run_.calls[innermost_number()]; }

  // Something that a call does at some moment between its beginning and its end.
  void add(std::uint8_t of, step::kind what, std::uint8_t item = nobody) {
    const std::size_t number = new_step();
    run_.steps[number] = {what, of, item, steps_before_[of]};
    run_.steps[number].unwanted = what == step::kind::put && is_refused(item);
    over_[number] = false;
  }

  // The same, after all that the call has done before.
  void add_last(std::uint8_t of, step::kind what) {
    std::uint64_t own = 0;
    for (std::size_t s = 0; s != run_.step_count; ++s) {
      if (run_.steps[s].call == of) own |= std::uint64_t{1} << s;
    }
    add(of, what);
    run_.steps[run_.step_count - 1].before |= own;
  }

  // The pool destroys an item now, and has told why.
  void add_destruction(std::uint8_t item, reason why) {
    const std::uint64_t before = steps_until_now();
    const std::size_t number = new_step();
    const std::uint8_t by = inside_[checker::engine::thread()];
    run_.steps[number] = {step::kind::destroy, by, item, before, why};
    over_[number] = true;
    step_ends_[number] = checker::mark();
    ++run_.calls[by].destroyed;
  }

  void add_counts(std::uint8_t of, const counts& told) {
    checker::require(run_.told_count != run_.told.size(), "the client calls stats too often");
    run_.told[run_.told_count] = told;
    add(of, step::kind::counted, static_cast<std::uint8_t>(run_.told_count++));
  }

  void end(std::uint8_t number) {
    call& done = run_.calls[number];
    done.over = true;
    call_ends_[number] = checker::mark();
    inside_[checker::engine::thread()] = done.inside;
    for (std::size_t s = 0; s != run_.step_count; ++s) {
      if (run_.steps[s].call != number || over_[s]) continue;
      over_[s] = true;
      step_ends_[s] = call_ends_[number];
    }
  }

  // Its reset refuses the item from now on, and not what was put before.
  void refuse(std::uint8_t item) noexcept { unwanted_ |= std::uint32_t{1} << item; }
  bool is_refused(std::uint8_t item) const noexcept { return (unwanted_ >> item & 1) != 0; }

  void keep_blocks(std::size_t left) noexcept { run_.blocks_left = left; }

  bool is_inside_a_call() const noexcept { return inside_[checker::engine::thread()] != nobody; }

  const observed_run& seen() const noexcept { return run_; }

 private:
  std::size_t new_step() {
    checker::require(run_.step_count != most_steps,
                     "the client makes more steps than are recorded");
    return run_.step_count++;
  }

  std::uint64_t steps_until_now() const noexcept {
    std::uint64_t before = 0;
    for (std::size_t s = 0; s != run_.step_count; ++s) {
      if (over_[s] && checker::happened_before(step_ends_[s])) before |= std::uint64_t{1} << s;
    }
    return before;
  }

  observed_run run_;
  std::uint32_t unwanted_ = 0;  // items that their reset refuses
  std::array<checker::moment, most_calls> call_ends_;
  std::array<std::uint64_t, most_calls> steps_before_{};
  std::array<checker::moment, most_steps> step_ends_;
  std::array<bool, most_steps> over_{};
  std::array<std::uint8_t, 16> inside_{};  // by thread: its innermost call
};

}  // namespace poolproof::proofs

// SPDX-License-Identifier: MIT
// What a model needs from its engine: here, from Relacy.
//
// Stands on: relacy_sync, ../outcomes.
#pragma once

#include "../outcomes.hpp"
#include "relacy_sync.hpp"

#include <atomic>
#include <chrono>

namespace poolproof::models {

using sync = relacy_sync;

inline void fail_assertion(const char* text, const call_site& from) noexcept {
  rl::ctx().fail_test(text, rl::test_result_user_assert_failed, info_of(from));
}

inline void advance_clock(std::chrono::nanoseconds by) noexcept { clock_reading += by; }

inline void fence(std::memory_order order, call_site from = call_site::here()) noexcept {
  rl::atomic_thread_fence(relacy_order(order), info_of(from));
}

// Threads wait at it until another has opened it; what the opener did comes before.
class gate {
 public:
  gate() noexcept { event_.init(true, false, info_of(call_site::here())); }
  ~gate() { event_.deinit(info_of(call_site::here())); }
  gate(const gate&) = delete;
  gate& operator=(const gate&) = delete;

  void open(call_site from = call_site::here()) noexcept { event_.set(info_of(from)); }
  void pass(call_site from = call_site::here()) noexcept {
    event_.wait(false, false, info_of(from));
  }

 private:
  rl::generic_event event_;
};

// While it lives, no other thread runs: the executions where one does are left out.
class uninterrupted {
 public:
  uninterrupted() : disabled_(rl::ctx()) {}

 private:
  rl::preemption_disabler disabled_;
};

}  // namespace poolproof::models

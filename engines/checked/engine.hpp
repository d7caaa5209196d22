// SPDX-License-Identifier: MIT
// What a model needs from its engine: here, from the checker.
//
// Stands on: checked_sync.
#pragma once

#include "checked_sync.hpp"

#include <atomic>
#include <chrono>
#include <cstdint>

namespace poolproof::models {

using sync = checked_sync;

inline void fail_assertion(const char* text, const call_site& from) noexcept {
  checker::require(false, text, place_of(from));
}

inline void advance_clock(std::chrono::nanoseconds by) noexcept {
  auto& reading = process_states::get<model_clock>().nanoseconds;
  reading.fetch_add(static_cast<std::uint64_t>(by.count()), std::memory_order_relaxed);
}

inline void fence(std::memory_order order, call_site from = call_site::here()) noexcept {
  checker::fence(order, place_of(from));
}

// Threads wait at it until another has opened it; what the opener did comes before.
class gate {
 public:
  void open(call_site from = call_site::here()) noexcept {
    open_.store(true, std::memory_order_release, place_of(from));
  }
  void pass(call_site from = call_site::here()) noexcept {
    checker::await([&] { return open_.load(std::memory_order_acquire, place_of(from)); });
  }

 private:
  checker::atomic<bool> open_{false};
};

// The checker leaves nothing out.
class uninterrupted {
 public:
  uninterrupted() {}
};

}  // namespace poolproof::models

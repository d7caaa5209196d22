// SPDX-License-Identifier: MIT
// Numbered values, each of which goes from one producer to one taker: what the tests of the ring
// and of the chain send through them.
//
// A value is plain data that its producer writes before the push and its taker reads after the pop.
// So the thread sanitizer sees a hand-over that orders nothing, and every run sees a value that is
// taken twice, never, or from a slot that was not yet filled.
//
// Stands on: stress.
#pragma once

#include "stress.hpp"

#include <memory>

namespace stress {

struct value {
  std::uint64_t number = 0;
  std::atomic<std::uint32_t> takes{0};  // relaxed throughout: it must not order what is tested
};

class value_list {
 public:
  explicit value_list(std::uint64_t size) : size_(size), list_(std::make_unique<value[]>(size)) {}

  std::uint64_t size() const noexcept { return size_; }

  // The value with this index, made by its producer.
  value* produce(std::uint64_t index) noexcept {
    list_[index].number = index + 1;
    return &list_[index];
  }

  // Whoever got a value out hands it in here.
  void take(value* taken) {
    const auto index = static_cast<std::uint64_t>(taken - list_.get());
    require(index < size_, "what came out is none of the values");
    require_equal(taken->takes.fetch_add(1, std::memory_order_relaxed), 0,
                  "takes of a value before this one");
    require_equal(taken->number, index + 1, "what the producer wrote into a value");
  }

  // At the end: nothing was lost.
  void check_all_taken() const {
    for (std::uint64_t i = 0; i < size_; ++i) {
      require_equal(list_[i].takes.load(std::memory_order_relaxed), 1, "takes of a value");
    }
  }

 private:
  const std::uint64_t size_;
  const std::unique_ptr<value[]> list_;
};

}  // namespace stress

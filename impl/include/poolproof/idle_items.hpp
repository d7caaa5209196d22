// SPDX-License-Identifier: MIT
// The idle items of a bounded_pool: a ring, of which cycles take the oldest and gets the newest.
//
//     [ victims | untouched | come back since ]
//       oldest                         newest
//
// Victims are what a cycle destroys; untouched is what has not been taken since that cycle began.
//
// Not synchronised: all members under the core's mutex.
//
// Stands on: the standard library.
#pragma once

#include <algorithm>
#include <cstddef>
#include <memory>

namespace poolproof {

template <class T>
class idle_items {
 public:
  // Of `max` items at most.
  explicit idle_items(std::size_t max) : slots_(std::make_unique<T*[]>(max)), max_(max) {}

  std::size_t most() const noexcept { return max_; }
  std::size_t size() const noexcept { return idle_; }
  bool has_victims() const noexcept { return victims_ != 0; }

  void push(T* returned) noexcept { slot(idle_++) = returned; }

  T* pop_newest() noexcept {
    --idle_;
    victims_ = (std::min)(victims_, idle_);
    untouched_ = (std::min)(untouched_, idle_ - victims_);
    return slot(idle_);
  }

  T* pop_victim() noexcept {
    T* const victim = slot(0);
    oldest_ = oldest_ + 1 == max_ ? 0 : oldest_ + 1;
    --idle_;
    --victims_;
    return victim;
  }

  void begin_cycle() noexcept {
    victims_ += untouched_;
    untouched_ = idle_ - victims_;
  }

  // Makes victims of all.
  void condemn_all() noexcept {
    victims_ = idle_;
    untouched_ = 0;
  }

 private:
  // The n-th oldest; n is less than max_.
  T*& slot(std::size_t n) noexcept {
    return slots_[n < max_ - oldest_ ? oldest_ + n : n - (max_ - oldest_)];
  }

  const std::unique_ptr<T*[]> slots_;
  const std::size_t max_;
  std::size_t oldest_ = 0;
  std::size_t idle_ = 0;
  std::size_t victims_ = 0;
  std::size_t untouched_ = 0;
};

}  // namespace poolproof

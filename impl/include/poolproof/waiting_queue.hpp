// SPDX-License-Identifier: MIT
// Calls that wait for an item of a bounded_pool, first come first served.
//
//     first -> [ waiter ] <-> [ waiter ] <-> [ waiter ] <- last
//
// Who owns what
//   W1. A waiter is its caller's, but the mutex holder's while it is in the queue. Who takes it out
//       has decided how its wait has ended, and gives it back: to a thread by unlocking the mutex,
//       to a coroutine by calling its executor. A caller that ends without receiving takes itself
//       out, or hands on what it was given: one whose clock throws, whose thread is cancelled, or
//       whose coroutine is destroyed.
//
// Stands on: the standard library.
#pragma once

#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace poolproof {

// A call that may have to wait (W1), for one of the items of a Core.
template <class T, class Core>
struct bounded_waiter {
  // How a wait has ended, if it has.
  enum class outcome : std::uint8_t { none, item, place, closed, given_up };

  outcome ended = outcome::none;
  bool in_queue = false;
  T* item = nullptr;      // of outcome::item
  Core* asked = nullptr;  // from when it has asked until it receives
  bounded_waiter* previous = nullptr;
  bounded_waiter* next = nullptr;
  void (*resume)(bounded_waiter&) noexcept = nullptr;  // wakes a coroutine
  std::condition_variable woken;                       // wakes a thread, which has no `resume`

  ~bounded_waiter() { quit(); }
  void quit() noexcept {
    if (asked != nullptr) std::exchange(asked, nullptr)->abandon(*this);
  }
};

// All members under the core's mutex.
template <class Waiter>
class waiting_queue {
 public:
  // The one that has waited longest; null if there is none.
  Waiter* first() const noexcept { return first_; }
  std::size_t size() const noexcept { return size_; }

  void join(Waiter& added) noexcept {
    added.in_queue = true;
    added.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &added;
    last_ = &added;
    ++size_;
  }

  void leave(Waiter& removed) noexcept {
    (removed.previous != nullptr ? removed.previous->next : first_) = removed.next;
    (removed.next != nullptr ? removed.next->previous : last_) = removed.previous;
    removed.previous = removed.next = nullptr;
    removed.in_queue = false;
    --size_;
  }

 private:
  Waiter* first_ = nullptr;
  Waiter* last_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// What threads wait with: loops that wait, a mutex, a condition variable, and wait and notify.
//
// A thread waits by `await`: an iteration that finds its condition false and has changed nothing
// blocks the thread for the rest of the execution. Executions in which it reads other values, and
// goes on, are explored in its place; what it read on the way is no part of them. If in the end
// nothing can run, and each waiting thread has seen the last values, that is a deadlock, a livelock
// or a lost wake-up: an error. If one of them has read a value that is not the last, then the
// execution is counted as blocked, and is no error.
//
// Stands on: atomic.
#pragma once

#include "atomic.hpp"

#include <bit>
#include <concepts>
#include <cstdint>

namespace checker {

// Waits until the condition holds.
template <std::predicate Condition>
void await(Condition condition) {
  for (;;) {
    engine::begin_iteration();
    if (condition()) return;
    engine::fail_iteration();
  }
}

// Not recursive; unlocked by the thread that locked it.
class mutex {
 public:
  void lock(place from = place::here()) {
    await([&] { return try_lock(from); });
  }

  // Fails only if the mutex is locked.
  bool try_lock(place from = place::here()) {
    std::uint32_t holder = free;
    return holder_.compare_exchange_strong(holder, caller(), std::memory_order_acq_rel,
                                           std::memory_order_acquire, from);
  }

  void unlock(place from = place::here()) {
    const std::uint32_t holder = holder_.exchange(free, std::memory_order_acq_rel, from);
    if (holder != caller()) {
      engine::fail(fault::misuse, "the mutex is not locked by this thread", from);
    }
  }

 private:
  static constexpr std::uint32_t free = 0;

  static std::uint32_t caller() noexcept { return engine::thread() + 1; }

  atomic<std::uint32_t> holder_{free, place::here(), object_kind::mutex};
};

// A set of sleeping threads, as bits of a word: whoever sleeps has set its bit, and wakes when
// another thread has cleared it. Above the bits are counted the notifications, so that none passes
// unseen between two looks at the word. At most 32 threads.
class sleepers {
 public:
  void enter(place from) { asleep_.fetch_or(own(), std::memory_order_acq_rel, from); }

  // The same if `still` holds when it does: of a notification it is known whether it comes before,
  // so that the condition is looked at with all that the notifier did, or finds the thread asleep.
  template <std::predicate Condition>
  bool enter_if(Condition still, place from) {
    bool entered = false;
    await([&] {
      std::uint64_t seen = asleep_.load(std::memory_order_acquire, from);
      if (!still()) return true;
      entered = asleep_.compare_exchange_strong(seen, seen | own(), std::memory_order_acq_rel,
                                                std::memory_order_relaxed, from);
      return entered;
    });
    return entered;
  }

  void sleep(place from) {
    await([&] { return (asleep_.load(std::memory_order_acquire, from) & own()) == 0; });
  }

  // Nobody wakes this thread: it wakes by itself.
  void leave(place from) { asleep_.fetch_and(~own(), std::memory_order_acq_rel, from); }

  void wake_all(place from) {
    if (notify(to_all, from) != 0) asleep_.fetch_and(~everyone, std::memory_order_acq_rel, from);
  }

  // Which one is a choice.
  void wake_one(place from) {
    std::uint64_t asleep = notify(to_one, from);
    while ((asleep & everyone) != 0) {
      std::uint64_t rest = asleep & everyone;
      const auto count = static_cast<unsigned>(std::popcount(rest));
      unsigned skip = engine::choose(count, from, {choice_kind::whom_to_wake, rest});
      for (; skip != 0; --skip) rest &= rest - 1;
      const std::uint64_t chosen = rest & -rest;
      if (asleep_.compare_exchange_strong(asleep, asleep & ~chosen, std::memory_order_acq_rel,
                                          std::memory_order_acquire, from)) {
        return;
      }
    }
  }

 private:
  static constexpr std::uint64_t everyone = 0xffff'ffff;
  static constexpr std::uint64_t to_one = everyone + 1;
  static constexpr std::uint64_t to_all = 2 * to_one;

  static std::uint64_t own() {
    if (engine::thread() >= 32) {
      engine::fail(fault::misuse, "at most 32 threads can sleep on one object", place::here());
    }
    return std::uint64_t{1} << engine::thread();
  }

  // Counts a notification, even if nobody sleeps: who goes to sleep later sees what the caller did
  // before. Returns the word with whoever sleeps.
  std::uint64_t notify(std::uint64_t whom, place from) {
    const std::uint64_t before = asleep_.fetch_add(whom, std::memory_order_acq_rel, from);
    return (before & everyone) == 0 ? 0 : before + whom;
  }

  atomic<std::uint64_t> asleep_{0, place::here(), object_kind::sleepers};
};

// A condition variable. A wait may end without a notification, if options::spurious_failures has
// something left of this thread.
class condition_variable {
 public:
  // `mutex` is locked by the caller, and locked again when it returns.
  void wait(mutex& held, place from = place::here()) {
    sleepers_.enter(from);
    held.unlock(from);
    if (engine::choose_spurious(from)) {
      sleepers_.leave(from);
    } else {
      sleepers_.sleep(from);
    }
    held.lock(from);
  }

  template <std::predicate Condition>
  void wait(mutex& held, Condition condition, place from = place::here()) {
    while (!condition()) wait(held, from);
  }

  void notify_one(place from = place::here()) { sleepers_.wake_one(from); }
  void notify_all(place from = place::here()) { sleepers_.wake_all(from); }

 private:
  sleepers sleepers_;
};

// An atomic with wait and notify. A thread that sleeps wakes only by a notification that finds it
// asleep: a change of the value without one is a lost wake-up. To look at the value and to go to
// sleep is one step, as with a futex: who is notified sleeps.
template <class T>
class waitable_atomic : public atomic<T> {
 public:
  using atomic<T>::atomic;
  using atomic<T>::operator=;

  // Returns when the value is another than `old`.
  void wait(T old, std::memory_order o = std::memory_order_seq_cst, place from = place::here()) {
    for (;;) {
      if (this->load(o, from) != old) return;
      if (!sleepers_.enter_if([&] { return this->load(o, from) == old; }, from)) return;
      sleepers_.sleep(from);
    }
  }

  void notify_one(place from = place::here()) { sleepers_.wake_one(from); }
  void notify_all(place from = place::here()) { sleepers_.wake_all(from); }

 private:
  sleepers sleepers_;
};

}  // namespace checker

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

  atomic<std::uint32_t> holder_{free};
};

// A set of sleeping threads, as bits of a word: whoever sleeps has set its bit, and wakes when
// another thread has cleared it. At most 64 threads.
class sleepers {
 public:
  void enter(place from) { asleep_.fetch_or(own(), std::memory_order_acq_rel, from); }

  void sleep(place from) {
    await([&] { return (asleep_.load(std::memory_order_acquire, from) & own()) == 0; });
  }

  // Nobody wakes this thread: it wakes by itself.
  void leave(place from) { asleep_.fetch_and(~own(), std::memory_order_acq_rel, from); }

  void wake_all(place from) { asleep_.exchange(0, std::memory_order_acq_rel, from); }

  // Which one is a choice. An update even if nobody sleeps: so that who goes to sleep later sees
  // what the caller did before.
  void wake_one(place from) {
    std::uint64_t asleep = asleep_.fetch_or(0, std::memory_order_acq_rel, from);
    while (asleep != 0) {
      const auto count = static_cast<unsigned>(std::popcount(asleep));
      std::uint64_t rest = asleep;
      for (unsigned skip = engine::choose(count, from); skip != 0; --skip) {
        rest &= rest - 1;
      }
      const std::uint64_t chosen = rest & -rest;
      if (asleep_.compare_exchange_strong(asleep, asleep & ~chosen, std::memory_order_acq_rel,
                                          std::memory_order_acquire, from)) {
        return;
      }
    }
  }

 private:
  static std::uint64_t own() noexcept { return std::uint64_t{1} << engine::thread() % 64; }

  atomic<std::uint64_t> asleep_{0};
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
// asleep: a change of the value without one is a lost wake-up.
template <class T>
class waitable_atomic : public atomic<T> {
 public:
  using atomic<T>::atomic;
  using atomic<T>::operator=;

  // Returns when the value is another than `old`.
  void wait(T old, std::memory_order o = std::memory_order_seq_cst, place from = place::here()) {
    for (;;) {
      if (this->load(o, from) != old) return;
      sleepers_.enter(from);
      if (this->load(o, from) != old) {
        sleepers_.leave(from);
        return;
      }
      sleepers_.sleep(from);
    }
  }

  void notify_one(place from = place::here()) { sleepers_.wake_one(from); }
  void notify_all(place from = place::here()) { sleepers_.wake_all(from); }

 private:
  sleepers sleepers_;
};

}  // namespace checker

// SPDX-License-Identifier: MIT
// Waiting and notifying: who is woken, and by what.

#include <checker/model.hpp>

#include <cstddef>
#include <string>

#include "catch.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

options all_errors() {
  options chosen;
  chosen.keep_going = true;
  return chosen;
}

// Thread 1 may go to sleep on the 0. Thread 2 never sleeps after the first notification, which the
// 5 is gone with: the second one is for thread 1.
struct two_values_and_two_notifications {
  static constexpr unsigned threads = 3;
  waitable_atomic<int> word{5};
  void thread(unsigned index) {
    if (index == 1) return word.wait(0);
    if (index == 2) return word.wait(5);
    word.store(0);
    word.notify_all();
    word.store(1);
    word.notify_one();
  }
};

// The same with one notification too few.
struct two_values_and_one_notification {
  static constexpr unsigned threads = 3;
  waitable_atomic<int> word{5};
  void thread(unsigned index) {
    if (index == 1) return word.wait(0);
    if (index == 2) return word.wait(5);
    word.store(0);
    word.notify_all();
    word.store(1);
  }
};

// Each that is woken wakes the next.
struct chain_of_wakers {
  static constexpr unsigned threads = 4;
  waitable_atomic<int> word{0};
  void thread(unsigned index) {
    if (index == 0) {
      word.store(1, std::memory_order_release);
    } else {
      word.wait(0, std::memory_order_acquire);
    }
    word.notify_one();
  }
};

// A value that comes back: the waiter sleeps on the second 0 or sees the 1, and is notified of
// both.
struct value_that_comes_back {
  static constexpr unsigned threads = 2;
  waitable_atomic<int> word{0};
  void thread(unsigned index) {
    if (index == 1) return word.wait(0);
    word.store(1);
    word.notify_one();
    word.store(0);
    word.store(2);
    word.notify_one();
  }
};

// A notification before the change wakes for nothing.
struct notified_too_early {
  static constexpr unsigned threads = 2;
  waitable_atomic<int> word{0};
  void thread(unsigned index) {
    if (index == 1) return word.wait(0, relaxed);
    word.notify_one();
    word.store(1, relaxed);
  }
};

struct all_are_woken {
  static constexpr unsigned threads = 4;
  waitable_atomic<int> word{0};
  void thread(unsigned index) {
    if (index != 0) return word.wait(0);
    word.store(1);
    word.notify_all();
  }
};

template <class Model>
void check_proved() {
  const statistics found = verify<Model>(all_errors());
  CHECK(found.errors == 0);
  CHECK(found.cut == 0);
  CHECK(found.complete != 0);
}

template <class Model>
void check_deadlock() {
  const statistics found = verify<Model>(all_errors());
  REQUIRE(found.first);
  CHECK(found.first->what == fault::deadlock);
  CHECK(found.complete != 0);
}

}  // namespace

TEST_CASE("a_notification_is_for_who_sleeps_and_not_for_who_is_about_to_go") {
  check_proved<two_values_and_two_notifications>();
  check_proved<chain_of_wakers>();
  check_proved<all_are_woken>();
  check_proved<value_that_comes_back>();
}

TEST_CASE("a_notification_that_is_missing_or_early_is_a_deadlock") {
  check_deadlock<two_values_and_one_notification>();
  check_deadlock<notified_too_early>();
}

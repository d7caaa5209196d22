// SPDX-License-Identifier: MIT
// What a report says first: of threads that wait, who they are, what for, and why it does not come.

#include <checker/model.hpp>
#include <checker/page.hpp>
#include <checker/report.hpp>
#include <checker/section.hpp>

#include <array>
#include <cstddef>
#include <sstream>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

std::string text_of(const counterexample& told) {
  std::ostringstream out;
  print(out, told, 1000);
  return out.str();
}

// The report of the first error; its lines above the columns.
template <class Model>
std::string report_of(fault expected, const options& chosen = {}) {
  const statistics found = verify<Model>(chosen);
  REQUIRE(found.first);
  CHECK(found.first->what == expected);
  return text_of(*found.first);
}

template <class Model>
std::string deadlock_of(fault expected = fault::deadlock) {
  const std::string whole = report_of<Model>(expected);
  for (const char* inner : {"asleep_", "holder_", "sleepers", "fetch_or", "fetch_and", "fetch_add",
                            "compare_exchange", "exchange", "waiting.hpp"}) {
    INFO(whole);
    CHECK_FALSE(holds(whole, inner));
  }
  return whole.substr(0, whole.find("\n\n"));
}

std::string line(unsigned number) { return "diagnosis_test.cpp:" + std::to_string(number); }

struct two_locks_in_two_orders {
  static constexpr unsigned threads = 2;
  static constexpr unsigned first = __LINE__ + 5;
  mutex left;
  mutex right;
  void thread(unsigned index) {
    if (index == 0) {
      left.lock();
      right.lock();
      right.unlock();
      left.unlock();
    } else {
      right.lock();
      left.lock();
      left.unlock();
      right.unlock();
    }
  }
};

struct lock_that_is_never_unlocked {
  static constexpr unsigned threads = 2;
  mutex guard;
  void thread(unsigned) { guard.lock(); }
};

// The notification comes when nobody sleeps, since there is no condition to look at.
struct notification_before_the_wait {
  static constexpr unsigned threads = 2;
  static constexpr unsigned first = __LINE__ + 6;
  mutex guard;
  condition_variable changed;
  void thread(unsigned index) {
    if (index == 0) {
      guard.lock();
      changed.wait(guard);
      guard.unlock();
    } else {
      changed.notify_one();
    }
  }
};

struct one_notification_for_two {
  static constexpr unsigned threads = 3;
  mutex guard;
  condition_variable changed;
  var<bool> ready{false};
  void thread(unsigned index) {
    guard.lock();
    if (index == 0) {
      ready.set(true);
      changed.notify_one();
    } else {
      while (!ready.get()) changed.wait(guard);
    }
    guard.unlock();
  }
};

struct notified_too_early {
  static constexpr unsigned threads = 2;
  waitable_atomic<int> word{0};
  void thread(unsigned index) {
    if (index == 1) return word.wait(0);
    word.notify_one();
    word.store(1);
  }
};

// Of an MCS lock: who waits sets its flag after the one before it has cleared it.
struct flag_that_is_set_too_late {
  static constexpr unsigned threads = 2;
  static constexpr unsigned waits = __LINE__ + 10;
  atomic<bool> linked{false};
  atomic<bool> locked{false};
  void thread(unsigned index) {
    if (index == 0) {
      await([this] { return linked.load(relaxed); });
      locked.store(false, relaxed);
    } else {
      linked.store(true, relaxed);
      locked.store(true, relaxed);
      await([this] { return !locked.load(acquire); });
    }
  }
};

struct nobody_writes {
  static constexpr unsigned threads = 2;
  atomic<bool> flag{false};
  void thread(unsigned index) {
    if (index == 0) await([this] { return flag.load(acquire); });
  }
};

struct without_an_await {
  static constexpr unsigned threads = 1;
  atomic<bool> flag{false};
  void thread(unsigned) {
    while (!flag.load(acquire)) {
    }
  }
};

// What is chosen for a program, or by it. Each fails by what is chosen.

struct one_of_two_is_woken {
  static constexpr unsigned threads = 3;
  static constexpr unsigned waits = __LINE__ + 11;
  mutex guard;
  condition_variable changed;
  var<int> waiting{0};
  void thread(unsigned index) {
    guard.lock();
    if (index == 0) {
      assume(waiting.get() == 2);
      changed.notify_one();
    } else {
      waiting.set(waiting.get() + 1);
      changed.wait(guard);
    }
    guard.unlock();
  }
};

struct wakes_by_itself {
  static constexpr unsigned threads = 2;
  mutex guard;
  condition_variable changed;
  var<bool> ready{false};
  void thread(unsigned index) {
    guard.lock();
    if (index == 0) {
      ready.set(true);
      changed.notify_one();
    } else {
      if (!ready.get()) changed.wait(guard);
      require(ready.get(), "it was notified");
    }
    guard.unlock();
  }
};

struct out_of_time {
  static constexpr unsigned threads = 1;
  void thread(unsigned) {
    const choice_subject limit{choice_kind::time_limit};
    // As a front end says it of a call.
    require(engine::choose(2, place::here(), limit) == 0, "wait_for(lock, limit) is in time");
  }
};

struct aborted_section {
  static constexpr unsigned threads = 1;
  cpus machine{1};
  atomic<int> begun{0};
  void thread(unsigned) {
    machine.run([this](section& here) {
      require(begun.fetch_add(1, relaxed) == 0, "it is begun once");
      here.commit([this] { begun.store(0, relaxed); });
    });
  }
};

struct on_another_cpu {
  static constexpr unsigned threads = 2;
  cpus machine{3};
  void thread(unsigned index) {
    if (index == 1) require(machine.current() != 0, "it is not on CPU 0");
  }
};

struct weak_exchange {
  static constexpr unsigned threads = 1;
  atomic<int> x{0};
  void thread(unsigned) {
    int seen = 0;
    require(x.compare_exchange_weak(seen, 1, relaxed), "it succeeds");
  }
};

struct memory_used_again {
  static constexpr unsigned threads = 1;
  void thread(unsigned) {
    void* const first = allocate(8);
    deallocate(first);
    void* const second = allocate(8);
    deallocate(second);
    require(first != second, "it is fresh");
  }
};

struct chooses_itself {
  static constexpr unsigned threads = 1;
  void thread(unsigned) { require(choose(3) != 2, "one of the first two"); }
};

// The page's text, without the ends of its lines.
std::string text_of_page(const counterexample& told) {
  std::string html = page(told);
  const auto replace = [&html](std::string_view old, std::string_view by) {
    for (std::size_t at; (at = html.find(old)) != std::string::npos;) {
      html.replace(at, old.size(), by);
    }
  };
  replace("</div><div>", "");
  replace("-&gt;", "->");
  replace("  ", " ");
  return html;
}

// The last choice before the failure, as it is told everywhere.
template <class Model>
std::string choice_of(const options& chosen = {}) {
  const statistics found = verify<Model>(chosen);
  REQUIRE(found.first);
  const std::vector<std::string> all = choices(*found.first);
  REQUIRE_FALSE(all.empty());
  const std::string& last = all.back();
  CHECK(holds(text_of(*found.first), last));
  std::string shown = last.substr(last.find("cpp:"));
  shown.erase(0, shown.find(' ') + 1);
  CHECK(holds(text_of_page(*found.first), shown));
  return shown;
}

}  // namespace

TEST_CASE("each_choice_that_is_made_for_a_program_is_told_in_words") {
  options without;
  without.spurious_failures = 0;
  CHECK(choice_of<one_of_two_is_woken>(without) ==
        "notify_one wakes T1 (waiting at " + line(one_of_two_is_woken::waits) + "), not T2");
  CHECK(choice_of<wakes_by_itself>() == "wakes without a notification");
  CHECK(choice_of<out_of_time>() == "the time limit of wait_for expires");
  CHECK(choice_of<aborted_section>() == "the section is aborted here: it starts again");
  CHECK(choice_of<on_another_cpu>() == "runs on CPU 0");
  CHECK(choice_of<memory_used_again>() == "use the memory of T0.0");
  CHECK(choice_of<weak_exchange>() == "compare_exchange x relaxed -> 0, fails spuriously");
  CHECK(choice_of<chooses_itself>() == "choose of 3 -> 2");
}

TEST_CASE("of_two_locks_each_waiter_is_told_with_who_has_its_lock") {
  const std::string text = deadlock_of<two_locks_in_two_orders>();
  INFO(text);
  CHECK(
      holds(text, "T0 waits at " + line(two_locks_in_two_orders::first + 1) + ", `right.lock();`"));
  CHECK(holds(text, "right is locked by T1, in T1.0 lock right (" +
                        line(two_locks_in_two_orders::first + 5) + "), which waits itself"));
  CHECK(holds(text, "left is locked by T0"));
  const std::string other = deadlock_of<lock_that_is_never_unlocked>();
  INFO(other);
  CHECK(holds(other, "which does not unlock it"));
}

TEST_CASE("of_a_sleeper_the_notifications_are_told_and_whom_they_woke") {
  const std::string early = deadlock_of<notification_before_the_wait>();
  INFO(early);
  CHECK(holds(early, "T0 sleeps at " + line(notification_before_the_wait::first)));
  CHECK(holds(early, "it waits on changed for a notification since T0.1"));
  CHECK(holds(early, "T1.0 notify_one (" + line(notification_before_the_wait::first + 3) +
                         ") came before it slept, when nobody slept. No notification came after"));
  const std::string taken = deadlock_of<one_notification_for_two>();
  INFO(taken);
  CHECK((holds(taken, "came later and woke T1.") || holds(taken, "came later and woke T2.")));
}

TEST_CASE("of_who_waits_for_an_atomic_the_value_is_told_that_it_read") {
  const std::string text = deadlock_of<notified_too_early>();
  INFO(text);
  CHECK(holds(text, "since it read word -> 0, its initial value; T0.1 store word seq_cst = 1"));
  CHECK(holds(text, "notify_one"));
}

TEST_CASE("of_a_loop_that_waits_the_writes_are_told_and_why_they_do_not_count") {
  const std::string late = deadlock_of<flag_that_is_set_too_late>();
  INFO(late);
  CHECK(holds(late, "T1 waits at " + line(flag_that_is_set_too_late::waits)));
  CHECK(holds(late, "it reads locked -> 1, from T1.1 store locked relaxed = 1"));
  CHECK(holds(late, "T0.1 store locked relaxed = 0"));
  CHECK(holds(late, "comes earlier in mo than T1.1: nothing orders the two"));
  const std::string never = deadlock_of<nobody_writes>();
  INFO(never);
  CHECK(holds(never, "it reads flag -> 0, its initial value. Nobody writes it."));
  const std::string spins = deadlock_of<without_an_await>(fault::livelock);
  INFO(spins);
  CHECK(holds(spins, "livelock: each thread that is left spins"));
  CHECK(holds(spins, "T0 spins at"));
}

TEST_CASE("a_page_says_first_who_waits") {
  const statistics found = verify<two_locks_in_two_orders>();
  REQUIRE(found.first);
  const std::string html = page(*found.first);
  CHECK(html.find("right is locked by T1") < html.find("What each thread did"));
}

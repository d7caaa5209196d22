// SPDX-License-Identifier: MIT
// Which operations contend: small programs of which it can be said by hand.

#include <checker/contention.hpp>
#include <checker/model.hpp>

#include <atomic>
#include <cstdint>
#include <set>
#include <string>

#include "catch.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;

// An operation's line: what the tests call it by.
constexpr place line(std::uint32_t number) { return {"contention_test.cpp", "", number}; }

// The lines of the contended operations; negative: of a compare-and-swap, where it failed.
using lines = std::set<int>;

template <class Model>
lines contended() {
  contention seen;
  options chosen;
  chosen.on_complete = [&](const execution_graph& graph) { seen.look_at(graph); };
  model_program<Model> checked;
  exploration running(checked, chosen);
  CHECK(running.explore().errors == 0);
  lines found;
  seen.for_each([&](std::uint32_t number, bool failed) {
    const int at = static_cast<int>(running.where(number).line);
    found.insert(failed ? -at : at);
  });
  return found;
}

struct message {
  static constexpr unsigned threads = 2;
  atomic<int> content{0}, flag{0};

  void thread(unsigned index) {
    if (index == 0) {
      content.store(1, relaxed, line(1));
      flag.store(1, release, line(2));
    } else if (flag.load(acquire, line(3)) == 1) {
      content.load(relaxed, line(4));
    }
  }
};

struct message_that_is_not_waited_for : message {
  void thread(unsigned index) {
    if (index == 0) return message::thread(index);
    flag.load(acquire, line(3));
    content.load(relaxed, line(4));
  }
};

struct two_counts {
  static constexpr unsigned threads = 2;
  atomic<int> own[2];
  atomic<int> count{0};

  void thread(unsigned index) {
    own[index].store(1, relaxed, line(3));
    count.fetch_add(1, acq_rel, line(index + 1));
  }
};

struct two_readers {
  static constexpr unsigned threads = 2;
  atomic<int> count{0};

  void thread(unsigned index) { count.load(acquire, line(index + 1)); }
};

struct two_locations {
  static constexpr unsigned threads = 2;
  atomic<int> counts[2];

  void thread(unsigned index) { counts[index].fetch_add(1, acq_rel, line(index + 1)); }
};

struct one_thread {
  static constexpr unsigned threads = 1;
  atomic<int> count{0};

  void thread(unsigned) {
    count.store(1, release, line(1));
    count.load(acquire, line(2));
  }
};

struct a_swap_that_may_fail {
  static constexpr unsigned threads = 2;
  atomic<int> count{0};

  void thread(unsigned index) {
    if (index == 0) {
      count.store(1, release, line(1));
    } else {
      int expected = 0;
      count.compare_exchange_strong(expected, 2, acq_rel, acquire, line(2));
    }
  }
};

struct a_swap_that_cannot_fail {
  static constexpr unsigned threads = 2;
  atomic<int> count{0};

  void thread(unsigned index) {
    if (index == 0) {
      count.load(acquire, line(1));
    } else {
      int expected = 0;
      count.compare_exchange_strong(expected, 2, acq_rel, acquire, line(2));
    }
  }
};

TEST_CASE("what_a_message_orders_does_not_contend_and_the_message_does") {
  CHECK(contended<message>() == lines{2, 3});
  CHECK(contended<message_that_is_not_waited_for>() == lines{1, 2, 3, 4});
}

TEST_CASE("read_modify_writes_contend_although_one_sees_the_other") {
  CHECK(contended<two_counts>() == lines{1, 2});
}

TEST_CASE("reads_and_other_locations_and_one_thread_do_not_contend") {
  CHECK(contended<two_readers>().empty());
  CHECK(contended<two_locations>().empty());
  CHECK(contended<one_thread>().empty());
}

TEST_CASE("a_failed_swap_is_told_from_one_that_succeeds") {
  CHECK(contended<a_swap_that_may_fail>() == lines{1, 2, -2});
  CHECK(contended<a_swap_that_cannot_fail>() == lines{1, 2});
}

}  // namespace

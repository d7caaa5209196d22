// SPDX-License-Identifier: MIT
// Errors found by chance: in a hunt, and beside a search that would come to them late.

#include <checker/model.hpp>

#include <array>
#include <string>

#include "catch.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

// The first thread waits for the second, so that a turn in vain is part of what a hunt runs.
struct stale_message {
  static constexpr unsigned threads = 2;
  atomic<int> message{0};
  atomic<bool> ready{false};
  void thread(unsigned index) {
    if (index == 1) {
      message.store(1, relaxed);
      return ready.store(true, relaxed);
    }
    await([this] { return ready.load(acquire); });
    require(message.load(relaxed) == 1, "the message is there");
  }
};

struct two_locks_in_two_orders {
  static constexpr unsigned threads = 2;
  std::array<mutex, 2> locks;
  void thread(unsigned index) {
    locks[index].lock();
    locks[1 - index].lock();
    locks[1 - index].unlock();
    locks[index].unlock();
  }
};

// Right, and far too large for a search.
struct many_updates {
  static constexpr unsigned threads = 8;
  atomic<int> x{0};
  void thread(unsigned) {
    for (int i = 0; i != 8; ++i) x.fetch_add(1, relaxed);
  }
  void after() { require(x.load() == 64, "none is lost"); }
};

// 40,320 executions; a search by index comes late to those in which the second thread is first.
struct wrong_in_the_end {
  static constexpr unsigned threads = 8;
  atomic<int> x{0};
  std::array<int, threads> got{};
  void thread(unsigned index) { got[index] = x.fetch_add(1, release); }
  void after() { require(got[0] != 6 || got[1] != 0, "one order of many"); }
};

template <class Model>
void check_hunt(fault expected) {
  options chosen;
  chosen.hunt = 2'000;
  const statistics found = verify<Model>(chosen);
  REQUIRE(found.first);
  CHECK(found.first->what == expected);
  options again;
  again.replay = found.first->replay;
  const statistics replayed = verify<Model>(again);
  REQUIRE(replayed.first);
  CHECK(replayed.first->what == expected);
}

}  // namespace

TEST_CASE("a_hunt_finds_errors_that_can_be_replayed") {
  check_hunt<stale_message>(fault::assertion);
  check_hunt<two_locks_in_two_orders>(fault::deadlock);
}

TEST_CASE("a_hunt_that_finds_nothing_proves_nothing") {
  options chosen;
  chosen.hunt = 200;
  const statistics found = verify<many_updates>(chosen);
  CHECK(found.errors == 0);
  CHECK(found.hunted == 200);
  CHECK(found.hunted_events == 64);
  CHECK(found.concluded() == conclusion::unfinished);
  CHECK(hunt_chance(found, 8, 2) > hunt_chance(found, 8, 3));
  CHECK(hunt_chance(found, 8, 1) < 1);
}

TEST_CASE("a_search_that_would_find_an_error_late_finds_it_by_chance") {
  const statistics found = verify<wrong_in_the_end>();
  REQUIRE(found.first);
  CHECK(found.first->what == fault::assertion);
  CHECK(found.runs < 5'000);
  options alone;
  alone.chances = 0;
  alone.most_runs = 20'000;
  CHECK(verify<wrong_in_the_end>(alone).errors == 0);
}

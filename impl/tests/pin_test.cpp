// SPDX-License-Identifier: MIT
// pin.hpp: the private part.
#include <poolproof/pin.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "awaited.hpp"
#include "catch.hpp"
#include "test_sync.hpp"

namespace {

using poolproof::private_part;
using poolproof::std_sync;
using poolproof::test::awaited;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::test_sync;

// Items are the addresses of these.
std::array<int, 8> things;

// Four slots.
struct deeper_sync : test_sync {
  struct limits : test_sync::limits {
    static constexpr std::uint32_t private_items = 4;
  };
};
using deeper_part = private_part<int, deeper_sync>;

// Without ordering anything that the code under test has left unordered.
void count(std::atomic<std::uint64_t>& counted) { counted.fetch_add(1, std::memory_order_relaxed); }

TEST_CASE("empty_private_part_gives_nothing", "[pin]") {
  private_part<int, std_sync> part;
  CHECK(part.size() == 0);
  CHECK(part.take() == nullptr);
  CHECK(part.steal() == nullptr);
}

TEST_CASE("item_given_is_taken_once", "[pin]") {
  private_part<int, std_sync> part;
  CHECK(part.give(&things[0]) == nullptr);
  CHECK(part.size() == 1);
  CHECK(part.take() == &things[0]);
  CHECK(part.take() == nullptr);
  CHECK(part.size() == 0);
}

TEST_CASE("full_private_part_hands_back_what_has_no_room", "[pin]") {
  private_part<int, std_sync> part;
  std::vector<int> many(part.capacity + 3);
  std::multiset<int*> given;
  std::multiset<int*> got;
  for (int& thing : many) {
    given.insert(&thing);
    if (int* const displaced = part.give(&thing)) got.insert(displaced);
  }
  CHECK(part.size() == part.capacity);
  CHECK(got.size() == given.size() - part.capacity);
  while (int* const item = part.take()) got.insert(item);
  CHECK(got == given);
}

TEST_CASE("private_part_is_stolen_from_whatever_the_cpu", "[pin]") {
  private_part<int, std_sync> part;
  CHECK(part.give(&things[0]) == nullptr);
  CHECK(part.steal() == &things[0]);
  CHECK(part.take() == nullptr);
}

TEST_CASE("private_part_is_a_stack", "[pin]") {
  deeper_part part;
  for (std::size_t i = 0; i != 4; ++i) CHECK(part.give(&things[i]) == nullptr);
  CHECK(part.size() == 4);
  CHECK(part.give(&things[4]) == &things[3]);  // the newest stays
  CHECK(part.take() == &things[4]);
  CHECK(part.steal() == &things[0]);  // the oldest
  CHECK(part.take() == &things[2]);
  CHECK(part.take() == &things[1]);
  CHECK(part.take() == nullptr);  // past the hole
  CHECK(part.give(&things[5]) == nullptr);
  CHECK(part.take() == &things[5]);
  CHECK(part.size() == 0);
}

TEST_CASE("private_part_is_emptied_of_all_that_it_holds", "[pin]") {
  for (std::size_t held = 0; held != 5; ++held) {
    deeper_part part;
    std::multiset<int*> given;
    for (std::size_t i = 0; i != held; ++i) {
      CHECK(part.give(&things[i]) == nullptr);
      given.insert(&things[i]);
    }
    std::multiset<int*> got;
    part.empty([&](int* item) { got.insert(item); });
    CHECK(got == given);
    CHECK(part.size() == 0);
  }
}

// Two gives or takes, one before each step of the other, leave no item where a steal does not find
// it, whatever they make of each other's hints.
TEST_CASE("steal_finds_what_calls_at_once_have_left", "[pin]") {
  for (std::size_t held = 0; held != 5; ++held) {
    for (int which = 0; which != 4; ++which) {
      for (std::uint64_t n = 0;; ++n) {
        deeper_part part;
        std::multiset<int*> expected;
        std::multiset<int*> got;
        const auto give = [&](int* item) {
          expected.insert(item);
          if (int* const displaced = part.give(item)) got.insert(displaced);
        };
        const auto take = [&] {
          if (int* const item = part.take()) got.insert(item);
        };
        for (std::size_t i = 0; i != held; ++i) give(&things[i]);
        const bool interrupted = interrupt(
            n, event::step, [&] { (which & 1) != 0 ? give(&things[6]) : take(); },
            [&] { (which & 2) != 0 ? give(&things[7]) : take(); });
        const std::size_t left = expected.size() - got.size();
        CHECK(part.size() == left);
        for (std::size_t i = 0; i != left; ++i) got.insert(part.steal());
        CHECK(got == expected);
        CHECK(part.steal() == nullptr);
        if (!interrupted) break;
      }
    }
  }
}

// A take or a give, and another one before each of its steps.
TEST_CASE("item_wanted_by_two_takes_at_once_goes_to_one", "[pin]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    private_part<int, test_sync> part;
    CHECK(part.give(&things[0]) == nullptr);
    int* first = nullptr;
    int* second = nullptr;
    if (!interrupt(
            n, event::step, [&] { first = part.take(); }, [&] { second = part.take(); })) {
      break;
    }
    ++interruptions;
    CHECK(second == &things[0]);
    CHECK(first == nullptr);
    CHECK(part.size() == 0);
  }
  CHECK(interruptions > 0);
}

TEST_CASE("take_overtaken_by_a_give_gets_the_item_now_there", "[pin]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    private_part<int, test_sync> part;
    CHECK(part.give(&things[0]) == nullptr);
    int* taken = nullptr;
    int* displaced = nullptr;
    if (!interrupt(
            n, event::step, [&] { taken = part.take(); },
            [&] { displaced = part.give(&things[1]); })) {
      break;
    }
    ++interruptions;
    CHECK(displaced == &things[0]);
    CHECK(taken == &things[1]);
    CHECK(part.size() == 0);
  }
  CHECK(interruptions > 0);
}

TEST_CASE("two_gives_at_once_displace_a_different_item_each", "[pin]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    private_part<int, test_sync> part;
    CHECK(part.give(&things[0]) == nullptr);
    std::multiset<int*> got;
    if (!interrupt(
            n, event::step, [&] { got.insert(part.give(&things[1])); },
            [&] { got.insert(part.give(&things[2])); })) {
      break;
    }
    ++interruptions;
    got.insert(part.take());
    CHECK(got == std::multiset{&things[0], &things[1], &things[2]});
  }
  CHECK(interruptions > 0);
}

TEST_CASE("private_part_of_many_threads_has_each_item_in_one_place", "[pin]") {
  // Plain, so that a sanitizer sees it where a give does not happen before the take.
  struct guarded {
    int uses = 0;
    std::atomic<bool> held{false};
  };
  constexpr int rounds = 20000;
  constexpr std::size_t thread_count = 4;
  std::array<guarded, thread_count> items;
  private_part<guarded, std_sync> part;
  std::atomic<std::uint64_t> held_twice{0};
  awaited from_another("a thread got the item that another one had given");
  std::latch all_here(thread_count);
  {
    std::vector<std::jthread> threads;
    for (guarded& first : items) {
      threads.emplace_back([&, mine = &first]() mutable {
        guarded* const own = mine;
        all_here.arrive_and_wait();
        for (int i = 0; i < rounds || from_another.missing(); ++i) {
          if (mine != nullptr) {
            if (mine->held.exchange(true, std::memory_order_relaxed)) count(held_twice);
            ++mine->uses;
            mine->held.store(false, std::memory_order_relaxed);
            mine = part.give(mine);
          } else {
            mine = part.take();
          }
          from_another.happened(mine != nullptr && mine != own);
          if (i % 256 == 0) std::this_thread::yield();
        }
        // Keep what is in hand for the count.
        if (mine != nullptr) mine->held.store(true, std::memory_order_relaxed);
      });
    }
  }
  CHECK(held_twice == 0);
  from_another.check();
  std::size_t in_hands = 0;
  for (const guarded& item : items) in_hands += item.held ? 1 : 0;
  CHECK(in_hands + part.size() == thread_count);
}

}  // namespace

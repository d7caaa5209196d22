// SPDX-License-Identifier: MIT
// ownership.hpp: a right that one thread has at a time.
#include <poolproof/ownership.hpp>

#include <atomic>
#include <cstdint>
#include <latch>
#include <thread>
#include <vector>

#include "awaited.hpp"
#include "catch.hpp"
#include "test_sync.hpp"

namespace {

using poolproof::ownership;
using poolproof::std_sync;
using poolproof::test::awaited;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::test_sync;

// Without ordering anything that the code under test has left unordered.
void count(std::atomic<std::uint64_t>& counted) { counted.fetch_add(1, std::memory_order_relaxed); }

TEST_CASE("ownership_is_had_by_one_until_released", "[ownership]") {
  ownership<std_sync> right;
  CHECK(right.try_own());
  CHECK_FALSE(right.try_own());
  CHECK_FALSE(right.try_own());
  right.release();
  CHECK(right.try_own());
}

TEST_CASE("ownership_wanted_by_two_at_once_goes_to_one", "[ownership]") {
  for (const std::uint64_t n : {0u, 1u}) {
    ownership<test_sync> right;
    bool first = false;
    bool second = false;
    CHECK(interrupt(
        n, event::step, [&] { first = right.try_own(); }, [&] { second = right.try_own(); }));
    CHECK(second);
    CHECK_FALSE(first);
  }
}

TEST_CASE("ownership_of_many_threads_is_had_by_one_at_a_time", "[ownership]") {
  ownership<std_sync> right;
  // Plain: the owner's, and a race if there are two owners.
  std::uint64_t sections = 0;
  std::atomic<std::uint64_t> owned{0};
  awaited busy("a thread found that another one was the owner");
  std::latch all_here(4);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 4; ++t) {
      threads.emplace_back([&] {
        all_here.arrive_and_wait();
        for (int i = 0; i < 20000 || busy.missing(); ++i) {
          if (!right.try_own()) {
            busy.happened();
            continue;
          }
          ++sections;
          if (i % 512 == 0) std::this_thread::yield();
          right.release();
          count(owned);
        }
      });
    }
  }
  CHECK(sections == owned);
  busy.check();
}

}  // namespace

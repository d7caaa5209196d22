// SPDX-License-Identifier: MIT
// cycles.hpp: when a pool's shards are due to turn, and how much of that is due now.
#include <poolproof/cycles.hpp>

#include <chrono>
#include <cstdint>
#include <optional>

#include "catch.hpp"
#include "test_sync.hpp"
#include "tracked.hpp"

namespace {

using namespace std::chrono_literals;
using poolproof::cycle_state;
using poolproof::work_share;
using poolproof::test::all_given_back;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::test_sync;

using cycles = cycle_state<test_sync>;

TEST_CASE_METHOD(all_given_back, "cycles_are_numbered_from_one", "[cycles]") {
  cycles c(60s);
  CHECK(c.begun() == 0);
  CHECK(c.begin() == 1);
  CHECK(c.begin() == 2);
  CHECK(c.begun() == 2);
}

TEST_CASE_METHOD(all_given_back, "interval_that_is_over_begins_one_cycle", "[cycles]") {
  test_sync::advance_clock(1h);
  cycles c(10s);
  test_sync::advance_clock(10s - 1ns);
  c.look_at_clock();
  CHECK(c.begun() == 0);
  test_sync::advance_clock(1ns);
  c.look_at_clock();
  c.look_at_clock();
  CHECK(c.begun() == 1);
  // However late the look was, the next cycle begins in time, and those that were missed do not.
  test_sync::advance_clock(25s);
  c.look_at_clock();
  c.look_at_clock();
  CHECK(c.begun() == 2);
  test_sync::advance_clock(5s - 1ns);
  c.look_at_clock();
  CHECK(c.begun() == 2);
  test_sync::advance_clock(1ns);
  c.look_at_clock();
  CHECK(c.begun() == 3);
}

TEST_CASE_METHOD(all_given_back, "two_callers_at_the_end_of_an_interval_begin_one_cycle",
                 "[cycles]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    cycles c(10s);
    test_sync::advance_clock(10s);
    const auto look = [&] { c.look_at_clock(); };
    if (!interrupt(n, event::step, look, look)) break;
    ++interruptions;
    REQUIRE(c.begun() == 1);
  }
  CHECK(interruptions > 0);
}

TEST_CASE_METHOD(all_given_back, "no_interval_begins_no_cycle", "[cycles]") {
  cycles c(std::nullopt);
  test_sync::advance_clock(24h * 365 * 100);
  c.look_at_clock();
  CHECK(c.begun() == 0);
}

TEST_CASE_METHOD(all_given_back, "longest_interval_is_never_over", "[cycles]") {
  test_sync::advance_clock(1h);
  cycles c(std::chrono::nanoseconds::max());
  test_sync::advance_clock(24h * 365 * 100);
  c.look_at_clock();
  CHECK(c.begun() == 0);
}

TEST_CASE_METHOD(all_given_back, "cycle_is_overdue_until_all_is_swept", "[cycles]") {
  cycles c(60s);
  CHECK_FALSE(c.overdue());
  c.begin();
  CHECK(c.overdue());
  const std::uint64_t second = c.begin();
  c.note_swept(second - 1);
  CHECK(c.overdue());
  c.note_swept(second);
  CHECK_FALSE(c.overdue());
}

TEST_CASE_METHOD(all_given_back, "overdue_work_is_claimed_by_one_at_a_time", "[cycles]") {
  cycles c(60s);
  const std::uint64_t cycle = c.begin();
  CHECK(c.claim_sweep(cycle));
  CHECK_FALSE(c.claim_sweep(cycle));
  c.end_sweep(cycle);
  CHECK(c.claim_sweep(cycle));
}

// The thread that has the claim may not exist any more, in a forked child.
TEST_CASE_METHOD(all_given_back, "claim_that_is_never_given_up_ends_with_the_next_cycle",
                 "[cycles]") {
  cycles c(60s);
  const std::uint64_t first = c.begin();
  CHECK(c.claim_sweep(first));
  const std::uint64_t second = c.begin();
  CHECK(c.claim_sweep(second));
  // The late end of the first does not end the second.
  c.end_sweep(first);
  CHECK_FALSE(c.claim_sweep(second));
  c.end_sweep(second);
  CHECK(c.claim_sweep(second));
}

TEST_CASE_METHOD(all_given_back, "claim_wanted_by_two_at_once_goes_to_one", "[cycles]") {
  for (const std::uint64_t n : {0u, 1u}) {
    cycles c(60s);
    const std::uint64_t cycle = c.begin();
    bool first = false;
    bool second = false;
    CHECK(interrupt(
        n, event::step, [&] { first = c.claim_sweep(cycle); },
        [&] { second = c.claim_sweep(cycle); }));
    CHECK(second);
    CHECK_FALSE(first);
  }
}

TEST_CASE_METHOD(all_given_back, "victims_are_searched_until_none_are_found", "[cycles]") {
  cycles c(60s);
  CHECK_FALSE(c.victims_to_search());
  c.note_turn();
  const auto turns = c.victims_to_search();
  REQUIRE(turns);
  CHECK(c.victims_to_search() == turns);
  c.note_no_victims(*turns);
  CHECK_FALSE(c.victims_to_search());
  c.note_turn();
  CHECK(c.victims_to_search());
}

TEST_CASE_METHOD(all_given_back, "turn_during_a_search_makes_it_be_repeated", "[cycles]") {
  cycles c(60s);
  c.note_turn();
  const auto turns = c.victims_to_search();
  REQUIRE(turns);
  c.note_turn();
  c.note_no_victims(*turns);
  CHECK(c.victims_to_search());
}

TEST_CASE("share_is_a_part_rounded_down_and_never_more_than_all", "[cycles]") {
  CHECK(work_share().is_none());
  CHECK(work_share(0, 10).is_none());
  CHECK(work_share(10, 10)(1000) == 1000);
  CHECK(work_share(11, 10)(1000) == 1000);
  CHECK(work_share(1, 0)(1000) == 1000);
  CHECK(work_share(0, 0)(1000) == 1000);
  for (const std::uint64_t of : {2ULL, 1000ULL, 1ULL << 40, 1ULL << 62}) {
    const std::uint64_t half = work_share(of / 2, of)(1'000'000);
    CHECK(half <= 500'000);
    CHECK(half >= 499'000);
  }
}

// Shares are rounded down.
bool about(std::size_t due, std::size_t expected) { return due <= expected && due + 10 > expected; }

// A cycle's work is due over half an interval, whenever somebody looks.
TEST_CASE_METHOD(all_given_back, "what_is_due_follows_the_time_since_the_last_look", "[cycles]") {
  cycles c(80s);
  const auto due_after = [&](std::chrono::nanoseconds time) {
    test_sync::advance_clock(time);
    return c.look_at_clock().due(1'000'000);
  };
  CHECK(due_after(80s) == 0);
  CHECK(about(due_after(10s), 250'000));
  CHECK(about(due_after(10s), 333'333));
  CHECK(due_after(0s) == 0);
  CHECK(about(due_after(5s), 250'000));
  CHECK(due_after(15s) == 1'000'000);
  CHECK(due_after(1s) == 1'000'000);
  // Nobody has looked when the next one began: what is due is counted from then.
  CHECK(about(due_after(49s), 250'000));
  CHECK(c.begun() == 2);
}

// Or CPUs that are busy would take the line that says when from each other.
TEST_CASE_METHOD(all_given_back, "looks_within_a_256th_of_an_interval_count_as_one", "[cycles]") {
  cycles c(256s);
  test_sync::advance_clock(256s);
  c.look_at_clock();
  test_sync::advance_clock(28s);
  CHECK(about(c.look_at_clock().due(128'000), 28'000));
  test_sync::advance_clock(1s - 1ns);
  CHECK(c.look_at_clock().due.is_none());
  test_sync::advance_clock(1ns);
  CHECK(about(c.look_at_clock().due(100'000), 1'000));
  // Half an interval is over, but not a 256th since the last look.
  test_sync::advance_clock(99s - 1ns);
  CHECK(about(c.look_at_clock().due(99'000), 99'000));
  test_sync::advance_clock(1ns);
  CHECK(c.look_at_clock().due.is_none());
  test_sync::advance_clock(1s);
  CHECK(c.look_at_clock().due(1'000) == 1'000);
}

TEST_CASE_METHOD(all_given_back, "look_is_quiet_if_the_last_was_long_ago", "[cycles]") {
  cycles c(16s);
  CHECK_FALSE(c.look_at_clock().quiet);
  test_sync::advance_clock(1s - 1ns);
  CHECK_FALSE(c.look_at_clock().quiet);
  test_sync::advance_clock(1s);
  CHECK(c.look_at_clock().quiet);
  CHECK_FALSE(c.look_at_clock().quiet);
}

TEST_CASE_METHOD(all_given_back, "without_an_interval_nothing_is_due_and_no_clock_read",
                 "[cycles]") {
  cycles c(std::nullopt);
  CHECK_FALSE(c.is_automatic());
  CHECK(poolproof::test::count_events(event::read_clock, [&] {
          CHECK_FALSE(c.look_at_clock().quiet);
          CHECK(c.look_at_clock().due.is_none());
        }) == 0);
}

}  // namespace

// SPDX-License-Identifier: MIT
// object_pool.hpp: cycles, asked for and automatic.
#include <poolproof/object_pool.hpp>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "awaited.hpp"
#include "catch.hpp"
#include "pools.hpp"
#include "test_sync.hpp"
#include "tracked.hpp"

namespace {

using namespace std::chrono_literals;
using poolproof::pool_stats;
using poolproof::rotate_all_of;
using poolproof::test::all_given_back;
using poolproof::test::awaited;
using poolproof::test::count_events;
using poolproof::test::dispose;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::interruption;
using poolproof::test::item;
using poolproof::test::no_factory;
using poolproof::test::on_cpu;
using poolproof::test::put_back;
using poolproof::test::put_new;
using poolproof::test::put_new_on;
using poolproof::test::real_pool;
using poolproof::test::steered_pool;
using poolproof::test::stopped_owner;
using poolproof::test::take;
using poolproof::test::take_all;
using poolproof::test::take_value;
using poolproof::test::test_sync;
using poolproof::test::tracked;
using poolproof::test::without_automatic_cycles;

// How many operations of a shard it takes until one of them looks at the clock.
constexpr int look_period = static_cast<int>(test_sync::ticker::period);

// What poolproof::trimmer does at its times.
void rotate_due() { poolproof::pool_registry<test_sync>::instance().rotate_due(); }

// What a call other than rotate destroys at most.
constexpr std::uint64_t bound_per_call = 32;

TEST_CASE_METHOD(all_given_back, "one_cycle_keeps_items_as_victims", "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new(pool, 1, 10);
  pool.rotate();
  CHECK(pool.stats().cycles == 1);
  CHECK(tracked::destroyed() == 0);
  CHECK(pool.stats().retained == 10);
  CHECK(take_all(pool) == 10);
  CHECK(pool.stats().victim_hits == 10);
}

TEST_CASE_METHOD(all_given_back, "two_cycles_drop_what_was_not_used", "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new(pool, 1, 10);
  pool.rotate();
  pool.rotate();
  CHECK(tracked::alive() == 0);
  CHECK(pool.stats().retained == 0);
  CHECK(pool.stats().cycles == 2);
  CHECK(pool.stats().cycle_destroyed == 10);
  CHECK(take_value(pool) == std::nullopt);
}

TEST_CASE_METHOD(all_given_back, "items_put_between_two_cycles_survive_the_second", "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new(pool, 0, 10);
  pool.rotate();
  put_new(pool, 10, 5);
  pool.rotate();
  CHECK(tracked::destroyed() == 10);
  std::vector<int> left;
  while (const auto value = take_value(pool)) left.push_back(*value);
  std::sort(left.begin(), left.end());
  CHECK(left == std::vector{10, 11, 12, 13, 14});
}

TEST_CASE_METHOD(all_given_back, "item_in_use_survives_any_number_of_cycles", "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new(pool, 7);
  for (int i = 0; i < 10; ++i) {
    item used = take(pool);
    REQUIRE(used != nullptr);
    put_back(pool, std::move(used));
    pool.rotate();
  }
  CHECK(tracked::destroyed() == 0);
  CHECK(pool.stats().victim_hits == 9);
}

TEST_CASE_METHOD(all_given_back, "item_handed_out_is_not_retained", "[cycles]") {
  real_pool pool;
  std::vector<item> held;
  for (int i = 0; i < 100; ++i) {
    item got = pool.get();
    got->hold();
    held.push_back(std::move(got));
    put_new(pool, i);
  }
  while (item got = take(pool)) held.push_back(std::move(got));
  CHECK(pool.stats().retained == 0);
  pool.rotate();
  pool.rotate();
  // None of them has been touched: the pool knows nothing of them.
  CHECK(tracked::destroyed() == 0);
  for (item& each : held) dispose(std::move(each));
  CHECK(tracked::alive() == 0);
}

TEST_CASE_METHOD(all_given_back, "retained_items_are_released_after_two_cycles", "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  for (std::uint32_t cpu = 0; cpu < 20; ++cpu) put_new_on(cpu, pool, 0, 50);
  CHECK(pool.stats().retained == 1000);
  pool.rotate();
  pool.rotate();
  CHECK(tracked::alive() == 0);
}

TEST_CASE_METHOD(all_given_back, "rotate_of_an_unused_pool_does_nothing", "[cycles]") {
  steered_pool pool;
  pool.rotate();
  CHECK(pool.stats().cycles == 0);
  CHECK(test_sync::allocations() == 0);
}

TEST_CASE_METHOD(all_given_back, "rotate_of_an_empty_pool_destroys_nothing", "[cycles]") {
  steered_pool pool;
  CHECK(pool.try_get() == nullptr);
  for (int i = 0; i < 5; ++i) pool.rotate();
  CHECK(pool.stats().cycles == 5);
  put_new(pool, 1);
  CHECK(take_value(pool) == 1);
}

TEST_CASE_METHOD(all_given_back, "two_cycles_give_the_memory_of_a_burst_back", "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new(pool, 0, 10);
  const std::int64_t usual = test_sync::live_bytes();
  put_new(pool, 0, 10000);
  CHECK(test_sync::live_bytes() > usual + 10000 * 8);
  pool.rotate();
  pool.rotate();
  CHECK(test_sync::live_bytes() <= usual);
}

TEST_CASE_METHOD(all_given_back, "destructor_runs_while_no_shard_is_owned", "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new(pool, 0, 100);
  pool.rotate();
  int destroyed = 0;
  std::vector<item> returned;
  for (int i = 0; i < 10; ++i) returned.push_back(std::make_unique<tracked>(1000));
  // The destructor puts to the shard that is being cleaned, and gets from it.
  tracked::when_destroyed([&](int value) {
    if (value >= 1000) return;
    ++destroyed;
    if (!returned.empty()) {
      // The put may destroy the next item, which comes here too.
      item next = std::move(returned.back());
      returned.pop_back();
      pool.put(std::move(next));
    }
    if (destroyed == 50) CHECK(take_value(pool) == 1000);
  });
  pool.rotate();
  CHECK(destroyed == 100);
  CHECK(pool.stats().busy == 0);
  CHECK(pool.stats().spills == 0);
  CHECK(take_all(pool) == 9);
}

TEST_CASE_METHOD(all_given_back, "destructor_may_rotate_its_pool", "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new(pool, 0, 100);
  pool.rotate();
  int rotations = 0;
  tracked::when_destroyed([&](int) {
    if (++rotations <= 3) pool.rotate();
  });
  pool.rotate();
  pool.rotate();
  CHECK(tracked::alive() == 0);
}

TEST_CASE_METHOD(all_given_back, "rotate_goes_on_after_a_stopped_owner_and_the_rest_goes_next",
                 "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new_on(1, pool, 0, 20);
  put_new_on(2, pool, 20, 20);
  stopped_owner owner(pool, 0, 40);
  REQUIRE(owner.stopped());
  rotate_all_of<test_sync>();
  pool.rotate();
  CHECK(tracked::destroyed() == 40);
  owner.finish();
  CHECK(pool.stats().retained == 2);
  pool.rotate();
  CHECK(tracked::alive() == 0);
}

// An owner has a shard for moments, and a rotate tries again meanwhile, a few times. A call that
// looks at the clock does not.
TEST_CASE_METHOD(all_given_back, "rotate_alone_yields_to_an_owner_and_a_few_times", "[cycles]") {
  steered_pool pool(no_factory);
  put_new_on(1, pool, 0, 2);
  stopped_owner owner(pool, 0, 40);
  REQUIRE(owner.stopped());
  CHECK(count_events(event::yield, [&] { pool.rotate(); }) == test_sync::patience() - 1);
  test_sync::advance_clock(60s);
  const on_cpu elsewhere(1);
  const std::uint64_t yields = count_events(event::yield, [&] {
    for (int i = 0; i < 2 * look_period; ++i) put_back(pool, take(pool));
  });
  CHECK(yields == 0);
  CHECK(pool.stats().cycles == 2);
  owner.finish();
}

TEST_CASE_METHOD(all_given_back, "cycle_interrupted_by_a_cycle_counts_as_two", "[cycles]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    steered_pool pool(no_factory, without_automatic_cycles);
    put_new_on(0, pool, 0, 12);
    put_new_on(1, pool, 12, 12);
    if (!interrupt(
            n, event::step, [&] { pool.rotate(); }, [&] { pool.rotate(); })) {
      break;
    }
    ++interruptions;
    REQUIRE(pool.stats().cycles == 2);
    // The shard that the first one owned was passed by, and is done now.
    pool.rotate();
    REQUIRE(tracked::alive() == 0);
  }
  CHECK(interruptions > 0);
}

// The first one finds the shards done that it has just found due, and leaves them as they are.
TEST_CASE_METHOD(all_given_back, "cycle_overtaken_by_a_cycle_takes_no_younger_items", "[cycles]") {
  std::uint64_t overtaken = 0;
  for (std::uint64_t n = 0;; ++n) {
    steered_pool pool(no_factory, without_automatic_cycles);
    put_new_on(0, pool, 0, 12);
    put_new_on(1, pool, 12, 12);
    bool all_done = false;
    if (!interrupt(
            n, event::step, [&] { pool.rotate(); },
            [&] {
              pool.rotate();
              // False if the first one owns a shard, or has its items in its hands.
              all_done = tracked::alive() == 0;
              if (!all_done) return;
              // Victims that were put after the first cycle.
              put_new_on(0, pool, 100, 3);
              put_new_on(1, pool, 103, 3);
              pool.rotate();
            })) {
      break;
    }
    if (!all_done) continue;
    ++overtaken;
    REQUIRE(tracked::alive() == 6);
  }
  CHECK(overtaken > 0);
}

// A sweep notes the cycle that it has done, and not one that has begun meanwhile and could not own
// the shard that the sweep had.
TEST_CASE_METHOD(all_given_back, "cycle_begun_during_a_sweep_is_done_by_the_calls_after_it",
                 "[cycles]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    steered_pool pool(no_factory);
    put_new_on(0, pool, 0, 3);
    const on_cpu elsewhere(1);
    put_new(pool, 10);
    const auto call = [&](int times) {
      for (int i = 0; i < times; ++i) put_back(pool, take(pool));
    };
    call(look_period - 2);
    test_sync::advance_clock(60s);
    if (!interrupt(
            n, event::step, [&] { call(3); }, [&] { pool.rotate(); })) {
      break;
    }
    ++interruptions;
    call(2 * look_period);
    CHECK(pool.stats().cycles == 2);
    CHECK(tracked::alive() == 1);
  }
  CHECK(interruptions > 0);
}

TEST_CASE_METHOD(all_given_back, "concurrent_rotates_gets_and_puts_keep_the_books", "[cycles]") {
  constexpr int rounds = 3000;
  constexpr int rounds_per_cycle = 5;
  constexpr int thread_count = 4;
  std::latch all_here(thread_count);
  std::atomic<std::uint64_t> rotations{0};
  awaited victim_hit("a get took a victim");
  awaited victim_destroyed("a rotate destroyed what nobody had used for two cycles");
  real_pool pool([] { return std::make_unique<tracked>(); }, without_automatic_cycles);
  put_new(pool, 0);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < thread_count; ++t) {
      threads.emplace_back([&, t] {
        all_here.arrive_and_wait();
        for (int i = 0; i < rounds || victim_hit.missing() || victim_destroyed.missing(); ++i) {
          std::vector<item> held;
          for (int k = 0; k < 12; ++k) {
            held.push_back(pool.get());
            held.back()->hold();
            ++held.back()->value;
          }
          for (item& each : held) put_back(pool, std::move(each));
          if (i % rounds_per_cycle != 0) continue;
          // One cycle makes victims, which gets then take; of two, the second destroys them.
          for (int cycles = t == 0 ? 2 : 1; cycles > 0; --cycles) {
            pool.rotate();
            rotations.fetch_add(1, std::memory_order_relaxed);
          }
          const pool_stats now = pool.stats();
          victim_hit.happened(now.victim_hits > 0);
          victim_destroyed.happened(now.cycle_destroyed > 0);
          if (i % (16 * rounds_per_cycle) == 0) std::this_thread::yield();
        }
      });
    }
  }
  const pool_stats stats = pool.stats();
  victim_hit.check();
  victim_destroyed.check();
  CHECK(stats.cycles == rotations);
  CHECK(stats.retained == tracked::alive());
  CHECK(stats.cycle_destroyed == tracked::destroyed());
  pool.rotate();
  pool.rotate();
  CHECK(tracked::alive() == 0);
}

// Hits on one CPU: an item is taken and put back, again and again. Returns the most that one call
// destroyed.
std::uint64_t hit_steadily(steered_pool& pool, int count) {
  std::uint64_t most = 0;
  for (int i = 0; i < count; ++i) {
    const std::uint64_t before = tracked::destroyed();
    item got = pool.try_get();
    most = std::max(most, tracked::destroyed() - before);
    if (got == nullptr) FAIL("hit " << i << " was a miss");  // reporters keep each REQUIRE
    const std::uint64_t between = tracked::destroyed();
    pool.put(std::move(got));
    most = std::max(most, tracked::destroyed() - between);
  }
  return most;
}

TEST_CASE_METHOD(all_given_back, "burst_followed_by_steady_hits_shrinks", "[cycles]") {
  steered_pool pool(no_factory);
  put_new(pool, 0, 1000);
  for (int interval = 0; interval < 3; ++interval) {
    test_sync::advance_clock(60s);
    CHECK(hit_steadily(pool, 40 * look_period) <= bound_per_call);
  }
  // Every call was a hit, and the item in use is still there.
  CHECK(pool.stats().misses == 0);
  CHECK(tracked::alive() == 1);
  CHECK(pool.stats().cycles == 3);
  CHECK(pool.stats().cycle_destroyed == 999);
}

TEST_CASE_METHOD(all_given_back, "steady_hits_on_one_cpu_shrink_every_shard", "[cycles]") {
  steered_pool pool(no_factory);
  for (std::uint32_t cpu = 0; cpu < 10; ++cpu) put_new_on(cpu, pool, 0, 50);
  const on_cpu here(6);
  for (int interval = 0; interval < 3; ++interval) {
    test_sync::advance_clock(60s);
    hit_steadily(pool, 40 * look_period);
  }
  CHECK(tracked::alive() == 1);
}

TEST_CASE_METHOD(all_given_back, "burst_of_puts_alone_is_bounded_by_cycles", "[cycles]") {
  steered_pool pool(no_factory);
  std::uint64_t most_alive = 0;
  for (int i = 0; i < 10000; ++i) {
    test_sync::advance_clock(1s);
    put_new(pool, i);
    most_alive = std::max(most_alive, tracked::alive());
  }
  // A look every 256 seconds begins a cycle: what is older than two of them goes.
  CHECK(most_alive < 1000);
}

TEST_CASE_METHOD(all_given_back, "steady_misses_begin_cycles_too", "[cycles]") {
  steered_pool pool(no_factory);
  CHECK(pool.try_get() == nullptr);
  test_sync::advance_clock(60s);
  for (int i = 0; i < look_period; ++i) CHECK(pool.try_get() == nullptr);
  CHECK(pool.stats().cycles == 1);
}

// An item is used every `pause`, on one CPU after the other; returns the most that one call
// destroyed.
std::uint64_t use_now_and_then(steered_pool& pool, std::chrono::nanoseconds total,
                               std::chrono::nanoseconds pause, std::uint32_t cpus) {
  std::uint64_t most = 0;
  std::uint32_t cpu = 0;
  for (std::chrono::nanoseconds time = pause; time <= total; time += pause) {
    test_sync::advance_clock(pause);
    const on_cpu here(cpu++ % cpus);
    most = std::max(most, hit_steadily(pool, 1));
  }
  return most;
}

TEST_CASE_METHOD(all_given_back, "burst_is_gone_three_intervals_later_however_few_the_calls",
                 "[cycles]") {
  constexpr auto interval = 60s;
  const std::uint32_t cpus = GENERATE(1u, 3u);
  const auto pause = GENERATE(30'000ms, 29'000ms, 20'000ms, 7'000ms, 500ms, 20ms);
  const auto phase = GENERATE(0ms, 1ms, 15'000ms, 30'001ms, 59'999ms);
  // Which of the next calls looks depends on how many there have been.
  const int burst = GENERATE(2000, 2070);
  // Busy in between, so that the pool has seen looks that came soon: one, or many.
  const int hits = GENERATE(0, 1, 40 * look_period);
  // How many calls of each CPU it then takes until one of them notices that they are few.
  const int unnoticed = hits <= 1 ? 0 : 64;
  CAPTURE(cpus, pause.count(), phase.count(), burst, hits);
  steered_pool pool(no_factory, {.cycle_interval = interval});
  put_new(pool, 0);
  test_sync::advance_clock(phase);
  put_new(pool, 0, burst);
  hit_steadily(pool, hits);
  use_now_and_then(pool, 3 * interval + unnoticed * static_cast<int>(cpus) * pause, pause, cpus);
  // Those that the calls have used, of which a cycle may just have made some victims.
  CHECK(tracked::alive() <= 2 * cpus);
}

TEST_CASE_METHOD(all_given_back, "call_destroys_the_share_of_the_time_since_the_last_look",
                 "[cycles]") {
  steered_pool pool(no_factory, {.cycle_interval = 60s});
  put_new(pool, 0, 6000);
  use_now_and_then(pool, 60s, 10s, 1);
  CHECK(tracked::destroyed() == 0);
  CHECK(use_now_and_then(pool, 60s, 50ms, 1) == 0);
  // One call in 64 looks: every 3.2 seconds of the 30 that there are for 6,000 items.
  const std::uint64_t most = use_now_and_then(pool, 34s, 50ms, 1);
  CHECK(most > 6000 * 32 / 300);
  CHECK(most <= bound_per_call + 6000 * 33 / 300);
  CHECK(tracked::alive() == 1);
}

TEST_CASE_METHOD(all_given_back, "cycles_give_memory_back_that_they_find_none_for", "[cycles]") {
  const int count = GENERATE(1, 2, 8, 16, 100);
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new(pool, 0, count);
  test_sync::refuse_every(1);
  pool.rotate();
  CHECK(tracked::destroyed() <= 1);
  pool.rotate();
  CHECK(tracked::alive() == 0);
  CHECK(pool.stats().cycle_destroyed == static_cast<std::uint64_t>(count));
}

TEST_CASE_METHOD(all_given_back, "clock_starts_at_the_first_use", "[cycles]") {
  steered_pool pool(no_factory, {.cycle_interval = 5s});
  test_sync::advance_clock(1h);
  put_new(pool, 1);
  test_sync::advance_clock(5s - 1ns);
  hit_steadily(pool, 2 * look_period);
  CHECK(pool.stats().cycles == 0);
  test_sync::advance_clock(1ns);
  hit_steadily(pool, 2 * look_period);
  CHECK(pool.stats().cycles == 1);
}

TEST_CASE_METHOD(all_given_back, "pool_without_interval_begins_no_cycle", "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new(pool, 1, 100);
  test_sync::advance_clock(24h);
  hit_steadily(pool, 3 * look_period);
  CHECK(pool.stats().cycles == 0);
  CHECK(tracked::destroyed() == 0);
}

TEST_CASE_METHOD(all_given_back, "pool_that_nobody_calls_keeps_its_items_until_rotate_all",
                 "[cycles]") {
  steered_pool pool;
  put_new(pool, 1, 100);
  test_sync::advance_clock(24h);
  CHECK(tracked::destroyed() == 0);
  rotate_all_of<test_sync>();
  rotate_all_of<test_sync>();
  CHECK(tracked::alive() == 0);
}

TEST_CASE_METHOD(all_given_back, "rotate_due_does_all_that_is_due_in_pools_that_nobody_calls",
                 "[cycles]") {
  steered_pool pool;
  steered_pool used_later;
  steered_pool unused;
  put_new(pool, 1, 10000);
  test_sync::advance_clock(59s);
  put_new(used_later, 1, 10000);
  rotate_due();
  CHECK(pool.stats().cycles == 0);
  test_sync::advance_clock(1s);
  rotate_due();
  rotate_due();
  CHECK(pool.stats().cycles == 1);
  CHECK(tracked::destroyed() == 0);
  test_sync::advance_clock(58s);
  rotate_due();
  CHECK(tracked::destroyed() == 0);
  test_sync::advance_clock(2s);
  rotate_due();
  CHECK(pool.stats().cycles == 2);
  CHECK(pool.stats().retained == 0);
  CHECK(tracked::destroyed() == 10000);
  CHECK(used_later.stats().cycles == 1);
  CHECK(unused.stats().cycles == 0);
}

TEST_CASE_METHOD(all_given_back, "rotate_due_begins_no_cycle_without_interval_but_ends_one",
                 "[cycles]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new_on(1, pool, 0, 20);
  put_new_on(2, pool, 20, 20);
  test_sync::advance_clock(24h);
  rotate_due();
  CHECK(pool.stats().cycles == 0);
  {
    stopped_owner owner(pool, 0, 40);
    REQUIRE(owner.stopped());
    pool.rotate();
    pool.rotate();
    CHECK(tracked::destroyed() == 40);
    owner.finish();
  }
  CHECK(pool.stats().retained == 2);
  rotate_due();
  CHECK(pool.stats().cycles == 2);
  CHECK(tracked::alive() == 0);
}

TEST_CASE_METHOD(all_given_back, "automatic_cycle_leaves_other_pools_alone", "[cycles]") {
  steered_pool pool(no_factory);
  steered_pool other(no_factory);
  put_new(pool, 1);
  put_new(other, 2, 100);
  for (int interval = 0; interval < 3; ++interval) {
    test_sync::advance_clock(60s);
    hit_steadily(pool, 2 * look_period);
  }
  CHECK(pool.stats().cycles == 3);
  CHECK(other.stats().cycles == 0);
  CHECK(tracked::destroyed() == 0);
}

// 200 victims on CPU 0, and a cycle begun by hits on CPU 1 that has dealt with a few of them.
void begin_cycle_over_200_victims(steered_pool& pool) {
  put_new_on(0, pool, 0, 200);
  pool.rotate();
  put_new_on(1, pool, 200, 1);
  test_sync::advance_clock(60s);
  const on_cpu other(1);
  CHECK(hit_steadily(pool, look_period) == bound_per_call);
  REQUIRE(tracked::destroyed() == bound_per_call);
}

TEST_CASE_METHOD(all_given_back, "put_destroys_a_bounded_number_of_victims", "[cycles]") {
  steered_pool pool(no_factory);
  begin_cycle_over_200_victims(pool);
  put_new(pool, 300, 1);
  for (std::uint64_t calls = 2; calls < 6; ++calls) {
    put_new(pool, 300, 1);
    CHECK(tracked::destroyed() == calls * bound_per_call);
  }
  put_new(pool, 300, 10);
  CHECK(tracked::destroyed() == 200);
}

TEST_CASE_METHOD(all_given_back, "get_destroys_a_bounded_number_of_victims", "[cycles]") {
  steered_pool pool(no_factory);
  begin_cycle_over_200_victims(pool);
  put_new_on(1, pool, 300, 20);
  std::vector<item> held;
  for (std::uint64_t calls = 2; calls < 6; ++calls) {
    held.push_back(take(pool));
    REQUIRE(held.back() != nullptr);
    CHECK(tracked::destroyed() == calls * bound_per_call);
  }
  for (item& each : held) dispose(std::move(each));
}

TEST_CASE_METHOD(all_given_back, "put_that_looks_at_the_clock_destroys_no_more_than_others",
                 "[cycles]") {
  steered_pool pool(no_factory);
  put_new(pool, 0, 400);
  pool.rotate();
  test_sync::advance_clock(60s);
  std::uint64_t most = 0;
  for (int i = 0; i < 2 * look_period; ++i) {
    const std::uint64_t before = tracked::destroyed();
    put_new(pool, 1000 + i);
    most = std::max(most, tracked::destroyed() - before);
  }
  CHECK(pool.stats().cycles == 2);
  CHECK(tracked::destroyed() == 400);
  CHECK(most == bound_per_call);
}

// Its items become victims in the same cycle, although the shard before it uses up the bound.
TEST_CASE_METHOD(all_given_back, "shard_with_many_victims_does_not_make_the_others_late",
                 "[cycles]") {
  // Shards are swept in the order of their CPUs.
  test_sync::set_cpu_count(16);
  steered_pool pool(no_factory);
  put_new_on(1, pool, 0, 1000);
  pool.rotate();
  put_new_on(9, pool, 5000, 10);
  test_sync::advance_clock(60s);
  const on_cpu here(9);
  hit_steadily(pool, 1);
  CHECK(pool.stats().cycles == 2);
  CHECK(tracked::destroyed() == bound_per_call);
  // All but the item that was in use are in the victim now, and the next cycle takes them.
  pool.rotate();
  CHECK(tracked::alive() == 1);
}

TEST_CASE_METHOD(all_given_back, "rotate_does_what_calls_have_left", "[cycles]") {
  steered_pool pool(no_factory);
  begin_cycle_over_200_victims(pool);
  pool.rotate();
  CHECK(tracked::destroyed() == 200);
  CHECK(tracked::alive() == 1);
}

TEST_CASE_METHOD(all_given_back, "destructor_that_calls_its_pool_does_not_clean_ever_deeper",
                 "[cycles]") {
  steered_pool pool(no_factory);
  begin_cycle_over_200_victims(pool);
  int depth = 0;
  int deepest = 0;
  tracked::when_destroyed([&](int value) {
    deepest = std::max(deepest, ++depth);
    if (value < 300) put_new(pool, 300, 2);
    --depth;
  });
  put_new(pool, 300, 2);
  CHECK(tracked::destroyed() == 2 * bound_per_call);
  CHECK(deepest == 1);
  tracked::when_destroyed(nullptr);
}

TEST_CASE_METHOD(all_given_back, "rotate_all_turns_every_pool_once", "[cycles]") {
  steered_pool first(no_factory);
  steered_pool second(no_factory);
  const steered_pool unused(no_factory);
  put_new(first, 1, 10);
  put_new(second, 1, 10);
  rotate_all_of<test_sync>();
  CHECK(first.stats().cycles == 1);
  CHECK(second.stats().cycles == 1);
  CHECK(unused.stats().cycles == 0);
  CHECK(tracked::destroyed() == 0);
  rotate_all_of<test_sync>();
  CHECK(tracked::alive() == 0);
}

// Counts what lies between an ownership's exchange and its release: atomic operations, and memory
// that is given back.
struct hold_counting : test_sync {
  static constexpr std::uint64_t many = std::uint64_t{1} << 60;
  // Never comes to its action; counts down with every operation.
  static inline interruption to_go{event::step, many, [] {}};
  static inline std::uint64_t longest = 0;
  static inline std::uint64_t frees_in_holds = 0;

  // The type of an ownership, and of others, which are never exchanged.
  class word : public test_sync::atomic<bool> {
   public:
    using test_sync::atomic<bool>::atomic;

    bool exchange(bool value, std::memory_order order) noexcept {
      held_ = this;
      begun_ = to_go.skip;
      return test_sync::atomic<bool>::exchange(value, order);
    }
    void store(bool value, std::memory_order order) noexcept {
      test_sync::atomic<bool>::store(value, order);
      if (held_ != this) return;
      held_ = nullptr;
      longest = std::max(longest, begun_ - to_go.skip);
    }
    static bool held() noexcept { return held_ != nullptr; }

   private:
    static inline const word* held_ = nullptr;
    static inline std::uint64_t begun_ = many;
  };

  // Rings are memory of zeros.
  static void deallocate_zeroed(void* memory, std::size_t size, std::size_t alignment) noexcept {
    frees_in_holds += word::held();
    test_sync::deallocate_zeroed(memory, size, alignment);
  }

  template <class T>
  using atomic = std::conditional_t<std::is_same_v<T, bool>, word, test_sync::atomic<T>>;
};

// The most operations for which three cycles keep a shard of so many items from its users.
std::uint64_t longest_hold(int items) {
  poolproof::object_pool<tracked, std::default_delete<tracked>, hold_counting> pool(
      no_factory, without_automatic_cycles);
  put_new(pool, 1, items);
  hold_counting::longest = 0;
  hold_counting::frees_in_holds = 0;
  const std::int64_t blocks = test_sync::live_blocks();
  hold_counting::run(hold_counting::to_go, [&] {
    for (int i = 0; i < 3; ++i) pool.rotate();
  });
  CHECK(pool.stats().cycle_destroyed == static_cast<std::uint64_t>(items));
  CHECK(test_sync::live_blocks() < blocks);
  CHECK(hold_counting::frees_in_holds == 0);
  return hold_counting::longest;
}

// A hundred times as many items are in seven more rings, which an owner walks past.
TEST_CASE_METHOD(all_given_back, "cycle_keeps_a_shard_no_longer_for_holding_much", "[cycles]") {
  const std::uint64_t few = longest_hold(1'000);
  const std::uint64_t many = longest_hold(100'000);
  INFO("operations for 1,000 items: " << few << ", for 100,000: " << many);
  CHECK(few > 32);
  CHECK(many < 2 * few);
}

}  // namespace

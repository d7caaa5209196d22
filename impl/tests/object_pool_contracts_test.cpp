// SPDX-License-Identifier: MIT
// object_pool.hpp: what it promises where something goes wrong or happens at an unusual moment.
#include <poolproof/object_pool.hpp>

#include <unistd.h>

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <deque>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "awaited.hpp"
#include "catch.hpp"
#include "child.hpp"
#include "pools.hpp"
#include "test_sync.hpp"
#include "tracked.hpp"

namespace {

using namespace std::chrono_literals;
using poolproof::object_pool;
using poolproof::rotate_all;
using poolproof::rotate_all_of;
using poolproof::test::all_given_back;
using poolproof::test::awaited;
using poolproof::test::count_events;
using poolproof::test::dispose;
using poolproof::test::event;
using poolproof::test::holds_in_child;
using poolproof::test::interrupt;
using poolproof::test::item;
using poolproof::test::no_factory;
using poolproof::test::on_cpu;
using poolproof::test::put_back;
using poolproof::test::put_new;
using poolproof::test::put_new_on;
using poolproof::test::real_pool;
using poolproof::test::steered_pool;
using poolproof::test::stopped_owner;
using poolproof::test::stopped_thread;
using poolproof::test::take;
using poolproof::test::take_all;
using poolproof::test::take_value;
using poolproof::test::test_sync;
using poolproof::test::tracked;
using poolproof::test::without_automatic_cycles;

// --- The factory ---------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "factory_that_throws_leaves_the_pool_as_it_was", "[contracts]") {
  bool fails = true;
  real_pool pool([&] {
    if (fails) throw std::runtime_error("no item");
    return std::make_unique<tracked>(1);
  });
  CHECK_THROWS_WITH(pool.get(), "no item");
  CHECK(pool.stats().constructions == 0);
  CHECK(pool.stats().misses == 1);
  put_new(pool, 2);
  CHECK(pool.get()->value == 2);
  CHECK_THROWS_WITH(pool.get(), "no item");
  fails = false;
  CHECK(pool.get()->value == 1);
  CHECK(pool.stats().constructions == 1);
}

TEST_CASE_METHOD(all_given_back, "constructor_that_throws_leaves_the_pool_as_it_was",
                 "[contracts]") {
  struct throwing {
    throwing() { throw std::runtime_error("no construction"); }
  };
  object_pool<throwing> pool;
  CHECK_THROWS_WITH(pool.get(), "no construction");
  CHECK(pool.try_get() == nullptr);
  CHECK(pool.stats().constructions == 0);
}

TEST_CASE_METHOD(all_given_back, "factory_may_use_its_pool", "[contracts]") {
  // Each item is made from two others, down to those of level zero.
  steered_pool* self = nullptr;
  int level = 3;
  steered_pool pool([&]() -> item {
    if (level == 0) return std::make_unique<tracked>(1);
    --level;
    item left = self->get();
    const item right = self->get();
    ++level;
    const int value = left->value + right->value;
    self->put(std::move(left));
    CHECK(self->stats().busy == 0);
    return std::make_unique<tracked>(value);
  });
  self = &pool;
  const item made = pool.get();
  CHECK(made->value > 1);
  CHECK(pool.stats().constructions == tracked::constructed());
}

// --- Destructors that use a pool -----------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "destructor_may_use_its_pool_while_that_is_destroyed",
                 "[contracts]") {
  // An item that is destroyed puts two smaller ones. With a handle out the pool's end is alone with
  // them; else what is left of the pool looks once more when it goes.
  const bool handle_is_out = GENERATE(false, true);
  int destroyed = 0;
  steered_pool::handle late;
  {
    steered_pool pool(no_factory, without_automatic_cycles);
    put_new(pool, 0);
    if (handle_is_out) late = pool.borrow();
    put_new(pool, 4);
    tracked::when_destroyed([&](int value) {
      ++destroyed;
      if (value > 0) put_new_on(static_cast<std::uint32_t>(value), pool, value - 1);
      if (value > 0) put_new(pool, value - 1);
    });
  }
  CHECK(tracked::alive() == (handle_is_out ? 1 : 0));
  late = {};
  CHECK(destroyed == 1 + 1 + 2 + 4 + 8 + 16);
  tracked::when_destroyed(nullptr);
}

TEST_CASE_METHOD(all_given_back, "destructor_may_get_from_its_pool_in_a_cycle", "[contracts]") {
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new(pool, 0, 20);
  pool.rotate();
  put_new(pool, 100, 5);
  int got = 0;
  tracked::when_destroyed([&](int value) {
    if (value >= 100) return;
    if (take_value(pool) >= 100) ++got;
  });
  pool.rotate();
  CHECK(got == 5);
  CHECK(tracked::alive() == 0);
  tracked::when_destroyed(nullptr);
}

// --- Threads -------------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "thread_that_never_got_an_item_puts_one", "[contracts]") {
  real_pool pool;
  std::thread([&] { put_new(pool, 8); }).join();
  CHECK(take_value(pool) == 8);
}

TEST_CASE_METHOD(all_given_back, "thread_that_ends_leaves_its_items_to_others", "[contracts]") {
  steered_pool pool(no_factory);
  std::thread([&] { put_new_on(3, pool, 0, 30); }).join();
  CHECK(take_all(pool) == 30);
  std::thread([&] { put_new_on(3, pool, 0, 30); }).join();
  pool.rotate();
  pool.rotate();
  CHECK(tracked::alive() == 0);
}

TEST_CASE_METHOD(all_given_back, "item_got_on_one_cpu_is_put_on_another", "[contracts]") {
  steered_pool pool(no_factory);
  put_new_on(0, pool, 1);
  item got = take(pool);
  const on_cpu other(3);
  put_back(pool, std::move(got));
  CHECK(take_value(pool) == 1);
  CHECK(pool.stats().steals == 0);
}

TEST_CASE_METHOD(all_given_back, "more_threads_than_cpus_share_every_item", "[contracts]") {
  constexpr std::size_t thread_count = 16;
  constexpr int rounds = 2000;
  test_sync::set_cpu_count(6);
  std::latch all_here(thread_count);
  steered_pool pool;
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < thread_count; ++t) {
      threads.emplace_back([&, t] {
        // Two CPUs with a gap between them, and thread after thread on each.
        test_sync::set_cpu(t % 2 == 0 ? 0 : 5);
        all_here.arrive_and_wait();
        for (int i = 0; i < rounds; ++i) {
          std::vector<item> held;
          for (std::size_t k = 0; k <= t % 4; ++k) {
            held.push_back(pool.get());
            held.back()->hold();
            ++held.back()->value;
          }
          if (i % 128 == 0) std::this_thread::yield();
          for (item& each : held) put_back(pool, std::move(each));
        }
      });
    }
  }
  CHECK(pool.stats().retained == tracked::alive());
  CHECK(tracked::destroyed() == 0);
  CHECK(pool.stats().constructions == tracked::constructed());
}

// Forty consumers wait on a condition variable; who is told of an item finds it, wherever the
// producer has put it. One at a time, so that nobody else has it in hand.
TEST_CASE_METHOD(all_given_back, "consumer_that_is_told_of_an_item_finds_it", "[contracts]") {
  real_pool pool(no_factory);
  constexpr int consumers = 40;
  std::mutex mutex;
  std::condition_variable changed;
  int offered = 0;
  std::atomic<int> found{0};
  {
    std::vector<std::jthread> threads;
    for (int c = 0; c != consumers; ++c) {
      threads.emplace_back([&] {
        std::unique_lock lock(mutex);
        changed.wait(lock, [&] { return offered > 0; });
        if (take_value(pool)) ++found;
        --offered;
        changed.notify_all();
      });
    }
    for (int c = 0; c != consumers; ++c) {
      put_new(pool, c);
      std::unique_lock lock(mutex);
      ++offered;
      changed.notify_all();
      changed.wait(lock, [&] { return offered == 0; });
    }
  }
  CHECK(found == consumers);
}

TEST_CASE_METHOD(all_given_back, "two_thousand_short_lived_threads_leave_what_two_cycles_free",
                 "[contracts]") {
  real_pool pool([] { return std::make_unique<tracked>(); }, without_automatic_cycles);
  constexpr int thread_count = 2000;
  constexpr int at_once = 8;
  for (int started = 0; started < thread_count; started += at_once) {
    std::vector<std::jthread> threads;
    for (int t = 0; t < at_once; ++t) {
      threads.emplace_back([&] {
        item got = pool.get();
        got->hold();
        ++got->value;
        put_back(pool, std::move(got));
      });
    }
  }
  // As many items as threads were inside at once, at most, and not as many as there were threads.
  CHECK(tracked::constructed() <= at_once);
  CHECK(pool.stats().retained == tracked::alive());
  pool.rotate();
  pool.rotate();
  CHECK(tracked::alive() == 0);
}

// --- Memory --------------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "pool_without_memory_is_as_good_as_none", "[contracts]") {
  test_sync::refuse_every(1);
  steered_pool pool;
  for (int i = 0; i < 10; ++i) {
    item made = pool.get();
    REQUIRE(made != nullptr);
    pool.put(std::move(made));
    CHECK(tracked::alive() == 0);
  }
  CHECK(pool.try_get() == nullptr);
  pool.rotate();
  CHECK(pool.stats().retained == 0);
}

TEST_CASE_METHOD(all_given_back, "pool_works_once_there_is_memory_again", "[contracts]") {
  test_sync::refuse_every(1);
  steered_pool pool;
  put_new(pool, 1);
  CHECK(tracked::destroyed() == 1);
  test_sync::refuse_every(0);
  put_new(pool, 2);
  CHECK(take_value(pool) == 2);
}

TEST_CASE_METHOD(all_given_back, "every_nth_allocation_refused_costs_items_and_nothing_else",
                 "[contracts]") {
  const std::uint64_t n = GENERATE(1u, 2u, 3u, 5u, 7u, 20u);
  test_sync::refuse_every(n);
  steered_pool pool;
  std::vector<item> held;
  std::uint64_t missing = 0;
  for (int round = 0; round < 40; ++round) {
    for (int i = 0; i < 30; ++i) {
      const on_cpu here(static_cast<std::uint32_t>(round * 3 + i % 2));
      item got = pool.get();
      if (got == nullptr) {
        ++missing;
        continue;
      }
      got->hold();
      held.push_back(std::move(got));
    }
    const on_cpu here(static_cast<std::uint32_t>(round));
    for (item& each : held) put_back(pool, std::move(each));
    held.clear();
    if (round % 4 == 3) pool.rotate();
    {
      const auto lent = pool.borrow();
      if (!lent) ++missing;
    }
    REQUIRE(pool.stats().retained == tracked::alive());
  }
  CHECK(missing == 0);
  CHECK(tracked::destroyed() > 0);
  // A pool needs two blocks to begin with, which it never gets at once if every second is refused.
  CHECK((pool.stats().refused_memory > 0) == (n > 2));
}

TEST_CASE_METHOD(all_given_back, "spill_refused_memory_destroys_the_item", "[contracts]") {
  steered_pool pool(no_factory);
  put_new(pool, 0, 9);
  stopped_thread owner(event::allocate, 0, [&] { put_new(pool, 9); });
  REQUIRE(owner.stopped());
  test_sync::refuse_every(1);
  put_new(pool, 10);
  CHECK(tracked::destroyed() == 1);
  CHECK(pool.stats().refused_memory == 1);
  CHECK(pool.stats().spills == 0);
  test_sync::refuse_every(0);
  owner.finish();
  CHECK(take_all(pool) == 10);
}

// --- rotate_all ----------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "pool_owned_by_a_pooled_item_is_destroyed_by_rotate_all",
                 "[contracts]") {
  struct nested {
    steered_pool inner{no_factory, without_automatic_cycles};
  };
  object_pool<nested, std::default_delete<nested>, test_sync> outer;
  for (int i = 0; i < 5; ++i) {
    auto owner = std::make_unique<nested>();
    put_new(owner->inner, 0, 20);
    outer.put(std::move(owner));
  }
  rotate_all_of<test_sync>();
  CHECK(tracked::alive() == 100);
  rotate_all_of<test_sync>();
  CHECK(tracked::alive() == 0);
  CHECK(outer.stats().retained == 0);
}

TEST_CASE_METHOD(all_given_back, "pool_destroyed_at_any_step_of_rotate_all_is_accounted",
                 "[contracts]") {
  const bool other_too = GENERATE(false, true);
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    const steered_pool oldest;
    auto pool = std::make_unique<steered_pool>(no_factory, without_automatic_cycles);
    auto other = std::make_unique<steered_pool>(no_factory, without_automatic_cycles);
    put_new_on(0, *pool, 0, 10);
    put_new_on(1, *pool, 0, 3);
    put_new(*other, 0, 3);
    pool->rotate();
    put_new(*pool, 0, 3);
    const bool interrupted = interrupt(
        n, event::step, [] { rotate_all_of<test_sync>(); },
        [&] {
          pool.reset();
          if (other_too) other.reset();
        });
    if (!interrupted) break;
    ++interruptions;
    REQUIRE(tracked::alive() == (other_too ? 0 : 3));
    // What the rotation still referred to is gone with it.
    other.reset();
    REQUIRE(test_sync::live_blocks() == 0);
  }
  CHECK(interruptions > 0);
}

TEST_CASE_METHOD(all_given_back, "rotate_all_at_any_step_of_a_pools_destruction_is_accounted",
                 "[contracts]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    auto pool = std::make_unique<steered_pool>(no_factory, without_automatic_cycles);
    put_new_on(0, *pool, 0, 10);
    put_new_on(1, *pool, 0, 3);
    pool->rotate();
    put_new(*pool, 0, 3);
    if (!interrupt(
            n, event::step, [&] { pool.reset(); }, [] { rotate_all_of<test_sync>(); })) {
      break;
    }
    ++interruptions;
    REQUIRE(tracked::alive() == 0);
    REQUIRE(test_sync::live_blocks() == 0);
  }
  CHECK(interruptions > 0);
}

TEST_CASE_METHOD(all_given_back, "destructor_stopped_in_rotate_all_lets_the_pool_be_destroyed",
                 "[contracts]") {
  auto pool = std::make_unique<steered_pool>(no_factory, without_automatic_cycles);
  put_new(*pool, 0, 100);
  pool->rotate();
  // In its thread's hands are 32 items; one of them wants the clock while it is destroyed.
  tracked::when_destroyed([](int value) {
    if (value == 50) test_sync::now();
  });
  stopped_thread rotator(event::read_clock, 0, [] { rotate_all_of<test_sync>(); });
  REQUIRE(rotator.stopped());
  pool.reset();
  const std::uint64_t alive = tracked::alive();
  CHECK(alive > 0);
  CHECK(alive < 33);
  rotator.finish();
  CHECK(tracked::alive() == 0);
  tracked::when_destroyed(nullptr);
}

TEST_CASE_METHOD(all_given_back, "rotate_all_runs_among_pools_that_come_and_go", "[contracts]") {
  std::atomic<int> working{2};
  awaited turned("a rotate_all turned a pool that another thread used");
  std::latch all_here(4);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        all_here.arrive_and_wait();
        while (working != 0) rotate_all();
      });
    }
    for (int t = 0; t < 2; ++t) {
      threads.emplace_back([&] {
        all_here.arrive_and_wait();
        for (int i = 0; i < 1000 || turned.missing(); ++i) {
          real_pool first;
          put_new(first, 0, 12);
          real_pool second;
          put_new(second, 0, 3);
          if (i % 64 == 0) std::this_thread::yield();
          turned.happened(first.stats().cycles > 0);
        }
        --working;
      });
    }
  }
  turned.check();
}

// --- Processes -----------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "child_uses_a_pool_that_other_threads_were_inside_of",
                 "[contracts]") {
  test_sync::set_cpu_count(32);
  steered_pool pool(no_factory, without_automatic_cycles);
  put_new_on(1, pool, 0, 20);
  {
    const on_cpu here(3);
    REQUIRE(take_value(pool) == 0);  // and the shard begins
  }
  // Owners of two shards, one thread in each step of a steal, and one in each step of the first put
  // on a CPU, each on another, whose shard begins with it.
  constexpr std::uint32_t first_new_cpu = 10;
  const std::uint64_t beginners = count_events(event::step, [&] { put_new_on(9, pool, 30); });
  REQUIRE(beginners > 5);
  REQUIRE(first_new_cpu + beginners <= 32);
  stopped_owner first(pool, 0, 100);
  stopped_owner second(pool, 2, 200);
  std::deque<stopped_thread> others;
  for (std::uint64_t n = 0; n < 12; ++n) {
    others.emplace_back(event::step, n, [&] {
      test_sync::set_cpu(3);
      take_value(pool);
    });
  }
  for (std::uint64_t n = 0; n < beginners; ++n) {
    others.emplace_back(event::step, n, [&, cpu = first_new_cpu + static_cast<std::uint32_t>(n)] {
      put_new_on(cpu, pool, 300);
    });
  }
  REQUIRE(first.stopped());
  REQUIRE(second.stopped());
  for (auto& other : others) REQUIRE(other.stopped());

  CHECK(holds_in_child([&] {
    put_new(pool, 400, 100);
    for (std::uint32_t n = 0; n < beginners; ++n) put_new_on(first_new_cpu + n, pool, 500, 10);
    const std::size_t put = 100 + 10 * beginners;
    const std::size_t put_before = 19 + 1 + 2 + beginners;  // some are in the threads' hands
    const std::size_t taken = take_all(pool);
    if (taken < put || taken > put + put_before) return false;
    put_new(pool, 600, 50);
    put_new_on(1, pool, 650, 50);
    const std::uint64_t before = pool.stats().retained;
    pool.rotate();
    rotate_all_of<test_sync>();
    // At worst the shards are skipped whose owners do not exist here.
    return before >= 100 && pool.stats().retained <= 2;
  }));
  first.finish();
  second.finish();
  for (auto& other : others) other.finish();
}

TEST_CASE_METHOD(all_given_back, "child_forked_during_a_cycle_begins_the_next_by_itself",
                 "[contracts]") {
  constexpr int look_period = static_cast<int>(test_sync::ticker::period);
  steered_pool pool(no_factory);
  const auto hit = [&](int count) {
    for (int i = 0; i < count; ++i) {
      item got = pool.try_get();
      pool.put(std::move(got));
    }
  };
  put_new(pool, 0, 100);
  pool.rotate();
  // The thread is stopped in the destructor of the first item that its automatic cycle destroys.
  tracked::when_destroyed([](int) { test_sync::yield(); });
  test_sync::advance_clock(60s);
  stopped_thread sweeper(event::yield, 0, [&] {
    test_sync::set_cpu(1);
    put_new(pool, 500);
    hit(look_period);
  });
  REQUIRE(sweeper.stopped());
  CHECK(holds_in_child([&] {
    tracked::when_destroyed(nullptr);
    const std::uint64_t before = tracked::destroyed();
    for (int i = 0; i < 3; ++i) {
      test_sync::advance_clock(60s);
      hit(20 * look_period);
    }
    return tracked::destroyed() > before + 60;
  }));
  sweeper.finish();
  tracked::when_destroyed(nullptr);
}

TEST_CASE_METHOD(all_given_back, "child_may_destroy_a_pool_that_other_threads_were_inside_of",
                 "[contracts]") {
  auto pool = std::make_unique<steered_pool>(no_factory, without_automatic_cycles);
  put_new(*pool, 0, 20);
  stopped_owner owner(*pool, 1, 100);
  stopped_thread thief(event::step, 5, [&] {
    test_sync::set_cpu(2);
    take_value(*pool);
  });
  REQUIRE(owner.stopped());
  REQUIRE(thief.stopped());
  CHECK(holds_in_child([&] {
    pool.reset();
    // The two items that are in the hands of threads that do not exist here.
    return tracked::alive() <= 2;
  }));
}

TEST_CASE_METHOD(all_given_back, "child_may_destroy_a_pool_whose_first_use_had_not_come_to_its_end",
                 "[contracts]") {
  const steered_pool in_use_before(no_factory);
  std::uint64_t stops = 0;
  for (std::uint64_t n = 0;; ++n) {
    auto pool = std::make_unique<steered_pool>(no_factory);
    stopped_thread first_user(event::step, n, [&] { put_new(*pool, 0); });
    if (!first_user.stopped()) break;
    ++stops;
    REQUIRE(holds_in_child([&] {
      steered_pool other(no_factory);
      put_new(other, 1, 3);
      pool.reset();
      rotate_all_of<test_sync>();
      rotate_all_of<test_sync>();
      return other.stats().cycles == 2 && other.stats().retained == 0;
    }));
  }
  CHECK(stops > 0);
}

TEST_CASE_METHOD(all_given_back, "child_forked_while_others_rotate_all_may_do_so_too",
                 "[contracts]") {
  std::deque<real_pool> pools(50);
  for (real_pool& pool : pools) CHECK(pool.try_get() == nullptr);
  std::atomic<bool> stop{false};
  std::vector<std::jthread> rotators;
  std::latch all_here(3);
  for (int t = 0; t < 2; ++t) {
    rotators.emplace_back([&] {
      all_here.count_down();
      while (!stop) {
        rotate_all();
        // Or else who forks, and waits for the registry's mutex, seldom gets it on a busy machine.
        std::this_thread::yield();
      }
    });
  }
  all_here.arrive_and_wait();
  int held = 0;
  constexpr int forks = 40;
  for (int i = 0; i < forks; ++i) {
    if (holds_in_child([&] {
          rotate_all();
          return pools.front().stats().cycles > 0;
        })) {
      ++held;
    }
  }
  stop = true;
  CHECK(held == forks);
}

// The functions that a child runs as it ends are those of a program: static objects are destroyed
// in the reverse order of their construction.
TEST_CASE_METHOD(all_given_back, "static_pool_destroys_its_items_when_the_program_ends",
                 "[contracts]") {
  CHECK(holds_in_child([] {
    struct exit_with_books {
      ~exit_with_books() {
        const bool balanced = tracked::alive() == 0 && tracked::destroyed() == 20;
        ::_exit(balanced ? EXIT_SUCCESS : EXIT_FAILURE);
      }
    };
    static const exit_with_books last;
    static real_pool pool;
    put_new(pool, 0, 20);
    std::exit(EXIT_FAILURE);
    return false;
  }));
}

TEST_CASE_METHOD(all_given_back, "handle_in_a_static_object_outlives_a_static_pool",
                 "[contracts]") {
  CHECK(holds_in_child([] {
    struct exit_with_books {
      ~exit_with_books() { ::_exit(tracked::alive() == 0 ? EXIT_SUCCESS : EXIT_FAILURE); }
    };
    static const exit_with_books last;
    static real_pool::handle lent;
    static real_pool pool;
    put_new(pool, 0, 20);
    lent = pool.borrow();
    std::exit(EXIT_FAILURE);
    return false;
  }));
}

// Under a leak checker nothing of it is a leak: it can all be reached from the static reference.
TEST_CASE("never_destroyed_static_pool_may_be_used_until_the_end", "[contracts]") {
  static auto& pool = *new object_pool<int>;
  for (int i = 0; i < 100; ++i) pool.put(std::make_unique<int>(i));
  pool.rotate();
  for (int i = 0; i < 50; ++i) pool.put(std::make_unique<int>(i));
  static const struct late_caller {
    ~late_caller() { pool.put(pool.get()); }
  } caller;
  CHECK(pool.stats().retained == 150);
}

}  // namespace

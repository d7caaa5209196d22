// SPDX-License-Identifier: MIT
// object_pool.hpp: borrowed handles, also those that outlive their pool.
#include <poolproof/object_pool.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <optional>
#include <stdexcept>
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

using poolproof::test::all_given_back;
using poolproof::test::awaited;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::item;
using poolproof::test::no_factory;
using poolproof::test::on_cpu;
using poolproof::test::put_new;
using poolproof::test::put_new_on;
using poolproof::test::real_pool;
using poolproof::test::steered_pool;
using poolproof::test::stopped_thread;
using poolproof::test::take_value;
using poolproof::test::test_sync;
using poolproof::test::tracked;
using poolproof::test::without_automatic_cycles;

using steered_handle = steered_pool::handle;

TEST_CASE_METHOD(all_given_back, "handle_is_moved_and_not_copied", "[handle]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<steered_handle>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<steered_handle>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<steered_handle>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<steered_handle>);
  STATIC_REQUIRE(std::is_nothrow_default_constructible_v<steered_handle>);
}

TEST_CASE_METHOD(all_given_back, "handle_leads_to_its_item", "[handle]") {
  steered_pool pool;
  put_new(pool, 5);
  const auto lent = pool.borrow();
  REQUIRE(lent);
  CHECK(lent->value == 5);
  CHECK((*lent).value == 5);
  CHECK(lent.get() == &*lent);
}

TEST_CASE_METHOD(all_given_back, "borrow_from_an_empty_pool_constructs", "[handle]") {
  steered_pool pool;
  const auto lent = pool.borrow();
  CHECK(lent);
  CHECK(pool.stats().constructions == 1);
}

TEST_CASE_METHOD(all_given_back, "handle_returns_its_item_on_destruction", "[handle]") {
  steered_pool pool;
  const tracked* address = nullptr;
  {
    const auto lent = pool.borrow();
    address = lent.get();
    CHECK(pool.stats().retained == 0);
  }
  CHECK(pool.stats().retained == 1);
  CHECK(pool.try_get().get() == address);
}

TEST_CASE_METHOD(all_given_back, "default_handle_is_empty", "[handle]") {
  steered_handle none;
  CHECK_FALSE(none);
  CHECK(none.get() == nullptr);
  CHECK(none.detach() == nullptr);
}

TEST_CASE_METHOD(all_given_back, "handle_is_empty_if_the_factory_gives_null", "[handle]") {
  steered_pool pool(no_factory);
  auto lent = pool.borrow();
  CHECK_FALSE(lent);
  CHECK(lent.detach() == nullptr);
}

// And nothing is lent: a handle that counted would put a null pointer into the pool.
TEST_CASE_METHOD(all_given_back, "handle_that_the_factory_gave_null_is_not_out", "[handle]") {
  real_pool pool(no_factory);
  for (int i = 0; i < 3; ++i) {
    const auto lent = pool.borrow();
    CHECK(pool.stats().in_use == 0);
  }
  CHECK(pool.stats().retained == 0);
}

TEST_CASE_METHOD(all_given_back, "factory_that_throws_leaves_no_handle_behind", "[handle]") {
  steered_pool pool([]() -> item { throw std::runtime_error("no item"); });
  CHECK_THROWS_WITH(pool.borrow(), "no item");
  put_new(pool, 1);
  CHECK(pool.borrow());
}

TEST_CASE_METHOD(all_given_back, "moved_handle_returns_its_item_once", "[handle]") {
  steered_pool pool;
  {
    auto first = pool.borrow();
    const auto second = std::move(first);
    CHECK_FALSE(first);
    CHECK(second);
  }
  CHECK(pool.stats().retained == 1);
}

TEST_CASE_METHOD(all_given_back, "assigned_handle_returns_the_item_it_had", "[handle]") {
  steered_pool pool;
  put_new(pool, 1);
  auto first = pool.borrow();
  put_new(pool, 2);
  auto second = pool.borrow();
  first = std::move(second);
  CHECK_FALSE(second);
  CHECK(first->value == 2);
  CHECK(take_value(pool) == 1);
  first = {};
  CHECK(take_value(pool) == 2);
}

TEST_CASE_METHOD(all_given_back, "handle_assigned_from_another_pool_returns_to_that", "[handle]") {
  steered_pool pool(no_factory);
  steered_pool other(no_factory);
  put_new(pool, 1);
  put_new(other, 2);
  {
    auto lent = pool.borrow();
    lent = other.borrow();
  }
  CHECK(take_value(pool) == 1);
  CHECK(take_value(other) == 2);
}

TEST_CASE_METHOD(all_given_back, "handle_assigned_to_itself_keeps_its_item", "[handle]") {
  steered_pool pool;
  put_new(pool, 1);
  auto lent = pool.borrow();
  auto& same = lent;
  lent = std::move(same);
  REQUIRE(lent);
  CHECK(lent->value == 1);
}

TEST_CASE_METHOD(all_given_back, "detached_item_does_not_return", "[handle]") {
  steered_pool pool(no_factory);
  put_new(pool, 1);
  {
    auto lent = pool.borrow();
    const item detached = lent.detach();
    CHECK_FALSE(lent);
    CHECK(detached->value == 1);
  }
  CHECK(pool.stats().retained == 0);
  CHECK(tracked::alive() == 0);
}

TEST_CASE_METHOD(all_given_back, "handle_is_returned_on_another_thread", "[handle]") {
  real_pool pool;
  auto lent = pool.borrow();
  const tracked* const address = lent.get();
  std::jthread([moved = std::move(lent)] { moved->value = 3; }).join();
  CHECK(pool.stats().retained == 1);
  const item again = pool.try_get();
  REQUIRE(again.get() == address);
  CHECK(again->value == 3);
}

TEST_CASE_METHOD(all_given_back, "handle_that_outlives_its_pool_destroys_its_item", "[handle]") {
  steered_handle lent;
  {
    steered_pool pool;
    put_new(pool, 1, 20);
    lent = pool.borrow();
  }
  CHECK(tracked::alive() == 1);
  CHECK(test_sync::live_blocks() > 0);
  lent->value = 2;
  lent = {};
  CHECK(tracked::alive() == 0);
  CHECK(test_sync::live_blocks() == 0);
}

// Items that have items of their own pool on loan, all of which end with it.
struct parent {
  poolproof::object_pool<parent>::handle child;
};

TEST_CASE_METHOD(all_given_back, "pool_of_items_that_hold_handles_of_it_ends_in_little_stack",
                 "[handle]") {
  constexpr std::size_t many = 100'000;  // 0.4 kB of stack each was too much for 8 MiB
  poolproof::object_pool<parent> pool;
  std::vector<std::unique_ptr<parent>> parents;
  for (std::size_t i = 0; i != many; ++i) {
    parents.push_back(std::make_unique<parent>());
    parents.back()->child = pool.borrow();
  }
  for (auto& each : parents) pool.put(std::move(each));
}

TEST_CASE_METHOD(all_given_back, "last_of_many_late_handles_frees_the_pool", "[handle]") {
  std::vector<steered_handle> lent;
  {
    steered_pool pool;
    for (std::uint32_t cpu = 0; cpu < 20; ++cpu) {
      const on_cpu here(cpu);
      lent.push_back(pool.borrow());
    }
    // One that came back in time does not count.
    lent.pop_back();
  }
  while (!lent.empty()) {
    CHECK(tracked::alive() == lent.size());
    CHECK(test_sync::live_blocks() > 0);
    lent.pop_back();
  }
  CHECK(test_sync::live_blocks() == 0);
}

TEST_CASE_METHOD(all_given_back, "late_handle_is_moved_detached_and_assigned", "[handle]") {
  item detached;
  {
    steered_handle moved;
    steered_handle assigned;
    {
      steered_pool pool;
      moved = pool.borrow();
      assigned = pool.borrow();
    }
    steered_handle again = std::move(moved);
    detached = again.detach();
    CHECK_FALSE(again);
    CHECK(test_sync::live_blocks() > 0);
    steered_pool other;
    assigned = other.borrow();
  }
  CHECK(test_sync::live_blocks() == 0);
  CHECK(tracked::alive() == 1);
  CHECK(detached != nullptr);
}

// The last reference to an ended pool is given up, and with it the hooks, which have the handle.
TEST_CASE_METHOD(all_given_back, "detached_item_is_taken_before_the_pools_end_takes_its_handle",
                 "[handle]") {
  struct keeper {
    real_pool::handle held;
  };
  auto keeps = std::make_shared<keeper>();
  keeper& kept = *keeps;
  {
    real_pool pool([] { return std::make_unique<tracked>(); }, {},
                   {.on_drop = [keeps](tracked&, poolproof::drop_cause) {}});
    kept.held = pool.borrow();
    keeps.reset();
  }
  const item taken = kept.held.detach();
  CHECK(taken != nullptr);
  CHECK(tracked::alive() == 1);
}

TEST_CASE_METHOD(all_given_back, "closed_pool_is_not_rotated", "[handle]") {
  steered_handle lent;
  {
    steered_pool pool;
    lent = pool.borrow();
  }
  poolproof::rotate_all_of<test_sync>();
  poolproof::rotate_all_of<test_sync>();
  CHECK(tracked::alive() == 1);
  CHECK(lent->value == 0);
}

TEST_CASE_METHOD(all_given_back, "handle_without_memory_for_a_pool_destroys_its_item", "[handle]") {
  steered_pool pool;
  test_sync::refuse_every(1);
  {
    auto lent = pool.borrow();
    CHECK(lent);
    auto other = pool.borrow();
    CHECK(other.detach() != nullptr);
  }
  CHECK(tracked::alive() == 0);
  // Memory comes back between the get and the handle.
  test_sync::refuse_every(2);
  const auto lent = pool.borrow();
  CHECK(lent);
}

// Giving back the old item destroys the handle that is assigned from, as it would if the item
// contained that handle.
TEST_CASE_METHOD(all_given_back, "handle_assigned_from_inside_what_it_gives_back_has_the_new_item",
                 "[handle]") {
  steered_handle outer;
  std::optional<steered_handle> inner;
  {
    steered_pool pool(no_factory);
    put_new(pool, 1);
    outer = pool.borrow();
    put_new(pool, 2);
    inner = pool.borrow();
  }
  tracked::when_destroyed([&](int value) {
    if (value == 1) inner.reset();
  });
  outer = std::move(*inner);
  REQUIRE(outer);
  CHECK(outer->value == 2);
  CHECK_FALSE(inner);
  CHECK(tracked::alive() == 1);
  tracked::when_destroyed(nullptr);
}

TEST_CASE_METHOD(all_given_back, "handle_borrowed_while_the_pool_is_destroyed_outlives_it",
                 "[handle]") {
  // Then all that is left is destroyed after the handles have been added up.
  const bool has_lent_before = GENERATE(false, true);
  std::vector<steered_handle> lent;
  {
    steered_pool pool;
    if (has_lent_before) static_cast<void>(pool.borrow());
    put_new(pool, 100, 10);
    put_new_on(1, pool, 110, 10);
    tracked::when_destroyed([&](int value) {
      if (value >= 100 && value % 4 == 0) lent.push_back(pool.borrow());
    });
  }
  tracked::when_destroyed(nullptr);
  REQUIRE(lent.size() >= 3);
  CHECK(tracked::alive() == lent.size());
  for (auto& each : lent) ++each->value;
  lent.clear();
  CHECK(tracked::alive() == 0);
}

// What can be done to a handle that is out while its pool is destroyed.
using late_use = void (*)(steered_handle&);
constexpr late_use return_it = [](steered_handle& lent) { lent = {}; };
constexpr late_use detach_it = [](steered_handle& lent) { CHECK(lent.detach() != nullptr); };
// On a CPU that the pool has not seen, so that the return makes a new array of shards.
constexpr late_use return_it_elsewhere = [](steered_handle& lent) {
  const on_cpu far(50);
  lent = {};
};

std::unique_ptr<steered_pool> pool_in_use(std::uint32_t cpu) {
  auto pool = std::make_unique<steered_pool>();
  put_new_on(cpu, *pool, 0, 9);
  return pool;
}

TEST_CASE_METHOD(all_given_back, "handle_used_at_any_step_of_the_pools_destruction_is_accounted",
                 "[handle]") {
  const late_use use = GENERATE(as<late_use>(), return_it, detach_it, return_it_elsewhere);
  const std::uint32_t cpu_of_pool = GENERATE(0u, 1u);
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    auto pool = pool_in_use(cpu_of_pool);
    auto lent = pool->borrow();
    auto other = pool->borrow();
    const bool interrupted = interrupt(
        n, event::step, [&] { pool.reset(); }, [&] { use(lent); });
    if (!interrupted) break;
    ++interruptions;
    REQUIRE(tracked::alive() == 1);
    other = {};
    REQUIRE(tracked::alive() == 0);
    REQUIRE(test_sync::live_blocks() == 0);
  }
  CHECK(interruptions > 0);
}

TEST_CASE_METHOD(all_given_back, "pool_destroyed_at_any_step_of_a_handles_use_is_accounted",
                 "[handle]") {
  const late_use use = GENERATE(as<late_use>(), return_it, detach_it, return_it_elsewhere);
  const bool other_is_out = GENERATE(false, true);
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    auto pool = pool_in_use(0);
    auto lent = pool->borrow();
    auto other = pool->borrow();
    if (!other_is_out) other = {};
    const bool interrupted = interrupt(
        n, event::step, [&] { use(lent); }, [&] { pool.reset(); });
    if (!interrupted) break;
    ++interruptions;
    REQUIRE(tracked::alive() == (other_is_out ? 1 : 0));
    other = {};
    REQUIRE(tracked::alive() == 0);
    REQUIRE(test_sync::live_blocks() == 0);
  }
  CHECK(interruptions > 0);
}

TEST_CASE_METHOD(all_given_back, "owner_stopped_in_a_handles_return_does_not_hold_up_the_pool",
                 "[handle]") {
  auto pool = pool_in_use(0);
  auto lent = pool->borrow();
  // The ring of eight is full, and the handle's item displaces a ninth one.
  put_new(*pool, 9);
  stopped_thread returner(event::allocate, 0, [&] { lent = {}; });
  REQUIRE(returner.stopped());
  pool.reset();
  // All but the displaced item, which is in the stopped thread's hands.
  CHECK(tracked::alive() == 1);
  CHECK(test_sync::live_blocks() > 0);
  returner.finish();
  CHECK(tracked::alive() == 0);
  CHECK(test_sync::live_blocks() == 0);
}

TEST_CASE_METHOD(all_given_back, "handles_returned_by_threads_while_the_pool_is_destroyed",
                 "[handle]") {
  constexpr std::size_t thread_count = 3;
  constexpr int rounds = 1500;
  std::vector<real_pool::handle> lent(thread_count);
  std::optional<real_pool> pool;
  constexpr int no_more = -1;
  std::atomic<int> round{0};
  std::atomic<std::size_t> returned{0};
  std::atomic<bool> destroyed{false};
  // Handles come back on both sides of the destruction.
  awaited before("a handle was back before its pool was destroyed");
  awaited after("a handle was not yet back when its pool had been destroyed");
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < thread_count; ++t) {
      threads.emplace_back([&, t] {
        for (int r = 1;; ++r) {
          while (round != r && round != no_more) std::this_thread::yield();
          if (round == no_more) return;
          ++lent[t]->value;
          // At different distances from the destruction.
          for (std::size_t i = static_cast<std::size_t>(r) * t % 50; i > 0; --i) {
            std::atomic_signal_fence(std::memory_order_seq_cst);
          }
          lent[t] = {};
          before.happened(!destroyed);
          ++returned;
        }
      });
    }
    for (int r = 1; r <= rounds || before.missing() || after.missing(); ++r) {
      pool.emplace();
      destroyed = false;
      returned = 0;
      for (auto& each : lent) each = pool->borrow();
      put_new(*pool, 0, 3);
      round = r;
      for (std::size_t i = static_cast<std::size_t>(r) % 4; i > 0 && returned == 0; --i) {
        std::this_thread::yield();
      }
      pool.reset();
      destroyed = true;
      after.happened(returned != thread_count);
      while (returned != thread_count) std::this_thread::yield();
    }
    round = no_more;
  }
  before.check();
  after.check();
}

}  // namespace

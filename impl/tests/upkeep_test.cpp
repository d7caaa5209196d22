// SPDX-License-Identifier: MIT
// upkeep.hpp and bounds.hpp: hooks and bounds, as a pool's user has them.
#include <poolproof/upkeep.hpp>

#include <poolproof/object_pool.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <barrier>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <iterator>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "pools.hpp"
#include "test_sync.hpp"
#include "tracked.hpp"

namespace {

using poolproof::bounded_count;
using poolproof::drop_cause;
using poolproof::pool_hooks;
using poolproof::pool_options;
using poolproof::pool_stats;
using poolproof::std_sync;
using poolproof::test::all_given_back;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::item;
using poolproof::test::no_factory;
using poolproof::test::put_new;
using poolproof::test::put_new_on;
using poolproof::test::real_pool;
using poolproof::test::steered_pool;
using poolproof::test::take_all;
using poolproof::test::take_value;
using poolproof::test::test_sync;
using poolproof::test::tracked;

// What a pool has dropped, in order.
struct dropped {
  int value;
  drop_cause why;
  bool operator==(const dropped&) const = default;
};
using drops = std::vector<dropped>;

auto tell(drops& to) {
  return [&to](tracked& of, drop_cause why) { to.push_back({of.value, why}); };
}

// Their number alone, of any threads.
auto count_drops(std::atomic<std::uint64_t>& to) {
  return [&to](tracked&, drop_cause) { ++to; };
}

pool_options bounded(std::size_t most) {
  return {.cycle_interval = std::nullopt, .max_retained = most};
}
pool_options idling(std::size_t least) {
  return {.cycle_interval = std::nullopt, .min_idle = least};
}

// --- The count -----------------------------------------------------------------------------------

TEST_CASE("count_is_never_more_than_its_maximum", "[bounds]") {
  bounded_count<std_sync> count;
  CHECK_FALSE(count.add(4, 3));
  CHECK(count.add(3, 3));
  CHECK_FALSE(count.add(1, 3));
  CHECK(count.add(0, 3));
  count.subtract(2);
  CHECK(count.add(1, 3));
  CHECK(count.value() == 2);
}

TEST_CASE("count_does_not_wrap", "[bounds]") {
  constexpr auto most = std::numeric_limits<std::uint64_t>::max();
  bounded_count<std_sync> count;
  CHECK(count.add(most - 1, most));
  CHECK_FALSE(count.add(2, most));
  CHECK(count.add(1, most));
}

TEST_CASE("count_is_lowered_to_a_minimum", "[bounds]") {
  bounded_count<std_sync> count;
  CHECK(count.subtract_above(0, 5) == 0);
  CHECK(count.add(7, 10));
  CHECK(count.subtract_above(3, 2) == 2);
  CHECK(count.subtract_above(3, 5) == 2);
  CHECK(count.subtract_above(3, 5) == 0);
  CHECK(count.value() == 3);
}

// --- reset ---------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("item_is_reset_when_it_comes_back", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool(no_factory, {}, {.reset = [](tracked& each) { return (each.value = -1) != 0; }});
  put_new(pool, 5);
  CHECK(take_value(pool) == -1);
  put_new(pool, 6);
  {
    const auto lent = pool.borrow();
    CHECK(lent->value == -1);
    lent->value = 7;
  }
  CHECK(take_value(pool) == -1);
}

TEMPLATE_TEST_CASE("item_that_its_reset_refuses_is_dropped", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  const bool throws = GENERATE(false, true);
  drops told;
  {
    TestType pool(no_factory, {},
                  {.reset =
                       [=](tracked& each) {
                         if (throws && each.value == 2) throw std::runtime_error("not mine");
                         return each.value != 2;
                       },
                   .on_drop = tell(told)});
    put_new(pool, 1, 2);
    CHECK(told == drops{{2, drop_cause::reset}});
    {
      const auto lent = pool.borrow();
      CHECK(lent->value == 1);
      lent->value = 2;
    }
    CHECK(told == drops{{2, drop_cause::reset}, {2, drop_cause::reset}});
    CHECK(tracked::alive() == 0);
    CHECK(pool.stats().reset_dropped == 2);
    CHECK(pool.stats().retained == 0);
    put_new(pool, 3);
  }
  CHECK(told.back() == dropped{3, drop_cause::end});
}

TEMPLATE_TEST_CASE("new_items_are_not_reset", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  int resets = 0;
  TestType pool([] { return std::make_unique<tracked>(1); }, {},
                {.reset = [&](tracked&) { return ++resets != 0; }});
  pool.reserve(3);
  CHECK(resets == 0);
  CHECK(pool.get()->value == 1);
  CHECK(resets == 0);
  pool.put(pool.get());
  CHECK(resets == 1);
}

// --- on_drop -------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("item_is_told_once_whatever_drops_it", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  drops told;
  std::optional<typename TestType::handle> late;
  {
    TestType pool(no_factory, bounded(3),
                  {.reset = [](tracked& each) { return each.value != 0; }, .on_drop = tell(told)});
    put_new(pool, 0);
    put_new(pool, 1, 4);
    CHECK(told == drops{{0, drop_cause::reset}, {4, drop_cause::bound}});
    late = pool.borrow();
    pool.rotate();
    pool.rotate();
    CHECK(told.size() == 4);
    for (std::size_t i = 2; i != told.size(); ++i) CHECK(told[i].why == drop_cause::cycle);
    put_new(pool, 5);
    const pool_stats stats = pool.stats();
    CHECK(stats.reset_dropped == 1);
    CHECK(stats.bound_dropped == 1);
    CHECK(stats.cycle_destroyed == 2);
    CHECK(stats.retained == 1);
    CHECK(stats.in_use == 1);
  }
  CHECK(told.back() == dropped{5, drop_cause::end});
  const int value = (*late)->value;
  late.reset();
  CHECK(told.size() == 6);
  CHECK(told.back() == dropped{value, drop_cause::late_return});
}

TEST_CASE_METHOD(all_given_back, "item_that_is_refused_memory_is_told", "[upkeep]") {
  drops told;
  steered_pool pool(no_factory, bounded(5), {.on_drop = tell(told)});
  put_new(pool, 1);
  test_sync::refuse_every(1);
  // The second displaces the first, for which there is no ring.
  put_new(pool, 2, 2);
  test_sync::refuse_every(0);
  CHECK(told == drops{{1, drop_cause::memory}, {2, drop_cause::memory}});
  CHECK(pool.stats().refused_memory == 2);
  // They do not count any more.
  put_new(pool, 4, 5);
  CHECK(told.size() == 3);
  CHECK(told.back() == dropped{8, drop_cause::bound});
}

// The core, too, is memory.
TEST_CASE_METHOD(all_given_back, "item_of_a_pool_that_gets_no_memory_is_told", "[upkeep]") {
  drops told;
  steered_pool pool(no_factory, {}, {.on_drop = tell(told)});
  test_sync::refuse_every(1);
  put_new(pool, 1);
  test_sync::refuse_every(0);
  CHECK(told == drops{{1, drop_cause::memory}});
}

TEMPLATE_TEST_CASE("pool_that_only_tells_tells_all_the_same", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  drops told;
  {
    TestType pool(no_factory, {.cycle_interval = std::nullopt}, {.on_drop = tell(told)});
    put_new(pool, 1);
    pool.rotate();
    pool.rotate();
    CHECK(told == drops{{1, drop_cause::cycle}});
    put_new(pool, 2);
  }
  CHECK(told.back() == dropped{2, drop_cause::end});
}

TEMPLATE_TEST_CASE("hooks_may_use_their_pool", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  TestType* self = nullptr;
  int gets = 0;
  int puts = 0;
  TestType pool(no_factory, bounded(2),
                {.reset =
                     [&](tracked& each) {
                       if (each.value == 1) gets += take_value(*self) == 7 ? 1 : 0;
                       return true;
                     },
                 .on_drop =
                     [&](tracked& each, drop_cause why) {
                       if (why == drop_cause::bound && each.value == 9) ++puts, put_new(*self, 10);
                     }});
  self = &pool;
  put_new(pool, 7);
  put_new(pool, 1);
  CHECK(gets == 1);
  put_new(pool, 2);
  put_new(pool, 9);
  CHECK(puts == 1);
  CHECK(pool.stats().bound_dropped == 2);
  CHECK(take_all(pool) == 2);
}

// --- The state of hooks --------------------------------------------------------------------------

TEMPLATE_TEST_CASE("state_of_hooks_ends_with_the_pool", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  const auto state = std::make_shared<int>();
  const bool used = GENERATE(false, true);
  {
    TestType pool(no_factory, {},
                  {.reset = [state](tracked&) { return true; },
                   .size_of = [state](const tracked&) { return std::size_t{1}; },
                   .on_drop = [state](tracked&, drop_cause) {}});
    if (used) put_new(pool, 1);
    CHECK(state.use_count() == 4);
  }
  CHECK(state.use_count() == 1);
}

TEMPLATE_TEST_CASE("state_of_hooks_ends_with_the_last_handle", "[upkeep]", real_pool,
                   steered_pool) {
  const all_given_back books;
  const auto state = std::make_shared<int>();
  std::optional<typename TestType::handle> lent[2];
  {
    TestType pool([] { return std::make_unique<tracked>(); }, {},
                  {.reset = [state](tracked&) { return true; },
                   .on_drop = [state](tracked&, drop_cause) { ++*state; }});
    for (auto& each : lent) each = pool.borrow();
  }
  CHECK(state.use_count() == 3);
  lent[0].reset();
  CHECK(*state == 1);
  CHECK(state.use_count() == 3);
  lent[1].reset();
  CHECK(*state == 2);
  CHECK(state.use_count() == 1);
}

// Whatever std::invoke takes.
struct text {
  bool clear() { return ++cleared < 3; }
  std::size_t size() const { return 7; }
  [[nodiscard]] int tell(drop_cause) { return told = 1; }

  int cleared = 0;
  int told = 0;
  bool is_good = true;
};

TEST_CASE("hook_is_a_pointer_to_a_member", "[upkeep]") {
  poolproof::object_pool<text> pool([] { return std::make_unique<text>(); },
                                    {.cycle_interval = std::nullopt},
                                    {.reset = &text::clear, .size_of = &text::size});
  pool.put(std::make_unique<text>());
  CHECK(pool.stats().bytes == 7);
  pool.put(pool.get());
  pool.put(pool.get());
  CHECK(pool.stats().reset_dropped == 1);
  CHECK(pool.stats().bytes == 0);

  poolproof::object_pool<text> of_good([] { return std::make_unique<text>(); },
                                       {.cycle_interval = std::nullopt}, {.reset = &text::is_good});
  auto bad = of_good.get();
  bad->is_good = false;
  of_good.put(std::move(bad));
  of_good.put(of_good.get());
  CHECK(of_good.stats().reset_dropped == 1);
  CHECK(of_good.stats().retained == 1);
}

TEST_CASE("hook_may_return_more_than_is_asked_for", "[upkeep]") {
  int told = 0;
  {
    poolproof::object_pool<text> pool(
        [] { return std::make_unique<text>(); }, {.cycle_interval = std::nullopt},
        {.on_drop = [&told](text& of, drop_cause why) { return told += of.tell(why); }});
    pool.put(std::make_unique<text>());
  }
  CHECK(told == 1);
  poolproof::object_pool<text> pool([] { return std::make_unique<text>(); }, {},
                                    {.on_drop = &text::tell});
  pool.put(std::make_unique<text>());
}

TEST_CASE_METHOD(all_given_back, "null_hooks_are_none", "[upkeep]") {
  bool (*const no_reset)(tracked&) = nullptr;
  const std::function<void(tracked&, drop_cause)> no_telling;
  real_pool pool(no_factory, {}, {.reset = no_reset, .on_drop = no_telling});
  put_new(pool, 1);
  CHECK(take_value(pool) == 1);
}

// --- Bounds --------------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "item_that_a_cycle_finds_no_memory_for_does_not_count",
                 "[upkeep]") {
  steered_pool pool(no_factory, bounded(1));
  put_new(pool, 1);
  test_sync::refuse_every(1);
  pool.rotate();
  test_sync::refuse_every(0);
  CHECK(pool.stats().cycle_destroyed == 1);
  put_new(pool, 2);
  CHECK(pool.stats().bound_dropped == 0);
  CHECK(take_value(pool) == 2);
}

TEST_CASE_METHOD(all_given_back, "bound_without_sense_is_rejected_by_name", "[upkeep]") {
  CHECK_THROWS_WITH(real_pool(no_factory, {.max_bytes = 1}),
                    "object_pool: option 'max_bytes' needs the hook 'size_of'");
  CHECK_THROWS_WITH(real_pool(no_factory, {.max_retained = 1, .min_idle = 2}),
                    "object_pool: option 'min_idle' must not be more than 'max_retained'");
}

TEMPLATE_TEST_CASE("pool_holds_as_many_items_as_it_may", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  const std::size_t most = GENERATE(0u, 1u, 2u, 17u, 200u);
  drops told;
  TestType pool(no_factory, bounded(most), {.on_drop = tell(told)});
  put_new(pool, 0, 300);
  REQUIRE(told.size() == 300 - most);
  // Those that came last.
  for (std::size_t i = 0; i != told.size(); ++i) {
    CHECK(told[i] == dropped{static_cast<int>(most + i), drop_cause::bound});
  }
  CHECK(pool.stats().retained == most);
  CHECK(pool.stats().bound_dropped == 300 - most);
  CHECK(take_all(pool) == most);
}

TEMPLATE_TEST_CASE("what_leaves_a_pool_makes_room", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  const int leaves = GENERATE(0, 1, 2, 3);
  TestType pool(no_factory, bounded(2));
  put_new(pool, 1, 2);
  switch (leaves) {
    case 0:
      CHECK(pool.get() != nullptr);
      CHECK(pool.try_get() != nullptr);
      break;
    case 1:
      CHECK(pool.borrow().detach() != nullptr);
      CHECK(pool.try_get_near() != nullptr);
      break;
    case 2:
      pool.rotate();
      pool.rotate();
      break;
    default: {
      const auto first = pool.borrow();
      const auto second = pool.borrow();
      put_new(pool, 3, 2);
      CHECK(pool.stats().bound_dropped == 0);
    }
      CHECK(pool.stats().bound_dropped == 2);
      CHECK(take_all(pool) == 2);
  }
  const std::uint64_t before = pool.stats().bound_dropped;
  put_new(pool, 5, 3);
  CHECK(pool.stats().bound_dropped == before + 1);
  CHECK(take_all(pool) == 2);
}

TEMPLATE_TEST_CASE("pool_holds_as_many_bytes_as_it_may", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool(no_factory, {.cycle_interval = std::nullopt, .max_bytes = 100},
                {.size_of = [](const tracked& each) { return std::size_t(each.value); }});
  put_new(pool, 101);
  CHECK(pool.stats().bound_dropped == 1);
  put_new(pool, 60);
  CHECK(pool.stats().bytes == 60);
  put_new(pool, 41);
  CHECK(pool.stats().bound_dropped == 2);
  put_new(pool, 40);
  CHECK(pool.stats().bytes == 100);
  CHECK(pool.stats().retained == 2);
  {
    const auto lent = pool.borrow();
    CHECK(pool.stats().bytes == 100 - static_cast<std::uint64_t>(lent->value));
    // It has grown meanwhile.
    lent->value = 70;
  }
  CHECK(pool.stats().bound_dropped == 3);
  CHECK(pool.stats().retained == 1);
  pool.rotate();
  pool.rotate();
  CHECK(pool.stats().bytes == 0);
}

TEMPLATE_TEST_CASE("item_with_too_many_bytes_does_not_count_as_an_item", "[upkeep]", real_pool,
                   steered_pool) {
  const all_given_back books;
  TestType pool(no_factory, {.max_retained = 1, .max_bytes = 10},
                {.size_of = [](const tracked& each) { return std::size_t(each.value); }});
  put_new(pool, 11);
  put_new(pool, 10);
  CHECK(take_value(pool) == 10);
}

TEMPLATE_TEST_CASE("bytes_are_told_without_a_bound", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool(no_factory, {}, {.size_of = [](const tracked&) { return std::size_t{1000}; }});
  put_new(pool, 1, 50);
  CHECK(pool.stats().bytes == 50000);
  CHECK(take_value(pool) != std::nullopt);
  CHECK(pool.stats().bytes == 49000);
}

// A put that another operation interrupts before each of its steps in turn.
TEST_CASE_METHOD(all_given_back, "put_beside_a_put_keeps_one_of_two", "[upkeep]") {
  std::uint64_t step = 0;
  for (bool interrupted = true; interrupted; ++step) {
    steered_pool pool(no_factory, bounded(1));
    interrupted = interrupt(
        step, event::step, [&] { put_new(pool, 1); }, [&] { put_new(pool, 2); });
    CHECK(pool.stats().bound_dropped == (interrupted ? 1 : 0));
    CHECK(take_all(pool) == 1);
  }
  CHECK(step > 5);
}

TEST_CASE_METHOD(all_given_back, "put_beside_a_get_is_kept_or_finds_the_pool_full", "[upkeep]") {
  std::uint64_t step = 0;
  std::uint64_t kept = 0;
  for (bool interrupted = true; interrupted; ++step) {
    steered_pool pool(no_factory, bounded(1));
    put_new(pool, 1);
    interrupted = interrupt(
        step, event::step, [&] { static_cast<void>(pool.try_get()); }, [&] { put_new(pool, 2); });
    const std::uint64_t full = pool.stats().bound_dropped;
    const std::size_t left = take_all(pool);
    CHECK(left <= 1);
    CHECK(full + left == (interrupted ? 1 : 0));
    kept += left;
  }
  CHECK(step > 3);
  CHECK(kept < step);
}

// --- min_idle ------------------------------------------------------------------------------------

TEMPLATE_TEST_CASE("cycles_leave_as_many_as_are_to_stay", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  const std::size_t least = GENERATE(1u, 2u, 40u, 100u);
  TestType pool(no_factory, idling(least));
  put_new(pool, 1, 100);
  for (int cycle = 0; cycle != 6; ++cycle) {
    pool.rotate();
    CHECK(pool.stats().retained >= least);
  }
  CHECK(pool.stats().retained == least);
  CHECK(pool.stats().cycle_destroyed == 100 - least);
  CHECK(take_all(pool) == least);
  CHECK(pool.stats().misses == 1);
}

TEMPLATE_TEST_CASE("fewer_items_than_are_to_stay_all_stay", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool(no_factory, idling(5));
  for (int round = 0; round != 3; ++round) {
    put_new(pool, 1, 3);
    for (int cycle = 0; cycle != 4; ++cycle) pool.rotate();
    CHECK(pool.stats().cycle_destroyed == 0);
    CHECK(take_all(pool) == 3);
  }
}

TEST_CASE_METHOD(all_given_back, "items_that_are_to_stay_stay_on_all_cpus_together", "[upkeep]") {
  steered_pool pool(no_factory, idling(3));
  for (std::uint32_t cpu = 0; cpu != 4; ++cpu) put_new_on(cpu, pool, 1, 5);
  for (int cycle = 0; cycle != 4; ++cycle) pool.rotate();
  CHECK(pool.stats().retained == 3);
  CHECK(pool.stats().cycle_destroyed == 17);
}

TEST_CASE_METHOD(all_given_back, "item_that_stays_and_finds_no_memory_goes", "[upkeep]") {
  drops told;
  steered_pool pool(no_factory, idling(2), {.on_drop = tell(told)});
  put_new(pool, 1, 3);
  pool.rotate();
  test_sync::refuse_every(1);
  pool.rotate();
  test_sync::refuse_every(0);
  CHECK(told.size() + pool.stats().retained == 3);
  CHECK(pool.stats().cycle_destroyed == told.size());
  // What has gone counts no more: as many stay as there are.
  const std::uint64_t left = pool.stats().retained;
  put_new(pool, 4, 5);
  for (int cycle = 0; cycle != 4; ++cycle) pool.rotate();
  CHECK(pool.stats().retained == 2);
  CHECK(told.size() == 3 - left + left + 5 - 2);
}

// --- Several at once -----------------------------------------------------------------------------

TEMPLATE_TEST_CASE("reserve_fills_the_pool_up", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool([] { return std::make_unique<tracked>(); });
  pool.reserve(0);
  CHECK(pool.stats().constructions == 0);
  pool.reserve(20);
  CHECK(pool.stats().constructions == 20);
  CHECK(pool.stats().retained == 20);
  pool.reserve(20);
  pool.reserve(7);
  CHECK(pool.stats().constructions == 20);
  const item taken = pool.get();
  pool.reserve(21);
  CHECK(pool.stats().constructions == 22);
  CHECK(pool.stats().misses == 0);
}

TEMPLATE_TEST_CASE("reserve_stops_where_there_is_no_room", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool([] { return std::make_unique<tracked>(); }, bounded(5));
  pool.reserve(20);
  CHECK(pool.stats().retained == 5);
  // One was made for nothing; it has not been in the pool.
  CHECK(pool.stats().constructions == 6);
  CHECK(pool.stats().bound_dropped == 0);
}

TEMPLATE_TEST_CASE("reserve_stops_where_the_factory_does", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  int left = 3;
  bool throws = false;
  TestType pool([&] {
    if (left == 0 && throws) throw std::runtime_error("no item");
    return left-- > 0 ? std::make_unique<tracked>() : item();
  });
  pool.reserve(20);
  CHECK(pool.stats().retained == 3);
  left = 2;
  throws = true;
  CHECK_THROWS_WITH(pool.reserve(20), "no item");
  CHECK(pool.stats().retained == 5);
  CHECK(pool.stats().constructions == 5);
}

TEMPLATE_TEST_CASE("several_items_go_and_come_at_once", "[upkeep]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool([] { return std::make_unique<tracked>(0); });
  std::vector<item> items;
  for (int i = 1; i <= 50; ++i) items.push_back(std::make_unique<tracked>(i));
  items.push_back(nullptr);
  pool.put_range(items.begin(), items.end());
  CHECK(pool.stats().retained == 50);
  CHECK(std::all_of(items.begin(), items.end(), [](const item& each) { return each == nullptr; }));
  std::vector<item> taken;
  pool.get_n(60, std::back_inserter(taken));
  CHECK(taken.size() == 60);
  CHECK(pool.stats().constructions == 10);
  std::vector<int> values;
  for (const item& each : taken) values.push_back(each->value);
  std::sort(values.begin(), values.end());
  for (int i = 1; i <= 50; ++i) CHECK(values[static_cast<std::size_t>(i + 9)] == i);
  std::array<item, 2> two;
  CHECK(pool.get_n(2, two.begin()) == two.end());
}

TEMPLATE_TEST_CASE("get_of_several_keeps_those_before_a_throw", "[upkeep]", real_pool,
                   steered_pool) {
  const all_given_back books;
  TestType pool([]() -> item { throw std::runtime_error("no item"); });
  put_new(pool, 1, 3);
  std::vector<item> taken;
  CHECK_THROWS_WITH(pool.get_n(5, std::back_inserter(taken)), "no item");
  CHECK(taken.size() == 3);
}

// --- Many threads --------------------------------------------------------------------------------

// While items only come, a put drops its item only if the pool is full: so it is full in the end,
// and not an item more.
TEST_CASE_METHOD(all_given_back, "bound_is_exact_with_64_threads", "[upkeep]") {
  constexpr unsigned thread_count = 64;
  constexpr int rounds = 20;
  constexpr std::size_t most = 300;
  constexpr std::size_t most_bytes = 250;
  const bool by_bytes = GENERATE(false, true);
  pool_options options = bounded(most);
  pool_hooks<tracked> hooks;
  if (by_bytes) {
    options.max_bytes = most_bytes;
    hooks.size_of = [](const tracked&) { return std::size_t{1}; };
  }
  real_pool pool(no_factory, options, std::move(hooks));
  const std::size_t full = by_bytes ? most_bytes : most;
  std::vector<std::size_t> held;
  std::barrier together(thread_count, [&]() noexcept {
    if (pool.stats().retained != 0) held.push_back(take_all(pool));
  });
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t != thread_count; ++t) {
      threads.emplace_back([&] {
        for (int round = 0; round != rounds; ++round) {
          put_new(pool, 1, 10);
          together.arrive_and_wait();
        }
      });
    }
  }
  CHECK(held == std::vector<std::size_t>(rounds, full));
  CHECK(pool.stats().bound_dropped == rounds * (thread_count * 10 - full));
}

// Whatever threads do with it, what they leave is never more than the bound, and each item is in
// the pool or was told.
TEST_CASE_METHOD(all_given_back, "bound_is_kept_beside_gets_handles_and_cycles", "[upkeep]") {
  constexpr unsigned thread_count = 64;
  constexpr int rounds = 10;
  constexpr std::size_t most = 20;
  std::atomic<std::uint64_t> told{0};
  std::size_t highest = 0;
  {
    std::optional<real_pool> pool(
        std::in_place, [] { return std::make_unique<tracked>(); }, bounded(most),
        pool_hooks<tracked>{.on_drop = count_drops(told)});
    std::barrier together(thread_count,
                          [&]() noexcept { highest = std::max(highest, take_all(*pool)); });
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t != thread_count; ++t) {
      threads.emplace_back([&, t] {
        for (int round = 0; round != rounds; ++round) {
          for (int i = 0; i != 50; ++i) {
            std::vector<item> taken;
            pool->get_n(1 + t % 3, std::back_inserter(taken));
            const auto lent = pool->borrow();
            pool->put_range(taken.begin(), taken.end());
            if (i % 10 == 0) put_new(*pool, 0, most);
            if (t == 0 && i % 10 == 0) pool->rotate();
          }
          together.arrive_and_wait();
        }
      });
    }
    threads.clear();
    const pool_stats stats = pool->stats();
    CHECK(stats.bound_dropped != 0);
    CHECK(stats.bound_dropped + stats.cycle_destroyed + stats.refused_memory == told);
    // The counter is back where it began: there is room for as many as at first.
    put_new(*pool, 0, 2 * most);
    CHECK(take_all(*pool) == most);
  }
  CHECK(highest <= most);
  CHECK(highest > 0);
}

// What is in the pool, by its values.
std::uint64_t bytes_of_all(real_pool& pool) {
  std::uint64_t bytes = 0;
  for (item next = pool.try_get(); next != nullptr; next = pool.try_get()) {
    bytes += static_cast<std::uint64_t>(next->value);
  }
  return bytes;
}

// Items have other sizes when they come back. What is counted is what is there, and never more than
// the bound.
TEST_CASE_METHOD(all_given_back, "bytes_are_kept_beside_handles_that_grow_cycles_and_reserve",
                 "[upkeep]") {
  constexpr unsigned thread_count = 64;
  constexpr int rounds = 10;
  constexpr std::uint64_t most = 100;
  std::atomic<std::uint64_t> told{0};
  std::uint64_t highest = 0;
  bool is_counted = true;
  real_pool pool([] { return std::make_unique<tracked>(1); },
                 {.cycle_interval = std::nullopt, .max_bytes = most},
                 {.size_of = [](const tracked& each) { return std::size_t(each.value); },
                  .on_drop = count_drops(told)});
  std::barrier together(thread_count, [&]() noexcept {
    const std::uint64_t counted = pool.stats().bytes;
    const std::uint64_t held = bytes_of_all(pool);
    is_counted = is_counted && counted == held && pool.stats().bytes == 0;
    highest = std::max(highest, held);
  });
  std::vector<std::jthread> threads;
  for (unsigned t = 0; t != thread_count; ++t) {
    threads.emplace_back([&, t] {
      for (int round = 0; round != rounds; ++round) {
        for (int i = 0; i != 50; ++i) {
          const auto lent = pool.borrow();
          lent->value = 1 + (7 * lent->value + i) % 40;
          if (i % 10 == 0) put_new(pool, 1, 20);
          if (t % 16 == 0 && i % 10 == 0) pool.rotate();
          if (t % 16 == 1 && i % 10 == 0) pool.reserve(30);
        }
        together.arrive_and_wait();
      }
    });
  }
  threads.clear();
  CHECK(is_counted);
  CHECK(highest <= most);
  CHECK(highest > 0);
  const pool_stats stats = pool.stats();
  CHECK(stats.bound_dropped != 0);
  CHECK(stats.bound_dropped + stats.cycle_destroyed + stats.refused_memory == told);
}

// Some handles come back before the pool's destructor, some beside it, some later. Each item is
// told once, with the cause that it has.
TEST_CASE_METHOD(all_given_back, "handles_come_back_beside_the_end_of_a_pool_with_bounds",
                 "[upkeep]") {
  constexpr unsigned thread_count = 16;
  constexpr std::uint64_t most = 10;
  constexpr std::uint64_t before = 2 * thread_count;
  const auto size_of_one = [](const tracked&) { return std::size_t{1}; };
  for (int round = 0; round != 20; ++round) {
    std::array<std::atomic<std::uint64_t>, 6> told{};
    std::atomic<std::uint64_t> sum{0};
    const auto of = [&](drop_cause why) -> auto& { return told[static_cast<std::size_t>(why)]; };
    std::optional<real_pool> pool(
        std::in_place, [] { return std::make_unique<tracked>(); },
        pool_options{.cycle_interval = std::nullopt, .max_retained = 2 * most, .max_bytes = most},
        pool_hooks<tracked>{.size_of = size_of_one, .on_drop = [&](tracked& each, drop_cause why) {
                              sum += static_cast<std::uint64_t>(each.value);
                              ++of(why);
                            }});
    std::barrier together(thread_count + 1);
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t != thread_count; ++t) {
      threads.emplace_back([&] {
        std::vector<real_pool::handle> lent;
        for (int i = 0; i != 5; ++i) lent.push_back(pool->borrow());
        for (const auto& each : lent) each->value = 1;
        together.arrive_and_wait();
        lent.resize(3);
        together.arrive_and_wait();
        lent.resize(1);
        together.arrive_and_wait();
      });
    }
    together.arrive_and_wait();
    together.arrive_and_wait();
    // The others go on, so this is about what they have done until here.
    CHECK(of(drop_cause::bound) >= before - most);
    pool.reset();
    together.arrive_and_wait();
    threads.clear();
    CHECK(of(drop_cause::end) >= most);
    CHECK(of(drop_cause::late_return) >= thread_count);
    CHECK(sum == 5 * thread_count);
    CHECK(of(drop_cause::bound) + of(drop_cause::end) + of(drop_cause::late_return) ==
          5 * thread_count);
  }
}

// Nobody takes: so each reserve ends with an item that has no room, and the pool is full.
TEST_CASE_METHOD(all_given_back, "reserve_by_several_threads_fills_the_pool_to_its_bound",
                 "[upkeep]") {
  constexpr unsigned thread_count = 16;
  constexpr int rounds = 20;
  constexpr std::size_t most = 70;
  const bool by_bytes = GENERATE(false, true);
  pool_options options = bounded(most);
  pool_hooks<tracked> hooks;
  if (by_bytes) {
    options.max_retained = pool_options::no_bound;
    options.max_bytes = most;
    hooks.size_of = [](const tracked&) { return std::size_t{1}; };
  }
  real_pool pool([] { return std::make_unique<tracked>(); }, options, std::move(hooks));
  std::vector<std::size_t> held;
  std::vector<std::uint64_t> made;
  std::barrier together(thread_count, [&]() noexcept {
    made.push_back(pool.stats().constructions);
    held.push_back(take_all(pool));
  });
  {
    std::vector<std::jthread> threads;
    for (unsigned t = 0; t != thread_count; ++t) {
      threads.emplace_back([&] {
        for (int round = 0; round != rounds; ++round) {
          pool.reserve(10 * most);
          together.arrive_and_wait();
        }
      });
    }
  }
  CHECK(held == std::vector<std::size_t>(rounds, most));
  for (std::size_t round = 0; round != made.size(); ++round) {
    CHECK(made[round] == (round + 1) * (most + thread_count));
  }
  CHECK(pool.stats().bound_dropped == 0);
}

}  // namespace

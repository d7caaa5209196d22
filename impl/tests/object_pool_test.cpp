// SPDX-License-Identifier: MIT
// object_pool.hpp: construction, get, put and statistics.
#include <poolproof/object_pool.hpp>

#include <array>
#include <atomic>
#include <barrier>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
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

#if defined(__linux__)
#include <sched.h>
#endif

namespace {

using namespace std::chrono_literals;
using poolproof::object_pool;
using poolproof::pin_kind;
using poolproof::pool_options;
using poolproof::pool_stats;
using poolproof::std_sync;
using poolproof::test::all_given_back;
using poolproof::test::awaited;
using poolproof::test::dispose;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::item;
using poolproof::test::no_factory;
using poolproof::test::on_cpu;
using poolproof::test::put_back;
using poolproof::test::put_new;
using poolproof::test::real_pool;
using poolproof::test::steered_pool;
using poolproof::test::take;
using poolproof::test::take_all;
using poolproof::test::take_value;
using poolproof::test::test_sync;
using poolproof::test::tracked;
using poolproof::test::without_automatic_cycles;

// A C library's type, of which nothing but the name is known here.
struct opaque;
opaque* opaque_new();
void opaque_free(opaque* freed) noexcept;
int opaque_number(const opaque& of);

struct opaque_deleter {
  void operator()(opaque* freed) const noexcept { opaque_free(freed); }
};

using opaque_pool = object_pool<opaque, opaque_deleter>;

struct without_default {
  explicit without_default(int) {}
};

// Put into a pool before its initialisation was due, which is therefore a constant one.
extern real_pool static_pool;
const bool put_before_main = [] {
  static_pool.put(std::make_unique<tracked>(77));
  return true;
}();
constinit real_pool static_pool;
constinit object_pool<without_default> static_pool_with_factory([] {
  return std::make_unique<without_default>(1);
});

TEST_CASE_METHOD(all_given_back, "pool_is_neither_copied_nor_moved", "[object_pool]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<real_pool>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<real_pool>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<real_pool>);
  STATIC_REQUIRE_FALSE(std::is_move_assignable_v<real_pool>);
}

TEST_CASE_METHOD(all_given_back, "default_constructor_needs_a_default_item_and_deleter",
                 "[object_pool]") {
  STATIC_REQUIRE(std::is_default_constructible_v<real_pool>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<object_pool<without_default>>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<opaque_pool>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<real_pool, int>);
}

TEST_CASE_METHOD(all_given_back, "calls_that_cannot_fail_are_noexcept", "[object_pool]") {
  real_pool pool;
  STATIC_REQUIRE(noexcept(pool.try_get()));
  STATIC_REQUIRE(noexcept(pool.put(nullptr)));
  STATIC_REQUIRE_FALSE(noexcept(pool.get()));
  STATIC_REQUIRE_FALSE(noexcept(pool.borrow()));
}

TEST_CASE("static_pool_is_used_before_main_and_during_it", "[object_pool]") {
  // Without the fixture: the first item was made before its books were opened.
  REQUIRE(put_before_main);
  const item early = static_pool.try_get();
  REQUIRE(early != nullptr);
  CHECK(early->value == 77);
  CHECK(static_pool_with_factory.get() != nullptr);
}

TEST_CASE_METHOD(all_given_back, "empty_pool_gives_nothing", "[object_pool]") {
  real_pool pool;
  CHECK(pool.try_get() == nullptr);
  CHECK(pool.stats().misses == 1);
}

TEST_CASE_METHOD(all_given_back, "unused_pool_allocates_nothing_and_counts_nothing",
                 "[object_pool]") {
  const steered_pool pool;
  const pool_stats stats = pool.stats();
  CHECK(stats.misses == 0);
  CHECK(stats.retained == 0);
  CHECK(stats.pin == pin_kind::model);
  CHECK(test_sync::allocations() == 0);
}

TEST_CASE_METHOD(all_given_back, "miss_constructs_a_default_item", "[object_pool]") {
  real_pool pool;
  item made = pool.get();
  REQUIRE(made != nullptr);
  CHECK(made->value == 0);
  CHECK(pool.stats().constructions == 1);
  CHECK(pool.stats().misses == 1);
}

TEST_CASE_METHOD(all_given_back, "aggregate_items_are_value_initialised", "[object_pool]") {
  struct aggregate {
    int number;
    std::array<char, 100> text;
  };
  object_pool<aggregate> pool;
  for (int i = 0; i < 10; ++i) {
    const auto made = pool.get();
    CHECK(made->number == 0);
    CHECK(made->text == std::array<char, 100>{});
  }
}

TEST_CASE_METHOD(all_given_back, "two_items_of_one_cpu_come_back_private_first", "[object_pool]") {
  steered_pool pool;
  put_new(pool, 1, 2);
  CHECK(take_value(pool) == 2);
  CHECK(take_value(pool) == 1);
  CHECK(take_value(pool) == std::nullopt);
}

TEST_CASE_METHOD(all_given_back, "item_comes_back_as_the_same_object", "[object_pool]") {
  real_pool pool;
  item made = pool.get();
  made->value = 5;
  const tracked* const address = made.get();
  pool.put(std::move(made));
  CHECK(pool.stats().retained == 1);
  const item again = pool.get();
  CHECK(again.get() == address);
  CHECK(again->value == 5);
  CHECK(pool.stats().retained == 0);
}

TEST_CASE_METHOD(all_given_back, "factory_is_called_exactly_on_misses", "[object_pool]") {
  int calls = 0;
  steered_pool pool([&] { return std::make_unique<tracked>(++calls); });
  CHECK(pool.get()->value == 1);
  CHECK(pool.get()->value == 2);
  // From the private part, the ring, another CPU, and the victim.
  put_new(pool, 10, 2);
  CHECK(pool.get()->value == 11);
  CHECK(pool.get()->value == 10);
  put_new(pool, 12);
  {
    const on_cpu other(1);
    CHECK(pool.get()->value == 12);
  }
  put_new(pool, 13);
  pool.rotate();
  CHECK(pool.get()->value == 13);
  CHECK(calls == 2);
  CHECK(pool.get()->value == 3);
  CHECK(pool.stats().constructions == 3);
  CHECK(pool.stats().misses == 3);
}

TEST_CASE_METHOD(all_given_back, "try_get_calls_no_factory", "[object_pool]") {
  int calls = 0;
  real_pool pool([&] {
    ++calls;
    return std::make_unique<tracked>();
  });
  CHECK(pool.try_get() == nullptr);
  CHECK(calls == 0);
}

TEST_CASE_METHOD(all_given_back, "null_put_is_ignored", "[object_pool]") {
  steered_pool pool;
  pool.put(nullptr);
  CHECK(test_sync::allocations() == 0);
  put_new(pool, 1);
  pool.put(nullptr);
  pool.put(item());
  CHECK(pool.stats().retained == 1);
  CHECK(take_value(pool) == 1);
  CHECK(take_value(pool) == std::nullopt);
}

TEST_CASE_METHOD(all_given_back, "factory_that_gives_null_makes_get_give_null", "[object_pool]") {
  real_pool pool(no_factory);
  CHECK(pool.get() == nullptr);
  CHECK(pool.stats().misses == 1);
  CHECK(pool.stats().constructions == 0);
  put_new(pool, 1);
  CHECK(pool.get() != nullptr);
}

TEST_CASE_METHOD(all_given_back, "item_from_elsewhere_is_taken_in", "[object_pool]") {
  real_pool pool;
  pool.put(std::make_unique<tracked>(9));
  CHECK(pool.get()->value == 9);
  CHECK(pool.stats().constructions == 0);
}

TEST_CASE_METHOD(all_given_back, "any_kind_of_callable_makes_items", "[object_pool]") {
  struct stateless {
    item operator()() const { return std::make_unique<tracked>(1); }
  };
  struct with_move_only_state {
    std::unique_ptr<int> next;
    item operator()() { return std::make_unique<tracked>(++*next); }
  };
  CHECK(real_pool(stateless{}).get()->value == 1);
  CHECK(real_pool(with_move_only_state{std::make_unique<int>(1)}).get()->value == 2);
  CHECK(real_pool(std::function<item()>(stateless{})).get()->value == 1);
  CHECK(real_pool(+[] { return std::make_unique<tracked>(3); }).get()->value == 3);
}

// Being made may mean something to it, and so may being destroyed.
TEST_CASE_METHOD(all_given_back, "empty_factory_with_a_constructor_is_kept_and_not_made_anew",
                 "[object_pool]") {
  static int constructions;
  struct factory {
    factory() { ++constructions; }
    item operator()() const { return std::make_unique<tracked>(); }
  };
  constructions = 0;
  real_pool pool(factory{});
  for (int i = 0; i < 3; ++i) {
    const item made = pool.get();
    CHECK(made != nullptr);
  }
  CHECK(constructions == 1);
}

TEST_CASE_METHOD(all_given_back, "factory_with_state_lives_as_long_as_its_pool", "[object_pool]") {
  const auto state = std::make_shared<int>(4);
  {
    real_pool pool([state] { return std::make_unique<tracked>(*state); });
    CHECK(state.use_count() == 2);
    CHECK(pool.get()->value == 4);
  }
  CHECK(state.use_count() == 1);
}

// Functions of a user that are called as some of ours, and that their items' type leads to.
namespace lookalike {

struct thing {
  ~thing() { ++ended; }
  static inline int ended = 0;
};
template <class Log>
[[maybe_unused]] void destroy_item(thing*) noexcept {}
bool has_upkeep(const pool_options&, const poolproof::pool_hooks<thing>&) = delete;
pool_options valid_options(const pool_options&, const poolproof::pool_hooks<thing>&) = delete;

}  // namespace lookalike

TEST_CASE("functions_beside_an_items_type_are_not_taken_for_the_pools", "[object_pool]") {
  lookalike::thing::ended = 0;
  {
    poolproof::object_pool<lookalike::thing> pool(
        [] { return std::make_unique<lookalike::thing>(); });
    pool.put(pool.get());
  }
  CHECK(lookalike::thing::ended == 1);
}

// The message of the std::invalid_argument that `construct` throws.
template <class Construct>
std::string rejection(Construct construct) {
  try {
    construct();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "nothing was rejected";
}

TEST_CASE_METHOD(all_given_back, "null_factory_is_rejected_by_name", "[object_pool]") {
  item (*const null_function)() = nullptr;
  CHECK_THAT(rejection([&] { const real_pool pool(null_function); }),
             Catch::Matchers::Contains("'factory'"));
  CHECK_THAT(rejection([] { const real_pool pool(std::function<item()>{}); }),
             Catch::Matchers::Contains("'factory'"));
  // As C++23's std::move_only_function.
  struct nullable {
    item (*make)();
    item operator()() const { return make(); }
    bool operator==(std::nullptr_t) const { return make == nullptr; }
  };
  CHECK_THAT(rejection([] { const real_pool pool(nullable{nullptr}); }),
             Catch::Matchers::Contains("'factory'"));
  CHECK(real_pool(nullable{[] { return std::make_unique<tracked>(5); }}).get()->value == 5);
}

TEST_CASE_METHOD(all_given_back, "interval_that_is_not_positive_is_rejected_by_name",
                 "[object_pool]") {
  const auto interval = GENERATE(0s, -1s);
  const auto state = std::make_shared<int>();
  CHECK_THAT(rejection([&] {
               const real_pool pool([state] { return item(); }, {.cycle_interval = interval});
             }),
             Catch::Matchers::Contains("'cycle_interval'"));
  CHECK(state.use_count() == 1);
}

TEST_CASE_METHOD(all_given_back, "default_interval_is_a_minute", "[object_pool]") {
  CHECK(pool_options{}.cycle_interval == 60s);
}

TEST_CASE_METHOD(all_given_back, "interval_is_a_duration_an_optional_one_or_never",
                 "[object_pool]") {
  using optional_time = std::optional<std::chrono::nanoseconds>;
  const auto given = [](pool_options options) { return optional_time(options.cycle_interval); };
  CHECK(given({.cycle_interval = 5min}) == 300s);
  CHECK(given({.cycle_interval = std::optional(5min)}) == 300s);
  CHECK(given({.cycle_interval = std::nullopt}) == std::nullopt);
  CHECK(given({.cycle_interval = optional_time()}) == std::nullopt);
  CHECK_FALSE(pool_options{.cycle_interval = std::nullopt}.cycle_interval == 0s);
}

TEST_CASE_METHOD(all_given_back, "interval_beyond_the_range_of_nanoseconds_is_the_longest",
                 "[object_pool]") {
  constexpr auto longest = std::chrono::nanoseconds::max();
  CHECK(pool_options{.cycle_interval = std::chrono::hours::max()}.cycle_interval == longest);
  CHECK(pool_options{.cycle_interval = std::chrono::years(600)}.cycle_interval == longest);
  CHECK(pool_options{.cycle_interval = std::chrono::seconds::max()}.cycle_interval == longest);
  CHECK(pool_options{.cycle_interval = longest}.cycle_interval == longest);
  CHECK(pool_options{.cycle_interval = std::optional(24h * 365 * 293)}.cycle_interval == longest);
  CHECK(pool_options{.cycle_interval = 24h * 365 * 292}.cycle_interval == 24h * 365 * 292);
  CHECK_THROWS_AS(real_pool(no_factory, {.cycle_interval = std::chrono::hours::min()}),
                  std::invalid_argument);
  put_new(*std::make_unique<real_pool>(no_factory, pool_options{.cycle_interval = longest}), 1);
}

TEST_CASE_METHOD(all_given_back, "interval_has_any_unit", "[object_pool]") {
  using seconds = std::chrono::duration<double>;
  using picoseconds = std::chrono::duration<std::int64_t, std::pico>;
  CHECK(pool_options{.cycle_interval = seconds(0.5)}.cycle_interval == 500ms);
  CHECK(pool_options{.cycle_interval = picoseconds(1500)}.cycle_interval == 2ns);
  CHECK(pool_options{.cycle_interval = seconds(1e300)}.cycle_interval ==
        std::chrono::nanoseconds::max());
  using timer_ticks = std::chrono::duration<std::int64_t, std::ratio<1, 3'579'545>>;
  constexpr timer_ticks day{std::int64_t{3'579'545} * 24 * 3600};
  CHECK(pool_options{.cycle_interval = day}.cycle_interval == 24h);
  using bytes_of_seconds = std::chrono::duration<signed char>;
  CHECK(pool_options{.cycle_interval = bytes_of_seconds(5)}.cycle_interval == 5s);
  using floats = std::chrono::duration<float>;
  CHECK(pool_options{.cycle_interval = floats(9'223'371'776.F)}.cycle_interval == 9'223'371'776s);
  constexpr auto nearly_longest = std::chrono::nanoseconds::max() - 1ns;
  CHECK(pool_options{.cycle_interval = nearly_longest}.cycle_interval == nearly_longest);
  const double none = std::numeric_limits<double>::quiet_NaN();
  CHECK_THROWS_AS(real_pool(no_factory, {.cycle_interval = seconds(none)}), std::invalid_argument);
}

TEST_CASE_METHOD(all_given_back, "first_use_takes_no_mutex", "[object_pool]") {
  steered_pool pool(no_factory);
  CHECK(pool.try_get() == nullptr);
  put_new(pool, 1);
  CHECK(test_sync::mutex_locks() == 0);
}

// Two threads make an inner part each; one is published, and the other given back.
TEST_CASE_METHOD(all_given_back, "first_use_by_two_at_once_keeps_every_item", "[object_pool]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    steered_pool pool;
    if (!interrupt(
            n, event::step, [&] { put_new(pool, 1); },
            [&] {
              const on_cpu other(1);
              put_new(pool, 2);
            })) {
      break;
    }
    ++interruptions;
    REQUIRE(pool.stats().retained == 2);
    REQUIRE(take_all(pool) == 2);
  }
  CHECK(interruptions > 0);
}

TEST_CASE_METHOD(all_given_back, "first_use_by_many_threads_keeps_every_item", "[object_pool]") {
  constexpr int thread_count = 4;
  constexpr int rounds = 300;
  std::optional<real_pool> pool;
  std::barrier together(thread_count + 1);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < thread_count; ++t) {
      threads.emplace_back([&, t] {
        for (int r = 0; r < rounds; ++r) {
          together.arrive_and_wait();
          put_new(*pool, t);
          together.arrive_and_wait();
        }
      });
    }
    for (int r = 0; r < rounds; ++r) {
      pool.emplace();
      together.arrive_and_wait();
      together.arrive_and_wait();
      REQUIRE(take_all(*pool) == thread_count);
    }
  }
}

TEST_CASE_METHOD(all_given_back, "statistics_name_the_pin_in_use", "[object_pool]") {
  real_pool pool;
  CHECK(pool.stats().pin == std_sync::pin());
  put_new(pool, 1);
  CHECK(pool.stats().pin == std_sync::pin());
}

TEST_CASE_METHOD(all_given_back, "destroyed_pool_destroys_its_items", "[object_pool]") {
  {
    steered_pool pool;
    for (const std::uint32_t cpu : {0u, 1u, 2u, 9u}) {
      const on_cpu here(cpu);
      put_new(pool, 0, 30);
    }
    pool.rotate();
    put_new(pool, 0, 30);
    CHECK(tracked::alive() == 150);
  }
  CHECK(tracked::alive() == 0);
}

TEST_CASE_METHOD(all_given_back, "item_outlives_its_pool", "[object_pool]") {
  item kept;
  {
    real_pool pool;
    kept = pool.get();
  }
  kept->value = 1;
  CHECK(tracked::alive() == 1);
}

TEST_CASE_METHOD(all_given_back, "pool_of_an_incomplete_type_uses_its_deleter", "[object_pool]") {
  opaque_pool pool([] { return opaque_pool::item(opaque_new()); });
  auto made = pool.get();
  CHECK(opaque_number(*made) == 42);
  const opaque* const address = made.get();
  pool.put(std::move(made));
  {
    const auto lent = pool.borrow();
    CHECK(lent.get() == address);
    CHECK(opaque_number(*lent) == 42);
  }
  CHECK(tracked::alive() == 1);
  pool.rotate();
  pool.rotate();
  CHECK(tracked::alive() == 0);
}

// Of threads that began with the shards of these marks. By its CPU, a thread comes to the shard of
// each CPU that it may use; by a hash, it keeps the one that it has.
bool all_have_one_shard(std::uint64_t marks) {
#if defined(__linux__)
  if (std_sync::pin() != pin_kind::thread_hash) {
    cpu_set_t allowed;
    return ::sched_getaffinity(0, sizeof allowed, &allowed) == 0 && CPU_COUNT(&allowed) == 1;
  }
#endif
  return std::has_single_bit(marks);
}

TEST_CASE_METHOD(all_given_back, "ten_threads_of_gets_and_puts_share_every_item", "[object_pool]") {
  constexpr int rounds = 50000;
  constexpr std::size_t thread_count = 10;
  std::atomic<int> null_items{0};
  std::atomic<std::uint64_t> gets{0};
  std::atomic<std::uint64_t> shards{0};
  std::latch all_here(thread_count);
  awaited stolen("a get took what was put into another shard");
  pool_stats stats;
  {
    real_pool pool([] { return std::make_unique<tracked>(); }, without_automatic_cycles);
    {
      std::vector<std::jthread> threads;
      for (std::size_t t = 0; t < thread_count; ++t) {
        threads.emplace_back([&, t] {
          shards.fetch_or(std::uint64_t{1} << std_sync::cpu() % 64, std::memory_order_relaxed);
          all_here.arrive_and_wait();
          std::vector<item> held;
          int i = 0;
          for (; i < rounds || (stolen.missing() && !all_have_one_shard(shards)); ++i) {
            item got = pool.get();
            if (got == nullptr) {
              ++null_items;
              continue;
            }
            got->hold();
            ++got->value;
            held.push_back(std::move(got));
            if (i % 1024 == 0) {
              stolen.happened(pool.stats().steals > 0);
              std::this_thread::yield();
            }
            // In bursts of a length of its own, so that rings fill and are stolen from.
            if (held.size() <= t) continue;
            for (item& each : held) put_back(pool, std::move(each));
            held.clear();
          }
          for (item& each : held) put_back(pool, std::move(each));
          gets.fetch_add(static_cast<std::uint64_t>(i), std::memory_order_relaxed);
        });
      }
    }
    stats = pool.stats();
    CHECK(stats.retained == tracked::alive());
    // Every use of an item is in the item.
    std::uint64_t uses = 0;
    while (item each = take(pool)) {
      uses += static_cast<std::uint64_t>(each->value);
      dispose(std::move(each));
    }
    CHECK(uses == gets);
  }
  CHECK(null_items == 0);
  CHECK(stats.constructions == tracked::constructed());
  CHECK(stats.constructions < 10 * rounds / 100);
  if (all_have_one_shard(shards)) {
    WARN("all threads have the same shard, for this process may use one CPU only");
  } else {
    stolen.check();
  }
}

// The C library.
struct opaque {
  item counted = std::make_unique<tracked>(42);
};

opaque* opaque_new() { return new opaque; }
void opaque_free(opaque* freed) noexcept { delete freed; }
int opaque_number(const opaque& of) { return of.counted->value; }

}  // namespace

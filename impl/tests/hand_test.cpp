// SPDX-License-Identifier: MIT
// hand.hpp: what get_n and put_range have in their hands, and what becomes of it.
#include <poolproof/object_pool.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <iterator>
#include <memory>
#include <set>
#include <stdexcept>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "pools.hpp"
#include "test_sync.hpp"
#include "tracked.hpp"

#if defined(__linux__)
#include "one_cpu.hpp"
#endif

namespace {

using poolproof::hand;
using poolproof::test::all_given_back;
using poolproof::test::item;
using poolproof::test::no_factory;
using poolproof::test::real_pool;
using poolproof::test::steered_pool;
using poolproof::test::take_all;
using poolproof::test::tracked;

std::vector<item> numbered(int count) {
  std::vector<item> items;
  for (int i = 0; i != count; ++i) items.push_back(std::make_unique<tracked>(i));
  return items;
}

// Passes on to another iterator, until it has done so as often as it may: then it throws.
template <class Iterator>
struct up_to {
  using iterator_category = std::input_iterator_tag;
  using value_type = item;
  using difference_type = std::ptrdiff_t;
  using pointer = item*;
  using reference = item&;

  decltype(auto) operator*() {
    if (left == 0) throw std::runtime_error("no further");
    return *at;
  }
  up_to& operator++() {
    --left;
    ++at;
    return *this;
  }
  up_to operator++(int) {
    up_to before = *this;
    ++*this;
    return before;
  }
  friend bool operator==(const up_to& a, const up_to& b) { return a.at == b.at; }

  Iterator at;
  int left;
};

// More than a hand, more than a magazine, and fewer than are moved together.
TEMPLATE_TEST_CASE("all_that_is_put_together_is_got_together", "[hand]", real_pool, steered_pool) {
  const all_given_back books;
  const int count = GENERATE(0, 1, 15, 16, 17, 52, 53, 104, 105, 300);
  TestType pool(no_factory);
  std::vector<item> items = numbered(count);
  pool.put_range(items.begin(), items.end());
  CHECK(std::all_of(items.begin(), items.end(), [](const item& each) { return each == nullptr; }));
  CHECK(pool.stats().retained == static_cast<std::size_t>(count));

  std::vector<item> taken;
  pool.get_n(static_cast<std::size_t>(count), std::back_inserter(taken));
  std::set<int> values;
  for (const item& each : taken) values.insert(each->value);
  CHECK(values.size() == static_cast<std::size_t>(count));
  CHECK(pool.stats().retained == 0);
  CHECK(pool.try_get() == nullptr);
}

TEMPLATE_TEST_CASE("get_of_several_makes_what_is_not_there", "[hand]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool([] { return std::make_unique<tracked>(-1); });
  std::vector<item> items = numbered(20);
  pool.put_range(items.begin(), items.end());
  std::vector<item> taken;
  pool.get_n(50, std::back_inserter(taken));
  CHECK(taken.size() == 50);
  CHECK(pool.stats().constructions == 30);
}

TEMPLATE_TEST_CASE("nulls_of_a_range_are_ignored", "[hand]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool(no_factory);
  std::vector<item> items = numbered(40);
  for (std::size_t i = 0; i != items.size(); i += 2) items[i] = nullptr;
  pool.put_range(items.begin(), items.end());
  CHECK(take_all(pool) == 20);
}

// It has taken more than it can hand out.
TEMPLATE_TEST_CASE("what_a_throw_leaves_in_a_hand_goes_back", "[hand]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool(no_factory);
  std::vector<item> items = numbered(40);
  pool.put_range(items.begin(), items.end());
  std::vector<item> taken(40);
  up_to<std::vector<item>::iterator> to{taken.begin(), 5};
  CHECK_THROWS_WITH(pool.get_n(40, to), "no further");
  const auto got =
      std::count_if(taken.begin(), taken.end(), [](const item& each) { return each != nullptr; });
  CHECK(got == 5);
  // Also the sixth, which was on its way.
  CHECK(take_all(pool) == 35);
}

// As above, of fewer than are worth a hand, and of what the factory has just made.
TEMPLATE_TEST_CASE("what_a_throw_keeps_from_its_place_goes_back", "[hand]", real_pool,
                   steered_pool) {
  const all_given_back books;
  TestType pool([] { return std::make_unique<tracked>(0); });
  std::vector<item> items = numbered(3);
  pool.put_range(items.begin(), items.end());
  std::vector<item> taken(5);
  up_to<std::vector<item>::iterator> to{taken.begin(), 4};
  CHECK_THROWS_WITH(pool.get_n(5, to), "no further");
  CHECK(take_all(pool) == 1);
  CHECK(pool.stats().constructions == 2);
}

// Its assignment gives back what was there.
struct swapping {
  item held;
  swapping& operator=(item&& given) {
    std::swap(held, given);
    return *this;
  }
};

TEMPLATE_TEST_CASE("what_lay_where_an_item_goes_does_not_come_into_the_pool", "[hand]", real_pool,
                   steered_pool) {
  const all_given_back books;
  TestType pool(no_factory);
  std::vector<item> items = numbered(20);
  pool.put_range(items.begin(), items.end());
  std::vector<swapping> taken(20);
  for (swapping& each : taken) each.held = std::make_unique<tracked>(1000);
  pool.get_n(20, taken.begin());
  for (const swapping& each : taken) CHECK(each.held->value != 1000);
  CHECK(pool.try_get() == nullptr);
}

TEMPLATE_TEST_CASE("what_was_moved_from_before_a_throw_is_put", "[hand]", real_pool, steered_pool) {
  const all_given_back books;
  TestType pool(no_factory);
  std::vector<item> items = numbered(100);
  using input = up_to<std::vector<item>::iterator>;
  CHECK_THROWS_WITH(pool.put_range(input{items.begin(), 70}, input{items.end(), 0}), "no further");
  CHECK(take_all(pool) == 70);
  CHECK(items[69] == nullptr);
  CHECK(items[70] != nullptr);
}

#if defined(POOLPROOF_HAS_RSEQ)

TEST_CASE("newest_of_a_range_is_got_first", "[hand]") {
  if (poolproof::test::no_sections_here()) return;
  const poolproof::test::on_one_cpu here;
  poolproof::object_pool<int> pool;
  const auto burst = [&pool] {
    std::vector<std::unique_ptr<int>> items;
    for (int i = 0; i != 100; ++i) items.push_back(std::make_unique<int>(i));
    pool.put_range(items.begin(), items.end());
    pool.get_n(items.size(), items.begin());
    return items;
  };
  // Only now is there room for all at hand.
  for (int i = 0; i != 3; ++i) burst();
  const auto items = burst();
  for (std::size_t i = 0; i != 100; ++i) CHECK(*items[i] == 99 - static_cast<int>(i));
}

TEST_CASE("each_item_that_is_got_together_counts_as_a_hit", "[hand]") {
  if (poolproof::test::no_sections_here()) return;
  const poolproof::test::on_one_cpu here;
  poolproof::object_pool<int> pool;
  std::vector<std::unique_ptr<int>> items(30);
  for (auto& each : items) each = std::make_unique<int>();
  for (int i = 0; i != 100; ++i) {
    pool.put_range(items.begin(), items.end());
    pool.get_n(items.size(), items.begin());
  }
  const poolproof::pool_stats stats = pool.stats();
  CHECK(stats.constructions == 0);
  CHECK(stats.hits > 3000 - 256);
  CHECK(stats.hits < 3000 + 256);
}

#endif

TEST_CASE("what_is_got_together_looks_at_the_clock", "[hand]") {
  using namespace std::chrono_literals;
  poolproof::object_pool<int> pool([] { return std::make_unique<int>(); },
                                   {.cycle_interval = 10ms});
  std::vector<std::unique_ptr<int>> items(16);
  for (auto& each : items) each = std::make_unique<int>();
  const auto end = std::chrono::steady_clock::now() + 10s;
  while (pool.stats().cycles < 2 && std::chrono::steady_clock::now() < end) {
    pool.put_range(items.begin(), items.end());
    pool.get_n(items.size(), items.begin());
  }
  CHECK(pool.stats().cycles >= 2);
}

}  // namespace

// SPDX-License-Identifier: MIT
// borrow_shared.hpp: an item of several owners goes back once, its control block after the last
// weak_ptr, and neither is allocated on a hit.
#include <poolproof/borrow_shared.hpp>
#include <poolproof/bounded_pool.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "catch.hpp"
#include "pools.hpp"
#include "stays_on_cpu.hpp"
#include "tracked.hpp"

namespace {

using poolproof::borrow_shared;
using poolproof::bounded_pool;
using poolproof::pool_stats;
using poolproof::share;
using poolproof::test::all_given_back;
using poolproof::test::allocations;
using poolproof::test::allocations_are_refused;
using poolproof::test::item;
using poolproof::test::no_factory;
using poolproof::test::put_new;
using poolproof::test::real_pool;
using poolproof::test::sees_allocations;
using poolproof::test::stays_on_cpu;
using poolproof::test::tracked;

// What the pools of control blocks hold.
std::uint64_t retained_blocks() {
  std::uint64_t sum = 0;
  poolproof::for_each_pool([&](std::string_view name, const pool_stats& stats) {
    if (name == "poolproof shared") sum += stats.retained;
  });
  return sum;
}

// A function of a user that is called as one of ours, and that the items' type leads to.
namespace lookalike {

struct thing {};
template <class Handle>
int share(Handle&&) = delete;

}  // namespace lookalike

TEST_CASE("share_beside_an_items_type_is_not_taken_for_ours", "[borrow_shared]") {
  poolproof::object_pool<lookalike::thing> pool(
      [] { return std::make_unique<lookalike::thing>(); });
  const std::shared_ptr<lookalike::thing> shared = borrow_shared(pool);
  CHECK(shared != nullptr);
}

TEST_CASE_METHOD(all_given_back, "hit_allocates_nothing", "[borrow_shared]") {
  const stays_on_cpu here;
  real_pool pool;
  borrow_shared(pool).reset();
  const auto before = allocations.load();
  for (int i = 0; i < 1000; ++i) {
    const std::shared_ptr<tracked> shared = borrow_shared(pool);
    const std::weak_ptr<tracked> weak = shared;
    const std::shared_ptr<tracked> copy = weak.lock();
    copy->value = i;
  }
  CHECK(allocations == before);
  CHECK(pool.stats().constructions == 1);
}

TEST_CASE_METHOD(all_given_back, "item_goes_back_with_its_last_owner", "[borrow_shared]") {
  real_pool pool;
  std::shared_ptr<tracked> first = borrow_shared(pool);
  const tracked* const address = first.get();
  std::shared_ptr<tracked> second = first;
  CHECK(first.use_count() == 2);
  first.reset();
  CHECK(pool.stats().retained == 0);
  second.reset();
  CHECK(pool.stats().retained == 1);
  CHECK(pool.try_get().get() == address);
}

TEST_CASE_METHOD(all_given_back, "weak_ptr_keeps_the_block_and_not_the_item", "[borrow_shared]") {
  const stays_on_cpu here;
  real_pool pool;
  borrow_shared(pool).reset();
  const auto blocks = retained_blocks();
  std::shared_ptr<tracked> shared = borrow_shared(pool);
  std::weak_ptr<tracked> weak = shared;
  shared.reset();
  CHECK(pool.stats().retained == 1);
  CHECK(weak.expired());
  CHECK(weak.lock() == nullptr);
  CHECK(retained_blocks() == blocks - 1);
  weak.reset();
  CHECK(retained_blocks() == blocks);
}

TEST_CASE_METHOD(all_given_back, "blocks_of_one_size_are_of_one_pool", "[borrow_shared]") {
  const auto pools_of_blocks = [] {
    int count = 0;
    poolproof::for_each_pool(
        [&](std::string_view name, const pool_stats&) { count += name == "poolproof shared"; });
    return count;
  };
  poolproof::object_pool<int> numbers;
  poolproof::object_pool<char> letters;
  borrow_shared(numbers).reset();
  const int before = pools_of_blocks();
  borrow_shared(letters).reset();
  CHECK(pools_of_blocks() == before);
}

TEST_CASE_METHOD(all_given_back, "owners_and_weak_ptrs_outlive_the_pool", "[borrow_shared]") {
  std::optional<real_pool> pool(std::in_place);
  std::shared_ptr<tracked> shared = borrow_shared(*pool);
  const std::weak_ptr<tracked> weak = shared;
  pool.reset();
  shared->value = 3;
  CHECK(weak.lock()->value == 3);
  CHECK(tracked::alive() == 1);
  shared.reset();
  CHECK(tracked::alive() == 0);
  CHECK(weak.expired());
}

TEST_CASE_METHOD(all_given_back, "factory_that_gives_null_makes_a_null_pointer",
                 "[borrow_shared]") {
  real_pool pool(no_factory);
  const std::shared_ptr<tracked> shared = borrow_shared(pool);
  CHECK(shared == nullptr);
  CHECK(shared.use_count() == 0);
}

TEST_CASE_METHOD(all_given_back, "what_the_factory_throws_passes_through", "[borrow_shared]") {
  const auto throwing = []() -> item { throw std::runtime_error("no item"); };
  real_pool pool(throwing);
  CHECK_THROWS_WITH(borrow_shared(pool), "no item");
  put_new(pool, 1);
  CHECK(borrow_shared(pool)->value == 1);
}

TEST_CASE_METHOD(all_given_back, "item_goes_back_if_its_block_is_refused", "[borrow_shared]") {
  if (!sees_allocations) return;
  const stays_on_cpu here;
  real_pool pool;
  borrow_shared(pool).reset();  // the first handle and the first block take memory
  const std::size_t most = retained_blocks() + 1;
  put_new(pool, 0, static_cast<int>(most) - 1);
  std::vector<std::shared_ptr<tracked>> shared;
  shared.reserve(most);
  const auto take_all = [&] {
    while (shared.size() < most) shared.push_back(borrow_shared(pool));
  };
  allocations_are_refused = true;
  bool refused = false;
  try {
    take_all();
  } catch (const std::bad_alloc&) {
    refused = true;
  }
  allocations_are_refused = false;
  CHECK(refused);
  CHECK(pool.stats().retained == most - shared.size());
  CHECK(pool.stats().in_use == shared.size());
}

TEST_CASE_METHOD(all_given_back, "handles_of_other_pools_are_shared", "[borrow_shared]") {
  bounded_pool<tracked> pool(1, [] { return std::make_unique<tracked>(5); });
  std::shared_ptr<tracked> shared = share(pool.get());
  CHECK(shared->value == 5);
  CHECK(share(pool.try_get()) == nullptr);
  const std::weak_ptr<tracked> weak = shared;
  shared.reset();
  CHECK(pool.try_get());
  CHECK(share(real_pool::handle()) == nullptr);
}

// Two threads read what a third has written, and the last of the three gives it back. A sanitizer
// sees it if any of that is not ordered before the next write.
TEST_CASE_METHOD(all_given_back, "owners_on_many_threads_give_back_once", "[borrow_shared]") {
  constexpr int rounds = 500;
  real_pool pool;
  std::atomic<int> wrong{0};
  const auto work = [&] {
    for (int i = 0; i < rounds; ++i) {
      std::shared_ptr<tracked> mine = borrow_shared(pool);
      mine->hold();
      mine->value = i;
      mine->let_go();
      std::jthread reader([&wrong, theirs = std::as_const(mine), i] {
        if (theirs->value != i) ++wrong;
      });
      const std::weak_ptr<tracked> weak = mine;
      if (mine->value != i) ++wrong;
      mine.reset();
      if (const auto found = weak.lock(); found != nullptr && found->value != i) ++wrong;
    }
  };
  {
    const std::jthread other(work);
    work();
  }
  CHECK(wrong == 0);
  const pool_stats after = pool.stats();
  CHECK(after.in_use == 0);
  CHECK(after.retained == after.constructions);
}

}  // namespace

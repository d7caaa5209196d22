// shard_table.hpp: the shards of a pool, by CPU and on demand.
#include <poolproof/shard_table.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "test_sync.hpp"
#include "tracked.hpp"

namespace {

using poolproof::shard_table;
using poolproof::std_sync;
using poolproof::test::all_given_back;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::stopped_thread;
using poolproof::test::test_sync;

using test_table = shard_table<int, test_sync>;
using shard_type = test_table::shard_type;

// Items are the addresses of these.
std::array<int, 100> things;

std::size_t count_shards(test_table& table) {
  std::size_t count = 0;
  table.for_each([&](shard_type&) { ++count; });
  return count;
}

// As the threads of all CPUs do.
void find_all(test_table& table) {
  REQUIRE(table.find_slow(0, 0) != nullptr);
  for (std::uint32_t cpu = 1; cpu < count_shards(table); ++cpu) table.find(cpu);
}

TEST_CASE_METHOD(all_given_back, "unused_table_has_no_shard_and_no_memory", "[shard_table]") {
  test_table table;
  CHECK(table.find(0) == nullptr);
  CHECK(count_shards(table) == 0);
  CHECK(test_sync::allocations() == 0);
}

TEST_CASE_METHOD(all_given_back, "first_use_makes_a_shard_for_every_cpu", "[shard_table]") {
  test_sync::set_cpu_count(6);
  test_table table;
  shard_type* const made = table.find_slow(2, 9);
  REQUIRE(made != nullptr);
  CHECK(table.find(2) == made);
  CHECK(table.find(5) != nullptr);
  CHECK(table.find(6) == nullptr);
  CHECK(count_shards(table) == 6);
  CHECK(test_sync::allocations() == 1);
  table.for_each([](shard_type& s) {
    CHECK(s.cycle() == 9);
    CHECK(s.size() == 0);
    CHECK(reinterpret_cast<std::uintptr_t>(&s) % poolproof::shard_alignment == 0);
  });
}

TEST_CASE_METHOD(all_given_back, "first_cpu_beyond_the_expected_ones_gets_a_shard",
                 "[shard_table]") {
  test_sync::set_cpu_count(2);
  test_table table;
  REQUIRE(table.find_slow(10, 0) != nullptr);
  CHECK(table.find(10) != nullptr);
  CHECK(table.find(11) == nullptr);
}

TEST_CASE_METHOD(all_given_back, "growth_loses_no_item", "[shard_table]") {
  test_sync::set_cpu_count(2);
  test_table table;
  std::size_t put = 0;
  // Each of them needs a longer array than the one before.
  for (const std::uint32_t cpu : {0u, 2u, 4u, 30u}) {
    shard_type* const s = table.find_slow(cpu, 0);
    REQUIRE(s != nullptr);
    REQUIRE(s->give(&things[put++]) == nullptr);
    REQUIRE(s->try_own().push(&things[put++]));
  }
  CHECK(count_shards(table) == 2 + 4 + 8 + 32);
  std::set<int*> found;
  table.for_each([&](shard_type& s) {
    if (int* const item = s.steal_private()) found.insert(item);
    if (int* const item = s.steal_shared()) found.insert(item);
  });
  CHECK(found.size() == put);
}

TEST_CASE_METHOD(all_given_back, "shard_found_before_growth_stays_good", "[shard_table]") {
  test_table table;
  shard_type* const early = table.find_slow(0, 0);
  REQUIRE(table.find_slow(100, 3) != nullptr);
  CHECK(table.find(0) != early);
  CHECK(table.find(0)->cycle() == 3);
  CHECK(early->cycle() == 0);
  CHECK(early->give(&things[0]) == nullptr);
  CHECK(table.find_first(0, [](shard_type& s) { return s.steal_private(); }) == &things[0]);
}

TEST_CASE_METHOD(all_given_back, "gaps_in_cpu_ids_cost_no_growth", "[shard_table]") {
  test_table table;
  REQUIRE(table.find_slow(63, 0) != nullptr);
  for (const std::uint32_t cpu : {0u, 7u, 40u, 63u}) CHECK(table.find(cpu) != nullptr);
  CHECK(test_sync::allocations() == 1);
}

TEST_CASE_METHOD(all_given_back, "cpu_beyond_the_longest_array_shares_a_shard", "[shard_table]") {
  test_table table;
  REQUIRE(table.find_slow(0, 0) != nullptr);
  const std::uint64_t allocations = test_sync::allocations();
  const std::uint32_t cpu = GENERATE(as<std::uint32_t>(), 4096, 4101, ~0u);
  REQUIRE(cpu >= test_table::max_size);
  shard_type* const s = table.find_slow(cpu, 0);
  REQUIRE(s != nullptr);
  CHECK(s == table.find(cpu % 4));
  CHECK(table.find(cpu) == nullptr);
  CHECK(test_sync::allocations() == allocations);
  CHECK(s->give(&things[0]) == nullptr);
  CHECK(table.find_first(cpu, [](shard_type& other) { return other.steal_private(); }) ==
        &things[0]);
}

TEST_CASE_METHOD(all_given_back, "last_cpu_with_a_shard_of_its_own_has_one", "[shard_table]") {
  test_table table;
  REQUIRE(table.find_slow(test_table::max_size - 1, 0) != nullptr);
  CHECK(table.find(test_table::max_size - 1) != nullptr);
  CHECK(count_shards(table) == test_table::max_size);
}

TEST_CASE_METHOD(all_given_back, "first_array_refused_gives_no_shard", "[shard_table]") {
  test_table table;
  test_sync::refuse_every(1);
  CHECK(table.find_slow(0, 0) == nullptr);
  test_sync::refuse_every(0);
  CHECK(table.find_slow(0, 0) != nullptr);
}

TEST_CASE_METHOD(all_given_back, "longer_array_refused_gives_another_cpus_shard", "[shard_table]") {
  test_table table;
  REQUIRE(table.find_slow(0, 0) != nullptr);
  test_sync::refuse_every(1);
  shard_type* const s = table.find_slow(6, 0);
  CHECK(s == table.find(6 % 4));
  test_sync::refuse_every(0);
  CHECK(table.find_slow(6, 0) != nullptr);
  CHECK(table.find(6) != nullptr);
}

TEST_CASE_METHOD(all_given_back, "cpu_found_while_another_thread_grows_gets_another_shard",
                 "[shard_table]") {
  test_table table;
  REQUIRE(table.find_slow(0, 0) != nullptr);
  shard_type* made = nullptr;
  stopped_thread grower(event::allocate, 0, [&] { made = table.find_slow(9, 0); });
  REQUIRE(grower.stopped());
  CHECK(table.find_slow(9, 0) == table.find(9 % 4));
  CHECK(table.find_slow(100, 0) == table.find(100 % 4));
  grower.finish();
  CHECK(made == table.find(9));
}

TEST_CASE_METHOD(all_given_back, "two_growers_lose_no_array_and_no_item", "[shard_table]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    test_sync::set_cpu_count(1);
    test_table table;
    REQUIRE(table.find_slow(0, 0)->give(&things[0]) == nullptr);
    std::multiset<int*> found;
    const auto give = [&](shard_type* s, int* item) {
      REQUIRE(s != nullptr);
      if (int* const displaced = s->give(item)) found.insert(displaced);
    };
    const bool interrupted = interrupt(
        n, event::step, [&] { give(table.find_slow(2, 0), &things[1]); },
        [&] { give(table.find_slow(5, 0), &things[2]); });
    if (!interrupted) break;
    ++interruptions;
    table.for_each([&](shard_type& s) {
      if (int* const item = s.steal_private()) found.insert(item);
    });
    REQUIRE(found == std::multiset{&things[0], &things[1], &things[2]});
  }
  CHECK(interruptions > 0);
}

// The reader asks for a CPU that only the newer of two arrays has, before each step of its growth:
// nothing, or an initialised shard of an array that is long enough.
TEST_CASE_METHOD(all_given_back, "reader_of_a_size_finds_an_array_at_least_that_long",
                 "[shard_table]") {
  std::uint64_t found = 0;
  std::uint64_t missed = 0;
  for (std::uint64_t n = 0;; ++n) {
    test_table table;
    REQUIRE(table.find_slow(0, 7) != nullptr);
    const bool interrupted = interrupt(
        n, event::step, [&] { table.find_slow(60, 7); },
        [&] {
          for (std::uint32_t cpu = 0; cpu < 64; ++cpu) {
            shard_type* const s = table.find(cpu);
            ++(s != nullptr ? found : missed);
            if (s == nullptr) continue;
            CHECK(s->cycle() == 7);
            CHECK(s->size() == 0);
          }
        });
    if (!interrupted) break;
  }
  CHECK(found > 0);
  CHECK(missed > 0);
}

TEST_CASE_METHOD(all_given_back, "search_begins_after_the_own_shard_and_ends_with_the_spills",
                 "[shard_table]") {
  test_table table;
  find_all(table);
  shard_type* spill = nullptr;
  {
    auto held = table.own_spill(0);
    REQUIRE(held);
  }
  std::vector<shard_type*> visited;
  table.find_first(2, [&](shard_type& s) {
    visited.push_back(&s);
    return false;
  });
  REQUIRE(visited.size() == 5);
  CHECK(visited[0] == table.find(3));
  CHECK(visited[1] == table.find(0));
  CHECK(visited[2] == table.find(1));
  CHECK(visited[3] == table.find(2));
  spill = visited[4];
  for (std::uint32_t cpu = 0; cpu < 4; ++cpu) CHECK(spill != table.find(cpu));
}

TEST_CASE_METHOD(all_given_back, "search_passes_over_shards_that_nobody_has_found",
                 "[shard_table]") {
  test_sync::set_cpu_count(200);
  test_table table;
  REQUIRE(table.find_slow(0, 0) != nullptr);
  const auto visited = [&] {
    std::vector<shard_type*> all;
    table.find_first(0, [&](shard_type& s) {
      all.push_back(&s);
      return false;
    });
    return all;
  };
  // A mark stands for every 64th shard.
  CHECK(visited().size() == 4);
  shard_type* const found = table.find(70);
  const std::vector<shard_type*> then = visited();
  CHECK(then.size() == 8);
  CHECK(std::count(then.begin(), then.end(), found) == 1);
  // Those that share a mark with the caller's own come last.
  CHECK(then[7] == table.find(192));
  CHECK(count_shards(table) == 200);
}

TEST_CASE_METHOD(all_given_back, "search_ends_with_the_first_that_is_found", "[shard_table]") {
  test_table table;
  find_all(table);
  int visits = 0;
  const auto found = table.find_first(1, [&](shard_type& s) {
    ++visits;
    return &s == table.find(3) ? &things[5] : nullptr;
  });
  CHECK(found == &things[5]);
  CHECK(visits == 2);
}

TEST_CASE_METHOD(all_given_back, "free_spill_shard_is_used_again", "[shard_table]") {
  test_table table;
  REQUIRE(table.find_slow(0, 0) != nullptr);
  for (int i = 0; i < 3; ++i) {
    auto held = table.own_spill(4);
    REQUIRE(held);
    CHECK(held.push(&things[static_cast<std::size_t>(i)]));
  }
  CHECK(count_shards(table) == 5);
  std::set<int*> found;
  while (int* const item = table.find_first(0, [](shard_type& s) { return s.steal_shared(); })) {
    found.insert(item);
  }
  CHECK(found == std::set{&things[0], &things[1], &things[2]});
}

TEST_CASE_METHOD(all_given_back, "spill_shard_is_added_while_all_others_are_owned",
                 "[shard_table]") {
  test_table table;
  REQUIRE(table.find_slow(0, 0) != nullptr);
  auto first = table.own_spill(4);
  auto second = table.own_spill(5);
  CHECK(first);
  CHECK(second);
  CHECK(count_shards(table) == 6);
  std::multiset<std::uint64_t> cycles;
  table.for_each([&](shard_type& s) { cycles.insert(s.cycle()); });
  CHECK(cycles == std::multiset<std::uint64_t>{0, 0, 0, 0, 4, 5});
}

TEST_CASE_METHOD(all_given_back, "spill_shard_refused_gives_no_owner", "[shard_table]") {
  test_table table;
  REQUIRE(table.find_slow(0, 0) != nullptr);
  test_sync::refuse_every(1);
  CHECK_FALSE(table.own_spill(0));
  CHECK(count_shards(table) == 4);
}

TEST_CASE_METHOD(all_given_back, "two_spill_shards_added_at_once_are_both_linked",
                 "[shard_table]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    test_table table;
    const bool interrupted = interrupt(
        n, event::step, [&] { CHECK(table.own_spill(0).push(&things[0])); },
        [&] { CHECK(table.own_spill(0).push(&things[1])); });
    if (!interrupted) break;
    ++interruptions;
    std::set<int*> found;
    while (int* const item = table.find_first(0, [](shard_type& s) { return s.steal_shared(); })) {
      found.insert(item);
    }
    REQUIRE(found == std::set{&things[0], &things[1]});
  }
  CHECK(interruptions > 0);
}

// Puts an item into some shard, at best that of `cpu`.
void place(shard_table<int, std_sync>& table, std::uint32_t cpu, int* item) {
  for (;;) {
    auto* s = table.find(cpu);
    if (s == nullptr) s = table.find_slow(cpu, 0);
    // Another thread may be making the first array.
    if (s == nullptr) {
      std::this_thread::yield();
      continue;
    }
    item = s->give(item);
    if (item == nullptr) return;
    if (auto held = s->try_own(); held && held.push(item)) return;
  }
}

TEST_CASE("table_that_grows_under_many_threads_keeps_every_item", "[shard_table]") {
  constexpr std::size_t thread_count = 6;
  constexpr std::uint32_t cpus = 200;
  std::vector<int> items(thread_count * cpus);
  shard_table<int, std_sync> table;
  std::latch all_here(thread_count);
  {
    std::vector<std::jthread> threads;
    for (std::size_t t = 0; t < thread_count; ++t) {
      threads.emplace_back([&, t] {
        all_here.arrive_and_wait();
        for (std::uint32_t cpu = 0; cpu < cpus; ++cpu) place(table, cpu, &items[t * cpus + cpu]);
      });
    }
  }
  REQUIRE(table.find(cpus - 1) != nullptr);
  std::set<int*> found;
  table.for_each([&](auto& s) {
    while (int* const item = s.steal_private()) found.insert(item);
    while (int* const item = s.steal_shared()) found.insert(item);
  });
  CHECK(found.size() == items.size());
}

}  // namespace

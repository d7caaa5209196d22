// SPDX-License-Identifier: MIT
// shard_table.hpp: the shards of a pool, of which those begin whose CPUs look for them.
#include <poolproof/shard_table.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <set>
#include <thread>
#include <vector>

#include "catch.hpp"
#include "test_sync.hpp"
#include "tracked.hpp"

#if defined(__linux__)
#include "../../bench/resident.hpp"
#endif

namespace {

using poolproof::near_shards;
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

// The shard of a CPU, as a pool looks for it.
template <class Table>
auto& find_or_begin(Table& table, std::uint32_t cpu, std::uint64_t cycle = 0) {
  auto* const found = table.find(cpu);
  return found != nullptr ? *found : table.find_slow(cpu, cycle);
}

// A table whose first user is on some CPU.
struct made_table : test_table {
  explicit made_table(std::uint32_t cpu = 0) { REQUIRE(create(cpu)); }
};

// The same, and all CPUs have used it.
struct used_table : made_table {
  used_table() {
    for (std::uint32_t cpu = 0; cpu < test_sync::cpu_count(); ++cpu) find_or_begin(*this, cpu);
  }
};

std::size_t count_shards(test_table& table) {
  std::size_t count = 0;
  table.for_each([&](shard_type&) { ++count; });
  return count;
}

// Those that a search visits that finds nothing, in its order.
std::vector<shard_type*> searched_from(test_table& table, std::uint32_t cpu) {
  std::vector<shard_type*> visited;
  table.find_first(cpu, [&](shard_type& s) {
    visited.push_back(&s);
    return false;
  });
  return visited;
}

// ---- Shards that begin -------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "shard_of_the_cpu_that_makes_the_table_has_begun",
                 "[shard_table]") {
  test_sync::set_cpu_count(6);
  // The last one has no shard of its own.
  const std::uint32_t cpu = GENERATE(0u, 2u, 5u, 8u);
  made_table table(cpu);
  shard_type* const first = table.find(cpu);
  REQUIRE(first != nullptr);
  for (std::uint32_t other = 0; other < 6; ++other) {
    CHECK(table.find(other) == (other == cpu % 6 ? first : nullptr));
  }
  CHECK(searched_from(table, 3) == std::vector{first});
  CHECK(count_shards(table) == 1);
  CHECK(first->cycle() == 0);
  CHECK(first->size() == 0);
  CHECK(reinterpret_cast<std::uintptr_t>(first) % poolproof::shard_alignment == 0);
  CHECK(test_sync::allocations() == 1);
}

TEST_CASE_METHOD(all_given_back, "table_that_is_refused_memory_is_not_made", "[shard_table]") {
  test_table table;
  test_sync::refuse_every(1);
  CHECK_FALSE(table.create(0));
}

TEST_CASE_METHOD(all_given_back, "shard_that_begins_takes_part_in_the_cycles_to_come",
                 "[shard_table]") {
  made_table table;
  shard_type& begun = table.find_slow(3, 9);
  CHECK(table.find(3) == &begun);
  CHECK(begun.cycle() == 9);
  CHECK(begun.size() == 0);
  CHECK(begun.try_own());
  CHECK(count_shards(table) == 2);
  CHECK(test_sync::allocations() == 1);
}

TEST_CASE_METHOD(all_given_back, "shard_begins_once", "[shard_table]") {
  made_table table;
  shard_type& begun = table.find_slow(3, 9);
  CHECK(&table.find_slow(3, 12) == &begun);
  CHECK(begun.cycle() == 9);
  CHECK(count_shards(table) == 2);
}

TEST_CASE_METHOD(all_given_back, "shards_are_the_same_each_time", "[shard_table]") {
  used_table table;
  std::set<shard_type*> all;
  for (std::uint32_t cpu = 0; cpu < 4; ++cpu) {
    all.insert(table.find(cpu));
    CHECK(&find_or_begin(table, cpu) == table.find(cpu));
  }
  CHECK(all.size() == 4);
  CHECK_FALSE(all.contains(nullptr));
  CHECK(test_sync::allocations() == 1);
}

TEST_CASE_METHOD(all_given_back, "cpu_without_a_shard_of_its_own_shares_one", "[shard_table]") {
  const std::uint32_t cpu = GENERATE(as<std::uint32_t>(), 5, 4097, ~0u - 2);
  REQUIRE(cpu % 4 == 1);
  made_table table;
  CHECK(table.find(cpu) == nullptr);
  shard_type& shared = table.find_slow(cpu, 3);
  CHECK(shared.cycle() == 3);
  CHECK(table.find(cpu) == &shared);
  CHECK(table.find(1) == &shared);
  CHECK(count_shards(table) == 2);
  CHECK(shared.give(&things[0]) == nullptr);
  CHECK(table.find_first(cpu, [](shard_type& s) { return s.steal_private(); }) == &things[0]);
  CHECK(test_sync::allocations() == 1);
}

TEST_CASE_METHOD(all_given_back, "closed_table_begins_no_shard", "[shard_table]") {
  // So many that one word does not hold their marks.
  test_sync::set_cpu_count(100);
  made_table table(3);
  find_or_begin(table, 40);
  table.close();
  for (const std::uint32_t cpu : {0U, 31U, 32U, 35U, 64U, 99U}) {
    CHECK(&table.find_slow(cpu, 0) == table.find(3));
    CHECK(table.find(cpu) == nullptr);
  }
  CHECK(count_shards(table) == 2);
}

TEST_CASE_METHOD(all_given_back, "table_has_one_shard_at_least_and_max_size_at_most",
                 "[shard_table]") {
  test_sync::set_cpu_count(0);
  {
    made_table table;
    CHECK(&find_or_begin(table, 1) == table.find(0));
  }
  test_sync::set_cpu_count(test_table::max_size + 1);
  made_table table;
  CHECK(&table.find_slow(test_table::max_size - 1, 0) != table.find(0));
  CHECK(&find_or_begin(table, test_table::max_size) == table.find(0));
  CHECK(count_shards(table) == 2);
}

// Two threads look for a CPU's shard, and one of them comes before each step of the other. Each
// gives its item to what it gets, and then finds all that it knows of. A shard that had an item
// before it began would take part in cycles before its time.
TEST_CASE_METHOD(all_given_back, "two_that_find_a_shard_first_begin_it_once_and_lose_no_item",
                 "[shard_table]") {
  constexpr std::uint64_t cycle = 7;
  constexpr std::uint64_t other_cycle = 5;
  std::uint64_t at_home = 0;
  std::uint64_t at_the_own = 0;
  bool interrupted = true;
  for (std::uint64_t n = 0; interrupted; ++n) {
    made_table table;
    std::multiset<int*> displaced;
    const auto give = [&](shard_type& s, int* item) {
      if (int* const old = s.give(item)) displaced.insert(old);
    };
    shard_type* others = nullptr;
    interrupted = interrupt(
        n, event::step, [&] { give(find_or_begin(table, 2, cycle), &things[0]); },
        [&] {
          others = &find_or_begin(table, 2, other_cycle);
          give(*others, &things[1]);
          const auto is_there = [&](shard_type& s) { return &s == others; };
          CHECK(table.find_first(0, is_there));
          CHECK((others == table.find(0) || others->cycle() >= other_cycle));
          ++(others == table.find(0) ? at_home : at_the_own);
        });
    shard_type* const begun = table.find(2);
    REQUIRE(begun != nullptr);
    REQUIRE((begun->cycle() == cycle || (others == begun && begun->cycle() == other_cycle)));
    REQUIRE(table.find(0)->cycle() == 0);
    table.for_each([&](shard_type& s) {
      if (int* const item = s.steal_private()) displaced.insert(item);
    });
    REQUIRE(displaced.contains(&things[0]));
    REQUIRE(displaced.size() == (interrupted ? 2 : 1));
  }
  CHECK(at_home > 0);
  CHECK(at_the_own > 0);
}

// Whoever sees that a shard has begun sees it in the cycle in which it began.
TEST_CASE_METHOD(all_given_back, "shard_is_found_in_its_cycle_or_not_yet", "[shard_table]") {
  std::uint64_t found = 0;
  std::uint64_t missed = 0;
  bool interrupted = true;
  for (std::uint64_t n = 0; interrupted; ++n) {
    made_table table;
    interrupted = interrupt(
        n, event::step, [&] { static_cast<void>(table.find_slow(2, 7).give(&things[0])); },
        [&] {
          shard_type* const s = table.find(2);
          ++(s != nullptr ? found : missed);
          CHECK(searched_from(table, 0).size() == (s != nullptr ? 2 : 1));
          if (s != nullptr) CHECK(s->cycle() == 7);
        });
  }
  CHECK(found > 0);
  CHECK(missed > 0);
}

TEST_CASE_METHOD(all_given_back, "shard_whose_beginner_stands_still_is_replaced_by_the_first",
                 "[shard_table]") {
  std::uint64_t at_home = 0;
  bool stopped = true;
  for (std::uint64_t n = 0; stopped; ++n) {
    made_table table(1);
    stopped_thread beginner(event::step, n, [&] { table.find_slow(3, 2); });
    stopped = beginner.stopped();
    at_home += &find_or_begin(table, 3) == table.find(1) ? 1 : 0;
    shard_type& another = find_or_begin(table, 2);
    CHECK(&another == table.find(2));
    beginner.finish();
    CHECK(&find_or_begin(table, 3) != table.find(1));
    CHECK(count_shards(table) == 3);
  }
  CHECK(at_home > 0);
}

// ---- Searches ----------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "search_begins_after_the_own_shard_and_ends_with_the_spills",
                 "[shard_table]") {
  used_table table;
  REQUIRE(table.own_spill());
  const auto of = [&](std::uint32_t cpu) { return table.find(cpu); };
  std::vector<shard_type*> visited = searched_from(table, 2);
  REQUIRE(visited.size() == 5);
  shard_type* const spill = visited.back();
  visited.pop_back();
  CHECK(visited == std::vector{of(3), of(0), of(1), of(2)});
  CHECK(std::count(visited.begin(), visited.end(), spill) == 0);
  // From the last one, and from one beyond.
  CHECK(searched_from(table, 3) == std::vector{of(0), of(1), of(2), of(3), spill});
  CHECK(searched_from(table, ~0u) == std::vector{of(0), of(1), of(2), of(3), spill});
}

TEST_CASE_METHOD(all_given_back, "search_passes_over_shards_that_have_not_begun", "[shard_table]") {
  test_sync::set_cpu_count(200);
  made_table table;
  for (const std::uint32_t cpu : {63u, 64u, 127u, 128u, 199u}) table.find_slow(cpu, 0);
  const auto of = [&](std::uint32_t cpu) { return table.find(cpu); };
  CHECK(count_shards(table) == 6);
  CHECK(searched_from(table, 63) == std::vector{of(64), of(127), of(128), of(199), of(0), of(63)});
  // Those of 32 come together, also where it begins between them.
  CHECK(searched_from(table, 64) == std::vector{of(64), of(127), of(128), of(199), of(0), of(63)});
  CHECK(searched_from(table, 199) == std::vector{of(199), of(0), of(63), of(64), of(127), of(128)});
}

TEST_CASE_METHOD(all_given_back, "search_ends_with_the_first_that_is_found", "[shard_table]") {
  used_table table;
  int visits = 0;
  const auto found = table.find_first(1, [&](shard_type& s) {
    ++visits;
    return &s == table.find(3) ? &things[5] : nullptr;
  });
  CHECK(found == &things[5]);
  CHECK(visits == 2);
}

// ---- Spill shards ------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "free_spill_shard_is_used_again", "[shard_table]") {
  made_table table;
  for (int i = 0; i < 3; ++i) {
    auto held = table.own_spill();
    REQUIRE(held);
    CHECK(held.push(&things[static_cast<std::size_t>(i)]));
  }
  CHECK(count_shards(table) == 2);
  std::set<int*> found;
  while (int* const item = table.find_first(0, [](shard_type& s) { return s.steal_shared(); })) {
    found.insert(item);
  }
  CHECK(found == std::set{&things[0], &things[1], &things[2]});
}

TEST_CASE_METHOD(all_given_back, "spill_shard_is_added_while_all_others_are_owned",
                 "[shard_table]") {
  made_table table;
  auto first = table.own_spill();
  auto second = table.own_spill();
  REQUIRE(first);
  REQUIRE(second);
  CHECK(count_shards(table) == 3);
  CHECK(first.push(&things[0]));
  CHECK(second.push(&things[1]));
  CHECK(first.pop() == &things[0]);
  CHECK(second.pop() == &things[1]);
}

TEST_CASE_METHOD(all_given_back, "spill_shard_refused_gives_no_owner", "[shard_table]") {
  made_table table;
  test_sync::refuse_every(1);
  CHECK_FALSE(table.own_spill());
  CHECK(count_shards(table) == 1);
}

TEST_CASE_METHOD(all_given_back, "two_spill_shards_added_at_once_are_both_linked",
                 "[shard_table]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    made_table table;
    const bool interrupted = interrupt(
        n, event::step, [&] { CHECK(table.own_spill().push(&things[0])); },
        [&] { CHECK(table.own_spill().push(&things[1])); });
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

// ---- What sections begin with ------------------------------------------------------------------

// As many CPUs as a test needs, and production's policy in all else; and what of a table's memory
// its user has touched.
struct many_cpus : std_sync {
  static std::uint32_t cpu_count() noexcept { return 2000; }
#if defined(__linux__)
  static void deallocate_zeroed(void* memory, std::size_t size, std::size_t alignment) noexcept {
    touched_pages = pool_bench::resident_pages(memory, size);
    std_sync::deallocate_zeroed(memory, size, alignment);
  }

  static inline std::size_t touched_pages = 0;
#endif
};

using large_table = shard_table<int, many_cpus>;

TEST_CASE("sections_reach_every_shard_of_a_cpu_or_none", "[shard_table]") {
  large_table table;
  CHECK(table.reachable().reach() == 0);
  REQUIRE(table.create(3));
  CHECK(table.reachable().reach() == (std_sync::sections::usable() ? 2000 : 0));
  CHECK(table.reachable().first() + 3 == table.find(3));
  CHECK(table.reachable().first() + 1999 == &table.find_slow(1999, 0));
}

TEST_CASE_METHOD(all_given_back, "reader_of_a_reach_finds_the_first_shard", "[shard_table]") {
  made_table table;
  std::uint64_t n = 0;
  for (bool interrupted = true; interrupted; ++n) {
    near_shards<int, test_sync> shown;
    const auto is_shown = [&] { return shown.first() == table.find(0); };
    interrupted = interrupt(
        n, event::step, [&] { shown.show(table.find(0), 4); },
        [&] { CHECK((shown.reach() == 0 || is_shown())); });
    CHECK(shown.reach() == 4);
    CHECK(is_shown());
  }
  CHECK(n > 1);
}

// As a thread's first handle does, while another thread shows the first.
TEST_CASE_METHOD(all_given_back, "what_shows_nothing_yet_is_not_shown_over_what_does",
                 "[shard_table]") {
  made_table table;
  std::uint64_t n = 0;
  for (bool interrupted = true; interrupted; ++n) {
    near_shards<int, test_sync> shown;
    near_shards<int, test_sync> copy;
    interrupted = interrupt(
        n, event::step, [&] { copy.show(shown); },
        [&] {
          shown.show(table.find(0), 4);
          copy.show(shown);
        });
    CHECK(copy.reach() == (interrupted ? 4 : 0));
    CHECK((copy.reach() == 0 || copy.first() == table.find(0)));
  }
  CHECK(n > 1);
}

// ---- Memory, and many threads ------------------------------------------------------------------

#if defined(__linux__)

TEST_CASE("shard_that_has_not_begun_is_never_touched", "[shard_table]") {
  {
    large_table table;
    REQUIRE(table.create(0));
    auto& far = table.find_slow(1000, 0);
    static_cast<void>(far.give(&things[0]));
    std::size_t visits = 0;
    table.for_each([&](auto&) { ++visits; });
    CHECK(visits == 2);
    CHECK(table.find_first(1500, [](auto& s) { return s.steal_any(); }) == &things[0]);
  }
  // That of the marks and the first shard, and those of the other one, which may lie in two.
  CHECK(many_cpus::touched_pages >= 2);
  CHECK(many_cpus::touched_pages <= 3);
}

#endif

// Puts an item into some shard, at best that of `cpu`.
void place(large_table& table, std::uint32_t cpu, int* item) {
  auto& s = find_or_begin(table, cpu);
  item = s.give(item);
  while (item != nullptr) {
    if (auto held = s.try_own(); held && held.push(item)) return;
    std::this_thread::yield();
  }
}

TEST_CASE("shards_that_many_threads_find_first_keep_every_item", "[shard_table]") {
  constexpr std::size_t thread_count = 6;
  constexpr std::uint32_t cpus = 2000;
  std::vector<int> items(thread_count * cpus);
  large_table table;
  REQUIRE(table.create(0));
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
  std::size_t begun = 0;
  std::set<int*> found;
  table.for_each([&](auto& s) {
    ++begun;
    while (int* const item = s.steal_private()) found.insert(item);
    while (int* const item = s.steal_shared()) found.insert(item);
  });
  CHECK(begun == cpus);
  CHECK(found.size() == items.size());
}

}  // namespace

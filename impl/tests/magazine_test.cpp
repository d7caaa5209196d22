// SPDX-License-Identifier: MIT
// magazine.hpp and section.hpp: the sections in assembly, the closing of magazines, and processes
// and threads that cannot run sections.
#include <poolproof/magazine_steps.hpp>
#include <poolproof/object_pool.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <random>
#include <thread>
#include <utility>
#include <vector>

#include "catch.hpp"

#if defined(__linux__)
#include "child.hpp"
#include "one_cpu.hpp"
#include "refuse_membarrier.hpp"
#endif

namespace {

using poolproof::magazine_layout;
using poolproof::magazine_steps;
using poolproof::pin_kind;
using poolproof::shard;
using poolproof::std_sync;

using sections = std_sync::sections;

#if defined(POOLPROOF_HAS_RSEQ)
using namespace poolproof::test;
#endif

struct counted {
  ~counted() { destroyed.fetch_add(1, std::memory_order_relaxed); }
  inline static std::atomic<int> destroyed{0};
};

#if defined(POOLPROOF_HAS_RSEQ)

TEST_CASE("assembly_does_what_the_steps_do", "[magazine]") {
  if (no_sections_here()) return;
  on_one_cpu here;
  shards_up_to steps_shards(here.cpu());
  test_shard& steps = steps_shards.own();
  steps.own_magazine().deepen();
  std::mt19937 generator(1);
  const auto below = [&generator](unsigned limit) {
    return static_cast<unsigned>(generator() % limit);
  };
  using by_steps = magazine_steps<test_near>;
  int ticked = 0;
  std::array<int, 8> done{};
  for (int i = 0; i != 20'000; ++i) {
    plain_section section{here.cpu()};
    switch (below(8)) {
      case 0:
      case 1: {
        int* const item = &things[below(things.size())];
        const bool hands_back = below(2) == 0;
        const bool given = hands_back ? sections::hand_back(here.reachable(), item)
                                      : sections::give(here.reachable(), item);
        CHECK(given == (hands_back ? by_steps::hand_back(section, steps_shards.reachable(), item)
                                   : by_steps::give(section, steps_shards.reachable(), item)));
        done[0] += given;
        done[1] += !given;
        break;
      }
      case 2:
      case 3: {
        const bool lends = below(2) == 0;
        const int* item =
            lends ? sections::loan(here.reachable()) : sections::take(here.reachable());
        CHECK(item == (lends ? by_steps::loan(section, steps_shards.reachable())
                             : by_steps::take(section, steps_shards.reachable())));
        if (item == nullptr) {
          item = here.take();
          int* same = nullptr;
          by_steps::take_some(section, steps_shards.reachable(), &same, 1);
          CHECK(item == same);
          ticked += item != nullptr;
        }
        done[2] += item != nullptr;
        done[3] += item == nullptr;
        break;
      }
      case 4: {
        std::array<int*, 2 * capacity> items{};
        for (int*& item : items) item = &things[below(things.size())];
        const std::uint32_t count = 1 + below(below(2) == 0 ? 4 : 2 * capacity);
        const std::uint32_t given = sections::give_some(here.reachable(), items.data(), count);
        CHECK(given == by_steps::give_some(section, steps_shards.reachable(), items.data(), count));
        done[6] += given > 1;
        break;
      }
      case 5: {
        std::array<int*, 2 * capacity> items{};
        std::array<int*, 2 * capacity> same{};
        const std::uint32_t room = 1 + below(below(2) == 0 ? 4 : 2 * capacity);
        const std::uint32_t taken = sections::take_some(here.reachable(), items.data(), room);
        CHECK(taken == by_steps::take_some(section, steps_shards.reachable(), same.data(), room));
        CHECK(items == same);
        done[7] += taken > 1;
        break;
      }
      case 6: {
        CHECK(here.own().own_magazine().deepen() == steps.own_magazine().deepen());
        const std::uint32_t pace = 1 + below(255);
        for (test_shard* s : {&here.own(), &steps}) s->own_magazine().set_pace(pace);
        ++done[4];
        break;
      }
      default:
        if (below(8) != 0) break;
        for (test_shard* s : {&here.own(), &steps}) {
          test_magazine::closing closed(s->own_magazine());
          REQUIRE(closed);
          for (unsigned n = below(3); n != 0 && !closed.empty(); --n) closed.drop_newest();
          if (s == &here.own()) {
            CHECK_FALSE(here.give(&things[0]));
            CHECK(here.take() == nullptr);
          }
        }
        // The two have dropped different numbers: start again.
        while (here.own().own_magazine().pop_exclusive() != nullptr) {
        }
        while (steps.own_magazine().pop_exclusive() != nullptr) {
        }
        ++done[5];
        break;
    }
    REQUIRE(here.own().own_magazine().size() == steps.own_magazine().size());
    REQUIRE(here.own().own_magazine().handles() == steps.own_magazine().handles());
  }
  for (const int count : done) CHECK(count > 100);
  CHECK(ticked > 100);
}

TEST_CASE("take_ticks_as_often_as_the_magazine_is_paced", "[magazine]") {
  if (no_sections_here()) return;
  on_one_cpu here;
  const auto ticks_in = [&](int takes) {
    int count = 0;
    for (int i = 0; i != takes; ++i) {
      REQUIRE(here.give(&things[0]));
      if (sections::take(here.reachable()) != nullptr) continue;
      REQUIRE(here.take() != nullptr);
      ++count;
    }
    return count;
  };
  test_magazine& own = here.own().own_magazine();
  CHECK(own.pace() == 1);
  CHECK(ticks_in(2560) == 10);
  own.set_pace(64);
  CHECK(ticks_in(400) == 100);
  own.set_pace(255);
  CHECK(ticks_in(256) == 255);
}

TEST_CASE("magazine_takes_nothing_before_it_is_used", "[magazine]") {
  if (no_sections_here()) return;
  on_one_cpu here;
  shards_up_to unused(here.cpu());
  test_magazine& own = unused.own().own_magazine();
  CHECK(own.room_beside(own.size()) == 0);
  CHECK_FALSE(sections::give(unused.reachable(), &things[0]));
  CHECK(own.deepen());
  CHECK(own.room_beside(own.size()) == 1);
  CHECK(sections::give(unused.reachable(), &things[0]));
  CHECK(own.room_beside(own.size()) == 0);
  CHECK(sections::take(unused.reachable()) == &things[0]);
}

TEST_CASE("magazine_is_a_stack_as_deep_as_it_was_made", "[magazine]") {
  if (no_sections_here()) return;
  on_one_cpu here;
  std::uint32_t depth = 1;
  std::uint32_t given = 0;
  for (; depth < capacity; depth = std::min(2 * depth, capacity)) {
    while (here.give(&things[given])) ++given;
    CHECK(given == depth);
    CHECK(here.own().own_magazine().deepen());
  }
  while (here.give(&things[given])) ++given;
  CHECK(given == capacity);
  CHECK_FALSE(here.own().own_magazine().deepen());
  CHECK(here.own().size() == capacity);
  while (given != 0) CHECK(here.take() == &things[--given]);
  CHECK(here.take() == nullptr);
}

TEST_CASE("several_items_are_moved_as_one_by_one", "[magazine]") {
  if (no_sections_here()) return;
  on_one_cpu here;
  while (here.own().own_magazine().deepen()) {
  }
  // Two more than there is room for: the last are given first, and the first two are left.
  std::vector<int*> items;
  for (std::uint32_t i = 0; i != capacity + 2; ++i) items.push_back(&things[i]);
  CHECK(sections::give_some(here.reachable(), items.data(), capacity + 2) == capacity);
  CHECK(sections::give_some(here.reachable(), items.data(), 1) == 0);
  CHECK(here.take() == items[2]);

  // The newest, as they lie: the newest last.
  std::array<int*, 3> out{};
  CHECK(sections::take_some(here.reachable(), out.data(), 3) == 3);
  CHECK(out == std::array{items[5], items[4], items[3]});
  CHECK(here.own().size() == capacity - 4);
  std::array<int*, 2 * capacity> rest{};
  CHECK(sections::take_some(here.reachable(), rest.data(), 2 * capacity) == capacity - 4);
  CHECK(rest[0] == items[capacity + 1]);
  CHECK(rest[capacity - 5] == items[6]);
  CHECK(sections::take_some(here.reachable(), rest.data(), 1) == 0);
}

TEST_CASE("several_items_are_one_operation_of_the_pace", "[magazine]") {
  if (no_sections_here()) return;
  on_one_cpu here;
  while (here.own().own_magazine().deepen()) {
  }
  for (std::uint32_t i = 0; i != 10; ++i) REQUIRE(here.give(&things[i]));
  here.own().own_magazine().set_pace(64);
  std::array<int*, 10> out{};
  CHECK(sections::take_some(here.reachable(), out.data(), 8) == 8);
  CHECK(here.own().own_magazine().takes_since_tick() == 1);
  CHECK(sections::take(here.reachable()) == &things[1]);
  CHECK(here.own().own_magazine().takes_since_tick() == 2);
}

TEST_CASE("sections_beyond_their_reach_take_no_effect", "[magazine]") {
  if (no_sections_here()) return;
  on_one_cpu here;
  REQUIRE(here.give(&things[0]));
  REQUIRE(here.own().own_magazine().deepen());
  test_near not_yet;
  test_near shorter;
  shorter.show(here.reachable().first(), here.cpu());
  for (const test_near* near : {&not_yet, &shorter}) {
    CHECK_FALSE(sections::give(*near, &things[1]));
    CHECK(sections::take(*near) == nullptr);
    CHECK(take_one(*near) == nullptr);
    int* const item = &things[1];
    CHECK(sections::give_some(*near, &item, 1) == 0);
  }
  CHECK(here.give(&things[1]));
  CHECK(here.take() == &things[1]);
  CHECK(here.take() == &things[0]);
}

TEST_CASE("cycle_takes_over_the_magazine_and_makes_it_shallow", "[magazine]") {
  if (no_sections_here()) return;
  on_one_cpu here;
  for (std::uint32_t i = 0; i != 5;) {
    if (here.give(&things[i])) {
      ++i;
    } else {
      REQUIRE(here.own().own_magazine().deepen());
    }
  }
  {
    auto owner = here.own().try_own();
    REQUIRE(owner);
    std::array<int*, decltype(owner)::most_refused> refused;
    std::uint32_t count = 0;
    CHECK(owner.turn(1, refused.data(), count));
    CHECK(count == 0);
  }
  CHECK(here.own().own_magazine().size() == 0);
  CHECK(here.own().size() == 5);
  CHECK(here.give(&things[5]));
  CHECK_FALSE(here.give(&things[6]));
  CHECK(here.take() == &things[5]);
  // The newest was moved first.
  for (std::size_t i = 5; i != 0; --i) CHECK(here.own().steal_victim() == &things[i - 1]);
}

TEST_CASE("magazine_that_a_thief_has_emptied_is_passed_by_for_a_while", "[magazine]") {
  if (no_sections_here()) return;
  on_one_cpu here;
  REQUIRE(here.give(&things[0]));
  CHECK_FALSE(here.own().own_magazine().is_exposed());
  CHECK(here.own().steal_magazine() == &things[0]);
  CHECK_FALSE(here.give(&things[0]));
  for (std::uint32_t i = 0; i != std_sync::limits::exposed_puts; ++i) {
    REQUIRE(here.own().own_magazine().is_exposed());
  }
  CHECK_FALSE(here.own().own_magazine().is_exposed());
  CHECK(here.own().own_magazine().deepen());
  CHECK(here.give(&things[0]));
}

// Where memory for rings is refused from some moment on.
struct short_of_memory : std_sync {
  static inline bool refuses = false;
  static void* allocate_zeroed(std::size_t size, std::size_t alignment) noexcept {
    return refuses ? nullptr : std_sync::allocate_zeroed(size, alignment);
  }
};

TEST_CASE("thief_needs_no_memory_for_what_it_takes", "[magazine]") {
  if (no_sections_here()) return;
  const auto cpus = poolproof::test::two_cpus();
  if (cpus.empty()) return;
  const std::uint64_t count = GENERATE(1u, 3u);
  poolproof::object_pool<int, std::default_delete<int>, short_of_memory> pool;
  {
    const stays_on_cpu there(cpus[0]);
    for (std::uint64_t i = 0; i != count; ++i) pool.put(std::make_unique<int>(0));
  }
  const stays_on_cpu here(cpus[1]);
  short_of_memory::refuses = true;
  const auto taken = pool.try_get();
  short_of_memory::refuses = false;
  CHECK(taken != nullptr);
  CHECK(pool.stats().retained == count - 1);
  for (std::uint64_t i = 1; i != count; ++i) CHECK(pool.try_get() != nullptr);
  CHECK(pool.try_get() == nullptr);
}

// As where other threads of the CPU fill the magazine meanwhile: of several only the last finds
// room.
struct crowded_sections : std_sync::sections {
  template <class Shards>
  static std::uint32_t give_some(const Shards& shards, typename Shards::item_type* const* items,
                                 std::uint32_t count) noexcept {
    return std_sync::sections::give_some(shards, items + count - 1, 1);
  }
};
struct crowded_sync : std_sync {
  using sections = crowded_sections;
};

TEST_CASE("what_finds_no_room_in_a_magazine_any_more_stays_in_the_pool", "[magazine]") {
  if (no_sections_here()) return;
  const stays_on_cpu here;
  poolproof::object_pool<int, std::default_delete<int>, crowded_sync> pool;
  constexpr int count = 300;  // more than a magazine holds
  for (int i = 0; i != count; ++i) pool.put(std::make_unique<int>(i));
  std::vector<std::unique_ptr<int>> taken;
  std::vector<int> times(count);
  while (auto item = pool.try_get()) {
    ++times[static_cast<std::size_t>(*item)];
    taken.push_back(std::move(item));
    REQUIRE(taken.size() <= count);
  }
  CHECK(times == std::vector<int>(count, 1));
}

// Whose clock a test moves.
struct timed_sync : std_sync {
  static inline std::chrono::nanoseconds time = std::chrono::hours(1);
  static std::chrono::nanoseconds now() noexcept { return time; }
};

TEST_CASE("pool_that_moves_several_at_a_time_alone_looks_at_the_clock", "[magazine]") {
  const stays_on_cpu here;
  poolproof::object_pool<int, std::default_delete<int>, timed_sync> pool(
      [] { return std::make_unique<int>(0); });
  std::vector<std::unique_ptr<int>> held;
  for (int i = 0; i != 16; ++i) held.push_back(pool.get());
  pool.put_range(held.begin(), held.end());
  for (int i = 0; i != 1000; ++i) {
    timed_sync::time += std::chrono::seconds(1);
    held.clear();
    pool.get_n(16, std::back_inserter(held));
    pool.put_range(held.begin(), held.end());
  }
  CHECK(pool.stats().cycles > 5);  // of a minute each
}

struct counted_restarts : std_sync::sections {
  static inline int count = 0;
  static bool restart_all() noexcept {
    ++count;
    return std_sync::sections::restart_all();
  }
};
struct counting_sync : std_sync {
  using sections = counted_restarts;
};
using counting_pool = poolproof::object_pool<int, std::default_delete<int>, counting_sync>;

// As where a filter of system calls forbids it from some moment on.
struct refused_restarts : std_sync::sections {
  static bool restart_all() noexcept { return false; }
};
struct refusing_sync : std_sync {
  using sections = refused_restarts;
};

TEST_CASE("pool_that_is_left_behind_at_a_refused_restart_is_counted", "[magazine]") {
  if (no_sections_here()) return;
  using pool_type = poolproof::object_pool<int, std::default_delete<int>, refusing_sync>;
  auto& pools = poolproof::pool_registry<refusing_sync>::instance();
  { pool_type().put(std::make_unique<int>(1)); }
  CHECK(pools.leaked() == 0);
  { static_cast<void>(pool_type().borrow()); }
  CHECK(pools.leaked() == 1);
  CHECK(poolproof::leaked_pools() == 0);
}

TEST_CASE("cpus_that_take_turns_make_a_system_call_in_a_thousand_pairs", "[magazine]") {
  if (no_sections_here()) return;
  const auto cpus = poolproof::test::two_cpus();
  if (cpus.empty()) return;
  counting_pool pool;
  auto first = pool.get();
  const int* const item = first.get();
  pool.put(std::move(first));
  counted_restarts::count = 0;
  for (unsigned i = 0; i != 4000; ++i) {
    const on_one_cpu here(cpus[i % 2]);
    auto got = pool.get();
    REQUIRE(got.get() == item);
    pool.put(std::move(got));
  }
  CHECK(counted_restarts::count > 0);
  CHECK(counted_restarts::count <= 6);
  CHECK(pool.stats().constructions == 1);
}

TEST_CASE("try_get_of_an_empty_pool_makes_no_system_call", "[magazine]") {
  if (no_sections_here()) return;
  const auto cpus = poolproof::test::two_cpus();
  if (cpus.empty()) return;
  counting_pool pool;
  // Each CPU has had items at hand.
  for (const unsigned cpu : cpus) {
    const on_one_cpu here(cpu);
    pool.put(std::make_unique<int>(1));
    REQUIRE(pool.try_get() != nullptr);
  }
  counted_restarts::count = 0;
  for (unsigned i = 0; i != 1000; ++i) {
    const on_one_cpu here(cpus[i % 2]);
    REQUIRE(pool.try_get() == nullptr);
  }
  CHECK(counted_restarts::count == 0);
}

TEST_CASE("pool_that_has_lent_makes_one_system_call_at_its_end_and_others_none", "[magazine]") {
  if (no_sections_here()) return;
  const bool lends = GENERATE(false, true);
  {
    counting_pool pool;
    for (int i = 0; i != 100; ++i) {
      if (lends) {
        static_cast<void>(pool.borrow());
      } else {
        pool.put(pool.get());
      }
    }
    counted_restarts::count = 0;
  }
  CHECK(counted_restarts::count == (lends ? 1 : 0));
}

TEST_CASE("get_takes_victims_by_the_handful", "[magazine]") {
  if (no_sections_here()) return;
  const on_one_cpu here;
  poolproof::object_pool<int> pool;
  std::vector<std::unique_ptr<int>> held;
  for (int i = 0; i != 200; ++i) held.push_back(pool.get());
  for (auto& each : held) pool.put(std::move(each));
  pool.rotate();
  for (auto& each : held) each = pool.get();
  CHECK(pool.stats().constructions == 200);
  CHECK(pool.stats().victim_hits >= 200 / 16);
  CHECK(pool.stats().victim_hits <= 200 / 8);
}

TEST_CASE("closed_magazine_stays_closed_on_request", "[magazine]") {
  if (no_sections_here()) return;
  on_one_cpu here;
  REQUIRE(here.give(&things[0]));
  std::array<int*, capacity> items;
  {
    auto owner = here.own().try_own();
    CHECK(owner.close_magazine(items.data()) == 1);
  }
  CHECK(items[0] == &things[0]);
  CHECK_FALSE(here.give(&things[1]));
  CHECK_FALSE(here.own().own_magazine().deepen());
}

TEST_CASE("thread_that_the_kernel_does_not_know_uses_the_private_part", "[magazine]") {
  if (no_sections_here()) return;
  std::thread([] {
    on_one_cpu here;
    REQUIRE(leave_rseq());
    CHECK_FALSE(sections::runs());
    CHECK(sections::usable());
    CHECK_FALSE(here.give(&things[0]));
    CHECK(here.take() == nullptr);
    CHECK(std_sync::pin() != pin_kind::rseq);
  }).join();
}

TEST_CASE("burst_goes_to_the_ring_and_comes_back", "[magazine]") {
  if (no_sections_here()) return;
  const on_one_cpu here;
  constexpr int burst = 300;
  poolproof::object_pool<int> pool;
  for (int i = 0; i != burst; ++i) pool.put(std::make_unique<int>(i));
  CHECK(pool.stats().retained == burst);

  std::vector<std::unique_ptr<int>> got;
  for (int i = 0; i != burst; ++i) got.push_back(pool.try_get());
  CHECK(pool.try_get() == nullptr);
  std::vector<bool> seen(burst);
  for (const auto& item : got) {
    REQUIRE(item != nullptr);
    CHECK_FALSE(seen[static_cast<std::size_t>(*item)]);
    seen[static_cast<std::size_t>(*item)] = true;
  }
  // The newest lies on top, whatever has been moved to make room for it.
  CHECK(*got[0] == burst - 1);
  CHECK(pool.stats().constructions == 0);
  CHECK(pool.stats().refused_memory == 0);
}

using int_item = std::unique_ptr<int>;

// A pool that makes nothing.
struct given_only : poolproof::object_pool<int> {
  given_only() : object_pool([] { return int_item(); }) {}
};

void put_many(given_only& pool, std::uint32_t count) {
  for (std::uint32_t i = 0; i != count; ++i) pool.put(std::make_unique<int>());
}

// What is found without a look into other CPUs' magazines, at most `most`.
std::vector<int_item> take_all(given_only& pool, std::size_t most) {
  std::vector<int_item> taken;
  while (taken.size() != most) {
    taken.push_back(pool.try_get_near());
    if (taken.back() != nullptr) continue;
    taken.pop_back();
    break;
  }
  return taken;
}

TEST_CASE("magazine_of_a_cpu_that_only_puts_is_shallow", "[magazine]") {
  const std::vector<std::uint32_t> cpus = two_cpus();
  if (no_sections_here() || cpus.empty()) return;
  given_only pool;
  {
    const on_one_cpu here(cpus[0]);
    put_many(pool, capacity);
  }
  const on_one_cpu there(cpus[1]);
  CHECK(take_all(pool, capacity).size() >= capacity - test_shard::shallow);
}

TEST_CASE("magazine_holds_all_that_its_cpu_puts_and_takes_back", "[magazine]") {
  const std::vector<std::uint32_t> cpus = two_cpus();
  if (no_sections_here() || cpus.empty()) return;
  given_only pool;
  {
    const on_one_cpu here(cpus[0]);
    put_many(pool, capacity);
    CHECK(take_all(pool, capacity).size() == capacity);
    put_many(pool, capacity);
  }
  const on_one_cpu there(cpus[1]);
  CHECK(take_all(pool, capacity).empty());
  CHECK(pool.get() != nullptr);
}

TEST_CASE("what_another_cpu_has_at_hand_is_found_but_not_near", "[magazine]") {
  const std::vector<std::uint32_t> cpus = two_cpus();
  if (no_sections_here() || cpus.empty()) return;
  given_only pool;
  {
    const on_one_cpu here(cpus[0]);
    put_many(pool, 1);
  }
  const on_one_cpu there(cpus[1]);
  for (int i = 0; i != 1000; ++i) REQUIRE(pool.try_get_near() == nullptr);
  CHECK(pool.try_get() != nullptr);
}

TEST_CASE("threads_of_both_kinds_share_a_pool", "[magazine]") {
  if (no_sections_here()) return;
  constexpr int rounds = 20'000;
  counted::destroyed = 0;
  std::atomic<int> made{0};
  {
    poolproof::object_pool<counted> pool([&made] {
      made.fetch_add(1, std::memory_order_relaxed);
      return std::make_unique<counted>();
    });
    std::vector<std::jthread> threads;
    for (int t = 0; t != 6; ++t) {
      threads.emplace_back([&pool, t] {
        if (t % 2 == 0 && !leave_rseq()) std::abort();
        for (int i = 0; i != rounds; ++i) {
          std::array<std::unique_ptr<counted>, 3> held;
          for (auto& item : held) item = pool.get();
          for (auto& item : held) pool.put(std::move(item));
          if (i % 1000 == 0) pool.rotate();
        }
      });
    }
    threads.clear();
    const auto stats = pool.stats();
    CHECK(stats.retained + stats.cycle_destroyed == stats.constructions);
  }
  CHECK(counted::destroyed == made);
}

// In a process of its own, whose later membarriers are refused. On one CPU, for another's magazine
// could not be reached.
bool keeps_items_until_the_end() {
  const on_one_cpu here;
  counted::destroyed = 0;
  {
    poolproof::object_pool<counted> pool;
    pool.put(std::make_unique<counted>());
    if (!refuse_membarrier()) return false;
    for (int i = 0; i != 3; ++i) pool.rotate();
    if (counted::destroyed != 0 || pool.stats().retained != 1) return false;
    if (pool.try_get() == nullptr) return false;  // and destroys it
  }
  {
    poolproof::object_pool<counted> pool;
    pool.put(std::make_unique<counted>());
  }
  return counted::destroyed == 2;
}

TEST_CASE("magazines_that_cannot_be_closed_keep_their_items", "[magazine]") {
  if (no_sections_here()) return;
  CHECK(poolproof::test::holds_in_child(keeps_items_until_the_end));
}

TEST_CASE("forked_child_closes_magazines", "[magazine]") {
  if (no_sections_here()) return;
  CHECK(poolproof::test::holds_in_child([] {
    counted::destroyed = 0;
    poolproof::object_pool<counted> pool;
    pool.put(std::make_unique<counted>());
    pool.rotate();
    pool.rotate();
    return counted::destroyed == 1 && pool.stats().pin == pin_kind::rseq;
  }));
}

// What test cases below run, in processes of their own.
TEST_CASE("process_without_sections", "[.child]") {
  if (std::getenv("POOLPROOF_TEST_CHILD") == nullptr) return;
  counted::destroyed = 0;
  poolproof::object_pool<counted> pool;
  pool.put(std::make_unique<counted>());
  CHECK(pool.stats().pin != pin_kind::rseq);
  CHECK(pool.stats().retained == 1);
  CHECK(pool.try_get() != nullptr);
  CHECK(pool.stats().retained == 0);
}

template <class Prepare>
bool passes_without_sections(Prepare prepare) {
  return poolproof::test::holds_in_child([=] {
    ::setenv("POOLPROOF_TEST_CHILD", "1", 1);
    if (!prepare()) return false;
    ::execl("/proc/self/exe", "magazine_test", "process_without_sections",
            static_cast<char*>(nullptr));
    return false;
  });
}

TEST_CASE("environment_forces_the_portable_pin", "[magazine]") {
  CHECK(passes_without_sections([] { return ::setenv("POOLPROOF_PIN", "portable", 1) == 0; }));
}

TEST_CASE("process_without_membarrier_has_the_portable_pin", "[magazine]") {
  CHECK(passes_without_sections(refuse_membarrier));
}

TEST_CASE("process_without_rseq_has_the_portable_pin", "[magazine]") {
  CHECK(passes_without_sections(
      [] { return ::setenv("GLIBC_TUNABLES", "glibc.pthread.rseq=0", 1) == 0; }));
}

#else

TEST_CASE("system_without_sections_has_none", "[magazine]") {
  CHECK_FALSE(sections::usable());
  CHECK_FALSE(sections::runs());
  counted::destroyed = 0;
  poolproof::object_pool<counted> pool;
  pool.put(std::make_unique<counted>());
  CHECK(pool.stats().pin != pin_kind::rseq);
}

#endif

}  // namespace

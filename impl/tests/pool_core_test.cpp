// SPDX-License-Identifier: MIT
// pool_core.hpp: the ways of get and put, and what a stopped thread can keep from others.
#include <poolproof/pool_core.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <functional>
#include <memory>
#include <optional>
#include <vector>

#include "catch.hpp"
#include "pools.hpp"
#include "test_sync.hpp"
#include "tracked.hpp"

namespace {

using poolproof::pool_core;
using poolproof::pool_stats;
using poolproof::test::all_given_back;
using poolproof::test::count_events;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::item;
using poolproof::test::on_cpu;
using poolproof::test::put_new;
using poolproof::test::put_new_on;
using poolproof::test::stopped_owner;
using poolproof::test::stopped_thread;
using poolproof::test::take_all;
using poolproof::test::take_value;
using poolproof::test::test_sync;
using poolproof::test::tracked;
using poolproof::test::without_automatic_cycles;

// A core in use, without automatic cycles.
class pool {
 public:
  using core = pool_core<tracked, std::default_delete<tracked>, test_sync>;

  pool() : core_(core::create(without_automatic_cycles)) {
    REQUIRE(core_ != nullptr);
    core_->link();
  }
  ~pool() { core_->close(); }
  pool(const pool&) = delete;
  pool& operator=(const pool&) = delete;

  void put(item given) noexcept { core_->put(given.release()); }
  item try_get() noexcept { return item(core_->get(poolproof::interrupts::always)); }
  void rotate() noexcept { core_->rotate(); }
  pool_stats stats() noexcept { return core_->stats(); }
  void borrow_and_return() {
    REQUIRE(core_->count_borrow());
    if (tracked* const borrowed = core_->get(poolproof::interrupts::always)) {
      core_->end_borrow(borrowed);
    } else {
      core_->end_borrow();
    }
  }

 private:
  core* core_;
};

std::optional<int> take_value_on(std::uint32_t cpu, pool& p) {
  const on_cpu here(cpu);
  return take_value(p);
}

TEST_CASE_METHOD(all_given_back, "core_without_memory_is_not_made", "[pool_core]") {
  // The core itself, or its first shards.
  const std::uint64_t refused = GENERATE(1u, 2u);
  test_sync::refuse_every(refused);
  CHECK(pool::core::create(without_automatic_cycles) == nullptr);
  CHECK(test_sync::allocations() == refused);
}

TEST_CASE_METHOD(all_given_back, "get_from_an_empty_pool_misses", "[pool_core]") {
  pool p;
  CHECK(take_value(p) == std::nullopt);
  CHECK(p.stats().misses == 1);
}

TEST_CASE_METHOD(all_given_back, "two_items_of_one_cpu_come_back_private_first", "[pool_core]") {
  pool p;
  put_new(p, 1, 2);
  CHECK(take_value(p) == 2);
  CHECK(take_value(p) == 1);
  CHECK(take_value(p) == std::nullopt);
}

// Go gives a, c, b, because its put goes past a full private slot. Ours displaces what is there, so
// that the item used last comes back first.
TEST_CASE_METHOD(all_given_back, "items_a_b_c_of_one_cpu_come_back_c_b_a", "[pool_core]") {
  pool p;
  constexpr int a = 1;
  constexpr int b = 2;
  constexpr int c = 3;
  put_new(p, a);
  put_new(p, b);
  put_new(p, c);
  CHECK(take_value(p) == c);
  CHECK(take_value(p) == b);
  CHECK(take_value(p) == a);
}

TEST_CASE_METHOD(all_given_back, "hit_counts_nothing", "[pool_core]") {
  pool p;
  put_new(p, 1, 2);
  CHECK(take_value(p) == 2);
  CHECK(take_value(p) == 1);
  const pool_stats stats = p.stats();
  CHECK(stats.misses == 0);
  CHECK(stats.steals == 0);
  CHECK(stats.victim_hits == 0);
  CHECK(stats.busy == 0);
  CHECK(stats.spills == 0);
}

TEST_CASE_METHOD(all_given_back, "own_ring_comes_before_other_cpus", "[pool_core]") {
  pool p;
  put_new_on(1, p, 10, 3);
  put_new_on(0, p, 20, 2);
  CHECK(take_value(p) == 21);
  CHECK(take_value(p) == 20);
  CHECK(p.stats().steals == 0);
}

TEST_CASE_METHOD(all_given_back, "oldest_item_of_another_cpu_is_stolen", "[pool_core]") {
  pool p;
  put_new_on(2, p, 10, 4);
  CHECK(take_value(p) == 10);
  CHECK(take_value(p) == 11);
  CHECK(p.stats().steals == 2);
}

// A quirk of Go's that we do not keep: an item in another processor's private slot is out of reach.
TEST_CASE_METHOD(all_given_back, "item_in_another_cpus_private_part_is_reached", "[pool_core]") {
  pool p;
  put_new_on(3, p, 10);
  CHECK(take_value(p) == 10);
  CHECK(p.stats().steals == 1);
  CHECK(p.stats().misses == 0);
}

TEST_CASE_METHOD(all_given_back, "victim_comes_after_every_shared_item", "[pool_core]") {
  pool p;
  put_new_on(0, p, 10);
  p.rotate();
  put_new_on(1, p, 20, 2);
  CHECK(take_value_on(0, p) == 20);
  CHECK(p.stats().victim_hits == 0);
  CHECK(take_value_on(0, p) == 10);
  CHECK(p.stats().victim_hits == 1);
  // The private part of another CPU comes last.
  CHECK(take_value_on(0, p) == 21);
  CHECK(p.stats().victim_hits == 1);
}

// Another one: who finds the victim empty forgets it, and with it the private items of other
// processors in it. Our cycle moves private items to the ring, where everybody finds them.
TEST_CASE_METHOD(all_given_back, "victims_that_were_private_are_reached_from_every_cpu",
                 "[pool_core]") {
  pool p;
  for (std::uint32_t cpu = 0; cpu < 4; ++cpu) put_new_on(cpu, p, 10);
  p.rotate();
  for (int i = 0; i < 4; ++i) CHECK(take_value_on(2, p) == 10);
  CHECK(p.stats().victim_hits == 4);
}

TEST_CASE_METHOD(all_given_back, "victims_found_empty_are_not_searched_again_until_the_next",
                 "[pool_core]") {
  pool p;
  put_new(p, 1);
  p.rotate();
  CHECK(take_value(p) == 1);
  const auto miss = [&] { CHECK(take_value(p) == std::nullopt); };
  const std::uint64_t steps_with_search = count_events(event::step, miss);
  CHECK(count_events(event::step, miss) < steps_with_search);
  put_new(p, 2);
  p.rotate();
  CHECK(take_value(p) == 2);
  CHECK(count_events(event::step, miss) == steps_with_search);
}

TEST_CASE_METHOD(all_given_back, "cpus_that_appear_later_leave_no_item_behind", "[pool_core]") {
  // Some have shards of their own, which begin, and some share one.
  test_sync::set_cpu_count(301);
  pool p;
  int put = 0;
  for (const std::uint32_t cpu : {0u, 3u, 4u, 17u, 300u, 5000u, ~0u, 1u}) {
    put_new_on(cpu, p, put, 3);
    put += 3;
  }
  CHECK(p.stats().retained == static_cast<std::uint64_t>(put));
  CHECK(take_all(p) == static_cast<std::size_t>(put));
}

TEST_CASE_METHOD(all_given_back, "cpu_that_changes_within_a_call_loses_no_item", "[pool_core]") {
  const auto operation = GENERATE(0, 1, 2);
  // To one whose shard has not begun, or to one that shares a shard.
  const auto other_cpu = GENERATE(as<std::uint32_t>(), 3, 9);
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    pool p;
    put_new_on(0, p, 0, 3);
    put_new_on(1, p, 3, 3);
    const bool interrupted = interrupt(
        n, event::step,
        [&] {
          if (operation == 0) put_new(p, 6);
          if (operation == 1) put_new(p, take_value(p).value());
          if (operation == 2) p.borrow_and_return();
        },
        [&] { test_sync::set_cpu(other_cpu); });
    test_sync::set_cpu(0);
    if (!interrupted) break;
    ++interruptions;
    REQUIRE(take_all(p) == (operation == 0 ? 7 : 6));
  }
  CHECK(interruptions > 0);
}

TEST_CASE_METHOD(all_given_back, "ring_refused_memory_destroys_the_displaced_item", "[pool_core]") {
  pool p;
  test_sync::refuse_every(1);
  put_new(p, 1, 3);
  CHECK(tracked::alive() == 1);
  CHECK(p.stats().refused_memory == 2);
  CHECK(take_value(p) == 3);
}

TEST_CASE_METHOD(all_given_back, "growth_refused_memory_keeps_what_is_in_the_ring", "[pool_core]") {
  pool p;
  put_new(p, 0, 9);
  test_sync::refuse_every(1);
  put_new(p, 9);
  CHECK(p.stats().refused_memory == 1);
  test_sync::refuse_every(0);
  put_new(p, 10);
  CHECK(take_all(p) == 10);
}

TEST_CASE_METHOD(all_given_back, "private_item_without_memory_for_a_cycle_goes_with_it",
                 "[pool_core]") {
  pool p;
  put_new(p, 1);
  test_sync::refuse_every(1);
  p.rotate();
  CHECK(tracked::alive() == 0);
  CHECK(p.stats().cycle_destroyed == 1);
  CHECK(p.stats().refused_memory == 0);
}

// One stopped owner for each CPU that the machine has.
class all_rings_owned {
 public:
  explicit all_rings_owned(pool& p) {
    for (std::uint32_t cpu = 0; cpu < 4; ++cpu) {
      owners_.emplace_back(p, cpu, 1000 + 10 * static_cast<int>(cpu));
      REQUIRE(owners_.back().stopped());
    }
  }

  void finish() {
    for (auto& owner : owners_) owner.finish();
  }

 private:
  std::deque<stopped_owner<pool>> owners_;
};

TEST_CASE_METHOD(all_given_back, "put_keeps_1000_items_while_the_owner_of_every_shard_is_stopped",
                 "[pool_core]") {
  pool p;
  all_rings_owned owners(p);
  const std::uint64_t before = p.stats().retained;
  for (int i = 0; i < 1000; ++i) put_new_on(static_cast<std::uint32_t>(i % 4), p, i);
  CHECK(p.stats().retained == before + 1000);
  CHECK(tracked::destroyed() == 0);
  CHECK(p.stats().spills == 1000);
  CHECK(p.stats().busy == 1000);
  // And gets reach them meanwhile.
  CHECK(take_all(p) == before + 1000);
  put_new(p, 0, 1000);
  owners.finish();
  CHECK(take_all(p) == 1000 + 4);
}

TEST_CASE_METHOD(all_given_back, "get_finds_the_items_of_a_ring_with_a_stopped_owner",
                 "[pool_core]") {
  pool p;
  put_new(p, 0, 9);
  // The ring of eight is full: the thread's put wants a longer one, and owns the ring meanwhile.
  stopped_thread owner(event::allocate, 0, [&] { put_new(p, 9); });
  REQUIRE(owner.stopped());
  CHECK(take_value(p) == 9);
  CHECK(take_value(p) == 0);
  CHECK(p.stats().busy == 1);
  CHECK(p.stats().steals == 1);
  CHECK(take_all(p) == 7);
  owner.finish();
  CHECK(take_value(p) == 8);
}

TEST_CASE_METHOD(all_given_back, "spilled_items_go_with_the_second_cycle", "[pool_core]") {
  pool p;
  all_rings_owned owners(p);
  put_new(p, 0, 100);
  const std::uint64_t in_private_parts = 4;
  CHECK(p.stats().retained == 100 + in_private_parts);
  p.rotate();
  CHECK(tracked::destroyed() == 0);
  p.rotate();
  // The private parts belong to shards that are owned.
  CHECK(tracked::destroyed() == 100 + in_private_parts - p.stats().retained);
  CHECK(p.stats().retained == in_private_parts);
  owners.finish();
}

TEST_CASE_METHOD(all_given_back, "rotate_passes_a_stopped_owner_and_cleans_every_other_shard",
                 "[pool_core]") {
  pool p;
  for (std::uint32_t cpu = 0; cpu < 4; ++cpu) put_new_on(cpu, p, 10 * static_cast<int>(cpu), 9);
  stopped_thread owner(event::allocate, 0, [&] { put_new(p, 9); });
  REQUIRE(owner.stopped());
  p.rotate();
  CHECK(tracked::destroyed() == 0);
  p.rotate();
  // The owner's shard keeps its eight items in the ring and one private; one is in its hands.
  CHECK(tracked::destroyed() == 27);
  CHECK(p.stats().retained == 9);
  owner.finish();
  CHECK(p.stats().retained == 10);
  // Three cycles are due: the two that were missed, and this one.
  p.rotate();
  CHECK(tracked::alive() == 0);
  CHECK(p.stats().cycle_destroyed == 37);
}

TEST_CASE_METHOD(all_given_back, "shard_that_missed_cycles_is_caught_up_by_its_next_user",
                 "[pool_core]") {
  const bool by_get = GENERATE(false, true);
  pool p;
  put_new(p, 0, 9);
  stopped_thread owner(event::allocate, 0, [&] { put_new(p, 9); });
  REQUIRE(owner.stopped());
  p.rotate();
  p.rotate();
  owner.finish();
  REQUIRE(tracked::destroyed() == 0);
  if (by_get) {
    // The private item, and then the newest of the ring.
    CHECK(take_value(p) == 9);
    CHECK(tracked::destroyed() == 1);
    CHECK(take_value(p) == 8);
    CHECK(tracked::destroyed() == 10);
    CHECK(p.stats().retained == 0);
  } else {
    // The displaced item is put after the cycles, and stays.
    put_new(p, 10);
    CHECK(tracked::destroyed() >= 9);
    CHECK(p.stats().retained == tracked::alive());
    CHECK(tracked::alive() >= 1);
  }
}

TEST_CASE_METHOD(all_given_back, "rotate_yields_to_an_owner_and_then_goes_on", "[pool_core]") {
  pool p;
  put_new(p, 0, 9);
  stopped_thread owner(event::allocate, 0, [&] { put_new(p, 9); });
  REQUIRE(owner.stopped());
  const std::uint64_t yields = count_events(event::yield, [&] { p.rotate(); });
  CHECK(yields > 0);
  CHECK(yields < 100);
  // An owner that goes on at the first yield is not passed by.
  CHECK(interrupt(
      0, event::yield, [&] { p.rotate(); }, [&] { owner.finish(); }));
  p.rotate();
  CHECK(tracked::alive() == 0);
}

// A thread that begins a shard stands still while cycles pass by, for which the shard is not there
// yet; what another one puts into it then is put after these cycles.
TEST_CASE_METHOD(all_given_back,
                 "item_put_after_cycles_outlives_them_though_its_shard_began_before",
                 "[pool_core]") {
  std::uint64_t n = 0;
  for (bool interrupted = true; interrupted; ++n) {
    pool p;
    interrupted = interrupt(
        n, event::step, [&] { put_new_on(2, p, 0); },
        [&] {
          p.rotate();
          p.rotate();
          const std::uint64_t before = tracked::destroyed();
          // All but the last have been displaced: a call for which cycles are overdue does them.
          put_new_on(2, p, 1, 3);
          CHECK(tracked::destroyed() == before);
        });
  }
  CHECK(n > 5);
}

// Every operation, interrupted before each of its steps by every operation: it goes on from any
// state in which the other finds it, and the other completes while it is stopped.
using operation = void (*)(pool&);

const std::array<operation, 8> operations{
    [](pool& p) { put_new_on(0, p, 100); },
    [](pool& p) { put_new_on(1, p, 101, 2); },
    [](pool& p) { take_value_on(0, p); },
    [](pool& p) { take_value_on(1, p); },
    [](pool& p) { p.rotate(); },
    [](pool& p) { p.borrow_and_return(); },
    [](pool& p) { put_new_on(2, p, 102, 2); },
    [](pool& p) { CHECK(p.stats().retained < 100); },
};

const std::array<operation, 5> beginnings{
    [](pool&) {},
    [](pool& p) { put_new_on(0, p, 0); },
    [](pool& p) { put_new_on(0, p, 0, 9); },
    [](pool& p) {
      put_new_on(1, p, 0, 3);
      p.rotate();
    },
    [](pool& p) {
      put_new_on(0, p, 0, 3);
      put_new_on(1, p, 3, 3);
      p.rotate();
      put_new_on(0, p, 6, 10);
      put_new_on(1, p, 16);
    },
};

TEST_CASE_METHOD(all_given_back, "operation_interrupted_anywhere_keeps_every_item", "[pool_core]") {
  const std::size_t beginning = GENERATE(range(std::size_t{0}, beginnings.size()));
  // The shard of the third begins within the operations.
  test_sync::set_cpu_count(3);
  std::uint64_t interruptions = 0;
  for (const operation first : operations) {
    for (const operation second : operations) {
      for (std::uint64_t n = 0;; ++n) {
        pool p;
        beginnings[beginning](p);
        const std::uint64_t cycles = p.stats().cycles;
        if (!interrupt(
                n, event::step, [&] { first(p); }, [&] { second(p); })) {
          break;
        }
        ++interruptions;
        const std::uint64_t retained = p.stats().retained;
        REQUIRE(retained == tracked::alive());
        // An interrupted cycle is finished by the gets.
        const bool overdue = p.stats().cycles != cycles;
        const std::size_t taken = take_all(p);
        REQUIRE((taken == retained || (overdue && taken < retained)));
        REQUIRE(tracked::alive() == 0);
        REQUIRE(tracked::misuses() == 0);
      }
    }
  }
  CHECK(interruptions > 1000);
}

}  // namespace

// SPDX-License-Identifier: MIT
// pool_chain.hpp: the list of rings, and the reclamation of rings.
#include <poolproof/pool_chain.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "catch.hpp"
#include "test_sync.hpp"
#include "thieves.hpp"
#include "tracked.hpp"

namespace {

using poolproof::pool_chain;
using poolproof::ring_reclaimer;
using poolproof::std_sync;
using poolproof::test::all_given_back;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::one_producer_nine_thieves;
using poolproof::test::test_sync;
using poolproof::test::value;

// A chain and its reclaimer, as a shard has them. `live_blocks` counts the rings: nothing else
// allocates.
template <class T, class Sync>
struct chain {
  using reclaimer = ring_reclaimer<T, Sync>;
  using tenure = typename reclaimer::tenure;

  // Each is an owner's whole tenure.
  bool push(T* item) { return push(&item, 1) == 1; }
  std::uint32_t push(T* const* items, std::uint32_t count) {
    tenure now(&rings);
    return rings_of.push_head(items, count, now);
  }
  bool reclaim() {
    tenure now(&rings);
    return now.reclaim();
  }
  bool push_range(T* first, std::size_t count) {
    for (std::size_t i = 0; i < count; ++i) {
      if (!push(first + i)) return false;
    }
    return true;
  }
  T* pop() { return rings_of.pop_head(); }
  T* steal() {
    const typename reclaimer::visit inside(rings);
    return rings_of.pop_tail();
  }
  std::vector<T*> steal_all() {
    std::vector<T*> stolen;
    while (T* const item = steal()) stolen.push_back(item);
    return stolen;
  }
  void release() {
    tenure now(&rings);
    rings_of.release_rings(now);
  }

  pool_chain<T, Sync> rings_of;
  reclaimer rings;
};

using steered_chain = chain<int, test_sync>;
using visit = steered_chain::reclaimer::visit;

// Items are the addresses of these.
std::array<int, 1000> things;

TEST_CASE_METHOD(all_given_back, "unused_chain_gives_nothing_and_has_no_ring", "[pool_chain]") {
  steered_chain c;
  CHECK(c.rings_of.looks_empty());
  CHECK(c.rings_of.drained());
  CHECK(c.rings_of.size() == 0);
  CHECK(c.pop() == nullptr);
  CHECK(c.steal() == nullptr);
  c.release();
  CHECK(test_sync::allocations() == 0);
}

TEST_CASE_METHOD(all_given_back, "full_ring_is_followed_by_one_of_twice_the_length",
                 "[pool_chain]") {
  steered_chain c;
  for (const std::size_t filled : {8u, 16u, 32u, 64u}) {
    const std::uint64_t before = test_sync::allocations();
    REQUIRE(c.push_range(&things[filled - 8], filled));
    CHECK(test_sync::allocations() == before + 1);
  }
  CHECK(c.rings_of.size() == 8 + 16 + 32 + 64);
  CHECK_FALSE(c.rings_of.looks_empty());
}

TEST_CASE_METHOD(all_given_back, "owner_pops_the_newest_first_through_all_rings", "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 100));
  for (std::size_t i = 100; i > 0; --i) REQUIRE(c.pop() == &things[i - 1]);
  CHECK(c.pop() == nullptr);
  CHECK(c.rings_of.drained());
}

TEST_CASE_METHOD(all_given_back, "thief_pops_the_oldest_first_through_all_rings", "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 100));
  for (std::size_t i = 0; i < 100; ++i) REQUIRE(c.steal() == &things[i]);
  CHECK(c.steal() == nullptr);
  CHECK(c.rings_of.drained());
}

TEST_CASE_METHOD(all_given_back, "items_pushed_at_once_go_through_a_ring_that_fills_up",
                 "[pool_chain]") {
  steered_chain c;
  std::array<int*, 20> pushed;
  for (std::size_t i = 0; i < pushed.size(); ++i) pushed[i] = &things[i];
  CHECK(c.push(pushed.data(), 20) == 20);
  CHECK(c.rings_of.size() == 20);
  // A call takes from one ring.
  std::array<int*, 20> got{};
  CHECK(c.rings_of.pop_head(got.data(), 20) == 12);
  for (std::size_t i = 0; i < 12; ++i) CHECK(got[i] == &things[19 - i]);
  CHECK(c.rings_of.pop_tail(got.data(), 20) == 8);
  for (std::size_t i = 0; i < 8; ++i) CHECK(got[i] == &things[i]);
}

TEST_CASE_METHOD(all_given_back, "growth_refused_leaves_the_last_of_several_with_the_caller",
                 "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 6));
  std::array<int*, 5> pushed;
  for (std::size_t i = 0; i < pushed.size(); ++i) pushed[i] = &things[6 + i];
  test_sync::refuse_every(1);
  CHECK(c.push(pushed.data(), 5) == 2);
  test_sync::refuse_every(0);
  CHECK(c.steal_all().size() == 8);
}

TEST_CASE_METHOD(all_given_back, "chain_with_an_item_in_any_ring_is_not_drained", "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 9));
  // The youngest ring is empty, the oldest is not.
  CHECK(c.pop() == &things[8]);
  CHECK_FALSE(c.rings_of.drained());
  CHECK(c.rings_of.size() == 8);
  CHECK(c.steal_all().size() == 8);
  CHECK(c.rings_of.drained());
  // The oldest ring is empty, the youngest is not.
  REQUIRE(c.push_range(&things[0], 1));
  CHECK_FALSE(c.rings_of.drained());
  CHECK(c.rings_of.size() == 1);
  c.steal_all();
}

// Go's rings emptied by popHead likewise stay until the cleanup.
TEST_CASE_METHOD(all_given_back, "rings_emptied_by_the_owner_stay_until_released", "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 25));
  for (int i = 0; i < 25; ++i) c.pop();
  CHECK(test_sync::live_blocks() == 3);
  c.release();
  CHECK(test_sync::live_blocks() == 0);
}

// Leaves a chain with a drained ring of 8 that a thief has unlinked, and a full ring of 16: the
// next push adds a ring, and with it retires the unlinked one.
void unlink_first_ring(steered_chain& c) {
  REQUIRE(c.push_range(&things[0], 9));
  for (std::size_t i = 0; i < 9; ++i) REQUIRE(c.steal() == &things[i]);
  REQUIRE(c.push_range(&things[9], 16));
  REQUIRE(test_sync::live_blocks() == 2);
}

TEST_CASE_METHOD(all_given_back, "ring_unlinked_by_a_thief_is_freed_when_the_chain_grows",
                 "[pool_chain]") {
  steered_chain c;
  unlink_first_ring(c);
  REQUIRE(c.push(&things[25]));
  CHECK(test_sync::live_blocks() == 2);
  CHECK(c.steal_all().size() == 17);
}

TEST_CASE_METHOD(all_given_back, "drained_ring_that_no_thief_has_unlinked_is_kept",
                 "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 9));
  for (std::size_t i = 0; i < 8; ++i) REQUIRE(c.steal() == &things[i]);
  REQUIRE(c.push_range(&things[9], 16));
  CHECK(test_sync::live_blocks() == 3);
  CHECK(c.steal_all().size() == 17);
}

TEST_CASE_METHOD(all_given_back, "late_thief_keeps_an_unlinked_ring_until_it_leaves",
                 "[pool_chain]") {
  steered_chain c;
  unlink_first_ring(c);
  {
    const visit late(c.rings);
    REQUIRE(c.push(&things[25]));
    CHECK_FALSE(c.reclaim());
    CHECK(test_sync::live_blocks() == 3);
  }
  CHECK(test_sync::live_blocks() == 3);
  CHECK(c.reclaim());
  CHECK(test_sync::live_blocks() == 2);
}

TEST_CASE_METHOD(all_given_back, "thief_that_comes_after_the_unlinking_keeps_no_ring",
                 "[pool_chain]") {
  steered_chain c;
  unlink_first_ring(c);
  auto late = std::make_unique<visit>(c.rings);
  REQUIRE(c.push(&things[25]));
  const visit newcomer(c.rings);
  CHECK_FALSE(c.reclaim());
  late.reset();
  CHECK(c.reclaim());
  CHECK(test_sync::live_blocks() == 2);
}

TEST_CASE_METHOD(all_given_back, "newcomer_that_leaves_does_not_count_for_the_late_thief",
                 "[pool_chain]") {
  steered_chain c;
  unlink_first_ring(c);
  const visit late(c.rings);
  REQUIRE(c.push(&things[25]));
  for (int i = 0; i < 3; ++i) const visit newcomer(c.rings);
  CHECK_FALSE(c.reclaim());
  CHECK(test_sync::live_blocks() == 3);
}

TEST_CASE_METHOD(all_given_back, "one_of_two_late_thieves_keeps_the_ring", "[pool_chain]") {
  steered_chain c;
  unlink_first_ring(c);
  const visit stays(c.rings);
  {
    const visit leaves(c.rings);
    REQUIRE(c.push(&things[25]));
  }
  CHECK_FALSE(c.reclaim());
  CHECK(test_sync::live_blocks() == 3);
}

TEST_CASE_METHOD(all_given_back, "stopped_thief_keeps_no_more_than_one_retirement",
                 "[pool_chain]") {
  steered_chain c;
  unlink_first_ring(c);
  auto stopped = std::make_unique<visit>(c.rings);
  REQUIRE(c.push(&things[25]));
  // The rings of 16 and 32 are unlinked too, but only the first of 8 waits in the limbo.
  CHECK(c.steal_all().size() == 17);
  REQUIRE(c.push_range(&things[26], 31 + 64));
  REQUIRE(c.steal_all().size() == 31 + 64);
  REQUIRE(c.push(&things[0]));
  CHECK(test_sync::live_blocks() == 4);
  stopped.reset();
  // The next retirement finds the thief gone, and takes the others.
  REQUIRE(c.push_range(&things[1], 64));
  CHECK(test_sync::live_blocks() == 2);
  CHECK(c.steal_all().size() == 65);
}

TEST_CASE_METHOD(all_given_back, "released_chain_starts_again_with_a_short_ring", "[pool_chain]") {
  steered_chain c;
  for (int round = 0; round < 5; ++round) {
    REQUIRE(c.push_range(&things[0], 100));
    CHECK(test_sync::live_blocks() == 4);
    CHECK(c.steal_all().size() == 100);
    c.release();
    CHECK(c.rings_of.looks_empty());
    CHECK(test_sync::live_blocks() == 0);
    REQUIRE(c.push_range(&things[0], 9));
    CHECK(test_sync::live_blocks() == 2);
    for (int i = 0; i < 9; ++i) c.pop();
    c.release();
  }
}

TEST_CASE_METHOD(all_given_back, "owner_that_finds_nothing_hides_the_chain_until_the_next_push",
                 "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 2));
  CHECK(c.steal_all().size() == 2);
  // That is the owner's to do.
  CHECK_FALSE(c.rings_of.looks_empty());
  CHECK(c.pop() == nullptr);
  CHECK(c.rings_of.looks_empty());
  CHECK(c.steal() == nullptr);
  CHECK(c.rings_of.size() == 0);
  REQUIRE(c.push_range(&things[2], 2));
  CHECK_FALSE(c.rings_of.looks_empty());
  CHECK(c.pop() == &things[3]);
  CHECK_FALSE(c.rings_of.looks_empty());
  CHECK(c.steal() == &things[2]);
  CHECK(test_sync::live_blocks() == 1);
}

TEST_CASE_METHOD(all_given_back, "hidden_chain_is_shown_at_its_newest_ring_and_the_others_go",
                 "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 8 + 16));
  for (int i = 0; i < 8 + 16; ++i) REQUIRE(c.pop() != nullptr);
  CHECK(c.pop() == nullptr);
  CHECK(test_sync::live_blocks() == 2);
  // As many as the newest ring has room for, and one more.
  REQUIRE(c.push_range(&things[0], 17));
  CHECK(test_sync::live_blocks() == 2);
  CHECK(c.steal_all().size() == 17);
}

TEST_CASE_METHOD(all_given_back, "items_pushed_at_once_show_a_hidden_ring_that_they_go_beyond",
                 "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push(&things[0]));
  REQUIRE(c.pop() != nullptr);
  REQUIRE(c.pop() == nullptr);
  REQUIRE(c.rings_of.looks_empty());
  std::array<int*, 12> pushed;
  for (std::size_t i = 0; i < pushed.size(); ++i) pushed[i] = &things[i];
  CHECK(c.push(pushed.data(), 12) == 12);
  CHECK(c.steal_all() == std::vector<int*>(pushed.begin(), pushed.end()));
}

TEST_CASE_METHOD(all_given_back, "release_under_a_thief_detaches_now_and_frees_later",
                 "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 9));
  {
    const visit late(c.rings);
    for (int i = 0; i < 9; ++i) c.pop();
    c.release();
    CHECK(c.rings_of.looks_empty());
    CHECK(c.rings_of.pop_tail() == nullptr);
    CHECK(test_sync::live_blocks() == 2);
    // The chain goes on, and nothing more is retired.
    REQUIRE(c.push(&things[0]));
    CHECK(c.pop() == &things[0]);
    c.release();
    CHECK_FALSE(c.rings_of.looks_empty());
    CHECK(test_sync::live_blocks() == 3);
  }
  c.release();
  CHECK(test_sync::live_blocks() == 0);
}

// Or the rings of an idle shard would wait for ever.
TEST_CASE_METHOD(all_given_back, "release_of_a_detached_chain_frees_what_a_thief_held_back",
                 "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 9));
  CHECK(c.steal_all().size() == 9);
  {
    const visit late(c.rings);
    c.release();
  }
  CHECK(test_sync::live_blocks() == 2);
  CHECK(c.rings_of.looks_empty());
  c.release();
  CHECK(test_sync::live_blocks() == 0);
}

TEST_CASE_METHOD(all_given_back, "first_ring_refused_leaves_the_item_with_the_caller",
                 "[pool_chain]") {
  steered_chain c;
  test_sync::refuse_every(1);
  CHECK_FALSE(c.push(&things[0]));
  CHECK(c.rings_of.looks_empty());
  CHECK(c.steal() == nullptr);
  test_sync::refuse_every(0);
  CHECK(c.push(&things[1]));
  CHECK(c.steal() == &things[1]);
}

TEST_CASE_METHOD(all_given_back, "growth_refused_leaves_the_item_with_the_caller", "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 8));
  test_sync::refuse_every(1);
  CHECK_FALSE(c.push(&things[8]));
  CHECK_FALSE(c.push(&things[8]));
  CHECK(c.rings_of.size() == 8);
  // A ring with room needs no memory.
  CHECK(c.steal() == &things[0]);
  CHECK(c.push(&things[9]));
  test_sync::refuse_every(0);
  CHECK(c.push(&things[10]));
  CHECK(c.pop() == &things[10]);
  CHECK(c.pop() == &things[9]);
  CHECK(c.steal_all().size() == 7);
}

TEST_CASE_METHOD(all_given_back, "thief_in_a_slot_makes_the_chain_grow_early", "[pool_chain]") {
  steered_chain c;
  REQUIRE(c.push_range(&things[0], 8));
  // Steps of a steal: enter, tail, next, read, claim, take, vacate, leave.
  constexpr std::uint64_t before_vacate = 6;
  int* stolen = nullptr;
  const bool interrupted = interrupt(
      before_vacate, event::step, [&] { stolen = c.steal(); },
      [&] {
        CHECK(c.rings_of.size() == 7);
        CHECK(c.push(&things[8]));
      });
  CHECK(interrupted);
  CHECK(stolen == &things[0]);
  CHECK(test_sync::live_blocks() == 2);
  CHECK(c.steal_all().size() == 8);
}

TEST_CASE_METHOD(all_given_back, "thief_beaten_to_the_unlinking_goes_on_at_the_next_ring",
                 "[pool_chain]") {
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    steered_chain c;
    REQUIRE(c.push_range(&things[0], 11));
    for (std::size_t i = 0; i < 8; ++i) REQUIRE(c.steal() == &things[i]);
    std::vector<int*> stolen;
    const bool interrupted = interrupt(
        n, event::step, [&] { stolen.push_back(c.steal()); }, [&] { stolen.push_back(c.steal()); });
    if (!interrupted) break;
    ++interruptions;
    stolen.push_back(c.steal());
    std::sort(stolen.begin(), stolen.end());
    REQUIRE(stolen == std::vector{&things[8], &things[9], &things[10]});
    REQUIRE(c.steal() == nullptr);
    // Unlinked once: all that is left of the chain is the ring of 16.
    REQUIRE(c.push_range(&things[0], 17));
    REQUIRE(test_sync::live_blocks() == 2);
    c.steal_all();
  }
  CHECK(interruptions > 0);
}

// A thief that found the chain in use, at a drained ring that it will want to unlink, and is
// overtaken by the chain's detachment, and perhaps by a new beginning.
TEST_CASE_METHOD(all_given_back, "thief_overtaken_by_a_release_keeps_the_rings_it_may_read",
                 "[pool_chain]") {
  const bool pushes_again = GENERATE(false, true);
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    steered_chain c;
    REQUIRE(c.push_range(&things[0], 9));
    for (int i = 0; i < 8; ++i) c.steal();
    std::vector<int*> got;
    const auto owner_works = [&] {
      if (int* const item = c.pop()) got.push_back(item);
      c.release();
      // Before the thief's first step nobody is inside.
      CHECK(test_sync::live_blocks() == (n == 0 ? 0 : 2));
      if (pushes_again) CHECK(c.push(&things[9]));
    };
    const bool interrupted = interrupt(
        n, event::step,
        [&] {
          if (int* const item = c.steal()) got.push_back(item);
        },
        owner_works);
    if (!interrupted) break;
    ++interruptions;
    if (!pushes_again) REQUIRE(c.rings_of.looks_empty());
    while (int* const item = c.steal()) got.push_back(item);
    std::sort(got.begin(), got.end());
    REQUIRE(got == (pushes_again ? std::vector{&things[8], &things[9]} : std::vector{&things[8]}));
    REQUIRE(c.push_range(&things[0], 30));
    REQUIRE(c.steal_all().size() == 30);
  }
  CHECK(interruptions > 0);
}

// The owner's operations, and the thief's, interrupted before each of their steps by each other.
TEST_CASE_METHOD(all_given_back, "operation_interrupted_anywhere_keeps_every_item",
                 "[pool_chain]") {
  enum operation { push, pop, steal, count };
  const auto [first, second] = GENERATE(table<operation, operation>({{push, steal},
                                                                     {push, count},
                                                                     {pop, steal},
                                                                     {pop, count},
                                                                     {steal, push},
                                                                     {steal, pop},
                                                                     {steal, steal},
                                                                     {count, push},
                                                                     {count, pop},
                                                                     {count, steal}}));
  const std::size_t filled = GENERATE(0u, 1u, 8u, 9u, 24u, 25u);
  const bool first_ring_drained = GENERATE(false, true);

  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    steered_chain c;
    REQUIRE(c.push_range(&things[0], filled));
    std::vector<int*> got;
    if (first_ring_drained) {
      for (int i = 0; i < 8; ++i) {
        if (int* const item = c.steal()) got.push_back(item);
      }
    }
    std::size_t pushed = filled;
    const auto operate = [&](operation which) {
      if (which == count) {
        CHECK(c.rings_of.size() <= filled + 1);
      } else if (which == push) {
        CHECK(c.push(&things[pushed++]));
      } else if (int* const item = which == pop ? c.pop() : c.steal()) {
        got.push_back(item);
      }
    };
    const bool interrupted = interrupt(
        n, event::step, [&, f = first] { operate(f); }, [&, s = second] { operate(s); });
    if (!interrupted) break;
    ++interruptions;
    while (int* const item = c.steal()) got.push_back(item);
    REQUIRE(got.size() == pushed);
    std::sort(got.begin(), got.end());
    for (std::size_t i = 0; i < pushed; ++i) REQUIRE(got[i] == &things[i]);
    REQUIRE(c.rings_of.drained());
  }
  // Popping a chain without rings takes no step.
  CHECK((interruptions > 0 || (first == pop && filled == 0)));
}

TEST_CASE_METHOD(all_given_back, "chain_with_one_producer_and_nine_thieves_sees_each_value_once",
                 "[pool_chain]") {
  constexpr std::size_t count = 200000;
  chain<value, std_sync> c;
  const auto result = one_producer_nine_thieves(
      count, [&](value* v) { return c.push(v); }, [&] { return c.pop(); },
      [&] { return c.steal(); });
  CHECK(result.seen_once == result.produced);
  CHECK(result.unfilled == 0);
  CHECK(c.rings_of.drained());
}

}  // namespace

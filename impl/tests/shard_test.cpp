// SPDX-License-Identifier: MIT
// shard.hpp: one CPU's part of a pool, and its turn in a cycle.
#include <poolproof/shard.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "test_sync.hpp"
#include "tracked.hpp"

namespace {

using poolproof::shard;
using poolproof::shard_alignment;
using poolproof::test::all_given_back;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::test_sync;

using test_shard = shard<int, test_sync>;

// Items are the addresses of these.
std::array<int, 100> things;

void push_range(test_shard& s, std::size_t first, std::size_t count) {
  auto held = s.try_own();
  REQUIRE(held);
  for (std::size_t i = 0; i < count; ++i) REQUIRE(held.push(&things[first + i]));
}

// Up to `target`, of a shard without victims. Nothing is refused.
bool turn(test_shard& s, std::uint64_t target) {
  auto held = s.try_own();
  REQUIRE(held);
  REQUIRE(held.victims_drained());
  int* refused[test_shard::owner::most_refused];
  std::uint32_t count = 0;
  const bool has_victims = held.turn(target, refused, count);
  CHECK(count == 0);
  return has_victims;
}

// The next cycle of such a shard.
bool turn_has_victims(test_shard& s) { return turn(s, s.cycle() + 1); }

std::size_t take_all_victims(test_shard& s) {
  auto held = s.try_own();
  REQUIRE(held);
  int* out[100];
  return held.take_victims(out, 100);
}

TEST_CASE("shard_fills_two_pairs_of_cache_lines_or_eight_with_a_magazine", "[shard]") {
  constexpr std::size_t pairs = poolproof::std_sync::sections::compiled ? 8 : 2;
  STATIC_REQUIRE(shard_alignment == 128);
  STATIC_REQUIRE(sizeof(shard<int>) == pairs * shard_alignment);
  STATIC_REQUIRE(alignof(shard<int>) == shard_alignment);
}

// A table has memory of zeros, and constructs no shard in it.
TEST_CASE("new_shard_is_zeros", "[shard]") {
  using made = shard<int>;
  alignas(made) std::array<unsigned char, sizeof(made)> memory;
  std::memset(memory.data(), 0, memory.size());
  // A compiler may think that what lay there before a constructor is gone, or what a constructor
  // has written if nobody reads it.
  const auto escape = [](void* written) { asm volatile("" : : "r"(written) : "memory"); };
  escape(memory.data());
  made* const s = ::new (memory.data()) made;
  escape(s);
  CHECK(std::count(memory.begin(), memory.end(), 0) == std::ptrdiff_t{sizeof(made)});
  s->~shard();
}

// A pace that wrapped round in its byte would count each take as 256.
TEST_CASE("take_of_a_shard_that_looks_often_counts_as_one", "[shard]") {
  shard<int> s;
  s.look_often();
  CHECK(s.own_magazine().takes_of_round() <= 1);
}

TEST_CASE_METHOD(all_given_back, "new_shard_is_empty_and_in_the_first_cycle", "[shard]") {
  test_shard s;
  CHECK(s.cycle() == 0);
  CHECK(s.size() == 0);
  CHECK_FALSE(s.looks_shared());
  CHECK(s.take() == nullptr);
  CHECK(s.steal_private() == nullptr);
  CHECK(s.steal_shared() == nullptr);
  CHECK(s.steal_victim() == nullptr);
  CHECK(s.try_own().pop() == nullptr);
  CHECK(take_all_victims(s) == 0);
  CHECK(test_sync::allocations() == 0);
}

TEST_CASE_METHOD(all_given_back, "owned_shard_has_no_second_owner", "[shard]") {
  test_shard s;
  {
    auto held = s.try_own();
    CHECK(held);
    CHECK_FALSE(s.try_own());
    // Only the rings are owned.
    CHECK(s.give(&things[0]) == nullptr);
    CHECK(s.take() == &things[0]);
    CHECK(held.push(&things[1]));
    CHECK(s.steal_shared() == &things[1]);
  }
  CHECK(s.try_own());
}

TEST_CASE_METHOD(all_given_back, "moved_owner_takes_the_rights_along", "[shard]") {
  test_shard s;
  CHECK_FALSE(test_shard::owner());
  {
    auto held = s.try_own();
    auto moved = std::move(held);
    CHECK_FALSE(held);
    CHECK(moved);
    CHECK_FALSE(s.try_own());
  }
  CHECK(s.try_own());
}

TEST_CASE_METHOD(all_given_back, "owner_pops_the_newest_and_thief_the_oldest", "[shard]") {
  test_shard s;
  push_range(s, 0, 3);
  CHECK(s.looks_shared());
  CHECK(s.size() == 3);
  CHECK(s.try_own().pop() == &things[2]);
  CHECK(s.steal_shared() == &things[0]);
  CHECK(s.steal_victim() == nullptr);
  CHECK(s.size() == 1);
  CHECK(s.try_own().pop() == &things[1]);
  CHECK(s.looks_shared());
  // Found empty once, it need not be looked into again.
  CHECK(s.try_own().pop() == nullptr);
  CHECK_FALSE(s.looks_shared());
  push_range(s, 3, 1);
  CHECK(s.looks_shared());
}

TEST_CASE_METHOD(all_given_back, "owner_and_thief_take_several_at_once", "[shard]") {
  test_shard s;
  std::array<int*, 6> items;
  for (std::size_t i = 0; i < items.size(); ++i) items[i] = &things[i];
  {
    auto held = s.try_own();
    REQUIRE(held.push(items.data(), 6) == 6);
    CHECK(held.pop(items.data(), 2) == 2);
  }
  CHECK(items[0] == &things[5]);
  CHECK(items[1] == &things[4]);
  CHECK(s.steal_shared(items.data(), 3) == 3);
  for (std::size_t i = 0; i < 3; ++i) CHECK(items[i] == &things[i]);
  CHECK(s.steal_shared() == &things[3]);
  CHECK(s.steal_shared(items.data(), 3) == 0);
}

TEST_CASE_METHOD(all_given_back, "thief_hides_what_it_enters_for_nothing_unless_it_is_owned",
                 "[shard]") {
  test_shard s;
  push_range(s, 0, 1);
  CHECK(s.steal_shared() == &things[0]);
  CHECK(s.looks_shared());
  {
    const auto held = s.try_own();
    REQUIRE(held);
    CHECK(s.steal_shared() == nullptr);
    CHECK(s.looks_shared());
  }
  CHECK(s.steal_shared() == nullptr);
  CHECK_FALSE(s.looks_shared());
  push_range(s, 1, 1);
  CHECK(s.steal_shared() == &things[1]);
}

TEST_CASE_METHOD(all_given_back, "turn_makes_victims_of_shared_and_private_items", "[shard]") {
  test_shard s;
  push_range(s, 0, 2);
  CHECK(s.give(&things[2]) == nullptr);
  CHECK(turn_has_victims(s));
  CHECK(s.cycle() == 1);
  CHECK(s.take() == nullptr);
  CHECK(s.steal_shared() == nullptr);
  CHECK_FALSE(s.looks_shared());
  CHECK(s.try_own().pop() == nullptr);
  CHECK(s.size() == 3);
  CHECK(s.steal_victim() == &things[0]);
  CHECK(take_all_victims(s) == 2);
}

TEST_CASE_METHOD(all_given_back, "turn_of_a_shard_with_a_private_item_only_has_a_victim",
                 "[shard]") {
  test_shard s;
  CHECK(s.give(&things[0]) == nullptr);
  CHECK(turn_has_victims(s));
  CHECK(s.steal_victim() == &things[0]);
}

TEST_CASE_METHOD(all_given_back, "turn_of_an_empty_shard_has_no_victims", "[shard]") {
  test_shard s;
  CHECK_FALSE(turn_has_victims(s));
  push_range(s, 0, 9);
  for (int i = 0; i < 9; ++i) s.steal_shared();
  CHECK_FALSE(turn_has_victims(s));
  CHECK(s.cycle() == 2);
}

TEST_CASE_METHOD(all_given_back, "items_put_after_a_turn_are_not_victims", "[shard]") {
  test_shard s;
  s.try_own().skip_to(1);
  push_range(s, 0, 1);
  CHECK(turn_has_victims(s));
  push_range(s, 1, 1);
  CHECK(s.steal_shared() == &things[1]);
  CHECK(s.steal_victim() == &things[0]);
}

TEST_CASE_METHOD(all_given_back, "steal_any_empties_private_part_and_both_chains", "[shard]") {
  for (const std::uint64_t cycle : {0U, 1U}) {
    test_shard s;
    s.try_own().skip_to(cycle);
    push_range(s, 0, 1);
    CHECK(turn_has_victims(s));
    push_range(s, 1, 1);
    CHECK(s.give(&things[2]) == nullptr);
    std::vector<int*> stolen;
    while (int* const item = s.steal_any()) stolen.push_back(item);
    std::sort(stolen.begin(), stolen.end());
    CHECK(stolen == std::vector<int*>{&things[0], &things[1], &things[2]});
    CHECK(s.size() == 0);
  }
}

TEST_CASE_METHOD(all_given_back, "victims_are_taken_up_to_the_room_there_is", "[shard]") {
  test_shard s;
  push_range(s, 0, 10);
  CHECK(turn_has_victims(s));
  auto held = s.try_own();
  int* out[100] = {};
  CHECK(held.take_victims(out, 4) == 4);
  CHECK(out[4] == nullptr);
  CHECK(held.take_victims(out, 6) == 6);
  CHECK(held.take_victims(out, 100) == 0);
}

TEST_CASE_METHOD(all_given_back, "turn_gives_the_drained_victims_memory_back", "[shard]") {
  test_shard s;
  push_range(s, 0, 100);
  CHECK(test_sync::live_blocks() == 4);
  CHECK(turn_has_victims(s));
  CHECK(take_all_victims(s) == 100);
  CHECK(test_sync::live_blocks() == 4);
  CHECK_FALSE(turn_has_victims(s));
  CHECK(test_sync::live_blocks() == 0);
}

TEST_CASE_METHOD(all_given_back, "turn_hands_over_what_finds_no_memory", "[shard]") {
  test_shard s;
  CHECK(s.give(&things[0]) == nullptr);
  test_sync::refuse_every(1);
  int* out[1 + test_shard::owner::most_refused];
  std::uint32_t count = 1;
  CHECK_FALSE(s.try_own().turn(1, out, count));
  CHECK(count == 2);
  CHECK(out[1] == &things[0]);
  CHECK(s.cycle() == 1);
  CHECK(s.take() == nullptr);
}

TEST_CASE_METHOD(all_given_back, "empty_shard_is_through_all_missed_cycles_at_once", "[shard]") {
  test_shard s;
  s.try_own().skip_to(3);
  CHECK_FALSE(turn(s, 10));
  CHECK(s.cycle() == 10);
}

TEST_CASE_METHOD(all_given_back, "shard_with_items_goes_through_one_missed_cycle_at_a_time",
                 "[shard]") {
  test_shard s;
  s.try_own().skip_to(3);
  push_range(s, 0, 1);
  CHECK(turn(s, 10));
  CHECK(s.cycle() == 4);
  CHECK_FALSE(s.try_own().victims_drained());
  CHECK(take_all_victims(s) == 1);
  CHECK(s.try_own().victims_drained());
  CHECK_FALSE(turn(s, 10));
  CHECK(s.cycle() == 10);
}

TEST_CASE_METHOD(all_given_back, "only_a_shard_that_holds_nothing_skips_cycles", "[shard]") {
  test_shard s;
  s.try_own().skip_to(4);
  CHECK(s.cycle() == 4);
  // Never back.
  s.try_own().skip_to(2);
  CHECK(s.cycle() == 4);

  CHECK(s.give(&things[0]) == nullptr);
  s.try_own().skip_to(5);
  CHECK(s.cycle() == 4);
  CHECK(s.take() == &things[0]);

  push_range(s, 0, 1);
  s.try_own().skip_to(5);
  CHECK(s.cycle() == 4);
  CHECK(turn_has_victims(s));
  s.try_own().skip_to(9);
  CHECK(s.cycle() == 5);
  CHECK(take_all_victims(s) == 1);
  s.try_own().skip_to(9);
  CHECK(s.cycle() == 9);
}

TEST_CASE_METHOD(all_given_back, "handle_returned_before_the_close_is_not_out", "[shard]") {
  test_shard s;
  for (int i = 0; i < 3; ++i) CHECK(s.borrows().begin());
  CHECK_FALSE(s.borrows().closed());
  CHECK(s.borrows().end());
  CHECK(s.close_borrows() == 2);
  CHECK(s.borrows().closed());
  CHECK_FALSE(s.borrows().end());
  CHECK_FALSE(s.borrows().end());
}

TEST_CASE_METHOD(all_given_back, "handle_borrowed_after_the_close_is_not_counted", "[shard]") {
  test_shard s;
  CHECK(s.close_borrows() == 0);
  CHECK_FALSE(s.borrows().begin());
}

TEST_CASE_METHOD(all_given_back, "handle_borrowed_during_the_close_is_counted_by_one_of_the_two",
                 "[shard]") {
  for (const bool close_is_interrupted : {false, true}) {
    test_shard s;
    bool counted = false;
    std::int64_t out = 7;
    const auto close = [&] { out = s.close_borrows(); };
    const auto borrow = [&] { counted = s.borrows().begin(); };
    CHECK((close_is_interrupted ? interrupt(0, event::step, close, borrow)
                                : interrupt(0, event::step, borrow, close)));
    CHECK(out == (counted ? 1 : 0));
    CHECK(counted == close_is_interrupted);
  }
}

TEST_CASE_METHOD(all_given_back, "handle_returned_during_the_close_is_counted_once", "[shard]") {
  test_shard s;
  REQUIRE(s.borrows().begin());
  std::int64_t out = 1;
  bool in_time = false;
  CHECK(interrupt(
      0, event::step, [&] { out = s.close_borrows(); }, [&] { in_time = s.borrows().end(); }));
  CHECK(in_time);
  CHECK(out == 0);

  test_shard other;
  REQUIRE(other.borrows().begin());
  CHECK(interrupt(
      0, event::step, [&] { in_time = other.borrows().end(); },
      [&] { out = other.close_borrows(); }));
  CHECK_FALSE(in_time);
  CHECK(out == 1);
}

// A cycle's work and what others may do meanwhile, each interrupted before each of its steps by the
// other.
TEST_CASE_METHOD(all_given_back, "turn_interrupted_anywhere_keeps_every_item", "[shard]") {
  const int other = GENERATE(0, 1, 2, 3, 4, 5);
  const bool turn_is_interrupted = GENERATE(false, true);
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    test_shard s;
    push_range(s, 0, 2);
    CHECK(turn_has_victims(s));
    push_range(s, 2, 8);
    CHECK(s.give(&things[10]) == nullptr);
    std::size_t put = 11;
    std::vector<int*> got;
    const auto keep = [&](int* item) {
      if (item != nullptr) got.push_back(item);
    };
    const auto turn = [&] {
      auto held = s.try_own();
      if (!held) return;
      int* out[3 + test_shard::owner::most_refused];
      std::uint32_t count = held.take_victims(out, 3);
      if (held.victims_drained()) held.turn(s.cycle() + 1, out, count);
      for (std::size_t i = 0; i < count; ++i) got.push_back(out[i]);
    };
    const auto interfere = [&] {
      if (other == 0) keep(s.steal_shared());
      if (other == 1) keep(s.steal_victim());
      if (other == 2) keep(s.steal_private());
      if (other == 3) keep(s.give(&things[put++]));
      // The private item is perhaps counted on both sides of its move.
      if (other == 4) CHECK(s.size() <= 12);
      if (other == 5) {
        if (auto held = s.try_own()) keep(held.pop());
      }
    };
    const bool interrupted = turn_is_interrupted ? interrupt(n, event::step, turn, interfere)
                                                 : interrupt(n, event::step, interfere, turn);
    if (!interrupted) break;
    ++interruptions;
    keep(s.steal_private());
    while (int* const item = s.steal_shared()) got.push_back(item);
    while (int* const item = s.steal_victim()) got.push_back(item);
    std::sort(got.begin(), got.end());
    REQUIRE(got.size() == put);
    for (std::size_t i = 0; i < put; ++i) REQUIRE(got[i] == &things[i]);
  }
  CHECK(interruptions > 0);
}

}  // namespace

// SPDX-License-Identifier: MIT
// pool_dequeue.hpp: the ring of one producer and many consumers.
#include <poolproof/pool_dequeue.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <set>
#include <vector>

#include "catch.hpp"
#include "test_sync.hpp"
#include "thieves.hpp"

namespace {

using poolproof::one_head;
using poolproof::pack;
using poolproof::pool_dequeue;
using poolproof::ring_ends;
using poolproof::std_sync;
using poolproof::unpack;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::one_producer_nine_thieves;
using poolproof::test::test_sync;
using poolproof::test::value;

constexpr std::uint32_t last_index = 0xffffffff;

// A ring with slots of its own.
template <class T, class Sync>
class ring {
 public:
  explicit ring(std::uint32_t length, std::uint32_t start = 0)
      : slots_(new typename pool_dequeue<T, Sync>::slot[length]{}),
        items_(slots_.get(), length, start) {}

  pool_dequeue<T, Sync>* operator->() { return &items_; }

 private:
  std::unique_ptr<typename pool_dequeue<T, Sync>::slot[]> slots_;
  pool_dequeue<T, Sync> items_;
};

// Items are the addresses of these.
std::array<int, 100> things;

using int_ring = ring<int, std_sync>;
using steered_ring = ring<int, test_sync>;

TEST_CASE("packed_ends_unpack_to_the_same", "[pool_dequeue]") {
  STATIC_REQUIRE(unpack(pack({3, 2})) == ring_ends{3, 2});
  for (const std::uint32_t head : {0u, 1u, 0x7fffffffu, 0x80000000u, last_index}) {
    for (const std::uint32_t tail : {0u, 1u, 0x7fffffffu, 0x80000000u, last_index}) {
      CHECK(unpack(pack({head, tail})) == ring_ends{head, tail});
    }
  }
}

TEST_CASE("head_at_its_last_index_wraps_without_touching_the_tail", "[pool_dequeue]") {
  CHECK(unpack(pack({last_index, 5}) + one_head) == ring_ends{0, 5});
  CHECK(unpack(pack({last_index, last_index}) + one_head) == ring_ends{0, last_index});
}

TEST_CASE("ends_on_both_sides_of_the_wrap_have_their_distance", "[pool_dequeue]") {
  CHECK(ring_ends{7, 7}.distance() == 0);
  CHECK(ring_ends{9, 7}.distance() == 2);
  CHECK(ring_ends{3, last_index - 1}.distance() == 5);
}

TEST_CASE("lengths_go_up_to_two_to_the_thirtieth", "[pool_dequeue]") {
  STATIC_REQUIRE(pool_dequeue<int>::max_length == 1u << 30);
}

TEST_CASE("empty_ring_gives_nothing", "[pool_dequeue]") {
  int_ring items(8);
  CHECK(items->length() == 8);
  CHECK(items->size() == 0);
  CHECK(items->pop_head() == nullptr);
  CHECK(items->pop_tail() == nullptr);
}

TEST_CASE("full_ring_rejects_push", "[pool_dequeue]") {
  const std::uint32_t length = GENERATE(1u, 2u, 8u, 64u);
  int_ring items(length);
  for (std::uint32_t i = 0; i < length; ++i) CHECK(items->push_head(&things[i]));
  CHECK(items->size() == length);
  CHECK_FALSE(items->push_head(&things[length]));
  CHECK(items->pop_tail() == &things[0]);
  CHECK(items->push_head(&things[length]));
  CHECK_FALSE(items->push_head(&things[length + 1]));
}

TEST_CASE("owner_pops_the_newest_first", "[pool_dequeue]") {
  int_ring items(4);
  for (std::size_t i = 0; i < 3; ++i) items->push_head(&things[i]);
  CHECK(items->pop_head() == &things[2]);
  CHECK(items->pop_head() == &things[1]);
  CHECK(items->pop_head() == &things[0]);
  CHECK(items->pop_head() == nullptr);
}

TEST_CASE("thief_pops_the_oldest_first", "[pool_dequeue]") {
  int_ring items(4);
  for (std::size_t i = 0; i < 3; ++i) items->push_head(&things[i]);
  CHECK(items->pop_tail() == &things[0]);
  CHECK(items->pop_tail() == &things[1]);
  CHECK(items->pop_tail() == &things[2]);
  CHECK(items->pop_tail() == nullptr);
}

TEST_CASE("several_items_are_pushed_and_popped_at_once_in_their_order", "[pool_dequeue]") {
  int_ring items(8, last_index - 2);
  std::array<int*, 6> pushed;
  for (std::size_t i = 0; i < 6; ++i) pushed[i] = &things[i];
  CHECK(items->push_head(pushed.data(), 6) == 6);
  CHECK(items->size() == 6);

  std::array<int*, 8> got{};
  CHECK(items->pop_tail(got.data(), 2) == 2);
  CHECK(got[0] == &things[0]);
  CHECK(got[1] == &things[1]);
  CHECK(items->pop_head(got.data(), 3) == 3);
  CHECK(got[0] == &things[5]);
  CHECK(got[1] == &things[4]);
  CHECK(got[2] == &things[3]);
  CHECK(items->pop_tail(got.data(), 8) == 1);
  CHECK(got[0] == &things[2]);
  CHECK(items->pop_tail(got.data(), 8) == 0);
  CHECK(items->pop_head(got.data(), 8) == 0);
}

TEST_CASE("push_of_several_takes_as_many_as_there_is_room_for", "[pool_dequeue]") {
  int_ring items(4);
  std::array<int*, 6> pushed;
  for (std::size_t i = 0; i < 6; ++i) pushed[i] = &things[i];
  CHECK(items->push_head(pushed.data(), 3) == 3);
  CHECK(items->push_head(pushed.data() + 3, 3) == 1);
  CHECK(items->push_head(pushed.data() + 4, 2) == 0);
  for (std::size_t i = 0; i < 4; ++i) CHECK(items->pop_tail() == &things[i]);
}

TEST_CASE("emptied_ring_takes_exactly_its_length_again", "[pool_dequeue]") {
  int_ring items(4);
  for (std::size_t round = 0; round < 20; ++round) {
    for (std::size_t i = 0; i < 4; ++i) REQUIRE(items->push_head(&things[round + i]));
    REQUIRE_FALSE(items->push_head(&things[round + 4]));
    // Both ends, in a different mixture each time.
    std::set<int*> popped;
    for (std::size_t i = 0; i < 4; ++i) {
      popped.insert((round + i) % 3 == 0 ? items->pop_head() : items->pop_tail());
    }
    REQUIRE(popped ==
            std::set{&things[round], &things[round + 1], &things[round + 2], &things[round + 3]});
  }
}

TEST_CASE("indices_that_wrap_lose_no_item", "[pool_dequeue]") {
  int_ring items(8, last_index - 3);
  for (std::size_t i = 0; i < 8; ++i) REQUIRE(items->push_head(&things[i]));
  CHECK(items->size() == 8);
  CHECK_FALSE(items->push_head(&things[8]));
  CHECK(items->pop_head() == &things[7]);
  for (std::size_t i = 0; i < 7; ++i) CHECK(items->pop_tail() == &things[i]);
  CHECK(items->pop_tail() == nullptr);
  CHECK(items->pop_head() == nullptr);
}

TEST_CASE("index_that_is_back_at_zero_is_popped_from_the_head", "[pool_dequeue]") {
  int_ring items(2, last_index);
  REQUIRE(items->push_head(&things[0]));
  REQUIRE(items->push_head(&things[1]));
  CHECK(items->pop_head() == &things[1]);
  CHECK(items->pop_head() == &things[0]);
  CHECK(items->pop_head() == nullptr);
}

// pop_tail reads the ends, claims, reads the slot and vacates it. The next four cases let others
// act before one of these steps.
constexpr std::uint64_t before_claim = 1;
constexpr std::uint64_t before_take = 2;
constexpr std::uint64_t before_vacate = 3;

TEST_CASE("slot_not_yet_vacated_rejects_push", "[pool_dequeue]") {
  const std::uint64_t when = GENERATE(as<std::uint64_t>(), before_take, before_vacate);
  steered_ring items(2);
  items->push_head(&things[0]);
  items->push_head(&things[1]);
  int* stolen = nullptr;
  bool pushed = true;
  const bool interrupted = interrupt(
      when, event::step, [&] { stolen = items->pop_tail(); },
      [&] {
        CHECK(items->size() == 1);
        pushed = items->push_head(&things[2]);
      });
  CHECK(interrupted);
  CHECK_FALSE(pushed);
  CHECK(stolen == &things[0]);
  CHECK(items->push_head(&things[2]));
  CHECK(items->pop_tail() == &things[1]);
  CHECK(items->pop_tail() == &things[2]);
}

TEST_CASE("push_of_several_stops_at_a_slot_not_yet_vacated", "[pool_dequeue]") {
  // After the first of three slots has been vacated.
  constexpr std::uint64_t before_second_take = before_vacate + 1;
  steered_ring items(4);
  std::array<int*, 4> pushed;
  for (std::size_t i = 0; i < 4; ++i) pushed[i] = &things[i];
  REQUIRE(items->push_head(pushed.data(), 4) == 4);
  std::array<int*, 3> stolen{};
  std::uint32_t refilled = 4;
  const bool interrupted = interrupt(
      before_second_take, event::step, [&] { CHECK(items->pop_tail(stolen.data(), 3) == 3); },
      [&] { refilled = items->push_head(pushed.data(), 4); });
  CHECK(interrupted);
  CHECK(refilled == 1);
  for (std::size_t i = 0; i < 3; ++i) CHECK(stolen[i] == &things[i]);
  CHECK(items->pop_tail() == &things[3]);
  CHECK(items->pop_tail() == &things[0]);
  CHECK(items->pop_tail() == nullptr);
}

TEST_CASE("thief_that_loses_its_claim_takes_the_next_item", "[pool_dequeue]") {
  steered_ring items(4);
  for (std::size_t i = 0; i < 3; ++i) items->push_head(&things[i]);
  int* late = nullptr;
  const bool interrupted = interrupt(
      before_claim, event::step, [&] { late = items->pop_tail(); },
      [&] { CHECK(items->pop_tail() == &things[0]); });
  CHECK(interrupted);
  CHECK(late == &things[1]);
  CHECK(items->size() == 1);
}

TEST_CASE("thief_that_loses_the_last_item_gets_nothing", "[pool_dequeue]") {
  const bool to_owner = GENERATE(false, true);
  steered_ring items(4);
  items->push_head(&things[0]);
  int* late = &things[1];
  const bool interrupted = interrupt(
      before_claim, event::step, [&] { late = items->pop_tail(); },
      [&] { CHECK((to_owner ? items->pop_head() : items->pop_tail()) == &things[0]); });
  CHECK(interrupted);
  CHECK(late == nullptr);
  CHECK(items->size() == 0);
}

TEST_CASE("owner_that_loses_the_last_item_gets_nothing", "[pool_dequeue]") {
  steered_ring items(4);
  items->push_head(&things[0]);
  int* late = &things[1];
  const bool interrupted = interrupt(
      before_claim, event::step, [&] { late = items->pop_head(); },
      [&] { CHECK(items->pop_tail() == &things[0]); });
  CHECK(interrupted);
  CHECK(late == nullptr);
  CHECK(items->push_head(&things[1]));
}

TEST_CASE("ends_that_are_back_at_their_value_give_the_item_now_there", "[pool_dequeue]") {
  steered_ring items(4);
  items->push_head(&things[0]);
  int* late = nullptr;
  const bool interrupted = interrupt(
      before_claim, event::step, [&] { late = items->pop_tail(); },
      [&] {
        CHECK(items->pop_head() == &things[0]);
        items->push_head(&things[1]);
      });
  CHECK(interrupted);
  CHECK(late == &things[1]);
}

// Every operation, interrupted before each of its steps by every operation that another thread may
// run at that moment.
TEST_CASE("operation_interrupted_anywhere_keeps_every_item", "[pool_dequeue]") {
  const std::uint32_t filled = GENERATE(0u, 1u, 2u);
  const int first = GENERATE(0, 1, 2);
  const int second = GENERATE(0, 1, 2);
  // Pushes and pops of the head are the owner's: only one of the two can be.
  if (first != 2 && second != 2) return;
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    steered_ring items(2, last_index);
    for (std::size_t i = 0; i < filled; ++i) items->push_head(&things[i]);
    std::vector<int*> popped;
    std::size_t pushed = filled;
    const auto operate = [&](int which) {
      if (which == 0) {
        if (items->push_head(&things[pushed])) ++pushed;
      } else if (int* const item = which == 1 ? items->pop_head() : items->pop_tail()) {
        popped.push_back(item);
      }
    };
    const bool interrupted = interrupt(
        n, event::step, [&] { operate(first); }, [&] { operate(second); });
    if (!interrupted) break;
    ++interruptions;
    while (int* const item = items->pop_tail()) popped.push_back(item);
    REQUIRE(popped.size() == pushed);
    REQUIRE(std::set<int*>(popped.begin(), popped.end()).size() == pushed);
    REQUIRE(items->push_head(&things[10]));
    REQUIRE(items->push_head(&things[11]));
  }
  CHECK(interruptions > 0);
}

TEST_CASE("ring_of_16_with_one_producer_and_nine_thieves_sees_each_value_once", "[pool_dequeue]") {
  // The second start makes the indices wrap, as in Go's own test.
  const std::uint32_t start = GENERATE(0u, last_index - 499);
  // The ring is full each sixteen values at least, and then ten threads yield: a time slice each,
  // on a busy machine.
  constexpr std::size_t count = 20000;
  ring<value, std_sync> items(16, start);
  const auto result = one_producer_nine_thieves(
      count, [&](value* v) { return items->push_head(v); }, [&] { return items->pop_head(); },
      [&] { return items->pop_tail(); });
  CHECK(result.seen_once == result.produced);
  CHECK(result.unfilled == 0);
  CHECK(items->size() == 0);
}

}  // namespace

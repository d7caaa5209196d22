// SPDX-License-Identifier: MIT
// The ring of Go's poolDequeue with two slots, an owner and thieves: known counts (every po, rf,
// co).

#include <checker/model.hpp>

#include <atomic>
#include <cstdint>

#include "../examples/go_ring.hpp"
#include "catch.hpp"

using namespace checker;

namespace {

// Everything seq_cst, but the failure orders.
struct strong_orders {
  static constexpr std::memory_order look = std::memory_order_seq_cst;
  static constexpr std::memory_order look_at_slot = std::memory_order_seq_cst;
  static constexpr std::memory_order fill = std::memory_order_seq_cst;
  static constexpr std::memory_order publish = std::memory_order_seq_cst;
  static constexpr std::memory_order claim_head = std::memory_order_seq_cst;
  static constexpr std::memory_order claim_tail = std::memory_order_seq_cst;
  static constexpr std::memory_order vacate_head = std::memory_order_seq_cst;
  static constexpr std::memory_order vacate_tail = std::memory_order_seq_cst;
};

// The value is handed back too early: who fills the slot again need not see that it was read.
struct early_vacate : minimal_orders {
  static constexpr std::memory_order vacate_tail = std::memory_order_relaxed;
};

template <class Orders, unsigned Pushes, unsigned Pops, unsigned Thieves, unsigned Steals>
using ring = go_ring<Pushes, Pops, Thieves, Steals, attempts::all, Orders>;

statistics checked(const statistics& found) {
  CHECK(found.errors == 0);
  CHECK(found.blocked == 0);
  CHECK(found.cut == 0);
  CHECK(found.duplicates == 0);
  return found;
}

template <unsigned Pushes, unsigned Pops, unsigned Thieves, unsigned Steals>
void check_counts(std::uint64_t strong, std::uint64_t minimal) {
  options chosen;
  chosen.remember_graphs = 1000;
  INFO("ring " << Pushes << ' ' << Pops << ' ' << Thieves << ' ' << Steals);
  CHECK(checked(verify<ring<strong_orders, Pushes, Pops, Thieves, Steals>>(chosen)).complete ==
        strong);
  CHECK(checked(verify<ring<minimal_orders, Pushes, Pops, Thieves, Steals>>(chosen)).complete ==
        minimal);
}

}  // namespace

TEST_CASE("rings_have_the_known_counts") {
  check_counts<2, 0, 1, 1>(5, 5);
  check_counts<2, 1, 1, 1>(12, 12);
  check_counts<3, 0, 1, 2>(35, 41);
  check_counts<3, 3, 1, 2>(199, 205);
  check_counts<3, 0, 2, 1>(265, 265);
}

TEST_CASE("three_pushes_three_pops_and_three_thieves_have_the_known_count") {
  CHECK(checked(verify<ring<minimal_orders, 3, 3, 3, 1>>()).complete == 239'736);
}

TEST_CASE("handing_a_slot_back_without_release_is_a_race_once_the_ring_wraps") {
  CHECK(verify<ring<early_vacate, 2, 0, 1, 1>>().errors == 0);
  const statistics found = verify<ring<early_vacate, 3, 0, 1, 2>>();
  REQUIRE(found.first);
  CHECK(found.first->what == fault::data_race);
}

// The ring of Go's poolDequeue with two slots, an owner and thieves: known counts (every po, rf,
// co).
//
// A slot is two words: an atomic type, which is zero in an empty slot, and a plain value. All
// pushes come first, then all pops. After a failed compare-and-swap, head and tail are loaded
// again.

#include <checker/model.hpp>

#include <array>
#include <atomic>
#include <cstdint>

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

// The weakest that the ring is right with.
struct minimal_orders {
  static constexpr std::memory_order look = std::memory_order_relaxed;
  static constexpr std::memory_order look_at_slot = std::memory_order_acquire;
  static constexpr std::memory_order fill = std::memory_order_relaxed;
  static constexpr std::memory_order publish = std::memory_order_release;
  static constexpr std::memory_order claim_head = std::memory_order_relaxed;
  static constexpr std::memory_order claim_tail = std::memory_order_acquire;
  static constexpr std::memory_order vacate_head = std::memory_order_relaxed;
  static constexpr std::memory_order vacate_tail = std::memory_order_release;
};

// The value is handed back too early: who fills the slot again need not see that it was read.
struct early_vacate : minimal_orders {
  static constexpr std::memory_order vacate_tail = std::memory_order_relaxed;
};

template <class Orders, unsigned Pushes, unsigned Pops, unsigned Thieves, unsigned Steals>
class ring {
 public:
  static constexpr unsigned threads = 1 + Thieves;

  void thread(unsigned index) {
    if (index != 0) {
      for (unsigned i = 0; i != Steals; ++i) pop_tail();
      return;
    }
    for (unsigned i = 0; i != Pushes; ++i) push_head(i + 1);
    for (unsigned i = 0; i != Pops; ++i) pop_head();
  }

 private:
  struct slot {
    atomic<std::uint32_t> type{0};
    var<std::uint32_t> value{0};
  };

  static constexpr std::uint64_t one_head = std::uint64_t{1} << 32;

  static std::uint32_t head_of(std::uint64_t ends) {
    return static_cast<std::uint32_t>(ends >> 32);
  }
  static std::uint32_t tail_of(std::uint64_t ends) { return static_cast<std::uint32_t>(ends); }

  void push_head(std::uint32_t value) {
    const std::uint64_t ends = ends_.load(Orders::look);
    if (tail_of(ends) + 2 == head_of(ends)) return;
    slot& here = slots_[head_of(ends) % 2];
    if (here.type.load(Orders::look_at_slot) != 0) return;
    here.value.set(value);
    here.type.store(1, Orders::fill);
    ends_.fetch_add(one_head, Orders::publish);
  }

  void pop_head() {
    for (;;) {
      std::uint64_t ends = ends_.load(Orders::look);
      if (head_of(ends) == tail_of(ends)) return;
      slot& here = slots_[(head_of(ends) - 1) % 2];
      if (!ends_.compare_exchange_strong(ends, ends - one_head, Orders::claim_head,
                                         std::memory_order_relaxed)) {
        continue;
      }
      require(here.value.get() != 0, "an item is not popped twice");
      here.value.set(0);
      here.type.store(0, Orders::vacate_head);
      return;
    }
  }

  void pop_tail() {
    for (;;) {
      std::uint64_t ends = ends_.load(Orders::look);
      if (head_of(ends) == tail_of(ends)) return;
      slot& here = slots_[tail_of(ends) % 2];
      if (!ends_.compare_exchange_strong(ends, ends + 1, Orders::claim_tail,
                                         std::memory_order_relaxed)) {
        continue;
      }
      require(here.value.get() != 0, "an item is not stolen twice");
      here.value.set(0);
      here.type.store(0, Orders::vacate_tail);
      return;
    }
  }

  std::array<slot, 2> slots_;
  atomic<std::uint64_t> ends_{0};
};

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

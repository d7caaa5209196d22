// The ring of Go's poolDequeue, as a model: an owner pushes and pops at the head, thieves steal
// from the tail. Two slots; a slot is two words, an atomic type, which is zero in an empty slot,
// and a plain value. All pushes come first, then all pops.
//
// The memory orders are a parameter. After a failed compare-and-swap the ends are loaded again.
#pragma once

#include <checker/model.hpp>

#include <array>
#include <atomic>
#include <cstdint>

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

// What becomes of an attempt that lost a race and has changed nothing: `all` keeps it in the
// execution, `last` leaves it to the checker to explore only those that succeed.
enum class attempts { all, last };

template <unsigned Pushes, unsigned Pops, unsigned Thieves, unsigned Steals,
          attempts Kept = attempts::all, class Orders = minimal_orders>
class go_ring {
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
  static constexpr std::uint32_t size = 2;
  static constexpr std::uint64_t one_head = std::uint64_t{1} << 32;
  static constexpr auto failure = std::memory_order_relaxed;

  struct slot {
    checker::atomic<std::uint32_t> type{0};
    checker::var<std::uint32_t> value{0};
  };

  static std::uint32_t head_of(std::uint64_t ends) {
    return static_cast<std::uint32_t>(ends >> 32);
  }
  static std::uint32_t tail_of(std::uint64_t ends) { return static_cast<std::uint32_t>(ends); }

  template <class Attempt>
  static void retry(Attempt attempt) {
    if constexpr (Kept == attempts::last) {
      checker::await(attempt);
    } else {
      while (!attempt()) {
      }
    }
  }

  void push_head(std::uint32_t value) {
    const std::uint64_t ends = ends_.load(Orders::look);
    if (tail_of(ends) + size == head_of(ends)) return;
    slot& here = slots_[head_of(ends) % size];
    if (here.type.load(Orders::look_at_slot) != 0) return;
    here.value.set(value);
    here.type.store(1, Orders::fill);
    ends_.fetch_add(one_head, Orders::publish);
  }

  void pop_head() {
    slot* mine = nullptr;
    retry([&] {
      std::uint64_t ends = ends_.load(Orders::look);
      if (head_of(ends) == tail_of(ends)) return true;
      slot& here = slots_[(head_of(ends) - 1) % size];
      if (!ends_.compare_exchange_strong(ends, ends - one_head, Orders::claim_head, failure))
        return false;
      mine = &here;
      return true;
    });
    if (mine == nullptr) return;
    checker::require(mine->value.get() != 0, "an item is not popped twice");
    mine->value.set(0);
    mine->type.store(0, Orders::vacate_head);
  }

  void pop_tail() {
    slot* mine = nullptr;
    retry([&] {
      std::uint64_t ends = ends_.load(Orders::look);
      if (head_of(ends) == tail_of(ends)) return true;
      slot& here = slots_[tail_of(ends) % size];
      if (!ends_.compare_exchange_strong(ends, ends + 1, Orders::claim_tail, failure)) {
        return false;
      }
      mine = &here;
      return true;
    });
    if (mine == nullptr) return;
    checker::require(mine->value.get() != 0, "an item is not stolen twice");
    mine->value.set(0);
    mine->type.store(0, Orders::vacate_tail);
  }

  std::array<slot, size> slots_;
  checker::atomic<std::uint64_t> ends_{0};
};

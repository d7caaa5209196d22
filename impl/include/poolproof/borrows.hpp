// SPDX-License-Identifier: MIT
// How many handles are out, as one shard counts them: those that no section counts.
//
// Who owns what
//   B1. A handle is counted once when it is borrowed and once when it is returned, wherever that
//       is: only the sum over all shards means something.
//   B2. From the mark on the count is the closer's.
//
// Stands on: sync.
#pragma once

#include <poolproof/sync.hpp>

namespace poolproof {

template <sync_policy Sync>
class borrow_count {
 public:
  // Counts a handle that is borrowed here. False if the pool is closed: it is then not counted.
  // Anyone; wait-free.
  [[nodiscard]] bool begin() noexcept {
    // [borrow_begin.add] relaxed: coherence with [borrow_close.mark]; a handle is counted before
    // the mark, or sees it. What is added after the mark means nothing to anybody.
    return (count_.fetch_add(one_borrow, std::memory_order_relaxed) & closed_mark) == 0;
  }

  // Counts a handle that is returned here, wherever it came from. False if the pool was closed
  // before: then the count has become the closer's, and what the caller has put since then is its
  // own to clear away. Anyone; wait-free.
  [[nodiscard]] bool end() noexcept {
    // [borrow_end.sub] acq_rel: acquire pairs with [borrow_close.mark]; so that a late handle
    // finds the closer's count prepared; release pairs with [borrow_close.mark]; so that the
    // closer finds the item that the handle has put.
    return (count_.fetch_sub(one_borrow, std::memory_order_acq_rel) & closed_mark) == 0;
  }

  // True if the pool is closed: a handle then need not put its item. Anyone; wait-free.
  bool closed() const noexcept {
    // [closed.look] relaxed: hint, rechecked by [borrow_end.sub].
    return (count_.load(std::memory_order_relaxed) & closed_mark) != 0;
  }

  // How many more handles were borrowed here than returned. Anyone; wait-free; for statistics.
  std::int64_t out() const noexcept {
    // [out.read] relaxed: counter; what it means is B1.
    return static_cast<std::int64_t>(count_.load(std::memory_order_relaxed)) / one_borrow;
  }

  // Sets the mark, and returns how many more handles were borrowed here than returned: a negative
  // number if they came from elsewhere. Once, by the pool's destructor.
  std::int64_t close() noexcept {
    // [borrow_close.mark] acq_rel: acquire pairs with [borrow_end.sub]; so that what handles have
    // put before is found; release pairs with [borrow_end.sub]; so that a handle that comes later
    // finds the closer's count prepared.
    return static_cast<std::int64_t>(count_.fetch_add(closed_mark, std::memory_order_acq_rel)) /
           one_borrow;
  }

 private:
  // Twice the number of handles, modulo 2^64, and the mark in the lowest bit.
  static constexpr std::uint64_t closed_mark = 1;
  static constexpr std::int64_t one_borrow = 2;

  typename Sync::template atomic<std::uint64_t> count_{0};
};

}  // namespace poolproof

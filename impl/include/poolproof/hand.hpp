// SPDX-License-Identifier: MIT
// Items in the hands of one call of an object_pool that moves several.
//
//     items    [ ... | newest ... oldest ]   to be put: the next is added before the newest
//              [ oldest ... newest | ... ]   taken: the newest is handed out next
//
// What is left in a hand at its end, also by an exception, is put: the last first, as sections give
// several.
//
// Stands on: shard.
#pragma once

#include <poolproof/shard.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>

namespace poolproof {

template <class T, class Deleter, sync_policy Sync>
class object_pool;

template <class T, class Deleter, sync_policy Sync>
class hand {
 public:
  using pool = object_pool<T, Deleter, Sync>;
  using item = std::unique_ptr<T, Deleter>;

  // From so many items on a hand is faster than so many calls.
  static constexpr std::size_t several = 16;

  // Whether a range is known to have fewer.
  template <class Input, class End>
  static bool is_few(const Input& first, const End& last) {
    if constexpr (std::sized_sentinel_for<End, Input>) {
      return static_cast<std::size_t>(last - first) < several;
    }
    return false;
  }

  explicit hand(pool& of) noexcept : pool_(of) {}
  ~hand() {
    while (!empty()) {
      const auto count = static_cast<std::uint32_t>(end_ - begin_);
      end_ -= Sync::sections::give_some(pool_.near_, begin_, count);
      if (!empty()) pool_.put_slow(*--end_);
    }
  }
  hand(const hand&) = delete;
  hand& operator=(const hand&) = delete;

  bool empty() const noexcept { return begin_ == end_; }
  bool full() const noexcept { return begin_ == items_; }

  // Takes what the current CPU has at hand, up to `most` items, into an empty hand. Progress as
  // get.
  void take(std::size_t most) noexcept {
    if (pool_.near_.reach() == 0) return;
    const auto room = static_cast<std::uint32_t>((std::min)(most, std::size(items_)));
    begin_ = items_;
    end_ = items_ + pool_.direct_core()->get_near(items_, room);
  }

  // Hands one out that was taken; there must be one.
  item next() noexcept { return item(*--end_); }

  // Takes over an item to be put; there must be room. Null is ignored.
  void add(item given) noexcept {
    if (given != nullptr) *--begin_ = given.release();
  }

 private:
  pool& pool_;
  T* items_[shard<T, Sync>::handful];
  T** begin_ = std::end(items_);
  T** end_ = std::end(items_);
};

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// An item that goes back at the end of its scope: the peer's own handle, or what a program would
// write around its get and put.
#pragma once

#include <utility>

#include "harness.hpp"

namespace pool_bench {

template <class Pool>
class guard {
 public:
  guard() = default;
  [[gnu::always_inline]] explicit guard(Pool& pool) : pool_(&pool), item_(pool.get()) {}
  [[gnu::always_inline]] guard(guard&& from) noexcept
      : pool_(std::exchange(from.pool_, nullptr)), item_(std::move(from.item_)) {}
  [[gnu::always_inline]] guard& operator=(guard&& from) noexcept {
    give_back();
    pool_ = std::exchange(from.pool_, nullptr);
    item_ = std::move(from.item_);
    return *this;
  }
  [[gnu::always_inline]] ~guard() { give_back(); }

  auto* get() const { return item_.get(); }

 private:
  [[gnu::always_inline]] void give_back() {
    if (pool_ != nullptr) pool_->put(std::move(item_));
  }

  Pool* pool_ = nullptr;
  item_of<Pool> item_;
};

template <class Pool>
[[gnu::always_inline]] inline auto borrow_from(Pool& pool) {
  if constexpr (requires { pool.borrow(); })
    return pool.borrow();
  else
    return guard<Pool>(pool);
}

}  // namespace pool_bench

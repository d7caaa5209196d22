// SPDX-License-Identifier: MIT
// What an object_pool lends by borrow: an item that goes back when its handle ends.
//
// Stands on: pool_core, the standard library.
#pragma once

#include <poolproof/pool_core.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace poolproof {

template <class T, class Deleter, sync_policy Sync>
class object_pool;

// An item on loan. It belongs to one thread at a time, may be moved and destroyed on another
// thread, and may outlive the pool: then its item is destroyed instead of returned.
template <class T, class Deleter, sync_policy Sync>
class handle {
 public:
  // What it has on loan, and detach gives.
  using item = std::unique_ptr<T, Deleter>;

  handle() noexcept = default;
  [[gnu::always_inline]] inline ~handle() {
    if (inner_ != nullptr) give_back();
  }

  // Takes over what the other one has, which is empty then.
  handle(handle&& other) noexcept
      : inner_(std::exchange(other.inner_, nullptr)), item_(std::move(other.item_)) {}

  // By way of a third handle: what this one gives back may contain `other`.
  handle& operator=(handle&& other) noexcept {
    handle taken(std::move(other));
    std::swap(inner_, taken.inner_);
    std::swap(item_, taken.item_);
    return *this;
  }

  // The item; null in an empty handle: default-made, moved from, detached, or the factory gave
  // null.
  T* get() const& noexcept { return item_.get(); }
  T* get() const&& = delete;  // the item would be back in the pool before the pointer is used
  std::add_lvalue_reference_t<T> operator*() const noexcept { return *item_; }
  T* operator->() const noexcept { return item_.get(); }
  explicit operator bool() const noexcept { return item_ != nullptr; }

  // Takes the item out of the pool for good. The handle is empty afterwards.
  [[nodiscard]] item detach() noexcept {
    item taken(std::move(item_));
    if (inner_ != nullptr) std::exchange(inner_, nullptr)->end_borrow();
    return taken;
  }

 private:
  friend class object_pool<T, Deleter, Sync>;

  using core = pool_core<T, Deleter, Sync>;

  // What becomes a handle: in registers, which a handle, as it has a destructor, is not returned
  // in.
  struct loan {
    core* inner;  // null if there is nothing to return to
    T* item;
  };

  explicit handle(const loan& made) noexcept : inner_(made.inner), item_(made.item) {}

  [[gnu::always_inline]] inline void give_back() noexcept {
    T* const given = item_.release();
    if (!Sync::sections::hand_back(inner_->near_of_handles(), given)) [[unlikely]]
      inner_->end_borrow(given);
  }

  core* inner_ = nullptr;  // null: nothing to return to, an item just ends
  item item_;
};

}  // namespace poolproof

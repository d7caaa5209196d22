// SPDX-License-Identifier: MIT
// A pooled item that several share: it goes back to its pool when the last of them is done.
//
//     std::shared_ptr<parser> mine = poolproof::borrow_shared(parsers);
//     std::thread other([theirs = mine] { theirs->parse(...); });
//
// A std::shared_ptr counts its owners in a control block, which std::make_shared allocates each
// time. Here the blocks come from pools, too: where both the item and the block are hits, nothing
// is allocated.
//
//     the last shared_ptr goes      the item goes back to its pool; a weak_ptr finds nothing more
//     the last weak_ptr goes, too   the control block goes back to the blocks' pool
//
// Guarantees
//   - What each owner does with the item before it lets go of it happens before the get that hands
//     the item out again.
//   - Owners may outlive the pool, as handles may: the item is then destroyed by the last of them.
//     A weak_ptr may outlive both.
//   - If memory for the control block is refused, the item goes back, and the exception passes
//     through. What the factory throws passes through, too.
//   - The owners may be on any threads. What goes back does so on the thread of the last one.
//
// The blocks' pools are the process's, one for each size of a block, and never end: see
// immortal.hpp for what that means in a library that dlclose unloads. They have the default cycles,
// and are called "poolproof shared" where pools are listed.
//
// Stands on: immortal, object_pool, the standard library.
#pragma once

#include <poolproof/immortal.hpp>
#include <poolproof/object_pool.hpp>

#include <concepts>
#include <cstddef>
#include <memory>
#include <type_traits>
#include <utility>

namespace poolproof {

// The memory of control blocks of one size.
template <std::size_t Size, std::size_t Alignment>
struct shared_blocks {
  // Bytes provide storage for the object that is made in them, and live on when it ends.
  struct block {
    alignas(Alignment) std::byte bytes[Size];
  };

  static constexpr auto make = [] { return std::unique_ptr<block>(new block); };
  static inline constinit immortal<object_pool<block>> pool{
      make, pool_options{.name = "poolproof shared"}};
};

// What allocates control blocks: memory for one T at a time, from a pool of all that are as large.
template <class T>
class block_allocator {
 public:
  using value_type = T;

  block_allocator() noexcept = default;
  template <class Other>
  block_allocator(const block_allocator<Other>&) noexcept {}

  T* allocate(std::size_t) { return reinterpret_cast<T*>(blocks::pool->get().release()); }
  void deallocate(T* freed, std::size_t) noexcept {
    using block = typename blocks::block;
    blocks::pool->put(std::unique_ptr<block>(reinterpret_cast<block*>(freed)));
  }

  template <class Other>
  bool operator==(const block_allocator<Other>&) const noexcept {
    return true;
  }

 private:
  using blocks = shared_blocks<sizeof(T), alignof(T)>;
};

// Shares what a handle has, of an object_pool, a bounded_pool or a checked_pool. Null for an empty
// one.
template <class Handle>
requires(std::is_nothrow_move_constructible_v<Handle> && !std::is_reference_v<Handle>)
    [[nodiscard]] auto share(Handle lent) {
  using element = std::remove_pointer_t<decltype(lent.get())>;
  // Gives back when it is called, and not when it is destroyed: that is with the last weak_ptr.
  struct return_item {
    Handle lent;
    void operator()(element*) noexcept { static_cast<void>(Handle(std::move(lent))); }
  };
  element* const item = lent.get();
  if (item == nullptr) return std::shared_ptr<element>();
  return std::shared_ptr<element>(item, return_item{std::move(lent)}, block_allocator<std::byte>());
}

// As borrow, in a shared_ptr: of an object_pool or a checked_pool. Null only if the factory returns
// null.
template <class Pool>
requires requires(Pool& pool) { pool.borrow(); }
[[nodiscard]] auto borrow_shared(Pool& pool) { return poolproof::share(pool.borrow()); }

}  // namespace poolproof

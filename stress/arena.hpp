// SPDX-License-Identifier: MIT
// Memory for tests that stop threads at any instruction, or fork while others are at any.
//
// The heap's locks may be held by a stopped thread, and then stop everybody: that would be judged
// as the pool's fault. This memory has no locks and shares one counter only: each thread cuts its
// blocks from chunks of its own and keeps what it frees in lists of its own. So whoever waits here
// waits for the pool.
//
// Stands on: stress.
#pragma once

#include "stressed_sync.hpp"

#include <sys/mman.h>

#include <bit>

namespace stress {

class arena {
 public:
  // A block aligned to `alignment`, which is at most 128; never null. Lock-free.
  static void* allocate(std::size_t size, std::size_t alignment) noexcept {
    if (alignment > unit) fail("the arena cannot align a block like this");
    const std::size_t length = std::bit_ceil(std::max(size, unit));
    outstanding_.fetch_add(1, std::memory_order_relaxed);
    lists& mine = own_lists();
    free_block*& list = mine.of(length);
    if (list != nullptr) return std::exchange(list, list->next);
    return length <= chunk / 4 ? mine.cut(length) : take_shared(length);
  }

  // Overwrites the block, as stressed_sync does. Lock-free.
  static void deallocate(void* memory, std::size_t size) noexcept {
    std::memset(memory, 0xdd, size);
    free_block*& list = own_lists().of(std::bit_ceil(std::max(size, unit)));
    list = ::new (memory) free_block{list};
    outstanding_.fetch_sub(1, std::memory_order_relaxed);
  }

  // Blocks that are allocated now: the sanitizers do not see a leak in here.
  static std::uint64_t outstanding() noexcept {
    return outstanding_.load(std::memory_order_relaxed);
  }

  // Begins anew. Only while nothing is allocated, and no other thread is about to allocate.
  static void reset() noexcept {
    require_equal(outstanding(), 0, "blocks of the arena that nobody gave back");
    used_.store(0, std::memory_order_relaxed);
    age_.fetch_add(1, std::memory_order_relaxed);
  }

 private:
  static constexpr std::size_t unit = 128;
  static constexpr std::size_t chunk = std::size_t{1} << 16;
  static constexpr std::size_t capacity = std::size_t{1} << 30;  // of addresses; memory as touched

  struct free_block {
    free_block* next;
  };

  // What a thread has of the arena. It forgets all when the arena begins anew.
  struct lists {
    std::uint64_t age = 0;
    char* rest = nullptr;
    std::size_t rest_size = 0;
    std::array<free_block*, 64> by_length{};

    free_block*& of(std::size_t length) noexcept {
      return by_length[static_cast<std::size_t>(std::countr_zero(length))];
    }

    void* cut(std::size_t length) noexcept {
      if (rest_size < length) {
        rest = static_cast<char*>(take_shared(chunk));
        rest_size = chunk;
      }
      rest_size -= length;
      return std::exchange(rest, rest + length);
    }
  };

  static lists& own_lists() noexcept {
    static constinit thread_local lists own;
    if (const std::uint64_t now = age_.load(std::memory_order_relaxed); own.age != now) {
      own = lists{};
      own.age = now;
    }
    return own;
  }

  static void* take_shared(std::size_t length) noexcept {
    const std::size_t begin = used_.fetch_add(length, std::memory_order_relaxed);
    if (begin + length > capacity) fail("the arena is exhausted");
    return base_ + begin;
  }

  static char* map() noexcept {
    void* const memory = ::mmap(nullptr, capacity, PROT_READ | PROT_WRITE,
                                MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (memory == MAP_FAILED) fail("no addresses for the arena");
    return static_cast<char*>(memory);
  }

  static inline char* const base_ = map();
  static inline constinit std::atomic<std::size_t> used_{0};
  static inline constinit std::atomic<std::uint64_t> age_{1};
  static inline constinit std::atomic<std::uint64_t> outstanding_{0};
};

// The policy of the stress tests, on the arena.
struct arena_sync : stressed_sync {
  static void* allocate(std::size_t size, std::size_t alignment) noexcept {
    return arena::allocate(size, alignment);
  }
  static void deallocate(void* memory, std::size_t size, std::size_t) noexcept {
    arena::deallocate(memory, size);
  }
  static void* allocate_zeroed(std::size_t size, std::size_t alignment) noexcept {
    return std::memset(allocate(size, alignment), 0, size);
  }
  static void deallocate_zeroed(void* memory, std::size_t size, std::size_t) noexcept {
    arena::deallocate(memory, size);
  }
};

static_assert(poolproof::sync_policy<arena_sync>);

// Makes and destroys items there.
template <class T>
struct arena_delete {
  void operator()(T* item) const noexcept {
    item->~T();
    arena::deallocate(item, sizeof(T));
  }
};

template <class T>
std::unique_ptr<T, arena_delete<T>> make_in_arena() {
  return std::unique_ptr<T, arena_delete<T>>(::new (arena::allocate(sizeof(T), alignof(T))) T);
}

}  // namespace stress

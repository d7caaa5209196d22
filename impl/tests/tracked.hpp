// SPDX-License-Identifier: MIT
// Items that keep books: how many were made and destroyed, and whether one was handed out twice or
// destroyed twice. And the fixture that closes the books at the end of every test case.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <functional>
#include <new>
#include <utility>

#include "catch.hpp"
#include "test_sync.hpp"

namespace poolproof::test {

// An item, to be made by `new` only. Its marks lie before it, in memory that is kept until the end
// of the test case, so that a mistake is counted and not undefined.
class tracked {
 public:
  explicit tracked(int number = 0) noexcept : value(number) {
    marks().alive.store(true, std::memory_order_relaxed);
    constructed_.fetch_add(1, std::memory_order_relaxed);
  }

  ~tracked() {
    destroyed_.fetch_add(1, std::memory_order_relaxed);
    if (!marks().alive.exchange(false, std::memory_order_relaxed)) count_misuse();
    if (marks().held.load(std::memory_order_relaxed)) count_misuse();
    if (when_destroyed_) when_destroyed_(value);
  }

  tracked(const tracked&) = delete;
  tracked& operator=(const tracked&) = delete;

  static void* operator new(std::size_t size);
  static void operator delete(void* memory) noexcept;

  // Says that the caller has the item, and that it no longer has it. Two at once is a misuse, and
  // so is destroying an item that somebody has.
  void hold() noexcept {
    if (!marks().alive.load(std::memory_order_relaxed)) count_misuse();
    if (marks().held.exchange(true, std::memory_order_relaxed)) count_misuse();
  }
  void let_go() noexcept {
    if (!marks().held.exchange(false, std::memory_order_relaxed)) count_misuse();
  }

  // Lets every item call `action` with its value while it is destroyed, until the end of the test
  // case. Only while no other thread is at work.
  static void when_destroyed(std::function<void(int value)> action) {
    when_destroyed_ = std::move(action);
  }

  // Plain: a sanitizer sees it where a put does not happen before the get that returns the item.
  int value;

  static std::uint64_t constructed() noexcept { return constructed_; }
  static std::uint64_t destroyed() noexcept { return destroyed_; }
  static std::uint64_t alive() noexcept { return constructed_ - destroyed_; }
  static std::uint64_t misuses() noexcept { return misuses_; }

  // Frees the memory of destroyed items, and opens new books.
  static void reset() noexcept;

 private:
  struct alignas(std::max_align_t) block {
    std::atomic<bool> alive{false};
    std::atomic<bool> held{false};
    std::atomic<bool> deleted{false};
    block* next = nullptr;
  };

  block& marks() noexcept { return reinterpret_cast<block*>(this)[-1]; }
  static void count_misuse() noexcept { misuses_.fetch_add(1, std::memory_order_relaxed); }

  inline static std::atomic<std::uint64_t> constructed_{0};
  inline static std::atomic<std::uint64_t> destroyed_{0};
  inline static std::atomic<std::uint64_t> misuses_{0};
  inline static std::atomic<block*> graveyard_{nullptr};
  inline static std::function<void(int)> when_destroyed_;
};

inline void* tracked::operator new(std::size_t size) {
  void* const memory = std::malloc(sizeof(block) + size);
  if (memory == nullptr) throw std::bad_alloc();
  return ::new (memory) block + 1;
}

// Relaxed throughout: the books must not order what the pool has left unordered.
inline void tracked::operator delete(void* memory) noexcept {
  block* const buried = static_cast<block*>(memory) - 1;
  if (buried->deleted.exchange(true, std::memory_order_relaxed)) return count_misuse();
  block* newest = graveyard_.load(std::memory_order_relaxed);
  do {
    buried->next = newest;
  } while (!graveyard_.compare_exchange_weak(newest, buried, std::memory_order_relaxed,
                                             std::memory_order_relaxed));
}

inline void tracked::reset() noexcept {
  block* buried = graveyard_.exchange(nullptr, std::memory_order_relaxed);
  while (buried != nullptr) std::free(std::exchange(buried, buried->next));
  when_destroyed_ = nullptr;
  constructed_ = 0;
  destroyed_ = 0;
  misuses_ = 0;
}

// The fixture of every test case: at its end every item is destroyed, once, nothing was handed out
// twice, and all memory is given back.
class all_given_back {
 public:
  all_given_back() {
    tracked::reset();
    test_sync::reset();
    blocks_before_ = test_sync::live_blocks();
  }

  ~all_given_back() noexcept(false) {
    CHECK(tracked::constructed() == tracked::destroyed());
    CHECK(tracked::misuses() == 0);
    CHECK(test_sync::live_blocks() == blocks_before_);
    tracked::reset();
  }

  all_given_back(const all_given_back&) = delete;
  all_given_back& operator=(const all_given_back&) = delete;

 private:
  std::int64_t blocks_before_ = 0;
};

}  // namespace poolproof::test

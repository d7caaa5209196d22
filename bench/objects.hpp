// SPDX-License-Identifier: MIT
// What the pools hold, and the count of what was made and destroyed.
//
// A hit makes and destroys nothing, so counting costs it nothing. A miss pays one uncontended
// locked instruction for it, and one when the object is destroyed. The allocator without a pool
// makes an object every time: its objects are not counted.
#pragma once

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <new>
#include <thread>

namespace pool_bench {

struct census {
  std::uint64_t constructed = 0;
  std::uint64_t destroyed = 0;
  std::uint64_t live() const { return constructed - destroyed; }
};

// Counters on lines of their own; up to 64 threads have one each.
class tally {
 public:
  static void count_construction() { mine().constructed_.fetch_add(1, std::memory_order_relaxed); }
  static void count_destruction() { mine().destroyed_.fetch_add(1, std::memory_order_relaxed); }

  static census total() {
    census sum;
    for (const tally& each : all_) {
      sum.constructed += each.constructed_.load(std::memory_order_relaxed);
      sum.destroyed += each.destroyed_.load(std::memory_order_relaxed);
    }
    return sum;
  }

 private:
  static tally& mine() {
    if (mine_ == nullptr) mine_ = &all_[next_.fetch_add(1) % all_.size()];
    return *mine_;
  }

  static std::array<tally, 64> all_;
  static inline std::atomic<std::size_t> next_{0};
  static inline constinit thread_local tally* mine_ = nullptr;

  alignas(64) std::atomic<std::uint64_t> constructed_{0};
  std::atomic<std::uint64_t> destroyed_{0};
};
inline std::array<tally, 64> tally::all_;

// A cache line of data, as cheap to make as an object can be: what is measured is the way to it.
struct object {
  object() noexcept {}  // leaves the words as they are
  std::array<std::uint64_t, 8> words;
};

struct counted_object : object {
  counted_object() noexcept { tally::count_construction(); }
  ~counted_object() { tally::count_destruction(); }
  counted_object(const counted_object&) = delete;
  counted_object& operator=(const counted_object&) = delete;

  // One call, out of line: so the destructor of a unique_ptr is small enough to be inlined into the
  // measured loops, where it is seen to do nothing.
  [[gnu::noinline]] static void operator delete(counted_object* item, std::destroying_delete_t) {
    item->~counted_object();
    ::operator delete(item);
  }
};

// What a pool is for: making one takes a millisecond.
struct slow_object : counted_object {
  slow_object() { std::this_thread::sleep_for(std::chrono::milliseconds(1)); }
};

// Stands for the use of an item, the same in every scenario: the compiler must have its address,
// must have written all memory before, and knows nothing of memory afterwards.
inline void use(object* const item) {
  benchmark::DoNotOptimize(item);
  benchmark::ClobberMemory();
}

}  // namespace pool_bench

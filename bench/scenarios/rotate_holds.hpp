// SPDX-License-Identifier: MIT
// rotate_holds: how long a cycle keeps a shard from its users at a time. `range(0)` items are put,
// and then two cycles retire and destroy them; nobody else uses the pool, and each hold of a
// shard's ownership is timed. A pair is a hold here.
//
// Counters: hold_mean_ns, hold_p50_ns, hold_p99_ns, hold_p99.9_ns, hold_longest_ns.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <poolproof/object_pool.hpp>
#include <type_traits>

#include "../baselines/poolproof.hpp"
#include "../harness.hpp"
#include "../latencies.hpp"

namespace pool_bench {

// The production policy, which times what lies between an ownership's exchange and its release.
// For one thread.
struct timed_holds : poolproof::std_sync {
  static inline bool measured = false;
  static inline latencies holds;

  // The type of an ownership, and of others, which are never exchanged.
  class word : public std::atomic<bool> {
   public:
    using std::atomic<bool>::atomic;

    bool exchange(bool value, std::memory_order order) noexcept {
      const bool before = std::atomic<bool>::exchange(value, order);
      held_ = this;
      since_ = clock::now();
      return before;
    }
    void store(bool value, std::memory_order order) noexcept {
      std::atomic<bool>::store(value, order);
      if (held_ != this) return;
      held_ = nullptr;
      if (measured) holds.add(nanoseconds_since(since_));
    }

   private:
    static inline const word* held_ = nullptr;
    static inline clock::time_point since_;
  };

  template <class T>
  using atomic = std::conditional_t<std::is_same_v<T, bool>, word, std::atomic<T>>;
};

template <class T>
using pool_with_timed_holds = pool_of_policy<T, timed_holds>;

struct rotate_holds {
  static constexpr const char* name = "rotate_holds";
  using object = counted_object;

  template <class Pool>
  static void run(benchmark::State& state, Pool& pool, recorder& record) {
    const auto crowd = static_cast<std::size_t>(state.range(0));
    timed_holds::holds = latencies();
    record.start();
    for (auto _ : state) {
      for (std::size_t i = 0; i < crowd; ++i) pool.put(std::make_unique<object_of<Pool>>());
      timed_holds::measured = true;
      pool.rotate();
      pool.rotate();
      timed_holds::measured = false;
    }
    report_latencies(record, "hold", timed_holds::holds);
    record.require(timed_holds::holds.total() > crowd / 64, "the cycles took nothing out");
    record.finish(static_cast<std::int64_t>(timed_holds::holds.total()));
  }
};

}  // namespace pool_bench

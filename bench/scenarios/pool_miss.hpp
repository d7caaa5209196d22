// SPDX-License-Identifier: MIT
// pool_miss: what a get costs that finds nothing, where a pool has `shards` shards, as on a machine
// of so many CPUs, of which one uses the pool; and what such a pool holds of memory before it holds
// any item. The CPUs are simulated: the policy says how many there are, and the thread is on one of
// them. What of the shards nobody has touched is no memory of the machine's, and is not counted. A
// pair is one call here.
//
// Counters: unused_bytes (before the first use), empty_bytes (after it), shard_bytes.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <poolproof/object_pool.hpp>

#include "../baselines/poolproof.hpp"
#include "../harness.hpp"
#include "../resident.hpp"

namespace pool_bench {

// The production policy on more CPUs than there are, which counts what it allocates.
template <std::uint32_t Cpus>
struct simulated_cpus : poolproof::std_sync {
  static inline std::size_t allocated = 0;
  static inline void* shards = nullptr;
  static inline std::size_t shards_size = 0;

  static std::size_t bytes() noexcept {
    return allocated + std::min(shards_size, resident_pages(shards, shards_size) * page_size());
  }

  static std::uint32_t cpu_count() noexcept { return Cpus; }
  static void* allocate(std::size_t size, std::size_t alignment) noexcept {
    allocated += size;
    return poolproof::std_sync::allocate(size, alignment);
  }
  static void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    allocated -= size;
    poolproof::std_sync::deallocate(memory, size, alignment);
  }
  // A pool that spills nothing asks once for shards; all else of zeros is rings.
  static void* allocate_zeroed(std::size_t size, std::size_t alignment) noexcept {
    void* const memory = poolproof::std_sync::allocate_zeroed(size, alignment);
    if (alignment == poolproof::shard_alignment) {
      shards = memory;
      shards_size = size;
    } else {
      allocated += size;
    }
    return memory;
  }
  static void deallocate_zeroed(void* memory, std::size_t size, std::size_t alignment) noexcept {
    if (alignment == poolproof::shard_alignment) {
      shards_size = 0;
    } else {
      allocated -= size;
    }
    poolproof::std_sync::deallocate_zeroed(memory, size, alignment);
  }
};

template <std::uint32_t Shards>
struct simulated {
  using policy = simulated_cpus<Shards>;

  template <class T>
  struct pool : pool_of_policy<T, policy> {
    static constexpr std::size_t shard_bytes = sizeof(poolproof::shard<T, policy>);

    std::size_t bytes() const { return sizeof(*this) + policy::bytes(); }
  };
};

struct pool_miss {
  static constexpr const char* name = "pool_miss";
  using object = counted_object;

  template <class Pool>
  static void run(benchmark::State& state, Pool& pool, recorder& record) {
    record.set("unused_bytes", static_cast<double>(pool.bytes()));
    record.require(pool.try_get() == nullptr, "an empty pool has an item");
    record.set("empty_bytes", static_cast<double>(pool.bytes()));
    record.set("shard_bytes", static_cast<double>(Pool::shard_bytes));
    record.start();
    for (auto _ : state) benchmark::DoNotOptimize(pool.try_get());
    record.finish(state.iterations());
  }
};

}  // namespace pool_bench

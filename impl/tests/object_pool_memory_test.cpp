// SPDX-License-Identifier: MIT
// object_pool.hpp: what many small pools take of the machine's memory, and what first uses take of
// its time, where there are many more CPUs than use a pool.
#include <poolproof/object_pool.hpp>

#include "catch.hpp"

#if defined(POOLPROOF_HAS_RSEQ) && !defined(__SANITIZE_ADDRESS__) && \
    !POOLPROOF_HAS_FEATURE(address_sanitizer)

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "../../bench/resident.hpp"
#include "one_cpu.hpp"

namespace {

using pool_bench::resident_bytes;
using poolproof::std_sync;
using poolproof::test::area;
using poolproof::test::leave_rseq;

// A machine of 128 CPUs, as the C library reports one that may be given more than it has.
struct on_128_cpus : std_sync {
  static std::uint32_t cpu_count() noexcept { return 128; }
};

using pool = poolproof::object_pool<int, std::default_delete<int>, on_128_cpus>;

constexpr std::size_t pool_count = 1000;

using durations = std::vector<std::chrono::nanoseconds>;

template <class Operation>
std::chrono::nanoseconds time_of(Operation operation) {
  const auto start = std::chrono::steady_clock::now();
  operation();
  return std::chrono::steady_clock::now() - start;
}

std::chrono::nanoseconds median(durations of) {
  const auto middle = of.begin() + static_cast<std::ptrdiff_t>(of.size() / 2);
  std::nth_element(of.begin(), middle, of.end());
  return *middle;
}

// What the system takes for memory of which one page is written to.
std::chrono::nanoseconds median_fresh_page() {
  durations found;
  std::vector<void*> blocks;
  constexpr std::size_t size = 128 << 10;
  for (std::size_t i = 0; i < pool_count; ++i) {
    found.push_back(time_of([&] {
      blocks.push_back(std_sync::allocate_zeroed(size, 128));
      *static_cast<volatile char*>(blocks.back()) = 1;
    }));
  }
  for (void* const block : blocks) std_sync::deallocate_zeroed(block, size, 128);
  return median(found);
}

// What 1,000 pools have cost.
struct cost {
  std::size_t bytes_each = 0;
  std::chrono::nanoseconds median_first_use{};
};

// Pools that are each used on some CPUs, which this machine need not have: a thread that the kernel
// does not know is on the CPU that it writes itself.
cost use_pools_on(const std::vector<std::uint32_t>& cpus) {
  cost found;
  std::thread([&] {
    leave_rseq();
    const auto be_on = [](std::uint32_t cpu) { area()->cpu_id = cpu; };
    durations first_uses(pool_count);
    be_on(cpus[0]);
    pool().put(std::make_unique<int>());  // the process's first use
    const std::size_t before = resident_bytes();
    const auto pools = std::make_unique<pool[]>(pool_count);
    for (std::size_t i = 0; i < pool_count; ++i) {
      be_on(cpus[0]);
      auto item = std::make_unique<int>();
      first_uses[i] = time_of([&] { pools[i].put(std::move(item)); });
      for (const std::uint32_t cpu : cpus) {
        be_on(cpu);
        REQUIRE(std_sync::cpu() == cpu);
        pools[i].put(std::make_unique<int>());
        pools[i].put(pools[i].get());
      }
    }
    found.bytes_each = (resident_bytes() - before) / pool_count;
    found.median_first_use = median(first_uses);
    for (std::size_t i = 0; i < pool_count; ++i) {
      REQUIRE(pools[i].stats().retained == cpus.size() + 1);
    }
  }).join();
  return found;
}

TEST_CASE("pools_take_memory_for_the_cpus_that_use_them", "[memory]") {
  struct expected {
    std::vector<std::uint32_t> cpus;
    std::size_t most_bytes;
  };
  const auto [cpus, most_bytes] =
      GENERATE(expected{{0}, 8 << 10}, expected{{0, 1}, 8 << 10}, expected{{0, 127}, 12 << 10});
  const cost found = use_pools_on(cpus);
  CHECK(found.bytes_each <= most_bytes);
  CHECK(found.bytes_each >= sizeof(pool));
  // Nearly all of it is the system's, for one page: a time for each CPU would be a hundred of them.
  const auto fresh_page = median_fresh_page();
  std::printf(
      "128 CPUs, used on %zu, the last is %u: %.1f KiB a pool, first use %.1f us, a fresh page "
      "%.1f us\n",
      cpus.size(), cpus.back(), static_cast<double>(found.bytes_each) / 1024,
      static_cast<double>(found.median_first_use.count()) / 1e3,
      static_cast<double>(fresh_page.count()) / 1e3);
  CHECK(found.median_first_use < 10 * fresh_page);
}

}  // namespace

#else

TEST_CASE("memory_of_pools_is_not_measured_here", "[memory]") {
  WARN("what a pool takes is measured where threads can choose their CPU, and natively");
}

#endif

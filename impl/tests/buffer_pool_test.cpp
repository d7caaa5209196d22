// SPDX-License-Identifier: MIT
// buffer_pool.hpp: classes of sizes, buffers that come back to theirs, and the memory_resource.
#include <poolproof/buffer_pool.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <limits>
#include <memory_resource>
#include <new>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "catch.hpp"
#include "stays_on_cpu.hpp"

namespace {

using poolproof::buffer_pool;
using poolproof::pool_stats;
using poolproof::test::allocations;
using poolproof::test::allocations_are_refused;
using poolproof::test::sees_allocations;
using poolproof::test::stays_on_cpu;
using buffer = buffer_pool::buffer;

constexpr std::size_t largest = buffer_pool::largest_class;
constexpr std::array<std::size_t, 3> three_sizes{64, 4096, 1 << 20};

// Writes the first bytes and the last: a sanitizer sees whether they are there. Those in between
// would take most of the test's time.
void fill_ends(void* bytes, std::size_t size) {
  const std::size_t some = std::min(size, std::size_t{4096});
  std::memset(bytes, 1, some);
  std::memset(static_cast<std::byte*>(bytes) + size - some, 1, some);
}

bool is_aligned(const void* data, std::size_t alignment = buffer_pool::alignment) {
  return reinterpret_cast<std::uintptr_t>(data) % alignment == 0;
}

constinit buffer_pool static_buffers;

TEST_CASE("static_pool_is_of_use", "[buffer_pool]") {
  CHECK(static_buffers.get(100).size() == 128);
  CHECK(static_buffers.stats(100).retained == 1);
}

TEST_CASE("sizes_are_powers_of_two_up_to_the_largest_class", "[buffer_pool]") {
  STATIC_REQUIRE(buffer_pool::size_for(0) == 64);
  STATIC_REQUIRE(buffer_pool::size_for(1) == 64);
  for (std::size_t size = 64; size <= largest; size *= 2) {
    CHECK(buffer_pool::size_for(size) == size);
    CHECK(buffer_pool::size_for(size - 1) == size);
    if (size < largest) CHECK(buffer_pool::size_for(size + 1) == 2 * size);
  }
  CHECK(buffer_pool::size_for(largest + 1) == largest + 1);
}

TEST_CASE("buffer_has_as_many_bytes_as_asked_for_and_begins_on_a_line", "[buffer_pool]") {
  buffer_pool pool;
  for (std::size_t size = 1; size <= largest + 1; size = 2 * size + 1) {
    for (const std::size_t asked : {size - 1, size, size + 1}) {
      const buffer got = pool.get(asked);
      REQUIRE(got);
      CHECK(got.size() >= asked);
      CHECK(got.size() == buffer_pool::size_for(asked));
      CHECK(is_aligned(got.data()));
      fill_ends(got.data(), got.size());
      CHECK(got.span().data() == got.data());
      CHECK(got.span().size() == got.size());
    }
  }
}

TEST_CASE("buffer_comes_back_to_its_class", "[buffer_pool]") {
  buffer_pool pool;
  const std::byte* const address = pool.get(1000).data();
  CHECK(pool.get(1025).data() != address);
  CHECK(pool.get(513).data() == address);
  CHECK(pool.stats(1024).constructions == 1);
  CHECK(pool.stats(1024).retained == 1);
  CHECK(pool.stats(600).bytes == 1024);
  CHECK(pool.stats(2048).bytes == 2048);
  CHECK(pool.stats(64).constructions == 0);
}

TEST_CASE("hit_allocates_nothing", "[buffer_pool]") {
  const stays_on_cpu here;
  buffer_pool pool;
  for (int i = 0; i < 2; ++i) static_cast<void>(pool.get(4096));  // the first takes memory
  const auto before = allocations.load();
  for (std::size_t i = 0; i < 1000; ++i) static_cast<void>(pool.get(4096 - i));
  CHECK(allocations == before);
  CHECK(pool.stats(4096).constructions == 1);
}

TEST_CASE("larger_buffer_is_not_pooled", "[buffer_pool]") {
  if (!sees_allocations) return;
  buffer_pool pool;
  int as_large = 0;
  const auto before = allocations.load();
  // No CHECK meanwhile: some of Catch2's reporters allocate for each.
  for (int i = 0; i < 3; ++i) as_large += pool.get(largest + 1).size() == largest + 1;
  const auto after = allocations.load();
  CHECK(after == before + 3);
  CHECK(as_large == 3);
  CHECK(pool.stats(largest + 1).constructions == 0);
}

TEST_CASE("what_is_not_pooled_is_given_back_to_the_allocator", "[buffer_pool]") {
  if (!sees_allocations) return;
  buffer_pool pool;
  buffer_pool::resource memory(pool);
  const auto before = poolproof::test::deallocations.load();
  static_cast<void>(pool.get(largest + 1));
  buffer kept = pool.get(largest + 1);
  kept = buffer();
  memory.deallocate(memory.allocate(largest + 1, 8), largest + 1, 8);
  memory.deallocate(memory.allocate(8, 128), 8, 128);
  const auto after = poolproof::test::deallocations.load();
  CHECK(after == before + 4);
}

TEST_CASE("class_of_which_no_buffer_fits_is_not_pooled", "[buffer_pool]") {
  buffer_pool pool({.max_bytes = 5000});
  static_cast<void>(pool.get(4500));  // of 8,192 bytes
  CHECK(pool.stats(4500).constructions == 0);
  static_cast<void>(pool.get(4000));
  CHECK(pool.stats(4000).constructions == 1);
}

TEST_CASE("class_holds_no_more_bytes_than_it_may", "[buffer_pool]") {
  buffer_pool pool({.max_bytes = GENERATE(std::size_t{4096}, std::size_t{5000})});
  for (const std::size_t size : {std::size_t{2048}, std::size_t{4096}, std::size_t{8192}}) {
    std::vector<buffer> out;
    for (int i = 0; i < 3; ++i) out.push_back(pool.get(size));
    out.clear();
    CHECK(pool.stats(size).bytes == (size <= 4096 ? 4096 : 0));
    CHECK(pool.stats(size).bound_dropped == (size <= 4096 ? 3 - 4096 / size : 0));
  }
}

TEST_CASE("options_without_sense_are_rejected", "[buffer_pool]") {
  CHECK_THROWS_AS(buffer_pool({.cycle_interval = std::chrono::seconds(0)}), std::invalid_argument);
}

TEST_CASE("classes_bear_the_name_of_their_pool", "[buffer_pool]") {
  buffer_pool pool({.name = "buffers of this test"});
  static_cast<void>(pool.get(100));
  static_cast<void>(pool.get(1000));
  std::uint64_t made = 0;
  poolproof::for_each_pool([&](std::string_view name, const pool_stats& stats) {
    if (name == "buffers of this test") made += stats.constructions;
  });
  CHECK(made == 2);
}

TEST_CASE("two_cycles_empty_all_classes", "[buffer_pool]") {
  buffer_pool pool({.cycle_interval = std::nullopt});
  for (const std::size_t size : three_sizes) static_cast<void>(pool.get(size));
  pool.rotate();
  CHECK(pool.stats(4096).retained == 1);
  pool.rotate();
  for (const std::size_t size : three_sizes) CHECK(pool.stats(size).retained == 0);
}

TEST_CASE("buffers_outlive_their_pool", "[buffer_pool]") {
  std::optional<buffer_pool> pool(std::in_place);
  buffer small = pool->get(100);
  buffer large = pool->get(largest + 1);
  pool.reset();
  std::memset(small.data(), 1, small.size());
  std::memset(large.data(), 1, 1);
}

TEST_CASE("buffer_is_moved_and_not_copied", "[buffer_pool]") {
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<buffer>);
  STATIC_REQUIRE(std::is_nothrow_move_constructible_v<buffer>);
  STATIC_REQUIRE(std::is_nothrow_move_assignable_v<buffer>);
  buffer_pool pool;
  for (const std::size_t size : {std::size_t{100}, largest + 1}) {
    buffer first = pool.get(size);
    const std::byte* const address = first.data();
    buffer second = std::move(first);
    CHECK_FALSE(first);
    CHECK(first.data() == nullptr);
    CHECK(first.size() == 0);
    CHECK(second.data() == address);
    first = std::move(second);
    CHECK(first.data() == address);
    buffer& same = first;
    first = std::move(same);
    CHECK(first.data() == address);
    first = pool.get(size);  // and what it had goes back
    first = buffer();
  }
  CHECK(pool.stats(100).retained == 2);
}

TEST_CASE("refused_memory_passes_through", "[buffer_pool]") {
  if (!sees_allocations) return;
  buffer_pool pool;
  allocations_are_refused = true;
  std::array<bool, 2> refused{};
  for (std::size_t i = 0; i < 2; ++i) {
    try {
      static_cast<void>(pool.get(i == 0 ? 100 : largest + 1));
    } catch (const std::bad_alloc&) {
      refused[i] = true;
    }
  }
  allocations_are_refused = false;
  CHECK(refused[0]);
  CHECK(refused[1]);
  CHECK(pool.get(100));
}

// A few bytes that were called so many would be everybody's memory.
TEST_CASE("size_that_nobody_has_is_refused", "[buffer_pool]") {
  if (!sees_allocations) return;
  buffer_pool pool;
  buffer_pool::resource memory(pool);
  constexpr std::size_t last = std::numeric_limits<std::size_t>::max();
  for (const std::size_t size : {last, last - 5, last - 62, last - 63, last / 2 + 1}) {
    INFO(size);
    CHECK_THROWS_AS(pool.get(size), std::bad_alloc);
    for (const std::size_t alignment : std::array<std::size_t, 4>{1, 64, 128, 4096}) {
      CHECK_THROWS_AS(memory.allocate(size, alignment), std::bad_alloc);
    }
  }
}

TEST_CASE("containers_take_from_the_resource_and_give_back", "[buffer_pool]") {
  buffer_pool pool;
  buffer_pool::resource memory(pool);
  for (int i = 0; i < 3; ++i) {
    std::pmr::vector<int> numbers(&memory);
    numbers.resize(1000);
    CHECK(is_aligned(numbers.data()));
    std::pmr::vector<int> copy(numbers, &memory);
    CHECK(numbers.get_allocator() == copy.get_allocator());
  }
  CHECK(pool.stats(1000 * sizeof(int)).constructions == 2);
  CHECK(pool.stats(1000 * sizeof(int)).retained == 2);
  CHECK_FALSE(memory.is_equal(*std::pmr::new_delete_resource()));
}

TEST_CASE("resource_gives_whatever_alignment_is_asked_for", "[buffer_pool]") {
  buffer_pool pool;
  buffer_pool::resource memory(pool);
  for (const std::size_t alignment : std::array<std::size_t, 4>{1, 64, 128, 4096}) {
    for (const std::size_t size : {std::size_t{1}, std::size_t{4096}, largest + 1}) {
      void* const got = memory.allocate(size, alignment);
      CHECK(is_aligned(got, alignment));
      fill_ends(got, size);
      memory.deallocate(got, size, alignment);
    }
  }
  CHECK(pool.stats(1).constructions == 1);
  CHECK(pool.stats(4096).constructions == 1);
}

// No two threads have a buffer at once, and a sanitizer sees it if one reads what another has
// written without order.
TEST_CASE("threads_share_buffers_of_all_sizes", "[buffer_pool]") {
  buffer_pool pool;
  std::atomic<int> wrong{0};
  const auto work = [&](int mine) {
    for (std::size_t i = 0; i < 3000; ++i) {
      const buffer got = pool.get((i * 37) % 5000);
      std::memset(got.data(), mine, got.size());
      for (const std::byte each : got.span().first(64)) wrong += each != std::byte(mine);
    }
  };
  {
    std::vector<std::jthread> threads;
    for (int i = 1; i <= 4; ++i) threads.emplace_back(work, i);
  }
  CHECK(wrong == 0);
  std::uint64_t made = 0;
  std::uint64_t held = 0;
  for (std::size_t size = 64; size <= 8192; size *= 2) {
    made += pool.stats(size).constructions;
    held += pool.stats(size).retained;
  }
  CHECK(made == held);
  CHECK(made < 3000);
}

}  // namespace

// SPDX-License-Identifier: MIT
// What scripts/ports.py compiles for each architecture and runs there, emulated: that the pin's
// index is that of a CPU, and that threads which share a pool share each item with nobody. What
// stands on the pool is compiled.
#include <poolproof/borrow_shared.hpp>
#include <poolproof/bounded_pool.hpp>
#include <poolproof/buffer_pool.hpp>
#include <poolproof/checked_pool.hpp>
#include <poolproof/object_pool.hpp>
#include <poolproof/prometheus.hpp>
#include <poolproof/trimmer.hpp>

#include <array>
#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

// The first of a program's own, seen from other files: else a compiler drops it. Where the C
// library has no area for rseq, it says that the area is here. Not zero: those come later.
thread_local std::array<std::uint32_t, 64> first_thread_local{1};

namespace {

using poolproof::std_sync;

void require(bool holds, const char* what) {
  if (holds) return;
  std::printf("FAILED: %s\n", what);
  std::exit(EXIT_FAILURE);
}

void index_is_of_a_cpu_whatever_is_thread_local() {
  for (const std::uint32_t value : {0u, 7u, 1234u, 99999u}) {
    first_thread_local.fill(value);
    require(std_sync::cpu() < std_sync::cpu_count(), "the index is one of a CPU");
  }
}

std::atomic<int> alive{0};

struct item {
  item() { ++alive; }
  ~item() { --alive; }
  item(const item&) = delete;
  item& operator=(const item&) = delete;

  void use() {
    require(!used.exchange(true), "an item is handed out to one thread at a time");
    for (int& each : content) ++each;
    for (const int each : content)
      require(each == content[0], "an item is as its last user left it");
    used = false;
  }

  std::atomic<bool> used{false};
  std::array<int, 16> content{};
};

constexpr int threads = 4;
constexpr int rounds = 3000;

void user(poolproof::object_pool<item>& pool, int self) {
  std::vector<std::unique_ptr<item>> kept;
  for (int i = 0; i < rounds; ++i) {
    pool.borrow()->use();
    auto mine = i % 2 == 0 ? pool.get() : pool.try_get();
    if (mine != nullptr) {
      mine->use();
      kept.push_back(std::move(mine));
    }
    // Bursts, so that items go through the rings, and are stolen there.
    if (i % 64 == 63) {
      for (auto& each : kept) pool.put(std::move(each));
      kept.clear();
    }
    if (i % 256 == 64 * self) pool.rotate();
  }
  for (auto& each : kept) pool.put(std::move(each));
}

void threads_share_a_pool() {
  poolproof::object_pool<item> pool;
  {
    std::vector<std::jthread> users;
    for (int i = 0; i < threads; ++i) users.emplace_back([&pool, i] { user(pool, i); });
  }
  const auto stats = pool.stats();
  require(static_cast<int>(stats.retained) == alive, "the pool holds all items that are alive");
  require(stats.constructions < std::uint64_t{threads} * rounds, "items are used again");
  poolproof::rotate_all();
  poolproof::rotate_all();
  require(alive == 0, "two cycles destroy what nobody uses");
  std::printf("pin %d, %llu constructions in %d gets, %llu steals\n", static_cast<int>(stats.pin),
              static_cast<unsigned long long>(stats.constructions), 2 * threads * rounds,
              static_cast<unsigned long long>(stats.steals));
}

}  // namespace

int main() {
  index_is_of_a_cpu_whatever_is_thread_local();
  threads_share_a_pool();
  require(alive == 0, "nothing is left of a pool");
}

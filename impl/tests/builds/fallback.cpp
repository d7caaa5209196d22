// SPDX-License-Identifier: MIT
// The library as a POSIX system that is not Linux compiles it: threads find their shards by a hash.
#include <poolproof/object_pool.hpp>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <latch>
#include <memory>
#include <mutex>
#include <set>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#error "this test is compiled with what the preprocessor knows of Linux undefined"
#endif

namespace {

using poolproof::pin_kind;
using poolproof::std_sync;

void require(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds) std::exit(EXIT_FAILURE);
}

void threads_are_pinned_by_a_hash() {
  poolproof::object_pool<int> pool;
  pool.put(pool.get());
  std::printf("pin: %s\n", poolproof::name_of(pool.stats().pin).data());
  require(std_sync::pin() == pin_kind::thread_hash, "the policy has no CPU number");
  require(pool.stats().pin == pin_kind::thread_hash, "the pool says so");
  require(std_sync::cpu() == std_sync::cpu(), "a thread keeps its index");
  require(std_sync::cpu() < std_sync::cpu_count(), "the index is one of a CPU");
}

// A hash that sent every thread to one shard would pass everything else. The threads exist at the
// same time, so that they differ in what is hashed.
void threads_are_spread() {
  std::mutex mutex;
  std::set<std::uint32_t> indices;
  std::latch all_here(64);
  std::vector<std::jthread> threads;
  for (int i = 0; i < 64; ++i) {
    threads.emplace_back([&] {
      all_here.arrive_and_wait();
      const std::lock_guard lock(mutex);
      indices.insert(std_sync::cpu());
    });
  }
  threads.clear();
  require(indices.size() > 1 || std_sync::cpu_count() == 1, "threads go to different shards");
}

void an_item_goes_from_thread_to_thread() {
  poolproof::object_pool<int> pool;
  auto item = pool.get();
  const int* const address = item.get();
  std::thread([&] { pool.put(std::move(item)); }).join();
  require(pool.try_get().get() == address, "what one thread put, another gets");
}

}  // namespace

int main() {
  threads_are_pinned_by_a_hash();
  threads_are_spread();
  an_item_goes_from_thread_to_thread();
}

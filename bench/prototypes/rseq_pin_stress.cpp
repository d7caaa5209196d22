// Whether the committing-store magazine hands each item out once: many threads on few CPUs take and
// give, with yields between and while a closer empties magazines. An item names who has it.
//     rseq_pin_stress SECONDS THREADS BURST
// BURST 1: an item at a time, and a closer that mostly sleeps, so that workers preempt each other
// in sections. BURST 8: up to eight items, and a closer that never rests, so that it hits sections
// of other CPUs. Built with -DRSEQ_PROTOTYPE_BREAK=1 it must fail with BURST 1, with 2 at BURST 8.
//
// Stands on: rseq_pin.
#include "rseq_pin.hpp"

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <thread>
#include <vector>

#include <sched.h>

using namespace rseq_prototype;

struct object {
  std::atomic<std::uint32_t> owner{0};
};
using shard = magazine_shard<object>;

constexpr std::uint32_t items = 48;  // more than the magazines hold: the list is used, too

int main(int argc, char** argv) {
  const int seconds = argc > 1 ? std::atoi(argv[1]) : 5;
  const unsigned threads = argc > 2 ? static_cast<unsigned>(std::atoi(argv[2])) : 16;
  const unsigned burst = argc > 3 ? static_cast<unsigned>(std::atoi(argv[3])) : 1;
  const unsigned cpus = std::thread::hardware_concurrency();
  if (seconds <= 0 || threads == 0 || burst == 0 || burst > 8 ||
      membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ) != 0) {
    std::fputs(
        "usage: rseq_pin_stress SECONDS THREADS BURST (1 to 8), on a kernel with membarrier\n",
        stderr);
    return 2;
  }
  std::vector<shard> shards(cpus);
  std::vector<object> all(items);
  std::mutex mutex;
  std::vector<object*> list;
  for (object& each : all) list.push_back(&each);
  std::atomic<bool> stop{false};
  std::atomic<std::uint64_t> hits{0}, misses{0}, doubles{0}, closings{0}, emptied{0};

  const auto obtain = [&](std::uint64_t& my_hits, std::uint64_t& my_misses) -> object* {
    shard* found = nullptr;
    object* const mine = take(shards.data(), cpus, found);
    forget_section();
    if (mine != nullptr) {
      ++my_hits;
      return mine;
    }
    ++my_misses;
    const std::lock_guard lock(mutex);
    if (list.empty()) return nullptr;
    object* const listed = list.back();
    list.pop_back();
    return listed;
  };
  const auto give_back = [&](object* mine) {
    const bool given = give(shards.data(), cpus, mine);
    forget_section();
    if (given) return;
    const std::lock_guard lock(mutex);
    list.push_back(mine);
  };
  const auto work = [&](std::uint32_t me) {
    std::uint64_t my_hits = 0, my_misses = 0;
    std::uint32_t random = me * 2654435761u;
    object* mine[8];
    while (!stop.load(std::memory_order_relaxed)) {
      random = random * 1664525u + 1013904223u;
      const std::uint32_t wanted = 1 + (random >> 29) % burst;
      std::uint32_t held = 0;
      while (held < wanted && (mine[held] = obtain(my_hits, my_misses)) != nullptr) ++held;
      for (std::uint32_t i = 0; i < held; ++i)
        if (mine[i]->owner.exchange(me) != 0) doubles.fetch_add(1);
      if ((random >> 16 & 255) == 0) sched_yield();
      for (std::uint32_t i = 0; i < held; ++i)
        if (mine[i]->owner.exchange(0) != me) doubles.fetch_add(1);
      while (held > 0) give_back(mine[--held]);
    }
    hits += my_hits;
    misses += my_misses;
  };
  const auto close_often = [&] {
    object* out[shard::capacity];
    while (!stop.load(std::memory_order_relaxed)) {
      for (shard& each : shards) {
        const std::uint32_t held = close_and_empty(each, out);
        for (std::uint32_t i = 0; i < held; ++i)
          if (out[i]->owner.load() != 0) doubles.fetch_add(1);
        {
          const std::lock_guard lock(mutex);
          list.insert(list.end(), out, out + held);
        }
        reopen(each, shard::capacity);
        ++closings;
        emptied += held;
      }
      if (burst == 1) std::this_thread::sleep_for(std::chrono::microseconds(20));
    }
  };
  std::vector<std::thread> running;
  for (std::uint32_t i = 1; i <= threads; ++i) running.emplace_back(work, i);
  running.emplace_back(close_often);
  std::this_thread::sleep_for(std::chrono::seconds(seconds));
  stop = true;
  for (std::thread& each : running) each.join();
  std::size_t left = list.size();
  for (const shard& each : shards) left += each.count;
  std::printf(
      "hits %llu misses %llu aborts %llu closings %llu emptied %llu; doubles %llu, left %zu of "
      "%u\n",
      static_cast<unsigned long long>(hits), static_cast<unsigned long long>(misses),
      static_cast<unsigned long long>(rseq_prototype_aborts),
      static_cast<unsigned long long>(closings), static_cast<unsigned long long>(emptied),
      static_cast<unsigned long long>(doubles), left, items);
  return doubles == 0 && left == items && hits > 0 && rseq_prototype_aborts > 0 ? 0 : 1;
}

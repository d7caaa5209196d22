// SPDX-License-Identifier: MIT
// A bare spin loop, and what it waits for. If nobody sets that, it spins for ever; if another
// thread waits for a lock meanwhile, that is a deadlock.
// Mended: proved
// Broken: livelock
// Told: T1 spins at spin_flag.cpp:@spins
// Told: it reads flag -> 0, its initial value. Nobody writes it.
// Shown: spins for ever
// Verdict with -DHOLDS: deadlock
// Told with -DHOLDS: deadlock: no thread can go on
// Told with -DHOLDS: guard is locked by T1
// Told with -DHOLDS: which spins.
#include <atomic>
#include <cassert>
#include <mutex>
#include <thread>

[[maybe_unused]] std::mutex guard;

int main() {
  std::atomic<int> flag{0};
  int data = 0;
  std::thread waiting([&] {
#ifdef HOLDS
    const std::lock_guard lock(guard);
#endif
    while (flag.load(std::memory_order_acquire) == 0) {  // @spins
    }
    assert(data == 7);
  });
#ifndef BROKEN
#ifdef HOLDS
  { const std::lock_guard lock(guard); }
#endif
  data = 7;
  flag.store(1, std::memory_order_release);
#endif
  waiting.join();
}

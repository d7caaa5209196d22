// SPDX-License-Identifier: MIT
// Two threads that each announce themselves and look for the other.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <thread>

std::atomic<int> x{0}, y{0};
int seen_by_a = 0, seen_by_b = 0;

void fence() {
#ifndef BROKEN
  std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
}

int main() {
  std::thread a([] {
    x.store(1, std::memory_order_relaxed);
    fence();
    seen_by_a = y.load(std::memory_order_relaxed);
  });
  std::thread b([] {
    y.store(1, std::memory_order_relaxed);
    fence();
    seen_by_b = x.load(std::memory_order_relaxed);
  });
  a.join();
  b.join();
  assert(seen_by_a == 1 || seen_by_b == 1);
}

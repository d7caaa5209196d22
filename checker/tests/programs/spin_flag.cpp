// SPDX-License-Identifier: MIT
// A bare spin loop, and what it waits for.
// Mended: proved
// Broken: deadlock
#include <atomic>
#include <cassert>
#include <thread>

int main() {
  std::atomic<int> flag{0};
  int data = 0;
  std::thread waiting([&] {
    while (flag.load(std::memory_order_acquire) == 0) {
    }
    assert(data == 7);
  });
#ifndef BROKEN
  data = 7;
  flag.store(1, std::memory_order_release);
#endif
  waiting.join();
}

// SPDX-License-Identifier: MIT
// Threads that start threads at the same time.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <thread>

std::atomic<int> sum{0};

int main() {
  std::thread a([] {
    std::thread b([] { sum.fetch_add(1); });
    sum.fetch_add(2);
    b.join();
  });
  std::thread c([] {
    std::thread d([] { sum.fetch_add(4); });
    d.join();
#ifdef BROKEN
    assert(sum.load() >= 5);
#else
    assert(sum.load() >= 4);
#endif
  });
  a.join();
  c.join();
  assert(sum.load() == 7);
}

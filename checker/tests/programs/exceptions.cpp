// SPDX-License-Identifier: MIT
// Exceptions in threads, while other threads have theirs; one that nobody catches.
// Mended: proved
// Broken: uncaught exception
#include <atomic>
#include <cassert>
#include <stdexcept>
#include <thread>

std::atomic<int> x{0};

struct guard {
  ~guard() { x.fetch_add(1); }
};

void work() {
  try {
    guard counts;
    if (x.fetch_add(1) >= 0) throw std::runtime_error("thrown");
  } catch (const std::runtime_error& caught) {
    x.fetch_add(1);
    assert(caught.what()[0] == 't');
    assert(std::uncaught_exceptions() == 0);
  }
}

int main() {
  std::thread a(work);
#ifdef BROKEN
  std::thread b([] {
    if (x.load() == 2) throw 5;
  });
#else
  std::thread b(work);
#endif
  a.join();
  b.join();
}

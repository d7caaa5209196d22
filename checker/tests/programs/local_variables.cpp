// SPDX-License-Identifier: MIT
// Members and elements of local variables that other threads know: clang++ takes those whose own
// address goes nowhere for private, but is told otherwise.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <thread>

struct alignas(16) pair {
  long first, second;
};

int main() {
  struct {
    int counted, published;
  } both{1, 2};
  pair wide{1, 2};
  int message[4] = {};
  std::atomic<bool> ready{false};
  std::thread other([&] {
    std::atomic_ref(both.counted).fetch_add(1);
    std::atomic_ref(wide).store({3, 4});
    message[2] = 42;
#ifdef BROKEN
    ready.store(true, std::memory_order_relaxed);
#else
    ready.store(true, std::memory_order_release);
#endif
  });
  std::atomic_ref(both.counted).fetch_add(10);
  if (ready.load(std::memory_order_acquire)) assert(message[2] == 42);
  other.join();
  assert(both.counted == 12 && both.published == 2);
  assert(wide.second == 4 && wide.first == 3);
}

// SPDX-License-Identifier: MIT
// A ring of one producer and one consumer.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <thread>

#ifdef BROKEN
constexpr auto freeing = std::memory_order_relaxed;
#else
constexpr auto freeing = std::memory_order_release;
#endif

template <unsigned size>
struct ring {
  int slots[size];
  std::atomic<unsigned> head{0}, tail{0};

  bool push(int value) {
    const unsigned at = head.load(std::memory_order_relaxed);
    if (at - tail.load(std::memory_order_acquire) == size) return false;
    slots[at % size] = value;
    head.store(at + 1, std::memory_order_release);
    return true;
  }
  bool pop(int& value) {
    const unsigned at = tail.load(std::memory_order_relaxed);
    if (at == head.load(std::memory_order_acquire)) return false;
    value = slots[at % size];
    tail.store(at + 1, freeing);
    return true;
  }
};

int main() {
  static ring<2> shared;  // clang++ 14 overlooks accesses of locals by index
  std::thread producing([] {
    for (int i = 1; i <= 3; ++i) {
      while (!shared.push(i)) std::this_thread::yield();
    }
  });
  for (int i = 1; i <= 3; ++i) {
    int got = 0;
    while (!shared.pop(got)) std::this_thread::yield();
    assert(got == i);
  }
  producing.join();
}

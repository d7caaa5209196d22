// SPDX-License-Identifier: MIT
// A sequence lock whose data are relaxed atomics.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <thread>

std::atomic<unsigned> sequence{0};
std::atomic<int> a{0}, b{0};

void write(int value) {
  const unsigned now = sequence.load(std::memory_order_relaxed);
  sequence.store(now + 1, std::memory_order_relaxed);
#ifndef BROKEN
  std::atomic_thread_fence(std::memory_order_release);
#endif
  a.store(value, std::memory_order_relaxed);
  b.store(value, std::memory_order_relaxed);
  sequence.store(now + 2, std::memory_order_release);
}

bool read(int& first, int& second) {
  const unsigned before = sequence.load(std::memory_order_acquire);
  if (before % 2 != 0) return false;
  first = a.load(std::memory_order_relaxed);
  second = b.load(std::memory_order_relaxed);
  std::atomic_thread_fence(std::memory_order_acquire);
  return sequence.load(std::memory_order_relaxed) == before;
}

int main() {
  std::thread writing([] { write(1); });
  int first = 0, second = 0;
  if (read(first, second)) assert(first == second);
  writing.join();
}

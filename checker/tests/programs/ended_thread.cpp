// SPDX-License-Identifier: MIT
// A thread_local variable ends with its thread: who else uses it does so before.
// Mended: proved
// Broken: use after free
// Verdict with -DJOINED: use after free
// Verdict with -DATOMIC: use after free
#include <atomic>
#include <cassert>
#include <thread>

thread_local int number = 0;
thread_local std::atomic<int> count{0};
std::atomic<int*> shown{nullptr};
std::atomic<std::atomic<int>*> shown_count{nullptr};
std::atomic<bool> used{false};

int main() {
  std::thread other([] {
    number = 5;
    count.store(1, std::memory_order_relaxed);
    shown_count.store(&count, std::memory_order_release);
    shown.store(&number, std::memory_order_release);
#ifndef BROKEN
    while (!used.load(std::memory_order_acquire)) {
    }
#endif
  });
  int* seen = nullptr;
  while ((seen = shown.load(std::memory_order_acquire)) == nullptr) {
  }
#ifndef JOINED
  assert(*seen == 5);
#endif
  std::atomic<int>& counted = *shown_count.load(std::memory_order_acquire);
#ifndef ATOMIC
  counted.fetch_add(1, std::memory_order_relaxed);
#endif
  used.store(true, std::memory_order_release);
#ifdef ATOMIC
  counted.fetch_add(1, std::memory_order_relaxed);
#endif
  other.join();
#ifdef JOINED
  assert(*seen == 5);
#endif
}

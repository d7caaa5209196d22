// SPDX-License-Identifier: MIT
// What ends a process by a signal: a division by zero, and memory behind the end of its file.
// Mended: proved
// Broken: crash
// Told: SIGFPE
// Verdict with -DBEHIND: crash
// Told with -DBEHIND: SIGBUS
#include <sys/mman.h>
#include <unistd.h>
#include <atomic>
#include <cassert>
#include <thread>

std::atomic<int> parts{0};

int main() {
#ifdef BEHIND
  const int file = memfd_create("file", 0);
  void* const memory = mmap(nullptr, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, file, 0);
  assert(memory != MAP_FAILED);
  std::thread other([memory] { *static_cast<volatile int*>(memory) = 1; });
  other.join();
#else
  std::thread other([] { parts.store(2, std::memory_order_relaxed); });
  int each = 0;
  const int count = parts.load(std::memory_order_relaxed);
#ifdef BROKEN
  each = 100 / count;
#else
  if (count != 0) each = 100 / count;
#endif
  other.join();
  assert(each == 0 || each == 50);
#endif
}

// SPDX-License-Identifier: MIT
// A message and a flag.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <thread>

#ifdef BROKEN
constexpr auto publish = std::memory_order_relaxed;
#else
constexpr auto publish = std::memory_order_release;
#endif

int message = 0;
std::atomic<bool> ready{false};

int main() {
  std::thread writer([] {
    message = 42;
    ready.store(true, publish);
  });
  std::thread reader([] {
    if (ready.load(std::memory_order_acquire)) assert(message == 42);
  });
  writer.join();
  reader.join();
}

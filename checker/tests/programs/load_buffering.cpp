// SPDX-License-Identifier: MIT
// Two threads that each read what the other writes next. Broken, each write may overtake its read:
// that is no execution of RC11's, and so no error, but listed.
// Mended: proved, load buffering nowhere
// Broken: proved, load buffering at 21 > 22, 25 > 26
// Options: --check-load-buffering
#include <atomic>
#include <thread>

#ifdef BROKEN
constexpr auto order_of_reads = std::memory_order_relaxed;
#else
constexpr auto order_of_reads = std::memory_order_acquire;
#endif

std::atomic<int> x{0}, y{0};
int seen_by_a = 0, seen_by_b = 0;

int main() {
  std::thread a([] {
    seen_by_a = x.load(order_of_reads);
    y.store(1, std::memory_order_relaxed);
  });
  std::thread b([] {
    seen_by_b = y.load(order_of_reads);
    x.store(1, std::memory_order_relaxed);
  });
  a.join();
  b.join();
}

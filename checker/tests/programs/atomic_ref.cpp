// SPDX-License-Identifier: MIT
// atomic_ref of an int and of a double, and a floating-point atomic.
// Mended: proved
// Broken: data race
// Verdict with -DLOST: assertion
#include <atomic>
#include <cassert>
#include <thread>

int main() {
  int whole = 0;
  double part = 0;
  std::atomic<double> sum{0};
  const auto work = [&] {
    std::atomic_ref<int>(whole).fetch_add(1);
#ifdef LOST
    sum.store(sum.load() + 0.5);
#else
    sum.fetch_add(0.5);
#endif
#ifdef BROKEN
    part += 1;
#else
    std::atomic_ref<double>(part).fetch_add(1);
#endif
  };
  std::thread a(work);
  std::thread b(work);
  a.join();
  b.join();
  assert(whole == 2 && part == 2 && sum.load() == 1);
}

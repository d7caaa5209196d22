// SPDX-License-Identifier: MIT
// What a verdict says beside "proved": an assumption that does not always hold, and an operation
// that never meets another.
// Mended: proved
// Told as it is: 1 execution was left out
// Broken: assertion
#include <checker/program.h>

#include <atomic>
#include <cassert>
#include <thread>

std::atomic<int> shared{0};
std::atomic<int> unshared{0};

int main() {
  std::thread other([] {
    shared.fetch_add(1);
    unshared.fetch_add(1);  // never meets another
  });
  const int seen = shared.load();
#ifndef BROKEN
  checker_assume(seen == 0);
#endif
  assert(seen == 0);
  other.join();
  assert(unshared == 1);
}

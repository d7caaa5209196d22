// SPDX-License-Identifier: MIT
// What is called at quick_exit, the last first.
// Mended: proved
// Broken: crash
#include <atomic>
#include <cassert>
#include <cstdlib>
#include <thread>

std::atomic<bool> done{false};
int calls = 0;

int main() {
  std::at_quick_exit([] { assert(calls == 1); });
  std::at_quick_exit([] {
    ++calls;
    if (!done) std::abort();
  });
  std::thread other([] { done = true; });
#ifdef BROKEN
  other.detach();
#else
  other.join();
#endif
  std::quick_exit(0);
}

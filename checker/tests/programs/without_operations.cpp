// SPDX-License-Identifier: MIT
// A thread that does nothing for a second that others could see: it is told which one.
// Mended: proved
// Broken: not finished
// Told: thread 1 has run for a second without an operation that others could see
#include <atomic>
#include <thread>

std::atomic<int> turns{0};

int main() {
  std::thread other([] {
    unsigned state = 1;
#if defined BROKEN
    while (state != 0) state = state * 5 + 2 | 1;
#endif
    turns.store(static_cast<int>(state));
  });
  other.join();
}

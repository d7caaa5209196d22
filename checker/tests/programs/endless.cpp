// SPDX-License-Identifier: MIT
// An execution that never ends, since each turn changes something: it is cut.
// Verdict: not finished
// Told as it is: --check-events
#include <atomic>
#include <thread>

std::atomic<unsigned> turns{0};

int main() {
  std::thread other([] {
    for (;;) turns.fetch_add(1);
  });
  other.join();
}

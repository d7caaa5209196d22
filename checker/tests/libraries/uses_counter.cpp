// SPDX-License-Identifier: MIT
// Counts in a library, whose counter begins with 0 in each execution. -DBROKEN: two threads do, and
// nothing orders them.
#include <atomic>
#include <cassert>
#include <thread>

int count_up();
int counted_here();

std::atomic<int> turns{0};

int main() {
#ifdef BROKEN
  std::thread other([] { count_up(); });
  count_up();
#else
  assert(count_up() == 1);
  std::thread other([] {
    assert(count_up() == 2 && counted_here() == 1);
    turns.fetch_add(1);
  });
  turns.fetch_add(1);
#endif
  other.join();
  assert(counted_here() == 1);
}

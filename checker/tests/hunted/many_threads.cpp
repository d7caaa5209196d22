// SPDX-License-Identifier: MIT
// More threads than a search has room for at first. The last one may see that another
// has not begun.
#include <checker/program.h>

#include <atomic>
#include <cassert>
#include <thread>

std::atomic<int> begun{0};

void work(int thread) {
#ifdef SLOW
  if (thread >= 2) begun.exchange(thread);
#else
  if (thread == 7) begun.exchange(1);
#endif
#ifdef BROKEN
  if (thread == 8) assert(begun.load() != 0);
#elif !defined(SLOW)
  if (thread == 8) begun.exchange(2);
#endif
}

int main() {
  std::thread all[9];
  for (int i = 0; i != 9; ++i) {
    all[i] = std::thread(work, i);
#ifdef BROKEN_EARLY
    if (i == 0) assert(checker_choose(2) == 1);
#endif
  }
  for (std::thread& each : all) each.join();
}

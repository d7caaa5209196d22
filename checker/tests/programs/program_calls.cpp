// SPDX-License-Identifier: MIT
// What a program says to the checker: which thread it is, and where one stops for ever. Who waits
// for that one waits for ever.
// Mended: proved
// Broken: deadlock
// Told: T1 is stopped after
// Verdict with -DNUMBERS: assertion
// Verdict with -DHOLDS: deadlock
// Told with -DHOLDS: mutex is locked by T1
#include <checker/program.h>

#include <atomic>
#include <cassert>
#include <mutex>
#include <thread>

std::atomic<int> count{0};
std::mutex mutex;

int main() {
  assert(checker_thread_index() == 0);
  std::thread stops([] {
    assert(checker_thread_index() == 1);
#ifdef HOLDS
    const std::lock_guard lock(mutex);
#endif
    if (count.fetch_add(1) == 0) checker_stop_here();
  });
  std::thread goes_on([] {
#ifdef NUMBERS
    assert(checker_thread_index() != 2);
#else
    assert(checker_thread_index() == 2);
#endif
    const std::lock_guard lock(mutex);
    count.fetch_add(1);
  });
  goes_on.join();
#ifdef BROKEN
  stops.join();
#else
  stops.detach();
#endif
  assert(checker_thread_index() == 0 && count != 0);
}

// SPDX-License-Identifier: MIT
// A futex with masks: a wake is for those of who sleep that have one of its bits.
// Mended: proved
// Broken: deadlock
// Told: T1 sleeps at futex_bitset.cpp:@waits
// Verdict with -DTOO_EARLY: assertion
// Verdict with -DNO_BITS: proved
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <climits>
#include <thread>

std::atomic<int> word{0};
std::atomic<bool> first_may{false};

long call(int what, int value, unsigned mask) {
  return syscall(SYS_futex, &word, what, value, nullptr, nullptr, mask);  // @waits
}

int main() {
#ifdef NO_BITS
  std::thread first([] {});
  first.join();
  assert(call(FUTEX_WAKE_BITSET, 1, 0) == -1 && errno == EINVAL);
  assert(call(FUTEX_WAIT_BITSET, 0, 0) == -1 && errno == EINVAL);
#else
  std::thread first([] {
    if (call(FUTEX_WAIT_BITSET, 0, 1) == 0) assert(first_may);
  });
  std::thread second([] { call(FUTEX_WAIT_BITSET, 0, 2 | 4); });
  word = 1;
#ifdef BROKEN
  call(FUTEX_WAKE_BITSET, INT_MAX, 4 | 8);
#elif defined TOO_EARLY
  call(FUTEX_WAKE_BITSET, 1, 1 | 2);
  first_may = true;
  call(FUTEX_WAKE, INT_MAX, 0);
#else
  call(FUTEX_WAKE_BITSET, 1, 4 | 8);
  first_may = true;
  call(FUTEX_WAKE_BITSET, INT_MAX, 1);
#endif
  first.join();
  second.join();
#endif
}

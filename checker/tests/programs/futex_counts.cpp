// SPDX-License-Identifier: MIT
// What a futex returns: EAGAIN if the word has another value, and how many were woken. One wake-up
// of one wakes no more than one.
// Mended: proved
// Broken: deadlock
// Verdict with -DNOBODY: assertion
// Verdict with -DONE: assertion
// Verdict with -DBOTH: assertion
// Verdict with -DVALUE: proved
// Verdict with -DAGAIN: assertion
// Verdict with -DSLEPT: assertion
#include <checker/program.h>

#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <cassert>
#include <cerrno>
#include <climits>
#include <thread>

std::atomic<int> word{0};

long wait(int value) { return syscall(SYS_futex, &word, FUTEX_WAIT, value, nullptr, nullptr, 0); }
long wake(int most) { return syscall(SYS_futex, &word, FUTEX_WAKE, most, nullptr, nullptr, 0); }

#if defined VALUE || defined AGAIN || defined SLEPT
// Who finds another value does not sleep; who sleeps is woken, since the value changes before.
int main() {
  assert(wait(1) == -1 && errno == EAGAIN);
  std::thread sleeper([] {
    const long done = wait(0);
    assert(done == 0 || errno == EAGAIN);
#ifdef AGAIN
    assert(done == 0);
#elif defined SLEPT
    assert(done == -1);
#endif
  });
  word = 1;
  const long woken = wake(INT_MAX);
  assert(woken == 0 || woken == 1);
  sleeper.join();
}
#else
int main() {
  const auto sleep = [] { assert(wait(0) == 0); };
  std::thread one(sleep);
  std::thread two(sleep);
#if defined NOBODY || defined ONE || defined BOTH
  const long woken = wake(INT_MAX);
  assert(woken >= 0 && woken <= 2);
#if defined NOBODY
  assert(woken != 0);
#elif defined ONE
  assert(woken != 1);
#else
  assert(woken != 2);
#endif
  checker_assume(woken == 2);
#else
  // Those in which both are asleep.
  const long first = wake(1);
  assert(first == 0 || first == 1);
  checker_assume(first == 1);
#ifndef BROKEN
  checker_assume(wake(1) == 1);
#endif
#endif
  one.join();
  two.join();
}
#endif

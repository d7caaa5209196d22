// SPDX-License-Identifier: MIT
// A recursive mutex: it is unlocked as often as it was locked, and by who has locked it.
// Mended: proved
// Broken: misuse
// Verdict with -DONCE: deadlock
// Verdict with -DTOO_OFTEN: misuse
#include <cassert>
#include <mutex>
#include <thread>

std::recursive_mutex mutex;
int count = 0;

void inner() {
  const std::lock_guard lock(mutex);
  ++count;
}

void work() {
  mutex.lock();
  inner();
  ++count;
#ifndef ONCE
  mutex.unlock();
#else
  mutex.lock();
  mutex.unlock();
#endif
#ifdef TOO_OFTEN
  mutex.unlock();
#endif
}

int main() {
  std::thread other(work);
#ifdef BROKEN
  mutex.unlock();
#else
  work();
#endif
  other.join();
}

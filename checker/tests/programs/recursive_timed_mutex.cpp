// SPDX-License-Identifier: MIT
// A mutex that its owner may lock again, and that others wait for as long as they like: it is free
// when it was unlocked as often.
// Mended: proved
// Broken: deadlock
// Told: T1 waits at recursive_timed_mutex.cpp:@waits
// Told: guard is locked by T0
#include <cassert>
#include <chrono>
#include <mutex>
#include <thread>

std::recursive_timed_mutex guard;
int count = 0;

int main() {
  std::thread other([] {
    if (guard.try_lock_for(std::chrono::milliseconds(1))) {
      ++count;
      guard.unlock();
    }
    guard.lock();  // @waits
    ++count;
    guard.unlock();
  });
  guard.lock();
  assert(guard.try_lock());
  assert(guard.try_lock_for(std::chrono::milliseconds(1)));
  ++count;
  guard.unlock();
  guard.unlock();
#ifndef BROKEN
  guard.unlock();
#endif
  other.join();
  assert(count == 2 || count == 3);
}

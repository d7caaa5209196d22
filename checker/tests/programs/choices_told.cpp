// SPDX-License-Identifier: MIT
// What is chosen for a program is told in words: whether a time limit expires, and whom a
// notification wakes.
// Verdict: proved
// Verdict with -DTIME: assertion
// Told with -DTIME: choices_told.cpp:@limit the time limit of wait_for expires
// Verdict with -DACQUIRED: assertion
// Told with -DACQUIRED: choices_told.cpp:@acquires the time limit of try_acquire_for expires
// Verdict with -DWOKEN: deadlock
// Told with -DWOKEN: notify_one wakes T1 (waiting at choices_told.cpp:@waits), not T2
// Options: --check-spurious 0
#include <checker/program.h>

#include <cassert>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <semaphore>
#include <thread>

using namespace std::chrono_literals;

std::mutex mutex;
std::condition_variable changed;
std::counting_semaphore<2> room{0};
int waiting = 0;

int main() {
#if defined ACQUIRED
  std::thread other([] { room.release(); });
  const bool got = room.try_acquire_for(10ms);  // @acquires
  assert(got);
  other.join();
#elif defined WOKEN
  const auto wait = [] {
    std::unique_lock lock(mutex);
    ++waiting;
    changed.wait(lock);  // @waits
  };
  std::thread a(wait);
  std::thread b(wait);
  {
    const std::lock_guard lock(mutex);
    checker_assume(waiting == 2);
    changed.notify_one();
  }
  a.join();
  b.join();
#else
  std::thread other([] {
    const std::lock_guard lock(mutex);
    waiting = 1;
    changed.notify_one();
  });
  bool came = false;
  {
    std::unique_lock lock(mutex);
    came = changed.wait_for(lock, 10ms, [] { return waiting == 1; });  // @limit
  }
  other.join();
#ifdef TIME
  assert(came);
#else
  assert(came || waiting == 1);
#endif
#endif
}

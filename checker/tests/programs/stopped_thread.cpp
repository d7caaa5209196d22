// SPDX-License-Identifier: MIT
// A thread that stops for ever: who takes its lock waits for it, and who uses a lock-free counter
// does not. Who joins it waits in any case, and so it is left behind.
// Options: --check-stop 1,2
// Mended: proved
// Told as it is: thread 1 stopped after 2
// Broken: deadlock
// Told: deadlock: T1 is stopped after 2 operations, and others wait
// Told: T2 waits at stopped_thread.cpp:@locks
// Told: guard is locked by T1
// Told: which is stopped after T1.1 lock guard (stopped_thread.cpp:@locks)
// Verdict with -DJOINED: deadlock
// Told with -DJOINED: T0 waits at stopped_thread.cpp:@joins
// Told with -DJOINED: for the end of T1, which is stopped after T1.1
#include <atomic>
#include <mutex>
#include <thread>

std::mutex guard;
std::atomic<int> count{0};

void work() {
#ifdef BROKEN
  const std::lock_guard lock(guard);  // @locks
#endif
  count.fetch_add(1);
  count.fetch_add(1);
}

int main() {
  std::thread stopped(work);
  std::thread other(work);
  other.join();
#ifdef JOINED
  stopped.join();  // @joins
#else
  stopped.detach();
#endif
}

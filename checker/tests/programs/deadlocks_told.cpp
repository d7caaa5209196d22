// SPDX-License-Identifier: MIT
// Who waits, where, for what, and why it does not come: in the words of the program.
// Verdict: proved
// Verdict with -DTWO_LOCKS: deadlock
// Told with -DTWO_LOCKS: T0 waits at deadlocks_told.cpp:@first_second, `const std::lock_guard two
// Told with -DTWO_LOCKS: second is locked by T1, in T1.1 lock second (deadlocks_told.cpp:
// Verdict with -DNOTIFIED_BEFORE: deadlock
// Told with -DNOTIFIED_BEFORE: T1 sleeps at deadlocks_told.cpp:@no_condition, `changed.wait(lock);
// Told with -DNOTIFIED_BEFORE: it waits on changed for a notification since
// Told with -DNOTIFIED_BEFORE: notify_one (deadlocks_told.cpp:@notifies) came before it slept
// Told with -DNOTIFIED_BEFORE: before it slept, when nobody slept
// Told with -DNOTIFIED_BEFORE: T0 waits at deadlocks_told.cpp:@join, `other.join();
// Told with -DNOTIFIED_BEFORE: for the end of T1, which waits itself.
// Verdict with -DTAKEN: deadlock
// Told with -DTAKEN: since it read value -> 0 (deadlocks_told.cpp:@looks)
// Told with -DTAKEN: came later and woke T
// Verdict with -DSHARED_LOCK: deadlock
// Told with -DSHARED_LOCK: table is locked by who reads: 1 thread
// Verdict with -DFUTEX: deadlock
// Told with -DFUTEX: it waits on flag for a notification since
// Told with -DFUTEX: since it read flag -> 0, its initial value; T0.1 store flag seq_cst = 1
// Told with -DFUTEX: Nobody notifies it.
// Verdict with -DSEMAPHORE: deadlock
// Told with -DSEMAPHORE: it waits on slots for a notification
// Verdict with -DLATCH: deadlock
// Told with -DLATCH: it waits on
// Verdict with -DPOSIX: deadlock
// Told with -DPOSIX: nothing is left in main::posts; nobody posts it
// Verdict with -DBARRIER: deadlock
// Told with -DBARRIER: 1 thread came to main::meeting in this round, and no other comes
// Verdict with -DONCE: deadlock
// Told with -DONCE: T0 waits at deadlocks_told.cpp:@once
// Told with -DONCE: it is being done by T1
// Verdict with -DWITHIN: livelock
// Told with -DWITHIN: T1 spins at deadlocks_told.cpp:@within, `while (!mine.ready.load())
// Told with -DWITHIN: it reads ready -> 0
// Verdict with -DSHORT: deadlock
// Told with -DSHORT: m is locked by T0
#include <pthread.h>
#include <semaphore.h>
#include <atomic>
#include <condition_variable>
#include <latch>
#include <mutex>
#include <semaphore>
#include <shared_mutex>
#include <thread>

std::mutex first;
std::mutex second;
std::mutex m;
std::condition_variable changed;
std::shared_mutex table;
std::atomic<int> flag{0};
std::counting_semaphore<4> slots{0};
std::latch ready{2};
std::once_flag done;
int value = 0;
std::atomic<bool>* shown = nullptr;  // so that somebody could set what a thread waits for

int main() {
#if defined TWO_LOCKS
  std::thread other([] {
    const std::lock_guard one(second);
    const std::lock_guard other(first);
  });
  {
    const std::lock_guard one(first);
    const std::lock_guard two(second);  // @first_second
  }
#elif defined NOTIFIED_BEFORE
  std::thread other([] {
    std::unique_lock lock(first);
    changed.wait(lock);  // @no_condition
  });
  changed.notify_one();  // @notifies
#elif defined TAKEN
  const auto wait = [] {
    std::unique_lock lock(first);
    while (value == 0)  // @looks
      changed.wait(lock);
  };
  std::thread other(wait);
  std::thread third(wait);
  {
    const std::lock_guard lock(first);
    value = 1;
  }
  changed.notify_one();
  third.join();
#elif defined SHARED_LOCK
  table.lock_shared();
  std::thread other([] { table.lock(); });
#elif defined FUTEX
  std::thread other([] { flag.wait(0); });
  flag = 1;
#elif defined SEMAPHORE
  std::thread other([] { slots.acquire(); });
#elif defined LATCH
  std::thread other([] { ready.arrive_and_wait(); });
#elif defined POSIX
  static sem_t posts;
  sem_init(&posts, 0, 0);
  std::thread other([] { sem_wait(&posts); });
#elif defined BARRIER
  static pthread_barrier_t meeting;
  pthread_barrier_init(&meeting, nullptr, 2);
  std::thread other([] { pthread_barrier_wait(&meeting); });
#elif defined ONCE
  std::unique_lock lock(first);
  std::thread other([] { std::call_once(done, [] { const std::lock_guard inner(first); }); });
  std::call_once(done, [] {});  // @once
  lock.unlock();
#elif defined WITHIN
  std::thread other([] {
    struct {
      std::atomic<bool> ready{false};
    } mine;
    shown = &mine.ready;
    while (!mine.ready.load()) {  // @within
    }
  });
#elif defined SHORT
  m.lock();
  std::thread other([] { m.lock(); });
#else
  std::thread other([] { const std::scoped_lock both(first, second); });
  { const std::scoped_lock both(second, first); }
#endif
  other.join();  // @join
}

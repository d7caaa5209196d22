// SPDX-License-Identifier: MIT
// Locks with a time limit: a mutex and a reader-writer lock that are had, or not in time.
// Mended: proved
// Broken: data race
// Verdict with -DUNTIL: data race
// Verdict with -DSHARED_LOCKS: data race
// Verdict with -DEXCLUSIVE: data race
#include <chrono>
#include <mutex>
#include <shared_mutex>
#include <thread>

using namespace std::chrono_literals;

std::timed_mutex mutex;
std::shared_timed_mutex shared;
int written = 0;
int shared_value = 0;
int seen = 0;

int main() {
  std::thread other([] {
    const bool had = mutex.try_lock_for(1ms);
#ifndef BROKEN
    if (!had) return;
#endif
    ++written;
    if (had) mutex.unlock();
    const bool shares = shared.try_lock_shared_until(std::chrono::steady_clock::now() + 1ms);
#ifndef SHARED_LOCKS
    if (!shares) return;
#endif
    seen = shared_value;
    if (shares) shared.unlock_shared();
  });
  const bool locked = mutex.try_lock_until(std::chrono::steady_clock::now() + 1ms);
#ifndef UNTIL
  if (locked)
#endif
    ++written;
  if (locked) mutex.unlock();
  const bool alone = shared.try_lock_for(1ms);
#ifndef EXCLUSIVE
  if (alone)
#endif
    ++shared_value;
  if (alone) shared.unlock();
  other.join();
}

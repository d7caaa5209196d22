// SPDX-License-Identifier: MIT
// Locks with a time limit: a mutex and a reader-writer lock that are had, or not in time.
// Mended: proved
// Broken: data race
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
    if (shared.try_lock_shared_until(std::chrono::steady_clock::now() + 1ms)) {
      seen = shared_value;
      shared.unlock_shared();
    }
  });
  mutex.lock();
  ++written;
  mutex.unlock();
  if (shared.try_lock_for(1ms)) {
    ++shared_value;
    shared.unlock();
  }
  other.join();
}

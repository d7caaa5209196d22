// SPDX-License-Identifier: MIT
// Loops around waits with a time limit, which expires as often as it likes. What they poll for comes
// at some time.
// Mended: proved
// Broken: data race
// Verdict with -DFUTURE: proved
// Verdict with -DSEMAPHORE: proved
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <future>
#include <mutex>
#include <semaphore>
#include <thread>

using namespace std::chrono_literals;

#ifdef FUTURE
void wait() {
  std::promise<int> promise;
  std::future<int> result = promise.get_future();
  std::thread other([&] { promise.set_value(9); });
  while (result.wait_for(10ms) != std::future_status::ready) {
  }
  assert(result.get() == 9);
  other.join();
}
#elif defined SEMAPHORE
void wait() {
  std::binary_semaphore full{0};
  int item = 0;
  std::thread other([&] {
    item = 3;
    full.release();
  });
  while (!full.try_acquire_for(5ms)) std::this_thread::yield();
  assert(item == 3);
  other.join();
}
#else
void wait() {
  std::mutex mutex;
  std::condition_variable changed;
  bool is_done = false;
  std::thread other([&] {
#ifndef BROKEN
    const std::lock_guard lock(mutex);
#endif
    is_done = true;
    changed.notify_one();
  });
  std::unique_lock lock(mutex);
  while (!is_done) changed.wait_for(lock, 100ms);
  lock.unlock();
  other.join();
}
#endif

int main() { wait(); }

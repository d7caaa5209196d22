// SPDX-License-Identifier: MIT
// A condition that is set without the mutex: the notification may come between the look at it and
// the sleep.
// Mended: proved
// Broken: deadlock
#include <condition_variable>
#include <mutex>
#include <thread>

#ifdef BROKEN
#include <atomic>
std::atomic<bool> ready{false};
#else
bool ready = false;
#endif
std::mutex mutex;
std::condition_variable changed;

int main() {
  std::thread waiting([] {
    std::unique_lock<std::mutex> lock(mutex);
    while (!ready) changed.wait(lock);
  });
#ifdef BROKEN
  ready = true;
#else
  {
    const std::lock_guard<std::mutex> lock(mutex);
    ready = true;
  }
#endif
  changed.notify_one();
  waiting.join();
}

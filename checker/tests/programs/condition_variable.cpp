// SPDX-License-Identifier: MIT
// A condition that is set without the mutex: the notification may come between the look at it and
// the sleep.
// Mended: proved
// Broken: deadlock
// Told: T0 waits at condition_variable.cpp:@join, `waiting.join();
// Told: T1 sleeps at condition_variable.cpp:@sleeps, `while (!ready) changed.wait(lock);
// Told: it waits on changed for a notification
// Told: notify_one (condition_variable.cpp:@notifies) came before it slept, when nobody slept.
// Told: No notification came after that.
// Shown: notify_one (condition_variable.cpp:@notifies) came before it slept, when nobody slept. No
// Shown: condition_variable.cpp:@sleeps while (!ready) changed.wait(lock);
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
    while (!ready) changed.wait(lock);  // @sleeps
  });
#ifdef BROKEN
  ready = true;
#else
  {
    const std::lock_guard<std::mutex> lock(mutex);
    ready = true;
  }
#endif
  changed.notify_one();  // @notifies
  waiting.join();        // @join
}

// SPDX-License-Identifier: MIT
// A wait with a time limit may end without what it waits for.
// Mended: proved
// Broken: assertion
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

std::mutex mutex;
std::condition_variable changed;
bool ready = false;

int main() {
  std::thread setting([] {
    {
      const std::lock_guard<std::mutex> lock(mutex);
      ready = true;
    }
    changed.notify_all();
  });
  {
    std::unique_lock<std::mutex> lock(mutex);
    const bool came = changed.wait_for(lock, std::chrono::milliseconds(10), [] { return ready; });
#ifdef BROKEN
    assert(came);
#else
    assert(came == ready);
#endif
  }
  setting.join();
}

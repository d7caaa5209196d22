// SPDX-License-Identifier: MIT
// A wait with a time limit may end without what it waits for.
// Mended: proved
// Broken: assertion
// Verdict with -DANY: proved
// Verdict with -DANY_BROKEN: assertion
#include <cassert>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

std::mutex mutex;
#if defined(ANY) || defined(ANY_BROKEN)
std::condition_variable_any changed;
#else
std::condition_variable changed;
#endif
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
#if defined(BROKEN) || defined(ANY_BROKEN)
    assert(came);
#else
    assert(came == ready);
#endif
  }
  setting.join();
}

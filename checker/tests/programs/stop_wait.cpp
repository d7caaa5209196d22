// SPDX-License-Identifier: MIT
// condition_variable_any with a stop token; async and packaged_task.
// Mended: proved
// Broken: deadlock
#include <cassert>
#include <condition_variable>
#include <future>
#include <mutex>
#include <stop_token>
#include <thread>

int main() {
  std::future<int> answer = std::async(std::launch::async, [] { return 7; });
  assert(answer.get() == 7);
  std::mutex mutex;
  std::condition_variable_any changed;
  bool woke = true;
  {
    std::jthread waiting([&](std::stop_token stop) {
      std::unique_lock<std::mutex> lock(mutex);
#ifdef BROKEN
      changed.wait(lock, [] { return false; });
      static_cast<void>(stop);
#else
      woke = changed.wait(lock, stop, [] { return false; });
#endif
    });
  }
  assert(!woke);
}

// SPDX-License-Identifier: MIT
// A queue under a mutex that is looked at again and again.
// Mended: proved
// Broken: deadlock
// Told: T1 waits at polled_queue.cpp:@looks
// Told: it comes here again in each turn of a loop
#include <cassert>
#include <mutex>
#include <queue>
#include <thread>

std::mutex mutex;
std::queue<int> numbers;

int main() {
  std::thread taking([] {
    for (;;) {
      {
        const std::lock_guard<std::mutex> lock(mutex);  // @looks
        if (!numbers.empty()) {
          assert(numbers.front() == 1);
          numbers.pop();
          return;
        }
      }
      std::this_thread::yield();
    }
  });
#ifndef BROKEN
  {
    const std::lock_guard<std::mutex> lock(mutex);
    numbers.push(1);
  }
#endif
  taking.join();
}

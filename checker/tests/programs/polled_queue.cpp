// SPDX-License-Identifier: MIT
// A queue under a mutex that is looked at again and again.
// Mended: proved
// Broken: livelock
// Told: livelock: each thread that is left spins, or waits for the end of one that does
// Told: T0 waits at polled_queue.cpp:@joins, `taking.join();
// Told: for the end of T1, which spins.
// Told: T1 spins at polled_queue.cpp:@looks
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
  taking.join();  // @joins
}

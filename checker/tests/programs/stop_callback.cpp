// SPDX-License-Identifier: MIT
// stop_callback wakes a worker that waits on a condition variable.
// Mended: proved
// Broken: data race
#include <condition_variable>
#include <latch>
#include <mutex>
#include <stop_token>
#include <thread>
int main() {
  std::mutex mutex;
  std::condition_variable wake;
  bool stop = false;
  std::latch started(1);
  std::jthread worker([&](std::stop_token token) {
    std::stop_callback on_stop(token, [&] {
#ifndef BROKEN
      const std::lock_guard lock(mutex);
#endif
      stop = true;
      wake.notify_one();
    });
    started.count_down();
    std::unique_lock lock(mutex);
    while (!stop) wake.wait(lock);
  });
  started.wait();
  worker.request_stop();
}

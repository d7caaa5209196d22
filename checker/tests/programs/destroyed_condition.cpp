// SPDX-License-Identifier: MIT
// A condition variable is destroyed by who was waiting for it. Who notifies behind the lock may
// come too late for that.
// Mended: proved
// Broken: data race
#include <condition_variable>
#include <mutex>
#include <thread>

int compute() {
  std::mutex mutex;
  std::condition_variable done;
  bool is_done = false;
  int result = 0;
  std::thread worker([&] {
    std::unique_lock lock(mutex);
    result = 42;
    is_done = true;
#ifdef BROKEN
    lock.unlock();
#endif
    done.notify_one();
  });
  worker.detach();
  std::unique_lock lock(mutex);
  done.wait(lock, [&] { return is_done; });
  return result;
}

int main() { return compute() == 42 ? 0 : 1; }

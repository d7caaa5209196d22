// SPDX-License-Identifier: MIT
// One condition variable, and threads that wait for it at a time have one mutex.
// Mended: proved
// Broken: misuse
#include <condition_variable>
#include <mutex>
#include <thread>

std::mutex mutexes[2];
std::condition_variable changed;
bool go[2] = {};

std::mutex& mutex_of([[maybe_unused]] int index) {
#ifdef BROKEN
  return mutexes[index];
#else
  return mutexes[0];
#endif
}

void work(int index) {
  std::unique_lock lock(mutex_of(index));
  changed.wait(lock, [=] { return go[index]; });
}

int main() {
  std::thread threads[] = {std::thread(work, 0), std::thread(work, 1)};
  for (int i = 0; i != 2; ++i) {
    const std::lock_guard lock(mutex_of(i));
    go[i] = true;
    changed.notify_all();
  }
  for (std::thread& each : threads) each.join();
}

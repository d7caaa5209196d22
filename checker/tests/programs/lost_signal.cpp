// SPDX-License-Identifier: MIT
// A condition variable of a count and a semaphore: who comes later may take the signal that was
// meant for who slept before, and sleeps again, and the signal is lost. A search by order comes to
// that very late; what it looks for by chance in between finds it.
// Mended: proved
// Broken: deadlock, within 4000 runs
#include <atomic>
#include <condition_variable>
#include <mutex>
#include <semaphore>
#include <thread>

#ifdef BROKEN
class condition {
 public:
  void wait(std::unique_lock<std::mutex>& lock) {
    ++waiting_;
    lock.unlock();
    signals_.acquire();
    lock.lock();
  }
  void notify_one() {
    if (waiting_ == 0) return;
    --waiting_;
    signals_.release();
  }

 private:
  int waiting_ = 0;
  std::counting_semaphore<8> signals_{0};
};
#else
using condition = std::condition_variable;
#endif

std::mutex mutex;
condition changed;
int value = 0;

void wait_for(int wanted) {
  std::unique_lock lock(mutex);
  while (value < wanted) changed.wait(lock);
}

int main() {
  std::thread first(wait_for, 1);
  std::thread second(wait_for, 2);
#ifdef BROKEN
  // Nothing to do with it, but each of 70 orders of these is one of its executions.
  std::atomic<int> count{0};
  const auto work = [&] {
    for (int i = 0; i != 4; ++i) count.fetch_add(1, std::memory_order_relaxed);
  };
  const std::jthread third(work);
  const std::jthread fourth(work);
#endif
  for (int i = 0; i != 2; ++i) {
    const std::lock_guard lock(mutex);
    ++value;
    changed.notify_one();
#ifndef BROKEN
    changed.notify_one();
#endif
  }
  first.join();
  second.join();
}

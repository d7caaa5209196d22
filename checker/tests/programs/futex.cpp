// SPDX-License-Identifier: MIT
// A mutex of a futex, in three states; unlocking without a wake-up loses who sleeps.
// Mended: proved
// Broken: deadlock
#include <linux/futex.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <atomic>
#include <cassert>
#include <thread>

std::atomic<int> word{0};
int count = 0;

void wait(int value) { syscall(SYS_futex, &word, FUTEX_WAIT_PRIVATE, value, nullptr, nullptr, 0); }
void wake(int most) { syscall(SYS_futex, &word, FUTEX_WAKE_PRIVATE, most, nullptr, nullptr, 0); }

void lock() {
  int free = 0;
  if (word.compare_exchange_strong(free, 1, std::memory_order_acquire)) return;
  while (word.exchange(2, std::memory_order_acquire) != 0) wait(2);
}

void unlock() {
  const int before = word.exchange(0, std::memory_order_release);
#ifdef BROKEN
  static_cast<void>(before);
#else
  if (before == 2) wake(1);
#endif
}

void work() {
  lock();
  ++count;
  unlock();
}

int main() {
  std::thread a(work);
  std::thread b(work);
  a.join();
  b.join();
  assert(count == 2);
}

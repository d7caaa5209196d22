// SPDX-License-Identifier: MIT
// Waiting for a std::atomic_flag: who sets it has to say so.
// Mended: proved
// Broken: deadlock
// Told: T1 sleeps at flag_wait.cpp:@waits
// Told: it waits on done for a notification
// Told: Nobody notifies it.
#include <atomic>
#include <cassert>
#include <thread>

std::atomic_flag done;
int value = 0;

int main() {
  std::thread other([] {
    done.wait(false, std::memory_order_acquire);  // @waits
    assert(value == 1);
  });
  value = 1;
  done.test_and_set(std::memory_order_release);
#ifndef BROKEN
  done.notify_one();
#endif
  other.join();
}

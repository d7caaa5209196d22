// SPDX-License-Identifier: MIT
// A spin lock of an atomic_flag, and of an exchange after a look.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <thread>

#ifdef BROKEN
constexpr auto unlocking = std::memory_order_relaxed;
#else
constexpr auto unlocking = std::memory_order_release;
#endif

struct flag_lock {
  std::atomic_flag held = ATOMIC_FLAG_INIT;
  void lock() {
    while (held.test_and_set(std::memory_order_acquire)) {
    }
  }
  void unlock() { held.clear(unlocking); }
};

struct looking_lock {
  std::atomic<bool> held{false};
  void lock() {
    for (;;) {
      if (!held.exchange(true, std::memory_order_acquire)) return;
      while (held.load(std::memory_order_relaxed)) std::this_thread::yield();
    }
  }
  void unlock() { held.store(false, unlocking); }
};

template <class Lock>
void count_with() {
  Lock lock;
  int count = 0;
  const auto work = [&] {
    lock.lock();
    ++count;
    lock.unlock();
  };
  std::thread a(work);
  std::thread b(work);
  work();
  a.join();
  b.join();
  assert(count == 3);
}

int main() {
  count_with<flag_lock>();
  count_with<looking_lock>();
}

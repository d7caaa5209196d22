// SPDX-License-Identifier: MIT
// Threads that end in the midst of their functions by pthread_exit, main as well: their locals are
// destroyed, and the process ends when the last thread does.
// Mended: proved
// Broken: deadlock
// Verdict with -DCAUGHT: crash
// Verdict with -DWAITING: deadlock
// Verdict with -DLEAKING: memory leak
#include <atomic>
#include <cassert>
#include <memory>
#include <mutex>

#include <pthread.h>

std::mutex mutex;
int count = 0;

struct counted {
  ~counted() { assert(count == 2); }
} at_exit;

[[noreturn]] void leave() {
#ifdef LEAKING
  [[maybe_unused]] int* volatile lost = new int;
#endif
  const auto number = std::make_unique<int>(3);
  pthread_exit(number.get());
}

void* work(void*) {
#ifdef BROKEN
  mutex.lock();
#else
  const std::lock_guard held(mutex);
#endif
  ++count;
#ifdef CAUGHT
  try {
    leave();
  } catch (...) {
  }
#endif
  leave();
}

int main() {
  pthread_t other;
  pthread_create(&other, nullptr, work, nullptr);
#ifdef WAITING
  mutex.lock();
#else
  const std::lock_guard held(mutex);
#endif
  ++count;
  pthread_exit(nullptr);
}

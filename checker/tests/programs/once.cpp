// SPDX-License-Identifier: MIT
// call_once, whose first call throws, and a function's static: it is made once and may then be
// read, but not changed, and who makes it must not be waited for by who holds what it needs.
// Mended: proved
// Broken: assertion
// Verdict with -DCHANGED: data race
// Verdict with -DHELD: deadlock
#include <atomic>
#include <cassert>
#include <mutex>
#include <stdexcept>
#include <thread>

std::once_flag flag;
std::atomic<int> calls{0};
int made = 0;

std::mutex mutex;

struct value {
  value() {
    const std::lock_guard lock(mutex);
    ++made;
  }
  int number = 9;
};

value& only() {
  static value one;
  return one;
}

void work() {
  try {
    std::call_once(flag, [] {
      if (calls.fetch_add(1) == 0) throw std::runtime_error("not yet");
    });
  } catch (const std::runtime_error&) {
  }
#if defined(CHANGED)
  ++only().number;
#elif defined(HELD)
  const std::lock_guard lock(mutex);
  only();
#else
  assert(only().number == 9);
#endif
}

int main() {
  std::thread a(work);
  std::thread b(work);
  a.join();
  b.join();
  assert(made == 1);
#ifdef BROKEN
  assert(calls.load() == 1);
#else
  assert(calls.load() == 2);
#endif
}

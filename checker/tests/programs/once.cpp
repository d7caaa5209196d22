// SPDX-License-Identifier: MIT
// call_once, a function's static and pthread_once; the first one throws.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <mutex>
#include <stdexcept>
#include <thread>

std::once_flag flag;
std::atomic<int> calls{0};
int made = 0;

struct value {
  value() { ++made; }
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
  assert(only().number == 9);
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

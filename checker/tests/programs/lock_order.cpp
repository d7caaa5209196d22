// SPDX-License-Identifier: MIT
// Two mutexes in two orders; scoped_lock takes both.
// Mended: proved
// Broken: deadlock, told of line 24
#include <mutex>
#include <thread>

std::mutex a, b;
int count = 0;

int main() {
  std::thread other([] {
#ifdef BROKEN
    const std::lock_guard first(a);
    const std::lock_guard second(b);
#else
    const std::scoped_lock both(a, b);
#endif
    ++count;
  });
  {
#ifdef BROKEN
    const std::lock_guard first(b);
    const std::lock_guard second(a);
#else
    const std::scoped_lock both(b, a);
#endif
    ++count;
  }
  other.join();
}

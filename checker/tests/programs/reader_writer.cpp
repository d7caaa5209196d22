// SPDX-License-Identifier: MIT
// A shared mutex.
// Mended: proved
// Broken: data race
#include <cassert>
#include <mutex>
#include <shared_mutex>
#include <thread>

std::shared_mutex mutex;
int a = 0, b = 0;

void change() {
#ifdef BROKEN
  const std::shared_lock lock(mutex);
#else
  const std::unique_lock lock(mutex);
#endif
  ++a;
  ++b;
}

void look() {
  const std::shared_lock lock(mutex);
  assert(a == b);
}

int main() {
  std::thread writing(change);
  std::thread reading(look);
  look();
  writing.join();
  reading.join();
}

// SPDX-License-Identifier: MIT
// Double-checked initialisation.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <mutex>
#include <thread>

struct object {
  int value = 5;
};

#ifdef BROKEN
constexpr auto looking = std::memory_order_relaxed;
#else
constexpr auto looking = std::memory_order_acquire;
#endif

std::mutex mutex;
std::atomic<object*> made{nullptr};

object* get() {
  object* found = made.load(looking);
  if (found == nullptr) {
    const std::lock_guard<std::mutex> lock(mutex);
    found = made.load(std::memory_order_relaxed);
    if (found == nullptr) {
      found = new object;
      made.store(found, std::memory_order_release);
    }
  }
  return found;
}

int main() {
  std::thread a([] { assert(get()->value == 5); });
  std::thread b([] { assert(get()->value == 5); });
  a.join();
  b.join();
  delete made.load();
}

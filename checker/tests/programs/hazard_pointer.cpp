// SPDX-License-Identifier: MIT
// One hazard pointer: the reader announces what it looks at, and looks again whether it still
// counts.
// Mended: proved
// Broken: use after free | data race
#include <atomic>
#include <cassert>
#include <thread>

struct object {
  int value;
};
std::atomic<object*> current{nullptr};
std::atomic<object*> hazard{nullptr};

int main() {
  current.store(new object{1});
  std::thread reading([] {
    object* seen = current.load();
    for (;;) {
      hazard.store(seen);
#ifdef BROKEN
      break;
#else
      object* const again = current.load();
      if (again == seen) break;
      seen = again;
#endif
    }
    assert(seen->value == 1 || seen->value == 2);
    hazard.store(nullptr);
  });
  object* const old = current.exchange(new object{2});
  while (hazard.load() == old) {
  }
  delete old;
  reading.join();
  delete current.load();
}

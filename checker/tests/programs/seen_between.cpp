// SPDX-License-Identifier: MIT
// A loop that changes plain memory under a lock and puts it back under the same lock: its turns are
// in vain, unless another thread has looked in between. Then it goes on.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <thread>

std::atomic<bool> locked{false};
std::atomic<int> ready{0};
int changed = 0;
int seen = 0;

[[gnu::noinline]] void change(int by) {
  while (locked.exchange(true, std::memory_order_acquire)) {
  }
  changed += by;
  locked.store(false, std::memory_order_release);
}

int main() {
  std::thread looks([&] {
    while (locked.exchange(true, std::memory_order_acquire)) {
    }
    seen = changed;
    locked.store(false, std::memory_order_release);
    ready.store(1, std::memory_order_relaxed);
  });
  // Who has been seen in between has read `ready` before it was set: it finds it only in another
  // turn.
  while (ready.load(std::memory_order_relaxed) == 0) {
    change(1);
    change(-1);
  }
  looks.join();
#ifdef BROKEN
  assert(seen == 0);
#else
  assert(seen == 0 || seen == 1);
#endif
}

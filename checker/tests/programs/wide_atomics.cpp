// SPDX-License-Identifier: MIT
// Atomics of 16 bytes and of 24.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <thread>

struct pair {
  long a, b;
  bool operator==(const pair&) const = default;
};
struct triple {
  long v[3];
};
std::atomic<pair> shared{pair{0, 0}};
std::atomic<triple> large;

int main() {
  large.store(triple{{1, 1, 1}});
  const auto work = [] {
    pair old = shared.load();
    while (!shared.compare_exchange_weak(old, pair{old.a + 1, old.b - 1})) {
    }
  };
  std::thread a(work);
  std::thread b([] { large.store(triple{{2, 2, 2}}); });
  work();
  const triple seen = large.load();
  assert(seen.v[0] == seen.v[2]);
  const pair now = shared.load();
#ifdef BROKEN
  assert(now.a == 1);
#else
  assert(now.a == -now.b);
#endif
  a.join();
  b.join();
  assert(shared.load() == (pair{2, -2}));
}

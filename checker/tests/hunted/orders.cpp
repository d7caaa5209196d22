// SPDX-License-Identifier: MIT
// What goes wrong if one thread (ORDERS 2), or two (ORDERS 3), are interrupted in the middle of
// what they do, beside others that have nothing to do with it; or never (ORDERS 0). Far too large
// for a search.
#include <atomic>
#include <cassert>
#include <thread>

std::atomic<int> first{0}, second{0}, noise{0};

void make_noise() {
  for (int i = 0; i != 4; ++i) ++noise;
}

void change(std::atomic<int>& changed) {
  make_noise();
  changed = 1;
  changed = 2;
}

int main() {
  std::thread a([] { change(first); });
#if ORDERS == 3
  std::thread b([] { change(second); });
#else
  second = 1;
  std::thread b(make_noise);
#endif
  std::thread c([] {
    make_noise();
    const bool wrong = first == 1 && second == 1;
    assert(!wrong || ORDERS == 0);
  });
  a.join();
  b.join();
  c.join();
}

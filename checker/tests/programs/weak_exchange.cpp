// SPDX-License-Identifier: MIT
// A weak compare-exchange may fail for no reason: with one try, nobody may get what is free.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <thread>

struct pair {
  long first = 0, second = 0;
};
std::atomic<int> owner{0};
std::atomic<pair> wide{pair{}};

bool take(int self) {
  int nobody = 0;
#ifdef BROKEN
  return owner.compare_exchange_weak(nobody, self);
#else
  return owner.compare_exchange_strong(nobody, self);
#endif
}

int main() {
  bool mine = false, theirs = false;
  std::thread other([&] { theirs = take(2); });
  mine = take(1);
  pair expected{};
  while (!wide.compare_exchange_weak(expected, pair{1, 2})) {
  }
  other.join();
  assert(mine != theirs);
  assert(wide.load().second == 2);
}

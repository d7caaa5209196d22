// SPDX-License-Identifier: MIT
// thread_local data: each thread has its own, made and destroyed with it.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <string>
#include <thread>

std::atomic<int> alive{0};

struct counted {
  counted() { alive.fetch_add(1); }
  ~counted() { alive.fetch_sub(1); }
  std::string text = "each thread has a text of its own that is long";
  int number = 3;
};
thread_local counted own;
thread_local int plain = 5;

int main() {
  const counted* addresses[2] = {};
  const auto work = [&](int index) {
    own.number += index;
    ++plain;
    assert(own.number == 3 + index && plain == 6);
    addresses[index] = &own;
  };
  std::thread a(work, 0);
  std::thread b(work, 1);
  a.join();
  b.join();
  assert(addresses[0] != addresses[1]);
#ifdef BROKEN
  assert(alive.load() != 0);
#else
  assert(alive.load() == 0);
#endif
  assert(plain == 5);
}

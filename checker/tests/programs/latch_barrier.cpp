// SPDX-License-Identifier: MIT
// A latch, a barrier and a semaphore.
// Mended: proved
// Broken: data race
// Verdict with -DARRIVED: data race | assertion
#include <barrier>
#include <cassert>
#include <latch>
#include <semaphore>
#include <thread>

int main() {
  int a = 0, b = 0;
  std::latch both(2);
  std::thread other([&] {
    a = 1;
#ifdef BROKEN
    both.count_down();
    assert(b == 2);
#else
    both.arrive_and_wait();
    assert(b == 2);
#endif
  });
  b = 2;
  both.arrive_and_wait();
  assert(a == 1);
  other.join();

  std::binary_semaphore full(0);
  int passed = 0;
  std::thread giving([&] {
    passed = 3;
    full.release();
  });
  full.acquire();
  assert(passed == 3);
  giving.join();

  std::barrier meeting(2);
  int left = 0, right = 0;
  std::thread partner([&] {
    left = 1;
    meeting.arrive_and_wait();
    assert(right == 1);
  });
  right = 1;
#ifdef ARRIVED
  (void)meeting.arrive();  // and does not wait for the partner
#else
  meeting.arrive_and_wait();
#endif
  assert(left == 1);
  partner.join();
}

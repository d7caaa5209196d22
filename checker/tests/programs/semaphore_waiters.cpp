// SPDX-License-Identifier: MIT
// Two threads wait for one semaphore, and each is released; or one of them is not.
// Mended: proved
// Broken: deadlock
#include <cassert>
#include <semaphore>
#include <thread>

std::counting_semaphore<2> room(0);

int main() {
  const auto work = [] { room.acquire(); };
  std::thread a(work);
  std::thread b(work);
  room.release();
#ifndef BROKEN
  room.release();
#endif
  a.join();
  b.join();
  assert(!room.try_acquire());
}

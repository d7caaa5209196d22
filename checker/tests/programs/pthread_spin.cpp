// SPDX-License-Identifier: MIT
// pthread's spin locks.
// Mended: proved
// Broken: data race
// Verdict with -DKEPT: deadlock
// Told with -DKEPT: lock is locked by T0
#include <pthread.h>
#include <cassert>
#include <thread>

pthread_spinlock_t lock;
int count = 0;

void add() {
#ifdef BROKEN
  const bool got = pthread_spin_trylock(&lock) == 0;  // and if not?
#else
  const bool got = pthread_spin_lock(&lock) == 0;
#endif
  ++count;
  if (got) pthread_spin_unlock(&lock);
}

int main() {
  pthread_spin_init(&lock, PTHREAD_PROCESS_PRIVATE);
  std::thread other(add);
#ifdef KEPT
  pthread_spin_lock(&lock);
#else
  add();
#endif
  other.join();
  assert(count == 2);
  pthread_spin_destroy(&lock);
}

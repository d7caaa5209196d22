// SPDX-License-Identifier: MIT
// pthread's barriers: two rounds, and who is told to be the serial thread frees the barrier, while
// the other may still be on its way out.
// Mended: proved
// Broken: data race
// Verdict with -DSHORT: deadlock
// Verdict with -DFREED: data race | use after free
#include <cassert>

#include <pthread.h>

struct meeting {
  pthread_barrier_t barrier;
  int parts[2] = {};
};

void end(meeting* all) {
  pthread_barrier_destroy(&all->barrier);
  delete all;
}

int work(meeting* all, [[maybe_unused]] int own) {
  all->parts[own] = 1;
#ifndef BROKEN
  pthread_barrier_wait(&all->barrier);
#endif
  const int sum = all->parts[0] + all->parts[1];
#ifdef SHORT
  if (own == 0) return sum;
#endif
#ifdef FREED
  if (own == 0) {
    end(all);
    return sum;
  }
#endif
  if (pthread_barrier_wait(&all->barrier) == PTHREAD_BARRIER_SERIAL_THREAD) end(all);
  return sum;
}

void* second(void* all) {
  assert(work(static_cast<meeting*>(all), 1) == 2);
  return nullptr;
}

int main() {
  auto* const all = new meeting;
  pthread_barrier_init(&all->barrier, nullptr, 2);
  pthread_t other;
  pthread_create(&other, nullptr, second, all);
  assert(work(all, 0) == 2);
  pthread_join(other, nullptr);
}

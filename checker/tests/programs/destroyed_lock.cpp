// SPDX-License-Identifier: MIT
// Locks and semaphores of the C library are destroyed when nobody uses them any more.
// Mended: proved
// Verdict with -DREADERS: data race
// Verdict with -DSEMAPHORE: data race
#include <thread>

#include <pthread.h>
#include <semaphore.h>

pthread_rwlock_t lock = PTHREAD_RWLOCK_INITIALIZER;
sem_t semaphore;

int main() {
  sem_init(&semaphore, 0, 0);
  std::thread reader([] {
    pthread_rwlock_rdlock(&lock);
    pthread_rwlock_unlock(&lock);
  });
  std::thread poster([] { sem_post(&semaphore); });
#ifndef READERS
  reader.join();
#endif
  pthread_rwlock_destroy(&lock);
#ifndef SEMAPHORE
  poster.join();
#endif
  sem_destroy(&semaphore);
#ifdef READERS
  reader.join();
#endif
#ifdef SEMAPHORE
  poster.join();
#endif
}

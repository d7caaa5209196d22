// SPDX-License-Identifier: MIT
// pthread's own functions: a condition variable without a loop around its wait, a semaphore, a key.
// Mended: proved
// Broken: assertion
#include <pthread.h>
#include <semaphore.h>
#include <cassert>

pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
sem_t done;
pthread_key_t key;
int ready = 0;

void* work(void* argument) {
  pthread_setspecific(key, argument);
  pthread_mutex_lock(&mutex);
  ready = 1;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&mutex);
  sem_post(&done);
  return pthread_getspecific(key);
}

int main() {
  sem_init(&done, 0, 0);
  pthread_key_create(&key, nullptr);
  pthread_t other;
  pthread_create(&other, nullptr, work, &mutex);
  pthread_mutex_lock(&mutex);
#ifdef BROKEN
  if (ready == 0) pthread_cond_wait(&changed, &mutex);  // may wake for no reason
#else
  while (ready == 0) pthread_cond_wait(&changed, &mutex);
#endif
  assert(ready == 1);
  pthread_mutex_unlock(&mutex);
  sem_wait(&done);
  void* result = nullptr;
  pthread_join(other, &result);
  assert(result == &mutex);
}

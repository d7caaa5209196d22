// SPDX-License-Identifier: MIT
// main ends by pthread_exit, and a thread waits for that: what main has done until then happens
// before what the thread does next. If main waits for the thread too, neither goes on.
// Mended: proved
// Broken: data race
// Verdict with -DNOT_ENDED: deadlock
// Told with -DNOT_ENDED: T1 waits at joined_main.cpp:@joins
// Told with -DNOT_ENDED: it reads the end of main -> 0
#include <pthread.h>
#include <cassert>

pthread_t first;
int value = 0;
int result = 7;

void* work(void*) {
  void* got = nullptr;
#ifndef BROKEN
  pthread_join(first, &got);  // @joins
  assert(got == &result);
#endif
  assert(value <= 1);
  assert(value == 1 || got == nullptr);
  return nullptr;
}

int main() {
  first = pthread_self();
  pthread_t other;
  pthread_create(&other, nullptr, work, nullptr);
  value = 1;
#ifdef NOT_ENDED
  pthread_join(other, nullptr);
#endif
  pthread_exit(&result);
}

// SPDX-License-Identifier: MIT
// A library that is to be told of forks, and takes its mutex for them: the search divides itself
// among processes, and these forks are not the program's.
// Options: --check-jobs 2
// Mended: proved
// Broken: assertion
#include <pthread.h>

#include <atomic>
#include <cassert>
#include <mutex>
#include <thread>

std::mutex guard;
int entries = 0;
std::atomic<int> turns{0};

void enter() {
  const std::lock_guard lock(guard);
  ++entries;
  for (int i = 0; i != 6; ++i) turns.fetch_add(1, std::memory_order_relaxed);
#ifdef BROKEN
  assert(turns.load() < 18);
#endif
}

int main() {
  pthread_atfork([] { guard.lock(); }, [] { guard.unlock(); }, [] { guard.unlock(); });
  std::thread first(enter), second(enter);
  for (int i = 0; i != 6; ++i) turns.fetch_add(1, std::memory_order_relaxed);
  first.join();
  second.join();
  assert(entries == 2 && turns == 18);
}

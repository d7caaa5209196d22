// SPDX-License-Identifier: MIT
// Memory of calloc is zero, even where it was another's; realloc keeps what was there, and may move
// it: then nobody may use the old.
// Mended: proved
// Broken: use after free
// Verdict with -DLEAK: memory leak
// Verdict with -DUNORDERED: data race
#include <atomic>
#include <cassert>
#include <cstdlib>
#include <cstring>
#include <thread>

std::atomic<int*> shared{nullptr};

int main() {
  void* const first = std::malloc(4 * sizeof(int));
  std::memset(first, 0xff, 4 * sizeof(int));
  std::free(first);
  std::thread other([] {
    int* const zeros = static_cast<int*>(std::calloc(4, sizeof(int)));
    for (int i = 0; i != 4; ++i) assert(zeros[i] == 0);
    zeros[3] = 7;
#ifdef UNORDERED
    shared.store(zeros, std::memory_order_relaxed);
#else
    shared.store(zeros, std::memory_order_release);
#endif
  });
  int* seen = nullptr;
  while ((seen = shared.load(std::memory_order_acquire)) == nullptr) {
  }
  int* const more = static_cast<int*>(std::realloc(seen, 1000 * sizeof(int)));
  assert(more[3] == 7 && more[0] == 0);
#ifdef BROKEN
  assert(seen[3] == 7);
#endif
  other.join();
#ifndef LEAK
  std::free(more);
#endif
}

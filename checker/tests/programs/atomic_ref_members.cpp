// SPDX-License-Identifier: MIT
// atomic_ref on the members of a local struct, which is read as plain data when all is done.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <thread>

struct tally {
  long hits = 0;
  int misses = 0;
  short state = 0;
};

int main() {
  tally all;
  const auto work = [&] {
    std::atomic_ref(all.hits).fetch_add(2, std::memory_order_relaxed);
#ifdef BROKEN
    all.misses += 1;
#else
    std::atomic_ref(all.misses).fetch_add(1, std::memory_order_relaxed);
#endif
    short fresh = 0;
    std::atomic_ref(all.state).compare_exchange_strong(fresh, 7);
  };
  std::thread first(work);
  std::thread second(work);
  first.join();
  second.join();
  assert(all.hits == 4 && all.misses == 2 && all.state == 7);
}

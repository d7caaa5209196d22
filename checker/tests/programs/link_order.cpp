// SPDX-License-Identifier: MIT
// A link that is set to null where another thread may have set it already: which of the two writes
// is the last, only the modification order says.
// Mended: proved
// Broken: assertion
// Told: store next relaxed = 0 (link_order.cpp:@clears) comes later in mo than T1.1 store next
// Told: nothing orders the two, and so mo may be either way.
#include <atomic>
#include <cassert>
#include <thread>

std::atomic<int> next{7};

void clear() { next.store(0, std::memory_order_relaxed); }  // @clears

int main() {
#ifndef BROKEN
  clear();
#endif
  std::thread linking([] { next.store(1, std::memory_order_relaxed); });
#ifdef BROKEN
  clear();
#endif
  linking.join();
  assert(next.load(std::memory_order_relaxed) == 1);
}

// SPDX-License-Identifier: MIT
// Memory that nothing leads to at the end.
// Mended: proved
// Broken: memory leak
#include <atomic>
#include <thread>

std::atomic<int*> slot{nullptr};
int* const kept = new int(3);  // for ever, and reachable: no leak

int main() {
  std::thread other([] {
    int* const old = slot.exchange(new int(1));
#ifndef BROKEN
    delete old;
#else
    static_cast<void>(old);
#endif
  });
  delete slot.exchange(new int(2));
  other.join();
  delete slot.load();
}

// SPDX-License-Identifier: MIT
// A null pointer that is followed when the other thread has been faster; or that is looked at, and
// the program gives up.
// Mended: proved
// Broken: crash
// Verdict with -DABORT: crash
// Told with -DABORT: crash: the program calls abort
// Told with -DABORT: crash.cpp:@gives
#include <atomic>
#include <cstdlib>
#include <thread>

struct node {
  int value = 1;
};
std::atomic<node*> slot{nullptr};
int got = 0;

int main() {
  node one;
  slot.store(&one);
  std::thread taking([] { slot.exchange(nullptr); });
  node* const found = slot.load();
#ifdef ABORT
  if (found == nullptr) std::abort();  // @gives
#endif
#ifndef BROKEN
  if (found != nullptr)
#endif
    got = found->value;
  taking.join();
}

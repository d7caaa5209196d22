// SPDX-License-Identifier: MIT
// A null pointer that is followed when the other thread has been faster.
// Mended: proved
// Broken: crash
#include <atomic>
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
#ifndef BROKEN
  if (found != nullptr)
#endif
    got = found->value;
  taking.join();
}

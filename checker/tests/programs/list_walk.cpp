// SPDX-License-Identifier: MIT
// A walk along a list comes to the same call with the same registers and stack for each node: the
// node is an argument, and nowhere else. It is no loop that waits.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <thread>

struct node {
  std::atomic<node*> next{nullptr};
};
node nodes[4];
bool at_end = false;

#if defined(__clang__)
#define OPTIMIZED gnu::noinline
#else
#define OPTIMIZED gnu::noinline, gnu::optimize("O2")
#endif
[[OPTIMIZED]] void walk(node* from) {
  while (from != nullptr) from = from->next.load(std::memory_order_acquire);
  at_end = true;
}

int main() {
  for (int i = 0; i != 2; ++i) nodes[i].next = &nodes[i + 1];
  std::thread adds([] { nodes[2].next.store(&nodes[3], std::memory_order_release); });
  walk(&nodes[0]);
#ifdef BROKEN
  assert(!at_end);
#else
  assert(at_end);
#endif
  adds.join();
}

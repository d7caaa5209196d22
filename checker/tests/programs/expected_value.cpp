// SPDX-License-Identifier: MIT
// What a compare-exchange expects lies in memory that others can reach: in a node that is about to
// be pushed; or in a variable that two threads share, which both write.
// Mended: proved
// Broken: data race
// Verdict with -DWIDE: proved
// Verdict with -DWIDE_SHARED: data race
#include <atomic>
#include <cassert>
#include <thread>

#if defined(WIDE) || defined(WIDE_SHARED)
struct place {
  struct node* first;
  unsigned long version;
};
#else
struct place {
  struct node* first;
};
#endif

struct node {
  int value;
  place next;
};
std::atomic<place> top{place{}};

#if defined(BROKEN) || defined(WIDE_SHARED)
place seen{};
void push(node* made) { top.compare_exchange_strong(seen, place{made}); }
#else
void push(node* made) {
  made->next = top.load();
  while (!top.compare_exchange_weak(made->next, place{made})) {
  }
}
#endif

int main() {
  node nodes[] = {{1, {}}, {2, {}}, {3, {}}};
  std::thread a(push, &nodes[0]);
  std::thread b(push, &nodes[1]);
  push(&nodes[2]);
  a.join();
  b.join();
  int sum = 0;
  for (const node* each = top.load().first; each != nullptr; each = each->next.first) {
    sum += each->value;
  }
#if !defined(BROKEN) && !defined(WIDE_SHARED)
  assert(sum == 6);
#endif
}

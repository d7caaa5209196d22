// SPDX-License-Identifier: MIT
// A stack whose nodes are freed as they are popped: another thread may be looking at one.
// Mended: proved
// Broken: use after free
// Told: use after free: the memory was freed
// Told: treiber_stack.cpp:@follows: while (old != nullptr
// Told: <- freed here
// Shown: the memory was freed T
// Shown: treiber_stack.cpp:@frees delete taken[index];
// Shown: freed here delete taken[index];
#include <atomic>
#include <cassert>
#include <thread>

struct node {
  int value;
  node* next;
};
std::atomic<node*> top{nullptr};

void push(int value) {
  node* const made = new node{value, top.load()};
  while (!top.compare_exchange_weak(made->next, made)) {
  }
}

node* pop() {
  node* old = top.load();
  while (old != nullptr && !top.compare_exchange_weak(old, old->next)) {  // @follows
  }
  return old;
}

int main() {
  push(1);
  push(2);
  node* taken[2] = {};
  const auto work = [&](int index) {
    taken[index] = pop();
#ifdef BROKEN
    delete taken[index];  // @frees
#endif
  };
  std::thread a(work, 0);
  std::thread b(work, 1);
  a.join();
  b.join();
  assert(taken[0] != nullptr && taken[1] != nullptr && taken[0] != taken[1]);
  assert(top.load() == nullptr);
#ifndef BROKEN
  delete taken[0];
  delete taken[1];
#endif
}

// SPDX-License-Identifier: MIT
// Hazard pointers with a retire list, two readers of a lock-free stack.
// Mended: proved
// Broken: use after free | data race | double free
#include <algorithm>
#include <atomic>
#include <cassert>
#include <thread>
#include <vector>
struct node {
  int value;
  node* next;
};
std::atomic<node*> head{nullptr};
std::atomic<node*> hazards[2];
struct retired {
  std::vector<node*> nodes;
  ~retired() {}
};
void push(int v) {
  node* n = new node{v, head.load(std::memory_order_relaxed)};
  while (!head.compare_exchange_weak(n->next, n, std::memory_order_release,
                                     std::memory_order_relaxed)) {
  }
}
void scan(std::vector<node*>& mine) {
  std::vector<node*> kept;
  for (node* each : mine) {
    bool used = false;
    for (auto& h : hazards) used = used || h.load(std::memory_order_seq_cst) == each;
    if (used)
      kept.push_back(each);
    else
      delete each;
  }
  mine = kept;
}
bool pop(int self, std::vector<node*>& mine, int& value) {
  node* top = head.load();
  for (;;) {
    if (top == nullptr) {
      hazards[self].store(nullptr);
      return false;
    }
    hazards[self].store(top);
#ifndef BROKEN
    node* again = head.load();
    if (again != top) {
      top = again;
      continue;
    }
#endif
    if (head.compare_exchange_strong(top, top->next)) break;
  }
  value = top->value;
  hazards[self].store(nullptr);
  mine.push_back(top);
  scan(mine);
  return true;
}
int main() {
  push(1);
  push(2);
  std::vector<node*> left[2];
  int got[2] = {};
  std::thread other([&] { pop(1, left[1], got[1]); });
  pop(0, left[0], got[0]);
  other.join();
  assert(got[0] + got[1] == 3);
  for (auto& each : left) {
    scan(each);
    assert(each.empty());
  }
}

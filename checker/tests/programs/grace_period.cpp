// SPDX-License-Identifier: MIT
// RCU-like: readers announce an epoch, the writer swaps and waits for the readers.
// Mended: proved
// Broken: use after free | data race
#include <atomic>
#include <cassert>
#include <thread>

struct config {
  int a, b;
};
std::atomic<config*> current{new config{1, 1}};
std::atomic<int> reading[2];

void look(int self) {
  reading[self].store(1, std::memory_order_seq_cst);
  const config* seen = current.load(std::memory_order_seq_cst);
  assert(seen->a == seen->b);
  reading[self].store(0, std::memory_order_release);
}
void update() {
  config* fresh = new config{2, 2};
  config* old = current.exchange(fresh, std::memory_order_seq_cst);
#ifndef BROKEN
  for (auto& each : reading) {
    while (each.load(std::memory_order_seq_cst) != 0) std::this_thread::yield();
  }
#endif
  delete old;
}
int main() {
  std::thread a(look, 0);
  std::thread b(look, 1);
  update();
  a.join();
  b.join();
  delete current.load();
}

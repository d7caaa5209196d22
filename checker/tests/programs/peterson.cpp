// SPDX-License-Identifier: MIT
// Peterson's lock.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <thread>

#ifdef BROKEN
constexpr auto o = std::memory_order_acq_rel;
constexpr auto load_order = std::memory_order_acquire;
constexpr auto store_order = std::memory_order_release;
#else
constexpr auto o = std::memory_order_seq_cst;
constexpr auto load_order = std::memory_order_seq_cst;
constexpr auto store_order = std::memory_order_seq_cst;
#endif

std::atomic<bool> wants[2];
std::atomic<int> last{0};
int count = 0;

void work(int self) {
  wants[self].store(true, store_order);
  last.store(self, store_order);
  while (wants[1 - self].load(load_order) && last.load(load_order) == self) {
  }
  ++count;
  wants[self].store(false, store_order);
}

int main() {
  static_cast<void>(o);
  std::thread a(work, 0);
  std::thread b(work, 1);
  a.join();
  b.join();
  assert(count == 2);
}

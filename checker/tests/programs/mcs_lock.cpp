// SPDX-License-Identifier: MIT
// An MCS lock with its nodes in thread_local memory: the addresses of two threads differ.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <thread>

struct node {
  std::atomic<node*> next{nullptr};
  std::atomic<bool> waits{false};
};
thread_local node own;
std::atomic<node*> tail{nullptr};
int count = 0;

#ifdef BROKEN
constexpr auto handing_over = std::memory_order_relaxed;
#else
constexpr auto handing_over = std::memory_order_release;
#endif

void lock() {
  own.next.store(nullptr, std::memory_order_relaxed);
  own.waits.store(true, std::memory_order_relaxed);
  node* const before = tail.exchange(&own, std::memory_order_acq_rel);
  if (before == nullptr) return;
  before->next.store(&own, std::memory_order_release);
  while (own.waits.load(std::memory_order_acquire)) {
  }
}

void unlock() {
  node* behind = own.next.load(std::memory_order_acquire);
  if (behind == nullptr) {
    node* self = &own;
    if (tail.compare_exchange_strong(self, nullptr, std::memory_order_acq_rel)) return;
    while ((behind = own.next.load(std::memory_order_acquire)) == nullptr) {
    }
  }
  behind->waits.store(false, handing_over);
}

void work() {
  lock();
  ++count;
  unlock();
}

int main() {
  std::thread a(work);
  std::thread b(work);
  a.join();
  b.join();
  assert(count == 2);
}

// SPDX-License-Identifier: MIT
// Chase-Lev work-stealing deque, fixed size.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <optional>
#include <thread>
#include <vector>

template <class T>
class deque {
 public:
  void push(T value) {
    const long b = bottom_.load(std::memory_order_relaxed);
    slots_[b % 4].store(value, std::memory_order_relaxed);
    std::atomic_thread_fence(std::memory_order_release);
    bottom_.store(b + 1, std::memory_order_relaxed);
  }
  std::optional<T> pop() {
    const long b = bottom_.load(std::memory_order_relaxed) - 1;
    bottom_.store(b, std::memory_order_relaxed);
#ifndef BROKEN
    std::atomic_thread_fence(std::memory_order_seq_cst);
#endif
    long t = top_.load(std::memory_order_relaxed);
    if (t > b) {
      bottom_.store(b + 1, std::memory_order_relaxed);
      return std::nullopt;
    }
    const T value = slots_[b % 4].load(std::memory_order_relaxed);
    if (t == b) {
      const bool won = top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst,
                                                    std::memory_order_relaxed);
      bottom_.store(b + 1, std::memory_order_relaxed);
      if (!won) return std::nullopt;
    }
    return value;
  }
  std::optional<T> steal() {
    long t = top_.load(std::memory_order_acquire);
    std::atomic_thread_fence(std::memory_order_seq_cst);
    const long b = bottom_.load(std::memory_order_acquire);
    if (t >= b) return std::nullopt;
    const T value = slots_[t % 4].load(std::memory_order_relaxed);
    if (!top_.compare_exchange_strong(t, t + 1, std::memory_order_seq_cst,
                                      std::memory_order_relaxed))
      return std::nullopt;
    return value;
  }

 private:
  std::atomic<long> top_{0}, bottom_{0};
  std::atomic<T> slots_[4]{};
};
int main() {
  deque<int> work;
  std::vector<int> mine, theirs;
  std::thread thief([&] {
    for (int i = 0; i != 2; ++i)
      if (auto got = work.steal()) theirs.push_back(*got);
  });
  work.push(1);
  work.push(2);
  while (auto got = work.pop()) mine.push_back(*got);
  thief.join();
  int sum = 0;
  for (int each : mine) sum += each;
  for (int each : theirs) sum += each;
  assert(sum == 3);
}

// SPDX-License-Identifier: MIT
// Three algorithms, each for both of the checker's front ends: with -DMODEL a model of its types,
// else a program that check-c++ compiles. -DPROGRAM=ring, queue or chase_lev chooses one. run.py
// compares the rates.
#include <array>
#include <atomic>
#ifdef MODEL
#include <checker/model.hpp>
#include <chrono>
#include <iostream>
template <class T>
using atomic = checker::atomic<T>;
using checker::fence;
#else
#include <thread>
template <class T>
using atomic = std::atomic<T>;
void fence(std::memory_order order) { std::atomic_thread_fence(order); }
#endif

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

// One thread puts in, two take out.
struct ring {
  static constexpr unsigned threads = 3;
  atomic<unsigned> head{0};
  atomic<unsigned> tail{0};
  std::array<atomic<unsigned>, 4> slots{};

  void put(unsigned value) {
    const unsigned at = head.load(relaxed);
    if (at - tail.load(acquire) == slots.size()) return;
    slots[at % slots.size()].store(value, relaxed);
    head.store(at + 1, release);
  }
  void take() {
    unsigned at = tail.load(acquire);
    if (head.load(acquire) == at) return;
    slots[at % slots.size()].load(relaxed);
    tail.compare_exchange_strong(at, at + 1, acq_rel, relaxed);
  }
  void thread(unsigned index) {
    if (index == 0) {
      for (unsigned value = 1; value <= 4; ++value) put(value);
    } else {
      for (int times = 0; times != 3; ++times) take();
    }
  }
};

// Michael and Scott's queue, whose nodes are never freed. Each operation gives up after two tries.
struct queue {
  static constexpr unsigned threads = 3;
  struct node {
    atomic<unsigned> value{0};
    atomic<unsigned> next{0};
  };
  std::array<node, 5> nodes{};
  atomic<unsigned> head{0};
  atomic<unsigned> tail{0};

  void put(unsigned made) {
    nodes[made].value.store(made, relaxed);
    for (int tries = 0; tries != 2; ++tries) {
      unsigned last = tail.load(acquire);
      unsigned next = nodes[last].next.load(acquire);
      if (next != 0) {
        tail.compare_exchange_strong(last, next, release, relaxed);
      } else if (nodes[last].next.compare_exchange_strong(next, made, release, relaxed)) {
        tail.compare_exchange_strong(last, made, release, relaxed);
        return;
      }
    }
  }
  void take() {
    unsigned first = head.load(acquire);
    const unsigned next = nodes[first].next.load(acquire);
    if (next == 0) return;
    nodes[next].value.load(relaxed);
    head.compare_exchange_strong(first, next, release, relaxed);
  }
  void thread(unsigned index) {
    if (index == 2) {
      for (int times = 0; times != 3; ++times) take();
    } else {
      put(2 * index + 1);
      put(2 * index + 2);
    }
  }
};

// Chase and Lev's deque with fences, of a size that is never exceeded: one owner, two thieves.
struct chase_lev {
  static constexpr unsigned threads = 3;
  atomic<int> top{0};
  atomic<int> bottom{0};
  std::array<atomic<int>, 4> slots{};

  atomic<int>& slot(int at) { return slots[static_cast<unsigned>(at) % slots.size()]; }
  void push(int value) {
    const int at = bottom.load(relaxed);
    slot(at).store(value, relaxed);
    fence(release);
    bottom.store(at + 1, relaxed);
  }
  void take() {
    const int at = bottom.load(relaxed) - 1;
    bottom.store(at, relaxed);
    fence(seq_cst);
    int first = top.load(relaxed);
    if (first <= at) slot(at).load(relaxed);
    if (first < at) return;
    if (first == at) top.compare_exchange_strong(first, first + 1, seq_cst, relaxed);
    bottom.store(at + 1, relaxed);
  }
  void steal() {
    int first = top.load(acquire);
    fence(seq_cst);
    if (first >= bottom.load(acquire)) return;
    slot(first).load(relaxed);
    top.compare_exchange_strong(first, first + 1, seq_cst, relaxed);
  }
  void thread(unsigned index) {
    if (index != 0) {
      steal();
      steal();
      return;
    }
    push(1);
    push(2);
    take();
    push(3);
    take();
    take();
  }
};

#ifdef MODEL
int main() {
  const auto begin = std::chrono::steady_clock::now();
  const checker::statistics found = checker::verify<PROGRAM>();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - begin;
  std::cout << R"({"complete":)" << found.complete << R"(,"blocked":)" << found.blocked
            << R"(,"seconds":)" << taken.count() << "}\n";
  return static_cast<int>(found.concluded());
}
#else
int main() {
  PROGRAM all;
  std::thread second([&] { all.thread(1); });
  std::thread third([&] { all.thread(2); });
  all.thread(0);
  second.join();
  third.join();
}
#endif

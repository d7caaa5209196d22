// SPDX-License-Identifier: MIT
// ABA: a node is popped, freed, allocated again and pushed, while another thread is about to pop
// it. Nodes are read under a counter that keeps them alive; the version in the head is what is
// missing.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <cstdint>
#include <thread>

struct node {
  std::atomic<std::uint32_t> next{0};
};
node nodes[3];

#ifdef BROKEN
constexpr std::uint64_t one_version = 0;
#else
constexpr std::uint64_t one_version = std::uint64_t{1} << 32;
#endif
std::atomic<std::uint64_t> head{0};

void push(std::uint32_t index) {
  std::uint64_t old = head.load();
  do {
    nodes[index - 1].next.store(static_cast<std::uint32_t>(old));
  } while (!head.compare_exchange_strong(old, ((old >> 32 << 32) + one_version) | index));
}

std::uint32_t pop() {
  std::uint64_t old = head.load();
  for (;;) {
    const auto index = static_cast<std::uint32_t>(old);
    if (index == 0) return 0;
    const std::uint64_t next = nodes[index - 1].next.load();
    if (head.compare_exchange_strong(old, ((old >> 32 << 32) + one_version) | next)) return index;
  }
}

int main() {
  push(1);
  push(2);
  std::uint32_t mine = 0;
  std::uint32_t second = 0;
  std::thread other([&] { mine = pop(); });
  const std::uint32_t first = pop();
  second = pop();
  if (first != 0) push(first);
  other.join();
  // Each of them is somewhere once.
  int seen[3] = {};
  if (mine != 0) ++seen[mine];
  if (second != 0) ++seen[second];
  for (int i = 0; i != 4; ++i) {
    const std::uint32_t left = pop();
    if (left != 0) ++seen[left];
  }
  assert(seen[1] == 1 && seen[2] == 1);
}

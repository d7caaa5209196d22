// SPDX-License-Identifier: MIT
// Loops that wait, and count their turns: how often they go round decides nothing.
// Mended: proved
// Broken: data race
// Verdict with -DNEVER: not finished
#include <atomic>
#include <cassert>
#include <string>
#include <thread>

std::atomic<int> ready{0};
std::string payload;

void wait_until_ready() {
  int turns = 0;
  while (ready.load(std::memory_order_acquire) == 0) {
    if (++turns >= 100) {
      std::this_thread::yield();
      turns = 0;
    }
  }
}

int main() {
  std::thread other([] {
    payload = "here";
#ifdef BROKEN
    ready.store(1, std::memory_order_relaxed);
#elif !defined NEVER
    ready.store(1, std::memory_order_release);
#endif
  });
  wait_until_ready();
  assert(payload == "here");
  other.join();
}

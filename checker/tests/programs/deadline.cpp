// SPDX-License-Identifier: MIT
// A loop that gives up when its time is over.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <chrono>
#include <thread>

std::atomic<bool> flag{false};

int main() {
  std::thread setting([] { flag = true; });
  const auto end = std::chrono::steady_clock::now() + std::chrono::seconds(1);
  bool seen = false;
  while (!seen && std::chrono::steady_clock::now() < end) {
    seen = flag;
    std::this_thread::sleep_for(std::chrono::milliseconds(10));
  }
  setting.join();
#ifdef BROKEN
  assert(seen);
#else
  assert(seen || flag);
#endif
}

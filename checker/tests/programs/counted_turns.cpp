// SPDX-License-Identifier: MIT
// A loop gives up after some turns. It counts them in a text, which the C++ library writes.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <charconv>
#include <cstdlib>
#include <iterator>
#include <thread>

int message = 0;
std::atomic<bool> ready{false};
char turns[16] = "0";

int main() {
  std::thread writer([] {
    message = 1;
    ready.store(true, std::memory_order_release);
  });
  bool seen = false;
  while (!seen && turns[0] != '3') {
    seen = ready.load(std::memory_order_acquire);
    std::to_chars(turns, std::end(turns), std::strtod(turns, nullptr) + 1);
  }
#ifdef BROKEN
  seen = true;
#endif
  assert(!seen || message == 1);
  writer.join();
}

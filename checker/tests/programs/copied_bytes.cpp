// SPDX-License-Identifier: MIT
// Algorithms of the C++ library on bytes, of a known number: g++ would make a few moves of them.
// Mended: proved
// Broken: data race
#include <algorithm>
#include <atomic>
#include <cassert>
#include <thread>

char message[48];
std::atomic<bool> is_there{false};

int main() {
  std::thread writer([] {
    std::fill_n(message, sizeof message, 'x');
#ifdef BROKEN
    is_there.store(true, std::memory_order_relaxed);
#else
    is_there.store(true, std::memory_order_release);
#endif
  });
  if (is_there.load(std::memory_order_acquire)) {
    char copy[sizeof message];
    std::copy_n(message, sizeof message, copy);
    assert(copy[47] == 'x');
  }
  writer.join();
}

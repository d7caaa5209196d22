// SPDX-License-Identifier: MIT
// An atomic in memory that nobody has written.
// Mended: proved
// Broken: uninitialised read
#include <atomic>
#include <cassert>
#include <cstdlib>
#include <new>
#include <thread>

struct record {
  std::atomic<int> count;
};

int main() {
  void* const memory = std::malloc(sizeof(record));
#ifdef BROKEN
  auto* const made = static_cast<record*>(memory);
#else
  auto* const made = new (memory) record{};
#endif
  std::thread other([=] { made->count.fetch_add(1); });
  made->count.fetch_add(1);
  other.join();
  std::free(memory);
}

// SPDX-License-Identifier: MIT
// Two threads that both believe that they are the last.
// Mended: proved
// Broken: double free
#include <atomic>
#include <thread>

int main() {
  int* const shared = new int(0);
  std::atomic<int> owners{2};
  const auto leave = [&] {
#ifdef BROKEN
    owners.fetch_sub(1);
    if (owners.load() == 0) delete shared;
#else
    if (owners.fetch_sub(1) == 1) delete shared;
#endif
  };
  std::thread a(leave);
  std::thread b(leave);
  a.join();
  b.join();
}

// SPDX-License-Identifier: MIT
// The status that main returns, and what it is given.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <thread>

std::atomic<int> x{0};

int main(int argc, char** argv) {
  if (argc != 1 || argv[0] == nullptr) return 2;
  std::thread other([] { x.store(1); });
  const int seen = x.load();
  other.join();
#ifdef BROKEN
  return seen;
#else
  return seen == 0 || seen == 1 ? 0 : 1;
#endif
}

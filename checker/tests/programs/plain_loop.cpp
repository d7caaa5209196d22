// SPDX-License-Identifier: MIT
// A loop that waits for plain data, which nothing orders.
// Mended: proved
// Broken: data race
#include <atomic>
#include <thread>

#ifdef BROKEN
bool flag = false;
#else
std::atomic<bool> flag{false};
#endif

int main() {
  std::thread setting([] { flag = true; });
  while (!flag) {
  }
  setting.join();
}

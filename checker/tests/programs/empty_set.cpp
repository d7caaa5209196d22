// SPDX-License-Identifier: MIT
// The largest number of a set, from which the other thread may have taken the only one.
// Mended: proved
// Broken: crash
#include <mutex>
#include <set>
#include <thread>

std::mutex mutex;
std::set<int> numbers{1};
int largest = 0;

int main() {
  std::thread taking([] {
    const std::lock_guard<std::mutex> lock(mutex);
    numbers.clear();
  });
  {
    const std::lock_guard<std::mutex> lock(mutex);
#ifndef BROKEN
    if (!numbers.empty())
#endif
      largest = *numbers.rbegin();
  }
  taking.join();
}

// SPDX-License-Identifier: MIT
// A vector and a map that threads share, guarded or not.
// Mended: proved
// Broken: data race
#include <cassert>
#include <map>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

std::mutex mutex;
std::vector<int> numbers;
std::map<std::string, int> names;

void add(int number) {
#ifndef BROKEN
  const std::lock_guard<std::mutex> lock(mutex);
#endif
  numbers.push_back(number);
  names["a name that is longer than fifteen letters"] += number;
}

int main() {
  std::thread a(add, 1);
  std::thread b(add, 2);
  a.join();
  b.join();
  assert(numbers.size() == 2);
  assert(names.size() == 1 && names.begin()->second == 3);
}

// SPDX-License-Identifier: MIT
// A plain read of memory that nobody has written. Copies of what has gaps are none.
// Options: --check-uninitialised
// Mended: proved
// Broken: uninitialised read
#include <cassert>
#include <cstring>
#include <memory>
#include <thread>

struct padded {
  char letter;
  int number;
};

int main() {
  auto first = std::make_unique<padded[]>(2);
  auto* const second = new padded;
  std::thread other([&] {
#ifndef BROKEN
    second->number = 1;
#endif
    second->letter = 'a';
  });
  other.join();
  first[1] = *second;
  auto copied = std::make_unique<char[]>(sizeof(padded));
  std::memcpy(copied.get(), second, sizeof(padded));
  assert(second->number == 1);
  delete second;
}

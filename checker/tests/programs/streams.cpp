// SPDX-License-Identifier: MIT
// A stream that two threads write to, guarded or not; and one that each of them has, and std::cout,
// which needs no lock.
// Mended: proved
// Broken: data race
// Verdict with -DREAD: data race
#include <cassert>
#include <iostream>
#include <mutex>
#include <sstream>
#include <string>
#include <thread>

std::mutex mutex;

int main() {
  std::ostringstream shared;
#ifdef READ
  std::istringstream words("1 2");
  int first = 0;
  std::thread other([&words, &first] { words >> first; });
  int second = 0;
  words >> second;
  other.join();
#else
  const auto write = [&shared](int number) {
    std::ostringstream own;
    own << "number " << number << '\n';
    assert(own.str().size() == 9);
#ifndef BROKEN
    std::cout << "number " << number << std::endl;
    const std::lock_guard lock(mutex);
#endif
    shared << number;
  };
  std::thread other(write, 1);
  write(2);
  other.join();
  assert(shared.str() == "12" || shared.str() == "21");
#endif
}

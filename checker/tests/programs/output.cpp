// SPDX-License-Identifier: MIT
// A program that writes, in each way that there is.
// Verdict: assertion
#include <unistd.h>
#include <atomic>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <string_view>
#include <thread>

std::atomic<int> turns{0};

int main() {
  std::atexit([] { std::puts("by puts at exit"); });
  std::thread other([] { turns.fetch_add(1); });
  std::printf("by printf\n");
  std::cout << "by cout\n";
  std::cerr << "by cerr\n";
  constexpr std::string_view text = "by write\n";
  assert(write(1, text.data(), text.size()) >= 0);
  assert(turns.fetch_add(1) == 0);
  other.join();
}

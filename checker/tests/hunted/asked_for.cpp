// SPDX-License-Identifier: MIT
// Fails if it is asked for: by an argument, and by options of the checker that allow more.
#include <atomic>
#include <cassert>
#include <string_view>
#include <thread>

std::atomic<int> number{0};

bool fails_twice() {
#ifdef REUSED
  const int* const first = new int;
  delete first;
  const int* const second = new int;
  delete second;
  const int* const third = new int;
  delete third;
  return first == second && second == third;
#else
  int failed = 0;
  for (int i = 0; i != 2; ++i) {
    int expected = 0;
    failed += number.compare_exchange_weak(expected, 0) ? 0 : 1;
  }
  return failed == 2;
#endif
}

int main(int count, char** arguments) {
  std::thread other([] {});
  const bool twice = fails_twice();
  other.join();
  assert(!twice || count != 2 || std::string_view(arguments[1]) != "it's two");
}

// SPDX-License-Identifier: MIT
// errno is each thread's own, also in a program without thread_local data.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <cerrno>
#include <cstdlib>
#include <thread>

std::atomic<int> parsed{0};
int last_parsed = 0;

bool parse(const char* text) {
  errno = 0;
  std::strtol(text, nullptr, 10);
  parsed.fetch_add(1, std::memory_order_relaxed);
#ifdef BROKEN
  ++last_parsed;
#endif
  return errno == 0;
}

int main() {
  bool too_long = true;
  std::thread other([&] { too_long = !parse("99999999999999999999999"); });
  assert(parse("12"));
  other.join();
  assert(too_long && parsed == 2);
}

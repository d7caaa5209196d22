// SPDX-License-Identifier: MIT
// async and a chain of futures.
// Mended: proved
// Broken: data race
#include <cassert>
#include <future>
#include <string>
int main() {
  std::string log;
  auto first = std::async(std::launch::async, [&] {
    log += "a";
    return 1;
  });
#ifdef BROKEN
  log += "m";
#endif
  auto second = std::async(std::launch::async, [&, f = std::move(first)]() mutable {
    const int got = f.get();
    log += "b";
    return got + 1;
  });
  assert(second.get() == 2);
  log += "c";
  assert(log == "abc" || log.size() == 4);
}

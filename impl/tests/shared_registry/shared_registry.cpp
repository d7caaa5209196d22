// SPDX-License-Identifier: MIT
// rotate_all in one shared library turns the cycles of a pool in another: they share one registry,
// although both are compiled with hidden symbols.
#include <cstdio>
#include <cstdlib>

#include "libraries.hpp"

namespace {

void require_alive(int expected, const char* when) {
  std::printf("%d items alive %s\n", items_alive(), when);
  if (items_alive() == expected) return;
  std::printf("FAILED: expected %d\n", expected);
  std::exit(EXIT_FAILURE);
}

}  // namespace

int main() {
  put_items(10);
  require_alive(10, "after ten were put into the pool of one library");
  rotate_everything();
  require_alive(10, "after one cycle by the other library: they are victims now");
  rotate_everything();
  require_alive(0, "after two cycles");
}

// SPDX-License-Identifier: MIT
// A library that keeps what its caller has counted: `counted` in each thread, too.
#include <string>

namespace {
int total = 0;
thread_local int own = 0;
std::string text;  // its characters lie in the heap
}  // namespace

int count_up() {
  text += "a text that is longer than a string keeps in itself";
  ++own;
  return ++total;
}
int counted_here() { return own; }

// SPDX-License-Identifier: MIT
// Threads that an execution leaves while they handle an exception, or while one is on its way: the
// next execution finds no exception.
// Mended: proved
// Broken: assertion
// Verdict with -DWAITS: proved
// Verdict with -DWAITS_FOR_EVER: livelock
#include <checker/program.h>

#include <atomic>
#include <cassert>
#include <exception>
#include <thread>

std::atomic<int> turn{0};

bool none() { return std::uncaught_exceptions() == 0 && std::current_exception() == nullptr; }

// Is left here, in every second execution or so.
void leave(int at) {
#if defined WAITS || defined WAITS_FOR_EVER
  while (turn.load() < at) {
  }
#else
  checker_assume(turn.load() != at);
#endif
}

struct on_the_way {
  ~on_the_way() {
    assert(std::uncaught_exceptions() == 1);
    leave(1);
  }
};

void work() {
  assert(none());
  try {
    const on_the_way object;
    throw 5;
  } catch (int) {
    assert(std::uncaught_exceptions() == 0 && std::current_exception() != nullptr);
    leave(2);
  }
#ifdef BROKEN
  assert(!none());
#else
  assert(none());
#endif
}

int main() {
  assert(none());
  std::thread other(work);
  assert(none());
  turn = 1;
#ifndef WAITS_FOR_EVER
  turn = 2;
#endif
  assert(none());
  other.join();
  std::thread third([] { assert(none()); });
  third.join();
}

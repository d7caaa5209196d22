// SPDX-License-Identifier: MIT
// How fast the core of the calling thread issues instructions.
//
// A virtual CPU can be one of a core's two hardware threads, and the other one somebody else's.
// While that one works, code that is bound by the instructions which a core issues takes up to
// twice as long, and code that waits for its own stores, as the bare slot, takes no longer: the
// slot cannot tell. This can: nothing in it waits for anything.
//
// Stands on: the standard library.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <limits>

namespace pool_bench {

// Nanoseconds for one turn of a loop of stores, loads and additions, undisturbed by interrupts: the
// least of several tries of a microsecond or two.
[[gnu::noinline]] inline double core_probe() {
  using clock = std::chrono::steady_clock;
  constexpr int tries = 10;
  constexpr std::uint64_t turns = 2000;
  alignas(64) volatile std::uint64_t words[8] = {};
  double least = std::numeric_limits<double>::infinity();
  for (int i = 0; i < tries; ++i) {
    std::uint64_t a = 0;
    std::uint64_t b = 0;
    std::uint64_t c = 0;
    const clock::time_point start = clock::now();
    for (std::uint64_t turn = 0; turn < turns; ++turn) {
      words[0] = turn;
      words[1] = turn;
      words[2] = turn;
      a += words[4];
      b += words[5];
      c += words[6] + turn;
    }
    const std::chrono::duration<double, std::nano> took = clock::now() - start;
    least = std::min(least, took.count() / turns);
    words[3] = a + b + c;
  }
  return least;
}

}  // namespace pool_bench

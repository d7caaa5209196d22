// SPDX-License-Identifier: MIT
// A thread that does nothing for a second that others could see: it is told which one, and where.
// The loop may be one of the C++ library: then it is told who called that.
// Mended: proved
// Broken: not finished
// Told: thread 1 has run for a second without an operation that others could see
// Told: it is at without_operations.cpp:@turns.
// Verdict with -DIN_LIBRARY: not finished
// Told with -DIN_LIBRARY: it is at without_operations.cpp:@looks.
#include <algorithm>
#include <atomic>
#include <cstdint>
#include <thread>

std::atomic<int> turns{0};

// 1, 4, 2, 1: never 0, which no compiler knows. No function, which would have a line of its own.
#define NEXT(n) ((n) % 2 != 0 ? 3 * (n) + 1 : (n) / 2)

int main() {
  std::thread other([] {
    unsigned state = 1;
#if defined BROKEN
    while (state != 0) state = NEXT(state);  // @turns
#elif defined IN_LIBRARY
    const char first = 0;  // of many, which nobody reads
    const char* const last = &first + PTRDIFF_MAX;
    std::find_if(&first, last, [&](const char&) { return (state = NEXT(state)) == 0; });  // @looks
#endif
    turns.store(static_cast<int>(state));
  });
  other.join();
}

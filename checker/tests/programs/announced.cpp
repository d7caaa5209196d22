// SPDX-License-Identifier: MIT
// A loop that says in each turn what it has said before: it stores what it has stored there
// already, and waits. Others may see what else it does in a later turn: then it goes on.
// Mended: proved
// Broken: livelock
// Told: T1 spins at announced.cpp:@announces
// Verdict with -DLOOKS: proved
// Verdict with -DSEEN_LATER: livelock
// Verdict with -DCOUNTED: not finished
#include <atomic>
#include <thread>

std::atomic<bool> waiting{false};
std::atomic<bool> go{false};
std::atomic<int> looking{0};

int main() {
#if defined LOOKS || defined SEEN_LATER
  // main says so after its first look. The other may meet a later one.
  std::thread other([] {
    while (!waiting.load()) {
    }
#ifdef SEEN_LATER
    if (looking.load() != 0) return;
#else
    if (looking.load() > 1) return;
#endif
    go.store(true);
  });
  for (;;) {
    looking.fetch_add(1);
    const bool done = go.load();
    looking.fetch_sub(1);
    if (done) break;
    waiting.store(true);
  }
#else
  std::thread other([] {
    [[maybe_unused]] int turns = 0;
    while (!go.load()) {  // @announces
#ifdef COUNTED
      waiting.store(++turns != 0);
      looking.store(turns);
#else
      waiting.store(true);
#endif
    }
  });
#ifdef BROKEN
  if (waiting.load()) go.store(true);
#else
  while (!waiting.load()) {
  }
  go.store(true);
#endif
#endif
  other.join();
}

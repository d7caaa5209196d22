// SPDX-License-Identifier: MIT
// A program with errors of two kinds: --check-keep-going shows one of each.
// Verdict: assertion | deadlock
#include <atomic>
#include <cassert>
#include <thread>

std::atomic<int> turn{0};

int main() {
  std::thread one([] { turn.exchange(1); });
  std::thread other([] { turn.exchange(2); });
  const int seen = turn.load();
  assert(seen != 1);
  if (seen == 2) turn.wait(2);
  one.join();
  other.join();
}

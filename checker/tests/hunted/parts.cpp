// SPDX-License-Identifier: MIT
// Three threads write one place: as many executions as their writes have orders.
#include <checker/program.h>

#include <atomic>
#include <thread>

std::atomic<int> turns{0};

int main() {
  std::thread one([] { turns.exchange(1); });
  std::thread other([] { turns.exchange(2); });
  turns.exchange(3);
  one.join();
  other.join();
  checker_outcome(turns == 1 ? "one" : turns == 2 ? "other" : "main");
}

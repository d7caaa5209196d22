// SPDX-License-Identifier: MIT
// A loop that waits for another thread, and none has been started.
// Verdict: not finished
// Told as it is: it is at waits_alone.cpp:@here
#include <atomic>
#include <thread>

std::atomic<bool> is_ready{false};

int main() {
  while (!is_ready) {  // @here
  }
  std::thread([] { is_ready = true; }).join();
}

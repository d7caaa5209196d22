// SPDX-License-Identifier: MIT
// atomic::wait and notify_one.
// Mended: proved, at most 20
// Broken: deadlock
#include <atomic>
#include <thread>

int main() {
  std::atomic<int> state{0};
  std::thread waiting([&] { state.wait(0); });
  state.store(1);
#ifndef BROKEN
  state.notify_one();
#endif
  waiting.join();
}

// SPDX-License-Identifier: MIT
// jthread and stop_token.
// Mended: proved
// Broken: livelock
#include <atomic>
#include <stop_token>
#include <thread>

int main() {
  std::atomic<int> turns{0};
#ifdef BROKEN
  std::atomic<bool> stopped{false};
  std::jthread running([&] {
    while (!stopped.load()) {
    }
    turns = 1;
  });
#else
  std::jthread running([&](std::stop_token stop) {
    while (!stop.stop_requested()) {
    }
    turns = 1;
  });
#endif
}

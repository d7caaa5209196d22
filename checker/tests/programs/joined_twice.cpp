// SPDX-License-Identifier: MIT
// Two threads that both believe that they have to join a third.
// Mended: proved
// Broken: data race
#include <mutex>
#include <thread>

class service {
 public:
  void stop() {
#ifndef BROKEN
    const std::lock_guard lock(mutex_);
#endif
    if (worker_.joinable()) worker_.join();
  }

 private:
  std::mutex mutex_;
  std::thread worker_{[] {}};
};

int main() {
  service one;
  std::thread other([&] { one.stop(); });
  one.stop();
  other.join();
}

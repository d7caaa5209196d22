// SPDX-License-Identifier: MIT
// promise and future, with a value and with an exception.
// Mended: proved
// Broken: assertion
#include <cassert>
#include <future>
#include <stdexcept>
#include <thread>

int main() {
  std::promise<int> promise;
  std::future<int> future = promise.get_future();
  std::thread setting([&] {
#ifdef BROKEN
    promise.set_exception(std::make_exception_ptr(std::runtime_error("none")));
#else
    promise.set_value(6);
#endif
  });
  int got = 0;
  try {
    got = future.get();
  } catch (const std::runtime_error&) {
    got = -1;
  }
  setting.join();
  assert(got == 6);
}

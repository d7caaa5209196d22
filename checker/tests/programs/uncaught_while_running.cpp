// SPDX-License-Identifier: MIT
// An exception that nobody catches ends the program where it is thrown. No destructor runs, not
// even that of a thread that still goes on.
// Mended: proved
// Broken: uncaught exception
#include <cassert>
#include <future>
#include <thread>

int main() {
  std::promise<int> promise;
  std::future<int> result = promise.get_future();
  std::thread worker([given = std::move(promise)]() mutable {
#ifndef BROKEN
    given.set_value(3);
#endif
    std::promise<int>(std::move(given));
  });
  assert(result.get() == 3);
  worker.join();
}

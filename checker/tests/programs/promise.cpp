// SPDX-License-Identifier: MIT
// promise and future, with a value and with an exception; a shared future, whose value all may read
// and none may change.
// Mended: proved
// Broken: assertion
// Verdict with -DSHARED_STATE: proved
// Verdict with -DSHARED_CHANGED: data race
#include <cassert>
#include <future>
#include <stdexcept>
#include <thread>

#if defined(SHARED_STATE) || defined(SHARED_CHANGED)
int main() {
  int number = 0;
  std::promise<int*> promise;
  const std::shared_future<int*> future = promise.get_future().share();
  const auto work = [future] {
#ifdef SHARED_STATE
    assert(*future.get() == 6);
#else
    ++*future.get();
#endif
  };
  std::thread first(work);
  std::thread second(work);
  number = 6;
  promise.set_value(&number);
  first.join();
  second.join();
}
#else
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
#endif

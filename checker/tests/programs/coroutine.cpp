// SPDX-License-Identifier: MIT
// A coroutine that is resumed by another thread.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <coroutine>
#include <exception>
#include <thread>

struct task {
  struct promise_type {
    task get_return_object() { return {std::coroutine_handle<promise_type>::from_promise(*this)}; }
    std::suspend_always initial_suspend() { return {}; }
    std::suspend_always final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
  std::coroutine_handle<promise_type> handle;
};

int steps = 0;

task work() {
  ++steps;
  co_await std::suspend_always{};
  ++steps;
}

int main() {
  task made = work();
  made.handle.resume();
#ifdef BROKEN
  std::thread other([&] { made.handle.resume(); });
  assert(steps >= 1);
  other.join();
#else
  std::thread other([&] { made.handle.resume(); });
  other.join();
#endif
  assert(steps == 2 && made.handle.done());
  made.handle.destroy();
}

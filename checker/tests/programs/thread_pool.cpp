// SPDX-License-Identifier: MIT
// A thread pool with packaged tasks, shut down by its destructor.
// Mended: proved
// Broken: deadlock | assertion
#include <cassert>
#include <condition_variable>
#include <functional>
#include <future>
#include <memory>
#include <mutex>
#include <queue>
#include <thread>
#include <vector>
class pool {
 public:
  explicit pool(unsigned n) {
    for (unsigned i = 0; i != n; ++i) workers_.emplace_back([this] { work(); });
  }
  ~pool() {
    {
#ifndef BROKEN
      const std::lock_guard lock(mutex_);
#endif
      stopping_ = true;
    }
    wake_.notify_all();
    for (auto& each : workers_) each.join();
  }
  template <class F>
  auto submit(F f) {
    auto task = std::make_shared<std::packaged_task<decltype(f())()>>(std::move(f));
    auto future = task->get_future();
    {
      const std::lock_guard lock(mutex_);
      tasks_.push([task] { (*task)(); });
    }
    wake_.notify_one();
    return future;
  }

 private:
  void work() {
    for (;;) {
      std::function<void()> next;
      {
        std::unique_lock lock(mutex_);
        wake_.wait(lock, [this] { return stopping_ || !tasks_.empty(); });
        if (tasks_.empty()) return;
        next = std::move(tasks_.front());
        tasks_.pop();
      }
      next();
    }
  }
  std::mutex mutex_;
  std::condition_variable wake_;
  std::queue<std::function<void()>> tasks_;
#ifdef BROKEN
  std::atomic<bool> stopping_{false};
#else
  bool stopping_ = false;
#endif
  std::vector<std::thread> workers_;
};
int main() {
  pool workers(1);
  auto answer = workers.submit([] { return 42; });
  assert(answer.get() == 42);
}

// SPDX-License-Identifier: MIT
// Detached threads use an immortal pool while the program ends. A program without Catch2, whose own
// statics do not end well in a child process that exits.
#include <poolproof/immortal.hpp>
#include <poolproof/object_pool.hpp>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "../child.hpp"

namespace {

using namespace std::chrono_literals;
using poolproof::immortal;
using poolproof::object_pool;
using poolproof::pool_options;

// Destroyed after the pool, which comes later in this file: threads are at work in it meanwhile.
struct last_words {
  ~last_words() {
    if (waits) std::this_thread::sleep_for(100ms);
  }
  std::atomic<bool> waits{false};
} between_pool_and_end;

using buffer = std::array<int, 100>;
#if defined(POOLPROOF_TEST_MORTAL)
// What the test is for: it is seen to fail with this.
object_pool<buffer> shared_pool;
object_pool<buffer>* const used = &shared_pool;
#else
constinit immortal<object_pool<buffer>> shared_pool([] { return std::make_unique<buffer>(); },
                                                    pool_options{.cycle_interval = 1ms});
object_pool<buffer>* const used = shared_pool.operator->();
#endif

void work_for_ever(std::atomic<int>& at_work) {
  std::vector<std::unique_ptr<buffer>> mine;
  for (unsigned i = 0;; ++i) {
    ++(*used->borrow())[0];
    mine.push_back(used->get());
    if (mine.size() == 40) {
      for (auto& each : mine) used->put(std::move(each));
      mine.clear();
    }
    if (i % 100 == 0) used->rotate();
    if (i == 100) ++at_work;
  }
}

bool end_with_threads_at_work() {
  static std::atomic<int> at_work{0};
  for (int t = 0; t < 4; ++t) std::thread([] { work_for_ever(at_work); }).detach();
  while (at_work < 4) std::this_thread::yield();
  between_pool_and_end.waits = true;
  std::exit(EXIT_SUCCESS);
}

}  // namespace

int main() {
  for (int i = 0; i < 5; ++i) {
    if (!poolproof::test::holds_in_child(end_with_threads_at_work)) {
      std::puts("FAILED: a program whose detached threads use an immortal pool ends well");
      return EXIT_FAILURE;
    }
  }
  std::puts("ok: a program whose detached threads use an immortal pool ends well");
}

// SPDX-License-Identifier: MIT
// Go's stress of a ring or a chain: one producer, which also takes back every tenth value, and nine
// thieves; each value must be seen exactly once.
#pragma once

#include <atomic>
#include <cstddef>
#include <deque>
#include <latch>
#include <thread>
#include <vector>

#include "awaited.hpp"

namespace poolproof::test {

// A value on its way from the producer to whoever takes it.
struct value {
  int payload = 0;  // plain: a sanitizer sees it where the push does not come before the pop
  std::atomic<int> taken{0};
};

struct theft_result {
  std::size_t produced = 0;
  std::size_t seen_once = 0;
  std::size_t unfilled = 0;  // taken before the producer had written them
};

// At least `count` values. `push(value*)` is false when there is no room; `pop_head` and `pop_tail`
// return null when there is no value.
template <class Push, class PopHead, class PopTail>
theft_result one_producer_nine_thieves(std::size_t count, Push push, PopHead pop_head,
                                       PopTail pop_tail) {
  std::deque<value> values;
  std::atomic<std::size_t> by_thieves{0};
  std::atomic<std::size_t> unfilled{0};
  std::size_t by_producer = 0;
  awaited taken_back("the producer got a value back before the thieves did");
  std::atomic<bool> produced{false};
  constexpr std::size_t most_waiting = 1000;
  std::latch all_here(10);

  const auto receive = [&](value& v) {
    if (v.payload != 1) unfilled.fetch_add(1, std::memory_order_relaxed);
    v.taken.fetch_add(1, std::memory_order_relaxed);
  };
  const auto steal_all = [&] {
    all_here.arrive_and_wait();
    for (;;) {
      const bool last_look = produced;
      if (value* const v = pop_tail()) {
        receive(*v);
        by_thieves.fetch_add(1, std::memory_order_relaxed);
      } else if (last_look) {
        break;
      } else {
        std::this_thread::yield();
      }
    }
  };
  {
    std::vector<std::jthread> thieves;
    for (int i = 0; i < 9; ++i) thieves.emplace_back(steal_all);
    all_here.arrive_and_wait();
    for (std::size_t i = 0; i < count || taken_back.missing(); ++i) {
      // A producer that is never interrupted would push everything before the first theft.
      while (i - by_producer - by_thieves.load(std::memory_order_relaxed) > most_waiting) {
        std::this_thread::yield();
      }
      value& made = values.emplace_back();
      made.payload = 1;
      while (!push(&made)) std::this_thread::yield();
      if (i % 10 == 0) {
        if (value* const v = pop_head()) {
          receive(*v);
          ++by_producer;
          taken_back.happened();
        }
      }
    }
    produced = true;
  }

  taken_back.check();
  // All but what may have been waiting, and a tenth of all.
  CHECK(by_thieves > 0);
  theft_result result{.produced = values.size(), .unfilled = unfilled};
  for (const value& v : values) {
    if (v.taken == 1) ++result.seen_once;
  }
  return result;
}

}  // namespace poolproof::test

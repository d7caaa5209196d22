// SPDX-License-Identifier: MIT
// thread_churn: 10,000 short threads, two at a time; each takes four items and gives them back.
// Making the threads is most of the time, and the same for all: what counts is that the last
// thousand are as fast as the first (`slowdown`), and what is left (`live`, `live_after_cycles`).
#pragma once

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <thread>
#include <utility>
#include <vector>

#include "../harness.hpp"

namespace pool_bench {

struct thread_churn {
  static constexpr const char* name = "thread_churn";
  using object = counted_object;
  static constexpr int threads = 10'000;
  static constexpr int at_once = 2;
  static constexpr int waves = threads / at_once;
  static constexpr std::size_t items = 4;

  template <class Pool>
  static void one_thread(Pool& shared) {
    auto&& pool = enter(shared);
    std::array<item_of<Pool>, items> mine;
    for (auto& item : mine) {
      item = pool.get();
      use(item.get());
    }
    for (auto& item : mine) pool.put(std::move(item));
  }

  template <class Pool>
  static double seconds_of_a_wave(Pool& shared) {
    const auto start = recorder::clock::now();
    {
      std::array<std::jthread, at_once> wave;
      for (auto& thread : wave) thread = std::jthread([&shared] { one_thread(shared); });
    }
    return std::chrono::duration<double>(recorder::clock::now() - start).count();
  }

  // The medians of the last and of the first tenth: a thread that the system delays is no trend.
  static double slowdown(std::vector<double>& seconds) {
    const auto tenth = static_cast<std::ptrdiff_t>(seconds.size() / 10);
    const auto median = [tenth](std::vector<double>::iterator begin) {
      std::nth_element(begin, begin + tenth / 2, begin + tenth);
      return begin[tenth / 2];
    };
    return median(seconds.end() - tenth) / median(seconds.begin());
  }

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    std::vector<double> seconds;
    seconds.reserve(waves);
    record.start();
    for (auto _ : state)
      for (int wave = 0; wave < waves; ++wave) seconds.push_back(seconds_of_a_wave(shared));
    record.finish(threads * static_cast<std::int64_t>(items) * state.iterations(), [&] {
      record.set("slowdown", slowdown(seconds));
      if constexpr (keeps_items<Pool>)
        record.set("live", static_cast<double>(tally::total().live()));
      if constexpr (requires { shared.rotate(); }) {
        shared.rotate();
        shared.rotate();
        record.set("live_after_cycles", static_cast<double>(tally::total().live()));
      }
    });
  }
};

}  // namespace pool_bench

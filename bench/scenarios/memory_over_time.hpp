// SPDX-License-Identifier: MIT
// memory_over_time: what is held while a service is busy, idle, and busy again.
//
// 16 threads live throughout. In the first burst all are at work, in the second four: each gets 8
// buffers of 256 KiB, holds them for a millisecond, puts them, and rests as long. (Smaller ones
// glibc keeps in its arenas, whoever frees them; these it can give back.) Where the peer has
// cycles, a timer runs one every 200 ms. Every 10 ms a sample: the
// objects that exist, those in the hands of threads, and the resident bytes, less those at the
// beginning. The samples are the label, as JSON. A process measures one peer: what others have left
// in the allocator would show.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "../harness.hpp"
#include "../latencies.hpp"
#include "../resident.hpp"
#include "../timeline.hpp"

namespace pool_bench {

// Every page of it is written to, so that it is resident.
struct buffer {
  buffer() {
    tally::count_construction();
    bytes.fill(std::byte{1});
  }
  ~buffer() { tally::count_destruction(); }
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;

  std::array<std::byte, 256 * 1024> bytes;
};

struct memory_over_time {
  static constexpr const char* name = "memory_over_time";
  using object = buffer;
  using milliseconds = std::chrono::milliseconds;

  static constexpr int threads = 16;
  static constexpr std::size_t buffers = 8;
  static constexpr milliseconds hold{1};
  static constexpr milliseconds cycle{200};
  static constexpr milliseconds step{10};

  struct phase {
    int at_work;
    milliseconds length;
  };
  static constexpr std::array<phase, 5> phases{{{0, milliseconds(50)},
                                                {threads, milliseconds(400)},
                                                {0, milliseconds(700)},
                                                {4, milliseconds(400)},
                                                {0, milliseconds(700)}}};

  struct shared_state {
    std::atomic<int> at_work{0};
    std::atomic<std::uint64_t> in_use{0};
    std::atomic<std::int64_t> pairs{0};
  };

  template <class Pool>
  static void work(Pool& shared, shared_state& common, int me, const std::stop_token& stop) {
    auto&& pool = enter(shared);
    std::array<item_of<Pool>, buffers> mine;
    while (!stop.stop_requested()) {
      if (me < common.at_work.load(std::memory_order_relaxed)) {
        for (auto& item : mine) {
          item = pool.get();
          common.in_use.fetch_add(1, std::memory_order_relaxed);
        }
        std::this_thread::sleep_for(hold);
        for (auto& item : mine) {
          common.in_use.fetch_sub(1, std::memory_order_relaxed);
          pool.put(std::move(item));
        }
        common.pairs.fetch_add(buffers, std::memory_order_relaxed);
      }
      std::this_thread::sleep_for(hold);
    }
  }

  template <class Pool>
  static void cycles(Pool& pool, const std::stop_token& stop) {
    std::mutex mutex;
    std::condition_variable_any wake;
    std::unique_lock lock(mutex);
    while (!wake.wait_for(lock, stop, cycle, [&] { return stop.stop_requested(); })) pool.rotate();
  }

  template <class Pool>
  static void run(benchmark::State& state, Pool& pool, recorder& record) {
    const std::uint64_t live_before = tally::total().live();
    shared_state common;
    timeline samples;
    record.start();
    for (auto _ : state) {
      std::vector<std::jthread> workers;
      for (int i = 0; i < threads; ++i) {
        workers.emplace_back([&, i](const std::stop_token& stop) { work(pool, common, i, stop); });
      }
      std::jthread timer;
      if constexpr (requires { pool.rotate(); })
        timer = std::jthread([&](const std::stop_token& stop) { cycles(pool, stop); });
      const std::uint64_t resident_before = resident_bytes();
      const clock::time_point start = clock::now();
      clock::time_point next = start;
      clock::time_point end = start;
      for (const phase& each : phases) {
        common.at_work.store(each.at_work);
        end += each.length;
        for (; next < end; next += step) {
          std::this_thread::sleep_until(next);
          const std::uint64_t resident = resident_bytes();
          samples.add(std::chrono::duration<double>(clock::now() - start).count(),
                      tally::total().live() - live_before, common.in_use.load(),
                      resident - std::min(resident_before, resident));
        }
      }
    }
    state.SetLabel(samples.json());
    record.finish(common.pairs.load());
  }
};

}  // namespace pool_bench

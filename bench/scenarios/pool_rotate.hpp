// pool_rotate: what a cycle costs, and what others notice of it.
//
// The pool holds `range(0)` items. One thread for each further CPU, pinned to it, takes an item,
// gives it back, and times both together. Meanwhile the measuring thread, on the first CPU, runs
// two cycles, of which the first retires the items and the second destroys them; or, with
// `range(1)` = 0, waits for as long as such cycles take, without touching the pool. The users'
// times without cycles are what the machine itself does to them (interrupts, other programs).
//
// Counters, in nanoseconds: retire_*, destroy_* (the length of the call), user_* (get and put).
#pragma once

#include <pthread.h>
#include <sched.h>

#include <algorithm>
#include <atomic>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "../harness.hpp"

namespace pool_bench {

// Counts by time: 16 steps for each power of two, so that a percentile is right within 6 %.
class latencies {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[place(nanoseconds)];
    longest_ = std::max(longest_, nanoseconds);
    ++total_;
  }

  void add(const latencies& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    longest_ = std::max(longest_, other.longest_);
    total_ += other.total_;
  }

  // The upper end of the step in which the percentile lies.
  double percentile(double of_100) const {
    const auto wanted =
        static_cast<std::uint64_t>(std::ceil(static_cast<double>(total_) * of_100 / 100));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      below += counts_[i];
      if (below >= wanted) return static_cast<double>(std::min(upper_end(i), longest_));
    }
    return static_cast<double>(longest_);
  }

  std::uint64_t longest() const { return longest_; }
  std::uint64_t total() const { return total_; }

 private:
  static constexpr std::size_t step_bits = 4;
  static constexpr std::size_t steps = 1U << step_bits;

  static std::size_t place(std::uint64_t value) {
    if (value < steps) return value;
    const auto shift = static_cast<std::size_t>(std::bit_width(value)) - step_bits - 1;
    return shift * steps + (value >> shift);
  }

  static std::uint64_t upper_end(std::size_t place) {
    if (place < 2 * steps) return place;
    const std::size_t shift = place / steps - 1;
    return (((place % steps + steps) + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(64 * steps);
  std::uint64_t longest_ = 0;
  std::uint64_t total_ = 0;
};

// Keeps the calling thread on one CPU of those that the process may use.
class pinned {
 public:
  explicit pinned(std::size_t index) {
    pthread_getaffinity_np(pthread_self(), sizeof before_, &before_);
    cpu_set_t only;
    CPU_ZERO(&only);
    CPU_SET(cpu(before_, index), &only);
    pthread_setaffinity_np(pthread_self(), sizeof only, &only);
  }
  ~pinned() { pthread_setaffinity_np(pthread_self(), sizeof before_, &before_); }
  pinned(const pinned&) = delete;
  pinned& operator=(const pinned&) = delete;

 private:
  static std::size_t cpu(const cpu_set_t& allowed, std::size_t index) {
    std::vector<std::size_t> cpus;
    for (std::size_t each = 0; each < CPU_SETSIZE; ++each)
      if (CPU_ISSET(each, &allowed)) cpus.push_back(each);
    return cpus[index % cpus.size()];
  }

  cpu_set_t before_;
};

struct pool_rotate {
  static constexpr const char* name = "pool_rotate";
  using object = counted_object;
  using clock = recorder::clock;

  static std::uint64_t nanoseconds_since(clock::time_point start) {
    return static_cast<std::uint64_t>(
        std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - start).count());
  }

  // Takes an item and gives it back until told to stop; times while `measured` is set.
  template <class Pool>
  static void user(Pool& pool, std::size_t cpu, const std::atomic<bool>& measured,
                   std::atomic<int>& ready, const std::stop_token& stop, latencies& mine) {
    const pinned here(cpu);
    pool.put(pool.get());
    ready.fetch_add(1);
    while (!stop.stop_requested()) {
      const bool counts = measured.load(std::memory_order_relaxed);
      const clock::time_point start = clock::now();
      pool.put(pool.get());
      if (counts) mine.add(nanoseconds_since(start));
    }
  }

  template <class Pool>
  static std::uint64_t time_rotate(Pool& pool) {
    const clock::time_point start = clock::now();
    pool.rotate();
    return nanoseconds_since(start);
  }

  static void report(recorder& record, const std::string& what, const latencies& times) {
    record.set((what + "_p50_ns").c_str(), times.percentile(50));
    record.set((what + "_p95_ns").c_str(), times.percentile(95));
    record.set((what + "_p99_ns").c_str(), times.percentile(99));
    record.set((what + "_p99.9_ns").c_str(), times.percentile(99.9));
    record.set((what + "_longest_ns").c_str(), static_cast<double>(times.longest()));
    record.set((what + "_count").c_str(), static_cast<double>(times.total()));
  }

  template <class Pool>
  static void run(benchmark::State& state, Pool& pool, recorder& record) {
    const auto crowd = static_cast<std::size_t>(state.range(0));
    const bool cycles = state.range(1) != 0;
    const std::size_t users = std::max(1U, std::thread::hardware_concurrency() - 1);
    std::vector<latencies> of_user(users);
    latencies retire;
    latencies destroy;
    std::atomic<bool> measured{false};
    std::atomic<int> ready{0};
    {
      const pinned here(0);
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < users; ++i)
        threads.emplace_back([&, i](const std::stop_token& stop) {
          user(pool, i + 1, measured, ready, stop, of_user[i]);
        });
      while (ready.load() != static_cast<int>(users)) std::this_thread::yield();
      record.start();
      for (auto _ : state) {
        for (std::size_t i = 0; i < crowd; ++i) pool.put(std::make_unique<object_of<Pool>>());
        measured.store(true);
        const clock::time_point begun = clock::now();
        if (cycles) {
          retire.add(time_rotate(pool));
          destroy.add(time_rotate(pool));
        } else {
          // About as long as destroying the items takes, of which the allocator is the most.
          while (nanoseconds_since(begun) < 20 * crowd) benchmark::ClobberMemory();
        }
        measured.store(false);
        if (!cycles) {
          pool.rotate();
          pool.rotate();
        }
      }
    }
    latencies of_users;
    for (const latencies& each : of_user) of_users.add(each);
    report(record, "user", of_users);
    if (cycles) {
      report(record, "retire", retire);
      report(record, "destroy", destroy);
    }
    record.require(of_users.total() > 0, "no user was measured");
    record.finish(static_cast<std::int64_t>(of_users.total()));
  }
};

}  // namespace pool_bench

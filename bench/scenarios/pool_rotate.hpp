// SPDX-License-Identifier: MIT
// pool_rotate: what a cycle costs, and what others notice of it.
//
// The pool holds `range(0)` items, in the shards of the users' CPUs. There is one user for each
// further CPU, pinned to it: it gets 24 items and puts them, more than a CPU keeps at hand, so that
// it needs the rings that a cycle works on; and it times every call. The measuring thread, on the
// first CPU, runs two cycles, of which the first retires the items and the second destroys them.
// Just before, for as long as the last such pair took, it is as busy without touching the pool: the
// users' times then are what the machine itself does to them (interrupts, other programs).
//
// Counters, in nanoseconds: retire_*, destroy_* (the length of the call), and of every get and put
// of the users cycle_* (during the two cycles) and quiet_* (without). How long a cycle keeps a
// shard from its users shows from outside in cycle_longest_ns; `busy` counts how often they found
// its ring owned, and then went elsewhere.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>
#include <vector>

#include "../harness.hpp"
#include "../latencies.hpp"
#include "../pinned.hpp"

namespace pool_bench {

struct pool_rotate {
  static constexpr const char* name = "pool_rotate";
  using object = counted_object;
  static constexpr std::size_t in_hand = 24;

  enum phase : std::uint8_t { unmeasured, quiet, cycle };
  using times = std::array<latencies, 3>;  // by phase

  template <class Call>
  static void timed(const std::atomic<phase>& now, times& mine, Call call) {
    const phase when = now.load(std::memory_order_relaxed);
    const clock::time_point start = clock::now();
    call();
    mine[when].add(nanoseconds_since(start));
  }

  struct alignas(128) user {
    times measured;
    std::atomic<std::uint64_t> rounds{0};

    template <class Pool>
    void run(Pool& pool, std::size_t cpu, const std::atomic<phase>& now,
             const std::stop_token& stop) {
      const pinned here(cpu);
      std::array<item_of<Pool>, in_hand> items;
      while (!stop.stop_requested()) {
        for (auto& item : items) timed(now, measured, [&] { item = pool.get(); });
        for (auto& item : items) timed(now, measured, [&] { pool.put(std::move(item)); });
        rounds.fetch_add(1, std::memory_order_relaxed);
      }
    }

    // Returns while the user has its CPU: other programs may have had it.
    void wait_until_running() const {
      const std::uint64_t seen = rounds.load();
      while (rounds.load() == seen) std::this_thread::yield();
    }
  };

  template <class Pool>
  static void fill(Pool& pool, std::size_t crowd, std::size_t users) {
    for (std::size_t each = 1; each <= users; ++each) {
      const pinned there(each);
      for (std::size_t i = 0; i < crowd / users; ++i) pool.put(std::make_unique<object_of<Pool>>());
    }
  }

  template <class Pool>
  static std::uint64_t time_rotate(Pool& pool) {
    const clock::time_point start = clock::now();
    pool.rotate();
    return nanoseconds_since(start);
  }

  static void stay_busy(std::uint64_t nanoseconds) {
    const clock::time_point start = clock::now();
    while (nanoseconds_since(start) < nanoseconds) benchmark::ClobberMemory();
  }

  template <class Pool>
  static void run(benchmark::State& state, Pool& pool, recorder& record) {
    const auto crowd = static_cast<std::size_t>(state.range(0));
    const std::size_t users = std::max<std::size_t>(1, pinned::cpus().size() - 1);
    std::vector<user> all_users(users);
    latencies retire;
    latencies destroy;
    std::atomic<phase> now{unmeasured};
    std::uint64_t busy = 0;
    {
      const pinned here(0);
      std::vector<std::jthread> threads;
      for (std::size_t i = 0; i < users; ++i) {
        threads.emplace_back(
            [&, i](const std::stop_token& stop) { all_users[i].run(pool, i + 1, now, stop); });
      }
      const auto begin = [&](phase next) {
        for (const user& each : all_users) each.wait_until_running();
        now.store(next);
      };
      // A pair of cycles tells how long the next quiet time is; that of this one is not counted.
      fill(pool, crowd, users);
      std::uint64_t first = time_rotate(pool);
      std::uint64_t second = time_rotate(pool);
      busy = pool.stats().busy;
      record.start();
      for (auto _ : state) {
        fill(pool, crowd, users);
        begin(quiet);
        stay_busy(first + second);
        begin(cycle);
        first = time_rotate(pool);
        second = time_rotate(pool);
        now.store(unmeasured);
        retire.add(first);
        destroy.add(second);
      }
      busy = pool.stats().busy - busy;
    }
    times all;
    for (const user& each : all_users)
      for (const phase when : {quiet, cycle}) all[when].add(each.measured[when]);
    report_latencies(record, "retire", retire);
    report_latencies(record, "destroy", destroy);
    report_latencies(record, "quiet", all[quiet]);
    report_latencies(record, "cycle", all[cycle]);
    record.set("busy", static_cast<double>(busy));
    record.require(all[quiet].total() > 0 && all[cycle].total() > 0, "no user was measured");
    record.finish(static_cast<std::int64_t>((all[quiet].total() + all[cycle].total()) / 2));
  }
};

}  // namespace pool_bench

// SPDX-License-Identifier: MIT
// producer_consumer: one thread gets an object, writes it and hands it on; the other reads it and
// puts it. So no get finds what its own thread put. The way between them is the same bounded ring
// for every peer, and a closed loop: at most 64 objects are under way. Whoever finds the ring full
// or empty looks again a few times and then yields. The reader adds up what it reads: a lost or
// doubled object is an error.
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <thread>
#include <utility>

#include "../harness.hpp"

namespace pool_bench {

// One producer, one consumer, each with its index on a line of its own and what it last knew of the
// other's beside it.
template <class T>
class spsc_ring {
 public:
  void push(std::unique_ptr<T> item) {
    const std::size_t at = tail_.load(std::memory_order_relaxed);
    wait_while([&] { return at - head_seen_ == size; },
               [&] { head_seen_ = head_.load(std::memory_order_acquire); });
    places_[at % size] = item.release();
    tail_.store(at + 1, std::memory_order_release);
  }

  std::unique_ptr<T> pop() {
    const std::size_t at = head_.load(std::memory_order_relaxed);
    wait_while([&] { return at == tail_seen_; },
               [&] { tail_seen_ = tail_.load(std::memory_order_acquire); });
    std::unique_ptr<T> item(places_[at % size]);
    head_.store(at + 1, std::memory_order_release);
    return item;
  }

 private:
  static constexpr std::size_t size = 64;
  static constexpr int looks = 100;

  template <class Condition, class Look>
  static void wait_while(Condition holds, Look look) {
    for (int looked = 0; holds(); ++looked) {
      if (looked > looks) std::this_thread::yield();
      look();
    }
  }

  alignas(64) std::atomic<std::size_t> tail_{0};
  std::size_t head_seen_ = 0;
  alignas(64) std::atomic<std::size_t> head_{0};
  std::size_t tail_seen_ = 0;
  alignas(64) std::array<T*, size> places_{};
};

struct producer_consumer {
  static constexpr const char* name = "producer_consumer";
  using object = counted_object;

  template <class Pool>
  static void run(benchmark::State& state, Pool& shared, recorder& record) {
    static spsc_ring<object_of<Pool>> ring;  // every run empties it
    auto&& pool = enter(shared);
    const std::uint64_t steals_before = steals_of(shared);
    std::uint64_t number = 0;
    std::uint64_t sum = 0;
    record.start();
    if (state.thread_index() == 0) {
      for (auto _ : state) {
        item_of<Pool> item = pool.get();
        item->words[0] = ++number;
        ring.push(std::move(item));
      }
      record.finish(state.iterations(), [&] {
        record.set("steals", static_cast<double>(steals_of(shared) - steals_before));
      });
    } else {
      for (auto _ : state) {
        item_of<Pool> item = ring.pop();
        sum += item->words[0];
        pool.put(std::move(item));
      }
      const auto handed = static_cast<std::uint64_t>(state.iterations());
      record.require(sum == handed * (handed + 1) / 2, "an object was lost or doubled");
      record.finish(0);
    }
  }
};

}  // namespace pool_bench

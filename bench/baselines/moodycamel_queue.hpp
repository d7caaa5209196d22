// SPDX-License-Identifier: MIT
// moodycamel::ConcurrentQueue, bare and, as its manual recommends for threads that stay, with a
// producer's and a consumer's token for each thread.
#pragma once

#include <concurrentqueue/concurrentqueue.h>

#include <memory>
#include <utility>

#include "peer.hpp"

namespace pool_bench {

template <class T>
class moodycamel_queue {
 public:
  static constexpr const char* name = "moodycamel";

  [[gnu::always_inline]] std::unique_ptr<T> try_get() {
    std::unique_ptr<T> taken;
    queue_.try_dequeue(taken);
    return taken;
  }

  [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }

  [[gnu::always_inline]] void put(std::unique_ptr<T> item) { queue_.enqueue(std::move(item)); }

 private:
  moodycamel::ConcurrentQueue<std::unique_ptr<T>> queue_;
};

template <class T>
class moodycamel_tokens {
  using queue = moodycamel::ConcurrentQueue<std::unique_ptr<T>>;

 public:
  static constexpr const char* name = "moodycamel_tokens";

  class local {
   public:
    explicit local(moodycamel_tokens& pool)
        : queue_(pool.queue_), producer_(queue_), consumer_(queue_) {}

    [[gnu::always_inline]] std::unique_ptr<T> try_get() {
      std::unique_ptr<T> taken;
      queue_.try_dequeue(consumer_, taken);
      return taken;
    }

    [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }

    [[gnu::always_inline]] void put(std::unique_ptr<T> item) {
      queue_.enqueue(producer_, std::move(item));
    }

   private:
    queue& queue_;
    moodycamel::ProducerToken producer_;
    moodycamel::ConsumerToken consumer_;
  };

  [[gnu::always_inline]] std::unique_ptr<T> get() { return local(*this).get(); }
  [[gnu::always_inline]] void put(std::unique_ptr<T> item) { local(*this).put(std::move(item)); }

 private:
  queue queue_;
};

}  // namespace pool_bench

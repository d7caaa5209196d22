// SPDX-License-Identifier: MIT
// A vector of items for each thread, as programs write it that need no sharing. It keeps at most
// 4096, or a thread that only puts would grow for ever; the rest is destroyed. A thread looks its
// vector up once: to find one that has a destructor costs a call each time.
#pragma once

#include <cstddef>
#include <memory>
#include <utility>
#include <vector>

#include "peer.hpp"

namespace pool_bench {

template <class T>
class thread_local_cache {
 public:
  static constexpr const char* name = "thread_local_cache";

  class local {
   public:
    explicit local(thread_local_cache&) {}

    [[gnu::always_inline]] std::unique_ptr<T> try_get() {
      if (kept_.empty()) return nullptr;
      std::unique_ptr<T> taken = std::move(kept_.back());
      kept_.pop_back();
      return taken;
    }

    [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }

    [[gnu::always_inline]] void put(std::unique_ptr<T> item) {
      if (kept_.size() < most_kept) kept_.push_back(std::move(item));
    }

   private:
    std::vector<std::unique_ptr<T>>& kept_ = of_thread_;
  };

  // The thread that measures outlives the pool. Other threads' caches end with them.
  ~thread_local_cache() { of_thread_.clear(); }

  std::unique_ptr<T> get() { return local(*this).get(); }
  void put(std::unique_ptr<T> item) { local(*this).put(std::move(item)); }

 private:
  static constexpr std::size_t most_kept = 4096;
  static inline thread_local std::vector<std::unique_ptr<T>> of_thread_;
};

}  // namespace pool_bench

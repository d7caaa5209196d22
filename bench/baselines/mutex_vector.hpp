// SPDX-License-Identifier: MIT
// The pool that everybody writes first. Nothing is constructed or destroyed under the lock.
#pragma once

#include <memory>
#include <mutex>
#include <utility>
#include <vector>

#include "peer.hpp"

namespace pool_bench {

template <class T>
class mutex_vector {
 public:
  static constexpr const char* name = "mutex_vector";

  [[gnu::always_inline]] std::unique_ptr<T> try_get() {
    const std::lock_guard lock(mutex_);
    if (items_.empty()) return nullptr;
    std::unique_ptr<T> taken = std::move(items_.back());
    items_.pop_back();
    return taken;
  }

  [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }

  [[gnu::always_inline]] void put(std::unique_ptr<T> item) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(item));
  }

 private:
  std::mutex mutex_;
  std::vector<std::unique_ptr<T>> items_;
};

}  // namespace pool_bench

// SPDX-License-Identifier: MIT
// Pools with a maximum, whose get waits: peers made of how many objects there may be, with get()
// and give_back(what it gave).
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <poolproof/bounded_pool.hpp>
#include <semaphore>
#include <utility>
#include <vector>

#if ON_TOP_SCENARIOS_HAS_POCO
#include <Poco/ObjectPool.h>
#endif

#include "../objects.hpp"

namespace pool_bench {

// The subject: in turn.
class turns {
 public:
  static constexpr const char* name = "bounded_pool";

  explicit turns(std::size_t most)
      : pool_(most, [] { return std::make_unique<counted_object>(); }) {}
  auto get() { return pool_.get(); }
  template <class Handle>
  void give_back(Handle) {}

 private:
  poolproof::bounded_pool<counted_object> pool_;
};

// What one writes by hand: permits, and a list under a mutex. Who comes may overtake who waits.
class semaphore_mutex {
 public:
  static constexpr const char* name = "semaphore_mutex";

  explicit semaphore_mutex(std::size_t most) : free_(static_cast<std::ptrdiff_t>(most)) {}
  std::unique_ptr<counted_object> get() {
    free_.acquire();
    {
      const std::lock_guard lock(mutex_);
      if (!idle_.empty()) {
        std::unique_ptr<counted_object> found = std::move(idle_.back());
        idle_.pop_back();
        return found;
      }
    }
    return std::make_unique<counted_object>();
  }
  void give_back(std::unique_ptr<counted_object> used) {
    {
      const std::lock_guard lock(mutex_);
      idle_.push_back(std::move(used));
    }
    free_.release();
  }

 private:
  std::counting_semaphore<> free_;
  std::mutex mutex_;
  std::vector<std::unique_ptr<counted_object>> idle_;
};

#if ON_TOP_SCENARIOS_HAS_POCO
// Poco's: a mutex and a condition variable. Who comes may overtake who waits.
class poco_pool {
 public:
  static constexpr const char* name = "poco_object_pool";

  explicit poco_pool(std::size_t most) : pool_(most, most) {}
  counted_object* get() {
    constexpr long hour = 3'600'000;
    return pool_.borrowObject(hour);
  }
  void give_back(counted_object* used) { pool_.returnObject(used); }

 private:
  Poco::ObjectPool<counted_object> pool_;
};
#endif

}  // namespace pool_bench

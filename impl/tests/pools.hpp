// SPDX-License-Identifier: MIT
// The pools that the tests use, and what the tests do with them again and again.
#pragma once

#include <poolproof/object_pool.hpp>

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>
#include <vector>

#include "test_sync.hpp"
#include "tracked.hpp"

namespace poolproof::test {

using item = std::unique_ptr<tracked>;
using real_pool = object_pool<tracked>;
using steered_pool = object_pool<tracked, std::default_delete<tracked>, test_sync>;

inline constexpr pool_options without_automatic_cycles{.cycle_interval = std::nullopt};

// For pools whose items all come from the test.
inline constexpr auto no_factory = [] { return item(); };

// Puts new items with the values from `first` on.
template <class Pool>
void put_new(Pool& pool, int first, int count = 1) {
  for (int i = 0; i < count; ++i) pool.put(std::make_unique<tracked>(first + i));
}

template <class Pool>
void put_new_on(std::uint32_t cpu, Pool& pool, int first, int count = 1) {
  const on_cpu here(cpu);
  put_new(pool, first, count);
}

// Takes an item out of the pool and marks it as in somebody's hands; null if there is none.
template <class Pool>
item take(Pool& pool) {
  item taken = pool.try_get();
  if (taken != nullptr) taken->hold();
  return taken;
}

// Ends what `take` began: by putting the item back, or by destroying it.
template <class Pool>
void put_back(Pool& pool, item taken) {
  taken->let_go();
  pool.put(std::move(taken));
}
inline void dispose(item taken) { taken->let_go(); }

// The value of the next item of the pool, which is destroyed; nothing if there is none.
template <class Pool>
std::optional<int> take_value(Pool& pool) {
  const item taken = pool.try_get();
  return taken != nullptr ? std::optional(taken->value) : std::nullopt;
}

// Takes all that is in the pool, holding everything until the end, and returns how many it was.
template <class Pool>
std::size_t take_all(Pool& pool) {
  std::vector<item> taken;
  while (item next = take(pool)) taken.push_back(std::move(next));
  const std::size_t count = taken.size();
  for (item& each : taken) dispose(std::move(each));
  return count;
}

// A thread that is stopped inside a put, where it owns the ring of `cpu`'s unused shard and wants
// memory for a ring. Its second item is in the private part, the first one, displaced, in its
// hands.
template <class Pool>
class stopped_owner {
 public:
  stopped_owner(Pool& pool, std::uint32_t cpu, int first_value)
      : thread_(event::allocate, 0, [&pool, cpu, first_value] {
          test_sync::set_cpu(cpu);
          put_new(pool, first_value, 2);
        }) {}

  bool stopped() { return thread_.stopped(); }
  void finish() { thread_.finish(); }

 private:
  stopped_thread thread_;
};

}  // namespace poolproof::test

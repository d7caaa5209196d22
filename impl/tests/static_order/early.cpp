// SPDX-License-Identifier: MIT
// Stands before pools.cpp on the linker's command line: its constructors run before those of the
// pools, if these have any. What it puts then must be there in main.
#include <cstdio>
#include <utility>

#include "pools.hpp"

namespace {

template <class Pool>
struct user {
  explicit user(Pool& used) : pool(used) {
    auto item = pool.get();
    first = item.get();
    pool.put(std::move(item));
  }

  int items_lost() { return pool.try_get().get() == first ? 0 : 1; }

  Pool& pool;
  const void* first = nullptr;
};

user defaults{pool_of_defaults};
user factory{pool_with_factory};
user interval{pool_with_interval};
user no_cycles{pool_without_cycles};
user deleter{pool_with_deleter};
user upkeep{pool_with_upkeep};
user immortal{*immortal_pool};

}  // namespace

int main() {
  const int lost = defaults.items_lost() + factory.items_lost() + interval.items_lost() +
                   no_cycles.items_lost() + deleter.items_lost() + upkeep.items_lost() +
                   immortal.items_lost();
  std::printf("%d items lost\n", lost);
  return lost == 0 ? 0 : 1;
}

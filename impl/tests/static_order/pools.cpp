// SPDX-License-Identifier: MIT
#include "pools.hpp"

#include <chrono>
#include <memory>
#include <optional>

using poolproof::pool;
using namespace std::chrono_literals;

pool<int> pool_of_defaults;
pool<int> pool_with_factory([] { return std::make_unique<int>(); });
pool<int> pool_with_interval([] { return std::make_unique<int>(); }, {.cycle_interval = 5min});
pool<int> pool_without_cycles([] { return std::make_unique<int>(); },
                              {.cycle_interval = std::nullopt});
pool<char, with_free> pool_with_deleter([] {
  return std::unique_ptr<char, with_free>(static_cast<char*>(std::malloc(16)));
});
pool<int> pool_with_upkeep([] { return std::make_unique<int>(); },
                           {.name = "kept up", .max_retained = 5, .max_bytes = 100},
                           {.reset = [](int&) { return true; },
                            .size_of = [](const int&) { return sizeof(int); },
                            .on_drop = [](int&, poolproof::drop_cause) {}});
poolproof::immortal<pool<int>> immortal_pool([] { return std::make_unique<int>(); });

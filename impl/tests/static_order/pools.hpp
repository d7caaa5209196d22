// SPDX-License-Identifier: MIT
// Pools with static storage, none of them declared constinit.
#pragma once

#include <poolproof/checked_pool.hpp>
#include <poolproof/immortal.hpp>

#include <cstdlib>

struct with_free {
  void operator()(void* memory) const { std::free(memory); }
};

extern poolproof::pool<int> pool_of_defaults;
extern poolproof::pool<int> pool_with_factory;
extern poolproof::pool<int> pool_with_interval;
extern poolproof::pool<int> pool_without_cycles;
extern poolproof::pool<char, with_free> pool_with_deleter;
extern poolproof::pool<int> pool_with_upkeep;
extern poolproof::immortal<poolproof::pool<int>> immortal_pool;

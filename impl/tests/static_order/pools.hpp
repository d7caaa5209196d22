// SPDX-License-Identifier: MIT
// Pools with static storage, none of them declared constinit.
#pragma once

#include <poolproof/immortal.hpp>
#include <poolproof/object_pool.hpp>

#include <cstdlib>

struct with_free {
  void operator()(void* memory) const { std::free(memory); }
};

extern poolproof::object_pool<int> pool_of_defaults;
extern poolproof::object_pool<int> pool_with_factory;
extern poolproof::object_pool<int> pool_with_interval;
extern poolproof::object_pool<int> pool_without_cycles;
extern poolproof::object_pool<char, with_free> pool_with_deleter;
extern poolproof::object_pool<int> pool_with_upkeep;
extern poolproof::immortal<poolproof::object_pool<int>> immortal_pool;

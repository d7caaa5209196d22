// SPDX-License-Identifier: MIT
#include <poolproof/immortal.hpp>
#include <poolproof/object_pool.hpp>

#include <atomic>
#include <memory>

#include "libraries.hpp"

namespace {

std::atomic<int> alive{0};

struct counted {
  counted() { ++alive; }
  ~counted() { --alive; }
  counted(const counted&) = delete;
  counted& operator=(const counted&) = delete;
};

poolproof::immortal<poolproof::object_pool<counted>> pool;

}  // namespace

void put_items(int count) {
  for (int i = 0; i < count; ++i) pool->put(std::make_unique<counted>());
}

int items_alive() { return alive; }

// SPDX-License-Identifier: MIT
#include "plugin.hpp"

#include <poolproof/object_pool.hpp>

void use_pool(int count) {
  poolproof::object_pool<int> pool;
  for (int i = 0; i != count; ++i) pool.put(pool.get());
}

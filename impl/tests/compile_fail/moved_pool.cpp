// SPDX-License-Identifier: MIT
// A pool is not moved.
// expect: deleted
#include <poolproof/object_pool.hpp>

#include <utility>

poolproof::object_pool<int> pool;
#if defined(MISTAKE)
poolproof::object_pool<int> moved = std::move(pool);
#endif

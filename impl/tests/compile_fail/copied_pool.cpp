// SPDX-License-Identifier: MIT
// A pool is not copied.
// expect: deleted
#include <poolproof/object_pool.hpp>

poolproof::object_pool<int> pool;
#if defined(MISTAKE)
poolproof::object_pool<int> copy = pool;
#endif

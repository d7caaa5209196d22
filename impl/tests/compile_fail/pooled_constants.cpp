// SPDX-License-Identifier: MIT
// An item is handed out to be used.
// expect: T must not be const or volatile
#include <poolproof/object_pool.hpp>

#include <memory>

#if defined(MISTAKE)
using item = const int;
#else
using item = int;
#endif
poolproof::object_pool<item> pool([] { return std::make_unique<item>(); });

void use() { pool.put(pool.get()); }

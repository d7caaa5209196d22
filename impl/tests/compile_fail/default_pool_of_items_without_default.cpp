// SPDX-License-Identifier: MIT
// Without a factory a miss constructs T{}.
// expect: no matching (function|constructor)
#include <poolproof/object_pool.hpp>

#include <memory>

struct item {
  explicit item(int) {}
};
#if defined(MISTAKE)
poolproof::object_pool<item> pool;
#else
poolproof::object_pool<item> pool([] { return std::make_unique<item>(1); });
#endif

// SPDX-License-Identifier: MIT
// A factory makes the pool's own items.
// expect: must return std::unique_ptr<T, Deleter>
#include <poolproof/object_pool.hpp>

#include <memory>

#if defined(MISTAKE)
poolproof::object_pool<int> pool([] { return std::make_unique<char>(); });
#else
poolproof::object_pool<int> pool([] { return std::make_unique<int>(); });
#endif

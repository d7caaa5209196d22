// SPDX-License-Identifier: MIT
// An item has one owner: the pool, or who has taken it out.
// expect: must return std::unique_ptr<T, Deleter>.*std::shared_ptr cannot be pooled
#include <poolproof/object_pool.hpp>

#include <memory>

#if defined(MISTAKE)
poolproof::object_pool<int> pool([] { return std::make_shared<int>(); });
#else
poolproof::object_pool<int> pool([] { return std::make_unique<int>(); });
#endif

// SPDX-License-Identifier: MIT
// A factory returns owners, not pointers.
// expect: must return std::unique_ptr<T, Deleter>.*return std::unique_ptr<T, Deleter>\(pointer\)
#include <poolproof/object_pool.hpp>

#include <memory>

#if defined(MISTAKE)
poolproof::object_pool<int> pool([] { return new int; });
#else
poolproof::object_pool<int> pool([] { return std::unique_ptr<int>(new int); });
#endif

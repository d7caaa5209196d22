// SPDX-License-Identifier: MIT
// A factory returns owners of what it makes on the heap.
// expect: must return std::unique_ptr<T, Deleter>.*return std::make_unique<T>\(...\)
#include <poolproof/object_pool.hpp>

#include <memory>

#if defined(MISTAKE)
poolproof::object_pool<int> pool([] { return 1; });
#else
poolproof::object_pool<int> pool([] { return std::make_unique<int>(1); });
#endif

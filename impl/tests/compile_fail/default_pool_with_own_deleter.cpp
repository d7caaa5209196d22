// SPDX-License-Identifier: MIT
// What `new` makes is not for every deleter.
// expect: no matching (function|constructor)
#include <poolproof/object_pool.hpp>

#include <memory>

struct deleter {
  void operator()(int* deleted) const { delete deleted; }
};
#if defined(MISTAKE)
poolproof::object_pool<int, deleter> pool;
#else
poolproof::object_pool<int, deleter> pool([] { return std::unique_ptr<int, deleter>(); });
#endif

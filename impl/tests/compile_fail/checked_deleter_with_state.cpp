// SPDX-License-Identifier: MIT
// As object_pool's: a checked pool wraps the deleter, and makes it anew for each item.
// expect: Deleter must be empty and default-constructible
#include <poolproof/checked_pool.hpp>

#include <memory>

struct deleter {
  void operator()(int* deleted) const { delete deleted; }
#if defined(MISTAKE)
  int state = 0;
#endif
};
poolproof::checked_pool<int, deleter> pool([] { return std::unique_ptr<int, deleter>(); });

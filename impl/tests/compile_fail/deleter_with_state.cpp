// SPDX-License-Identifier: MIT
// A deleter's state would have to be kept with every item.
// expect: Deleter must be empty and default-constructible
#include <poolproof/object_pool.hpp>

#include <memory>

struct deleter {
  void operator()(int* deleted) const { delete deleted; }
#if defined(MISTAKE)
  int state = 0;
#endif
};
poolproof::object_pool<int, deleter> pool([] { return std::unique_ptr<int, deleter>(); });

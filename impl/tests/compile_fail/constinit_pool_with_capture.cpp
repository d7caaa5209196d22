// SPDX-License-Identifier: MIT
// A factory with state is kept on the heap, which a constant cannot have.
// expect: constant
#include <poolproof/object_pool.hpp>

#include <memory>

int start = 1;
#if defined(MISTAKE)
constinit poolproof::object_pool<int> pool([first = &start] {
  return std::make_unique<int>(*first);
});
#else
constinit poolproof::object_pool<int> pool([] { return std::make_unique<int>(start); });
#endif

// SPDX-License-Identifier: MIT
// A policy lacks what the pool needs.
// expect: constraint
#include <poolproof/object_pool.hpp>

#include <memory>

struct policy : poolproof::std_sync {
#if defined(MISTAKE)
  static void now() noexcept {}
#endif
};
poolproof::object_pool<int, std::default_delete<int>, policy> pool;

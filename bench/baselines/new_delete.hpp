// SPDX-License-Identifier: MIT
// No pool: the allocator, whichever the process runs under.
#pragma once

#include <memory>

#include "peer.hpp"

namespace pool_bench {

template <class T>
class new_delete {
 public:
  static constexpr const char* name = "new_delete";

  [[gnu::always_inline]] std::unique_ptr<T> get() { return std::make_unique<T>(); }
  [[gnu::always_inline]] void put(std::unique_ptr<T> item) { item.reset(); }
};

}  // namespace pool_bench

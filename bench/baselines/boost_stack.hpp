// SPDX-License-Identifier: MIT
// boost::lockfree::stack of bare pointers, since it takes only trivial types. Its nodes come from
// its own free list, of which the first 16 are made with it.
#pragma once

#include <boost/lockfree/stack.hpp>
#include <cstddef>
#include <memory>
#include <utility>

#include "peer.hpp"

namespace pool_bench {

template <class T>
class boost_stack {
 public:
  static constexpr const char* name = "boost_lockfree_stack";

  ~boost_stack() {
    while (try_get()) {
    }
  }

  [[gnu::always_inline]] std::unique_ptr<T> try_get() {
    T* taken = nullptr;
    stack_.pop(taken);
    return std::unique_ptr<T>(taken);
  }

  [[gnu::always_inline]] std::unique_ptr<T> get() { return found_or_new(try_get()); }

  [[gnu::always_inline]] void put(std::unique_ptr<T> item) {
    if (stack_.push(item.get())) item.release();
  }

 private:
  static constexpr std::size_t first_nodes = 16;
  boost::lockfree::stack<T*> stack_{first_nodes};
};

}  // namespace pool_bench

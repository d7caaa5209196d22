// SPDX-License-Identifier: MIT
// What programs with a fault are made of.
//
// Stands on: ../model.
#pragma once

#include <poolproof/sync.hpp>

#include "model.hpp"

#include <new>

namespace poolproof::models {

using word = sync::atomic<std::uint32_t>;

inline constexpr auto relaxed = std::memory_order_relaxed;
inline constexpr auto acquire = std::memory_order_acquire;
inline constexpr auto release = std::memory_order_release;

inline model_info must_fail(std::string_view property, std::string_view bound, failure expected) {
  return {.property = property, .threads = 2, .bound = bound, .expected = expected};
}

// As big and as aligned as a shard.
struct alignas(128) aligned_word {
  word value;
};

inline aligned_word* create_block() {
  return ::new (sync::allocate(sizeof(aligned_word), alignof(aligned_word))) aligned_word;
}

inline void destroy_block(aligned_word* block) {
  block->~aligned_word();
  sync::deallocate(block, sizeof(aligned_word), alignof(aligned_word));
}

// Most faults need only one thread; Relacy runs no fewer than two.
class one_thread_model : public model {
 public:
  void thread(unsigned index) final {
    if (index == 0) run();
  }

 protected:
  virtual void run() = 0;
};

}  // namespace poolproof::models

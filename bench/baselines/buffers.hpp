// SPDX-License-Identifier: MIT
// Where buffers of any size come from: peers with get(bytes), which gives what has data() and gives
// it back when it ends.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <poolproof/buffer_pool.hpp>

namespace pool_bench {

// The subject.
class pooled_buffers {
 public:
  static constexpr const char* name = "buffer_pool";
  static constexpr bool keeps = true;

  [[gnu::always_inline]] auto get(std::size_t bytes) { return pool_.get(bytes); }
  std::uint64_t made(std::size_t bytes) const { return pool_.stats(bytes).constructions; }

 private:
  poolproof::buffer_pool pool_;
};

// The allocator, whichever the process runs under. A power of two, as the pool's, aligned as malloc
// does it.
class allocated_buffers {
 public:
  static constexpr const char* name = "new_delete";
  static constexpr bool keeps = false;

  class buffer {
   public:
    explicit buffer(std::size_t bytes) : bytes_(static_cast<std::byte*>(::operator new(bytes))) {}
    std::byte* data() const noexcept { return bytes_.get(); }

   private:
    struct freed {
      void operator()(std::byte* bytes) const noexcept { ::operator delete(bytes); }
    };
    std::unique_ptr<std::byte, freed> bytes_;
  };

  [[gnu::always_inline]] buffer get(std::size_t bytes) { return buffer(bytes); }
};

}  // namespace pool_bench

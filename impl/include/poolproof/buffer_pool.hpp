// SPDX-License-Identifier: MIT
// Pooled buffers by size: at least so many bytes, of which the next user finds whatever the last
// one has left.
//
//     poolproof::buffer_pool buffers;
//     poolproof::buffer_pool::buffer b = buffers.get(100'000);    // 131,072 bytes, uninitialised
//     read(file, b.data(), b.size());                             // it goes back when b ends
//
// Sizes are rounded up to a class: a power of two from 64 bytes to 64 MiB, each an object_pool of
// its own, which takes memory when it is first used. What is larger comes from operator new, and
// goes back there.
//
// Guarantees
//   - A buffer begins at a multiple of 64 bytes, of whatever size it is.
//   - All of what object_pool guarantees. What one user has written to a buffer happens before the
//     next one gets it. Buffers may be returned concurrently with the pool's end, and after it.
//   - Throws what operator new throws; returning never fails.
//   - A pool with static storage is constant-initialised.
//
// A buffer is not cleared, neither when it comes back nor when it is handed out: who keeps secrets
// in one clears it.
//
// In a program that is compiled with POOLPROOF_CHECKED its classes are checked pools: what is done
// to a buffer's bytes after it has gone back is found, and what is given back to a resource twice.
//
// Stands on: checked_mode, checked_pool in such a program, object_pool, the standard library.
#pragma once

#if __cplusplus <= 201703L
#error "poolproof needs C++20: compile with -std=c++20"
#else

#include <poolproof/checked_mode.hpp>
#include <poolproof/object_pool.hpp>
#if defined(POOLPROOF_CHECKED)
#include <poolproof/checked_pool.hpp>
#endif

#include <algorithm>
#include <array>
#include <bit>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <memory>
#include <memory_resource>
#include <new>
#include <span>
#include <utility>

namespace poolproof {

// What a user says of a buffer_pool.
struct buffer_pool_options {
  // As in pool_options, for each class of sizes.
  optional_interval cycle_interval = std::chrono::seconds(60);

  // What operators know all classes by: for_each_pool visits each that has been used, and
  // Prometheus is told their sum. Must live as pool_options says.
  const char* name = "";

  // How many bytes each class holds at most: exact, as max_retained is. A class of which not even
  // one buffer fits is not pooled.
  std::size_t max_bytes = pool_options::no_bound;
};

class
#if defined(POOLPROOF_CHECKED)
    // A program and a library of its that are compiled differently have two classes.
    [[gnu::abi_tag("poolproof_checked")]]
#endif
    buffer_pool {
 public:
  class buffer;
  class resource;

  // Of buffers, and their classes.
  static constexpr std::size_t alignment = 64;
  static constexpr std::size_t smallest_class = 64;
  static constexpr std::size_t largest_class = std::size_t{64} << 20;

  // Throws std::invalid_argument if the cycle interval is not positive.
  constexpr explicit buffer_pool(buffer_pool_options options = {});

  buffer_pool(const buffer_pool&) = delete;
  buffer_pool& operator=(const buffer_pool&) = delete;

  // A buffer of `bytes` or more, whatever is in it; of the smallest class also for none.
  [[nodiscard]] buffer get(std::size_t bytes);

  // How large a buffer of `bytes` is.
  static constexpr std::size_t size_for(std::size_t bytes) noexcept {
    return bytes <= largest_class ? std::size_t{1} << (class_of(bytes) + first_bit) : bytes;
  }

  // Counts of the class that `bytes` are of, as object_pool::stats; of those that are not pooled
  // all are zero. `bytes` is what the buffers in the pool hold.
  pool_stats stats(std::size_t bytes) const {
    if (!is_pooled(bytes)) return {.pin = std_sync::pin()};
    pool_stats found = class_for(bytes).stats();
    found.bytes = found.retained * size_for(bytes);
    return found;
  }

  // One cycle of all classes.
  void rotate() {
    for (pool* const each : classes_.by_index) each->rotate();
  }

 private:
  static constexpr std::size_t first_bit = std::countr_zero(smallest_class);
  static constexpr std::size_t number_of_classes = std::countr_zero(largest_class) - first_bit + 1;

  // Nobody has half of all addresses. libstdc++ 12 rounds what is near the last one up to nothing,
  // and gives that.
  static void* allocate_any(std::size_t bytes, std::size_t aligned) {
    constexpr std::size_t refused = (std::numeric_limits<std::size_t>::max)() / 2 + 1;
    return ::operator new ((std::min)(bytes, refused), std::align_val_t{aligned});
  }
  static std::byte* allocate(std::size_t bytes) {
    return static_cast<std::byte*>(allocate_any(bytes, alignment));
  }
  struct freed {
    void operator()(std::byte* bytes) const noexcept {
      ::operator delete (bytes, std::align_val_t{alignment});
    }
  };
#if defined(POOLPROOF_CHECKED)
  using pool = checked_pool<std::byte, freed>;
#else
  using pool = object_pool<std::byte, freed>;
#endif

  static constexpr std::size_t bound(const buffer_pool_options& options, std::size_t size) {
    return options.max_bytes == pool_options::no_bound ? pool_options::no_bound
                                                       : options.max_bytes / size;
  }

  template <std::size_t Class>
  struct size_class : pool {
    constexpr explicit size_class(const buffer_pool_options& options)
        : pool([] { return typename pool::item(allocate(size)); },
               pool_options{.cycle_interval = options.cycle_interval,
                            .name = options.name,
                            .max_retained = bound(options, size)}
#if defined(POOLPROOF_CHECKED)
               ,
               {}, checked_options{.item_bytes = size, .handles_may_outlive = true}
#endif
          ) {
    }
    static constexpr std::size_t size = smallest_class << Class;
  };

  // As base classes: g++ does not constant-initialise them as elements of an array.
  template <class Classes>
  struct size_classes;
  template <std::size_t... Classes>
  struct size_classes<std::index_sequence<Classes...>> : size_class<Classes>... {
    constexpr explicit size_classes(const buffer_pool_options& options)
        : size_class<Classes>(options)..., by_index{static_cast<size_class<Classes>*>(this)...} {}
    std::array<pool*, sizeof...(Classes)> by_index;
  };

  static constexpr std::size_t class_of(std::size_t bytes) noexcept {
    return bytes <= smallest_class
               ? 0
               : static_cast<std::size_t>(std::bit_width(bytes - 1)) - first_bit;
  }
  pool& class_for(std::size_t bytes) const noexcept { return *classes_.by_index[class_of(bytes)]; }
  bool is_pooled(std::size_t bytes) const noexcept {
    return bytes <= largest_class && size_for(bytes) <= most_;
  }

  size_classes<std::make_index_sequence<number_of_classes>> classes_;
  std::size_t most_;
};

// Behind the class, or clang++ 14 does not see the bases' constructor in time to
// constant-initialise.
constexpr buffer_pool::buffer_pool(buffer_pool_options options)
    : classes_(options),
      most_(options.max_bytes < largest_class ? options.max_bytes : largest_class) {}

// Bytes on loan, or none. They belong to one thread at a time, may be moved and destroyed on
// another thread, and may outlive the pool.
class buffer_pool::buffer {
 public:
  buffer() noexcept = default;
  ~buffer() {
    if (!lent_) freed()(bytes_.data());
  }

  // The other is empty afterwards.
  buffer(buffer&& other) noexcept
      : lent_(std::move(other.lent_)), bytes_(std::exchange(other.bytes_, {})) {}
  buffer& operator=(buffer&& other) noexcept {
    buffer taken(std::move(other));
    std::swap(lent_, taken.lent_);
    std::swap(bytes_, taken.bytes_);
    return *this;
  }

  // The bytes: at least as many as were asked for. Null and none in an empty buffer.
  std::byte* data() const noexcept { return bytes_.data(); }
  std::size_t size() const noexcept { return bytes_.size(); }
  std::span<std::byte> span() const noexcept { return bytes_; }
  explicit operator bool() const noexcept { return bytes_.data() != nullptr; }

 private:
  friend class buffer_pool;

  buffer(pool::handle lent, std::size_t size) noexcept
      : lent_(std::move(lent)), bytes_(lent_.get(), size) {}
  explicit buffer(std::size_t size) : bytes_(allocate(size), size) {}

  pool::handle lent_;  // empty if the bytes are of no pool
  std::span<std::byte> bytes_;
};

#if defined(POOLPROOF_CHECKED)
[[gnu::noinline]]  // its caller is who reports are about
#endif
inline buffer_pool::buffer
buffer_pool::get(std::size_t bytes) {
  const std::size_t size = size_for(bytes);
  if (!is_pooled(bytes)) return buffer(size);
  return {class_for(bytes).borrow(), size};
}

// The pool as a std::pmr::memory_resource: for containers that live long enough to grow large. What
// is allocated must be given back while the pool lives. What must begin at a multiple of more than
// 64 comes from operator new.
class buffer_pool::resource final : public std::pmr::memory_resource {
 public:
  // The pool must outlive this.
  explicit resource(buffer_pool& from) noexcept : from_(from) {}

 private:
  void* do_allocate(std::size_t bytes, std::size_t aligned) override {
    if (!is_pooled(bytes, aligned)) return allocate_any(bytes, aligned);
    return from_.class_for(bytes).get().release();
  }
  void do_deallocate(void* given, std::size_t bytes, std::size_t aligned) override {
    if (!is_pooled(bytes, aligned)) return ::operator delete (given, std::align_val_t{aligned});
    from_.class_for(bytes).put(pool::item(static_cast<std::byte*>(given)));
  }
  bool do_is_equal(const memory_resource& other) const noexcept override { return this == &other; }

  bool is_pooled(std::size_t bytes, std::size_t aligned) const noexcept {
    return aligned <= alignment && from_.is_pooled(bytes);
  }

  buffer_pool& from_;
};

}  // namespace poolproof

#endif

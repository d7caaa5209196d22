// SPDX-License-Identifier: MIT
// Counts and refuses what a test program allocates by operator new, and counts what it gives back.
// In one source of a program only: it replaces the operators.
#pragma once

#include <poolproof/sync.hpp>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <new>

// clang++ links ThreadSanitizer's operators into the program: they cannot be replaced there.
#if defined(__clang__)
#if __has_feature(thread_sanitizer)
#define POOLPROOF_TEST_KEEPS_OPERATORS
#endif
#endif

namespace poolproof::test {

// Whether allocations are counted, and can be refused.
#if defined(POOLPROOF_TEST_KEEPS_OPERATORS)
inline constexpr bool sees_allocations = false;
#else
inline constexpr bool sees_allocations = true;
#endif

inline std::atomic<std::uint64_t> allocations{0};
inline std::atomic<std::uint64_t> deallocations{0};
inline std::atomic<bool> allocations_are_refused{false};
// Called with memory that is about to be given back, unless it is null.
inline std::atomic<void (*)(void* memory) noexcept> before_deallocation{nullptr};

// Null if memory is refused.
inline void* allocated(std::size_t size, std::size_t alignment) noexcept {
  allocations.fetch_add(1, std::memory_order_relaxed);
  if (allocations_are_refused.load(std::memory_order_relaxed)) return nullptr;
  const bool is_usual = alignment <= alignof(std::max_align_t);
  // As libstdc++ rounds it up: what is near the last number becomes nothing.
  const std::size_t rounded = is_usual ? size : (size + alignment - 1) / alignment * alignment;
  // Sanitizers end the program for it.
  if (rounded > PTRDIFF_MAX) return nullptr;
  return is_usual ? std::malloc(rounded) : std::aligned_alloc(alignment, rounded);
}

inline void deallocate(void* memory) noexcept {
  if (memory != nullptr) deallocations.fetch_add(1, std::memory_order_relaxed);
  const auto look = before_deallocation.load(std::memory_order_relaxed);
  if (memory != nullptr && look != nullptr) look(memory);
  std::free(memory);
}

inline void* allocated_or_thrown(std::size_t size, std::size_t alignment) {
  void* const memory = allocated(size, alignment);
  if (memory == nullptr) throw std::bad_alloc();
  return memory;
}

}  // namespace poolproof::test

#if !defined(POOLPROOF_TEST_KEEPS_OPERATORS)
// Not inlined, or g++ sees a free of what a new of another kind has made.
[[gnu::noinline]] void* operator new(std::size_t size) {
  return poolproof::test::allocated_or_thrown(size, 1);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment) {
  return poolproof::test::allocated_or_thrown(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void* operator new(std::size_t size, const std::nothrow_t&) noexcept {
  return poolproof::test::allocated(size, 1);
}
[[gnu::noinline]] void* operator new(std::size_t size, std::align_val_t alignment,
                                     const std::nothrow_t&) noexcept {
  return poolproof::test::allocated(size, static_cast<std::size_t>(alignment));
}
[[gnu::noinline]] void operator delete(void* memory) noexcept {
  poolproof::test::deallocate(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t) noexcept {
  poolproof::test::deallocate(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::align_val_t) noexcept {
  poolproof::test::deallocate(memory);
}
[[gnu::noinline]] void operator delete(void* memory, std::size_t, std::align_val_t) noexcept {
  poolproof::test::deallocate(memory);
}
#endif

// SPDX-License-Identifier: MIT
// The bytes of an item while it is in a checked_pool: they belong to nobody.
//
// With AddressSanitizer they are poisoned, and it reports the first access. Elsewhere a sum of them
// tells afterwards whether somebody has changed them.
//
// Stands on: the standard library, AddressSanitizer.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <utility>

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOLPROOF_HAS_ASAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define POOLPROOF_HAS_ASAN
#endif
#if defined(POOLPROOF_HAS_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace poolproof {

class hidden_bytes {
 public:
  // From now on they are nobody's.
  void hide(const void* item, std::size_t bytes) noexcept {
    count_ = bytes;
#if defined(POOLPROOF_HAS_ASAN)
    ASAN_POISON_MEMORY_REGION(item, bytes);
    unpoison_ = ::__asan_unpoison_memory_region;
#else
    unpoison_ = nullptr;
    sum_ = sum_of(item, bytes);
#endif
  }

  // The pool's own code has them in between, and may change them. False if they have been changed
  // before.
  [[nodiscard]] bool open(const void* item) const noexcept {
    if (count_ == 0) return true;
    if (unpoison_ == nullptr) return sum_ == sum_of(item, count_);
    unpoison_(item, count_);
    return true;
  }
  void close(const void* item) noexcept {
    if (count_ != 0) hide(item, count_);
  }

  // Whether one of them is here.
  bool are_at(const void* item, const void* address) const noexcept {
    const auto* const first = static_cast<const std::byte*>(item);
    return std::less_equal<>()(first, address) && std::less<>()(address, first + count_);
  }

  // They are somebody's again. False if they have been changed meanwhile.
  [[nodiscard]] bool show(const void* item) noexcept {
    const std::size_t bytes = std::exchange(count_, 0);
    if (bytes == 0) return true;
    if (unpoison_ == nullptr) return sum_ == sum_of(item, bytes);
    unpoison_(item, bytes);
    return true;
  }

  // The same, whatever they are by now.
  void show_unchecked(const void* item) noexcept {
    const std::size_t bytes = std::exchange(count_, 0);
    if (bytes != 0 && unpoison_ != nullptr) unpoison_(item, bytes);
  }

 private:
  // Of padding, too, which MemorySanitizer would report.
#if defined(__clang__)
  [[clang::no_sanitize("memory")]]
#endif
  static std::uint64_t
  sum_of(const void* item, std::size_t count) noexcept {
    const auto* const bytes = static_cast<const unsigned char*>(item);
    std::uint64_t sum = 14695981039346656037u;  // FNV-1a
    for (std::size_t i = 0; i < count; ++i) sum = (sum ^ bytes[i]) * 1099511628211u;
    return sum;
  }

  std::size_t count_ = 0;                                          // 0: they are shown
  void (*unpoison_)(const volatile void*, std::size_t) = nullptr;  // if none, they have a sum
  std::uint64_t sum_ = 0;
};

}  // namespace poolproof

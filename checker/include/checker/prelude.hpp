// SPDX-License-Identifier: MIT
// What check-c++ puts in front of each C++ source. A pause in a loop that polls becomes a call, so
// that the checker sees it; and those of the C++ library's own loops, which poll a few times before
// they wait, go to a function of their own: nothing but the time depends on how often they do.
// What the C++ library calls the compiler's own functions for, such as std::copy for bytes, are
// calls of the C library's: g++ expands those where nobody sees the accesses.
// clang++ would make of a weak compare-exchange a strong one: it becomes a call, too.
// What changes the links of trees and lists lies in the C++ library, where no access is seen: these
// calls go to functions of the checker; and so does what asks the processor for random numbers.
// Functions that ask not to be instrumented are, since the value of an atomic that the checker does
// not see being read is not in memory.
// Templates of the C++ library that it has compiled, such as streams of characters and strings, are
// compiled with the program nevertheless, so that their accesses are seen.
//
// Stands on: nothing.
#pragma once

// NOLINTBEGIN(bugprone-reserved-identifier): the names are the compiler's and the C++ library's
#if defined(__cplusplus) && defined(__x86_64__)
extern "C" void checker_pause() noexcept;
#if !defined(__clang__)
extern "C" void* memcpy(void* to, const void* from, unsigned long size) noexcept;
extern "C" void* memmove(void* to, const void* from, unsigned long size) noexcept;
extern "C" void* memset(void* to, int value, unsigned long size) noexcept;
extern "C" int memcmp(const void* a, const void* b, unsigned long size) noexcept;
#endif
extern "C" void checker_library_pause() noexcept;
// NOLINTNEXTLINE(modernize-concat-nested-namespaces): programs may be older than C++17
namespace std {
namespace __detail {
inline void checker_pause() noexcept { ::checker_library_pause(); }
}  // namespace __detail
}  // namespace std
#define __builtin_ia32_pause checker_pause
#if !defined(__clang__)
#define __builtin_memcpy memcpy
#define __builtin_memmove memmove
#define __builtin_memset memset
#define __builtin_memcmp memcmp
#endif
#if __has_include(<bits/c++config.h>)
#include <bits/c++config.h>
#undef _GLIBCXX_EXTERN_TEMPLATE
#define _GLIBCXX_EXTERN_TEMPLATE 0
#endif
#define _Rb_tree_insert_and_rebalance checker_tree_insert
#define _Rb_tree_rebalance_for_erase checker_tree_erase
#define _Rb_tree_increment checker_tree_increment
#define _Rb_tree_decrement checker_tree_decrement
#define _M_hook checker_list_hook
#define _M_unhook checker_list_unhook
#define _M_transfer checker_list_transfer
#define _M_reverse checker_list_reverse
#define _M_getval checker_getval

#if defined(__clang__)
extern "C" bool checker_weak_exchange(unsigned long size, volatile void* at, void* expected,
                                      const void* desired, int success, int failure) noexcept;
template <class T, class Expected, class Desired>
[[gnu::always_inline]] inline bool checker_compare_exchange(T* at, Expected* expected,
                                                            Desired* desired, bool weak,
                                                            int success, int failure) {
  if (weak) return ::checker_weak_exchange(sizeof *at, at, expected, desired, success, failure);
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Watomic-alignment"
  return __atomic_compare_exchange(at, expected, desired, weak, success, failure);
#pragma clang diagnostic pop
}
template <class T, class Expected, class Desired>
[[gnu::always_inline]] inline bool checker_compare_exchange_n(T* at, Expected* expected,
                                                              Desired desired, bool weak,
                                                              int success, int failure) {
  if (!weak) return __atomic_compare_exchange_n(at, expected, desired, weak, success, failure);
  Expected wanted = desired;
  return ::checker_weak_exchange(sizeof *at, at, expected, &wanted, success, failure);
}
#define __atomic_compare_exchange_n ::checker_compare_exchange_n
#define __atomic_compare_exchange ::checker_compare_exchange
#endif
#endif

#if defined(__cplusplus)
#define no_sanitize(...) unused
#define __no_sanitize__(...) unused
#define no_sanitize_thread unused
#define __no_sanitize_thread__ unused
#endif
// NOLINTEND(bugprone-reserved-identifier)

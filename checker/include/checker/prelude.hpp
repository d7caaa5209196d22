// What check-c++ puts in front of each C++ source. A pause in a loop that polls becomes a call, so
// that the checker sees it; and those of the C++ library's own loops, which poll a few times before
// they wait, go to a function of their own: nothing but the time depends on how often they do.
//
// Stands on: nothing.
#pragma once

#if defined(__cplusplus) && defined(__x86_64__)
extern "C" void checker_pause() noexcept;
extern "C" void checker_library_pause() noexcept;
namespace std {
namespace __detail {
inline void checker_pause() noexcept { ::checker_library_pause(); }
}  // namespace __detail
}  // namespace std
#define __builtin_ia32_pause checker_pause
#endif

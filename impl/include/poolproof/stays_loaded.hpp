// SPDX-License-Identifier: MIT
// Keeps a shared library loaded whose code the process may still need after dlclose: that of an
// immortal pool, which rotate_all goes on to call, and of the trimmer's thread.
//
// It takes effect when the library is loaded, for no more than that it contains the use. It is as
// if it had been linked with -Wl,-z,nodelete. Nothing is done in what is compiled for a program and
// not for a shared library, where objects are not ELF files, and where the C library has no dlopen
// at hand: glibc before 2.34 without -ldl.
//
// Stands on: the dynamic linker.
#pragma once

#if defined(__ELF__) && defined(__PIC__) && !defined(__PIE__) && __has_include(<dlfcn.h>)
#include <dlfcn.h>
#if defined(RTLD_NODELETE) && defined(RTLD_NOLOAD)
#define POOLPROOF_STAYS_LOADED
#endif
#endif

namespace poolproof {

#if defined(POOLPROOF_STAYS_LOADED)
// Null where nothing defines them, for a header cannot ask for a library.
[[gnu::weakref("dladdr")]] static int dladdr_if_any(const void* address, ::Dl_info* found);
[[gnu::weakref("dlopen")]] static void* dlopen_if_any(const char* file, int mode);
#endif

// A library stays that uses it for some User. Hidden, so that each has its own.
template <class User>
class [[gnu::visibility("hidden")]] stays_loaded {
 public:
  // Anyone, at any time.
  static constexpr void because_of_me() noexcept { static_cast<void>(&done_); }

 private:
  static bool keep() noexcept {
#if defined(POOLPROOF_STAYS_LOADED)
    if (&dladdr_if_any == nullptr || &dlopen_if_any == nullptr) return false;
    ::Dl_info self{};
    if (dladdr_if_any(&done_, &self) == 0) return false;
    return dlopen_if_any(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
#else
    return false;
#endif
  }

  static inline const bool done_ = keep();
};

}  // namespace poolproof

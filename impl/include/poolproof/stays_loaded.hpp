// SPDX-License-Identifier: MIT
// Keeps a shared library loaded whose code the process may still need after dlclose: that of an
// immortal pool of its own, which rotate_all goes on to call, and of the trimmer's thread.
//
// It takes effect when the library is loaded, for no more than that it contains the use. It is as
// if it had been linked with -Wl,-z,nodelete. Nothing is done in a program, where objects are not
// ELF files, and where the C library has no dlopen at hand: glibc before 2.34 without -ldl.
//
// Stands on: the dynamic linker.
#pragma once

#if defined(__linux__) && defined(__PIC__) && !defined(__PIE__) && __has_include(<link.h>)
#include <dlfcn.h>
#include <link.h>
#include <sys/auxv.h>
#if defined(RTLD_NODELETE) && defined(RTLD_NOLOAD)
#define POOLPROOF_STAYS_LOADED
#endif
#endif

namespace poolproof {

#if defined(POOLPROOF_STAYS_LOADED)

// Null where nothing defines them, for a header cannot ask for a library.
[[gnu::weakref("dladdr")]] static int dladdr_if_any(const void* address, ::Dl_info* found);
[[gnu::weakref("dlopen")]] static void* dlopen_if_any(const char* file, int mode);

// A library stays that uses it for some User. Hidden, so that each has its own.
template <class User>
class [[gnu::visibility("hidden")]] stays_loaded {
 public:
  // Anyone, at any time.
  static constexpr void because_of_me() noexcept { static_cast<void>(&done_); }

 private:
  static bool keep() noexcept {
    if (&dladdr_if_any == nullptr || &dlopen_if_any == nullptr) return false;
    ::Dl_info self{};
    if (dladdr_if_any(&done_, &self) == 0 || is_program(self.dli_fbase)) return false;
    return dlopen_if_any(self.dli_fname, RTLD_LAZY | RTLD_NOLOAD | RTLD_NODELETE) != nullptr;
  }

  // Code for a shared library may be part of a program, whose name is what its caller says.
  static bool is_program(const void* base) noexcept {
    const auto at = reinterpret_cast<unsigned long>(base);
    return at + static_cast<const ElfW(Ehdr)*>(base)->e_phoff == ::getauxval(AT_PHDR);
  }

  static inline const bool done_ = keep();
};

#else

template <class User>
class stays_loaded {
 public:
  static constexpr void because_of_me() noexcept {}
};

#endif

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// Where a call of a checked_pool was made, as its reports tell it.
//
//     put at server.cpp:31 (answer), called from ./server(+0x12c4)
//
// Stands on: the standard library, the compiler's unwinder and dladdr.
#pragma once

#include <array>
#include <compare>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <string>

#include <unwind.h>

#if __has_include(<dlfcn.h>)
#include <dlfcn.h>
#endif

namespace poolproof {

#if defined(__linux__)
// Null where nothing defines it: glibc before 2.34 has it in a library, which nobody need link.
[[gnu::weakref("dladdr")]] static int dladdr_if_there(const void* address, ::Dl_info* found);
#endif

// A line of the source, which a defaulted argument takes from its caller; of a destructor there is
// none.
struct source_line {
  const char* file = nullptr;
  int line = 0;
  const char* function = nullptr;

  static constexpr source_line here(const char* file = __builtin_FILE(),
                                    int line = __builtin_LINE(),
                                    const char* function = __builtin_FUNCTION()) noexcept {
    return {file, line, function};
  }
};

// Where an item was taken or returned: by what call, the line if it is known, and two frames.
class call_site {
 public:
  call_site() noexcept = default;

  // Of the function that has called the pool's member, which calls this, and of its caller.
  [[gnu::noinline]] static call_site of_caller(const char* call, source_line line = {}) noexcept {
    call_site made;
    made.call_ = call;
    made.line_ = line;
    walk at{&made, 0};
    ::_Unwind_Backtrace(note_frame, &at);
    return made;
  }

  std::string text() const {
    std::string said = std::string(call_);
    if (line_.file != nullptr) {
      said += " at " + std::string(line_.file) + ':' + std::to_string(line_.line) + " (" +
              line_.function + ')';
    } else {
      said += " at " + address(frames_[0]);
    }
    return said + ", called from " + address(frames_[1]);
  }

  friend auto operator<=>(const call_site& a, const call_site& b) noexcept {
    return a.frames_ <=> b.frames_;
  }

 private:
  struct walk {
    call_site* into;
    std::size_t depth;
  };

  // This function's frame and that of the pool's member are not the user's.
  static constexpr std::size_t own_frames = 2;

  static _Unwind_Reason_Code note_frame(_Unwind_Context* frame, void* state) noexcept {
    auto& at = *static_cast<walk*>(state);
    const std::size_t index = at.depth++;
    if (index < own_frames) return _URC_NO_REASON;
    if (index - own_frames == at.into->frames_.size()) return _URC_END_OF_STACK;
    at.into->frames_[index - own_frames] = _Unwind_GetIP(frame);  // a macro on 32-bit ARM
    return _URC_NO_REASON;
  }

#if __has_include(<dlfcn.h>)
  static bool finds_file(const void* code, ::Dl_info& found) noexcept {
#if defined(__linux__)
    if (&dladdr_if_there == nullptr || dladdr_if_there(code, &found) == 0) return false;
#else
    if (::dladdr(code, &found) == 0) return false;
#endif
    return found.dli_fname != nullptr;
  }
#endif

  // As addr2line wants it: the file, and the place in it.
  static std::string address(std::uintptr_t code) {
    std::array<char, 32> number{};
#if __has_include(<dlfcn.h>)
    Dl_info found{};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a return address
    if (finds_file(reinterpret_cast<void*>(code), found)) {
      const auto begin = reinterpret_cast<std::uintptr_t>(found.dli_fbase);
      std::snprintf(number.data(), number.size(), "(+%#llx)",
                    static_cast<unsigned long long>(code - begin));
      return std::string(found.dli_fname) + number.data();
    }
#endif
    std::snprintf(number.data(), number.size(), "%#llx", static_cast<unsigned long long>(code));
    return number.data();
  }

  const char* call_ = "";
  source_line line_;
  std::array<std::uintptr_t, 2> frames_{};
};

}  // namespace poolproof

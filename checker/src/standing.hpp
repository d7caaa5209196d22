// SPDX-License-Identifier: MIT
// Where a thread stands: the registers and the stack of the code that has called the engine.
//
// Two calls of one thread with equal standings, between which it has changed nothing, are the
// beginning and the end of a turn of a loop that waits: what the thread does next is what it has
// done since.
//
// The registers that a function must keep for its caller lie somewhere below in the stack once the
// engine has used them. The unwinder, which exceptions have with them, finds them. What is on the
// stack below the caller is the engine's own and does not count.
//
// Stands on: the unwinder's interface; DWARF register numbers of x86-64 and AArch64.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <vector>

#include <unwind.h>

namespace checker {

class standing {
 public:
  // Of the caller of whichever of these functions is being called, on a stack that ends at `end`.
  // False if none of them is.
  bool take(std::initializer_list<const void*> entries, const std::byte* end) {
    search here{entries, this, false};
    taken_ = false;
    _Unwind_Backtrace(visit, &here);
    if (taken_) stack_.assign(top_, std::max(top_, end));
    return taken_;
  }

  bool taken() const noexcept { return taken_; }

  friend bool operator==(const standing& a, const standing& b) {
    return a.taken_ && b.taken_ && a.top_ == b.top_ && a.registers_ == b.registers_ &&
           a.stack_ == b.stack_;
  }

 private:
#if defined(__x86_64__)
  static constexpr std::array kept = {3, 6, 12, 13, 14, 15};  // rbx, rbp, r12 to r15
#else
  static constexpr std::array kept = {19, 20, 21, 22, 23, 24, 25, 26, 27, 28, 29};
#endif

  struct search {
    std::initializer_list<const void*> entries;
    standing* found;
    bool entered;  // the frame before this one is that of an entry
  };

  // From the innermost frame outwards. Of a frame the unwinder knows the registers as they are
  // where it calls on, and the stack pointer there.
  static _Unwind_Reason_Code visit(_Unwind_Context* frame, void* argument) {
    auto& here = *static_cast<search*>(argument);
    if (here.entered) {
      standing& found = *here.found;
      found.taken_ = true;
      found.top_ = reinterpret_cast<const std::byte*>(_Unwind_GetCFA(frame));
      found.registers_[0] = _Unwind_GetIP(frame);
      for (std::size_t i = 0; i != kept.size(); ++i) {
        found.registers_[i + 1] = _Unwind_GetGR(frame, kept[i]);
      }
      return _URC_NORMAL_STOP;
    }
    const void* const function =
        _Unwind_FindEnclosingFunction(reinterpret_cast<void*>(_Unwind_GetIP(frame)));
    here.entered =
        std::find(here.entries.begin(), here.entries.end(), function) != here.entries.end();
    return _URC_NO_REASON;
  }

  bool taken_ = false;
  const std::byte* top_ = nullptr;  // the stack pointer
  std::array<_Unwind_Word, kept.size() + 1> registers_{};
  std::vector<std::byte> stack_;
};

}  // namespace checker

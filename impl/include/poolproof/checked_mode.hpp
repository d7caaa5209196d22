// SPDX-License-Identifier: MIT
// That all objects of a program agree on whether its pools find misuse: they are compiled with
// POOLPROOF_CHECKED, or none of them is. If they do not agree, they do not link.
//
// Stands on: nothing.
#pragma once

// A class that has a pool does not differ in name, so a linker is given something else on which
// objects must agree: no symbol is both thread-local and not.
#if defined(__ELF__)
#if defined(POOLPROOF_CHECKED)
#define POOLPROOF_MODE __thread
#else
#define POOLPROOF_MODE
#endif
extern "C" {
// Weak, and not inline, of which a linker would look at the first alone.
// NOLINTBEGIN(misc-definitions-in-headers)
[[gnu::weak, gnu::used,
  gnu::visibility("hidden")]] POOLPROOF_MODE char poolproof_is_checked_in_all_objects_or_in_none;
// NOLINTEND(misc-definitions-in-headers)
}
#undef POOLPROOF_MODE
#endif

// SPDX-License-Identifier: MIT
// Sections: code that runs on one CPU without being preempted, or starts again (restartable
// sequences).
//
// A section reads and writes what belongs to its CPU without a locked instruction: it takes effect
// by one store, its last, and a thread that is preempted, migrated or interrupted by a signal
// before that store starts again, perhaps elsewhere. There are six sections, all on the magazine of
// the current CPU: three that take from it, three that give to it. What they do is written in C++
// in magazine.hpp, which is what a checker runs; production has them in the assembly of each
// architecture: see rseq.hpp.
//
//   L1. A word that a section stores to is never written by a locked instruction, and by nobody
//       outside a section but after restart_all, while sections find the magazine closed.
//   L2. The choice is each thread's: where the kernel does not know a thread, no section of it
//       takes effect, and it uses what locked instructions reach.
//
// Stands on: the standard library; glibc's <sys/rseq.h>.
#pragma once

#include <cstdint>

#if defined(__has_feature)
#define POOLPROOF_HAS_FEATURE(name) __has_feature(name)
#else
#define POOLPROOF_HAS_FEATURE(name) 0
#endif

// Where each thread has an area for rseq(2) that the C library registers, and the compiler knows
// how to find it. glibc defines RSEQ_SIG for the architectures on which it registers one; elsewhere
// it says that the area is where the program's first thread_local variable is. Compilers say by
// __has_builtin that they have __builtin_thread_pointer where they have not.
#if defined(__linux__) && defined(__GLIBC__)
#if __GLIBC_PREREQ(2, 35)
#include <sys/rseq.h>
#if defined(RSEQ_SIG) && (defined(__aarch64__) || defined(__arm__) || defined(__s390x__) || \
                          (defined(__powerpc64__) && defined(__clang__)) ||                 \
                          ((defined(__x86_64__) || defined(__i386__)) &&                    \
                           (defined(__clang__) ? __clang_major__ >= 14 : __GNUC__ >= 11)))
#define POOLPROOF_HAS_RSEQ_AREA 1
#endif
#endif
#endif

// ThreadSanitizer and MemorySanitizer see neither the stores of a section nor what membarrier
// orders: under them every thread uses locked instructions, which they do see.
#if defined(POOLPROOF_HAS_RSEQ_AREA) && defined(__LP64__) &&                     \
    (defined(__x86_64__) || (defined(__aarch64__) && defined(__AARCH64EL__))) && \
    !defined(__SANITIZE_THREAD__) && !POOLPROOF_HAS_FEATURE(thread_sanitizer) && \
    !POOLPROOF_HAS_FEATURE(memory_sanitizer)
#define POOLPROOF_HAS_RSEQ 1
#endif

namespace poolproof {

// What the assembly knows of shards and their magazines; offsets in bytes.
struct magazine_layout {
  static constexpr int word = 0;    // count (the low byte), handles and operations
  static constexpr int floor = 8;   // a take leaves this many
  static constexpr int limit = 12;  // a give leaves at most this many
  static constexpr int pace = 16;   // what a take adds
  static constexpr int items = 24;
  // Shards lie in an array; a magazine is at the beginning of its shard.
  static constexpr int log_shard = 10;
  // What sections add to the word. A take: the pace, which is some operations more and one item
  // less. A give: one item more. A handle that is lent or comes back is one more or less besides.
  static constexpr std::int64_t one_handle = std::int64_t{1} << 8;
};

// For a policy without sections: a compiler drops what they would do.
struct no_sections {
  static constexpr bool compiled = false;
  // How many items a magazine has room for.
  static constexpr std::uint32_t magazine_capacity = 0;

  // Whether this process may run sections. The first answer stays.
  static bool usable() noexcept { return false; }

  // Whether those of the calling thread take effect.
  static bool runs() noexcept { return false; }

  // On return, each section of the process that had begun before the call has either taken effect,
  // and then happened before the return, or begins again after the call. False if the kernel
  // refuses: nothing is then known. Anyone; takes a system call.
  [[nodiscard]] static bool restart_all() noexcept { return false; }

  // Takes an item of the current CPU's magazine. Null if that is empty or closed, the CPU has none,
  // or the thread runs no sections; and once in a round of operations, when it is time for a look
  // at the clock: then take_some takes what is there. `shards` are a near_shards (shard_table.hpp).
  // Anyone; lock-free.
  template <class Shards>
  static typename Shards::item_type* take(const Shards&) noexcept {
    return nullptr;
  }

  // As take, and counts a handle more.
  template <class Shards>
  static typename Shards::item_type* loan(const Shards&) noexcept {
    return nullptr;
  }

  // Takes the newest items, up to `room`, at least one, and returns how many: none where take would
  // take none, but some also when it is time for a look at the clock. At `out` they stand as they
  // lay, the newest last: as a ring takes them. They are one operation, with which the next round
  // may begin.
  template <class Shards>
  static std::uint32_t take_some(const Shards&, typename Shards::item_type**,
                                 std::uint32_t) noexcept {
    return 0;
  }

  // Gives an item to it. False if it is full or closed, the CPU has none, or the thread runs no
  // sections: the item is then still the caller's. Anyone; lock-free.
  template <class Shards>
  static bool give(const Shards&, typename Shards::item_type*) noexcept {
    return false;
  }

  // As give, and counts a handle less.
  template <class Shards>
  static bool hand_back(const Shards&, typename Shards::item_type*) noexcept {
    return false;
  }

  // Gives items, at least one, from the last to the first, as a ring has given them: the newest
  // first. Returns how many, those that there is room for; the first ones are then still the
  // caller's.
  template <class Shards>
  static std::uint32_t give_some(const Shards&, typename Shards::item_type* const*,
                                 std::uint32_t) noexcept {
    return 0;
  }
};

}  // namespace poolproof

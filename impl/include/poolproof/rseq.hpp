// SPDX-License-Identifier: MIT
// The sections of section.hpp on Linux: rseq(2), by glibc's registration, and membarrier(2).
//
// Each thread has an area that glibc registers with the kernel. The kernel writes the current CPU
// into its cpu_id; the thread writes into its rseq_cs which section it is about to run, as the
// address of a descriptor: where the section begins and ends, and where to go on if the thread
// comes back in the middle of it. Here that is the announcement, the instruction before the
// section.
//
// rseq_cs is cleared after the section, for a descriptor in a library that has been unloaded kills
// the thread. The kernel clears it itself when it restarts a section. A debugger that steps
// through a section restarts it at every step.
//
// The sections themselves are the assembly of the architecture, rseq_<architecture>.hpp: each
// is a file that defines rseq_assembly, with
//
//   take(first, reach), loan(first, reach), take_some(first, reach, out, room),
//   give(first, reach, item), hand_back(first, reach, item), give_some(first, reach, items, count)
//                         as in no_sections, of untyped items, where first and reach are the
//                         members of the near_shards; the steps are those of magazine_steps, and
//                         rseq_cs is cleared on return.
//
// They are made by macros, not by templates: clang++ 14 crashes on a template with such assembly in
// a precompiled header.
//
// Stands on: section, and the assembly of the architecture; glibc's <sys/rseq.h>.
#pragma once

#include <poolproof/rseq_aarch64.hpp>
#include <poolproof/rseq_x86_64.hpp>
#include <poolproof/section.hpp>

#if defined(POOLPROOF_HAS_RSEQ)

#include <atomic>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include <linux/membarrier.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
#include <unistd.h>

namespace poolproof {

struct rseq_sections {
  static constexpr bool compiled = true;
  // With these a shard takes 1 KiB.
  static constexpr std::uint32_t magazine_capacity = 104;

  static bool usable() noexcept {
    static constinit std::atomic<answer> known{answer::unknown};
    answer now = known.load(std::memory_order_relaxed);
    if (now == answer::unknown) [[unlikely]] {
      const answer found = find_out();
      if (known.compare_exchange_strong(now, found, std::memory_order_relaxed)) now = found;
    }
    return now == answer::yes;
  }

  static bool runs() noexcept { return registered() && usable(); }

  // Whether an arm64 kernel of this release, as uname tells it, restarts a section whenever its
  // thread has been preempted. From 6.19 on they did not where the thread went on on the same CPU:
  // two threads would get one item. That was reported in April 2026, when 7.0 was the newest; which
  // of its releases are mended is not told by the number alone, so none is trusted.
  static constexpr bool restarts_on_arm64(std::string_view release) noexcept {
    for (const std::string_view broken : {"6.19", "7.0"}) {
      if (!release.starts_with(broken)) continue;
      release.remove_prefix(broken.size());
      return !release.empty() && release.front() >= '0' && release.front() <= '9';
    }
    return true;
  }

  [[nodiscard]] static bool restart_all() noexcept {
    constexpr int command = MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;
    // Registered again in case that a fork has lost it.
    return membarrier(command) || (register_membarrier() && membarrier(command));
  }

  template <class Shards>
  [[gnu::always_inline]] static inline typename Shards::item_type* take(
      const Shards& shards) noexcept {
    return item_of<Shards>(rseq_assembly::take(shards.first_word(), shards.reach_word()));
  }

  template <class Shards>
  [[gnu::always_inline]] static inline typename Shards::item_type* loan(
      const Shards& shards) noexcept {
    return item_of<Shards>(rseq_assembly::loan(shards.first_word(), shards.reach_word()));
  }

  template <class Shards>
  static std::uint32_t take_some(const Shards& shards, typename Shards::item_type** out,
                                 std::uint32_t room) noexcept {
    return rseq_assembly::take_some(shards.first_word(), shards.reach_word(), out, room);
  }

  template <class Shards>
  [[gnu::always_inline]] static inline bool give(const Shards& shards,
                                                 typename Shards::item_type* item) noexcept {
    return rseq_assembly::give(shards.first_word(), shards.reach_word(), item);
  }

  template <class Shards>
  [[gnu::always_inline]] static inline bool hand_back(const Shards& shards,
                                                      typename Shards::item_type* item) noexcept {
    return rseq_assembly::hand_back(shards.first_word(), shards.reach_word(), item);
  }

  template <class Shards>
  static std::uint32_t give_some(const Shards& shards, typename Shards::item_type* const* items,
                                 std::uint32_t count) noexcept {
    return rseq_assembly::give_some(shards.first_word(), shards.reach_word(), items, count);
  }

 private:
  template <class Shards>
  [[gnu::always_inline]] static inline typename Shards::item_type* item_of(void* taken) noexcept {
    return static_cast<typename Shards::item_type*>(taken);
  }

  enum class answer : std::uint8_t { unknown, no, yes };

  // The kernel has written no CPU, a negative number, for a thread that it does not know.
  static bool registered() noexcept {
    const auto* const area = reinterpret_cast<const volatile struct rseq*>(
        static_cast<const char*>(__builtin_thread_pointer()) + __rseq_offset);
    return static_cast<std::int32_t>(area->cpu_id) >= 0;
  }

  static bool membarrier(int command) noexcept {
    return ::syscall(SYS_membarrier, command, 0, 0) == 0;
  }

  static bool register_membarrier() noexcept {
    return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ);
  }

  static bool kernel_restarts() noexcept {
#if defined(__aarch64__)
    struct utsname kernel {};
    return ::uname(&kernel) == 0 && restarts_on_arm64(kernel.release);
#else
    return true;
#endif
  }

  // What the user wishes, as far as the system can: POOLPROOF_PIN is "rseq", the default, or
  // "portable".
  [[gnu::cold]] static answer find_out() noexcept {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): as any program that reads its environment
    const char* const wish = std::getenv("POOLPROOF_PIN");
    if (wish != nullptr && std::strcmp(wish, "portable") == 0) return answer::no;
    if (wish != nullptr && std::strcmp(wish, "rseq") != 0) {
      std::fprintf(stderr, "poolproof: POOLPROOF_PIN is \"%s\"; it may be rseq or portable\n",
                   wish);
    }
    if (__rseq_size != 0 && kernel_restarts() && register_membarrier()) return answer::yes;
    if (wish != nullptr) {
      std::fputs("poolproof: no restartable sequences here; the pin is portable\n", stderr);
    }
    return answer::no;
  }
};

using machine_sections = rseq_sections;

}  // namespace poolproof

#else

namespace poolproof {
using machine_sections = no_sections;
}

#endif

// SPDX-License-Identifier: MIT
// The assembly of the sections on aarch64. What it is about is told in rseq.hpp.
//
// Stands on: section; glibc's <sys/rseq.h>.
#pragma once

#include <poolproof/section.hpp>

#if defined(POOLPROOF_HAS_RSEQ) && defined(__aarch64__)

#include <atomic>
#include <cstdint>

#include <sys/rseq.h>

// A section, from its announcement to its end. Descriptor and abort handler are in the section
// group of the function that they belong to, so that the linker keeps or drops them together; in
// front of the handler stands the signature that glibc has registered, an instruction. Within a
// section %[own] is the address of the current CPU's shard; `elsewhere` is the way out.
#define POOLPROOF_SECTION_BEGIN         \
  ".pushsection __rseq_cs, \"aw?\"\n"   \
  ".balign 32\n"                        \
  "3: .long 0, 0\n"                     \
  ".quad 1f, 2f - 1f, 4f\n"             \
  ".popsection\n"                       \
  "5: adrp %[own], 3b\n"                \
  "add %[own], %[own], :lo12:3b\n"      \
  "str %[own], [%[area], %[cs]]\n"      \
  "1: ldr %w[own], [%[area], %[cpu]]\n" \
  "cmp %w[own], %w[reach]\n"            \
  "b.hs %l[elsewhere]\n"                \
  "add %[own], %[first], %[own], lsl %[log_stride]\n"
#define POOLPROOF_SECTION_END              \
  "2:\n"                                   \
  ".pushsection __rseq_failure, \"ax?\"\n" \
  "brk #0x45e0\n"                          \
  "4: b 5b\n"                              \
  ".popsection\n"                          \
  "str xzr, [%[area], %[cs]]\n"  // the kernel need not look at the descriptor any more
#define POOLPROOF_SECTION_INPUTS                                                             \
  [area] "r"(area()), [reach] "r"(reached), [first] "r"(shards),                             \
      [log_stride] "i"(magazine_layout::log_shard),                                          \
      [cs] "i"(__builtin_offsetof(struct rseq, rseq_cs)),                                    \
      [cpu] "i"(__builtin_offsetof(struct rseq, cpu_id)), [word] "i"(magazine_layout::word), \
      [items] "i"(magazine_layout::items), [handle] "i"(magazine_layout::one_handle)
// Where the handler's jump is too far for one instruction, a linker makes one that uses x16 and
// x17.
#define POOLPROOF_SECTION_CLOBBERS "memory", "cc", "x16", "x17"

// Steps as in magazine_steps::take: [near_reach.read] and [near_first.read] before the section, for
// they do not change once they are set; [take_step.bounds], here ldar, to [take_step.commit]. ldar
// takes no offset. What is between pace and commit tells the two apart.
#define POOLPROOF_TAKE(name, before_commit)                                                \
  [[gnu::always_inline]] static inline void* name(                                         \
      const std::atomic<void*>& first, const std::atomic<std::uint32_t>& reach) noexcept { \
    const std::uint32_t reached = reach.load(std::memory_order_acquire);                   \
    void* const shards = first.load(std::memory_order_relaxed);                            \
    void* own = nullptr;                                                                   \
    std::uint64_t now = 0;                                                                 \
    void* item = nullptr;                                                                  \
    std::uint64_t pace = 0;                                                                \
    asm volatile inline goto(                                                              \
        POOLPROOF_SECTION_BEGIN                                                            \
        "add %[item], %[own], %[floor]\n"                                                  \
        "ldar %w[item], [%[item]]\n"                                                       \
        "ldr %[now], [%[own], %[word]]\n"                                                  \
        "cmp %w[item], %w[now], uxtb\n"                                                    \
        "b.hs %l[elsewhere]\n"                                                             \
        "ldr %[pace], [%[own], %[pace_at]]\n"                                              \
        "add %[item], %[own], %w[now], uxtb #3\n"                                          \
        "ldr %[item], [%[item], %[items] - 8]\n"                                           \
        "adds %[now], %[now], %[pace]\n" before_commit                                     \
        "str %[now], [%[own], %[word]]\n" POOLPROOF_SECTION_END                            \
        : [own] "=&r"(own), [now] "=&r"(now), [item] "=&r"(item), [pace] "=&r"(pace)       \
        : POOLPROOF_SECTION_INPUTS, [floor] "i"(magazine_layout::floor),                   \
          [pace_at] "i"(magazine_layout::pace)                                             \
        : POOLPROOF_SECTION_CLOBBERS                                                       \
        : elsewhere);                                                                      \
    if (item == nullptr) __builtin_unreachable();                                          \
    return item;                                                                           \
  elsewhere:                                                                               \
    forget();                                                                              \
    return nullptr;                                                                        \
  }

// Steps as in magazine_steps::give.
#define POOLPROOF_GIVE(name, before_commit)                                               \
  [[gnu::always_inline]] static inline bool name(const std::atomic<void*>& first,         \
                                                 const std::atomic<std::uint32_t>& reach, \
                                                 void* item) noexcept {                   \
    const std::uint32_t reached = reach.load(std::memory_order_acquire);                  \
    void* const shards = first.load(std::memory_order_relaxed);                           \
    void* own = nullptr;                                                                  \
    std::uint64_t now = 0;                                                                \
    std::uint64_t count = 0;                                                              \
    asm volatile inline goto(                                                             \
        POOLPROOF_SECTION_BEGIN                                                           \
        "add %[count], %[own], %[limit]\n"                                                \
        "ldar %w[count], [%[count]]\n"                                                    \
        "ldr %[now], [%[own], %[word]]\n"                                                 \
        "cmp %w[count], %w[now], uxtb\n"                                                  \
        "b.ls %l[elsewhere]\n"                                                            \
        "add %[count], %[own], %w[now], uxtb #3\n"                                        \
        "str %[item], [%[count], %[items]]\n" before_commit                               \
        "str %[now], [%[own], %[word]]\n" POOLPROOF_SECTION_END                           \
        : [own] "=&r"(own), [now] "=&r"(now), [count] "=&r"(count)                        \
        : POOLPROOF_SECTION_INPUTS, [limit] "i"(magazine_layout::limit), [item] "r"(item) \
        : POOLPROOF_SECTION_CLOBBERS                                                      \
        : elsewhere);                                                                     \
    return true;                                                                          \
  elsewhere:                                                                              \
    forget();                                                                             \
    return false;                                                                         \
  }

namespace poolproof {

static_assert(RSEQ_SIG == 0xd428bc00, "as an instruction: brk #0x45e0");

struct rseq_assembly {
  POOLPROOF_TAKE(take, "b.cs %l[elsewhere]\n")
  POOLPROOF_TAKE(loan, "b.cs %l[elsewhere]\nadd %[now], %[now], %[handle]\n")
  POOLPROOF_GIVE(give, "add %[now], %[now], 1\n")
  POOLPROOF_GIVE(hand_back, "sub %[now], %[now], %[handle] - 1\n")

  // Steps as in magazine_steps::take_some: the newest item first.
  static std::uint32_t take_some(const std::atomic<void*>& first,
                                 const std::atomic<std::uint32_t>& reach, void* out,
                                 std::uint64_t room) noexcept {
    const std::uint32_t reached = reach.load(std::memory_order_acquire);
    void* const shards = first.load(std::memory_order_relaxed);
    void* own = nullptr;
    std::uint64_t now = 0;
    std::uint64_t moved = 0;
    void* above = nullptr;
    void* behind = nullptr;
    void* item = nullptr;
    asm volatile inline goto(POOLPROOF_SECTION_BEGIN
                             "add %[moved], %[own], %[floor]\n"
                             "ldar %w[moved], [%[moved]]\n"
                             "ldr %[now], [%[own], %[word]]\n"
                             "cmp %w[moved], %w[now], uxtb\n"
                             "b.hs %l[elsewhere]\n"
                             "ldr %[item], [%[own], %[pace]]\n"
                             "and %[moved], %[now], 0xff\n"
                             "add %[above], %[own], %[moved], lsl 3\n"
                             "add %[above], %[above], %[items]\n"
                             "cmp %[moved], %[room]\n"
                             "csel %[moved], %[moved], %[room], lo\n"
                             "add %[now], %[now], %[item]\n"
                             "sub %[now], %[now], %[moved]\n"
                             "add %[now], %[now], 1\n"
                             "add %[behind], %[out], %[moved], lsl 3\n"
                             "6: ldr %[item], [%[above], -8]!\n"
                             "str %[item], [%[behind], -8]!\n"
                             "cmp %[behind], %[out]\n"
                             "b.ne 6b\n"
                             "str %[now], [%[own], %[word]]\n" POOLPROOF_SECTION_END
                             : [own] "=&r"(own), [now] "=&r"(now), [moved] "=&r"(moved),
                               [above] "=&r"(above), [behind] "=&r"(behind), [item] "=&r"(item)
                             : POOLPROOF_SECTION_INPUTS, [floor] "i"(magazine_layout::floor),
                               [pace] "i"(magazine_layout::pace), [out] "r"(out), [room] "r"(room)
                             : POOLPROOF_SECTION_CLOBBERS
                             : elsewhere);
    return static_cast<std::uint32_t>(moved);
  elsewhere:
    forget();
    return 0;
  }

  // Steps as in magazine_steps::give_some.
  static std::uint32_t give_some(const std::atomic<void*>& first,
                                 const std::atomic<std::uint32_t>& reach, const void* some,
                                 std::uint64_t most) noexcept {
    const std::uint32_t reached = reach.load(std::memory_order_acquire);
    void* const shards = first.load(std::memory_order_relaxed);
    void* own = nullptr;
    std::uint64_t now = 0;
    std::uint64_t moved = 0;
    void* above = nullptr;
    const void* behind = nullptr;
    const void* end = nullptr;
    void* item = nullptr;
    asm volatile inline goto(
        POOLPROOF_SECTION_BEGIN
        "add %[moved], %[own], %[limit]\n"
        "ldar %w[moved], [%[moved]]\n"
        "ldr %[now], [%[own], %[word]]\n"
        "and %[item], %[now], 0xff\n"
        "subs %[moved], %[moved], %[item]\n"
        "b.ls %l[elsewhere]\n"
        "cmp %[moved], %[most]\n"
        "csel %[moved], %[moved], %[most], lo\n"
        "add %[now], %[now], %[moved]\n"
        "add %[above], %[own], %[item], lsl 3\n"
        "add %[above], %[above], %[items]\n"
        "add %[end], %[above], %[moved], lsl 3\n"
        "add %[behind], %[some], %[most], lsl 3\n"
        "6: ldr %[item], [%[behind], -8]!\n"
        "str %[item], [%[above]], 8\n"
        "cmp %[above], %[end]\n"
        "b.ne 6b\n"
        "str %[now], [%[own], %[word]]\n" POOLPROOF_SECTION_END
        : [own] "=&r"(own), [now] "=&r"(now), [moved] "=&r"(moved), [above] "=&r"(above),
          [behind] "=&r"(behind), [end] "=&r"(end), [item] "=&r"(item)
        : POOLPROOF_SECTION_INPUTS, [limit] "i"(magazine_layout::limit), [some] "r"(some),
          [most] "r"(most)
        : POOLPROOF_SECTION_CLOBBERS
        : elsewhere);
    return static_cast<std::uint32_t>(moved);
  elsewhere:
    forget();
    return 0;
  }

 private:
  static char* area() noexcept {
    return static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  }

  // What ends a section that has not come to its end.
  [[gnu::always_inline]] static inline void forget() noexcept {
    asm volatile("str xzr, [%[area], %[cs]]"
                 :
                 : [area] "r"(area()), [cs] "i"(__builtin_offsetof(struct rseq, rseq_cs))
                 : "memory");
  }
};

}  // namespace poolproof

#undef POOLPROOF_SECTION_BEGIN
#undef POOLPROOF_SECTION_END
#undef POOLPROOF_SECTION_INPUTS
#undef POOLPROOF_SECTION_CLOBBERS
#undef POOLPROOF_TAKE
#undef POOLPROOF_GIVE

#endif

// SPDX-License-Identifier: MIT
// The assembly of the sections on x86-64. What it is about is told in rseq.hpp.
//
// Stands on: section; glibc's <sys/rseq.h>.
#pragma once

#include <poolproof/section.hpp>

#if defined(POOLPROOF_HAS_RSEQ) && defined(__x86_64__)

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <sys/rseq.h>

// A section, from its announcement to its end. Descriptor and abort handler are in the section
// group of the function that they belong to, so that the linker keeps or drops them together; in
// front of the handler stands the signature that glibc has registered. Within a section %[own] is
// the address of the current CPU's shard; `elsewhere` is the way out.
#define POOLPROOF_SECTION_BEGIN              \
  ".pushsection __rseq_cs, \"aw?\"\n"        \
  ".balign 32\n"                             \
  "3: .long 0, 0\n"                          \
  ".quad 1f, 2f - 1f, 4f\n"                  \
  ".popsection\n"                            \
  "5: leaq 3b(%%rip), %q[own]\n"             \
  "movq %q[own], %%fs:%c[cs](%[area])\n"     \
  "1: movl %%fs:%c[cpu](%[area]), %k[own]\n" \
  "cmpl %[reach], %k[own]\n"                 \
  "jae %l[elsewhere]\n"                      \
  "shlq %[log_stride], %q[own]\n"            \
  "addq %[first], %q[own]\n"
#define POOLPROOF_SECTION_END              \
  "2:\n"                                   \
  ".pushsection __rseq_failure, \"ax?\"\n" \
  ".byte 0x0f, 0xb9, 0x3d\n"               \
  ".long %c[signature]\n"                  \
  "4: jmp 5b\n"                            \
  ".popsection\n"                          \
  "movq $0, %%fs:%c[cs](%[area])\n"  // the kernel need not look at the descriptor any more
#define POOLPROOF_SECTION_INPUTS                                                             \
  [area] "r"(area()), [reach] "m"(reach), [first] "m"(first),                                \
      [log_stride] "i"(magazine_layout::log_shard), [signature] "i"(RSEQ_SIG),               \
      [cs] "i"(__builtin_offsetof(struct rseq, rseq_cs)),                                    \
      [cpu] "i"(__builtin_offsetof(struct rseq, cpu_id)), [word] "i"(magazine_layout::word), \
      [items] "i"(magazine_layout::items), [handle] "i"(magazine_layout::one_handle)

// Steps as in magazine_steps::take: [near_reach.read] to [take_step.commit]. Reach and first shard
// are operands in memory: two registers and two instructions less. What is between pace and commit
// tells the two apart.
#define POOLPROOF_TAKE(name, before_commit)                                                   \
  [[gnu::always_inline]] static inline void* name(                                            \
      const std::atomic<void*>& first, const std::atomic<std::uint32_t>& reach) noexcept {    \
    void* own = nullptr;                                                                      \
    std::uint64_t now = 0;                                                                    \
    void* item = nullptr;                                                                     \
    asm volatile inline goto(POOLPROOF_SECTION_BEGIN                                          \
                             "movl %c[floor](%[own]), %k[item]\n"                             \
                             "movq %c[word](%[own]), %[now]\n"                                \
                             "cmpb %b[now], %b[item]\n"                                       \
                             "jae %l[elsewhere]\n"                                            \
                             "movzbl %b[now], %k[item]\n"                                     \
                             "movq %c[items]-8(%[own],%[item],8), %[item]\n"                  \
                             "addq %c[pace](%[own]), %[now]\n" before_commit                  \
                             "movq %[now], %c[word](%[own])\n" POOLPROOF_SECTION_END          \
                             : [own] "=&r"(own), [now] "=&r"(now), [item] "=&r"(item)         \
                             : POOLPROOF_SECTION_INPUTS, [floor] "i"(magazine_layout::floor), \
                               [pace] "i"(magazine_layout::pace)                              \
                             : "memory", "cc"                                                 \
                             : elsewhere);                                                    \
    if (item == nullptr) __builtin_unreachable();                                             \
    return item;                                                                              \
  elsewhere:                                                                                  \
    forget();                                                                                 \
    return nullptr;                                                                           \
  }

// Steps as in magazine_steps::give. The word is stored in full, though often only its lowest byte
// changes: a load does not get its value forwarded from a narrower store.
#define POOLPROOF_GIVE(name, before_commit)                                               \
  [[gnu::always_inline]] static inline bool name(const std::atomic<void*>& first,         \
                                                 const std::atomic<std::uint32_t>& reach, \
                                                 void* item) noexcept {                   \
    void* own = nullptr;                                                                  \
    std::uint64_t now = 0;                                                                \
    std::uint64_t count = 0;                                                              \
    asm volatile inline goto(                                                             \
        POOLPROOF_SECTION_BEGIN                                                           \
        "movl %c[limit](%[own]), %k[count]\n"                                             \
        "movq %c[word](%[own]), %[now]\n"                                                 \
        "cmpb %b[now], %b[count]\n"                                                       \
        "jbe %l[elsewhere]\n"                                                             \
        "movzbl %b[now], %k[count]\n"                                                     \
        "movq %[item], %c[items](%[own],%[count],8)\n" before_commit                      \
        "movq %[now], %c[word](%[own])\n" POOLPROOF_SECTION_END                           \
        : [own] "=&r"(own), [now] "=&r"(now), [count] "=&r"(count)                        \
        : POOLPROOF_SECTION_INPUTS, [limit] "i"(magazine_layout::limit), [item] "r"(item) \
        : "memory", "cc"                                                                  \
        : elsewhere);                                                                     \
    return true;                                                                          \
  elsewhere:                                                                              \
    forget();                                                                             \
    return false;                                                                         \
  }

namespace poolproof {

struct rseq_assembly {
  POOLPROOF_TAKE(take, "jc %l[elsewhere]\n")
  POOLPROOF_TAKE(loan, "jc %l[elsewhere]\naddq $%c[handle], %[now]\n")
  POOLPROOF_GIVE(give, "incq %[now]\n")
  POOLPROOF_GIVE(hand_back, "subq $%c[handle]-1, %[now]\n")

  // Steps as in magazine_steps::take_some: the newest item first.
  static std::uint32_t take_some(const std::atomic<void*>& first,
                                 const std::atomic<std::uint32_t>& reach, void* out,
                                 std::uint32_t room) noexcept {
    void* own = nullptr;
    std::uint64_t now = 0;
    std::uint64_t moved = 0;
    std::uint64_t above = 0;
    std::uint64_t left = 0;
    void* item = nullptr;
    asm volatile inline goto(POOLPROOF_SECTION_BEGIN
                             "movl %c[floor](%[own]), %k[moved]\n"
                             "movq %c[word](%[own]), %[now]\n"
                             "cmpb %b[now], %b[moved]\n"
                             "jae %l[elsewhere]\n"
                             "movzbl %b[now], %k[above]\n"
                             "movl %k[above], %k[moved]\n"
                             "cmpl %[room], %k[moved]\n"
                             "cmoval %[room], %k[moved]\n"
                             "addq %c[pace](%[own]), %[now]\n"
                             "subq %[moved], %[now]\n"
                             "incq %[now]\n"
                             "movl %k[moved], %k[left]\n"
                             "6: movq %c[items]-8(%[own],%[above],8), %[item]\n"
                             "movq %[item], -8(%[out],%[left],8)\n"
                             "decl %k[above]\n"
                             "decl %k[left]\n"
                             "jnz 6b\n"
                             "movq %[now], %c[word](%[own])\n" POOLPROOF_SECTION_END
                             : [own] "=&r"(own), [now] "=&r"(now), [moved] "=&r"(moved),
                               [above] "=&r"(above), [left] "=&r"(left), [item] "=&r"(item)
                             : POOLPROOF_SECTION_INPUTS, [floor] "i"(magazine_layout::floor),
                               [pace] "i"(magazine_layout::pace), [out] "r"(out), [room] "r"(room)
                             : "memory", "cc"
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
    void* own = nullptr;
    std::uint64_t now = 0;
    std::uint64_t moved = 0;
    std::uint64_t below = 0;
    const void* behind = nullptr;
    void* item = nullptr;
    asm volatile inline goto(POOLPROOF_SECTION_BEGIN
                             "movl %c[limit](%[own]), %k[moved]\n"
                             "movq %c[word](%[own]), %[now]\n"
                             "movzbl %b[now], %k[below]\n"
                             "subl %k[below], %k[moved]\n"
                             "jbe %l[elsewhere]\n"
                             "cmpq %[most], %[moved]\n"
                             "cmovaq %[most], %[moved]\n"
                             "addq %[moved], %[now]\n"
                             "leaq (%[some],%[most],8), %[behind]\n"
                             "6: subq $8, %[behind]\n"
                             "movq (%[behind]), %[item]\n"
                             "movq %[item], %c[items](%[own],%[below],8)\n"
                             "incl %k[below]\n"
                             "cmpb %b[now], %b[below]\n"
                             "jne 6b\n"
                             "movq %[now], %c[word](%[own])\n" POOLPROOF_SECTION_END
                             : [own] "=&r"(own), [now] "=&r"(now), [moved] "=&r"(moved),
                               [below] "=&r"(below), [behind] "=&r"(behind), [item] "=&r"(item)
                             : POOLPROOF_SECTION_INPUTS, [limit] "i"(magazine_layout::limit),
                               [some] "r"(some), [most] "r"(most)
                             : "memory", "cc"
                             : elsewhere);
    return static_cast<std::uint32_t>(moved);
  elsewhere:
    forget();
    return 0;
  }

 private:
  // From the thread's pointer, the base of %fs.
  static std::ptrdiff_t area() noexcept { return __rseq_offset; }

  // What ends a section that has not come to its end.
  [[gnu::always_inline]] static inline void forget() noexcept {
    asm volatile("movq $0, %%fs:%c[cs](%[area])"
                 :
                 : [area] "r"(area()), [cs] "i"(__builtin_offsetof(struct rseq, rseq_cs))
                 : "memory");
  }
};

}  // namespace poolproof

#undef POOLPROOF_SECTION_BEGIN
#undef POOLPROOF_SECTION_END
#undef POOLPROOF_SECTION_INPUTS
#undef POOLPROOF_TAKE
#undef POOLPROOF_GIVE

#endif

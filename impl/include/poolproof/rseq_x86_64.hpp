// The sections of section.hpp on Linux and x86-64: rseq(2), by glibc's registration.
//
// Each thread has an area that glibc registers with the kernel. The kernel writes the current CPU
// into its cpu_id; the thread writes into its rseq_cs which section it is about to run, as the
// address of a descriptor: where the section begins and ends, and where to go on if the thread
// comes back in the middle of it. Here that is the announcement, the instruction before the section.
//
// rseq_cs is cleared after the section, for a descriptor in a library that has been unloaded kills
// the thread. The kernel clears it itself when it restarts a section. A debugger that steps
// through a section restarts it at every step.
//
// Not templates: clang++ 14 crashes on a template with such assembly in a precompiled header.
//
// Stands on: section.
#pragma once

#include <poolproof/section.hpp>

#include <linux/membarrier.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

// A section, from its announcement to its end. Descriptor and abort handler are in the section group
// of the function that they belong to, so that the linker keeps or drops them together; in front of
// the handler stands the signature that glibc has registered. Within a section %[own] is the
// address of the current CPU's shard; `elsewhere` is the way out.
#define POOLPROOF_SECTION_BEGIN              \
  ".pushsection __rseq_cs, \"aw?\"\n"        \
  ".balign 32\n"                             \
  "3: .long 0, 0\n"                          \
  ".quad 1f, 2f - 1f, 4f\n"                  \
  ".popsection\n"                            \
  "5: leaq 3b(%%rip), %q[own]\n"             \
  "movq %q[own], %%fs:%c[cs](%[area])\n"     \
  "1: movl %%fs:%c[cpu](%[area]), %k[own]\n" \
  "cmpl %[size], %k[own]\n"                  \
  "jae %l[elsewhere]\n"                      \
  "shlq %[log_stride], %q[own]\n"            \
  "addq %[shards], %q[own]\n"
#define POOLPROOF_SECTION_END              \
  "2:\n"                                   \
  ".pushsection __rseq_failure, \"ax?\"\n" \
  ".byte 0x0f, 0xb9, 0x3d\n"               \
  ".long %c[signature]\n"                  \
  "4: jmp 5b\n"                            \
  ".popsection\n"
#define POOLPROOF_SECTION_INPUTS                                                             \
  [area] "r"(area()), [size] "r"(size), [shards] "r"(shards),                                \
      [log_stride] "i"(magazine_layout::log_shard), [signature] "i"(RSEQ_SIG),               \
      [cs] "i"(__builtin_offsetof(struct rseq, rseq_cs)),                                    \
      [cpu] "i"(__builtin_offsetof(struct rseq, cpu_id)), [word] "i"(magazine_layout::word), \
      [items] "i"(magazine_layout::items)

namespace poolproof {

struct rseq_sections {
  static constexpr bool compiled = true;
  // With these a shard fills two pairs of cache lines.
  static constexpr std::uint32_t magazine_capacity = 15;

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

  [[nodiscard]] static bool restart_all() noexcept {
    constexpr int command = MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ;
    // Registered again in case that a fork has lost it.
    return membarrier(command) || (register_membarrier() && membarrier(command));
  }

  template <class Shard>
  [[gnu::always_inline]] static inline typename Shard::item_type* take(
      Shard* shards, std::uint32_t size, std::uint64_t& word) noexcept {
    static_assert(sizeof(Shard) == 1 << magazine_layout::log_shard);
    return static_cast<typename Shard::item_type*>(take_item(shards, size, word));
  }

  template <class Shard>
  [[gnu::always_inline]] static inline bool give(Shard* shards, std::uint32_t size,
                                                 typename Shard::item_type* item) noexcept {
    static_assert(sizeof(Shard) == 1 << magazine_layout::log_shard);
    return give_item(shards, size, item);
  }

 private:
  enum class answer : std::uint8_t { unknown, no, yes };

  static std::ptrdiff_t area() noexcept { return __rseq_offset; }

  static bool registered() noexcept {
    std::int32_t cpu = 0;
    asm volatile("movl %%fs:%c[cpu](%[area]), %[out]"
                 : [out] "=r"(cpu)
                 : [area] "r"(area()), [cpu] "i"(__builtin_offsetof(struct rseq, cpu_id)));
    return cpu >= 0;
  }

  // So that the kernel does not look at the descriptor any more.
  [[gnu::always_inline]] static inline void forget() noexcept {
    asm volatile("movq $0, %%fs:%c[cs](%[area])"
                 :
                 : [area] "r"(area()), [cs] "i"(__builtin_offsetof(struct rseq, rseq_cs))
                 : "memory");
  }

  [[gnu::always_inline]] static inline void* take_item(void* shards, std::uint32_t size,
                                                       std::uint64_t& word) noexcept;
  [[gnu::always_inline]] static inline bool give_item(void* shards, std::uint32_t size,
                                                      void* item) noexcept;

  static bool membarrier(int command) noexcept {
    return ::syscall(SYS_membarrier, command, 0, 0) == 0;
  }

  static bool register_membarrier() noexcept {
    return membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ);
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
    if (__rseq_size != 0 && register_membarrier()) return answer::yes;
    if (wish != nullptr) {
      std::fputs("poolproof: no restartable sequences here; the pin is portable\n", stderr);
    }
    return answer::no;
  }
};

// Steps as in magazine_steps::take: [take_step.bounds] to [take_step.commit].
inline void* rseq_sections::take_item(void* shards, std::uint32_t size,
                                      std::uint64_t& word) noexcept {
  void* own = nullptr;
  std::uint64_t now = 0;
  void* item = nullptr;
  asm volatile inline goto(POOLPROOF_SECTION_BEGIN
                           "movl %c[floor](%[own]), %k[item]\n"
                           "movq %c[word](%[own]), %[now]\n"
                           "cmpl %k[now], %k[item]\n"
                           "jae %l[elsewhere]\n"
                           "movl %k[now], %k[item]\n"
                           "movq %c[items]-8(%[own],%[item],8), %[item]\n"
                           "addq %[one_take], %[now]\n"
                           "movq %[now], %c[word](%[own])\n"  // the commit
                           POOLPROOF_SECTION_END
                           : [own] "=&r"(own), [now] "=&r"(now), [item] "=&r"(item)
                           : POOLPROOF_SECTION_INPUTS, [floor] "i"(magazine_layout::floor),
                             [one_take] "r"(magazine_layout::one_take)
                           : "memory", "cc"
                           : elsewhere);
  forget();
  if (item == nullptr) __builtin_unreachable();
  word = now;
  return item;
elsewhere:
  forget();
  return nullptr;
}

// Steps as in magazine_steps::give. The word is stored in full, though only its low half changes: a
// load does not get its value forwarded from a narrower store.
inline bool rseq_sections::give_item(void* shards, std::uint32_t size, void* item) noexcept {
  void* own = nullptr;
  std::uint64_t now = 0;
  std::uint64_t count = 0;
  asm volatile inline goto(
      POOLPROOF_SECTION_BEGIN
      "movl %c[limit](%[own]), %k[count]\n"
      "movq %c[word](%[own]), %[now]\n"
      "cmpl %k[now], %k[count]\n"
      "jbe %l[elsewhere]\n"
      "movl %k[now], %k[count]\n"
      "movq %[item], %c[items](%[own],%[count],8)\n"
      "incq %[now]\n"
      "movq %[now], %c[word](%[own])\n"  // the commit
      POOLPROOF_SECTION_END
      : [own] "=&r"(own), [now] "=&r"(now), [count] "=&r"(count)
      : POOLPROOF_SECTION_INPUTS, [limit] "i"(magazine_layout::limit), [item] "r"(item)
      : "memory", "cc"
      : elsewhere);
  forget();
  return true;
elsewhere:
  forget();
  return false;
}

using machine_sections = rseq_sections;

}  // namespace poolproof

#undef POOLPROOF_SECTION_BEGIN
#undef POOLPROOF_SECTION_END
#undef POOLPROOF_SECTION_INPUTS

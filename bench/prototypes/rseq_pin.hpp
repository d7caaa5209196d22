// Prototypes of the pin on restartable sequences, x86-64: what could stand behind
// <poolproof/pin.hpp>'s private part. Measured by rseq_pin_bench, tried by rseq_pin_stress. Not
// part of the library.
//
// A restartable section runs from its first instruction to its one committing store without being
// preempted, migrated or interrupted by a signal, or starts again: the kernel moves a thread that
// comes back in the middle of one to the abort handler. The descriptor tells the kernel which
// section the thread is in; its store is the instruction right before the section.
//
// Stands on: glibc 2.35 (__rseq_offset), Linux.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>

#include <linux/membarrier.h>
#include <sys/rseq.h>
#include <sys/syscall.h>
#include <unistd.h>

// How often a section was restarted; the abort handler counts, the hit path does not know of it.
extern "C" {
[[gnu::used]] inline std::atomic<std::uint64_t> rseq_prototype_aborts{0};
}

// 1: sections are not announced to the kernel, so nothing restarts them. 2: closing omits the
// membarrier. For seeing the stress test fail.
#ifndef RSEQ_PROTOTYPE_BREAK
#define RSEQ_PROTOTYPE_BREAK 0
#endif

#if RSEQ_PROTOTYPE_BREAK == 1
#define RSEQ_ANNOUNCE "nop\n"
#else
#define RSEQ_ANNOUNCE "movq %q[m], %%fs:8(%[area])\n"
#endif

// Before and after a section: descriptor and abort handler (both in the section group of the
// function that they belong to, so that the linker keeps or drops them together). Register m serves
// first for the descriptor's address, then for the current CPU's shard.
#define RSEQ_BEGIN                           \
  ".pushsection __rseq_cs, \"aw?\"\n"        \
  ".balign 32\n"                             \
  "3: .long 0, 0\n"                          \
  ".quad 1f, 2f - 1f, 4f\n"                  \
  ".popsection\n"                            \
  "5: leaq 3b(%%rip), %q[m]\n" RSEQ_ANNOUNCE \
  "1: movl %%fs:4(%[area]), %k[m]\n"         \
  "cmpl %[size], %k[m]\n"                    \
  "jae %l[elsewhere]\n"                      \
  "shlq %[stride_log], %q[m]\n"              \
  "addq %[array], %q[m]\n"
#define RSEQ_END                                \
  "2:\n"                                        \
  ".pushsection __rseq_failure, \"ax?\"\n"      \
  ".byte 0x0f, 0xb9, 0x3d\n"                    \
  ".long 0x53053053\n"                          \
  "4: lock incq rseq_prototype_aborts(%%rip)\n" \
  "jmp 5b\n"                                    \
  ".popsection\n"

namespace rseq_prototype {

inline std::ptrdiff_t rseq_area() noexcept { return __rseq_offset; }

inline std::uint32_t current_cpu() noexcept {
  std::uint32_t cpu;
  asm volatile("movl %%fs:4(%1), %0" : "=r"(cpu) : "r"(rseq_area()));
  return cpu;
}

// So that no descriptor of a library that is unloaded later stays announced.
inline void forget_section() noexcept {
  asm volatile("movq $0, %%fs:8(%0)" : : "r"(rseq_area()) : "memory");
}

inline long membarrier(int command) noexcept { return ::syscall(SYS_membarrier, command, 0, 0); }

// The shard of a CPU, as the committing-store magazine sees it.
//   count       stored to by sections of this CPU only, or by the closer while closed
//   floor,      read by sections; written by others: a section takes while count > floor, and gives
//   limit       while count < limit. Closed: floor is the maximum, limit 0. One word, so that a
//               single store closes.
template <class T>
struct alignas(128) magazine_shard {
  static constexpr std::uint32_t capacity = 16;
  static constexpr std::uint64_t open(std::uint32_t depth) { return std::uint64_t{depth} << 32; }
  static constexpr std::uint64_t closed = 0xffffffff;

  std::uint64_t count = 0;
  std::atomic<std::uint64_t> bounds{open(capacity)};
  std::atomic<std::uint64_t> operations{0};
  T* items[capacity] = {};
  // What today's shard has besides its private part.
  char rest[104] = {};
};

struct magazine_offsets {
  static constexpr int count = 0, floor = 8, limit = 12, items = 24, stride_log = 8;
};

// Takes the newest item. Null: empty, closed, or this thread is not registered; `found` is then not
// set.
template <class T>
[[gnu::always_inline]] inline T* take(magazine_shard<T>* array, std::uint32_t size,
                                      magazine_shard<T>*& found) noexcept {
  static_assert(sizeof(magazine_shard<T>) == 1 << magazine_offsets::stride_log);
  magazine_shard<T>* m;
  std::uint64_t n;
  T* item;
  asm volatile inline goto(
      RSEQ_BEGIN
      "movl %c[count](%[m]), %k[n]\n"
      "cmpl %c[floor](%[m]), %k[n]\n"
      "jbe %l[elsewhere]\n"
      "movq %c[items]-8(%[m],%[n],8), %[item]\n"
      "decl %k[n]\n"
      "movl %k[n], %c[count](%[m])\n" RSEQ_END
      : [m] "=&r"(m), [n] "=&r"(n), [item] "=&r"(item)
      : [area] "r"(rseq_area()), [size] "r"(size), [array] "r"(array),
        [stride_log] "i"(magazine_offsets::stride_log), [count] "i"(magazine_offsets::count),
        [floor] "i"(magazine_offsets::floor), [items] "i"(magazine_offsets::items)
      : "memory", "cc"
      : elsewhere);
  if (item == nullptr) __builtin_unreachable();
  found = m;
  return item;
elsewhere:
  return nullptr;
}

// Gives an item. False: full, closed, or this thread is not registered.
template <class T>
[[gnu::always_inline]] inline bool give(magazine_shard<T>* array, std::uint32_t size,
                                        T* item) noexcept {
  magazine_shard<T>* m;
  std::uint64_t n;
  asm volatile inline goto(
      RSEQ_BEGIN
      "movl %c[count](%[m]), %k[n]\n"
      "cmpl %c[limit](%[m]), %k[n]\n"
      "jae %l[elsewhere]\n"
      "movq %[item], %c[items](%[m],%[n],8)\n"
      "incl %k[n]\n"
      "movl %k[n], %c[count](%[m])\n" RSEQ_END
      : [m] "=&r"(m), [n] "=&r"(n)
      : [item] "r"(item), [area] "r"(rseq_area()), [size] "r"(size), [array] "r"(array),
        [stride_log] "i"(magazine_offsets::stride_log), [count] "i"(magazine_offsets::count),
        [limit] "i"(magazine_offsets::limit), [items] "i"(magazine_offsets::items)
      : "memory", "cc"
      : elsewhere);
  return true;
elsewhere:
  return false;
}

// As take, with the count of operations in the upper half of the committed word: the same store
// commits both. `operations` is the number of takes so far.
template <class T>
[[gnu::always_inline]] inline T* take_counted(magazine_shard<T>* array, std::uint32_t size,
                                              std::uint64_t& operations) noexcept {
  magazine_shard<T>* m;
  std::uint64_t n;
  T* item;
  asm volatile inline goto(
      RSEQ_BEGIN
      "movq %c[count](%[m]), %[n]\n"
      "movl %k[n], %k[item]\n"
      "cmpl %c[floor](%[m]), %k[item]\n"
      "jbe %l[elsewhere]\n"
      "movq %c[items]-8(%[m],%[item],8), %[item]\n"
      "addq %[one_less_one_more], %[n]\n"
      "movq %[n], %c[count](%[m])\n" RSEQ_END
      : [m] "=&r"(m), [n] "=&r"(n), [item] "=&r"(item)
      : [area] "r"(rseq_area()), [size] "r"(size), [array] "r"(array),
        [one_less_one_more] "r"((std::uint64_t{1} << 32) - 1),
        [stride_log] "i"(magazine_offsets::stride_log), [count] "i"(magazine_offsets::count),
        [floor] "i"(magazine_offsets::floor), [items] "i"(magazine_offsets::items)
      : "memory", "cc"
      : elsewhere);
  if (item == nullptr) __builtin_unreachable();
  operations = n >> 32;
  return item;
elsewhere:
  return nullptr;
}

// As give, of the word that take_counted uses: all 64 bits, because a wider load does not get its
// value forwarded from a narrower store.
template <class T>
[[gnu::always_inline]] inline bool give_counted(magazine_shard<T>* array, std::uint32_t size,
                                                T* item) noexcept {
  magazine_shard<T>* m;
  std::uint64_t n;
  std::uint64_t index;
  asm volatile inline goto(
      RSEQ_BEGIN
      "movq %c[count](%[m]), %[n]\n"
      "movl %k[n], %k[index]\n"
      "cmpl %c[limit](%[m]), %k[index]\n"
      "jae %l[elsewhere]\n"
      "movq %[item], %c[items](%[m],%[index],8)\n"
      "incq %[n]\n"
      "movq %[n], %c[count](%[m])\n" RSEQ_END
      : [m] "=&r"(m), [n] "=&r"(n), [index] "=&r"(index)
      : [item] "r"(item), [area] "r"(rseq_area()), [size] "r"(size), [array] "r"(array),
        [stride_log] "i"(magazine_offsets::stride_log), [count] "i"(magazine_offsets::count),
        [limit] "i"(magazine_offsets::limit), [items] "i"(magazine_offsets::items)
      : "memory", "cc"
      : elsewhere);
  return true;
elsewhere:
  return false;
}

// Closes a magazine and empties it: returns how many items were written to `out`. Nobody else may
// close it meanwhile. From the membarrier on, every section that had read the old bounds has
// committed, which is seen here, or starts again and reads that it is closed.
template <class T>
std::uint32_t close_and_empty(magazine_shard<T>& m, T** out) noexcept {
  m.bounds.store(magazine_shard<T>::closed, std::memory_order_relaxed);
#if RSEQ_PROTOTYPE_BREAK != 2
  membarrier(MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ);
#endif
  const auto held = static_cast<std::uint32_t>(m.count);
  for (std::uint32_t i = 0; i < held; ++i) out[i] = m.items[i];
  m.count -= held;
  return held;
}

// What was done to the magazine while it was closed happens before what sections do from now on.
template <class T>
void reopen(magazine_shard<T>& m, std::uint32_t depth) noexcept {
  m.bounds.store(magazine_shard<T>::open(depth), std::memory_order_release);
}

// The owner word: claimed in a section, released by a plain store.
template <class T>
struct alignas(128) owned_shard {
  static constexpr int stride_log = 7;

  std::atomic<std::uint32_t> owner{0};
  T* slot = nullptr;
  std::atomic<std::uint64_t> operations{0};
};

// The current CPU's shard, now the caller's; null: it has an owner, or this thread is not
// registered.
template <class T>
[[gnu::always_inline]] inline owned_shard<T>* claim(owned_shard<T>* array,
                                                    std::uint32_t size) noexcept {
  owned_shard<T>* m;
  asm volatile inline goto(RSEQ_BEGIN
                           "cmpl $0, (%[m])\n"
                           "jne %l[elsewhere]\n"
                           "movl $1, (%[m])\n" RSEQ_END
                           : [m] "=&r"(m)
                           : [area] "r"(rseq_area()), [size] "r"(size), [array] "r"(array),
                             [stride_log] "i"(owned_shard<T>::stride_log)
                           : "memory", "cc"
                           : elsewhere);
  return m;
elsewhere:
  return nullptr;
}

}  // namespace rseq_prototype

// SPDX-License-Identifier: MIT
// The policy of the stress tests: production's, with three additions.
//
//   - It counts racy paths where they are taken. Nobody outside can see that a compare-and-swap
//     failed; the atomic's wrapper can. It tells the places apart by the name of the calling
//     function, which a default argument supplies; so the headers hold no hook for it. If one of
//     these functions gets another name, its count is zero, and the test that needs it fails.
//   - It yields now and then at an atomic operation, so that threads stop in the middle of an
//     operation much more often than two processors would make them.
//   - It lets a test choose the CPU that a thread believes to be on, and the number of CPUs.
//
// Every operation is forwarded to std::atomic with the orders that the header wrote. The additions
// order nothing: their own atomics are relaxed, so that the thread sanitizer sees what it would see
// in production.
//
// Stands on: stress, poolproof's sync.
#pragma once

#include "stress.hpp"

#include <poolproof/sync.hpp>

#include <array>
#include <type_traits>

namespace stress {

// The racy paths that the policy counts.
enum class racy : std::uint8_t {
  lost_steal,      // a thief's claim of an item failed: another thread moved an end of the ring
  lost_pop,        // an owner's claim failed: a thief moved the tail
  unvacated_slot,  // an owner wanted to fill a slot that a thief had claimed and not yet vacated
  lost_unlink,     // a thief wanted to unlink a ring that another thief had just unlinked
  lost_ownership,  // a thread saw a shard free, and another thread was quicker to own it
  begun_shard,     // a CPU's shard began beside others
  freed_ring,      // a ring was given back
  count_,
};

inline constinit std::array<std::atomic<std::uint64_t>, static_cast<std::size_t>(racy::count_)>
    racy_counts{};

inline void count(racy path) noexcept {
  racy_counts[static_cast<std::size_t>(path)].fetch_add(1, std::memory_order_relaxed);
}

inline std::uint64_t taken(racy path) noexcept {
  return racy_counts[static_cast<std::size_t>(path)].load(std::memory_order_relaxed);
}

// A thread's view of the policy. Read by a signal handler on the same thread, hence the atomics.
struct thread_state {
  // How many rights the thread holds now (a shard's, a table's or a sweep's), and how many visits.
  std::atomic<std::uint32_t> owned{0};
  std::atomic<std::uint32_t> visits{0};
  // Called by the thread whenever it has become an owner; null for nothing.
  void (*on_owned)() noexcept = nullptr;
  // The CPU it believes to be on; for no_cpu, changing ones below `cpus`.
  std::uint32_t cpu = no_cpu;
  std::uint32_t wandering_cpu = 0;
  // The yields' own choices: the test's must not depend on how many operations an interleaving has.
  generator yields{0};
  std::uint32_t until_yield = 1;

  static constexpr std::uint32_t no_cpu = ~std::uint32_t{0};
};

inline constinit thread_local thread_state this_thread;

// How many CPUs threads believe in. It may grow at any time, as an affinity mask may; also beyond
// the policy's cpu_count.
inline constinit std::atomic<std::uint32_t> cpus{1};

// A thread yields once in so many operations on average. Set before there are threads.
inline constinit std::uint32_t yield_period = 256;

struct stressed_sync : poolproof::std_sync {
  template <class T>
  class atomic;
  using sections = poolproof::no_sections;

  static std::uint32_t cpu() noexcept;
  static std::uint32_t cpu_count() noexcept { return 8; }
  static poolproof::pin_kind pin() noexcept { return poolproof::pin_kind::model; }
  static void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept;
  static void deallocate_zeroed(void* memory, std::size_t size, std::size_t alignment) noexcept;

  // What a ring is aligned to, and nothing else of zeros.
  static constexpr std::size_t ring_alignment = 64;

 private:
  static void perturb() noexcept;
  [[gnu::cold]] static void yield_now() noexcept;
};

inline void stressed_sync::perturb() noexcept {
  if (--this_thread.until_yield == 0) [[unlikely]]
    yield_now();
}

inline void stressed_sync::yield_now() noexcept {
  thread_state& me = this_thread;
  if (thread_local bool seeded = false; !seeded) {
    me.yields = generator(current.seed + thread_number());
    seeded = true;
  }
  me.until_yield = 1 + me.yields.below(2 * yield_period);
  std_sync::yield();
}

inline std::uint32_t stressed_sync::cpu() noexcept {
  thread_state& me = this_thread;
  if (me.cpu != thread_state::no_cpu) return me.cpu;
  if (choices.one_in(8)) me.wandering_cpu = choices.below(cpus.load(std::memory_order_relaxed));
  return me.wandering_cpu;
}

// Overwrites the block: a late reader then goes wrong also without a sanitizer, and under the
// thread sanitizer is a race with this line.
inline void stressed_sync::deallocate(void* memory, std::size_t size,
                                      std::size_t alignment) noexcept {
  std::memset(memory, 0xdd, size);
  std_sync::deallocate(memory, size, alignment);
}

inline void stressed_sync::deallocate_zeroed(void* memory, std::size_t size,
                                             std::size_t alignment) noexcept {
  if (alignment == ring_alignment) count(racy::freed_ring);
  std::memset(memory, 0xdd, size);
  std_sync::deallocate_zeroed(memory, size, alignment);
}

// Inlined always: a memory order that is not a constant to the compiler would become seq_cst.
template <class T>
class stressed_sync::atomic {
 public:
  constexpr atomic(T value = T{}) noexcept : value_(value) {}

  [[gnu::always_inline]] T load(std::memory_order order,
                                const char* caller = __builtin_FUNCTION()) const noexcept {
    perturb();
    const T value = value_.load(order);
    if constexpr (std::is_pointer_v<T>) {
      if (is(caller, "push_head") && value != nullptr) count(racy::unvacated_slot);
    }
    return value;
  }

  [[gnu::always_inline]] void store(T value, std::memory_order order,
                                    const char* caller = __builtin_FUNCTION()) noexcept {
    perturb();
    if constexpr (std::is_integral_v<T>) {
      if (is(caller, "release")) add(this_thread.owned, -1);
    }
    value_.store(value, order);
  }

  [[gnu::always_inline]] T exchange(T value, std::memory_order order,
                                    const char* caller = __builtin_FUNCTION()) noexcept {
    perturb();
    const T old = value_.exchange(value, order);
    if constexpr (std::is_integral_v<T>) {
      if (is(caller, "try_own")) note_claim(old == 0);
    }
    return old;
  }

  [[gnu::always_inline]] T fetch_add(T value, std::memory_order order,
                                     const char* caller = __builtin_FUNCTION()) noexcept {
    perturb();
    if (is(caller, "leave")) add(this_thread.visits, -1);
    const T old = value_.fetch_add(value, order);
    if (is(caller, "enter")) add(this_thread.visits, 1);
    return old;
  }

  [[gnu::always_inline]] T fetch_sub(T value, std::memory_order order) noexcept {
    perturb();
    return value_.fetch_sub(value, order);
  }

  [[gnu::always_inline]] T fetch_or(T value, std::memory_order order) noexcept {
    perturb();
    return value_.fetch_or(value, order);
  }

  [[gnu::always_inline]] bool compare_exchange_weak(
      T& expected, T desired, std::memory_order success, std::memory_order failure,
      const char* caller = __builtin_FUNCTION()) noexcept {
    perturb();
    const T before = expected;
    const bool done = value_.compare_exchange_weak(expected, desired, success, failure);
    // A spurious failure leaves what was expected.
    if (!done && expected != before) note_loss(caller);
    return done;
  }

  [[gnu::always_inline]] bool compare_exchange_strong(
      T& expected, T desired, std::memory_order success, std::memory_order failure,
      const char* caller = __builtin_FUNCTION()) noexcept {
    perturb();
    const bool done = value_.compare_exchange_strong(expected, desired, success, failure);
    if (!done) note_loss(caller);
    if constexpr (std::is_integral_v<T>) {
      // Not the first shard of the pool's first user.
      if (done && expected != 0 && is(caller, "mark_found")) count(racy::begun_shard);
    }
    return done;
  }

 private:
  [[gnu::always_inline]] static bool is(const char* caller, const char* name) noexcept {
    return __builtin_strcmp(caller, name) == 0;
  }

  [[gnu::always_inline]] static void add(std::atomic<std::uint32_t>& own, int n) noexcept {
    own.store(own.load(std::memory_order_relaxed) + static_cast<std::uint32_t>(n),
              std::memory_order_relaxed);
  }

  [[gnu::always_inline]] static void note_claim(bool won) noexcept {
    if (!won) return count(racy::lost_ownership);
    add(this_thread.owned, 1);
    if (this_thread.on_owned != nullptr) this_thread.on_owned();
  }

  // Rings are linked by pointers, and claimed by indices.
  [[gnu::always_inline]] static void note_loss(const char* caller) noexcept {
    if (is(caller, "pop_head")) count(racy::lost_pop);
    if (!is(caller, "pop_tail")) return;
    count(std::is_pointer_v<T> ? racy::lost_unlink : racy::lost_steal);
  }

  std::atomic<T> value_;
};

static_assert(poolproof::sync_policy<stressed_sync>);

}  // namespace stress

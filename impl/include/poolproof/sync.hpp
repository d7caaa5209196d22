// SPDX-License-Identifier: MIT
// The policy of production: what a pool needs from its surroundings, from the standard library,
// glibc and the kernel. No header that stands on this one names std::atomic, sched_getcpu,
// membarrier, rseq or a clock: they are here and below, in the sections that std_sync has.
//
// Stands on: rseq, sync_policy, version, the standard library and POSIX; on Linux also <sched.h>,
// <time.h> and glibc's <sys/rseq.h>.
#pragma once

#include <poolproof/rseq.hpp>
#include <poolproof/sync_policy.hpp>
#include <poolproof/version.hpp>

#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <functional>
#include <new>
#include <stdexcept>
#include <string>
#include <thread>
#include <type_traits>
#include <version>

#if __has_include(<sys/mman.h>)
#include <sys/mman.h>
#endif

#include <pthread.h>
#include <unistd.h>

#if defined(__linux__)
#include <sched.h>
#include <time.h>
#if defined(POOLPROOF_HAS_RSEQ_AREA)
#include <sys/rseq.h>
#endif
#endif

namespace poolproof {

// How much is done at once. A checker's policy has smaller ones, so that few items go past them.
struct production_limits {
  // The length of a chain's first ring: a power of two.
  static constexpr std::uint32_t first_ring = 8;
  // How many items one hold of a shard takes out for a cycle: bounds how long its users find it
  // busy.
  static constexpr std::uint32_t cycle_batch = 32;
  // How many items a call other than rotate destroys for a cycle, unless much time has passed.
  static constexpr std::size_t call_budget = 32;
  // After a thief has interrupted a CPU for its magazine: how many of that CPU's next puts go where
  // thieves need not.
  static constexpr std::uint32_t exposed_puts = 1000;
  // How many items the private part of a shard without a magazine holds: as many as a magazine
  // whose CPU has not shown to need more.
  static constexpr std::uint32_t private_items = 16;
};

// The policy of production: the standard library, glibc and the kernel.
//
// Default visibility, so that all shared libraries of a process share one registry even where they
// are compiled with -fvisibility=hidden.
struct [[gnu::visibility("default")]] std_sync {
  template <class T>
  using atomic = std::atomic<T>;

  template <class T>
  class var;
  class counter;
  class ticker;
  class mutex;
  using sections = machine_sections;
  using limits = production_limits;

  static std::uint32_t cpu() noexcept;
  static std::uint32_t cpu_count() noexcept;
  static pin_kind pin() noexcept;
  static void* allocate(std::size_t size, std::size_t alignment) noexcept;
  static void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept;
  static void* allocate_zeroed(std::size_t size, std::size_t alignment) noexcept;
  static void deallocate_zeroed(void* memory, std::size_t size, std::size_t alignment) noexcept;
  static constexpr bool zeros_are_objects = true;
  static std::chrono::nanoseconds now() noexcept;
  static void yield() noexcept { std::this_thread::yield(); }
  static constexpr unsigned patience() noexcept { return 16; }
  template <class State>
  static State& process_state() noexcept;
  static void protect_from_fork(mutex & guarded) noexcept;

 private:
  static std::uint32_t rseq_cpu_id() noexcept;
  [[gnu::cold]] static std::uint32_t cpu_without_rseq() noexcept;
  static std::uint32_t thread_hash() noexcept;
  static std::uint32_t count_cpus() noexcept;

  // From here on zeros are asked of the system, page by page; the heap would write them.
  static constexpr std::size_t whole_pages = std::size_t{16} << 10;

  static constexpr std::uint32_t no_cpu = ~std::uint32_t{0};

  // What the system told a thread last, and for how many calls more that will do: a get and a put
  // with two questions take 48 ns, with a question in 32 calls 18. Who moves to another CPU works
  // on its old shard for a few calls.
  struct told_cpu {
    std::uint32_t cpu = no_cpu;
    std::uint32_t calls_left = 0;
  };
  static constexpr std::uint32_t calls_between_questions = 32;
};

// Plain data. It costs what a T costs.
template <class T>
class std_sync::var {
 public:
  constexpr var() noexcept = default;
  constexpr explicit var(T value) noexcept : value_(value) {}

  constexpr T get() const noexcept { return value_; }
  constexpr void set(T value) noexcept { value_ = value; }

 private:
  static_assert(std::is_trivially_copyable_v<T>, "var holds words and pointers");

  T value_{};
};

static_assert(sizeof(std_sync::var<void*>) == sizeof(void*));
static_assert(std::is_trivially_copyable_v<std_sync::var<void*>>);

// A statistic. Relaxed throughout: it orders nothing, and nobody decides on it what must be right.
class std_sync::counter {
 public:
  // Exact under concurrent use.
  void add(std::uint64_t n) noexcept { count_.fetch_add(n, std::memory_order_relaxed); }

  // At least `n` from now on.
  void raise_to(std::uint64_t n) noexcept {
    std::uint64_t seen = value();
    while (seen < n && !count_.compare_exchange_weak(seen, n, std::memory_order_relaxed)) {
    }
  }

  std::uint64_t value() const noexcept { return count_.load(std::memory_order_relaxed); }

 private:
  std::atomic<std::uint64_t> count_{0};
};

// Relaxed as well. For the hit path, hence a load and a store instead of a read-modify-write: two
// callers at once may count as one.
class std_sync::ticker {
 public:
  static constexpr std::uint32_t period = 256;

  // True once in `period` calls, about, each of which counts as pace() ones.
  bool tick() noexcept { return advance(count_, pace()); }

  // True once in `period` calls, about: of these alone, for the others are counted by their rounds.
  bool tick_slowly() noexcept { return advance(slow_, 1); }

  // At least 1, and at most `period`.
  std::uint32_t pace() const noexcept { return 1U + more_.load(std::memory_order_relaxed); }
  void set_pace(std::uint32_t pace) noexcept {
    more_.store(static_cast<std::uint16_t>(pace - 1), std::memory_order_relaxed);
  }

 private:
  template <class Count>
  static bool advance(std::atomic<Count>& counter, std::uint32_t by) noexcept {
    const std::uint32_t count = counter.load(std::memory_order_relaxed) + by;
    counter.store(static_cast<Count>(count), std::memory_order_relaxed);
    return count % period < by;
  }

  std::atomic<std::uint32_t> count_{0};
  std::atomic<std::uint16_t> more_{0};
  std::atomic<std::uint16_t> slow_{0};
};

// POSIX's own: constant-initialised and trivially destructible everywhere, as std::mutex is with
// glibc.
class std_sync::mutex {
 public:
  void lock() noexcept { ::pthread_mutex_lock(&mutex_); }
  void unlock() noexcept { ::pthread_mutex_unlock(&mutex_); }

 private:
  pthread_mutex_t mutex_ = PTHREAD_MUTEX_INITIALIZER;
};

// The CPU that the kernel last wrote into this thread's rseq area, or no_cpu. A thread that glibc
// did not register, or a process with registration turned off, has a negative number there.
inline std::uint32_t std_sync::rseq_cpu_id() noexcept {
#if defined(POOLPROOF_HAS_RSEQ_AREA)
  const auto* area = reinterpret_cast<const volatile struct rseq*>(
      static_cast<const char*>(__builtin_thread_pointer()) + __rseq_offset);
  const std::uint32_t cpu = area->cpu_id;
  return static_cast<std::int32_t>(cpu) < 0 ? no_cpu : cpu;
#else
  return no_cpu;
#endif
}

// Threads spread over indices by their identity: the multiplier is 2^32 over the golden ratio,
// which separates identities that differ in few bits (addresses of thread descriptors do). Kept,
// for two of them took 3 ns of the 20 of a get and a put.
inline std::uint32_t std_sync::thread_hash() noexcept {
  static constinit thread_local std::uint32_t known = no_cpu;
  if (known == no_cpu) {
    const std::uint64_t id = std::hash<std::thread::id>{}(std::this_thread::get_id());
    const auto folded = static_cast<std::uint32_t>(id ^ (id >> 12) ^ (id >> 32));
    known = (folded * 0x9e3779b9u >> 16) % cpu_count();
  }
  return known;
}

inline std::uint32_t std_sync::cpu() noexcept {
  const std::uint32_t cpu = rseq_cpu_id();
  return cpu != no_cpu ? cpu : cpu_without_rseq();
}

inline std::uint32_t std_sync::cpu_without_rseq() noexcept {
#if defined(__linux__)
  static constinit thread_local told_cpu told;
  if (told.calls_left != 0) {
    --told.calls_left;
    return told.cpu;
  }
  if (const int cpu = ::sched_getcpu(); cpu >= 0) {
    told = {static_cast<std::uint32_t>(cpu), calls_between_questions - 1};
    return told.cpu;
  }
#endif
  return thread_hash();
}

inline pin_kind std_sync::pin() noexcept {
  if (sections::runs()) return pin_kind::rseq;
  if (rseq_cpu_id() != no_cpu) return pin_kind::rseq_cpu_id;
#if defined(__linux__)
  if (::sched_getcpu() >= 0) return pin_kind::sched_getcpu;
#endif
  return pin_kind::thread_hash;
}

// Asked once: the system's answer costs a file. Not a static of this function, whose guard would
// make a thread wait for another's first call, and a forked child for ever.
inline std::uint32_t std_sync::cpu_count() noexcept {
  static constinit std::atomic<std::uint32_t> known{0};
  std::uint32_t count = known.load(std::memory_order_relaxed);
  if (count == 0) {
    count = count_cpus();
    known.store(count, std::memory_order_relaxed);
  }
  return count;
}

// Configured rather than online CPUs, where the system says: one that comes later has its shard.
inline std::uint32_t std_sync::count_cpus() noexcept {
#if defined(_SC_NPROCESSORS_CONF)
  if (const long configured = ::sysconf(_SC_NPROCESSORS_CONF); configured > 0) {
    return static_cast<std::uint32_t>(configured);
  }
#endif
  const unsigned online = std::thread::hardware_concurrency();
  return online == 0 ? 1 : online;
}

inline void* std_sync::allocate(std::size_t size, std::size_t alignment) noexcept {
  return ::operator new (size, std::align_val_t{alignment}, std::nothrow);
}

inline void std_sync::deallocate(void* memory, std::size_t, std::size_t alignment) noexcept {
  ::operator delete (memory, std::align_val_t{alignment});
}

#if defined(__linux__)
// LeakSanitizer's, in a program that has it. What is not of the heap it searches for pointers only
// if it is told.
// NOLINTBEGIN(bugprone-reserved-identifier,readability-identifier-naming)
extern "C" {
[[gnu::weak]] void __lsan_register_root_region(const void* begin, std::size_t size);
[[gnu::weak]] void __lsan_unregister_root_region(const void* begin, std::size_t size);
}
// NOLINTEND(bugprone-reserved-identifier,readability-identifier-naming)
#endif

// Pages that nobody has written take no memory, unless they are huge.
inline void* std_sync::allocate_zeroed(std::size_t size, std::size_t alignment) noexcept {
#if defined(MAP_ANONYMOUS)
  if (size >= whole_pages) {
    void* const pages =
        ::mmap(nullptr, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (pages == MAP_FAILED) return nullptr;
#if defined(MADV_NOHUGEPAGE)
    ::madvise(pages, size, MADV_NOHUGEPAGE);
#endif
#if defined(__linux__)
    if (__lsan_register_root_region != nullptr) __lsan_register_root_region(pages, size);
#endif
    return pages;
  }
#endif
  void* const memory = allocate(size, alignment);
  return memory == nullptr ? nullptr : std::memset(memory, 0, size);
}

inline void std_sync::deallocate_zeroed(void* memory, std::size_t size,
                                        std::size_t alignment) noexcept {
#if defined(MAP_ANONYMOUS)
  if (size >= whole_pages) {
#if defined(__linux__)
    if (__lsan_unregister_root_region != nullptr) __lsan_unregister_root_region(memory, size);
#endif
    ::munmap(memory, size);
    return;
  }
#endif
  deallocate(memory, size, alignment);
}

inline std::chrono::nanoseconds std_sync::now() noexcept {
#if defined(__linux__)
  // The tick's own time stamp: a few milliseconds coarse, and no read of a hardware counter.
  timespec time{};
  ::clock_gettime(CLOCK_MONOTONIC_COARSE, &time);
  return std::chrono::seconds(time.tv_sec) + std::chrono::nanoseconds(time.tv_nsec);
#else
  return std::chrono::steady_clock::now().time_since_epoch();
#endif
}

// Constant-initialised and never destroyed: usable before main and after static destructors.
template <class State>
[[gnu::visibility("default")]] State& std_sync::process_state() noexcept {
  static_assert(std::is_trivially_destructible_v<State>, "it must outlive every static pool");
  static constinit State state;
  return state;
}

// What a fork locks and unlocks. One of a process, or of each part of it that has a registry.
struct [[gnu::visibility("default")]] fork_guard {
  static inline constinit std::atomic<std_sync::mutex*> known{nullptr};
  static inline constinit thread_local unsigned entered = 0;

  static void enter() noexcept {
    if (entered++ == 0) known.load(std::memory_order_acquire)->lock();
  }
  static void leave() noexcept {
    if (entered != 0 && --entered == 0) known.load(std::memory_order_acquire)->unlock();
  }
};

// Whether this library has registered: dlclose takes away the handlers of a library, whoever else
// counts on them.
[[gnu::visibility("hidden")]] inline std::atomic<bool>& has_fork_handlers() noexcept {
  static constinit std::atomic<bool> registered{false};
  return registered;
}

// There is one registry, hence one mutex. Nobody goes on to lock it before handlers are registered:
// threads that come at once each register a pair, rather than wait for the first, as each library
// does, and of the pairs that run in a fork only the outermost locks and unlocks. A fork that is
// already under way when the process uses its first pool has run its handlers, and is not
// protected. If memory for a pair is refused, the next call tries again.
inline void std_sync::protect_from_fork(mutex& guarded) noexcept {
  if (has_fork_handlers().load(std::memory_order_acquire)) return;
  fork_guard::known.store(&guarded, std::memory_order_release);
  const bool registered =
      pthread_atfork(&fork_guard::enter, &fork_guard::leave, &fork_guard::leave) == 0;
  has_fork_handlers().store(registered, std::memory_order_release);
}

// Reports a bad argument: throws std::invalid_argument, or prints and aborts without exceptions.
[[noreturn]] inline void reject_argument(const char* message) {
#if defined(__cpp_exceptions)
  throw std::invalid_argument(message);
#else
  std::fprintf(stderr, "poolproof: %s\n", message);
  std::abort();
#endif
}

static_assert(sync_policy<std_sync>);

}  // namespace poolproof

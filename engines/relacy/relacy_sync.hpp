// SPDX-License-Identifier: MIT
// The sync_policy of the models on Relacy: the pool's headers, unchanged, on Relacy's atomics,
// plain data, memory and scheduler, and on a machine that the model describes.
//
// What it adds to Relacy:
//   - Construction and destruction of every atomic and var are writes to it, and every operation is
//     a read. Relacy runs each execution in program order, so that memory which is given back too
//     early is, as a rule, given back after its last reader: only the missing order tells. A reader
//     that is not ordered before the destruction, or after the construction, is a race.
//   - An atomic is initialised without a scheduling point: nobody can see it yet.
//   - Blocks of every alignment are tracked: a leak or a second free of a shard is found.
//   - A compare-and-swap takes every pair of orders that C++20 allows. Relacy refuses a failure
//     order that is stronger than the order of success.
//   - The orders, and what an operation does, can be changed site by site: see sites.hpp.
//
// Include the production headers first: Relacy's own headers are not gentle to what follows them.
//
// Stands on: machine, process_states, sites, <poolproof/sync.hpp>, Relacy.
#pragma once

#include <poolproof/sync.hpp>

#include "../machine.hpp"
#include "../process_states.hpp"
#include "../sites.hpp"

#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <new>
#include <ostream>
#include <type_traits>

// Relacy's random scheduler asks for `rand() % n`. The generator that comes with it is a linear
// congruential one whose low bits hardly change: two threads get a few hundred schedules, however
// many iterations are run. Its include guard keeps it out, and this takes its place.
#include <relacy/base.hpp>
#define RL_RANDOM_HPP
namespace rl {

struct random_generator {
  // Mixed into the seed of every iteration: another seed is another series of schedules.
  inline static std::uint64_t run_seed = 1;

  void seed(iteration_t iteration) noexcept { state_ = mix(run_seed) ^ mix(~iteration); }

  unsigned rand() noexcept {
    state_ += 0x9e3779b97f4a7c15;
    return static_cast<unsigned>(mix(state_) >> 32);
  }

  template <class T, T limit>
  T get() noexcept {
    return static_cast<T>(rand() % limit);
  }

 private:
  // The output function of splitmix64.
  static constexpr std::uint64_t mix(std::uint64_t word) noexcept {
    word = (word ^ (word >> 30)) * 0xbf58476d1ce4e5b9;
    word = (word ^ (word >> 27)) * 0x94d049bb133111eb;
    return word ^ (word >> 31);
  }

  std::uint64_t state_ = 0;
};

}  // namespace rl

// Not relacy.hpp: it turns new, delete, malloc and assert into macros. Of the macros that remain,
// `$` is the one that can collide.
#include <relacy/atomic.hpp>
#include <relacy/atomic_fence.hpp>
#include <relacy/backoff.hpp>
#include <relacy/context.hpp>
#include <relacy/context_base_impl.hpp>
#include <relacy/stdlib/condition_variable.hpp>
#include <relacy/stdlib/event.hpp>
#include <relacy/stdlib/mutex.hpp>
#include <relacy/stdlib/semaphore.hpp>
#include <relacy/test_suite.hpp>
#include <relacy/thread_local.hpp>
#include <relacy/var.hpp>
#if defined(__clang__)
#pragma clang diagnostic push
#pragma clang diagnostic ignored "-Wdollar-in-identifier-extension"
#endif
#undef $
#if defined(__clang__)
#pragma clang diagnostic pop
#endif

namespace poolproof::models {

// The part of an execution that is running. Before and after the threads only one thread exists.
enum class stage : std::uint8_t { outside, before, threads, after };

inline stage current_stage = stage::outside;

inline bool in_threads() noexcept { return current_stage == stage::threads; }

inline unsigned current_thread() noexcept { return rl::thread_index(); }

inline std::uint32_t choose(std::uint32_t limit) { return rl::rand(limit); }

// The clock's only hand: each thread sees it where it stands at that point of the interleaving.
inline std::chrono::nanoseconds clock_reading{0};

// The last operation that each thread began: where a crash of the modelled code is reported.
inline std::array<rl::debug_info, max_threads> last_operations;

inline rl::debug_info& last_operation() noexcept { return last_operations[rl::thread_index()]; }

// Whether the model lets Relacy choose the fate of the block that is being given back.
inline bool choosing_reuse = false;

inline rl::debug_info info_of(const call_site& from, const site& called) noexcept {
  return {from.function, called.file_name, called.line};
}

// Where no site is counted, the lookup is for the history only: it shows files by their short
// names.
inline rl::debug_info info_of(const call_site& from) noexcept {
  if (rl::ctx().collecting_history()) return info_of(from, all_sites.find(from));
  return {from.function, from.file, from.line};
}

// The place of an operation that is about to be done, noted as the thread's last. The reference
// stays good while other threads run: the thread's next operation overwrites it.
inline const rl::debug_info& begin_operation(const call_site& from, const site& called) noexcept {
  return last_operation() = info_of(from, called);
}

inline const rl::debug_info& begin_operation(const call_site& from) noexcept {
  return last_operation() = info_of(from);
}

constexpr rl::memory_order relacy_order(std::memory_order order) noexcept {
  switch (order) {
    case std::memory_order_relaxed:
      return rl::mo_relaxed;
    case std::memory_order_consume:
      return rl::mo_consume;
    case std::memory_order_acquire:
      return rl::mo_acquire;
    case std::memory_order_release:
      return rl::mo_release;
    case std::memory_order_acq_rel:
      return rl::mo_acq_rel;
    case std::memory_order_seq_cst:
      break;
  }
  return rl::mo_seq_cst;
}

// A line of Relacy's histories for what its own events do not cover.
template <class Value>
struct data_event {
  const void* address;
  const char* what;
  Value value;

  void output(std::ostream& out) const {
    out << "<" << std::hex << address << std::dec << "> " << what;
    if constexpr (std::is_pointer_v<Value>) {
      out << ", value=" << static_cast<const void*>(value);
    } else if constexpr (std::is_integral_v<Value>) {
      out << ", value=" << +value;
    }
  }
};

template <class Value>
void log_event(const void* address, const char* what, Value value, const rl::debug_info& info) {
  rl::context& context = rl::ctx();
  if (context.collecting_history()) {
    context.exec_log(info, data_event<Value>{address, what, value});
  }
}

// The life of an object that threads share, as a plain variable that its construction writes, every
// use reads, and its destruction writes.
//
// Relacy's own rl::var says the same. This is what every operation of every atomic goes through, so
// it is kept short: since no write may be unordered to the one before, the last one stands for all.
class lifetime {
 public:
  lifetime() noexcept : writer_(self().index_), written_(advance()) {}
  lifetime(const lifetime&) = delete;
  lifetime& operator=(const lifetime&) = delete;

  // A use. The last write comes before.
  void use(const char* otherwise, const rl::debug_info& info) const {
    signature_.check(info);
    if (!is_after_write()) race(otherwise, info);
    used_[static_cast<unsigned>(self().index_)] = advance();
  }

  // A write: a use that excludes all others.
  void use_exclusively(const char* otherwise, const rl::debug_info& info) {
    signature_.check(info);
    if (!is_after_write() || !is_after_uses()) race(otherwise, info);
    writer_ = self().index_;
    written_ = advance();
  }

  // The end: every use comes before.
  void end(const rl::debug_info& info) {
    use_exclusively("destroyed while another thread may still use it", info);
  }

 private:
  // A thread's clock counts its own steps; what it knows of the others' clocks has happened before.
  using clock = std::uint32_t;

  static rl::thread_info_base& self() noexcept { return *rl::ctx().threadx_; }

  static clock advance() noexcept { return static_cast<clock>(++self().own_acq_rel_order_); }

  static bool knows(rl::thread_id_t thread, clock time) noexcept {
    return time == 0 || self().acq_rel_order_[thread] >= time;
  }

  bool is_after_write() const noexcept { return knows(writer_, written_); }

  bool is_after_uses() const noexcept {
    for (unsigned i = 0; i != max_threads; ++i) {
      if (!knows(static_cast<rl::thread_id_t>(i), used_[i])) return false;
    }
    return true;
  }

  static void race(const char* what, const rl::debug_info& info) {
    rl::ctx().fail_test(what, rl::test_result_data_race, info);
  }

  rl::thread_id_t writer_;
  clock written_;
  mutable std::array<clock, max_threads> used_{};
  // Its destructor leaves a mark in the dead object, by which a late use is known. g++ drops such a
  // store to an object that is about to die, unless it is told not to: -fno-lifetime-dse.
  rl::signature<0x11fe711e> signature_;
};

// See the head of this file.
struct relacy_sync {
  template <class T>
  class atomic;
  template <class T>
  class var;
  class mutex;
  using counter = model_counter;
  using ticker = model_ticker;
  using sections = no_sections;
  using limits = model_limits;

  static std::uint32_t cpu() noexcept { return current_cpu(); }
  static std::uint32_t cpu_count() noexcept { return this_machine.cpu_count; }
  static pin_kind pin() noexcept { return pin_kind::model; }
  static void* allocate(std::size_t size, std::size_t alignment,
                        call_site from = call_site::here()) noexcept;
  static void deallocate(void* memory, std::size_t size, std::size_t alignment,
                         call_site from = call_site::here()) noexcept;
  static void* allocate_zeroed(std::size_t size, std::size_t alignment,
                               call_site from = call_site::here()) noexcept {
    return allocate(size, alignment, from);
  }
  static void deallocate_zeroed(void* memory, std::size_t size, std::size_t alignment,
                                call_site from = call_site::here()) noexcept {
    deallocate(memory, size, alignment, from);
  }
  // Their constructors tell the engine of them.
  static constexpr bool zeros_are_objects = false;
  static std::chrono::nanoseconds now() noexcept { return clock_reading; }
  static void yield(call_site from = call_site::here()) noexcept { rl::yield(1, info_of(from)); }
  static unsigned patience() noexcept { return this_machine.patience; }
  template <class State>
  static State& process_state() noexcept {
    return process_states::get<State>();
  }
  static void protect_from_fork(mutex&) noexcept {}
};

template <class T>
class relacy_sync::atomic {
  static_assert(std::is_pointer_v<T> || std::is_same_v<T, bool> ||
                    (std::is_unsigned_v<T> && sizeof(T) >= sizeof(unsigned)),
                "Relacy prints the values: pointers, bool and unsigned integers");

 public:
  static constexpr bool is_always_lock_free = true;

  atomic(T value = T{}, call_site from = call_site::here()) noexcept {
    rl::context& context = rl::ctx();
    context.disable_preemption();
    value_.store(value, rl::mo_relaxed, info_of(from));
    context.enable_preemption();
  }
  ~atomic() { life_.end(last_operation()); }
  atomic(const atomic&) = delete;
  atomic& operator=(const atomic&) = delete;

  T load(std::memory_order order, call_site from = call_site::here()) const noexcept {
    const operation begun(*this, order, from);
    return value_.load(begun.order, begun.info);
  }

  void store(T value, std::memory_order order, call_site from = call_site::here()) noexcept {
    const operation begun(*this, order, from);
    if (begun.mutant == mutation::skip_store) return;
    value_.store(value, begun.order, begun.info);
  }

  T exchange(T value, std::memory_order order, call_site from = call_site::here()) noexcept {
    const operation begun(*this, order, from);
    const T displaced = value_.exchange(value, begun.order, begun.info);
    return begun.mutant == mutation::exchange_returns_zero ? T{} : displaced;
  }

  T fetch_add(T value, std::memory_order order, call_site from = call_site::here()) noexcept
      requires(!std::is_pointer_v<T>) {
    const operation begun(*this, order, from);
    return value_.fetch_add(value, begun.order, begun.info);
  }

  T fetch_sub(T value, std::memory_order order, call_site from = call_site::here()) noexcept
      requires(!std::is_pointer_v<T>) {
    const operation begun(*this, order, from);
    return value_.fetch_sub(value, begun.order, begun.info);
  }

  T fetch_or(T value, std::memory_order order, call_site from = call_site::here()) noexcept
      requires(std::is_integral_v<T>) {
    const operation begun(*this, order, from);
    return value_.fetch_or(value, begun.order, begun.info);
  }

  bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                             std::memory_order failure,
                             call_site from = call_site::here()) noexcept {
    return compare_exchange<true>(expected, desired, success, failure, from);
  }

  bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                               std::memory_order failure,
                               call_site from = call_site::here()) noexcept {
    return compare_exchange<false>(expected, desired, success, failure, from);
  }

 private:
  // What is common to all operations: the object lives, the site is counted, the order is settled.
  struct operation {
    operation(const atomic& object, std::memory_order written, const call_site& from)
        : called(all_sites.find(from)),
          info(begin_operation(from, called)),
          order(relacy_order(called.order(site_part::op, written))),
          mutant(called.mutant) {
      called.count(site_part::op, in_threads());
      object.life_.use("used by a thread that has not seen its construction", info);
    }

    site& called;
    const rl::debug_info& info;
    rl::memory_order order;
    mutation mutant;
  };

  template <bool MayFailSpuriously>
  bool compare_exchange(T& expected, T desired, std::memory_order success,
                        std::memory_order failure, const call_site& from) noexcept {
    const operation begun(*this, success, from);
    if (begun.mutant == mutation::cas_blind) {
      value_.exchange(desired, begun.order, begun.info);
      return true;
    }
    const rl::memory_order failure_order =
        relacy_order(begun.called.order(site_part::fail, failure));
    const bool done = relacy_allows(begun.order, failure_order)
                          ? value_.compare_exchange(rl::bool_t<MayFailSpuriously>(), expected,
                                                    desired, begun.order, failure_order, begun.info)
                          : compare_exchange_apart<MayFailSpuriously>(
                                expected, desired, begun.order, failure_order, begun.info);
    if (!done) begun.called.count(site_part::fail, in_threads());
    return done;
  }

  // With orders that Relacy does not combine: the scheduling point first, then with no other in
  // between a swap that will succeed, or one that will fail. A spurious failure is relaxed here,
  // weaker than the source says.
  template <bool MayFailSpuriously>
  bool compare_exchange_apart(T& expected, T desired, rl::memory_order success,
                              rl::memory_order failure, const rl::debug_info& info) noexcept {
    rl::context& context = rl::ctx();
    context.sched();
    context.disable_preemption();
    const bool will_fail = value_.debug_value() != expected;
    const bool done = will_fail ? value_.compare_exchange(rl::bool_t<false>(), expected, desired,
                                                          failure, failure, info)
                                : value_.compare_exchange(rl::bool_t<MayFailSpuriously>(), expected,
                                                          desired, success, rl::mo_relaxed, info);
    context.enable_preemption();
    return done;
  }

  static constexpr bool relacy_allows(rl::memory_order success, rl::memory_order failure) noexcept {
    switch (failure) {
      case rl::mo_relaxed:
        return true;
      case rl::mo_seq_cst:
        return success == rl::mo_seq_cst;
      default:
        return success == rl::mo_acquire || success == rl::mo_acq_rel || success == rl::mo_seq_cst;
    }
  }

  rl::atomic<T> value_;
  lifetime life_;
};

// A change while another thread may look, and a look while another may change, are races.
template <class T>
class relacy_sync::var {
 public:
  explicit var(T value = T{}) noexcept : value_(value) {}
  ~var() { life_.end(last_operation()); }
  var(const var&) = delete;
  var& operator=(const var&) = delete;

  T get(call_site from = call_site::here()) const noexcept {
    const rl::debug_info& info = begin_operation(from);
    life_.use("read while another thread may write it", info);
    log_event(this, "load", value_, info);
    return value_;
  }

  void set(T value, call_site from = call_site::here()) noexcept {
    const rl::debug_info& info = begin_operation(from);
    life_.use_exclusively("written while another thread may use it", info);
    value_ = value;
    log_event(this, "store", value_, info);
  }

 private:
  static_assert(std::is_trivially_copyable_v<T>, "var holds words and pointers");

  T value_;
  lifetime life_;
};

class relacy_sync::mutex {
 public:
  void lock(call_site from = call_site::here()) noexcept { mutex_.lock(info_of(from)); }
  void unlock(call_site from = call_site::here()) noexcept { mutex_.unlock(info_of(from)); }

 private:
  rl::mutex mutex_;
};

// A block begins with the address that Relacy knows it by, in front of the aligned part.
class aligned_block {
 public:
  // The bytes to ask for, so that both fit.
  static constexpr std::size_t padded(std::size_t size, std::size_t alignment) noexcept {
    return size + sizeof(void*) + alignment;
  }

  static void* place(void* memory, std::size_t alignment) noexcept {
    const auto first = reinterpret_cast<std::uintptr_t>(memory) + sizeof(void*);
    auto* const aligned = static_cast<char*>(memory) + sizeof(void*) + (-first & (alignment - 1));
    std::memcpy(aligned - sizeof(void*), &memory, sizeof(void*));
    return aligned;
  }

  // The address before place(). Good for a block that is already free, too: Relacy keeps its
  // memory.
  static void* original(const void* aligned) noexcept {
    void* memory = nullptr;
    std::memcpy(&memory, static_cast<const char*>(aligned) - sizeof(void*), sizeof(void*));
    return memory;
  }
};

inline void* relacy_sync::allocate(std::size_t size, std::size_t alignment,
                                   call_site from) noexcept {
  if (refuses_allocation()) return nullptr;
  void* const memory =
      rl::ctx().alloc(aligned_block::padded(size, alignment), false, info_of(from));
  void* const block = aligned_block::place(memory, alignment);
  // Not zero: what is used before it is constructed shall not look fit for use.
  std::memset(block, 0xa5, size);
  return block;
}

inline void relacy_sync::deallocate(void* memory, std::size_t size, std::size_t,
                                    call_site from) noexcept {
  if (memory == nullptr) return;
  const rl::debug_info info = info_of(from);
  choosing_reuse = this_machine.reuse_memory;
  rl::ctx().free(aligned_block::original(memory), false, info);
  choosing_reuse = false;
  // Whoever follows a pointer into the block finds null pointers, which Relacy reports.
  std::memset(memory, 0, size);
}

static_assert(sync_policy<relacy_sync>);

}  // namespace poolproof::models

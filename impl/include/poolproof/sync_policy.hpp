// SPDX-License-Identifier: MIT
// The seam between the pool and the machine: what a pool needs from its surroundings, as one
// policy.
//
// Every header of the library is a template over a `sync_policy`. Production uses `std_sync`
// (sync.hpp). A checker supplies its own policy, and the same headers then run on its atomics, its
// memory and its clock.
//
// Stands on: the standard library.
#pragma once

#include <atomic>
#include <chrono>
#include <concepts>
#include <cstddef>
#include <cstdint>

namespace poolproof {

// How a thread finds the shard that it uses first. Every answer is a hint: the pool is correct
// whatever index it gets, and only its speed depends on it.
enum class pin_kind : std::uint8_t {
  rseq,          // restartable sections on the CPU's magazine; the index as below
  rseq_cpu_id,   // the kernel keeps the CPU number in glibc's rseq area: one load
  sched_getcpu,  // a vDSO call
  thread_hash,   // no CPU number to be had: a hash of the thread
  model,         // a checker's policy chooses
};

// The requirements on a policy S. All members are static or types; all functions are noexcept.
//
//   S::atomic<T>          the operations of std::atomic<T> that the headers use, each with explicit
//                         std::memory_order arguments: load, store, exchange, fetch_add, fetch_sub,
//                         fetch_or, compare_exchange_weak and _strong with two orders.
//   S::var<T>             plain data: get() and set(). A checker reports unordered accesses to it,
//                         and counts its destruction as a write.
//   S::counter            a statistic that no control flow reads for correctness: add(n), value(),
//                         and raise_to(n), which makes it n if it is less.
//   S::ticker             tick() is true about once in `period` calls, a power of two, at most 256,
//                         or more often after set_pace; tick_slowly() is not.
//   S::mutex              lock() and unlock(); only the process-wide registry has one.
//   S::sections           the sections of section.hpp, or no_sections.
//   S::limits             how much is done at once: see production_limits.
//   S::cpu()              the index of the caller's CPU, a hint of any value.
//   S::cpu_count()        how many CPUs to expect, at least 1.
//   S::pin()              which pin_kind cpu() answers by.
//   S::allocate(n, a)     n bytes aligned to a, or null.
//   S::deallocate(p,n,a)  gives them back.
//   S::allocate_zeroed(n, a), S::deallocate_zeroed(p, n, a)
//                         the same for zeros, of which what is not touched costs no memory.
//   S::zeros_are_objects  whether atomics and counters of value zero need no constructor there.
//   S::now()              a monotonic clock that is cheap and may be coarse.
//   S::yield()            lets another thread run.
//   S::patience()         how often a cycle tries to own a shard, yielding in between, before it
//                         leaves the shard to whoever comes next; at least 1.
//   S::process_state<R>() the one R of this process (of this execution, in a checker).
//   S::protect_from_fork(m) makes fork() leave mutex m free in the child.
template <class S>
concept sync_policy = requires(typename S::template atomic<std::uint64_t>& atomic,
                               const typename S::template atomic<std::uint64_t>& const_atomic,
                               typename S::template var<std::uint64_t>& var,
                               typename S::counter& counter, typename S::ticker& ticker,
                               typename S::mutex& mutex, std::uint64_t& word, std::size_t size,
                               void* memory) {
  { const_atomic.load(std::memory_order_acquire) } -> std::convertible_to<std::uint64_t>;
  atomic.store(word, std::memory_order_release);
  { atomic.exchange(word, std::memory_order_acq_rel) } -> std::convertible_to<std::uint64_t>;
  { atomic.fetch_add(word, std::memory_order_relaxed) } -> std::convertible_to<std::uint64_t>;
  { atomic.fetch_sub(word, std::memory_order_relaxed) } -> std::convertible_to<std::uint64_t>;
  { atomic.fetch_or(word, std::memory_order_relaxed) } -> std::convertible_to<std::uint64_t>;
  {
    atomic.compare_exchange_weak(word, word, std::memory_order_acq_rel, std::memory_order_relaxed)
    } -> std::convertible_to<bool>;
  {
    atomic.compare_exchange_strong(word, word, std::memory_order_acq_rel, std::memory_order_relaxed)
    } -> std::convertible_to<bool>;
  { var.get() } -> std::convertible_to<std::uint64_t>;
  var.set(word);
  counter.add(word);
  counter.raise_to(word);
  { counter.value() } -> std::convertible_to<std::uint64_t>;
  { ticker.tick() } -> std::convertible_to<bool>;
  { ticker.tick_slowly() } -> std::convertible_to<bool>;
  { ticker.pace() } -> std::convertible_to<std::uint32_t>;
  ticker.set_pace(std::uint32_t{1});
  mutex.lock();
  mutex.unlock();
  { S::sections::compiled } -> std::convertible_to<bool>;
  { S::limits::first_ring } -> std::convertible_to<std::uint32_t>;
  { S::limits::cycle_batch } -> std::convertible_to<std::uint32_t>;
  { S::limits::call_budget } -> std::convertible_to<std::size_t>;
  { S::limits::exposed_puts } -> std::convertible_to<std::uint32_t>;
  { S::limits::private_items } -> std::convertible_to<std::uint32_t>;
  { S::ticker::period } -> std::convertible_to<std::uint32_t>;
  { S::cpu() }
  noexcept->std::same_as<std::uint32_t>;
  { S::cpu_count() }
  noexcept->std::same_as<std::uint32_t>;
  { S::pin() }
  noexcept->std::same_as<pin_kind>;
  { S::allocate(size, size) }
  noexcept->std::same_as<void*>;
  { S::deallocate(memory, size, size) }
  noexcept;
  { S::allocate_zeroed(size, size) }
  noexcept->std::same_as<void*>;
  { S::deallocate_zeroed(memory, size, size) }
  noexcept;
  { S::zeros_are_objects } -> std::convertible_to<bool>;
  { S::now() }
  noexcept->std::same_as<std::chrono::nanoseconds>;
  { S::yield() }
  noexcept;
  { S::patience() }
  noexcept->std::same_as<unsigned>;
  { S::protect_from_fork(mutex) }
  noexcept;
};

}  // namespace poolproof

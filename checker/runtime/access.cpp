// SPDX-License-Identifier: MIT
// What the compiler calls for each access of memory: the functions of ThreadSanitizer's interface.
#include "runtime.hpp"

#include <cstddef>
#include <cstdint>
#include <cstring>

namespace checker::runtime {

namespace {

constexpr order order_of(int o) noexcept {
  // The upper bits are hints for the processor.
  switch (o & 0xff) {
    case 0:
      return order::relaxed;
    case 1:
    case 2:
      return order::acquire;
    case 3:
      return order::release;
    case 4:
      return order::acq_rel;
    default:
      return order::seq_cst;
  }
}

// The poll of a loop in the C++ library that goes on without what it polls for: the word, and what
// it read. It is answered once, and the same until the loop has ended.
struct poll {
  address at = 0;
  address code = 0;
  std::uint64_t value = 0;
  std::uint32_t position = 0;  // of the one that was answered
  unsigned times = 0;          // in a row
  bool going_on = false;
};
constexpr unsigned most_turns = 64;
poll polls[most_threads];

std::uint64_t load(address at, unsigned size, int o, address code, const standing& from) {
  if (!active) return atomic_load(at, size, order_of(o), code);
  if (is_waiter_count(at)) return 1;
  if (!concurrent) return atomic_load(at, size, order_of(o), code);
  poll& last = polls[known().thread];
  const bool again = last.at == at && last.code == code;
  // Who goes round and round here, and goes on by chance, looks again.
  if (again && last.going_on && !arrive(from, last.position, {at})) return last.value;
  const std::uint32_t position = known().position;
  if (!again || !last.going_on) arrive(from, position, {at});
  const std::uint64_t value = atomic_load(at, size, order_of(o), code);
  poll& now = polls[known().thread];
  const unsigned times = again && now.at == at && now.value == value ? now.times + 1 : 1;
  if (times == most_turns) {
    engine::give_up_thread(engine::surrender::excluded,
                           error_text("a loop has read the same %u times, and changed something of "
                                      "its own each time",
                                      most_turns));
  }
  if (times == most_turns / 2) engine::give_way();
  now = {at, code, value, position, times, false};
  return value;
}

std::uint64_t update(address at, unsigned size, update_kind kind, std::uint64_t operand, int o,
                     address code, const standing& from) {
  if (active) {
    if (is_waiter_count(at)) return 0;
    if (concurrent) {
      arrive(from, known().position, {at, operand});
      polls[known().thread] = {};
    }
  }
  return atomic_update(at, size, kind, operand & (~std::uint64_t{0} >> (64 - 8 * size)),
                       order_of(o), code);
}

bool compare(address at, unsigned size, std::uint64_t& expected, std::uint64_t desired, int success,
             int failure, bool weak, address code, const standing& from) {
  if (active && concurrent) {
    arrive(from, known().position, {at, desired, expected});
    polls[known().thread] = {};
  }
  return atomic_compare(at, size, expected, desired, {order_of(success), order_of(failure), weak},
                        code);
}

// The same, of a value in memory: it is read, and written if it is not what was expected. The
// compiler leaves both to the call.
bool compare_in_memory(address at, unsigned size, void* expected, std::uint64_t desired,
                       int success, int failure, bool weak, address code, const standing& from) {
  read_range(address_of(expected), size, code);
  std::uint64_t old = 0;
  std::memcpy(&old, expected, size);
  if (compare(at, size, old, desired, success, failure, weak, code, from)) return true;
  write_range(address_of(expected), size, code);
  std::memcpy(expected, &old, size);
  return false;
}

}  // namespace

void reset_waiting() {
  for (poll& each : polls) each = {};
}

void end_poll(unsigned thread) noexcept { polls[thread] = {}; }

// The C++ library polls a few times before it waits; it is about to do so once more.
void poll_again() {
  if (active && concurrent) polls[known().thread].going_on = polls[known().thread].at != 0;
}

extern "C" {
[[gnu::visibility("hidden"), gnu::used]] constinit standing checker_standing{};
}

}  // namespace checker::runtime

using namespace checker::runtime;
using checker::order;
using checker::update_kind;

CHECKER_EXPORT void __tsan_init() {}
CHECKER_EXPORT void __tsan_func_entry(void* returns_to) {
  note_frame(__builtin_frame_address(0), __builtin_return_address(0), returns_to);
}
CHECKER_EXPORT void __tsan_func_exit() {}
CHECKER_EXPORT void __tsan_ignore_thread_begin() {}
CHECKER_EXPORT void __tsan_ignore_thread_end() {}

// What programs tell ThreadSanitizer of their orders, since it does not know fences, or of races
// that they believe to be harmless: here the orders are known, and there are no such races.
#define CHECKER_NOT_HEARD(name) \
  CHECKER_EXPORT void name() {}
CHECKER_NOT_HEARD(AnnotateHappensBefore)
CHECKER_NOT_HEARD(AnnotateHappensAfter)
CHECKER_NOT_HEARD(AnnotateIgnoreReadsBegin)
CHECKER_NOT_HEARD(AnnotateIgnoreReadsEnd)
CHECKER_NOT_HEARD(AnnotateIgnoreWritesBegin)
CHECKER_NOT_HEARD(AnnotateIgnoreWritesEnd)
CHECKER_NOT_HEARD(AnnotateIgnoreSyncBegin)
CHECKER_NOT_HEARD(AnnotateIgnoreSyncEnd)
CHECKER_NOT_HEARD(AnnotateBenignRace)
CHECKER_NOT_HEARD(AnnotateBenignRaceSized)
CHECKER_NOT_HEARD(AnnotateNewMemory)
CHECKER_NOT_HEARD(AnnotateThreadName)
CHECKER_NOT_HEARD(AnnotateRWLockCreate)
CHECKER_NOT_HEARD(AnnotateRWLockCreateStatic)
CHECKER_NOT_HEARD(AnnotateRWLockDestroy)
CHECKER_NOT_HEARD(AnnotateRWLockAcquired)
CHECKER_NOT_HEARD(AnnotateRWLockReleased)
CHECKER_NOT_HEARD(__tsan_acquire)
CHECKER_NOT_HEARD(__tsan_release)
CHECKER_NOT_HEARD(__tsan_mutex_create)
CHECKER_NOT_HEARD(__tsan_mutex_destroy)
CHECKER_NOT_HEARD(__tsan_mutex_pre_lock)
CHECKER_NOT_HEARD(__tsan_mutex_post_lock)
CHECKER_NOT_HEARD(__tsan_mutex_pre_unlock)
CHECKER_NOT_HEARD(__tsan_mutex_post_unlock)
CHECKER_NOT_HEARD(__tsan_mutex_pre_signal)
CHECKER_NOT_HEARD(__tsan_mutex_post_signal)
CHECKER_NOT_HEARD(__tsan_mutex_pre_divert)
CHECKER_NOT_HEARD(__tsan_mutex_post_divert)

#define CHECKER_ACCESSES(size)                                          \
  CHECKER_EXPORT void __tsan_read##size(void* at) {                     \
    read_range(address_of(at), size, CHECKER_CALLER);                   \
  }                                                                     \
  CHECKER_EXPORT void __tsan_write##size(void* at) {                    \
    write_range(address_of(at), size, CHECKER_CALLER);                  \
  }                                                                     \
  CHECKER_EXPORT void __tsan_unaligned_read##size(void* at) {           \
    read_range(address_of(at), size, CHECKER_CALLER);                   \
  }                                                                     \
  CHECKER_EXPORT void __tsan_unaligned_write##size(void* at) {          \
    write_range(address_of(at), size, CHECKER_CALLER);                  \
  }                                                                     \
  CHECKER_EXPORT void __tsan_volatile_read##size(void* at) {            \
    read_range(address_of(at), size, CHECKER_CALLER);                   \
  }                                                                     \
  CHECKER_EXPORT void __tsan_volatile_write##size(void* at) {           \
    write_range(address_of(at), size, CHECKER_CALLER);                  \
  }                                                                     \
  CHECKER_EXPORT void __tsan_unaligned_volatile_read##size(void* at) {  \
    read_range(address_of(at), size, CHECKER_CALLER);                   \
  }                                                                     \
  CHECKER_EXPORT void __tsan_unaligned_volatile_write##size(void* at) { \
    write_range(address_of(at), size, CHECKER_CALLER);                  \
  }                                                                     \
  CHECKER_EXPORT void __tsan_read_write##size(void* at) {               \
    read_range(address_of(at), size, CHECKER_CALLER);                   \
    write_range(address_of(at), size, CHECKER_CALLER);                  \
  }                                                                     \
  CHECKER_EXPORT void __tsan_unaligned_read_write##size(void* at) {     \
    read_range(address_of(at), size, CHECKER_CALLER);                   \
    write_range(address_of(at), size, CHECKER_CALLER);                  \
  }
CHECKER_ACCESSES(1)
CHECKER_ACCESSES(2)
CHECKER_ACCESSES(4)
CHECKER_ACCESSES(8)
CHECKER_ACCESSES(16)

CHECKER_EXPORT void __tsan_read_range(void* at, unsigned long size) {
  read_range(address_of(at), size, CHECKER_CALLER);
}
CHECKER_EXPORT void __tsan_write_range(void* at, unsigned long size) {
  write_range(address_of(at), size, CHECKER_CALLER);
}
// What clang++ has to give an address to, so that it instruments the access.
#define CHECKER_HOOKS(size)                                \
  CHECKER_EXPORT void __sanitizer_cov_load##size(void*) {} \
  CHECKER_EXPORT void __sanitizer_cov_store##size(void*) {}
CHECKER_HOOKS(1)
CHECKER_HOOKS(2)
CHECKER_HOOKS(4)
CHECKER_HOOKS(8)
CHECKER_HOOKS(16)

// A constructor or destructor that leaves the pointer as it is writes nothing.
CHECKER_EXPORT void __tsan_vptr_update(void** at, void* value) {
  if (*at == value) {
    read_range(address_of(at), sizeof *at, CHECKER_CALLER);
  } else {
    write_range(address_of(at), sizeof *at, CHECKER_CALLER);
  }
}
CHECKER_EXPORT void __tsan_vptr_read(void** at) {
  read_range(address_of(at), sizeof *at, CHECKER_CALLER);
}

// The program's own calls of these: the linker lets them come here.
CHECKER_EXPORT void* __wrap_memcpy(void* to, const void* from, std::size_t size) {
  read_range(address_of(from), size, CHECKER_CALLER);
  write_range(address_of(to), size, CHECKER_CALLER);
  return std::memcpy(to, from, size);
}
CHECKER_EXPORT void* __wrap_memmove(void* to, const void* from, std::size_t size) {
  read_range(address_of(from), size, CHECKER_CALLER);
  write_range(address_of(to), size, CHECKER_CALLER);
  return std::memmove(to, from, size);
}
CHECKER_EXPORT void* __wrap_memset(void* to, int value, std::size_t size) {
  write_range(address_of(to), size, CHECKER_CALLER);
  return std::memset(to, value, size);
}
CHECKER_EXPORT void* __tsan_memcpy(void* to, const void* from, std::size_t size) {
  read_range(address_of(from), size, CHECKER_CALLER);
  write_range(address_of(to), size, CHECKER_CALLER);
  return std::memcpy(to, from, size);
}
CHECKER_EXPORT void* __tsan_memmove(void* to, const void* from, std::size_t size) {
  read_range(address_of(from), size, CHECKER_CALLER);
  write_range(address_of(to), size, CHECKER_CALLER);
  return std::memmove(to, from, size);
}
CHECKER_EXPORT void* __tsan_memset(void* to, int value, std::size_t size) {
  write_range(address_of(to), size, CHECKER_CALLER);
  return std::memset(to, value, size);
}

// Atomic operations.

#define CHECKER_UPDATE(bits, name, kind)                                                           \
  CHECKER_ENTRY(__tsan_atomic##bits##_##name)                                                      \
  std::uint##bits##_t checker__tsan_atomic##bits##_##name(volatile std::uint##bits##_t* at,        \
                                                          std::uint##bits##_t operand, int o) {    \
    return static_cast<std::uint##bits##_t>(update(address_of(at), (bits) / 8, update_kind::kind,  \
                                                   operand, o, CHECKER_CALLER, checker_standing)); \
  }

#define CHECKER_COMPARE(bits, name, weak)                                                     \
  CHECKER_ENTRY(__tsan_atomic##bits##_compare_exchange_##name)                                \
  int checker__tsan_atomic##bits##_compare_exchange_##name(                                   \
      volatile std::uint##bits##_t* at, std::uint##bits##_t* expected,                        \
      std::uint##bits##_t desired, int success, int failure) {                                \
    return compare_in_memory(address_of(at), (bits) / 8, expected, desired, success, failure, \
                             weak, CHECKER_CALLER, checker_standing)                          \
               ? 1                                                                            \
               : 0;                                                                           \
  }

#define CHECKER_ATOMIC(bits)                                                                       \
  CHECKER_ENTRY(__tsan_atomic##bits##_load)                                                        \
  std::uint##bits##_t checker__tsan_atomic##bits##_load(const volatile std::uint##bits##_t* at,    \
                                                        int o) {                                   \
    return static_cast<std::uint##bits##_t>(                                                       \
        load(address_of(at), (bits) / 8, o, CHECKER_CALLER, checker_standing));                    \
  }                                                                                                \
  CHECKER_EXPORT void __tsan_atomic##bits##_store(volatile std::uint##bits##_t* at,                \
                                                  std::uint##bits##_t value, int o) {              \
    atomic_store(address_of(at), (bits) / 8, value, order_of(o), CHECKER_CALLER);                  \
  }                                                                                                \
  CHECKER_UPDATE(bits, exchange, exchange)                                                         \
  CHECKER_UPDATE(bits, fetch_add, add)                                                             \
  CHECKER_UPDATE(bits, fetch_sub, sub)                                                             \
  CHECKER_UPDATE(bits, fetch_and, bit_and)                                                         \
  CHECKER_UPDATE(bits, fetch_or, bit_or)                                                           \
  CHECKER_UPDATE(bits, fetch_xor, bit_xor)                                                         \
  CHECKER_COMPARE(bits, strong, false)                                                             \
  CHECKER_COMPARE(bits, weak, true)                                                                \
  CHECKER_ENTRY(__tsan_atomic##bits##_compare_exchange_val)                                        \
  std::uint##bits##_t checker__tsan_atomic##bits##_compare_exchange_val(                           \
      volatile std::uint##bits##_t* at, std::uint##bits##_t expected, std::uint##bits##_t desired, \
      int success, int failure) {                                                                  \
    std::uint64_t old = expected;                                                                  \
    compare(address_of(at), (bits) / 8, old, desired, success, failure, false, CHECKER_CALLER,     \
            checker_standing);                                                                     \
    return static_cast<std::uint##bits##_t>(old);                                                  \
  }                                                                                                \
  CHECKER_EXPORT std::uint##bits##_t __tsan_atomic##bits##_fetch_nand(                             \
      volatile std::uint##bits##_t* at, std::uint##bits##_t operand, int o) {                      \
    std::uint64_t old = atomic_load(address_of(at), (bits) / 8, order::relaxed, CHECKER_CALLER);   \
    while (!atomic_compare(address_of(at), (bits) / 8, old,                                        \
                           static_cast<std::uint##bits##_t>(~(old & operand)),                     \
                           {order_of(o), order::relaxed, false}, CHECKER_CALLER)) {                \
    }                                                                                              \
    return static_cast<std::uint##bits##_t>(old);                                                  \
  }
CHECKER_ATOMIC(8)
CHECKER_ATOMIC(16)
CHECKER_ATOMIC(32)
CHECKER_ATOMIC(64)

// Of 16 bytes, and of any size: what the compiler would call the library libatomic for.

namespace {

using wide = __uint128_t;

std::uint64_t folded(wide value) noexcept {
  return static_cast<std::uint64_t>(value) ^ static_cast<std::uint64_t>(value >> 64) * 31;
}

void arrive_wide(const standing& from, const call_arguments& with) {
  if (!active || !concurrent) return;
  arrive(from, known().position, with);
  end_poll(known().thread);
}

wide update_wide(volatile void* at, wide operand, wide (*update)(wide, wide), int o, address code) {
  wide old{};
  wide_load(address_of(at), sizeof old, &old, order::relaxed, code);
  for (;;) {
    const wide updated = update(old, operand);
    if (wide_compare(address_of(at), sizeof old, &old, &updated,
                     {order_of(o), order::relaxed, false}, code, false)) {
      return old;
    }
  }
}

}  // namespace

CHECKER_ENTRY(__tsan_atomic128_load)
wide checker__tsan_atomic128_load(const volatile wide* at, int o) {
  arrive_wide(checker_standing, {address_of(at)});
  wide value{};
  wide_load(address_of(at), sizeof value, &value, order_of(o), CHECKER_CALLER);
  return value;
}
CHECKER_EXPORT void __tsan_atomic128_store(volatile wide* at, wide value, int o) {
  wide_store(address_of(at), sizeof value, &value, order_of(o), CHECKER_CALLER);
}
CHECKER_ENTRY(__tsan_atomic128_exchange)
wide checker__tsan_atomic128_exchange(volatile wide* at, wide value, int o) {
  arrive_wide(checker_standing, {address_of(at), folded(value)});
  wide old{};
  wide_exchange(address_of(at), sizeof value, &value, &old, order_of(o), CHECKER_CALLER);
  return old;
}
#define CHECKER_WIDE_UPDATE(name, expression)                                               \
  CHECKER_EXPORT wide __tsan_atomic128_##name(volatile wide* at, wide operand, int o) {     \
    return update_wide(                                                                     \
        at, operand, [](wide a, wide b) -> wide { return expression; }, o, CHECKER_CALLER); \
  }
CHECKER_WIDE_UPDATE(fetch_add, a + b)
CHECKER_WIDE_UPDATE(fetch_sub, a - b)
CHECKER_WIDE_UPDATE(fetch_and, a& b)
CHECKER_WIDE_UPDATE(fetch_or, a | b)
CHECKER_WIDE_UPDATE(fetch_xor, a ^ b)
CHECKER_WIDE_UPDATE(fetch_nand, ~(a& b))
#define CHECKER_WIDE_COMPARE(name, weak)                                                        \
  CHECKER_ENTRY(__tsan_atomic128_compare_exchange_##name)                                       \
  int checker__tsan_atomic128_compare_exchange_##name(volatile wide* at, wide* expected,        \
                                                      wide desired, int success, int failure) { \
    arrive_wide(checker_standing, {address_of(at), folded(desired), address_of(expected)});     \
    return wide_compare(address_of(at), sizeof desired, expected, &desired,                     \
                        {order_of(success), order_of(failure), weak}, CHECKER_CALLER, true)     \
               ? 1                                                                              \
               : 0;                                                                             \
  }
CHECKER_WIDE_COMPARE(strong, false)
CHECKER_WIDE_COMPARE(weak, true)
CHECKER_ENTRY(__tsan_atomic128_compare_exchange_val)
wide checker__tsan_atomic128_compare_exchange_val(volatile wide* at, wide expected, wide desired,
                                                  int success, int failure) {
  arrive_wide(checker_standing, {address_of(at), folded(desired), folded(expected)});
  wide_compare(address_of(at), sizeof desired, &expected, &desired,
               {order_of(success), order_of(failure), false}, CHECKER_CALLER, false);
  return expected;
}

CHECKER_ENTRY(__atomic_load_16)
wide checker__atomic_load_16(const volatile void* at, int o) {
  arrive_wide(checker_standing, {address_of(at)});
  wide value{};
  wide_load(address_of(at), sizeof value, &value, order_of(o), CHECKER_CALLER);
  return value;
}
CHECKER_EXPORT void __atomic_store_16(volatile void* at, wide value, int o) {
  wide_store(address_of(at), sizeof value, &value, order_of(o), CHECKER_CALLER);
}
CHECKER_ENTRY(__atomic_exchange_16)
wide checker__atomic_exchange_16(volatile void* at, wide value, int o) {
  arrive_wide(checker_standing, {address_of(at), folded(value)});
  wide old{};
  wide_exchange(address_of(at), sizeof value, &value, &old, order_of(o), CHECKER_CALLER);
  return old;
}
CHECKER_ENTRY(__atomic_compare_exchange_16)
bool checker__atomic_compare_exchange_16(volatile void* at, void* expected, wide desired,
                                         int success, int failure) {
  arrive_wide(checker_standing, {address_of(at), folded(desired), address_of(expected)});
  return wide_compare(address_of(at), sizeof desired, expected, &desired,
                      {order_of(success), order_of(failure), false}, CHECKER_CALLER, true);
}

CHECKER_ENTRY(__atomic_load)
void checker__atomic_load(std::size_t size, const volatile void* at, void* into, int o) {
  arrive_wide(checker_standing, {address_of(at)});
  wide_load(address_of(at), size, into, order_of(o), CHECKER_CALLER);
}
CHECKER_ENTRY(__atomic_store)
void checker__atomic_store(std::size_t size, volatile void* at, void* from, int o) {
  wide_store(address_of(at), size, from, order_of(o), CHECKER_CALLER);
}
CHECKER_ENTRY(__atomic_exchange)
void checker__atomic_exchange(std::size_t size, volatile void* at, void* from, void* into, int o) {
  arrive_wide(checker_standing, {address_of(at), address_of(from)});
  wide_exchange(address_of(at), size, from, into, order_of(o), CHECKER_CALLER);
}
CHECKER_ENTRY(__atomic_compare_exchange)
bool checker__atomic_compare_exchange(std::size_t size, volatile void* at, void* expected,
                                      void* desired, int success, int failure) {
  arrive_wide(checker_standing, {address_of(at), address_of(desired), address_of(expected)});
  return wide_compare(address_of(at), size, expected, desired,
                      {order_of(success), order_of(failure), false}, CHECKER_CALLER, true);
}
// Of the prelude: what the compiler would make a strong one of.
CHECKER_ENTRY(checker_weak_exchange)
bool checkerchecker_weak_exchange(std::size_t size, volatile void* at, void* expected,
                                  const void* desired, int success, int failure) {
  if (size > 8 || (size & (size - 1)) != 0) {
    arrive_wide(checker_standing, {address_of(at), address_of(desired), address_of(expected)});
    return wide_compare(address_of(at), size, expected, desired,
                        {order_of(success), order_of(failure), true}, CHECKER_CALLER, true);
  }
  std::uint64_t wanted = 0;
  std::memcpy(&wanted, desired, size);
  return compare_in_memory(address_of(at), static_cast<unsigned>(size), expected, wanted, success,
                           failure, true, CHECKER_CALLER, checker_standing);
}
// clang++ lets nobody define a function of that name.
CHECKER_EXPORT bool checker_is_lock_free(std::size_t size,
                                         const volatile void* at) asm("__atomic_is_lock_free");
CHECKER_EXPORT bool checker_is_lock_free(std::size_t size, const volatile void*) {
  return size <= 16 && (size & (size - 1)) == 0;
}

CHECKER_EXPORT void __tsan_atomic_thread_fence(int o) {
  if (o != 0) atomic_fence(order_of(o), CHECKER_CALLER);
}
// Between a thread and its signals: there are none.
CHECKER_EXPORT void __tsan_atomic_signal_fence(int) {}

// The pause of a loop that polls: the C++ library's, and any other.
CHECKER_EXPORT void checker_library_pause() { poll_again(); }
CHECKER_EXPORT void checker_pause() {}

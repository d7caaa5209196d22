// SPDX-License-Identifier: MIT
// What a checked program shares: atomics, plain variables and fences.
//
//   atomic<T>   the operations of std::atomic<T>, with every order, for T of 1, 2, 4 or 8 bytes
//               that is trivially copyable and has no padding: integers, enumerations, bool,
//               pointers
//   var<T>      plain data, with get and set: unordered accesses are data races
//   fence(o)    std::atomic_thread_fence(o)
//   light_fence(), heavy_fence()   the two sides of an asymmetric fence (membarrier): light orders
//               only against heavy, heavy is also a seq_cst fence
//
// All of them must be made by the program: members of the model, or objects in its memory. A use
// before construction or after destruction that is not ordered with it is a data race.
//
// Stands on: engine.
#pragma once

#include "engine.hpp"

#include <atomic>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <type_traits>

namespace checker {

constexpr order order_of(std::memory_order o) noexcept {
  switch (o) {
    case std::memory_order_relaxed:
      return order::relaxed;
    case std::memory_order_consume:
    case std::memory_order_acquire:
      return order::acquire;
    case std::memory_order_release:
      return order::release;
    case std::memory_order_acq_rel:
      return order::acq_rel;
    case std::memory_order_seq_cst:
      break;
  }
  return order::seq_cst;
}

// The failure order that a compare-and-swap has if none is given.
constexpr order failure_order_of(order success) noexcept {
  if (success == order::acq_rel) return order::acquire;
  return success == order::release ? order::relaxed : success;
}

template <class T>
class atomic {
  // As with std::atomic: of pointers the distance, else the value itself.
  using difference = std::conditional_t<std::is_pointer_v<T>, std::ptrdiff_t, T>;

  static constexpr bool has_bits = std::is_integral_v<T> && !std::is_same_v<T, bool>;
  static constexpr bool counts = has_bits || std::is_pointer_v<T>;

  static_assert(std::has_unique_object_representations_v<T> || std::is_floating_point_v<T>,
                "checker::atomic<T>: T must have no padding");
  static_assert(std::is_trivially_copyable_v<T> && sizeof(T) <= 8 && std::has_single_bit(sizeof(T)),
                "checker::atomic<T>: T must be trivially copyable, of 1, 2, 4 or 8 bytes");

 public:
  using value_type = T;
  static constexpr bool is_always_lock_free = true;

  atomic(T value = T{}, place from = place::here(), object_kind is = object_kind::word) noexcept
      : known_(engine::begin_atomic(this, sizeof(T), bits(value), from, is)) {}
  ~atomic() { engine::end(this, known_.life); }
  atomic(const atomic&) = delete;
  // Not of a const one: else a value would do as well as that, which would be made of the value.
  atomic& operator=(atomic&) = delete;

  T load(std::memory_order o = std::memory_order_seq_cst, place from = place::here()) const {
    return value(engine::load(this, sizeof(T), known_, order_of(o), from));
  }

  void store(T desired, std::memory_order o = std::memory_order_seq_cst,
             place from = place::here()) {
    engine::store(this, sizeof(T), known_, bits(desired), order_of(o), from);
  }

  T exchange(T desired, std::memory_order o = std::memory_order_seq_cst,
             place from = place::here()) {
    return update(update_kind::exchange, bits(desired), o, from);
  }

  T fetch_add(difference operand, std::memory_order o = std::memory_order_seq_cst,
              place from = place::here()) requires counts {
    return update(update_kind::add, scaled(operand), o, from);
  }
  T fetch_sub(difference operand, std::memory_order o = std::memory_order_seq_cst,
              place from = place::here()) requires counts {
    return update(update_kind::sub, scaled(operand), o, from);
  }
  T fetch_and(T operand, std::memory_order o = std::memory_order_seq_cst,
              place from = place::here()) requires has_bits {
    return update(update_kind::bit_and, bits(operand), o, from);
  }
  T fetch_or(T operand, std::memory_order o = std::memory_order_seq_cst,
             place from = place::here()) requires has_bits {
    return update(update_kind::bit_or, bits(operand), o, from);
  }
  T fetch_xor(T operand, std::memory_order o = std::memory_order_seq_cst,
              place from = place::here()) requires has_bits {
    return update(update_kind::bit_xor, bits(operand), o, from);
  }

  bool compare_exchange_strong(T& expected, T desired, std::memory_order success,
                               std::memory_order failure, place from = place::here()) {
    return compare(expected, desired, order_of(success), order_of(failure), false, from);
  }
  bool compare_exchange_strong(T& expected, T desired,
                               std::memory_order o = std::memory_order_seq_cst,
                               place from = place::here()) {
    return compare(expected, desired, order_of(o), failure_order_of(order_of(o)), false, from);
  }
  bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                             std::memory_order failure, place from = place::here()) {
    return compare(expected, desired, order_of(success), order_of(failure), true, from);
  }
  bool compare_exchange_weak(T& expected, T desired,
                             std::memory_order o = std::memory_order_seq_cst,
                             place from = place::here()) {
    return compare(expected, desired, order_of(o), failure_order_of(order_of(o)), true, from);
  }

  // The operators of std::atomic. An operator has no argument to spare for its place: the
  // conversion of its operand has. That of a load is not known, since a conversion to T converts
  // nothing.
 private:
  template <class Value>
  struct placed {
    placed(Value operand, place at = place::here()) : value(operand), from(at) {}
    Value value;
    place from;
  };

  using given = placed<T>;
  using distance = placed<difference>;
  using self = placed<atomic&>;

 public:
  // NOLINTNEXTLINE(misc-unconventional-assign-operator): as std::atomic's
  T operator=(given desired) {
    store(desired.value, std::memory_order_seq_cst, desired.from);
    return desired.value;
  }
  operator T() const { return load(std::memory_order_seq_cst, {"", "", 0}); }

  T operator+=(distance by) requires counts {
    return moved(fetch_add(by.value, std::memory_order_seq_cst, by.from), scaled(by.value));
  }
  T operator-=(distance by) requires counts {
    return moved(fetch_sub(by.value, std::memory_order_seq_cst, by.from), 0 - scaled(by.value));
  }
  T operator&=(given by) requires has_bits {
    return static_cast<T>(fetch_and(by.value, std::memory_order_seq_cst, by.from) & by.value);
  }
  T operator|=(given by) requires has_bits {
    return static_cast<T>(fetch_or(by.value, std::memory_order_seq_cst, by.from) | by.value);
  }
  T operator^=(given by) requires has_bits {
    return static_cast<T>(fetch_xor(by.value, std::memory_order_seq_cst, by.from) ^ by.value);
  }

  friend T operator++(self x) requires counts {
    return moved(x.value.fetch_add(1, std::memory_order_seq_cst, x.from), scaled(1));
  }
  friend T operator--(self x) requires counts {
    return moved(x.value.fetch_sub(1, std::memory_order_seq_cst, x.from), 0 - scaled(1));
  }
  friend T operator++(self x, int) requires counts {
    return x.value.fetch_add(1, std::memory_order_seq_cst, x.from);
  }
  friend T operator--(self x, int) requires counts {
    return x.value.fetch_sub(1, std::memory_order_seq_cst, x.from);
  }

 private:
  static std::uint64_t bits(T value) noexcept {
    std::uint64_t all = 0;
    std::memcpy(&all, &value, sizeof value);
    return all;
  }

  static T value(std::uint64_t all) noexcept {
    T value;
    std::memcpy(&value, &all, sizeof value);
    return value;
  }

  static std::uint64_t scaled(difference operand) noexcept {
    auto amount = static_cast<std::uint64_t>(operand);
    if constexpr (std::is_pointer_v<T>) amount *= sizeof(std::remove_pointer_t<T>);
    return amount & mask;
  }

  // What an atomic of this value has after an addition: it wraps around, whatever T.
  static T moved(T from, std::uint64_t by) noexcept { return value((bits(from) + by) & mask); }

  static constexpr std::uint64_t mask = ~std::uint64_t{0} >> (64 - 8 * sizeof(T));

  T update(update_kind kind, std::uint64_t operand, std::memory_order o, const place& from) {
    return value(engine::update(this, sizeof(T), known_, kind, operand, order_of(o), from));
  }

  bool compare(T& expected, T desired, order success, order failure, bool weak, const place& from) {
    std::uint64_t old = bits(expected);
    const bool done = engine::compare_exchange(this, sizeof(T), known_, old, bits(desired),
                                               {success, failure, weak}, from);
    if (!done) expected = value(old);
    return done;
  }

  const engine::handle known_;
};

// Plain data. Default construction leaves it uninitialised.
template <class T>
class var {
 public:
  var() noexcept : life_(engine::begin_plain(this, sizeof(T), false)) {}
  explicit var(T value) noexcept
      : value_(value), life_(engine::begin_plain(this, sizeof(T), true)) {}
  ~var() { engine::end(this, life_); }
  var(const var&) = delete;
  var& operator=(const var&) = delete;

  T get(place from = place::here()) const {
    engine::read(this, sizeof(T), life_, from);
    return value_;
  }

  void set(T value, place from = place::here()) {
    engine::write(this, sizeof(T), life_, &value, from);
    value_ = value;
  }

 private:
  T value_{};
  const engine::life_id life_;
};

inline void fence(std::memory_order o, place from = place::here()) {
  engine::fence(order_of(o), from);
}
inline void light_fence(place from = place::here()) { engine::fence(order::light, from); }
inline void heavy_fence(place from = place::here()) { engine::fence(order::heavy, from); }

}  // namespace checker

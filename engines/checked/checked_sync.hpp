// SPDX-License-Identifier: MIT
// The sync_policy of the models on the checker: the pool's headers, unchanged, on the checker's
// atomics, plain data and memory, and on a machine that the model describes.
//
// What is not an operation of the memory model here:
//   - Statistics are plain numbers: they are only added to, which gives the same sum in any order.
//   - yield() is nothing. A loop that yields is explored turn by turn.
// The clock is a relaxed atomic of its own. So a thread's `now` never goes back, and that is all it
// says of other threads: less than a machine's clock does.
//
// Orders, and what an operation does, can be changed site by site: see sites.hpp. A run that
// changes and counts nothing pays one predictable branch for it.
//
// Stands on: machine, process_states, sites, <poolproof/sync.hpp>, <checker/model.hpp>.
#pragma once

#include <poolproof/sync.hpp>

#include "../machine.hpp"
#include "../process_states.hpp"
#include "../sites.hpp"

#include <checker/model.hpp>

#include <array>
#include <atomic>
#include <charconv>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <stdexcept>
#include <string>
#include <type_traits>

namespace poolproof::models {

inline bool in_threads() noexcept { return checker::engine::in_threads(); }

inline unsigned current_thread() noexcept { return checker::engine::thread(); }

constexpr checker::place place_of(const call_site& from) noexcept {
  return {from.file, from.function, from.line};
}

// Before and after the threads the checker explores no choices. A model asks for some in before(),
// to say which machine it runs on: each of those machines gets a search of its own.
class first_choices {
 public:
  // At the start of an execution.
  void begin() noexcept { next_ = 0; }

  std::uint32_t choose(std::uint32_t limit) noexcept {
    if (next_ == choices_.size()) std::abort();
    choice& now = choices_[next_];
    if (next_++ == known_) known_ = next_;
    now.limit = limit;
    return now.taken;
  }

  // In front of a replay stands which machine it is about: "2.0/" after two choices.
  std::string text() const {
    std::string all;
    for (std::size_t i = 0; i != known_; ++i) {
      all += (i == 0 ? "" : ".") + std::to_string(choices_[i].taken);
    }
    return known_ == 0 ? all : all + "/";
  }

  // Takes its part of a replay, and returns the rest.
  std::string take_from(const std::string& replay) {
    const std::size_t slash = replay.find('/');
    if (slash == std::string::npos) return replay;
    known_ = 0;
    for (const char* text = replay.c_str(); text != replay.c_str() + slash + 1; ++known_) {
      if (known_ == choices_.size()) throw std::invalid_argument("replay: too many choices");
      const auto [end, error] =
          std::from_chars(text, replay.c_str() + slash, choices_[known_].taken);
      if (error != std::errc{}) throw std::invalid_argument("replay: a choice is a number");
      text = end + 1;
    }
    return replay.substr(slash + 1);
  }

  // Goes on to the next combination. False if there is none.
  bool advance() noexcept {
    while (known_ != 0) {
      choice& last = choices_[known_ - 1];
      if (++last.taken < last.limit) return true;
      last = {};
      --known_;
    }
    return false;
  }

 private:
  struct choice {
    std::uint32_t taken = 0;
    std::uint32_t limit = 0;
  };

  std::array<choice, 8> choices_{};
  std::size_t next_ = 0;
  std::size_t known_ = 0;
};

inline first_choices choices_of_before;

inline std::uint32_t choose(std::uint32_t limit) {
  return in_threads() ? checker::choose(limit) : choices_of_before.choose(limit);
}

// What sites.hpp makes of an operation that is about to be done: it settles the orders.
struct watched {
  static mutation operation(const call_site& from, std::memory_order& order) noexcept {
    if (!watching_sites) [[likely]]
      return mutation::none;
    return note(from, order);
  }

  static void failure_order(const call_site& from, std::memory_order& order) noexcept {
    if (!watching_sites) [[likely]]
      return;
    order = all_sites.find(from).order(site_part::fail, order);
  }

  static void failed(const call_site& from) noexcept {
    if (!watching_sites) [[likely]]
      return;
    all_sites.find(from).count(site_part::fail, in_threads());
  }

 private:
  [[gnu::noinline]] static mutation note(const call_site& from, std::memory_order& order) noexcept {
    site& called = all_sites.find(from);
    called.count(site_part::op, in_threads());
    order = called.order(site_part::op, order);
    return called.mutant;
  }
};

// See the head of this file.
struct checked_sync {
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
                        call_site from = call_site::here()) noexcept {
    return refuses_allocation() ? nullptr : checker::allocate(size, alignment, place_of(from));
  }
  static void deallocate(void* memory, std::size_t, std::size_t,
                         call_site from = call_site::here()) noexcept {
    checker::deallocate(memory, place_of(from));
  }
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
  static std::chrono::nanoseconds now() noexcept;
  static void yield() noexcept {}
  static unsigned patience() noexcept { return this_machine.patience; }
  template <class State>
  static State& process_state() noexcept {
    return process_states::get<State>();
  }
  static void protect_from_fork(mutex&) noexcept {}
};

template <class T>
class checked_sync::atomic {
 public:
  static constexpr bool is_always_lock_free = true;

  atomic(T value = T{}, call_site from = call_site::here()) noexcept
      : value_(value, place_of(from)) {}

  T load(std::memory_order order, call_site from = call_site::here()) const noexcept {
    watched::operation(from, order);
    return value_.load(order, place_of(from));
  }

  void store(T value, std::memory_order order, call_site from = call_site::here()) noexcept {
    if (watched::operation(from, order) == mutation::skip_store) return;
    value_.store(value, order, place_of(from));
  }

  T exchange(T value, std::memory_order order, call_site from = call_site::here()) noexcept {
    const mutation mutant = watched::operation(from, order);
    const T displaced = value_.exchange(value, order, place_of(from));
    return mutant == mutation::exchange_returns_zero ? T{} : displaced;
  }

  T fetch_add(T value, std::memory_order order, call_site from = call_site::here()) noexcept
      requires(!std::is_pointer_v<T>) {
    watched::operation(from, order);
    return value_.fetch_add(value, order, place_of(from));
  }

  T fetch_sub(T value, std::memory_order order, call_site from = call_site::here()) noexcept
      requires(!std::is_pointer_v<T>) {
    watched::operation(from, order);
    return value_.fetch_sub(value, order, place_of(from));
  }

  T fetch_or(T value, std::memory_order order, call_site from = call_site::here()) noexcept
      requires(std::is_integral_v<T>) {
    watched::operation(from, order);
    return value_.fetch_or(value, order, place_of(from));
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
  template <bool MayFailSpuriously>
  bool compare_exchange(T& expected, T desired, std::memory_order success,
                        std::memory_order failure, const call_site& from) noexcept {
    if (watched::operation(from, success) == mutation::cas_blind) {
      value_.exchange(desired, success, place_of(from));
      return true;
    }
    watched::failure_order(from, failure);
    const bool weak = MayFailSpuriously && this_machine.spurious_failures;
    const bool done =
        weak ? value_.compare_exchange_weak(expected, desired, success, failure, place_of(from))
             : value_.compare_exchange_strong(expected, desired, success, failure, place_of(from));
    if (!done) watched::failed(from);
    return done;
  }

  checker::atomic<T> value_;
};

template <class T>
class checked_sync::var {
 public:
  explicit var(T value = T{}) noexcept : value_(value) {}

  T get(call_site from = call_site::here()) const noexcept { return value_.get(place_of(from)); }
  void set(T value, call_site from = call_site::here()) noexcept {
    value_.set(value, place_of(from));
  }

 private:
  checker::var<T> value_;
};

class checked_sync::mutex {
 public:
  void lock(call_site from = call_site::here()) noexcept { mutex_.lock(place_of(from)); }
  void unlock(call_site from = call_site::here()) noexcept { mutex_.unlock(place_of(from)); }

 private:
  checker::mutex mutex_;
};

// Of one execution.
struct model_clock {
  checker::atomic<std::uint64_t> nanoseconds{0};
};

inline std::chrono::nanoseconds checked_sync::now() noexcept {
  const auto& reading = process_states::get<model_clock>().nanoseconds;
  return std::chrono::nanoseconds(reading.load(std::memory_order_relaxed));
}

static_assert(sync_policy<checked_sync>);

}  // namespace poolproof::models

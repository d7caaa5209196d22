// SPDX-License-Identifier: MIT
// What a user says of a pool: its options, and what to do with its items.
//
// Stands on: callable, sync.
#pragma once

#include <poolproof/callable.hpp>
#include <poolproof/sync.hpp>

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <optional>
#include <type_traits>
#include <utility>

namespace poolproof {

// A time, or never: made from a duration, from std::nullopt, or from a std::optional of a duration.
// One beyond the range of nanoseconds, 292 years, is the last in it. No std::optional itself, for
// g++ does not constant-initialise a pool whose constructor looks into one of libstdc++'s.
class optional_interval {
 public:
  // Never.
  constexpr optional_interval(std::nullopt_t) noexcept {}

  // This time.
  template <class Rep, class Period>
  constexpr optional_interval(std::chrono::duration<Rep, Period> time)
      : time_(nearest(time)), is_time_(true) {}

  // This time, or never.
  template <class Rep, class Period>
  constexpr optional_interval(std::optional<std::chrono::duration<Rep, Period>> time)
      : time_(nearest(time.value_or(std::chrono::duration<Rep, Period>::zero()))),
        is_time_(time.has_value()) {}

  // The time; none for never.
  constexpr operator std::optional<std::chrono::nanoseconds>() const noexcept {
    return is_time_ ? std::optional(time_) : std::nullopt;
  }

  // Whether a pool may have it.
  constexpr bool is_positive_or_never() const noexcept { return !is_time_ || time_.count() > 0; }

  // Whether both are the same time, or both never.
  friend constexpr bool operator==(optional_interval, optional_interval) noexcept = default;

 private:
  // Part of a nanosecond is a whole one; what is no number is no time.
  template <class Rep, class Period>
  static constexpr std::chrono::nanoseconds nearest(std::chrono::duration<Rep, Period> time) {
    using std::chrono::nanoseconds;
    constexpr nanoseconds longest = (nanoseconds::max)();
    if constexpr (std::is_integral_v<Rep> && sizeof(Rep) <= sizeof(std::int64_t) &&
                  std::is_convertible_v<decltype(time), nanoseconds>) {
      // So many of this unit fit, one more does not.
      using whole_units = std::chrono::duration<std::int64_t, Period>;
      const std::int64_t most = std::chrono::duration_cast<whole_units>(longest).count();
      const Rep count = time.count();
      if (count > 0 && static_cast<std::uint64_t>(count) > static_cast<std::uint64_t>(most)) {
        return longest;
      }
      const auto signed_count = static_cast<std::int64_t>(count);
      return signed_count < -most ? -longest : nanoseconds(whole_units(signed_count));
    } else {
      const long double about = std::chrono::duration<long double, std::nano>(time).count();
      if (about != about) return nanoseconds::zero();
      if (about >= static_cast<long double>(longest.count())) return longest;
      if (about <= -static_cast<long double>(longest.count())) return -longest;
      const auto whole = static_cast<std::int64_t>(about);
      return nanoseconds(whole + (static_cast<long double>(whole) < about ? 1 : 0));
    }
  }

  std::chrono::nanoseconds time_{0};
  bool is_time_ = false;
};

// What a user says of a pool. Designated initialisers name what is not as usual: {.cycle_interval =
// 10s}.
struct pool_options {
  // How often the pool begins a cycle by itself; std::nullopt: never. Cycles are done by the
  // threads that call the pool. A call that looks at the clock destroys 32 items of what is
  // overdue, or the share that the time since the last look has of half an interval, if that is
  // more. The fewer the calls, the more of them look: if one comes in each half of an interval,
  // what nobody uses is gone three intervals later. A pool that has just been busy may need 64
  // calls of a CPU to notice that it is not, or 256 if its rings hold nothing. A pool that nobody
  // calls keeps what it holds until rotate or rotate_all.
  optional_interval cycle_interval = std::chrono::seconds(60);

  // What operators know it by: see for_each_pool. The text must outlive the pool, its handles, and
  // every for_each_pool that has begun before its end; with probes, every rotate_all, too, and the
  // trimmer: as a literal does. No std::string_view, with which g++ does not constant-initialise a
  // pool.
  const char* name = "";

  // How many items the pool holds at most, and how many bytes by the hook size_of. Exact, whoever
  // puts at once: what a put brings beyond it is destroyed by that put. An item counts from before
  // it is put until after a get has taken it out, so that one that is on its way counts, too.
  std::size_t max_retained = no_bound;
  std::size_t max_bytes = no_bound;

  // A cycle leaves so many items in the pool, however long nobody has used them; of those that are
  // on their way into it or out of it, it does not know which.
  std::size_t min_idle = 0;

  // As much as comes.
  static constexpr std::size_t no_bound = (std::numeric_limits<std::size_t>::max)();
};

// What makes a pool's items.
template <class Item>
class item_factory {
 public:
  // Rejects none.
  template <class Factory>
  constexpr explicit item_factory(Factory factory) : make_(std::move(factory)) {
    if (!make_) {
      reject_argument(
          "object_pool: argument 'factory' is null; pass a callable that returns "
          "std::unique_ptr<T, Deleter>");
    }
  }

  Item operator()() const { return make_(); }

 private:
  callable<Item()> make_;
};

// Why a pool destroys an item.
enum class drop_cause : std::uint8_t {
  reset,        // its reset has refused it
  bound,        // the pool held as much as it may
  cycle,        // a cycle found it unused, or no memory to keep it
  memory,       // memory for its place was refused
  end,          // the pool ends
  late_return,  // its handle came back after that
};

// What a user's functions do for a pool's items. Each may be left out. They are called by the
// thread that has the item in its hands, by several at once for different items, while the pool
// holds no lock and owns no shard; they may use the pool, as an item's destructor may.
//
// They may still run when the pool's destructor has returned: by a rotate_all or a trimmer that was
// at work in the pool, and by a handle that comes back just then. From the start of the destructor
// on they must not use the pool, and what they use else must live on: capture it by value, or by a
// std::shared_ptr, not `this` and not by reference. Their state is destroyed by whoever leaves the
// pool last.
template <class T>
struct pool_hooks {
  // Makes an item as a get wants it, whenever it comes back: by put or with a handle. What it
  // refuses, by false or by what it throws, is dropped.
  callable<bool(T&)> reset = {};

  // How many bytes an item holds, for max_bytes and stats().bytes. It must return the same for an
  // item that has lain in the pool, and not throw. Called at each put and each get, which then
  // take two locked instructions more.
  callable<std::size_t(const T&)> size_of = {};

  // An item is about to be destroyed by the pool. Must not throw. Not told: an item that reserve
  // has made and found no room for, and one whose handle never belonged to the pool, for want of
  // memory or because the pool was ending.
  callable<void(T&, drop_cause)> on_drop = {};
};

}  // namespace poolproof

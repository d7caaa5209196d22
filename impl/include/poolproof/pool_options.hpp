// What a user says of a pool: its options, and the factory of its items.
//
// Stands on: sync.
#pragma once

#include <poolproof/sync.hpp>

#include <chrono>
#include <optional>
#include <type_traits>
#include <utility>

namespace poolproof {

// A time, or never: made from a duration, from std::nullopt, or from a std::optional of a duration. No
// std::optional itself, for g++ does not constant-initialise a pool whose constructor looks into one
// of libstdc++'s.
class optional_interval {
 public:
  // Never.
  constexpr optional_interval(std::nullopt_t) noexcept {}

  // This time.
  template <class Rep, class Period>
  constexpr optional_interval(std::chrono::duration<Rep, Period> time)
      : time_(time), is_time_(true) {}

  // This time, or never.
  template <class Rep, class Period>
  constexpr optional_interval(std::optional<std::chrono::duration<Rep, Period>> time)
      : time_(time.value_or(std::chrono::duration<Rep, Period>::zero())),
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
  std::chrono::nanoseconds time_{0};
  bool is_time_ = false;
};

// What a user says of a pool. Designated initialisers name what is not as usual: {.cycle_interval = 10s}.
struct pool_options {
  // How often the pool begins a cycle by itself; std::nullopt: never. Cycles are done by the threads
  // that call the pool. A call that looks at the clock destroys 32 items of what is overdue, or the
  // share that the time since the last look has of half an interval, if that is more. The fewer the
  // calls, the more of them look: if one comes in each half of an interval, what nobody uses is gone
  // three intervals later. A pool that has just been busy may need 64 calls of a CPU to notice that
  // it is not, or 256 if its rings hold nothing. A pool that nobody calls keeps what it holds until
  // rotate or rotate_all.
  optional_interval cycle_interval = std::chrono::seconds(60);
};

// What makes a pool's items: any callable, type-erased. One without state costs no memory, and can
// be constant-initialised; one with state is kept on the heap.
template <class Item>
class item_factory {
 public:
  template <class Factory>
  constexpr explicit item_factory(Factory factory) {
    if constexpr (std::is_empty_v<Factory> && std::is_trivially_default_constructible_v<Factory> &&
                  std::is_trivially_destructible_v<Factory>) {
      make_ = [](void*) -> Item {
        Factory stateless;
        return stateless();
      };
    } else {
      if constexpr (std::is_pointer_v<Factory> || requires { factory.target_type(); }) {
        if (!factory) {
          reject_argument(
              "object_pool: argument 'factory' is null; pass a callable that returns "
              "std::unique_ptr<T, Deleter>");
        }
      }
      make_ = [](void* state) -> Item { return (*static_cast<Factory*>(state))(); };
      delete_state_ = [](void* state) { delete static_cast<Factory*>(state); };
      state_ = new Factory(std::move(factory));
    }
  }

  constexpr ~item_factory() {
    if (delete_state_ != nullptr) delete_state_(state_);
  }

  item_factory(const item_factory&) = delete;
  item_factory& operator=(const item_factory&) = delete;

  Item operator()() const { return make_(state_); }

 private:
  Item (*make_)(void*) = nullptr;
  void (*delete_state_)(void*) = nullptr;
  void* state_ = nullptr;
};

}  // namespace poolproof

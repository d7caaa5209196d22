// SPDX-License-Identifier: MIT
// A function that a pool's user hands to it, type-erased. One without state costs no memory, and
// can be constant-initialised; one with state is kept on the heap.
//
// Stands on: the standard library.
#pragma once

#include <concepts>
#include <functional>
#include <type_traits>
#include <utility>

namespace poolproof {

template <class Signature>
class callable;

template <class Result, class... Arguments>
class callable<Result(Arguments...)> {
 public:
  // Calls it while it lives, wherever it has been moved to.
  class view {
   public:
    explicit operator bool() const noexcept { return run_ != nullptr; }
    Result operator()(Arguments... arguments) const {
      return run_(state_, std::forward<Arguments>(arguments)...);
    }

   private:
    friend class callable;
    Result (*run_)(void*, Arguments...) = nullptr;
    void* state_ = nullptr;
  };

  // None, which must not be called.
  constexpr callable() noexcept = default;

  // Whatever std::invoke can call, a pointer to a member, too. None also from what compares equal
  // to a null pointer, as an empty std::function or std::move_only_function does.
  template <class Function>
  requires(
      !std::same_as<Function, callable> &&
      std::is_invocable_r_v<Result, Function&, Arguments...>) constexpr callable(Function from) {
    if constexpr (std::is_empty_v<Function> &&
                  std::is_trivially_default_constructible_v<Function> &&
                  std::is_trivially_destructible_v<Function>) {
      view_.run_ = [](void*, Arguments... arguments) -> Result {
        Function stateless;
        return run(stateless, std::forward<Arguments>(arguments)...);
      };
    } else {
      if constexpr (requires { static_cast<bool>(from == nullptr); }) {
        if (from == nullptr) return;
      }
      view_.run_ = [](void* state, Arguments... arguments) -> Result {
        return run(*static_cast<Function*>(state), std::forward<Arguments>(arguments)...);
      };
      delete_state_ = [](void* state) { delete static_cast<Function*>(state); };
      view_.state_ = new Function(std::move(from));
    }
    is_one_ = true;
  }

  constexpr ~callable() {
    if (delete_state_ != nullptr) delete_state_(view_.state_);
  }

  constexpr callable(callable&& other) noexcept
      : view_(std::exchange(other.view_, {})),
        delete_state_(std::exchange(other.delete_state_, nullptr)),
        is_one_(std::exchange(other.is_one_, false)) {}
  constexpr callable& operator=(callable&& other) noexcept {
    std::swap(view_, other.view_);
    std::swap(delete_state_, other.delete_state_);
    std::swap(is_one_, other.is_one_);
    return *this;
  }

  constexpr explicit operator bool() const noexcept { return is_one_; }
  constexpr view use() const noexcept { return view_; }
  Result operator()(Arguments... arguments) const {
    return view_(std::forward<Arguments>(arguments)...);
  }

 private:
  // What std::invoke_r does in C++23: the result of a callable may be more than is asked for.
  template <class Function>
  static Result run(Function& function, Arguments... arguments) {
    if constexpr (std::is_void_v<Result>) {
      static_cast<void>(std::invoke(function, std::forward<Arguments>(arguments)...));
    } else {
      return std::invoke(function, std::forward<Arguments>(arguments)...);
    }
  }

  view view_;
  void (*delete_state_)(void*) = nullptr;
  bool is_one_ = false;  // to g++ 12 it is no constant whether a lambda's address is null
};

}  // namespace poolproof

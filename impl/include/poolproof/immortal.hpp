// SPDX-License-Identifier: MIT
// An object that is constructed and never destroyed.
//
//     poolproof::immortal<poolproof::object_pool<parser>> parsers;   // with static storage
//     auto p = parsers->borrow();
//
// For a program whose threads may still be at work while it ends: detached ones, a library's own,
// and those that main does not join. A static pool is destroyed then, and they would use it after
// its end. An immortal one they may use until the process is gone; what it holds then is never
// destroyed.
//
// It is constant-initialised wherever T is, so it is also there before main. A shared library that
// has one stays loaded after dlclose, for an immortal pool stays in the registry, and rotate_all
// goes on to call its code: see stays_loaded.hpp, also for the systems on which that takes a flag.
//
// Stands on: stays_loaded, the standard library.
#pragma once

#if __cplusplus <= 201703L
#error "poolproof needs C++20: compile with -std=c++20"
#else

#include <poolproof/stays_loaded.hpp>

#include <memory>
#include <type_traits>
#include <utility>

namespace poolproof {

template <class T>
class immortal {
 public:
  // As T's constructor from these arguments.
  template <class... Arguments>
  requires std::is_constructible_v<T, Arguments...>
  constexpr explicit immortal(Arguments&&... arguments)
      : object_(std::forward<Arguments>(arguments)...) {
    stays_loaded<T>::because_of_me();
  }

  // T's is not run.
  // NOLINTNEXTLINE(modernize-use-equals-default): with a union that is another destructor
  constexpr ~immortal() {}

  immortal(const immortal&) = delete;
  immortal& operator=(const immortal&) = delete;

  // The object.
  // NOLINTBEGIN(cppcoreguidelines-pro-type-union-access): it has one member
  constexpr T& operator*() noexcept { return object_; }
  constexpr T* operator->() noexcept { return std::addressof(object_); }
  constexpr const T& operator*() const noexcept { return object_; }
  constexpr const T* operator->() const noexcept { return std::addressof(object_); }
  // NOLINTEND(cppcoreguidelines-pro-type-union-access)

 private:
  union {
    T object_;
  };
};

}  // namespace poolproof

#endif

// SPDX-License-Identifier: MIT
// What the headers keep once per process: a policy's process_state<State>(). Each execution is a
// process of its own: all states are made before the model and destroyed after it.
//
// Stands on: the standard library.
#pragma once

#include <array>
#include <cstddef>
#include <cstdlib>
#include <new>

namespace poolproof::models {

class process_states {
 public:
  // The one State, of a type that any header asks for.
  template <class State>
  static State& get() noexcept {
    static_cast<void>(added<State>);
    return *std::launder(static_cast<State*>(storage<State>()));
  }

  static void construct_all() noexcept {
    for (std::size_t i = 0; i != count_; ++i) states_[i].construct();
  }

  static void destroy_all() noexcept {
    for (std::size_t i = count_; i != 0; --i) states_[i - 1].destroy();
  }

 private:
  struct state {
    void (*construct)();
    void (*destroy)();
  };

  // Adds a state type, once, before main.
  template <class State>
  static bool add() noexcept {
    if (count_ == states_.size()) std::abort();
    states_[count_++] = {[] { ::new (storage<State>()) State; },
                         [] { static_cast<State*>(storage<State>())->~State(); }};
    return true;
  }

  template <class State>
  static void* storage() noexcept {
    alignas(State) static std::byte bytes[sizeof(State)];
    return bytes;
  }

  inline static std::array<state, 8> states_{};
  inline static std::size_t count_ = 0;
  template <class State>
  inline static const bool added = add<State>();
};

}  // namespace poolproof::models

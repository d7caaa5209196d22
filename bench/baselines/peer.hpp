// SPDX-License-Identifier: MIT
// What every peer in this directory is: a pool of T.
//
//   P::name          how results call it
//   P pool;          empty
//   pool.try_get()   an item of the pool, else null (absent where nothing is kept)
//   pool.get()       the same, else a new T{}
//   pool.put(item)   gives one back
//
// All three are always inlined: a program calls the peer, not an adapter, and what g++ does with a
// function that is called in many places must not be a part of what is compared.
//
// Where a peer's manual asks for something per thread (tokens), it has a class `local` with the
// same functions, which each thread makes for itself with enter(pool).
#pragma once

#include <concepts>
#include <memory>
#include <utility>

namespace pool_bench {

template <class P, class T>
concept pool_of = requires(P& pool, std::unique_ptr<T> item) {
  { P::name } -> std::convertible_to<const char*>;
  { pool.get() } -> std::same_as<std::unique_ptr<T>>;
  pool.put(std::move(item));
};

// What a thread calls get and put on: the pool itself, or its own way into it.
template <class P>
decltype(auto) enter(P& pool) {
  if constexpr (requires { typename P::local; })
    return typename P::local(pool);
  else
    return (pool);
}

// A peer that holds what it is given, until someone gets it.
template <class P>
concept keeps_items = requires(P& pool) {
  enter(pool).try_get();
};

template <class T>
[[gnu::noinline]] std::unique_ptr<T> construct() {
  return std::make_unique<T>();
}

// The second half of every get.
template <class T>
[[gnu::always_inline]] inline std::unique_ptr<T> found_or_new(std::unique_ptr<T> found) {
  if (found) [[likely]]
    return found;
  return construct<T>();
}

}  // namespace pool_bench

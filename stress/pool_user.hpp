// SPDX-License-Identifier: MIT
// One thread's work with a pool: runs of calls of all kinds, checked by the items themselves.
//
// Stands on: tracked, stress, poolproof's object_pool.
#pragma once

#include "tracked.hpp"

#include <poolproof/object_pool.hpp>

#include <array>

namespace stress {

// What a thread may be inside of.
enum class call : std::uint8_t { none, get, put, borrow, give_back, stats, rotate, count_ };

// Does nothing where a test wants to know when a thread is inside of what.
struct unwatched {
  explicit unwatched(call) noexcept {}
};

// Pool is an object_pool of tracked items whose factory never gives null. A Watch exists while the
// thread is in a function of the library. Allocates nothing itself.
template <class Pool, class Watch = unwatched>
class pool_user {
 public:
  explicit pool_user(Pool& used) noexcept : pool_(used) {}

  ~pool_user() {
    while (count_ > 0) choices.one_in(2) ? put() : drop();
  }

  pool_user(const pool_user&) = delete;
  pool_user& operator=(const pool_user&) = delete;

  // Makes a run of calls of one kind: in runs, for then chains grow and drain.
  void do_something() {
    struct run {
      void (pool_user::*action)();
      std::uint32_t longest;
    };
    static constexpr std::array<run, 16> runs = {{
        {&pool_user::get, most_held},
        {&pool_user::get, most_held},
        {&pool_user::get, most_held},
        {&pool_user::get, most_held},
        {&pool_user::try_get, most_held},
        {&pool_user::put, most_held},
        {&pool_user::put, most_held},
        {&pool_user::put, most_held},
        {&pool_user::put, most_held},
        {&pool_user::put, most_held},
        {&pool_user::borrow, 10},
        {&pool_user::borrow, 10},
        {&pool_user::detach, 1},
        {&pool_user::drop, 4},
        {&pool_user::read_stats, 1},
        {&pool_user::rotate, 1},
    }};
    const run& chosen = runs[choices.below(runs.size())];
    for (std::uint32_t i = choices.below(chosen.longest); i < chosen.longest; ++i) {
      (this->*chosen.action)();
    }
  }

 private:
  using item = typename Pool::item;

  static constexpr std::uint32_t most_held = 40;

  void get() {
    make_room();
    item got;
    {
      const Watch inside(call::get);
      got = pool_.get();
    }
    keep(std::move(got));
  }

  void try_get() {
    make_room();
    item got;
    {
      const Watch inside(call::get);
      got = pool_.try_get();
    }
    if (got != nullptr) keep(std::move(got));
  }

  void put() {
    if (count_ == 0) return;
    item given = give_up();
    const Watch inside(call::put);
    pool_.put(std::move(given));
  }

  void borrow() {
    typename Pool::handle lent;
    {
      const Watch inside(call::borrow);
      lent = pool_.borrow();
    }
    lent->check_out();
    lent->check_in();
    const Watch inside(call::give_back);
    lent = {};
  }

  void detach() {
    make_room();
    typename Pool::handle lent = pool_.borrow();
    keep(lent.detach());
  }

  void drop() {
    if (count_ > 0) give_up().reset();
  }

  void read_stats() {
    const Watch inside(call::stats);
    if (pool_.stats().refused_memory != 0) fail("memory was refused");
  }

  void rotate() {
    const Watch inside(call::rotate);
    pool_.rotate();
  }

  void make_room() {
    if (count_ == most_held) put();
  }

  void keep(item got) {
    got->check_out();
    held_[count_++] = std::move(got);
  }

  item give_up() {
    item given = std::move(held_[--count_]);
    given->check_in();
    return given;
  }

  Pool& pool_;
  std::array<item, most_held> held_;
  std::uint32_t count_ = 0;
};

}  // namespace stress

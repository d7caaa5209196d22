// SPDX-License-Identifier: MIT
// Destroys what is in a pool that is closed, or will be: the end of each item that is left.
//
// Who owns what
//   D1. An item is taken as a thief takes it, or of a magazine under its shard's ownership, for
//       which nobody waits: every owner in a closed pool drains it later, or the core's end does.
//   D2. A destructor runs with no shard owned. It may put into this pool: what it puts is drained
//       too.
//
// Stands on: shard_table, shard, sync, upkeep.
#pragma once

#include <poolproof/shard_table.hpp>
#include <poolproof/sync.hpp>
#include <poolproof/upkeep.hpp>

#include <algorithm>
#include <array>

namespace poolproof {

template <class T, class Deleter, sync_policy Sync>
class draining {
 public:
  using shard_type = shard<T, Sync>;
  using upkeep_type = upkeep<T, Deleter, Sync>;

  // Of the shards of a table; both must outlive it.
  draining(shard_table<T, Sync>& table, upkeep_type& items) noexcept
      : table_(table), upkeep_(items) {}

  // Destroys every item in the pool, also what the destructors put meanwhile. As a thief: no owner
  // can be in its way. Anyone; lock-free but for the destructors.
  void run() noexcept;

  // The same when sections are over.
  void run_closed() noexcept;

 private:
  using owner = typename shard_type::owner;

  template <class DrainMagazine>
  void drain_with(DrainMagazine drain_magazine) noexcept;
  static T* pop_magazine(shard_type& s) noexcept;
  bool drain_magazine(shard_type& s) noexcept;

  shard_table<T, Sync>& table_;
  upkeep_type& upkeep_;
};

template <class T, class Deleter, sync_policy Sync>
void draining<T, Deleter, Sync>::run() noexcept {
  drain_with([this](shard_type& s) { return drain_magazine(s); });
}

template <class T, class Deleter, sync_policy Sync>
void draining<T, Deleter, Sync>::run_closed() noexcept {
  drain_with([this](shard_type& s) {
    bool found = false;
    while (T* const item = pop_magazine(s)) {
      upkeep_.drop(item, drop_cause::end);
      found = true;
    }
    return found;
  });
}

template <class T, class Deleter, sync_policy Sync>
template <class DrainMagazine>
void draining<T, Deleter, Sync>::drain_with(DrainMagazine drain_magazine) noexcept {
  bool found = true;
  while (found) {
    found = false;
    table_.for_each([&](shard_type& s) {
      while (T* const item = s.steal_any()) {
        upkeep_.drop(item, drop_cause::end);
        found = true;
      }
      found = drain_magazine(s) || found;
    });
  }
}

// An item of a magazine that no section works on; none if the shard has an owner.
template <class T, class Deleter, sync_policy Sync>
T* draining<T, Deleter, Sync>::pop_magazine(shard_type& s) noexcept {
  if (s.own_magazine().size() == 0) return nullptr;
  owner held = s.try_own();
  return held ? held.pop_magazine() : nullptr;
}

// Destroys what a magazine holds; true if that was anything. It stays closed, so that what comes
// back late goes where drain looks as a thief. One that has an owner is left, as above.
template <class T, class Deleter, sync_policy Sync>
bool draining<T, Deleter, Sync>::drain_magazine(shard_type& s) noexcept {
  if (s.own_magazine().size() == 0) return false;
  std::array<T*, (std::max)(magazine<T, Sync>::capacity, 1U)> items;
  std::size_t count = 0;
  if (owner held = s.try_own()) count = held.close_magazine(items.data());
  for (std::size_t i = 0; i < count; ++i) upkeep_.drop(items[i], drop_cause::end);
  return count != 0;
}

}  // namespace poolproof

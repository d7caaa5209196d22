// SPDX-License-Identifier: MIT
// A pool's inner part: its shards, its cycles, and the paths of get and put (Go's Get, Put, getSlow
// and poolCleanup).
//
//     put    magazine; where it is full, a handful of it goes to a ring first
//            -> private part -> displaced item: own ring -> busy: a spill shard
//     get    magazine -> private part -> own ring -> other shards' rings -> victims
//            -> others' private parts and magazines
//
// The magazine serves threads whose sections run (section.hpp); the others begin one place later.
// Between it and the rings items move by the handful, with one locked instruction for all.
//
// It is made at the pool's first use and outlives the pool while handles are out, or while a
// rotate_all is at work in it.
//
// Who owns what
//   I1. An item is in one place: the hands of one thread, a magazine, a private part, or a slot of a
//       ring.
//       Every move takes it out of one by a single read-modify-write, or a single store of a section
//       or of a magazine's closer, before it is put into the next.
//   I2. A destructor of an item, or a hook, runs with no shard owned, no visit open and no mutex
//       held.
//   I3. What a call takes out in order to destroy, it destroys before it returns.
//
// Stands on: cycle_sweep, pool_options, pool_stats, registry, shard_table, sync, upkeep.
#pragma once

#include <poolproof/cycle_sweep.hpp>
#include <poolproof/pool_options.hpp>
#include <poolproof/pool_stats.hpp>
#include <poolproof/registry.hpp>
#include <poolproof/shard_table.hpp>
#include <poolproof/sync.hpp>
#include <poolproof/upkeep.hpp>

#include <algorithm>
#include <array>
#include <memory>
#include <string_view>

namespace poolproof {

// Whether a get that finds nothing else looks into other CPUs' magazines, which interrupts those.
enum class interrupts : bool { never, always };

template <class T, class Deleter, sync_policy Sync>
class pool_core final : public pool_entry<Sync> {
 public:
  using shard_type = shard<T, Sync>;
  using nanoseconds = std::chrono::nanoseconds;

  // A core, or null if memory is refused. Its maker publishes it and then links it, or destroys it.
  static pool_core* create(const pool_options& options, const pool_hooks<T>& hooks = {}) noexcept;

  // Makes the pool known to rotate_all. Once.
  void link() noexcept { pool_registry<Sync>::instance().link(*this); }

  // Exclusive. Destroys what is in the pool, and the core.
  void destroy() noexcept override;

  // What sections of this pool begin with, and what those of its handles do: none do in a pool with
  // upkeep. Anyone.
  const near_shards<T, Sync>& near() const noexcept { return table_.near(); }
  const near_shards<T, Sync>& near_of_handles() const noexcept { return near_of_handles_; }

  // Takes an item, or null, where no section has. Anyone; lock-free but for the allocator and for
  // the destructors of a cycle.
  [[gnu::always_inline]] inline T* get(interrupts others) noexcept {
    const std::uint32_t cpu = Sync::cpu();
    shard_type& own = local(cpu);
    T* const item = own.take();
    if (item == nullptr) [[unlikely]]
      return get_slow(cpu, own, others);
    if (own.operations.tick()) [[unlikely]]
      note_tick(own);
    return item;
  }

  // Takes what the current CPU has at hand, `room` items at most, and returns how many; looks at the
  // clock if they are the last of a round. Not of a pool with upkeep. Progress as get.
  std::uint32_t get_near(T** out, std::uint32_t room) noexcept {
    shard_type& own = local(Sync::cpu());
    const std::uint32_t before = own.own_magazine().operations();
    const std::uint32_t count = Sync::sections::take_some(near(), out, room);
    if (count == 0) return 0;
    takes_.add(count - 1);  // the section is one operation of the round
    if (own.own_magazine().operations() < before) note_round(own);
    return count;
  }

  // Puts an item, which must not be null, where no section has. Anyone; lock-free but for the
  // allocator and for the destructors of a cycle.
  [[gnu::always_inline]] inline void put(T* item) noexcept {
    shard_type& own = local(Sync::cpu());
    const bool has_magazine = Sync::sections::runs() && !own.own_magazine().is_exposed();
    if (!has_magazine) {
      item = own.give(item);
      if (item == nullptr) [[likely]]
        return;
    }
    put_slow(own, item, has_magazine);
  }

  // The same two in a pool with upkeep, whose callers have not tried a section: so that others'
  // hits know nothing of it. Progress as these, and as the hooks.
  T* get_kept_up(interrupts others) noexcept;
  void put_kept_up(T* item) noexcept;

  // Puts a new item, which needs no reset. False if there is no room: it is then the caller's.
  [[nodiscard]] bool put_new(T* item) noexcept;

  // One cycle. See object_pool::rotate.
  void rotate() noexcept override { cycles_.rotate(); }

  // Begins a cycle if it is time, and does all that is overdue. Anyone; progress as rotate.
  void rotate_due() noexcept override { cycles_.rotate_due(); }

  std::string_view name() const noexcept override { return name_; }
  pool_stats stats() noexcept override;
  void count_construction() noexcept { constructions_.add(1); }

  // Counts a handle that the caller is about to have, where no section has; false if the pool is
  // closed, as it is for an item's destructor that borrows from a pool that is being destroyed:
  // such a handle then has nothing to return to. Anyone; wait-free.
  [[nodiscard]] bool count_borrow() noexcept {
    // [count_borrow.look] relaxed: coherence with [count_borrow.lent]; spares the line.
    if (!lent_.load(std::memory_order_relaxed)) {
      // [count_borrow.lent] relaxed: coherence with [has_lent.read]; the user orders every borrow
      // before the pool's destructor, or that makes it itself.
      lent_.store(true, std::memory_order_relaxed);
    }
    return local(Sync::cpu()).borrows().begin();
  }

  // Ends a borrow of which the handle keeps its item. Anyone; wait-free.
  void end_borrow() noexcept {
    if (!local(Sync::cpu()).borrows().end()) this->drop_references(1);
  }

  // The same, for a handle that returns its item, where no section has: to the pool, or if that is
  // closed, to nobody. Progress as put.
  void end_borrow(T* item) noexcept;

  // The pool's destructor, which hands over its hooks. Handles may be returned meanwhile and later;
  // no other call may.
  void close(pool_hooks<T> hooks = {}) noexcept;

 private:
  using owner = typename shard_type::owner;

  // Room for what moves between a magazine and a ring at once.
  using handful = std::array<T*, shard_type::handful>;
  // Keeps the references above zero while the pool's destructor adds up the handles.
  static constexpr std::uint64_t closing_bias = std::uint64_t{1} << 40;

  pool_core(const pool_options& options, const pool_hooks<T>& hooks) noexcept
      : name_(options.name != nullptr ? options.name : ""),
        keeps_up_(has_upkeep(options, hooks)),
        cycles_(table_, upkeep_, options.cycle_interval),
        upkeep_(options, hooks) {}
  ~pool_core() override = default;

  shard_type& local(std::uint32_t cpu) noexcept {
    if (shard_type* const found = table_.find(cpu)) [[likely]]
      return *found;
    return table_.find_slow(cpu, cycles_.begun());
  }

  // A look at the clock, when a take ticks that was no section's.
  [[gnu::noinline]] void note_tick(shard_type& own) noexcept {
    count_takes(own);
    cycles_.look_and_sweep(own);
  }
  // The same, when a section has taken the last of a round.
  [[gnu::noinline]] void note_round(shard_type& own) noexcept {
    takes_.add(own.own_magazine().takes_of_round());
    cycles_.look_and_sweep(own);
  }
  void count_takes(shard_type& own) noexcept {
    takes_.add(Sync::ticker::period / own.operations.pace());
  }

  [[gnu::noinline]] void put_slow(shard_type& own, T* item, bool has_magazine) noexcept;
  [[gnu::noinline]] T* get_slow(std::uint32_t cpu, shard_type& own, interrupts others) noexcept;
  [[gnu::noinline]] void make_room(shard_type& own) noexcept;
  [[gnu::noinline]] void push_all(shard_type& own, T* const* items, std::uint32_t count) noexcept;

  bool give_near(T* item) noexcept { return Sync::sections::give(near(), item); }
  std::uint32_t search(std::uint32_t cpu, shard_type& own, T** out, std::uint32_t room,
                       interrupts others) noexcept;
  std::uint32_t pop_own(shard_type& own, T** out, std::uint32_t room) noexcept;
  static void deepen(shard_type& own, bool found_all, std::uint32_t most) noexcept;
  T* keep_rest(shard_type& own, T* const* taken, std::uint32_t count) noexcept;

  bool has_lent() const noexcept {
    // [has_lent.read] relaxed: coherence with [count_borrow.lent].
    return lent_.load(std::memory_order_relaxed);
  }

  void drain() noexcept override;
  void drain_closed() noexcept;
  template <class DrainMagazine>
  void drain_with(DrainMagazine drain_magazine) noexcept;
  static T* pop_magazine(shard_type& s) noexcept;
  void free() noexcept;
  bool drain_magazine(shard_type& s) noexcept;

  const std::string_view name_;
  shard_table<T, Sync> table_;
  near_shards<T, Sync> near_of_handles_;
  typename Sync::template atomic<bool> lent_{false};
  const bool keeps_up_;
  cycle_sweep<T, Deleter, Sync> cycles_;
  pool_hooks<T> hooks_;  // none before close

  // Apart from the table, which every get and put reads: a thread that counts takes the line away.
  alignas(shard_alignment) upkeep<T, Deleter, Sync> upkeep_;
  typename Sync::counter constructions_;
  typename Sync::counter takes_;  // about: each tick adds those of its round
  typename Sync::counter busy_;
  typename Sync::counter victim_hits_;
  typename Sync::counter spills_;
};

template <class T, class Deleter, sync_policy Sync>
auto pool_core<T, Deleter, Sync>::create(const pool_options& options,
                                         const pool_hooks<T>& hooks) noexcept -> pool_core* {
  void* const memory = Sync::allocate(sizeof(pool_core), alignof(pool_core));
  if (memory == nullptr) return nullptr;
  auto* const made = ::new (memory) pool_core(options, hooks);
  if (!made->table_.create(Sync::cpu())) {
    made->free();
    return nullptr;
  }
  if (!made->keeps_up_) made->near_of_handles_.show(made->near());
  return made;
}

template <class T, class Deleter, sync_policy Sync>
T* pool_core<T, Deleter, Sync>::get_kept_up(interrupts others) noexcept {
  T* item = Sync::sections::take(near());
  if (item == nullptr) item = get(others);
  if (item != nullptr) upkeep_.release(*item);
  return item;
}

template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::put_kept_up(T* item) noexcept {
  if (upkeep_.admit(item) && !give_near(item)) put(item);
}

template <class T, class Deleter, sync_policy Sync>
bool pool_core<T, Deleter, Sync>::put_new(T* item) noexcept {
  if (!upkeep_.fits(*item)) return false;
  if (!give_near(item)) put(item);
  return true;
}

// Puts what the CPU's magazine, or its private part, has no room for.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::put_slow(shard_type& own, T* item, bool has_magazine) noexcept {
  if (has_magazine) {
    while (own.own_magazine().deepen(shard_type::shallow)) {
      if (give_near(item)) return;
    }
  }
  // Before the push: so that what is pushed is put after the cycles that have begun, not before.
  cycles_.do_overdue(own, own.operations.tick_slowly());
  if (has_magazine) {
    make_room(own);
    if (give_near(item)) return;
    // The magazine is closed, or full again, or this thread is on another CPU by now.
    item = own.give(item);
    if (item == nullptr) return;
  }
  push_all(own, &item, 1);
}

// Moves items from the magazine, if it is open, to a ring, so that the next to be given lies on
// top. What is moved counts as put now.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::make_room(shard_type& own) noexcept {
  handful moved;
  const std::uint32_t count = Sync::sections::take_some(near(), moved.data(), shard_type::handful);
  if (count != 0) push_all(own, moved.data(), count);
}

// Takes an item where the hit has not: of the magazine, if it is time for a look at the clock; else
// of whatever place has one.
template <class T, class Deleter, sync_policy Sync>
T* pool_core<T, Deleter, Sync>::get_slow(std::uint32_t cpu, shard_type& own,
                                         interrupts others) noexcept {
  handful taken;
  std::uint32_t wanted = 1;
  if (Sync::sections::runs() && cpu < near().reach()) {
    const std::uint32_t held = own.own_magazine().size();
    if (held != 0 && Sync::sections::take_some(near(), taken.data(), 1) != 0) {
      note_round(own);
      return taken[0];
    }
    // As many besides as its magazine has room for.
    wanted = (std::min)(shard_type::handful, 1 + own.own_magazine().room_beside(held));
  }
  const std::uint32_t count = search(cpu, own, taken.data(), wanted, others);
  // After the search, not before: an overdue cycle destroys what the search may find. But before
  // the magazine gets the rest, so that it is put after the cycles that have begun.
  const bool ticks = own.operations.tick();
  if (ticks) count_takes(own);
  cycles_.do_overdue(own, ticks);
  if (count == 0) return nullptr;
  return keep_rest(own, taken.data(), count);
}

template <class T, class Deleter, sync_policy Sync>
std::uint32_t pool_core<T, Deleter, Sync>::search(std::uint32_t cpu, shard_type& own, T** out,
                                                  std::uint32_t room, interrupts others) noexcept {
  const std::uint32_t share = (std::min)(room, shard_type::shallow);
  if (const std::uint32_t count = pop_own(own, out, room)) {
    deepen(own, count >= share, magazine<T, Sync>::capacity);
    return count;
  }
  // Perhaps the first call here for long, of a pool that few calls use, wherever they are.
  if (cycles_.is_automatic() && own.looks_seldom()) own.look_often();
  const auto steal = [&](shard_type& s) { return s.steal_shared(out, share); };
  if (const std::uint32_t count = table_.find_first(cpu, steal)) {
    own.steals.add(1);
    deepen(own, count >= share, shard_type::shallow);
    return count;
  }
  if (const auto turns = cycles_.victims_to_search()) {
    const auto steal_victims = [&](shard_type& s) { return s.steal_victims(out, share); };
    if (const std::uint32_t count = table_.find_first(cpu, steal_victims)) {
      victim_hits_.add(1);
      deepen(own, count >= share, shard_type::shallow);
      return count;
    }
    cycles_.note_no_victims(*turns);
  }
  // Go cannot reach these; a factory that is worth a pool costs more than one look at each.
  const auto steal_unshared = [others](shard_type& s) {
    return others == interrupts::always ? s.steal_unshared() : s.steal_private();
  };
  if (T* const item = table_.find_first(cpu, steal_unshared)) {
    own.steals.add(1);
    out[0] = item;
    return 1;
  }
  own.misses.add(1);
  return 0;
}

// After a get has found as many items as it wanted, or as a shallow magazine holds, and so might
// have found more: lets the magazine have more the next time. Deep are only those whose CPU has
// taken back what it had put, since they were last closed: what lies in a magazine is out of cheap
// reach for other CPUs.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::deepen(shard_type& own, bool found_all,
                                         std::uint32_t most) noexcept {
  if (found_all && Sync::sections::runs()) own.own_magazine().deepen(most);
}

// The newest items of the own shard's ring. None also if its owner is another: then it has not been
// looked into, and a thief's way leads there.
template <class T, class Deleter, sync_policy Sync>
std::uint32_t pool_core<T, Deleter, Sync>::pop_own(shard_type& own, T** out,
                                                   std::uint32_t room) noexcept {
  if (!own.looks_shared()) return 0;
  if (owner held = own.try_own()) {
    return held.pop(out, room);
  }
  busy_.add(1);
  return 0;
}

// Returns the first item that a get has taken out of a ring, and gives the others to the magazine,
// so that the second is the next to be found; they count as put now. For what finds it full or
// closed after all there are the rings.
template <class T, class Deleter, sync_policy Sync>
T* pool_core<T, Deleter, Sync>::keep_rest(shard_type& own, T* const* taken,
                                          std::uint32_t count) noexcept {
  if (count == 1) return taken[0];
  const std::uint32_t left = count - 1 - Sync::sections::give_some(near(), taken + 1, count - 1);
  if (left != 0) push_all(own, taken + 1, left);
  return taken[0];
}

// Pushes items to the own ring, or where that is busy to that of a spill shard. Those for which
// memory is refused go to the magazine, and where that has no room either, they are destroyed.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::push_all(shard_type& own, T* const* items,
                                           std::uint32_t count) noexcept {
  std::uint32_t kept = 0;
  if (owner held = own.try_own()) {
    kept = held.push(items, count);
  } else {
    busy_.add(1);
    if (owner spill = table_.own_spill()) {
      spills_.add(count);
      spill.skip_to(cycles_.begun());
      kept = spill.push(items, count);
    }
  }
  if (kept != 0 && cycles_.is_automatic()) own.look_often();
  for (; kept != count; ++kept) {
    if (!give_near(items[kept])) upkeep_.drop(items[kept], drop_cause::memory);
  }
}

template <class T, class Deleter, sync_policy Sync>
pool_stats pool_core<T, Deleter, Sync>::stats() noexcept {
  pool_stats result;
  std::uint64_t takes = takes_.value();
  std::int64_t handles = 0;
  table_.for_each([&](shard_type& s) {
    result.steals += s.steals.value();
    result.misses += s.misses.value();
    result.retained += s.size();
    takes += s.own_magazine().takes_since_tick();
    handles += s.handles();
  });
  result.hits = takes - (std::min)(takes, result.misses);
  result.in_use = static_cast<std::uint64_t>((std::max)(handles, std::int64_t{0}));
  result.constructions = constructions_.value();
  result.busy = busy_.value();
  result.victim_hits = victim_hits_.value();
  result.spills = spills_.value();
  result.reset_dropped = upkeep_.dropped(drop_cause::reset);
  result.bound_dropped = upkeep_.dropped(drop_cause::bound);
  result.refused_memory = upkeep_.dropped(drop_cause::memory);
  result.late_returns = upkeep_.dropped(drop_cause::late_return);
  result.bytes = upkeep_.bytes();
  result.cycles = cycles_.begun();
  result.cycle_destroyed = upkeep_.dropped(drop_cause::cycle);
  result.pin = Sync::pin();
  return result;
}

template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::end_borrow(T* item) noexcept {
  shard_type& counted = local(Sync::cpu());
  if (counted.borrows().closed()) {
    upkeep_.refuse(item, drop_cause::late_return);
  } else if (keeps_up_) [[unlikely]] {
    put_kept_up(item);
  } else {
    put(item);
  }
  if (counted.borrows().end()) return;
  // Closed meanwhile: the destructor may have looked for items before this one was put.
  drain();
  this->drop_references(1);
}

// A pool that has lent nothing is nobody else's but a rotate_all's. Else the handles that are out
// are counted in the shards until here, so that borrowing is cheap; here each becomes a reference.
// The bias covers those that come back between the marking and the sum.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::close(pool_hooks<T> hooks) noexcept {
  hooks_ = std::move(hooks);
  pool_registry<Sync>::instance().retire(*this);
  // An item's destructor may borrow.
  if (!has_lent()) drain_closed();
  if (!has_lent()) return this->drop_references(1);
  this->add_references(closing_bias);
  std::int64_t handles = 0;
  table_.close();
  table_.for_each([&](shard_type& s) { handles += s.close_borrows(); });
  if (Sync::sections::compiled && near().reach() != 0 && !Sync::sections::restart_all()) {
    // How many there are cannot be known, nor what the magazines hold be had: the core stays.
    return drain();
  }
  table_.for_each([&](shard_type& s) { handles += s.own_magazine().handles(); });
  drain_closed();
  this->drop_references(closing_bias - static_cast<std::uint64_t>(handles) + 1);
}

// Destroys every item in the pool, also what the destructors put meanwhile. As a thief: no owner
// can be in its way.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::drain() noexcept {
  drain_with([this](shard_type& s) { return drain_magazine(s); });
}

// The same when sections are over.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::drain_closed() noexcept {
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
void pool_core<T, Deleter, Sync>::drain_with(DrainMagazine drain_magazine) noexcept {
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

// An item of a magazine that no section works on; none if the shard has an owner: every owner in a
// closed pool drains it later, or destroy does.
template <class T, class Deleter, sync_policy Sync>
T* pool_core<T, Deleter, Sync>::pop_magazine(shard_type& s) noexcept {
  if (s.own_magazine().size() == 0) return nullptr;
  owner held = s.try_own();
  return held ? held.pop_magazine() : nullptr;
}

// Destroys what a magazine holds; true if that was anything. It stays closed, so that what comes
// back late goes where drain looks as a thief. One that has an owner is left, as above.
template <class T, class Deleter, sync_policy Sync>
bool pool_core<T, Deleter, Sync>::drain_magazine(shard_type& s) noexcept {
  if (s.own_magazine().size() == 0) return false;
  std::array<T*, (std::max)(magazine<T, Sync>::capacity, 1U)> items;
  std::size_t count = 0;
  if (owner held = s.try_own()) count = held.close_magazine(items.data());
  for (std::size_t i = 0; i < count; ++i) upkeep_.drop(items[i], drop_cause::end);
  return count != 0;
}

template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::destroy() noexcept {
  drain_closed();
  free();
}

template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::free() noexcept {
  this->~pool_core();
  Sync::deallocate(this, sizeof(pool_core), alignof(pool_core));
}

}  // namespace poolproof

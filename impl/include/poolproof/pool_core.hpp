// SPDX-License-Identifier: MIT
// A pool's inner part: its shards, its cycles, its handles and its end, and the first step of get
// and put (Go's Get and Put): the magazine of the current CPU, else its private part. slow_paths
// has what comes then. The magazine serves threads whose sections run (section.hpp); the others
// begin one place later.
//
// It is made at the pool's first use and outlives the pool while handles are out, or while a
// rotate_all is at work in it.
//
// Who owns what
//   I1. An item is in one place: the hands of one thread, a magazine, a private part, or a slot of
//       a ring.
//       Every move takes it out of one by a single read-modify-write, or a single store of a
//       section or of a magazine's closer, before it is put into the next.
//   I2. A destructor of an item, or a hook, runs with no shard owned, no visit open and no mutex
//       held.
//   I3. What a call takes out in order to destroy, it destroys before it returns.
//
// Stands on: cycle_sweep, draining, pool_options, pool_stats, registry, shard_table, slow_paths,
// sync, upkeep.
#pragma once

#include <poolproof/cycle_sweep.hpp>
#include <poolproof/draining.hpp>
#include <poolproof/pool_options.hpp>
#include <poolproof/pool_stats.hpp>
#include <poolproof/registry.hpp>
#include <poolproof/shard_table.hpp>
#include <poolproof/slow_paths.hpp>
#include <poolproof/sync.hpp>
#include <poolproof/upkeep.hpp>

#include <algorithm>
#include <string_view>

namespace poolproof {

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
  const near_shards<T, Sync>& reachable() const noexcept { return table_.reachable(); }
  const near_shards<T, Sync>& near_of_handles() const noexcept { return near_of_handles_; }

  // Takes an item, or null, where no section has. Anyone; lock-free but for the allocator and for
  // the destructors of a cycle.
  [[gnu::always_inline]] inline T* get(interrupts others) noexcept {
    const std::uint32_t cpu = Sync::cpu();
    shard_type& own = local(cpu);
    T* const item = own.take();
    if (item == nullptr) [[unlikely]]
      return slow_.get(cpu, own, others);
    if (own.operations.tick()) [[unlikely]]
      slow_.note_tick(own);
    return item;
  }

  // Takes what the current CPU has at hand, `room` items at most, and returns how many; looks at
  // the clock if they are the last of a round. Not of a pool with upkeep. Progress as get.
  std::uint32_t get_near(T** out, std::uint32_t room) noexcept {
    shard_type& own = local(Sync::cpu());
    const std::uint32_t before = own.own_magazine().operations();
    const std::uint32_t count = Sync::sections::take_some(reachable(), out, room);
    if (count == 0) return 0;
    own.takes.add(count - 1);  // the section is one operation of the round
    if (own.own_magazine().operations() < before) slow_.note_round(own);
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
    slow_.put(own, item, has_magazine);
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

  std::string_view name() const noexcept override { return upkeep_.name(); }
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

  // Notes how many handles are out, if they were never more. Anyone; wait-free but for others'
  // notes.
  void note_in_use() noexcept { peak_in_use_.raise_to(handles_out()); }

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
  using draining_type = draining<T, Deleter, Sync>;

  // Keeps the references above zero while the pool's destructor adds up the handles.
  static constexpr std::uint64_t closing_bias = std::uint64_t{1} << 40;

  pool_core(const pool_options& options, const pool_hooks<T>& hooks) noexcept
      : keeps_up_(poolproof::has_upkeep(options, hooks)),
        cycles_(table_, upkeep_, options.cycle_interval),
        upkeep_(options, hooks) {}
  ~pool_core() override = default;

  shard_type& local(std::uint32_t cpu) noexcept {
    if (shard_type* const found = table_.find(cpu)) [[likely]]
      return *found;
    return table_.find_slow(cpu, cycles_.begun());
  }

  bool give_near(T* item) noexcept { return Sync::sections::give(reachable(), item); }

  bool has_lent() const noexcept {
    // [has_lent.read] relaxed: coherence with [count_borrow.lent].
    return lent_.load(std::memory_order_relaxed);
  }

  // About, as other threads borrow and return.
  std::uint64_t handles_out() noexcept {
    std::int64_t handles = 0;
    table_.for_each([&](shard_type& s) { handles += s.handles(); });
    return at_least_none(handles);
  }
  static std::uint64_t at_least_none(std::int64_t handles) noexcept {
    return static_cast<std::uint64_t>((std::max)(handles, std::int64_t{0}));
  }

  void drain() noexcept override { draining_type(table_, upkeep_).run(); }
  void drain_closed() noexcept { draining_type(table_, upkeep_).run_closed(); }
  void free() noexcept;

  shard_table<T, Sync> table_;
  near_shards<T, Sync> near_of_handles_;
  typename Sync::template atomic<bool> lent_{false};
  const bool keeps_up_;
  cycle_sweep<T, Deleter, Sync> cycles_;
  pool_hooks<T> hooks_;  // none before close

  // Apart from the table, which every get and put reads: a thread that counts takes the line away.
  alignas(shard_alignment) upkeep<T, Deleter, Sync> upkeep_;
  slow_paths<T, Deleter, Sync> slow_{table_, cycles_, upkeep_};
  typename Sync::counter constructions_;
  typename Sync::counter peak_in_use_;
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
  if (!made->keeps_up_) made->near_of_handles_.show(made->reachable());
  return made;
}

template <class T, class Deleter, sync_policy Sync>
T* pool_core<T, Deleter, Sync>::get_kept_up(interrupts others) noexcept {
  T* item = Sync::sections::take(reachable());
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

template <class T, class Deleter, sync_policy Sync>
pool_stats pool_core<T, Deleter, Sync>::stats() noexcept {
  pool_stats result;
  slow_.add_to(result);
  std::uint64_t takes = 0;
  std::int64_t handles = 0;
  table_.for_each([&](shard_type& s) {
    result.steals += s.steals.value();
    result.misses += s.misses.value();
    result.retained += s.size();
    takes += s.takes.value() + s.own_magazine().takes_since_tick();
    handles += s.handles();
  });
  result.hits = takes - (std::min)(takes, result.misses);
  result.in_use = at_least_none(handles);
  peak_in_use_.raise_to(result.in_use);
  result.peak_in_use = peak_in_use_.value();
  result.constructions = constructions_.value();
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
    // Nothing is put, so nothing is left to drain: else items that hold handles of their own pool
    // would end inside each other.
    upkeep_.refuse(item, drop_cause::late_return);
    return end_borrow();
  }
  if (keeps_up_) [[unlikely]] {
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
  if (Sync::sections::compiled && reachable().reach() != 0 && !Sync::sections::restart_all()) {
    // How many there are cannot be known, nor what the magazines hold be had: the core stays.
    pool_registry<Sync>::instance().count_leak();
    return drain();
  }
  table_.for_each([&](shard_type& s) { handles += s.own_magazine().handles(); });
  drain_closed();
  this->drop_references(closing_bias - static_cast<std::uint64_t>(handles) + 1);
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

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
//   I2. A destructor of an item runs with no shard owned, no visit open and no mutex held. It may
//       run under a claim to the pool's overdue work, for which nobody waits.
//   I3. What a call takes out in order to destroy, it destroys before it returns.
//
// Stands on: registry, shard_table, shard, sync.
#pragma once

#include <poolproof/registry.hpp>
#include <poolproof/shard_table.hpp>
#include <poolproof/sync.hpp>

#include <algorithm>
#include <array>
#include <limits>
#include <memory>

namespace poolproof {

// What a pool has done. Numbers that several threads count at once are exact, but not of one
// moment.
struct pool_stats {
  std::uint64_t constructions = 0;  // items that the factory made
  std::uint64_t misses = 0;         // gets that found no item, wherever they looked
  std::uint64_t steals = 0;         // gets that took an item as a thief, from whatever shard
  std::uint64_t victim_hits = 0;  // gets that took an item that the next cycle would have destroyed
  std::uint64_t busy = 0;         // times that the own shard's ring had another owner
  std::uint64_t spills = 0;       // items that went to a spill shard for that reason
  std::uint64_t refused_memory = 0;  // items destroyed because memory was refused
  std::uint64_t late_returns =
      0;                     // items destroyed because their handle came back to a closed pool
  std::uint64_t cycles = 0;  // cycles begun
  std::uint64_t cycle_destroyed = 0;     // items that cycles destroyed
  std::uint64_t retained = 0;            // items in the pool, about
  pin_kind pin = pin_kind::thread_hash;  // how the calling thread finds its shard
};

// Whether a get that finds nothing else looks into other CPUs' magazines, which interrupts those:
// always, if its caller would rather have that than a null; else at one miss in many.
enum class interrupts : bool { seldom, always };

template <class T, class Deleter, sync_policy Sync>
class pool_core final : public pool_entry<Sync> {
 public:
  using shard_type = shard<T, Sync>;
  using nanoseconds = std::chrono::nanoseconds;

  // A core, or null if memory is refused. Its maker publishes it and then links it, or destroys it.
  static pool_core* create(std::optional<nanoseconds> interval) noexcept;

  // Makes the pool known to rotate_all. Once.
  void link() noexcept { pool_registry<Sync>::instance().link(*this); }

  // Exclusive. Destroys what is in the pool, and the core.
  void destroy() noexcept override;

  // Takes an item, or null. Anyone; lock-free but for the allocator and for the destructors of a
  // cycle.
  template <interrupts others>
  [[gnu::always_inline]] inline T* get() noexcept {
    std::uint64_t word = 0;
    T* const item = table_.take(word);
    if (item == nullptr) [[unlikely]]
      return get_without_section<others>();
    if (magazine<T, Sync>::ticks(word)) [[unlikely]]
      look_at_clock();
    return item;
  }

  // Puts an item, which must not be null. Anyone; lock-free but for the allocator and for the
  // destructors of a cycle.
  [[gnu::always_inline]] inline void put(T* item) noexcept {
    if (!table_.give(item)) [[unlikely]]
      put_without_section(item);
  }

  // One cycle. See object_pool::rotate.
  void rotate() noexcept override;

  pool_stats stats() noexcept;
  void count_construction() noexcept { constructions_.add(1); }

  // Counts a handle that the caller is about to have, and returns the shard that it is counted in;
  // null if the pool is closed, as it is for an item's destructor that borrows from a pool that is
  // being destroyed: such a handle then has nothing to return to.
  shard_type* count_borrow() noexcept {
    shard_type& own = local(Sync::cpu());
    return own.count_borrow() ? &own : nullptr;
  }

  // Ends what count_borrow began, for a handle that keeps its item.
  void end_borrow(shard_type& counted) noexcept {
    if (!counted.end_borrow()) this->drop_references(1);
  }

  // The same, for a handle that returns its item: to the pool, or if that is closed, to nobody.
  void end_borrow(shard_type& counted, T* item) noexcept;

  // The pool's destructor. Handles may be returned meanwhile and later; no other call may.
  void close() noexcept;

 private:
  using owner = typename shard_type::owner;
  using private_type = typename shard_type::private_type;

  static constexpr std::uint32_t batch = Sync::limits::cycle_batch;
  // Room for what moves between a magazine and a ring at once.
  using handful = std::array<T*, shard_type::full_handful>;
  static constexpr std::size_t call_budget = Sync::limits::call_budget;
  static constexpr std::size_t no_budget = std::numeric_limits<std::size_t>::max();
  // Keeps the references above zero while the pool's destructor adds up the handles.
  static constexpr std::uint64_t closing_bias = std::uint64_t{1} << 40;

  explicit pool_core(std::optional<nanoseconds> interval) noexcept : cycles_(interval) {}
  ~pool_core() override = default;

  shard_type& local(std::uint32_t cpu) noexcept {
    if (shard_type* const found = table_.find(cpu)) [[likely]]
      return *found;
    // The first array exists since create, so there is always some shard.
    return *table_.find_slow(cpu, cycles_.begun());
  }

  // Where no section takes effect. Not inlined, so that compilers inline the sections.
  template <interrupts others>
  [[gnu::noinline]] T* get_without_section() noexcept;
  [[gnu::noinline]] void put_without_section(T* item) noexcept;
  [[gnu::noinline]] T* get_slow(std::uint32_t cpu, shard_type& own, interrupts others) noexcept;
  [[gnu::noinline]] void make_room(shard_type& own) noexcept;
  [[gnu::noinline]] void push_all(shard_type& own, T* const* items, std::uint32_t count) noexcept;
  [[gnu::noinline]] void look_at_clock() noexcept;

  std::uint32_t search(std::uint32_t cpu, shard_type& own, T** out, std::uint32_t room,
                       interrupts others) noexcept;
  std::uint32_t pop_own(shard_type& own, T** out, std::uint32_t room, bool& looked) noexcept;
  static void deepen(shard_type& own, bool found_all, std::uint32_t most) noexcept;
  std::uint32_t refill_size(std::uint32_t cpu, shard_type& own) noexcept;
  T* keep_rest(shard_type& own, T* const* taken, std::uint32_t count) noexcept;
  void do_overdue(shard_type& own) noexcept;
  void catch_up(shard_type& own) noexcept;
  bool advance(shard_type& s, std::uint64_t target, std::size_t& budget,
               unsigned attempts) noexcept;
  bool advance_all(std::uint64_t target, std::size_t& budget, unsigned attempts) noexcept;
  static owner own_within(shard_type& s, unsigned attempts) noexcept;

  void drain() noexcept override;
  static bool drain_magazine(shard_type& s) noexcept;

  static void destroy_item(T* item) noexcept { std::unique_ptr<T, Deleter>{item}.reset(); }

  shard_table<T, Sync> table_;
  cycle_state<Sync> cycles_;

  // Apart from the table, which every get and put reads: a thread that counts takes the line away.
  alignas(shard_alignment) typename Sync::counter constructions_;
  typename Sync::counter busy_;
  typename Sync::counter victim_hits_;
  typename Sync::counter spills_;
  typename Sync::counter refused_memory_;
  typename Sync::counter late_returns_;
  typename Sync::counter cycle_destroyed_;
};

template <class T, class Deleter, sync_policy Sync>
auto pool_core<T, Deleter, Sync>::create(std::optional<nanoseconds> interval) noexcept
    -> pool_core* {
  void* const memory = Sync::allocate(sizeof(pool_core), alignof(pool_core));
  if (memory == nullptr) return nullptr;
  auto* const made = ::new (memory) pool_core(interval);
  if (made->table_.find_slow(Sync::cpu(), 0) == nullptr) {
    made->destroy();
    return nullptr;
  }
  return made;
}

template <class T, class Deleter, sync_policy Sync>
template <interrupts others>
T* pool_core<T, Deleter, Sync>::get_without_section() noexcept {
  const std::uint32_t cpu = Sync::cpu();
  shard_type& own = local(cpu);
  T* const item = own.take();
  if (item == nullptr) [[unlikely]]
    return get_slow(cpu, own, others);
  if (own.operations.tick()) [[unlikely]]
    look_at_clock();
  return item;
}

template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::put_without_section(T* item) noexcept {
  shard_type& own = local(Sync::cpu());
  if (Sync::sections::runs()) {
    while (own.own_magazine().deepen(shard_type::full_handful)) {
      if (table_.give(item)) return;
    }
    // Before the push: so that what is pushed is put after the cycles that have begun, not before.
    do_overdue(own);
    make_room(own);
    if (table_.give(item)) return;
    // The magazine is closed, or full again, or this thread is on another CPU by now.
    item = own.give(item);
    if (item == nullptr) return;
  } else {
    item = own.give(item);
    if (item == nullptr) [[likely]]
      return;
    do_overdue(own);  // as above
  }
  push_all(own, &item, 1);
}

// Moves items from the magazine, if it is open, to a ring, so that the next to be given lies on top.
// What is moved counts as put now.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::make_room(shard_type& own) noexcept {
  handful moved;
  T** const end = moved.data() + moved.size();
  T** const last = end - own.handful(shard_type::way::to_ring);
  T** oldest = end;
  std::uint64_t word = 0;
  // The newest comes first and goes to the back: they are pushed in the order they were put in.
  while (oldest != last) {
    T* const item = table_.take(word);
    if (item == nullptr) break;
    *--oldest = item;
  }
  if (oldest != end) push_all(own, oldest, static_cast<std::uint32_t>(end - oldest));
}

template <class T, class Deleter, sync_policy Sync>
T* pool_core<T, Deleter, Sync>::get_slow(std::uint32_t cpu, shard_type& own,
                                         interrupts others) noexcept {
  handful taken;
  const std::uint32_t wanted = refill_size(cpu, own);
  const std::uint32_t count = search(cpu, own, taken.data(), wanted, others);
  // After the search, not before: an overdue cycle destroys what the search may find. But before the
  // magazine gets the rest, so that it is put after the cycles that have begun.
  do_overdue(own);
  if (count == 0) return nullptr;
  return keep_rest(own, taken.data(), count);
}

template <class T, class Deleter, sync_policy Sync>
std::uint32_t pool_core<T, Deleter, Sync>::search(std::uint32_t cpu, shard_type& own, T** out,
                                                  std::uint32_t room, interrupts others) noexcept {
  bool looked = false;
  if (const std::uint32_t count = pop_own(own, out, room, looked)) {
    deepen(own, count == room, magazine<T, Sync>::capacity);
    return count;
  }
  const auto steal = [&](shard_type& s) {
    return looked && &s == &own ? 0 : s.steal_shared(out, room);
  };
  if (const std::uint32_t count = table_.find_first(cpu, steal)) {
    own.steals.add(1);
    deepen(own, count == room, shard_type::full_handful);
    return count;
  }
  if (const auto turns = cycles_.victims_to_search()) {
    if (T* const item = table_.find_first(cpu, [](auto& s) { return s.steal_victim(); })) {
      victim_hits_.add(1);
      out[0] = item;
      return 1;
    }
    cycles_.note_no_victims(*turns);
  }
  // Go cannot reach these; a factory that is worth a pool costs more than one look at each.
  // A thread without sections reaches no magazine in another way, that of its own CPU neither.
  const bool interrupt =
      others == interrupts::always || !Sync::sections::runs() || own.interrupting.tick();
  const auto steal_unshared = [interrupt](shard_type& s) {
    return interrupt ? s.steal_unshared() : s.steal_private();
  };
  if (T* const item = table_.find_first(cpu, steal_unshared)) {
    own.steals.add(1);
    out[0] = item;
    return 1;
  }
  own.misses.add(1);
  return 0;
}

// After a get has found as many items as it wanted, and so might have found more: lets the magazine
// have more the next time. Deep are only those whose CPU has taken back what it had put, since they
// were last closed: what lies in a magazine is out of cheap reach for other CPUs.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::deepen(shard_type& own, bool found_all,
                                         std::uint32_t most) noexcept {
  if (found_all && Sync::sections::runs()) own.own_magazine().deepen(most);
}

// The newest items of the own shard's ring. None also if its owner is another: then it has not been
// looked into, and a thief's way leads there.
template <class T, class Deleter, sync_policy Sync>
std::uint32_t pool_core<T, Deleter, Sync>::pop_own(shard_type& own, T** out, std::uint32_t room,
                                                   bool& looked) noexcept {
  if (!own.looks_shared()) return 0;
  if (owner held = own.try_own()) {
    looked = true;
    return held.pop(out, room);
  }
  busy_.add(1);
  return 0;
}

// How many items a get takes out of a ring: one, and as many as its magazine, if it has one, has
// room for.
template <class T, class Deleter, sync_policy Sync>
std::uint32_t pool_core<T, Deleter, Sync>::refill_size(std::uint32_t cpu,
                                                       shard_type& own) noexcept {
  if (!Sync::sections::runs() || !table_.reaches(cpu)) return 1;
  return std::min(own.handful(shard_type::way::from_ring), 1 + own.own_magazine().room());
}

// Returns the first item that a get has taken out of a ring, and gives the others to the magazine,
// so that the second is the next to be found; they count as put now. For what finds it full or
// closed after all there are the rings, in whatever order.
template <class T, class Deleter, sync_policy Sync>
T* pool_core<T, Deleter, Sync>::keep_rest(shard_type& own, T* const* taken,
                                          std::uint32_t count) noexcept {
  while (count != 1 && table_.give(taken[count - 1])) --count;
  if (count != 1) push_all(own, taken + 1, count - 1);
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
    if (owner spill = table_.own_spill(cycles_.begun())) {
      spills_.add(count);
      spill.skip_to(cycles_.begun());
      kept = spill.push(items, count);
    }
  }
  for (; kept != count; ++kept) {
    if (table_.give(items[kept])) continue;
    refused_memory_.add(1);
    destroy_item(items[kept]);
  }
}

// What a call that does not hit does for cycles: it destroys call_budget items at most.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::do_overdue(shard_type& own) noexcept {
  if (own.operations.tick()) {
    look_at_clock();
  } else {
    catch_up(own);
  }
}

// Begins a cycle if it is time, and does some of what is overdue anywhere.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::look_at_clock() noexcept {
  cycles_.begin_if_due();
  const std::uint64_t target = cycles_.begun();
  if (!cycles_.overdue() || !cycles_.claim_sweep(target)) return;
  std::size_t budget = call_budget;
  if (advance_all(target, budget, 1)) cycles_.note_swept(target);
  cycles_.end_sweep(target);
}

// Does some of what is overdue in the own shard.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::catch_up(shard_type& own) noexcept {
  const std::uint64_t target = cycles_.begun();
  if (own.cycle() >= target || !cycles_.claim_sweep(target)) return;
  std::size_t budget = call_budget;
  advance(own, target, budget, 1);
  cycles_.end_sweep(target);
}

template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::rotate() noexcept {
  const std::uint64_t target = cycles_.begin();
  std::size_t budget = no_budget;
  if (advance_all(target, budget, Sync::patience())) cycles_.note_swept(target);
}

// Advances every shard; false if one of them could not be.
template <class T, class Deleter, sync_policy Sync>
bool pool_core<T, Deleter, Sync>::advance_all(std::uint64_t target, std::size_t& budget,
                                              unsigned attempts) noexcept {
  bool all = true;
  table_.for_each([&](shard_type& s) { all = advance(s, target, budget, attempts) && all; });
  return all;
}

// Turns a shard until it has been through `target` cycles; destroys at most `budget` items for it,
// and takes them off the budget. False if the budget or the attempts to own the shard did not
// suffice. A shard without victims needs no budget: so one with many does not make the others late.
template <class T, class Deleter, sync_policy Sync>
bool pool_core<T, Deleter, Sync>::advance(shard_type& s, std::uint64_t target, std::size_t& budget,
                                          unsigned attempts) noexcept {
  while (s.cycle() < target) {
    std::array<T*, batch> doomed;
    std::uint32_t count = 0;
    bool turned = false;
    {
      owner held = own_within(s, attempts);
      if (!held) return false;
      // Only now is the number exact. Who came before may have done the work, and what is the
      // victim then is younger than this cycle.
      if (s.cycle() >= target) return true;
      count = held.take_victims(doomed.data(),
                                static_cast<std::uint32_t>(std::min<std::size_t>(budget, batch)));
      turned = held.victims_drained();
      if (turned && held.turn(target)) cycles_.note_turn();
    }
    for (std::uint32_t i = 0; i < count; ++i) destroy_item(doomed[i]);
    cycle_destroyed_.add(count);
    budget -= count;
    if (count == 0 && !turned) return false;
  }
  return true;
}

template <class T, class Deleter, sync_policy Sync>
auto pool_core<T, Deleter, Sync>::own_within(shard_type& s, unsigned attempts) noexcept -> owner {
  for (unsigned i = 1; i < attempts; ++i) {
    if (owner held = s.try_own()) return held;
    Sync::yield();
  }
  return s.try_own();
}

template <class T, class Deleter, sync_policy Sync>
pool_stats pool_core<T, Deleter, Sync>::stats() noexcept {
  pool_stats result;
  table_.for_each([&](shard_type& s) {
    result.steals += s.steals.value();
    result.misses += s.misses.value();
    result.retained += s.size();
  });
  result.constructions = constructions_.value();
  result.busy = busy_.value();
  result.victim_hits = victim_hits_.value();
  result.spills = spills_.value();
  result.refused_memory = refused_memory_.value();
  result.late_returns = late_returns_.value();
  result.cycles = cycles_.begun();
  result.cycle_destroyed = cycle_destroyed_.value();
  result.pin = Sync::pin();
  return result;
}

template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::end_borrow(shard_type& counted, T* item) noexcept {
  if (counted.closed()) {
    late_returns_.add(1);
    destroy_item(item);
    end_borrow(counted);
    return;
  }
  put(item);
  if (counted.end_borrow()) return;
  // Closed meanwhile: the destructor may have looked for items before this one was put.
  drain();
  this->drop_references(1);
}

// The handles that are out are counted in the shards until here, so that borrowing is cheap; here
// each becomes a reference. The bias covers those that come back between the marking and the sum.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::close() noexcept {
  pool_registry<Sync>::instance().retire(*this);
  this->add_references(closing_bias);
  std::uint64_t handles = 0;
  table_.for_each([&](shard_type& s) { handles += s.close_borrows(); });
  drain();
  this->drop_references(closing_bias - handles + 1);
}

// Destroys every item in the pool, also what the destructors put meanwhile. As a thief: no owner
// can be in its way.
template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::drain() noexcept {
  bool found = true;
  while (found) {
    found = false;
    table_.for_each([&](shard_type& s) {
      while (T* const item = s.steal_any()) {
        destroy_item(item);
        found = true;
      }
      found = drain_magazine(s) || found;
    });
  }
}

// Destroys what a magazine holds; true if that was anything. It stays closed, so that what comes
// back late goes where drain looks as a thief. One that has an owner is left to it: every owner in a
// closed pool drains it later, or destroy does.
template <class T, class Deleter, sync_policy Sync>
bool pool_core<T, Deleter, Sync>::drain_magazine(shard_type& s) noexcept {
  if (s.own_magazine().size() == 0) return false;
  std::array<T*, std::max(magazine<T, Sync>::capacity, 1U)> items;
  std::size_t count = 0;
  if (owner held = s.try_own()) count = held.close_magazine(items.data());
  for (std::size_t i = 0; i < count; ++i) destroy_item(items[i]);
  return count != 0;
}

template <class T, class Deleter, sync_policy Sync>
void pool_core<T, Deleter, Sync>::destroy() noexcept {
  bool found = true;
  while (found) {
    drain();
    // What is left if the kernel has refused to restart sections, or an owner was in the way; what its
    // destructors put is for the next round.
    found = false;
    table_.for_each([&](shard_type& s) {
      while (T* const item = s.own_magazine().pop_exclusive()) {
        destroy_item(item);
        found = true;
      }
    });
  }
  this->~pool_core();
  Sync::deallocate(this, sizeof(pool_core), alignof(pool_core));
}

}  // namespace poolproof

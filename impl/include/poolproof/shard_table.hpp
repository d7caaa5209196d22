// The shards of a pool: an array indexed by CPU, which can grow, and spill shards for the times
// when every ring is owned (Go's local and localSize, pin and pinSlow).
//
//     size_   array_ ---> [ shard 0 | shard 1 | ... ]     one per CPU; the newest serves
//     reach_              [ found ]                       which of them may hold something
//                           next --> older arrays         what they hold is stolen, and cycled
//             spills_ --> [ shard ] --> [ shard ] ...     claimed by exchange; no private part
//
// Who owns what
//   I1. Whoever reads a size finds an array at least that long, and its shards initialised: the
//       array is published before the size, and read after it.
//   I2. Arrays and spill shards are only ever added. A reference to a shard stays good, and no item
//       is lost, until the table is destroyed.
//   I3. A shard that holds an item has been found before, and is marked so: whoever knows that the
//       item is there sees the mark. A search passes over shards that are not marked: so its length
//       follows the CPUs that use the pool, and not those that there are.
//   I4. One thread at a time grows the arrays. A thread that finds another at it does not wait, but
//       uses some shard that exists: each is as correct as any other.
//
// Stands on: shard, pin, sync.
#pragma once

#include <poolproof/pin.hpp>
#include <poolproof/shard.hpp>
#include <poolproof/sync.hpp>

#include <algorithm>
#include <bit>

namespace poolproof {

// Some shards in one block of memory, which of them have been found, and a link to the blocks that
// came before.
template <class T, sync_policy Sync>
class shard_array {
 public:
  using shard_type = shard<T, Sync>;

  // Shards that take part in the cycles after `cycle`, or null if memory is refused.
  static shard_array* create(std::uint32_t size, std::uint64_t cycle, shard_array* next) noexcept {
    void* const memory = Sync::allocate(bytes(size), alignof(shard_array));
    if (memory == nullptr) return nullptr;
    auto* const made = ::new (memory) shard_array(size, next);
    for (std::uint32_t i = 0; i < size; ++i) ::new (made->shards() + i) shard_type(cycle);
    return made;
  }

  // Exclusive. Destroys this array and all that it links to.
  static void destroy_all(shard_array* newest) noexcept {
    while (newest != nullptr) destroy(std::exchange(newest, newest->next()));
  }

  std::uint32_t size() const noexcept { return size_.get(); }
  shard_type* shards() noexcept { return reinterpret_cast<shard_type*>(this + 1); }
  shard_array* next() const noexcept { return next_.get(); }
  shard_type& operator[](std::uint32_t index) noexcept { return shards()[index]; }

  // Before the array is published only.
  void set_next(shard_array* next) noexcept { next_.set(next); }

  // Makes searches come to a shard from now on. Anyone; wait-free.
  void mark_found(std::uint32_t index) noexcept {
    const std::uint64_t mark = std::uint64_t{1} << index % marks;
    // [mark_found.look] relaxed: coherence with [mark_found.set]; a mark stays, and who knows of
    // this thread's items sees what it has seen.
    if ((found_.load(std::memory_order_relaxed) & mark) != 0) return;
    // [mark_found.set] relaxed: coherence with [visit_found.read]; a search that knows of an item
    // of this shard cannot read an older value.
    found_.fetch_or(mark, std::memory_order_relaxed);
  }

  // Calls visit(shard) for the shards that have been found, and for those that share their marks,
  // until a call returns something that is true; returns that. It begins with the mark of `start`
  // and goes round. Anyone; wait-free but for the visits.
  template <class Visit>
  auto visit_found(std::uint32_t start, Visit& visit) noexcept {
    decltype(visit((*this)[0])) result{};
    // [visit_found.read] relaxed: coherence with [mark_found.set]; shards that it misses hold
    // nothing that this thread knows of.
    std::uint64_t left =
        std::rotr(found_.load(std::memory_order_relaxed), static_cast<int>(start % marks));
    for (; left != 0 && !result; left &= left - 1) {
      const auto mark = static_cast<std::uint32_t>(std::countr_zero(left));
      for (std::uint32_t i = (start + mark) % marks; i < size() && !result; i += marks) {
        result = visit((*this)[i]);
      }
    }
    return result;
  }

 private:
  shard_array(std::uint32_t size, shard_array* next) noexcept : size_(size), next_(next) {}
  ~shard_array() = default;

  static void destroy(shard_array* array) noexcept {
    const std::uint32_t size = array->size();
    std::destroy_n(array->shards(), size);
    array->~shard_array();
    Sync::deallocate(array, bytes(size), alignof(shard_array));
  }

  static constexpr std::size_t bytes(std::uint32_t size) noexcept {
    return sizeof(shard_array) + size * sizeof(shard_type);
  }

  // A mark stands for every 64th shard.
  static constexpr std::uint32_t marks = 64;

  alignas(alignof(shard_type)) typename Sync::template var<std::uint32_t> size_;
  typename Sync::template var<shard_array*> next_;
  typename Sync::template atomic<std::uint64_t> found_{0};
};

template <class T, sync_policy Sync = std_sync>
class shard_table {
 public:
  using shard_type = shard<T, Sync>;
  using owner = typename shard_type::owner;

  // No CPU number beyond this gets a shard of its own; two of them may then share one.
  static constexpr std::uint32_t max_size = 4096;

  shard_table() noexcept = default;
  shard_table(const shard_table&) = delete;
  shard_table& operator=(const shard_table&) = delete;

  // Exclusive. The items that the shards still point to are the caller's affair.
  ~shard_table() {
    // [destroy_table.arrays] relaxed: exclusive.
    array::destroy_all(array_.load(std::memory_order_relaxed));
    // [destroy_table.spills] relaxed: exclusive.
    array::destroy_all(spills_.load(std::memory_order_relaxed));
  }

  // Takes an item from the current CPU's magazine and tells its word, or null: it is empty or closed,
  // or sections do not reach it. Anyone; lock-free.
  [[gnu::always_inline]] inline T* take(std::uint64_t& word) noexcept {
    if constexpr (!sections::compiled) return nullptr;
    const std::uint32_t size = reach();
    return sections::take(newest_shards(), size, word);
  }

  // Gives an item to it. False in the same cases, or if it is full. Anyone; lock-free.
  [[gnu::always_inline]] inline bool give(T* item) noexcept {
    if constexpr (!sections::compiled) return false;
    const std::uint32_t size = reach();
    return sections::give(newest_shards(), size, item);
  }

  // Whether sections on this CPU have a magazine. Anyone; wait-free; a hint.
  bool reaches(std::uint32_t cpu) const noexcept { return cpu < reach(); }

  // The shard of a CPU, or null if the array is not that long; searches come to it from now on.
  // Anyone; wait-free.
  shard_type* find(std::uint32_t cpu) noexcept {
    // [pin.size] acquire: pairs with [grow.size]; so that the array read next is at least this long
    // (I1).
    if (cpu >= size_.load(std::memory_order_acquire)) return nullptr;
    // The size does not vouch for the contents: the array may be a newer one, whose size is not yet
    // out.
    // [pin.array] acquire: pairs with [grow.array]; so that the shards are initialised (I1).
    array& found = *array_.load(std::memory_order_acquire);
    found.mark_found(cpu);
    return &found[cpu];
  }

  // A shard for a CPU that find did not know: its own, after growing the array, or some other one
  // if the array cannot grow now. Null only if there is none yet and memory is refused. New shards
  // take part in the cycles after `cycle`. Anyone; lock-free but for the allocator.
  [[gnu::noinline]] shard_type* find_slow(std::uint32_t cpu, std::uint64_t cycle) noexcept {
    if (cpu < max_size) grow(cpu + 1, cycle);
    // [pin_slow.size] relaxed: hint, rechecked by [pin.size]; sizes only grow.
    const std::uint32_t size = size_.load(std::memory_order_relaxed);
    return size == 0 ? nullptr : find(cpu % size);
  }

  // The owner of a spill shard, which is added if all are owned; an empty owner if memory is
  // refused. Anyone; lock-free but for the allocator; it visits about as many shards as threads have
  // ever been inside at once: one that goes from shard to shard may be met in several.
  owner own_spill(std::uint64_t cycle) noexcept {
    // [own_spill.walk] acquire: pairs with [add_spill.link]; so that the shards are initialised.
    for (array* a = spills_.load(std::memory_order_acquire); a != nullptr; a = a->next()) {
      if (owner own = (*a)[0].try_own()) return own;
    }
    return add_spill(cycle);
  }

  // Calls visit(shard) for every shard that may hold an item (I3), beginning after that of `cpu` and
  // ending with the spill shards, until a call returns something that is true; returns that.
  // Anyone; wait-free but for the visits and for shards that are added meanwhile, which may be left
  // out.
  template <class Visit>
  auto find_first(std::uint32_t cpu, Visit visit) noexcept {
    // [find_first.arrays] acquire: pairs with [grow.array]; so that the shards are initialised
    // (I1).
    auto found = find_in(array_.load(std::memory_order_acquire), cpu + 1, visit);
    if (found) return found;
    // [find_first.spills] acquire: pairs with [add_spill.link]; so that the shards are initialised.
    return find_in(spills_.load(std::memory_order_acquire), 0, visit);
  }

  // Calls visit(shard) for every shard, whether it may hold an item or not. Anyone; as find_first.
  template <class Visit>
  void for_each(Visit visit) noexcept {
    const auto visit_all = [&](array* newest) {
      for (array* a = newest; a != nullptr; a = a->next()) {
        for (std::uint32_t i = 0; i < a->size(); ++i) visit((*a)[i]);
      }
    };
    // [for_each.arrays] acquire: pairs with [grow.array]; so that the shards are initialised (I1).
    visit_all(array_.load(std::memory_order_acquire));
    // [for_each.spills] acquire: pairs with [add_spill.link]; so that the shards are initialised.
    visit_all(spills_.load(std::memory_order_acquire));
  }

 private:
  using array = shard_array<T, Sync>;
  using sections = typename Sync::sections;

  // How many shards of the array that is read next sections reach.
  std::uint32_t reach() const noexcept {
    // [reach.size] acquire: pairs with [grow.reach]; so that the array is at least this long (I1).
    return reach_.load(std::memory_order_acquire);
  }

  shard_type* newest_shards() noexcept {
    // [reach.array] acquire: pairs with [grow.array]; so that the shards are initialised (I1).
    return array_.load(std::memory_order_acquire)->shards();
  }

  template <class Visit>
  static auto find_in(array* newest, std::uint32_t start, Visit& visit) noexcept {
    decltype(visit((*newest)[0])) found{};
    for (array* a = newest; a != nullptr && !found; a = a->next()) {
      found = a->visit_found(start, visit);
    }
    return found;
  }

  void grow(std::uint32_t needed, std::uint64_t cycle) noexcept;
  owner add_spill(std::uint64_t cycle) noexcept;

  typename Sync::template atomic<std::uint32_t> reach_{0};
  typename Sync::template atomic<std::uint32_t> size_{0};
  ownership<Sync> growing_;
  typename Sync::template atomic<array*> array_{nullptr};
  typename Sync::template atomic<array*> spills_{nullptr};
};

// Makes the array at least `needed` long, if memory allows and no other thread is growing it.
template <class T, sync_policy Sync>
void shard_table<T, Sync>::grow(std::uint32_t needed, std::uint64_t cycle) noexcept {
  if (!growing_.try_own()) return;
  // [grow.read] relaxed: owner-only; the last grower has handed over by [release.hand_over].
  const std::uint32_t size = size_.load(std::memory_order_relaxed);
  if (needed > size) {
    const std::uint32_t longer =
        size == 0 ? (std::max)(needed, Sync::cpu_count()) : std::bit_ceil(needed);
    // [grow.last] relaxed: owner-only; as [grow.read].
    array* const last = array_.load(std::memory_order_relaxed);
    if (array* const added = array::create(longer, cycle, last)) {
      // [grow.array] release: pairs with [pin.array], [reach.array], [find_first.arrays],
      // [for_each.arrays]; so that
      // whoever finds the array finds its shards initialised.
      array_.store(added, std::memory_order_release);
      // [grow.size] release: pairs with [pin.size]; so that whoever sees the size
      // finds an array of at least that length (I1).
      size_.store(longer, std::memory_order_release);
      if constexpr (sections::compiled) {
        // [grow.reach] release: pairs with [reach.size]; so that whoever sees the size finds an
        // array of at least that length (I1).
        reach_.store(sections::usable() ? longer : 0, std::memory_order_release);
      }
    }
  }
  growing_.release();
}

// Adds a spill shard and returns its owner.
template <class T, sync_policy Sync>
auto shard_table<T, Sync>::add_spill(std::uint64_t cycle) noexcept -> owner {
  array* const added = array::create(1, cycle, nullptr);
  if (added == nullptr) return {};
  added->mark_found(0);
  owner own = (*added)[0].try_own();
  // [add_spill.read] relaxed: hint, rechecked by [add_spill.link]; the pointer is not followed.
  array* newest = spills_.load(std::memory_order_relaxed);
  do {
    added->set_next(newest);
    // What `newest` links to was published by its own adder, and every later link continues that
    // release: nothing is acquired here, for nothing is followed.
    // [add_spill.link] release: pairs with [own_spill.walk], [find_first.spills],
    // [for_each.spills]; so that whoever
    // finds the shard finds it initialised.
    // [add_spill.link.fail] relaxed: hint, rechecked by [add_spill.link].
  } while (!spills_.compare_exchange_weak(newest, added, std::memory_order_release,
                                          std::memory_order_relaxed));
  return own;
}

}  // namespace poolproof

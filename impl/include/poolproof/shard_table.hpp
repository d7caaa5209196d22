// SPDX-License-Identifier: MIT
// The shards of a pool: one for each CPU, and spill shards for the times when every ring is owned
// (Go's local and localSize, pin and pinSlow).
//
//     cpus_   ---> [ found | shard 0 | shard 1 | ... ]   one per CPU that the machine may have
//     spills_ ---> [ found | shard ] ---> [ found | shard ] ...     claimed by exchange
//
// The block of the CPUs is made at once, as memory of zeros of which the system gives pages where
// they are first written. A shard of zeros is one that nobody has used: it begins when its CPU
// first looks for it. So memory, searches and cycles follow the CPUs that use the pool, and not
// those that there are.
//
// Who owns what
//   I1. Whoever reads a reach finds the first shard of an array of at least that length: the first
//       is published before the reach, and read after it. Neither changes once it is set.
//   I2. Blocks are only ever added. A reference to a shard stays good, and no item is lost, until
//       the table is destroyed.
//   I3. A shard that holds an item has begun, and is marked as found: whoever knows that the item
//       is there sees the mark. What is not marked is not visited.
//   I4. A shard is begun by its owner. A thread that finds another at it does not wait, but uses
//       the shard that was begun first: each is as correct as any other.
//
// Stands on: shard, pin, sync.
#pragma once

#include <poolproof/pin.hpp>
#include <poolproof/shard.hpp>
#include <poolproof/sync.hpp>

#include <algorithm>
#include <bit>

namespace poolproof {

// What a section begins with: where the shards of the CPUs are, and how many of them sections
// reach; none before show. It lies in the pool, so that a hit reads no other line on its way to the
// magazine, and in its core, for the handles that outlive the pool.
template <class T, sync_policy Sync>
class near_shards {
 public:
  using item_type = T;
  using shard_type = shard<T, Sync>;
  using magazine_type = typename shard_type::magazine_type;

  // Wait-free. Every call shows the same.
  void show(shard_type* first, std::uint32_t reach) noexcept {
    // [show.first] relaxed: ordered by [show.reach].
    first_.store(first, std::memory_order_relaxed);
    // [show.reach] release: pairs with [near_reach.read]; so that whoever sees the reach finds the
    // first shard, and the shards as they were made (I1).
    reach_.store(reach, std::memory_order_release);
  }

  // As another one shows, if that shows anything yet: else its first shard is not known either.
  void show(const near_shards& shown) noexcept {
    if (const std::uint32_t reach = shown.reach()) show(shown.first(), reach);
  }

  // How many shards sections reach, from the one that is read next. Anyone; wait-free.
  std::uint32_t reach() const noexcept {
    // [near_reach.read] acquire: pairs with [show.reach]; so that the first shard read next is
    // there, and all of them as they were made (I1).
    return reach_.load(std::memory_order_acquire);
  }
  shard_type* first() const noexcept {
    // [near_first.read] relaxed: ordered by [near_reach.read]; it is written once.
    return static_cast<shard_type*>(first_.load(std::memory_order_relaxed));
  }

  // For the assembly, which reads them itself, in this order.
  const auto& first_word() const noexcept { return first_; }
  const auto& reach_word() const noexcept { return reach_; }

 private:
  typename Sync::template atomic<void*> first_{nullptr};
  typename Sync::template atomic<std::uint32_t> reach_{0};
};

// Some shards in one block of memory, which of them have been found, and a link to the block that
// was added before.
template <class T, sync_policy Sync>
class shard_block {
 public:
  using shard_type = shard<T, Sync>;

  // Shards that nobody has found, or null if memory is refused.
  static shard_block* create(std::uint32_t size) noexcept {
    void* const memory = Sync::allocate_zeroed(bytes(size), alignof(shard_type));
    if (memory == nullptr) return nullptr;
    auto* const made = ::new (memory) shard_block(size);
    if constexpr (!Sync::zeros_are_objects) {
      for (std::uint32_t i = 0; i < words(size); ++i) ::new (made->found() + i) word_type(0);
      for (std::uint32_t i = 0; i < size; ++i) ::new (made->shards() + i) shard_type;
    }
    return made;
  }

  // Exclusive. Destroys this block and all that it links to.
  static void destroy_all(shard_block* newest) noexcept {
    while (newest != nullptr) destroy(std::exchange(newest, newest->next()));
  }

  std::uint32_t size() const noexcept { return size_.get(); }
  shard_type* shards() noexcept { return shards_.get(); }
  shard_type& operator[](std::uint32_t index) noexcept { return shards()[index]; }

  shard_block* next() const noexcept { return next_.get(); }
  // Before the block is published only.
  void set_next(shard_block* next) noexcept { next_.set(next); }

  // Whether searches come to a shard. Anyone; wait-free.
  bool is_found(std::uint32_t index) noexcept {
    // [is_found.look] relaxed: coherence with [mark_found.set]; a mark stays, and who knows of
    // this thread's items sees what it has seen.
    return (found()[index / marks].load(std::memory_order_relaxed) & mark(index)) != 0;
  }

  // Makes searches come to a shard from now on. False if the block was closed before: then it does
  // not, and the shard must not be used. Anyone; lock-free.
  [[nodiscard]] bool mark_found(std::uint32_t index) noexcept {
    word_type& word = found()[index / marks];
    // [mark_found.read] relaxed: hint, rechecked by [mark_found.set].
    std::uint64_t seen = word.load(std::memory_order_relaxed);
    while ((seen & closed) == 0) {
      // [mark_found.set] relaxed: coherence with [visit_found.read], [block_close.set]; a search
      // that knows of an item of this shard cannot read an older value, nor does who closes the
      // block.
      // [mark_found.set.fail] relaxed: hint, rechecked by [mark_found.set].
      if (word.compare_exchange_strong(seen, seen | mark(index), std::memory_order_relaxed,
                                       std::memory_order_relaxed)) {
        return true;
      }
    }
    return false;
  }

  // Lets no shard begin any more: those that this thread visits from now on are all. Anyone;
  // wait-free.
  void close() noexcept {
    for (std::uint32_t i = 0; i != words(size()); ++i) {
      // [block_close.set] relaxed: coherence with [mark_found.set]; of a mark and the closing, each
      // is before the other.
      found()[i].fetch_or(closed, std::memory_order_relaxed);
    }
  }

  // Calls visit(shard) for the shards that have been found, until a call returns something that is
  // true; returns that. It begins with `start` and goes round, 32 shards after 32. Anyone;
  // wait-free but for the visits.
  template <class Visit>
  auto visit_found(std::uint32_t start, Visit& visit) noexcept {
    decltype(visit((*this)[0])) result{};
    const std::uint32_t count = words(size());
    for (std::uint32_t i = 0; i != count && !result; ++i) {
      const std::uint32_t word = (start / marks + i) % count;
      // [visit_found.read] relaxed: coherence with [mark_found.set]; shards that it misses hold
      // nothing that this thread knows of.
      const std::uint64_t marked = found()[word].load(std::memory_order_relaxed);
      auto left = std::rotr(static_cast<std::uint32_t>(marked), static_cast<int>(start % marks));
      for (; left != 0 && !result; left &= left - 1) {
        const auto ahead = static_cast<std::uint32_t>(std::countr_zero(left));
        result = visit((*this)[word * marks + (start + ahead) % marks]);
      }
    }
    return result;
  }

 private:
  using word_type = typename Sync::template atomic<std::uint64_t>;

  explicit shard_block(std::uint32_t size) noexcept
      : shards_(reinterpret_cast<shard_type*>(reinterpret_cast<char*>(this) + shards_at(size))),
        size_(size) {}
  ~shard_block() = default;

  static void destroy(shard_block* block) noexcept {
    const std::uint32_t size = block->size();
    if constexpr (!Sync::zeros_are_objects) {
      std::destroy_n(block->shards(), size);
      std::destroy_n(block->found(), words(size));
    } else {
      // A shard that has not begun has nothing to destroy, and is not touched.
      const auto end = [](shard_type& s) {
        std::destroy_at(&s);
        return false;
      };
      block->visit_found(0, end);
    }
    block->~shard_block();
    Sync::deallocate_zeroed(block, bytes(size), alignof(shard_type));
  }

  // Behind the block lie the words of marks, and behind those the shards, none of them in two
  // pages.
  word_type* found() noexcept { return reinterpret_cast<word_type*>(this + 1); }
  static constexpr std::uint32_t marks = 32;  // a word, in its low half
  static constexpr std::uint64_t closed = std::uint64_t{1} << 32;
  static constexpr std::uint64_t mark(std::uint32_t index) noexcept {
    return std::uint64_t{1} << index % marks;
  }
  static constexpr std::uint32_t words(std::uint32_t size) noexcept {
    return (size + marks - 1) / marks;
  }
  static constexpr std::size_t shards_at(std::uint32_t size) noexcept {
    const std::size_t end = sizeof(shard_block) + words(size) * sizeof(word_type);
    return (end + sizeof(shard_type) - 1) / sizeof(shard_type) * sizeof(shard_type);
  }
  static constexpr std::size_t bytes(std::uint32_t size) noexcept {
    return shards_at(size) + size * sizeof(shard_type);
  }

  // As the words of marks, which follow.
  alignas(word_type) typename Sync::template var<shard_type*> shards_;
  typename Sync::template var<shard_block*> next_{nullptr};
  typename Sync::template var<std::uint32_t> size_;
};

template <class T, sync_policy Sync = std_sync>
class shard_table {
 public:
  using shard_type = shard<T, Sync>;
  using owner = typename shard_type::owner;

  // No CPU number beyond this gets a shard of its own; some of them then share one.
  static constexpr std::uint32_t max_size = 4096;

  shard_table() noexcept = default;
  shard_table(const shard_table&) = delete;
  shard_table& operator=(const shard_table&) = delete;

  // Exclusive. The items that the shards still point to are the caller's affair.
  ~shard_table() {
    block::destroy_all(cpus_.get());
    // [table_end.spills] relaxed: exclusive.
    block::destroy_all(spills_.load(std::memory_order_relaxed));
  }

  // Makes the shards, and begins that of `cpu`. False if memory is refused: the table can then only
  // be destroyed. Exclusive; once, before all that is below.
  [[nodiscard]] bool create(std::uint32_t cpu) noexcept {
    const std::uint32_t size = std::clamp(Sync::cpu_count(), 1U, max_size);
    block* const made = block::create(size);
    if (made == nullptr) return false;
    cpus_.set(made);
    home_.set(cpu % size);
    static_cast<void>(made->mark_found(cpu % size));
    near_.show(made->shards(), Sync::sections::usable() ? size : 0);
    return true;
  }

  // What sections begin with. Anyone.
  const near_shards<T, Sync>& reachable() const noexcept { return near_; }

  // The shard of a CPU, or of one that shares it; null if it has not begun. Anyone; wait-free.
  shard_type* find(std::uint32_t cpu) noexcept {
    block& cpus = *cpus_.get();
    if (cpu >= cpus.size()) [[unlikely]]
      cpu %= cpus.size();
    return cpus.is_found(cpu) ? &cpus[cpu] : nullptr;
  }

  // The shard of a CPU that find did not know, which begins with this call and takes part in the
  // cycles after `cycle`; or the first that was begun, while another thread is beginning it, or if
  // the table is closed. Anyone; lock-free: a mark may be set by others meanwhile.
  [[gnu::noinline]] shard_type& find_slow(std::uint32_t cpu, std::uint64_t cycle) noexcept;

  // The owner of a spill shard, which is added if all are owned; an empty owner if memory is
  // refused. Anyone; lock-free but for the allocator; it visits about as many shards as threads
  // have ever been inside at once: one that goes from shard to shard may be met in several.
  owner own_spill() noexcept {
    // [own_spill.walk] acquire: pairs with [add_spill.link]; so that the shards are initialised.
    for (block* b = spills_.load(std::memory_order_acquire); b != nullptr; b = b->next()) {
      if (owner own = (*b)[0].try_own()) return own;
    }
    return add_spill();
  }

  // Calls visit(shard) for every shard that may hold an item (I3), beginning after that of `cpu`
  // and ending with the spill shards, until a call returns something that is true; returns that.
  // Anyone; wait-free but for the visits and for shards that are added meanwhile, which may be left
  // out.
  template <class Visit>
  auto find_first(std::uint32_t cpu, Visit visit) noexcept {
    return visit_from(cpu + 1, visit);
  }

  // Calls visit(shard) for all of them. Anyone; as find_first.
  template <class Visit>
  void for_each(Visit visit) noexcept {
    visit_from(0, [&](shard_type& s) {
      visit(s);
      return false;
    });
  }

  // Lets no shard of a CPU begin any more: for_each then visits all that ever will be used. Anyone;
  // wait-free.
  void close() noexcept { cpus_.get()->close(); }

 private:
  using block = shard_block<T, Sync>;

  template <class Visit>
  auto visit_from(std::uint32_t start, Visit visit) noexcept {
    auto found = cpus_.get()->visit_found(start, visit);
    // [visit_from.spills] acquire: pairs with [add_spill.link]; so that the shards are initialised.
    for (block* b = spills_.load(std::memory_order_acquire); b != nullptr && !found;
         b = b->next()) {
      found = b->visit_found(0, visit);
    }
    return found;
  }

  owner add_spill() noexcept;

  near_shards<T, Sync> near_;
  typename Sync::template var<block*> cpus_{nullptr};
  typename Sync::template var<std::uint32_t> home_;  // the shard that was begun first
  typename Sync::template atomic<block*> spills_{nullptr};
};

template <class T, sync_policy Sync>
auto shard_table<T, Sync>::find_slow(std::uint32_t cpu, std::uint64_t cycle) noexcept
    -> shard_type& {
  block& cpus = *cpus_.get();
  const std::uint32_t index = cpu % cpus.size();
  if (owner beginner = cpus[index].try_own()) {
    // Also where another thread has been here, and not yet marked the shard.
    if (!cpus.is_found(index)) beginner.skip_to(cycle);
  } else {
    return cpus[home_.get()];
  }
  // Not while it is owned: who sees the mark finds the shard free. And before it gets an item (I3).
  return cpus.mark_found(index) ? cpus[index] : cpus[home_.get()];
}

// Adds a spill shard and returns its owner.
template <class T, sync_policy Sync>
auto shard_table<T, Sync>::add_spill() noexcept -> owner {
  block* const added = block::create(1);
  if (added == nullptr) return {};
  static_cast<void>(added->mark_found(0));
  owner own = (*added)[0].try_own();
  // [add_spill.read] relaxed: hint, rechecked by [add_spill.link]; the pointer is not followed.
  block* newest = spills_.load(std::memory_order_relaxed);
  do {
    added->set_next(newest);
    // What `newest` links to was published by its own adder, and every later link continues that
    // release: nothing is acquired here, for nothing is followed.
    // [add_spill.link] release: pairs with [own_spill.walk], [visit_from.spills]; so that whoever
    // finds the shard finds it initialised.
    // [add_spill.link.fail] relaxed: hint, rechecked by [add_spill.link].
  } while (!spills_.compare_exchange_weak(newest, added, std::memory_order_release,
                                          std::memory_order_relaxed));
  return own;
}

}  // namespace poolproof

// Cycles and victims: when a pool's shards are due to turn, and which pools the process has (what
// Go's runtime does with poolCleanup, allPools and oldPools).
//
// A cycle of a pool is begun by counting it. Each shard that is behind the count is due to turn,
// once for each cycle that it missed: that is the only mark there is, so a shard that could not be
// turned, because its owner is inside, is caught up by whoever comes next.
//
// Who owns what
//   I1. begun_ only grows. A shard that has been through as many cycles has nothing left to do.
//   I2. If turns_ has not changed since all victims were found empty, they still are.
//   I3. An entry comes into inbox_ once its pool has been published, without the mutex; from there
//       into the list, under the mutex, where it stays until nobody refers to it. An entry's links
//       are its adder's until it is in inbox_, and the mutex holder's from then on.
//   I4. A reference to an entry is taken under the mutex, from an entry that is not retired: so the
//       pool's own reference is still there.
//
// Stands on: sync.
#pragma once

#include <poolproof/sync.hpp>

#include <mutex>
#include <optional>

namespace poolproof {

// Default visibility, so that all shared libraries of a process share one registry. Said here, for
// the first declaration decides.
template <sync_policy Sync>
class [[gnu::visibility("default")]] pool_entry;
template <sync_policy Sync>
class [[gnu::visibility("default")]] pool_registry;

// The cycles of one pool.
template <sync_policy Sync = std_sync>
class cycle_state {
 public:
  using nanoseconds = std::chrono::nanoseconds;

  // Automatic cycles every `interval` from now on; no value, none.
  explicit cycle_state(std::optional<nanoseconds> interval) noexcept
      : interval_(interval), deadline_(interval ? after(*interval) : 0) {}

  // How many cycles have begun. Anyone; wait-free.
  std::uint64_t begun() const noexcept {
    // [begun.read] relaxed: counter; a shard that is turned late is turned by whoever sees it
    // later.
    return begun_.load(std::memory_order_relaxed);
  }

  // Begins a cycle and returns its number. Anyone; wait-free.
  std::uint64_t begin() noexcept {
    // [begin.count] relaxed: counter; the work is done under each shard's ownership.
    return begun_.fetch_add(1, std::memory_order_relaxed) + 1;
  }

  // Begins a cycle if automatic ones are on and the interval is over. Anyone; wait-free; of several
  // callers at once, one begins it.
  void begin_if_due() noexcept {
    if (!interval_) return;
    // [begin_if_due.read] relaxed: hint, rechecked by [begin_if_due.claim].
    std::uint64_t deadline = deadline_.load(std::memory_order_relaxed);
    if (now() < deadline) return;
    // [begin_if_due.claim] relaxed: counter; the swap alone decides who begins the cycle.
    // [begin_if_due.claim.fail] relaxed: hint, rechecked by [begin_if_due.claim]; another call has
    // begun it.
    if (deadline_.compare_exchange_strong(deadline, after(*interval_), std::memory_order_relaxed,
                                          std::memory_order_relaxed)) {
      begin();
    }
  }

  // True if some shard may be due to turn. Anyone; wait-free.
  bool overdue() const noexcept {
    // [overdue.read] relaxed: hint, rechecked by [cycle.read]; each shard knows its own cycle, and
    // who is told too early that nothing is due is told otherwise the next time.
    return swept_.load(std::memory_order_relaxed) != begun();
  }

  // Claims the overdue work for the caller: so that a destructor that uses the pool does not do
  // overdue work in its turn, ever deeper. False while another call has claimed it for the same
  // cycle; a claim that is never given up, as in a forked child, lasts until the next cycle begins.
  // Anyone; wait-free.
  [[nodiscard]] bool claim_sweep(std::uint64_t cycle) noexcept {
    // [claim_sweep.read] relaxed: hint, rechecked by [claim_sweep.swap].
    std::uint64_t claimed = sweeper_.load(std::memory_order_relaxed);
    if (claimed >= cycle) return false;
    // [claim_sweep.swap] relaxed: counter; the claim guards no data, each shard has an owner for
    // that.
    // [claim_sweep.swap.fail] relaxed: hint, rechecked by [claim_sweep.swap]; another call was
    // faster.
    return sweeper_.compare_exchange_strong(claimed, cycle, std::memory_order_relaxed,
                                            std::memory_order_relaxed);
  }

  // Gives up the claim for `cycle`, unless a later one has taken its place. Wait-free.
  void end_sweep(std::uint64_t cycle) noexcept {
    // [end_sweep.swap] relaxed: counter; as [claim_sweep.swap].
    // [end_sweep.swap.fail] relaxed: counter; a later claim has taken its place.
    sweeper_.compare_exchange_strong(cycle, 0, std::memory_order_relaxed,
                                     std::memory_order_relaxed);
  }

  // Notes that every shard has been through `cycle` cycles. Anyone; wait-free.
  void note_swept(std::uint64_t cycle) noexcept {
    // [note_swept.store] relaxed: hint, rechecked by [cycle.read]; an older number only makes
    // somebody look again.
    swept_.store(cycle, std::memory_order_relaxed);
  }

  // Notes that a shard has turned and has victims. Its owner; wait-free.
  void note_turn() noexcept {
    // [note_turn.count] release: pairs with [victims_changed.read]; so that whoever sees the count
    // looks for the victims in the right chain (I2).
    turns_.fetch_add(1, std::memory_order_release);
  }

  // A number that changes with every note_turn: what a thread that finds no victims hands to
  // note_no_victims. Empty if nothing was added to any victim since all were found empty.
  // Wait-free.
  std::optional<std::uint64_t> victims_to_search() const noexcept {
    // [victims_changed.read] acquire: pairs with [note_turn.count]; so that the search sees every
    // turn that it speaks of (I2).
    const std::uint64_t turns = turns_.load(std::memory_order_acquire);
    // [victims_changed.last] relaxed: counter; victims only shrink between turns, so the same
    // number means the same answer, whoever found it.
    if (turns == empty_at_.load(std::memory_order_relaxed)) return std::nullopt;
    return turns;
  }

  // Remembers that the victims, searched after victims_to_search had returned `turns`, were empty.
  void note_no_victims(std::uint64_t turns) noexcept {
    // [note_no_victims.store] relaxed: counter; as [victims_changed.last].
    empty_at_.store(turns, std::memory_order_relaxed);
  }

 private:
  static std::uint64_t now() noexcept { return static_cast<std::uint64_t>(Sync::now().count()); }

  // The longest interval is 292 years, and so is the clock's half of the range: the sum has room.
  static std::uint64_t after(nanoseconds interval) noexcept {
    return now() + static_cast<std::uint64_t>(interval.count());
  }

  const std::optional<nanoseconds> interval_;
  typename Sync::template atomic<std::uint64_t> begun_{0};
  typename Sync::template atomic<std::uint64_t> swept_{0};
  typename Sync::template atomic<std::uint64_t> sweeper_{0};  // the cycle that is being swept, or 0
  typename Sync::template atomic<std::uint64_t> turns_{0};
  typename Sync::template atomic<std::uint64_t> empty_at_{0};
  typename Sync::template atomic<std::uint64_t> deadline_;  // nanoseconds of Sync::now()
};

// What the registry knows of a pool. It lives until the last reference to it is given up: the
// pool's own, that of a rotate_all at work in it, and those of borrowed handles once the pool is
// closed.
template <sync_policy Sync>
class pool_entry {
 public:
  // One cycle of the pool.
  virtual void rotate() noexcept = 0;

  // Gives up `count` references. Whoever gives up the last takes the entry out of the list and
  // destroys it. Lock-free, but for the last.
  void drop_references(std::uint64_t count) noexcept {
    // [drop_references.sub] acq_rel: acquire pairs with [drop_references.sub]; so that the last to
    // leave finds all that the others have done; release pairs with [drop_references.sub]; so that
    // what this thread has done is found by the last to leave.
    if (references_.fetch_sub(count, std::memory_order_acq_rel) == count) finish();
  }

  // Takes references that drop_references will give up. Only while the caller has one, or under the
  // registry's mutex (I4). Wait-free.
  void add_references(std::uint64_t count) noexcept {
    // [add_references.add] relaxed: counter; the count cannot reach zero meanwhile.
    references_.fetch_add(count, std::memory_order_relaxed);
  }

 protected:
  pool_entry() noexcept = default;
  virtual ~pool_entry() = default;
  pool_entry(const pool_entry&) = delete;
  pool_entry& operator=(const pool_entry&) = delete;

 private:
  friend class pool_registry<Sync>;

  // Something was put into a pool after its destructor had looked for what to destroy: destroys it.
  virtual void drain() noexcept = 0;

  // The last reference is gone. Destroys the entry.
  virtual void destroy() noexcept = 0;

  void finish() noexcept;

  typename Sync::template atomic<std::uint64_t> references_{1};
  typename Sync::template var<pool_entry*> next_{nullptr};
  typename Sync::template var<pool_entry*> previous_{nullptr};
  typename Sync::template var<bool> retired_{false};
};

// The pools of the process: an inbox, to which first use adds without the mutex, and a list, into
// which whoever has the mutex moves what is in the inbox.
template <sync_policy Sync>
class pool_registry {
 public:
  using entry = pool_entry<Sync>;

  constexpr pool_registry() noexcept = default;
  pool_registry(const pool_registry&) = delete;
  pool_registry& operator=(const pool_registry&) = delete;

  // The registry of this process.
  static pool_registry& instance() noexcept {
    return Sync::template process_state<pool_registry>();
  }

  // Adds an entry. Once per entry; lock-free.
  void link(entry& added) noexcept {
    Sync::protect_from_fork(mutex_);
    // [link.read] relaxed: hint, rechecked by [link.publish]; the pointer is not followed.
    entry* newest = inbox_.load(std::memory_order_relaxed);
    do {
      added.next_.set(newest);
      // [link.publish] release: pairs with [adopt.take]; so that whoever takes the entry out of the
      // inbox finds it initialised (I3).
      // [link.publish.fail] relaxed: hint, rechecked by [link.publish].
    } while (!inbox_.compare_exchange_weak(newest, &added, std::memory_order_release,
                                           std::memory_order_relaxed));
  }

  // Hides an entry from rotate_all: its pool is about to be destroyed. Takes the mutex.
  void retire(entry& retired) noexcept {
    const lock_guard lock(mutex_);
    retired.retired_.set(true);
  }

  // Takes an entry out of the list. Takes the mutex.
  void unlink(entry& removed) noexcept {
    const lock_guard lock(mutex_);
    adopt();
    entry* const next = removed.next_.get();
    entry* const previous = removed.previous_.get();
    // A forked child may destroy a pool that the parent's thread has published and not yet linked.
    if (previous == nullptr && first_.get() != &removed) return;
    if (next != nullptr) next->previous_.set(previous);
    if (previous != nullptr) {
      previous->next_.set(next);
    } else {
      first_.set(next);
    }
  }

  // Calls rotate on every entry that is in the list now and not retired. The mutex is not held
  // meanwhile, so what rotate runs may use, make and destroy pools.
  void rotate_all() noexcept {
    Sync::protect_from_fork(mutex_);
    for (entry* e = first(); e != nullptr; e = leave_for_next(*e)) e->rotate();
  }

 private:
  using lock_guard = std::lock_guard<typename Sync::mutex>;

  entry* first() noexcept {
    const lock_guard lock(mutex_);
    adopt();
    return refer(first_.get());
  }

  entry* leave_for_next(entry& visited) noexcept {
    entry* next = nullptr;
    bool retired = false;
    {
      const lock_guard lock(mutex_);
      next = refer(visited.next_.get());
      retired = visited.retired_.get();
    }
    if (retired) visited.drain();
    visited.drop_references(1);
    return next;
  }

  // Moves what is in the inbox to the front of the list. Under the mutex.
  void adopt() noexcept {
    // Every link goes on in the next one's read-modify-write: one acquire suffices for all.
    // [adopt.take] acquire: pairs with [link.publish]; so that the entries are initialised (I3).
    entry* added = inbox_.exchange(nullptr, std::memory_order_acquire);
    while (added != nullptr) {
      entry* const rest = added->next_.get();
      entry* const behind = first_.get();
      added->next_.set(behind);
      if (behind != nullptr) behind->previous_.set(added);
      first_.set(added);
      added = rest;
    }
  }

  // The first entry from `e` on that is not retired, referred to. Under the mutex (I4).
  static entry* refer(entry* e) noexcept {
    while (e != nullptr && e->retired_.get()) e = e->next_.get();
    if (e != nullptr) e->add_references(1);
    return e;
  }

  typename Sync::mutex mutex_;
  typename Sync::template atomic<entry*> inbox_{nullptr};
  typename Sync::template var<entry*> first_{nullptr};
};

template <sync_policy Sync>
void pool_entry<Sync>::finish() noexcept {
  pool_registry<Sync>::instance().unlink(*this);
  destroy();
}

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// Which pools the process has (what Go's runtime does with allPools and oldPools).
//
// Who owns what
//   I1. An entry comes into inbox_ once its pool has been published, without the mutex; from there
//       into the list, under the mutex, where it stays until nobody refers to it. An entry's links
//       are its adder's until it is in inbox_, and the mutex holder's from then on.
//   I2. A reference to an entry is taken under the mutex, from an entry that is not retired: so the
//       pool's own reference is still there.
//
// Stands on: pool_stats, sync.
#pragma once

#include <poolproof/pool_stats.hpp>
#include <poolproof/sync.hpp>

#include <cstdint>
#include <mutex>
#include <string_view>

namespace poolproof {

// Default visibility, so that all shared libraries of a process share one registry. Said here, for
// the first declaration decides.
template <sync_policy Sync>
class [[gnu::visibility("default")]] pool_entry;
template <sync_policy Sync>
class [[gnu::visibility("default")]] pool_registry;

// What the registry knows of a pool. It lives until the last reference to it is given up: the
// pool's own, that of a rotate_all or rotate_due at work in it, and those of borrowed handles once
// the pool is closed.
template <sync_policy Sync>
class pool_entry {
 public:
  // One cycle of the pool.
  virtual void rotate() noexcept = 0;

  // What the pool's clock, or an earlier cycle, has left to do: all of it.
  virtual void rotate_due() noexcept = 0;

  // What its user calls the pool, and what it has done.
  virtual std::string_view name() const noexcept = 0;
  virtual pool_stats stats() noexcept = 0;

  // Gives up `count` references. Whoever gives up the last takes the entry out of the list and
  // destroys it. Lock-free, but for the last.
  void drop_references(std::uint64_t count) noexcept {
    // [drop_references.sub] acq_rel: acquire pairs with [drop_references.sub]; so that the last to
    // leave finds all that the others have done; release pairs with [drop_references.sub]; so that
    // what this thread has done is found by the last to leave.
    if (references_.fetch_sub(count, std::memory_order_acq_rel) == count) finish();
  }

  // Takes references that drop_references will give up. Only while the caller has one, or under the
  // registry's mutex (I2). Wait-free.
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
      // inbox finds it initialised (I1).
      // [link.publish.fail] relaxed: hint, rechecked by [link.publish].
    } while (!inbox_.compare_exchange_weak(newest, &added, std::memory_order_release,
                                           std::memory_order_relaxed));
  }

  // Counts an entry that is never destroyed. Anyone; wait-free.
  void count_leak() noexcept { leaked_.add(1); }
  std::uint64_t leaked() const noexcept { return leaked_.value(); }

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

  // One cycle of every pool.
  void rotate_all() noexcept {
    walk_through([](entry& e) { e.rotate(); }, &entry::drain);
  }

  // In every pool what is due.
  void rotate_due() noexcept {
    walk_through([](entry& e) { e.rotate_due(); }, &entry::drain);
  }

  // Calls `visit` with every entry that is in the list now and not retired. The mutex is not held
  // meanwhile, so what it runs may use, make and destroy pools. A visit takes no item out: it has
  // nothing to destroy in a pool that has ended meanwhile.
  template <class Visit>
  void for_each(Visit visit) {
    walk_through(visit, nullptr);
  }

 private:
  using lock_guard = std::lock_guard<typename Sync::mutex>;
  using leaving = void (entry::*)() noexcept;

  template <class Visit>
  void walk_through(Visit visit, leaving retired) {
    Sync::protect_from_fork(mutex_);
    for (walk at(*this, retired); at.entry_ != nullptr; at.go_on()) visit(*at.entry_);
  }

  // Where a walk is: at an entry that it refers to. If a visit throws, it goes on without. What it
  // leaves when that was retired meanwhile it may have to call.
  struct walk {
    walk(pool_registry& of, leaving retired) noexcept
        : registry_(of), retired_(retired), entry_(of.first()) {}
    ~walk() {
      while (entry_ != nullptr) go_on();
    }
    walk(const walk&) = delete;
    walk& operator=(const walk&) = delete;

    void go_on() noexcept { entry_ = registry_.leave_for_next(*entry_, retired_); }

    pool_registry& registry_;
    const leaving retired_;
    entry* entry_;
  };

  entry* first() noexcept {
    const lock_guard lock(mutex_);
    adopt();
    return refer(first_.get());
  }

  entry* leave_for_next(entry& visited, leaving if_retired) noexcept {
    entry* next = nullptr;
    bool retired = false;
    {
      const lock_guard lock(mutex_);
      next = refer(visited.next_.get());
      retired = visited.retired_.get();
    }
    if (retired && if_retired != nullptr) (visited.*if_retired)();
    visited.drop_references(1);
    return next;
  }

  // Moves what is in the inbox to the front of the list. Under the mutex.
  void adopt() noexcept {
    // Every link goes on in the next one's read-modify-write: one acquire suffices for all.
    // [adopt.take] acquire: pairs with [link.publish]; so that the entries are initialised (I1).
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

  // The first entry from `e` on that is not retired, referred to. Under the mutex (I2).
  static entry* refer(entry* e) noexcept {
    while (e != nullptr && e->retired_.get()) e = e->next_.get();
    if (e != nullptr) e->add_references(1);
    return e;
  }

  typename Sync::mutex mutex_;
  typename Sync::template atomic<entry*> inbox_{nullptr};
  typename Sync::template var<entry*> first_{nullptr};
  typename Sync::counter leaked_;
};

template <sync_policy Sync>
void pool_entry<Sync>::finish() noexcept {
  pool_registry<Sync>::instance().unlink(*this);
  destroy();
}

// One cycle of every pool of the process that is in use and has this policy. A checker's way to
// call rotate_all.
template <sync_policy Sync>
void rotate_all_of() noexcept {
  pool_registry<Sync>::instance().rotate_all();
}

// One cycle of every pool in the process that is in use (Go's poolCleanup): see
// object_pool::rotate. Runs the destructors of all pools' items, by this thread. A pool that is
// being destroyed is left out, and so may be one whose first use another thread has begun but not
// returned from. Takes the registry's mutex for a moment between two pools, and holds none while it
// works in one.
inline void rotate_all() noexcept { rotate_all_of<std_sync>(); }

// How many pools of the process have left their inner part behind, with what lay in their
// magazines: those that had lent handles, and at whose end the kernel refused to interrupt other
// threads' sections, as it does where a filter of system calls is set up later than a pool's first
// use. Anyone; wait-free.
inline std::uint64_t leaked_pools() noexcept {
  return pool_registry<std_sync>::instance().leaked();
}

// Calls visit(name, stats) for every pool of the process that is in use: its option `name`, a
// std::string_view, and its pool_stats. Which pools, and which mutex: as rotate_all. What visit
// throws passes through.
template <class Visit>
void for_each_pool(Visit visit) {
  pool_registry<std_sync>::instance().for_each(
      [&](pool_entry<std_sync>& each) { visit(each.name(), each.stats()); });
}

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// A bounded_pool's inner part: who gets which item or place, and who waits. It outlives the pool
// while handles are out, and calls inside.
//
//     get                                          a handle ends
//      |                                                 |
//      v                  nobody waits                   v
//     the newest idle item <-------------- the head of the queue, whose it is at once
//      |  none                                           ^
//      v                                                 |
//     a free place: the factory                          |
//      |  none                                           |
//      v                                                 |
//     the end of the queue ------------------------------+
//
// Who owns what
//   I1. A place is free, or has an idle item, or belongs to one call or handle. The three make
//       `max`.
//   I2. While somebody is in the queue no place is free, no item idle, and the pool open. So
//       whoever frees a place has only to look at the queue, and who finds nothing only to join it.
//   I3. Waiters: see waiting_queue.
//
// There is no atomic here: the mutex orders everything.
//
// Stands on: bounded_stats, idle_items, pool_options, registry, sync, waiting_queue, the standard
// library.
#pragma once

#include <poolproof/bounded_stats.hpp>
#include <poolproof/idle_items.hpp>
#include <poolproof/pool_options.hpp>
#include <poolproof/registry.hpp>
#include <poolproof/sync.hpp>
#include <poolproof/waiting_queue.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <utility>

namespace poolproof {

// What a get throws if the pool is closed. Without exceptions it returns an empty handle.
class pool_closed : public std::runtime_error {
 public:
  pool_closed() : std::runtime_error("poolproof: the bounded_pool is closed") {}
};

template <class T, class Deleter>
class bounded_core final : public pool_entry<std_sync> {
 public:
  using item = std::unique_ptr<T, Deleter>;
  using lock = std::unique_lock<std::mutex>;

  using waiter = bounded_waiter<T, bounded_core>;
  using outcome = typename waiter::outcome;

  template <class Factory>
  bounded_core(std::size_t max, Factory factory, pool_options options)
      : factory_(std::move(factory)),
        name_(options.name != nullptr ? options.name : ""),
        interval_(options.cycle_interval),
        idle_(max),
        free_(max) {
    if (interval_) deadline_ = next_cycle(std_sync::now());
  }

  // Asks for an item or a place; if there is none, joins the queue and calls `until_over` with the
  // lock. A wait that is not over then is given up. If that unwinds, the waiter's destructor ends
  // the call. The lock that it returns is for `receive`, which may need it once more.
  template <class Wait>
  lock wait(waiter& asking, Wait until_over) {
    lock locked(mutex_);
    if (ask(asking)) return locked;
    until_over(locked, asking);
    if (asking.ended != outcome::none) return locked;
    queue_.leave(asking);
    asking.ended = outcome::given_up;
    ++counted_.given_up;
    return locked;
  }

  // The same for a coroutine, which suspends itself first: false if it need not.
  bool suspend(waiter& asking) {
    const lock locked(mutex_);
    return !ask(asking);
  }

  // What a wait that has ended brings its caller: an item of the pool, or a new one, or null. The
  // caller may have the lock still, or not.
  T* receive(waiter& asked, lock locked = {}) {
    asked.asked = nullptr;
    switch (asked.ended) {
      case outcome::item:
        return asked.item;
      case outcome::place:
        if (locked) locked.unlock();
        return make();
      default:
        if (!locked) locked = lock(mutex_);
        leave(std::move(locked));
    }
#if defined(__cpp_exceptions)
    if (asked.ended == outcome::closed) throw pool_closed();
#endif
    return nullptr;
  }

  // Ends a wait, also one that has not begun, if nothing else has. Not after `receive`.
  void give_up(waiter& asking) noexcept {
    lock locked(mutex_);
    if (asking.ended != outcome::none) return;
    if (asking.in_queue) ++counted_.given_up;
    waiter* const resumed = asking.in_queue ? end_wait(asking, outcome::given_up) : nullptr;
    asking.ended = outcome::given_up;
    locked.unlock();
    resume(resumed);
  }

  // A caller that has asked ends without `receive`. What it was given goes to the next.
  void abandon(waiter& asked) noexcept {
    lock locked(mutex_);
    if (asked.in_queue) {
      queue_.leave(asked);
      ++counted_.given_up;
    }
    if (asked.ended == outcome::item) {
      locked.unlock();
      give_back(asked.item);
      return;
    }
    waiter* const resumed = asked.ended == outcome::place ? give(nullptr) : nullptr;
    leave(std::move(locked), resumed);
  }

  // A handle's item comes back.
  void give_back(T* returned) noexcept {
    lock locked(mutex_);
    if (closed_) {
      locked.unlock();
      static_cast<void>(item(std::exchange(returned, nullptr)));
      locked.lock();
    }
    waiter* resumed = give(returned);
    if (begin_due_cycle()) {
      locked.unlock();
      resume(std::exchange(resumed, nullptr));
      locked.lock();
      destroy_victims(locked);
    }
    leave(std::move(locked), resumed);
  }

  // A call or a handle has no item any more, but still its place.
  void give_back_place() noexcept {
    lock locked(mutex_);
    waiter* const resumed = give(nullptr);
    leave(std::move(locked), resumed);
  }

  // Ends all waits, and destroys what is idle. Whoever asks later is told that the pool is closed.
  void close() noexcept {
    lock locked(mutex_);
    closed_ = true;
    waiter* resumed = nullptr;
    waiter** last = &resumed;
    while (queue_.first() != nullptr) {
      waiter* const coroutine = end_wait(*queue_.first(), outcome::closed);
      if (coroutine == nullptr) continue;
      *last = coroutine;
      last = &coroutine->next;
    }
    idle_.condemn_all();
    destroy_victims(locked);
    locked.unlock();
    while (resumed != nullptr) resume(std::exchange(resumed, resumed->next));
  }

  bool is_closed() noexcept {
    const lock locked(mutex_);
    return closed_;
  }

  bounded_stats counts() noexcept {
    const lock locked(mutex_);
    bounded_stats now = counted_;
    now.max = idle_.most();
    now.existing = idle_.most() - free_;
    now.idle = idle_.size();
    now.waiting = queue_.size();
    return now;
  }

  // One cycle.
  void cycle() noexcept {
    lock locked(mutex_);
    begin_cycle();
    destroy_victims(locked);
  }

  // The pool has been closed, and ends: those who are still inside get a reference each, which they
  // give up when they leave.
  void end() noexcept {
    pool_registry<std_sync>::instance().retire(*this);
    {
      const lock locked(mutex_);
      ended_ = true;
      this->add_references(inside_);
    }
    this->drop_references(1);
  }

 private:
  ~bounded_core() override = default;

  // --- Under the mutex --------------------------------------------------------------------------

  // True if the outcome is known at once; else the caller is in the queue.
  bool ask(waiter& asking) noexcept {
    ++inside_;
    asking.asked = this;
    if (asking.ended != outcome::none) return true;
    if (closed_) {
      asking.ended = outcome::closed;
    } else if (idle_.size() != 0) {
      asking.ended = outcome::item;
      asking.item = idle_.pop_newest();
      ++counted_.hits;
    } else if (free_ != 0) {
      asking.ended = outcome::place;
      --free_;
      ++counted_.misses;
    } else {
      queue_.join(asking);
      ++counted_.queued;
      return false;
    }
    counted_.peak_in_use = (std::max)(counted_.peak_in_use, in_use());
    return true;
  }

  // The items and places that calls and handles have (I1).
  std::size_t in_use() const noexcept { return idle_.most() - free_ - idle_.size(); }

  // Gives a place that the caller has, with an item or without, to who has waited longest; else it
  // is idle or free. Returns whom to resume without the mutex.
  [[nodiscard]] waiter* give(T* returned) noexcept {
    if (waiter* const first = queue_.first()) {
      first->item = returned;
      ++(returned != nullptr ? counted_.hits : counted_.misses);
      return end_wait(*first, returned != nullptr ? outcome::item : outcome::place);
    }
    if (returned != nullptr) {
      idle_.push(returned);
    } else {
      ++free_;
    }
    return nullptr;
  }

  // Takes a waiter out of the queue, and wakes it or returns it, to be resumed without the mutex. A
  // thread is woken under the mutex: as soon as that is free its waiter may be gone.
  [[nodiscard]] waiter* end_wait(waiter& waiting, outcome how) noexcept {
    queue_.leave(waiting);
    waiting.ended = how;
    if (waiting.resume != nullptr) return &waiting;
    waiting.woken.notify_one();
    return nullptr;
  }

  // Never, where the clock does not reach so far.
  std::chrono::nanoseconds next_cycle(std::chrono::nanoseconds now) const noexcept {
    return now + (std::min)(*interval_, (std::chrono::nanoseconds::max)() - now);
  }

  // Begins an automatic cycle, if it is time.
  bool begin_due_cycle() noexcept {
    if (!interval_) return false;
    const auto now = std_sync::now();
    if (now < deadline_) return false;
    deadline_ = next_cycle(now);
    begin_cycle();
    return true;
  }

  void begin_cycle() noexcept {
    ++counted_.cycles;
    idle_.begin_cycle();
  }

  // Gives the mutex back while a destructor runs. Only then is the place free.
  void destroy_victims(lock& locked) noexcept {
    while (idle_.has_victims()) {
      if (!closed_) ++counted_.cycle_destroyed;
      item victim(idle_.pop_victim());
      locked.unlock();
      victim.reset();
      locked.lock();
      if (waiter* const resumed = give(nullptr)) {
        locked.unlock();
        resume(resumed);
        locked.lock();
      }
    }
  }

  // --- Without it -------------------------------------------------------------------------------

  T* make() {
    struct place {
      bounded_core* owner;
      ~place() {
        if (owner != nullptr) owner->give_back_place();
      }
    } held{this};
    item made = factory_();
    if (made != nullptr) held.owner = nullptr;
    return made.release();
  }

  // A call or a handle ends. If the pool has, it gives up its reference.
  void leave(lock locked, waiter* resumed = nullptr) noexcept {
    --inside_;
    const bool pool_is_gone = ended_;
    locked.unlock();
    resume(resumed);
    if (pool_is_gone) this->drop_references(1);
  }

  static void resume(waiter* resumed) noexcept {
    if (resumed != nullptr) resumed->resume(*resumed);
  }

  // For the registry, which must not wait for a thread that a forked child does not have: a pool
  // whose mutex is not to be had is left out, as a busy shard is.
  lock try_for_a_while() noexcept {
    lock locked(mutex_, std::try_to_lock);
    for (unsigned i = 1; !locked && i < std_sync::patience(); ++i) {
      std_sync::yield();
      static_cast<void>(locked.try_lock());
    }
    return locked;
  }

  void rotate() noexcept override {
    lock locked = try_for_a_while();
    if (!locked) return;
    begin_cycle();
    destroy_victims(locked);
  }

  void rotate_due() noexcept override {
    lock locked = try_for_a_while();
    if (locked && begin_due_cycle()) destroy_victims(locked);
  }

  std::string_view name() const noexcept override { return name_; }
  pool_stats stats() noexcept override {
    const bounded_stats now = counts();
    return {.hits = now.hits,
            .misses = now.misses,
            .cycles = now.cycles,
            .cycle_destroyed = now.cycle_destroyed,
            .retained = now.idle,
            .in_use = now.existing - now.idle,
            .peak_in_use = now.peak_in_use,
            .max = now.max,
            .waiting = now.waiting,
            .queued = now.queued,
            .given_up = now.given_up,
            .kind = pool_kind::bounded,
            .pin = std_sync::pin()};
  }

  void drain() noexcept override {}  // what comes back to a closed pool is destroyed there
  void destroy() noexcept override { delete this; }

  const item_factory<item> factory_;
  const std::string_view name_;
  const std::optional<std::chrono::nanoseconds> interval_;

  std::mutex mutex_;  // of all that follows
  std::chrono::nanoseconds deadline_{0};
  idle_items<T> idle_;
  waiting_queue<waiter> queue_;
  std::size_t free_;
  bounded_stats counted_;   // those that grow
  std::size_t inside_ = 0;  // calls and handles
  bool closed_ = false;
  bool ended_ = false;
};

}  // namespace poolproof

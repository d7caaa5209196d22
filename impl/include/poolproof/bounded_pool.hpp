// SPDX-License-Identifier: MIT
// A pool with a maximum, and a queue of those who wait for an item.
//
//     poolproof::bounded_pool<connection> connections(8, connect);
//     auto c = connections.get();             // waits while all eight are in use
//     c->query(text);                         // when c ends it goes to who has waited longest
//
// For items of which there may only be so many: connections, licences, large buffers. Where there
// may be any number, object_pool is faster: this one takes a mutex for each get and each return.
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
// Guarantees
//   - At most `max` items exist. One counts from before the factory is called until its destructor
//     has returned, or until it is detached.
//   - First come, first served: who waits is served in the order in which they came into the queue,
//     and no call that comes later is served before them, try_get included. A call comes when it
//     gets the mutex, which is not fair.
//   - A wait ends when a place comes free for it, and not later: with an item that is returned;
//     with a place, where an item was discarded, detached or destroyed by a cycle, or where a
//     factory has thrown or made nothing; by its time limit or stop token; and by close. Whoever
//     does one of these wakes the one whom it concerns. Nobody is woken for nothing, and nobody
//     polls.
//   - Returning an item happens before the get that returns it; so does the factory's return.
//   - No lock is held while the factory, a destructor or an executor runs: they may use the pool.
//   - Member functions may be called by any number of threads at once, but not concurrently with
//     the destructor; calls that wait may: the destructor closes the pool, which ends them. Handles
//     may be returned concurrently with the destructor, and after it: their items are then
//     destroyed.
//   - A thread that waits for a second item while it has a first may wait for ever, as with any
//     limit.
//   - After fork() the child must not use the pool, nor destroy it, if another thread was inside.
//     Its rotate_all leaves such a pool out.
//
// Idle items are given back by cycles as those of an object_pool are: an item that was idle during
// a whole cycle is destroyed by the next. Cycles are those of rotate, rotate_all, the trimmer, and
// automatic ones, which a return begins when one is due.
//
// It keeps its idle items by itself and not in an object_pool. A get of that may miss although it
// holds items, and with `max` of them made one could only poll for what another thread has in its
// hands.
//
// Who owns what
//   I1. A place is free, or has an idle item, or belongs to one call or handle. The three make
//       `max`.
//   I2. While somebody is in the queue no place is free, no item idle, and the pool open. So
//       whoever frees a place has only to look at the queue, and who finds nothing only to join it.
//   I3. A waiter is its caller's, but the mutex holder's while it is in the queue. Who takes it out
//       has decided how its wait has ended, and gives it back: to a thread by unlocking the mutex,
//       to a coroutine by calling its executor. A caller that ends without receiving takes itself
//       out, or hands on what it was given: one whose clock throws, whose thread is cancelled, or
//       whose coroutine is destroyed.
//
// There is no atomic here: the mutex orders everything.
//
// Stands on: pool_options, registry, sync, the standard library.
#pragma once

#if __cplusplus <= 201703L
#error "poolproof needs C++20: compile with -std=c++20"
#else

#include <poolproof/pool_options.hpp>
#include <poolproof/registry.hpp>
#include <poolproof/sync.hpp>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <coroutine>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <stdexcept>
#include <string_view>
#include <type_traits>
#include <utility>
#include <version>

#if defined(__cpp_lib_jthread)
#include <stop_token>
#endif

namespace poolproof {

// What a get throws if the pool is closed. Without exceptions it returns an empty handle.
class pool_closed : public std::runtime_error {
 public:
  pool_closed() : std::runtime_error("poolproof: the bounded_pool is closed") {}
};

// Of one moment.
struct bounded_stats {
  std::size_t max = 0;       // as the pool was made
  std::size_t existing = 0;  // items that exist, or are being made
  std::size_t idle = 0;      // of these, those that nobody has
  std::size_t waiting = 0;   // calls in the queue
};

// A pool's inner part: it outlives the pool while handles are out, and calls inside.
template <class T, class Deleter>
class bounded_core final : public pool_entry<std_sync> {
 public:
  using item = std::unique_ptr<T, Deleter>;
  using lock = std::unique_lock<std::mutex>;

  // How a wait has ended, if it has.
  enum class outcome : std::uint8_t { none, item, place, closed, given_up };

  // A call that may have to wait (I3).
  struct waiter {
    outcome ended = outcome::none;
    bool in_queue = false;
    T* item = nullptr;              // of outcome::item
    bounded_core* asked = nullptr;  // from when it has asked until it receives
    waiter* previous = nullptr;
    waiter* next = nullptr;
    void (*resume)(waiter&) noexcept = nullptr;  // wakes a coroutine
    std::condition_variable woken;               // wakes a thread, which has no `resume`

    ~waiter() { quit(); }
    void quit() noexcept {
      if (asked != nullptr) std::exchange(asked, nullptr)->abandon(*this);
    }
  };

  template <class Factory>
  bounded_core(std::size_t max, Factory factory, pool_options options)
      : factory_(std::move(factory)),
        name_(options.name != nullptr ? options.name : ""),
        interval_(options.cycle_interval),
        slots_(std::make_unique<T*[]>(max)),
        max_(max),
        free_(max) {
    if (interval_) deadline_ = next_cycle(std_sync::now());
  }

  // Asks for an item or a place; if there is none, joins the queue and calls `until_over` with the
  // lock. A wait that is not over then is given up. If that unwinds, the waiter's destructor ends
  // the call.
  template <class Wait>
  void wait(waiter& asking, Wait until_over) {
    lock locked(mutex_);
    if (ask(asking)) return;
    until_over(locked, asking);
    if (asking.ended != outcome::none) return;
    leave_queue(asking);
    asking.ended = outcome::given_up;
  }

  // The same for a coroutine, which suspends itself first: false if it need not.
  bool suspend(waiter& asking) {
    const lock locked(mutex_);
    return !ask(asking);
  }

  // What a wait that has ended brings its caller: an item of the pool, or a new one, or null.
  T* receive(waiter& asked) {
    asked.asked = nullptr;
    switch (asked.ended) {
      case outcome::item:
        return asked.item;
      case outcome::place:
        return make();
      default:
        leave(lock(mutex_));
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
    waiter* const resumed = asking.in_queue ? end_wait(asking, outcome::given_up) : nullptr;
    asking.ended = outcome::given_up;
    locked.unlock();
    resume(resumed);
  }

  // A caller that has asked ends without `receive`. What it was given goes to the next.
  void abandon(waiter& asked) noexcept {
    lock locked(mutex_);
    if (asked.in_queue) leave_queue(asked);
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
    while (first_ != nullptr) {
      waiter* const coroutine = end_wait(*first_, outcome::closed);
      if (coroutine == nullptr) continue;
      *last = coroutine;
      last = &coroutine->next;
    }
    victims_ = idle_;
    untouched_ = 0;
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
    return {.max = max_, .existing = max_ - free_, .idle = idle_, .waiting = waiting_};
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
    } else if (idle_ != 0) {
      asking.ended = outcome::item;
      asking.item = pop_newest();
    } else if (free_ != 0) {
      asking.ended = outcome::place;
      --free_;
    } else {
      join_queue(asking);
      return false;
    }
    return true;
  }

  // Gives a place that the caller has, with an item or without, to who has waited longest; else it
  // is idle or free. Returns whom to resume without the mutex.
  [[nodiscard]] waiter* give(T* returned) noexcept {
    if (first_ != nullptr) {
      first_->item = returned;
      return end_wait(*first_, returned != nullptr ? outcome::item : outcome::place);
    }
    if (returned != nullptr) {
      push(returned);
    } else {
      ++free_;
    }
    return nullptr;
  }

  // Takes a waiter out of the queue, and wakes it or returns it, to be resumed without the mutex. A
  // thread is woken under the mutex: as soon as that is free its waiter may be gone.
  [[nodiscard]] waiter* end_wait(waiter& waiting, outcome how) noexcept {
    leave_queue(waiting);
    waiting.ended = how;
    if (waiting.resume != nullptr) return &waiting;
    waiting.woken.notify_one();
    return nullptr;
  }

  void join_queue(waiter& added) noexcept {
    added.in_queue = true;
    added.previous = last_;
    (last_ != nullptr ? last_->next : first_) = &added;
    last_ = &added;
    ++waiting_;
  }

  void leave_queue(waiter& removed) noexcept {
    (removed.previous != nullptr ? removed.previous->next : first_) = removed.next;
    (removed.next != nullptr ? removed.next->previous : last_) = removed.previous;
    removed.previous = removed.next = nullptr;
    removed.in_queue = false;
    --waiting_;
  }

  // Idle items lie in a ring, the oldest first: victims_ that a cycle destroys, then untouched_
  // that have not been taken since the cycle began, then what has come back since.

  void push(T* returned) noexcept { slot(idle_++) = returned; }

  T* pop_newest() noexcept {
    --idle_;
    victims_ = (std::min)(victims_, idle_);
    untouched_ = (std::min)(untouched_, idle_ - victims_);
    return slot(idle_);
  }

  T* pop_victim() noexcept {
    T* const victim = slot(0);
    oldest_ = oldest_ + 1 == max_ ? 0 : oldest_ + 1;
    --idle_;
    --victims_;
    return victim;
  }

  // The n-th oldest; n is less than max_.
  T*& slot(std::size_t n) noexcept {
    return slots_[n < max_ - oldest_ ? oldest_ + n : n - (max_ - oldest_)];
  }

  void begin_cycle() noexcept {
    victims_ += untouched_;
    untouched_ = idle_ - victims_;
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

  // Gives the mutex back while a destructor runs. Only then is the place free.
  void destroy_victims(lock& locked) noexcept {
    while (victims_ != 0) {
      item victim(pop_victim());
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
    return {.retained = now.idle, .in_use = now.existing - now.idle, .pin = std_sync::pin()};
  }

  void drain() noexcept override {}  // what comes back to a closed pool is destroyed there
  void destroy() noexcept override { delete this; }

  const item_factory<item> factory_;
  const std::string_view name_;
  const std::optional<std::chrono::nanoseconds> interval_;

  std::mutex mutex_;  // of all that follows
  std::chrono::nanoseconds deadline_{0};
  const std::unique_ptr<T*[]> slots_;
  const std::size_t max_;
  std::size_t free_;
  std::size_t oldest_ = 0;
  std::size_t idle_ = 0;
  std::size_t victims_ = 0;
  std::size_t untouched_ = 0;
  std::size_t inside_ = 0;  // calls and handles
  std::size_t waiting_ = 0;
  waiter* first_ = nullptr;
  waiter* last_ = nullptr;
  bool closed_ = false;
  bool ended_ = false;
};

template <class T, class Deleter = std::default_delete<T>>
class bounded_pool {
 public:
  // An item that is its holder's alone, once it is detached.
  using item = std::unique_ptr<T, Deleter>;
  class handle;
  template <class Executor>
  class async_get;

  // A pool of at most `max` items, each made by `factory` when there is no idle one: any callable
  // that returns std::unique_ptr<T, Deleter>, also a null one. It is called by the thread that
  // gets, by several at once; what it throws passes through get, and its place goes to the next.
  // Takes eight bytes for each of `max`. Throws std::invalid_argument if `max` is zero, the factory
  // null, or the cycle interval not positive.
  template <class Factory>
  requires std::is_invocable_r_v<std::unique_ptr<T, Deleter>, Factory&> bounded_pool(
      std::size_t max, Factory factory, pool_options options = {})
      : core_(new core(checked(max), std::move(factory), checked(options))) {
    pool_registry<std_sync>::instance().link(*core_);
  }

  // Closes the pool. Handles may still be out, and calls may still wait.
  ~bounded_pool() {
    core_->close();
    core_->end();
  }

  bounded_pool(const bounded_pool&) = delete;
  bounded_pool& operator=(const bounded_pool&) = delete;

  // An item, in a handle that returns it. Waits in the queue while all are in use. The handle is
  // empty only if the factory returns null. Throws pool_closed and what the factory throws, as all
  // of these do.
  [[nodiscard]] handle get() { return get_by(until_woken); }

#if defined(__cpp_lib_jthread)
  // The same, but empty as soon as a stop is requested, before the wait or meanwhile.
  [[nodiscard]] handle get(const std::stop_token& stop) {
    core* const inner = core_;  // the pool may end meanwhile
    waiter asking;
    {
      const std::stop_callback giving_up(stop, [&] { inner->give_up(asking); });
      inner->wait(asking, until_woken);
    }
    return handle(inner, inner->receive(asking));
  }
#endif

  // The same, but empty if nothing has come by `deadline`. An item that comes at that moment is
  // taken. Any time may be given, also one that the clock does not reach. What Clock::now() throws
  // passes through; it is called under the mutex, and must not use the pool.
  template <class Clock, class Duration>
  [[nodiscard]] handle get_until(const std::chrono::time_point<Clock, Duration>& deadline) {
    return get_by([&](lock& locked, waiter& waiting) { wait_until(locked, waiting, deadline); });
  }

  // The same, until so much time has passed.
  template <class Rep, class Period>
  [[nodiscard]] handle get_for(std::chrono::duration<Rep, Period> time) {
    using clock = std::chrono::steady_clock;
    if (!(time > time.zero())) return try_get();  // not a number is no time
    if (std::chrono::duration<double>(time) > century) return get();
    return get_until(clock::now() + std::chrono::ceil<clock::duration>(time));
  }

  // The same without waiting: empty if all are in use.
  [[nodiscard]] handle try_get() {
    return get_by([](lock&, waiter&) {});
  }

  // co_await gives what get does. Where that would wait the coroutine suspends itself, and a thread
  // that frees a place calls `executor`, any callable, with its std::coroutine_handle<>, once and
  // without the mutex. The executor must not throw, and should post: what it runs at once runs
  // inside that thread's return of an item, and if each coroutine that it resumes returns its item
  // to the next one that waits, the stack grows by all of them. The factory is called by the
  // coroutine.
  //
  // The coroutine may be destroyed while it waits, and after the executor has it: what it was given
  // goes to the next. Not between these two, while a thread that has ended its wait is about to
  // call the executor: who destroys a coroutine that waits must know that nobody returns an item,
  // stops the wait or closes the pool meanwhile.
  template <class Executor>
  requires std::is_invocable_v<Executor&, std::coroutine_handle<>>
  [[nodiscard]] async_get<Executor> get_async(Executor executor) {
    return {core_, std::move(executor)};
  }
#if defined(__cpp_lib_jthread)
  template <class Executor>
  requires std::is_invocable_v<Executor&, std::coroutine_handle<>>
  [[nodiscard]] async_get<Executor> get_async(Executor executor, std::stop_token stop) {
    return {core_, std::move(executor), std::move(stop)};
  }
#endif

  // Ends all waits by pool_closed, and destroys the idle items. Items that come back are destroyed.
  // Once more, it does nothing.
  void close() noexcept { core_->close(); }
  // Whether it is.
  bool is_closed() const noexcept { return core_->is_closed(); }

  // How many items exist, are idle, and are waited for. Anyone; takes the mutex.
  bounded_stats stats() const noexcept { return core_->counts(); }

  // One cycle: destroys what has been idle since before the last one. Its places go to who waits.
  void rotate() noexcept { core_->cycle(); }

 private:
  using core = bounded_core<T, Deleter>;
  using lock = typename core::lock;
  using waiter = typename core::waiter;

  static_assert(!std::is_array_v<T> && !std::is_const_v<T> && !std::is_volatile_v<T>,
                "bounded_pool: T must be neither an array, nor const, nor volatile");
  static_assert(
      std::is_empty_v<Deleter> && std::is_default_constructible_v<Deleter> &&
          std::is_same_v<typename std::unique_ptr<T, Deleter>::pointer, T*>,
      "bounded_pool: Deleter must be empty and default-constructible, and its pointer T*");

  static std::size_t checked(std::size_t max) {
    if (max == 0) reject_argument("bounded_pool: argument 'max' must be positive");
    return max;
  }

  static pool_options checked(pool_options options) {
    if (!options.cycle_interval.is_positive_or_never()) {
      reject_argument(
          "bounded_pool: option 'cycle_interval' must be positive; for a pool without automatic "
          "cycles pass std::nullopt");
    }
    if (options.max_retained != pool_options::no_bound ||
        options.max_bytes != pool_options::no_bound || options.min_idle != 0) {
      reject_argument("bounded_pool: it has no options 'max_retained', 'max_bytes' and 'min_idle'");
    }
    return options;
  }

  template <class Wait>
  handle get_by(Wait until_over) {
    core* const inner = core_;  // the pool may end meanwhile
    waiter asking;
    inner->wait(asking, until_over);
    return handle(inner, inner->receive(asking));
  }

  static bool is_over(const waiter& waiting) noexcept {
    return waiting.ended != core::outcome::none;
  }

  static constexpr std::chrono::hours century{24 * 365 * 100};

  // In steps, for times that are far away overflow what the standard library makes of them. A
  // century suits the two clocks that it waits by itself; of others it is not known how far they
  // reach.
  template <class Clock, class Duration>
  static void wait_until(lock& locked, waiter& waiting,
                         const std::chrono::time_point<Clock, Duration>& deadline) {
    using seconds = std::chrono::duration<double>;
    constexpr bool is_waited_for = std::is_same_v<Clock, std::chrono::steady_clock> ||
                                   std::is_same_v<Clock, std::chrono::system_clock>;
    constexpr auto step = is_waited_for ? century : std::chrono::hours(24);
    const auto is_done = [&] { return is_over(waiting); };
    while (!is_done()) {
      const seconds left =
          seconds(deadline.time_since_epoch()) - seconds(Clock::now().time_since_epoch());
      if (!(left > step)) {  // or is not a number, which is no time
        if (left > -step) waiting.woken.wait_until(locked, deadline, is_done);
        return;
      }
      waiting.woken.wait_for(locked, step, is_done);
    }
  }

  static void until_woken(lock& locked, waiter& waiting) {
    waiting.woken.wait(locked, [&] { return is_over(waiting); });
  }

  core* const core_;
};

// An item in use, or nothing. It belongs to one thread at a time, may be moved and destroyed on
// another thread, and may outlive the pool.
template <class T, class Deleter>
class bounded_pool<T, Deleter>::handle {
 public:
  handle() noexcept = default;
  ~handle() {
    if (item_ != nullptr) core_->give_back(item_.release());
  }

  // The other is empty afterwards.
  handle(handle&& other) noexcept = default;

  // By way of a third handle: what this one gives back may contain `other`.
  handle& operator=(handle&& other) noexcept {
    handle taken(std::move(other));
    std::swap(core_, taken.core_);
    std::swap(item_, taken.item_);
    return *this;
  }

  // The item; null in an empty handle.
  T* get() const& noexcept { return item_.get(); }
  T* get() const&& = delete;  // the item would be back in the pool before the pointer is used
  std::add_lvalue_reference_t<T> operator*() const noexcept { return *item_; }
  T* operator->() const noexcept { return item_.get(); }
  explicit operator bool() const noexcept { return item_ != nullptr; }

  // Destroys the item instead of returning it: for one that is broken. Its place goes to the next.
  // The handle is empty afterwards.
  void discard() noexcept {
    if (item_ == nullptr) return;
    item_.reset();
    core_->give_back_place();
  }

  // Takes the item out of the pool for good: it no longer counts. The handle is empty afterwards.
  [[nodiscard]] item detach() noexcept {
    if (item_ != nullptr) core_->give_back_place();
    return std::move(item_);
  }

 private:
  friend class bounded_pool;

  handle(core* owner, T* got) noexcept : core_(owner), item_(got) {}

  core* core_ = nullptr;
  item item_;
};

// What get_async gives, to be awaited at once.
template <class T, class Deleter>
template <class Executor>
class bounded_pool<T, Deleter>::async_get {
 public:
  async_get(const async_get&) = delete;
  async_get& operator=(const async_get&) = delete;

  // Never: whether it must wait is found out under the mutex.
  bool await_ready() const noexcept { return false; }

  // As soon as this has joined the queue, another thread may resume the coroutine, which ends it.
  bool await_suspend(std::coroutine_handle<> suspended) {
    asking_.suspended = suspended;
    return core_->suspend(asking_);
  }

  // From when the wait is over the pool may end: a stop must not find it then.
  handle await_resume() {
#if defined(__cpp_lib_jthread)
    giving_up_.reset();
#endif
    return handle(core_, core_->receive(asking_));
  }

 private:
  friend class bounded_pool;

  struct suspended_waiter : waiter {
    explicit suspended_waiter(Executor&& given) : executor(std::move(given)) {
      // The executor may end the coroutine, and this with it, before it returns.
      this->resume = [](waiter& self) noexcept {
        auto& own = static_cast<suspended_waiter&>(self);
        Executor post(std::move(own.executor));
        post(own.suspended);
      };
    }

    ~suspended_waiter() { this->quit(); }  // while it can be resumed

    Executor executor;
    std::coroutine_handle<> suspended;
  };

  async_get(core* owner, Executor&& executor) : core_(owner), asking_(std::move(executor)) {}

  core* const core_;
  suspended_waiter asking_;

#if defined(__cpp_lib_jthread)
  struct give_up {
    core* owner;
    waiter* asking;
    void operator()() const noexcept { owner->give_up(*asking); }
  };

  async_get(core* owner, Executor&& executor, std::stop_token&& stop)
      : async_get(owner, std::move(executor)) {
    giving_up_.emplace(std::move(stop), give_up{owner, &asking_});
  }

  std::optional<std::stop_callback<give_up>> giving_up_;
#endif
};

}  // namespace poolproof

#endif

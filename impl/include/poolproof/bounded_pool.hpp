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
//   - What is under way when the pool ends goes on: the factory, for a call that had been given a
//     place, and items' destructors in a rotate_all or trimmer. So a factory owns what it uses, and
//     from the start of the pool's destructor on items' destructors no longer use the pool.
//   - After fork() the child must not use the pool, nor destroy it, nor call for_each_pool, if
//     another thread was inside. Its rotate_all leaves such a pool out.
//
// Idle items are given back by cycles as those of an object_pool are: an item that was idle during
// a whole cycle is destroyed by the next. Cycles are those of rotate, rotate_all, the trimmer, and
// automatic ones, which a return begins when one is due.
//
// It keeps its idle items by itself and not in an object_pool. A get of that may miss although it
// holds items, and with `max` of them made one could only poll for what another thread has in its
// hands.
//
// How it works is in bounded_core, which has the mutex: there is no atomic here.
//
// Stands on: bounded_core, pool_options, registry, sync, the standard library.
#pragma once

#if __cplusplus <= 201703L
#error "poolproof needs C++20: compile with -std=c++20"
#else

#include <poolproof/bounded_core.hpp>
#include <poolproof/pool_options.hpp>
#include <poolproof/registry.hpp>
#include <poolproof/sync.hpp>

#include <chrono>
#include <coroutine>
#include <cstddef>
#include <functional>
#include <memory>
#include <optional>
#include <type_traits>
#include <utility>
#include <version>

#if defined(__cpp_lib_jthread)
#include <stop_token>
#endif

namespace poolproof {

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
      static_cast<void>(inner->wait(asking, until_woken));
    }  // a stop must not find a core that this call has left
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
    lock locked = inner->wait(asking, until_over);
    return handle(inner, inner->receive(asking, std::move(locked)));
  }

  static bool is_over(const waiter& waiting) noexcept {
    return waiting.ended != waiter::outcome::none;
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
    core* const owner = core_;  // the item's destructor may end this handle
    item_.reset();
    owner->give_back_place();
  }

  // Takes the item out of the pool for good: it no longer counts. The handle is empty afterwards.
  [[nodiscard]] item detach() noexcept {
    item taken(std::move(item_));  // first: whoever gets the place may end this handle
    if (taken != nullptr) core_->give_back_place();
    return taken;
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
        std::invoke(post, std::coroutine_handle<>(own.suspended));
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

// SPDX-License-Identifier: MIT
// poolproof: a concurrent object pool after Go's sync.Pool.
//
//     poolproof::object_pool<parser> parsers;               // one pool, any number of threads
//     auto p = parsers.borrow();                            // a pooled parser, or a new one
//     p->parse(text);                                       // it goes back when p ends
//
// A pool keeps objects that are expensive to make and that any thread may use next. It keeps them
// per CPU, lets threads steal from other CPUs' shares, and destroys what was not used for two
// cycles.
//
// Guarantees
//   - put(x) happens before the get that returns x; so does the factory's return of x.
//   - An item is handed out at most once per put. A get may miss although the pool holds items, if
//     another thread has them, or the shard that they are in, in its hands then.
//   - Items are destroyed by cycles and by the pool's destructor; by a put or a handle's return, if
//     the pool's reset refuses them or they are beyond its bounds; else only if memory for their
//     place is refused: those that a put, or a get that moves some to its CPU, has in its hands.
//   - A pool never holds more items or bytes than its bounds say. A put drops its item for them
//     only if at some moment of the put the items in the pool, and those that other calls have in
//     their hands on the way into it or out of it, were as many.
//   - Member functions may be called by any number of threads at once, and from an item's
//     destructor and from the factory; not from a signal handler, and not concurrently with the
//     pool's destructor. Handles may be returned concurrently with it and after it. The pool holds
//     no lock when it runs the factory, a hook or a destructor.
//   - Items may have destructors that use the pool, if they come to an end: one that calls rotate
//     runs other destructors inside itself, and one that always puts a new item keeps the pool's
//     destructor busy for ever. From the start of the pool's destructor on, items may also be
//     destroyed by threads that return a handle or are at work in rotate_all: their destructors
//     must then no longer use it.
//   - After fork() the child may go on using the pool. What other threads had in their hands is
//     leaked, and shards that they owned are left out. Not from a pthread_atfork handler:
//     rotate_all, and destroying a pool, take a mutex that fork() holds. A fork that is under way
//     in one thread while another makes the process's first use of any pool is not protected: such
//     a child must not call them.
//
// Stands on: hand, handle, pool_core, pool_options, probes, registry, sync.
#pragma once

#if __cplusplus <= 201703L
#error "poolproof needs C++20: compile with -std=c++20"
#else

#include <poolproof/hand.hpp>
#include <poolproof/handle.hpp>
#include <poolproof/pool_core.hpp>
#include <poolproof/pool_options.hpp>
#include <poolproof/probes.hpp>
#include <poolproof/registry.hpp>  // rotate_all, for_each_pool
#include <poolproof/sync.hpp>

#include <cstddef>
#include <iterator>
#include <memory>
#include <type_traits>
#include <utility>

namespace poolproof {

template <class T, class Deleter = std::default_delete<T>, sync_policy Sync = std_sync>
class object_pool {
  using hand = poolproof::hand<T, Deleter, Sync>;

 public:
  // What the pool hands out, and takes back.
  using item = std::unique_ptr<T, Deleter>;
  using handle = poolproof::handle<T, Deleter, Sync>;

  // A pool whose misses construct T{}.
  constexpr object_pool() requires(
      std::is_same_v<Deleter, std::default_delete<T>>&& std::is_default_constructible_v<T>)
      : object_pool([] { return item(new T{}); }) {}

  // A pool whose misses call `factory`: any callable that returns std::unique_ptr<T, Deleter>, also
  // a null one. It is called by the thread that misses, by several at once; what it throws passes
  // through get and leaves the pool as it was. With a factory without state this is a constant
  // expression, so that a static pool can be used before main, by any constructor of another static
  // object; as long as the hooks have none either. What hooks and bounds do is said in
  // pool_options.hpp. A pool that has any of them but a name and on_drop takes a call and, for a
  // bound or min_idle, a locked instruction more for a get, and for a put. Throws
  // std::invalid_argument if the factory is null, the cycle interval not positive, or a bound
  // without sense.
  template <class Factory>
  requires std::is_invocable_r_v<std::unique_ptr<T, Deleter>,
                                 Factory&> constexpr explicit object_pool(Factory factory,
                                                                          pool_options options = {},
                                                                          pool_hooks<T> hooks = {})
      : factory_(std::move(factory)),
        options_(poolproof::valid_options(options, hooks)),
        hooks_(std::move(hooks)),
        keeps_up_(poolproof::has_upkeep(options_, hooks_)) {}

  // Any other factory: so that the error says what is wrong with it.
  template <class Factory>
  requires(std::is_invocable_v<Factory&> &&
           !std::is_invocable_r_v<std::unique_ptr<T, Deleter>,
                                  Factory&>) explicit object_pool(Factory, pool_options = {},
                                                                  pool_hooks<T> = {})
      : object_pool([] { return item(); }) {
    static_assert(
        std::is_void_v<Factory>,
        "object_pool: the factory must return std::unique_ptr<T, Deleter>. Instead of a T "
        "write: return std::make_unique<T>(...); instead of a T*: return "
        "std::unique_ptr<T, Deleter>(pointer); a std::shared_ptr cannot be pooled");
  }

  // Destroys the items. Handles may still be out, and may be returned at any time: their items are
  // then destroyed when they come back, and the pool's inner part with the last of them. Waits for
  // nobody: a rotate_all that is at work in this pool destroys what it has taken out.
  ~object_pool() {
    // The user orders every call before the destruction.
    if (core* const made = used_core()) made->close(std::move(hooks_));
  }

  object_pool(const object_pool&) = delete;
  object_pool& operator=(const object_pool&) = delete;

  // Go's Get: an item of the pool, else what the factory makes; null only if the factory returns
  // null. Inlined where it is called, with all that a hit runs through: g++ stops inlining in large
  // translation units. What a miss does is not.
  [[nodiscard, gnu::always_inline]] inline item get() {
    if (T* const found = Sync::sections::take(near_)) [[likely]]
      return item(found);
    return item(get_slow());
  }

  // Go's Get without New: an item of the pool, else null: and that only if the pool is empty, or
  // another call has in its hands what is there, or the shard that it is in. As get does before it
  // calls the factory, it looks into what other CPUs have at hand, and interrupts those that have
  // something. Lock-free but for the allocator, which a hit does not need, and for the destructors
  // of a cycle, of which one call runs as many as pool_options says.
  [[nodiscard]] item try_get() noexcept { return item(find(interrupts::always)); }

  // The same without interrupting anybody, but for an overdue cycle: it may be null although other
  // CPUs have items at hand. For who has another way to go on. Progress as try_get.
  [[nodiscard]] item try_get_near() noexcept { return item(find(interrupts::never)); }

  // Go's Put: gives an item to the pool, from whatever source. Null is ignored. Progress as
  // try_get.
  [[gnu::always_inline]] inline void put(item given) noexcept {
    if (given == nullptr) return;
    T* const put = given.release();
    if (!Sync::sections::give(near_, put)) [[unlikely]]
      put_slow(put);
  }

  // Gets `count` items into an output iterator, which it returns, and puts those of a range, which
  // are moved from. As so many gets and puts, but up to 52 items at once. What a get or an iterator
  // throws passes through: what was got before is the caller's; what an iterator that throws has
  // not taken, or what was moved from one, is put.
  template <class Output>
  Output get_n(std::size_t count, Output to) {
    while (count >= hand::several) {
      hand taken(*this);
      taken.take(count);
      for (; !taken.empty(); --count) write(taken.next(), to);
      // The next one is not at hand; with it others may come there.
      if (count == 0) break;
      write(get(), to);
      --count;
    }
    for (; count != 0; --count) write(get(), to);
    return to;
  }
  template <class Input, class End>
  void put_range(Input first, End last) {
    while (first != last && !hand::is_few(first, last)) {
      for (hand given(*this); first != last && !given.full(); ++first) given.add(std::move(*first));
    }
    for (; first != last; ++first) put(std::move(*first));
  }

  // Makes items by the factory, and puts them, until the pool holds `count`, about; stops where the
  // factory gives null, or there is no room in the pool's bounds. What the factory throws passes
  // through. A new item is not reset.
  void reserve(std::size_t count) {
    for (std::size_t held = stats().retained; held < count; ++held) {
      core* const inner = find_core();
      item made = inner != nullptr ? make() : nullptr;
      if (made == nullptr || !inner->put_new(made.get())) return;
      static_cast<void>(made.release());
    }
  }

  // As get, in a handle that puts the item back when it is destroyed.
  [[nodiscard, gnu::always_inline]] inline handle borrow() {
    if (T* const found = Sync::sections::loan(lending_)) [[likely]]
      return handle(loan{direct_core(), found});
    return handle(borrow_slow());
  }

  // Counts since the pool's first use. Cheap on the pool's side: a hit counts nothing.
  pool_stats stats() const {
    core* const inner = used_core();
    return inner != nullptr ? inner->stats() : pool_stats{.pin = Sync::pin()};
  }

  // One cycle: what was put since the last cycle becomes the victim, and the victims before are
  // destroyed, by this thread.
  //
  // An item put before a cycle began, and not touched since, is destroyed when the second later
  // rotate returns, unless the pool keeps it for its min_idle, or another thread is inside a call
  // that has the item's shard, or the item itself, in its hands: such a shard is left, after a few
  // yields, to whoever comes to it next, and then does all the cycles that it missed, one after the
  // other: they count for what has been put there meanwhile, too, which so may go early.
  // What a call moves, up to 52 items, because a CPU's own few are used up or too many, counts
  // as put then. With concurrent rotates each counts as a cycle; when one returns, the cycles that
  // began before it are done, but for such shards, and for destructors that another call is just
  // running. Lock-free but for destructors, hooks and the allocator.
  void rotate() {
    if (core* const inner = used_core()) inner->rotate();
  }

 private:
  friend hand;

  using core = pool_core<T, Deleter, Sync>;
  using loan = typename handle::loan;
  using core_pointer = typename Sync::template atomic<core*>;

  static_assert(!std::is_array_v<T>, "object_pool: T must not be an array; pool a std::vector");
  static_assert(!std::is_const_v<T> && !std::is_volatile_v<T>,
                "object_pool: T must not be const or volatile: whoever gets an item may change it");
  static_assert(
      std::is_empty_v<Deleter> && std::is_default_constructible_v<Deleter>,
      "object_pool: Deleter must be empty and default-constructible, since the pool keeps bare "
      "pointers. Instead of a function pointer write: struct deleter { void operator()(T* p) "
      "const { c_free(p); } };");
  static_assert(
      std::is_same_v<typename std::unique_ptr<T, Deleter>::pointer, T*>,
      "object_pool: std::unique_ptr<T, Deleter>::pointer must be T*: remove the member type "
      "'pointer' from Deleter");

  // Writes an item where an iterator points, and moves that on. What it throws leaves an item that
  // it has not taken to the pool.
  template <class Output>
  void write(item got, Output& to) {
    struct put_rest {
      object_pool& pool;
      item& left;
      bool written = false;
      ~put_rest() {
        if (!written) pool.put(std::move(left));
      }
    } guard{*this, got};
    *to++ = std::move(got);
    guard.written = true;
  }

  T* find(interrupts others) noexcept {
    if (T* const found = Sync::sections::take(near_)) return found;
    return find_slow(others);
  }

  // Where no section has taken an item: one of the pool's, or null.
  [[gnu::always_inline]] inline T* find_slow(interrupts others) noexcept {
    if (core* const inner = direct_core()) [[likely]]
      return inner->get(others);
    return find_unprepared(others);
  }

  // The same, or a new one. The result is the caller's, but a bare pointer: an item is returned in
  // memory, in which its caller would have to keep it on a hit, too.
  [[gnu::noinline]] T* get_slow() {
    T* const found = find_slow(interrupts::always);
    return found != nullptr ? found : construct();
  }

  // Where no section has borrowed. The first handle opens the way for sections: until then the
  // pool's end knows that there are none.
  [[gnu::noinline]] loan borrow_slow() {
    T* const found = find(interrupts::always);
    item lent(found != nullptr ? found : construct());
    core* const inner = used_core();
    if (lent == nullptr || inner == nullptr || !inner->count_borrow()) {
      return {nullptr, lent.release()};
    }
    // Where handles are all that is taken, more are out than ever before only if none was left.
    if (found == nullptr) inner->note_in_use();
    if (!keeps_up_ && lending_.reach() == 0) lending_.show(near_);
    return {inner, lent.release()};
  }

  item make() {
    item made = factory_();
    core* const inner = used_core();
    if (made != nullptr && inner != nullptr) inner->count_construction();
    return made;
  }
  [[gnu::noinline]] T* construct() { return make().release(); }

  // The core, or null before the pool's first use.
  core* used_core() const noexcept { return used_core(keeps_up_ ? kept_up_ : direct_); }

  // The same, but null in a pool with upkeep: so its calls come to where the pool's first use is
  // made.
  core* direct_core() const noexcept { return used_core(direct_); }

  static core* used_core(const core_pointer& from) noexcept {
    // [used_core.read] acquire: pairs with [first_use.publish]; so that the core is initialised.
    return from.load(std::memory_order_acquire);
  }

  [[gnu::noinline]] void put_slow(T* given) noexcept {
    if (core* const inner = direct_core()) [[likely]]
      return inner->put(given);
    put_unprepared(given);
  }

  // The pool's first use, or one with upkeep.
  [[gnu::noinline]] T* find_unprepared(interrupts others) noexcept {
    core* const inner = find_core();
    if (inner == nullptr) return nullptr;
    return keeps_up_ ? inner->get_kept_up(others) : inner->get(others);
  }
  [[gnu::noinline]] void put_unprepared(T* given) noexcept {
    core* const inner = find_core();
    if (inner == nullptr) {
      POOLPROOF_PROBE(drop, options_.name, static_cast<unsigned>(drop_cause::memory));
      if (hooks_.on_drop) hooks_.on_drop(*given, drop_cause::memory);
      return static_cast<void>(item(given));
    }
    keeps_up_ ? inner->put_kept_up(given) : inner->put(given);
  }

  // The core, which the first call makes; null if memory for it is refused.
  core* find_core() noexcept {
    core* const inner = used_core();
    return inner != nullptr ? inner : first_use();
  }

  // Several threads may make a core at once; one of them is published, the others were for nothing.
  [[gnu::noinline]] core* first_use() noexcept {
    core* const made = core::create(options_, hooks_);
    if (made == nullptr) return nullptr;
    core_pointer& place = keeps_up_ ? kept_up_ : direct_;
    core* published = nullptr;
    // [first_use.publish] release: pairs with [used_core.read], [first_use.publish.fail]; so that
    // whoever finds the core finds it initialised.
    // [first_use.publish.fail] acquire: pairs with [first_use.publish]; as [used_core.read].
    if (place.compare_exchange_strong(published, made, std::memory_order_release,
                                      std::memory_order_acquire)) {
      if (!keeps_up_) near_.show(made->reachable());
      made->link();
      return made;
    }
    made->destroy();
    return published;
  }

  near_shards<T, Sync> near_;
  near_shards<T, Sync> lending_;  // the same, from the first handle on
  core_pointer direct_{nullptr};
  core_pointer kept_up_{nullptr};  // a pool has its core in one of the two
  item_factory<item> factory_;
  pool_options options_;
  pool_hooks<T> hooks_;
  bool keeps_up_;
};

}  // namespace poolproof

#endif

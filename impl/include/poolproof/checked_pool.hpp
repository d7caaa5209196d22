// SPDX-License-Identifier: MIT
// An object_pool that finds misuse, says where it was, and ends the program.
//
//     poolproof::checked_pool<parser> parsers(make_parser, {.name = "parsers"});
//
//     poolproof: pool 'parsers': item 0x6020000000f0 was returned twice
//       put at server.cpp:31 (answer), called from ./server(+0x12c4)
//       before: put at server.cpp:30 (answer), called from ./server(+0x12c4)
//
// It has all that an object_pool has, with the same meaning, and one argument more. So that one
// macro decides for all pools of a program, they are declared as poolproof::pool<T>: that is a
// checked_pool where POOLPROOF_CHECKED is defined, and an object_pool where it is not. The types
// differ, and so do the names that the linker sees, also those of variables: objects that were
// compiled differently do not link.
//
// Found is
//   - an item that is put although it is in a pool, or although a handle has it;
//   - an item that was changed while it was in the pool. With AddressSanitizer that reports the
//     first access itself, of one that reads, too: the item's bytes are poisoned meanwhile.
//     Elsewhere a checksum of them is compared when the item is handed out or destroyed. Not where
//     T is incomplete where it is put, unless checked_options says how many bytes it has; and not
//     what an item points to;
//   - a pool that ends while handles are out, unless checked_options says that they may be.
// `outstanding` says what is out, since when, and where it was taken.
//
// With the environment variable POOLPROOF_SEED, or a seed in the options, a pool also does what it
// may do but seldom does: hands out any of its items, whichever thread has put it, misses, drops
// what comes back, begins cycles. What it drops it counts, and tells on_drop, as if reset had
// refused it. At its first use it prints its seed, with which the same calls in the same order are
// told the same again. A call may then take as long as to move all items of the pool. What it has
// moved out of the way goes back within the pool's bounds: where others were faster, it is dropped.
//
// LeakSanitizer does not look into poisoned bytes. What pooled items own is therefore shown to it
// when the program exits, and from then on nothing is poisoned. A program that calls
// __lsan_do_leak_check itself needs LSAN_OPTIONS=use_poisoned=1.
//
// Costs: each call takes a mutex that all checked pools of the process share, and walks up the
// stack; an item has some 200 bytes more. Its items are destroyed through it; what get has handed
// out its user may destroy, which the pool cannot see. What reserve made it learns of by a get.
//
// Stands on: call_site, checked_deleter, checked_items, checked_mode, object_pool, pool_options,
// upkeep, the standard library.
#pragma once

#if __cplusplus <= 201703L
#error "poolproof needs C++20: compile with -std=c++20"
#else

#include <poolproof/call_site.hpp>
#include <poolproof/checked_deleter.hpp>
#include <poolproof/checked_items.hpp>
#include <poolproof/checked_mode.hpp>
#include <poolproof/object_pool.hpp>
#include <poolproof/pool_options.hpp>
#include <poolproof/upkeep.hpp>  // valid_options

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <new>
#include <optional>
#include <ostream>
#include <type_traits>
#include <utility>

namespace poolproof {

// An object_pool that aborts the program, with a report, at a double return, at a return of what a
// handle has, at a change of what is in the pool, and at its end while handles are out. Declare it
// as poolproof::pool. Members do what object_pool's of the same name do, and note where they were
// called: `from` is not for the caller to give.
template <class T, class Deleter = std::default_delete<T>>
class [[gnu::abi_tag("poolproof_checked")]] checked_pool {
 public:
  // What the pool hands out, and takes back.
  using item = std::unique_ptr<T, Deleter>;
  class handle;

  // A pool whose misses construct T{}.
  constexpr checked_pool() requires(std::is_same_v<Deleter, std::default_delete<T>> &&
                                    std::is_default_constructible_v<T>)
      : checked_pool([] { return item(new T{}); }) {}

  // A pool whose misses call `factory`: a constant expression where object_pool's is, and throws
  // what that throws. Hooks see an item as its last user has left it: its bytes are shown to them.
  template <class Factory>
  requires std::
      is_invocable_r_v<std::unique_ptr<T, Deleter>, Factory&> constexpr explicit checked_pool(
          Factory factory, pool_options options = {}, pool_hooks<T> hooks = {},
          checked_options checks = {})
      : factory_(std::move(factory)),
        options_(poolproof::valid_options(options, hooks)),
        hooks_(std::move(hooks)),
        checks_(named(checks, options)) {}

  // Reports handles that are out, unless the options allow them.
  [[gnu::noinline]] ~checked_pool() {
    items().note_pool_end(this, checks_, call_site::of_caller("ended"));
    delete made_;  // items' destructors may use this pool until it is done
    items().forget(this);
  }

  checked_pool(const checked_pool&) = delete;
  checked_pool& operator=(const checked_pool&) = delete;

  // An item of the pool, else what the factory makes. Reports an item that was changed in the pool,
  // as all of these do.
  [[nodiscard, gnu::noinline]] item get(source_line from = source_line::here()) {
    return next(call_site::of_caller("get", from));
  }

  // An item of the pool, else null. If memory for the pool or its notes is refused, this ends the
  // program, as the next one and put do.
  // NOLINTNEXTLINE(bugprone-exception-escape): meant
  [[nodiscard, gnu::noinline]] item try_get(source_line from = source_line::here()) noexcept {
    const aside meanwhile(*this);
    return taken(inner().try_get(), call_site::of_caller("try_get", from));
  }

  // The same, but it leaves what other CPUs have at hand.
  // NOLINTNEXTLINE(bugprone-exception-escape): meant
  [[nodiscard, gnu::noinline]] item try_get_near(source_line from = source_line::here()) noexcept {
    const aside meanwhile(*this, &pool_type::try_get_near);
    return taken(inner().try_get_near(), call_site::of_caller("try_get_near", from));
  }

  // Returns an item. Reports one that is in a pool already, and one that a handle has.
  [[gnu::noinline]] void put(item given, source_line from = source_line::here()) noexcept {
    give(std::move(given), call_site::of_caller("put", from));
  }

  // As so many gets, and so many puts.
  template <class Output>
  [[gnu::noinline]] Output get_n(std::size_t count, Output to,
                                 source_line from = source_line::here()) {
    const call_site by = call_site::of_caller("get_n", from);
    for (; count != 0; --count) write(next(by), to, by);
    return to;
  }
  template <class Input, class End>
  [[gnu::noinline]] void put_range(Input first, End last, source_line from = source_line::here()) {
    const call_site by = call_site::of_caller("put_range", from);
    for (; first != last; ++first) give(std::move(*first), by);
  }

  // Makes new items until the pool holds so many.
  void reserve(std::size_t count) { inner().reserve(count); }

  // As get, in a handle that returns the item.
  [[nodiscard, gnu::noinline]] handle borrow(source_line from = source_line::here()) {
    const aside meanwhile(*this);
    handle made(inner().borrow());
    if (made) {
      items().note_taken(made.get(), this, checks_, call_site::of_caller("borrow", from), true);
    }
    return made;
  }

  // What the pool has done, and what it holds.
  pool_stats stats() const {
    const pool_type* const used = used_pool();
    return used != nullptr ? used->stats() : pool_stats{.pin = std_sync::pin()};
  }

  // One cycle.
  void rotate() {
    if (pool_type* const used = used_pool()) used->rotate();
  }

  // What is out: how much, for how long, and where it was taken. What get has handed out counts
  // until it is put back, also if it has been destroyed.
  void outstanding(std::ostream & os) const { items().write_outstanding(os, this, checks_); }

 private:
  using deleter = checked_deleter<T, Deleter>;
  using own_item = std::unique_ptr<T, deleter>;
  using pool_type = object_pool<T, deleter>;

  static checked_items& items() { return checked_items::instance(); }

  // Called by the one name that all kinds of pools have, unless the checks have their own.
  static constexpr checked_options named(checked_options checks,
                                         const pool_options& options) noexcept {
    const bool has_name = options.name != nullptr && *options.name != '\0';
    if (checks.name == nullptr) checks.name = has_name ? options.name : "unnamed";
    return checks;
  }

  static own_item own(item given) noexcept { return own_item(given.release()); }

  item taken(own_item had, const call_site& by) {
    if (had != nullptr) items().note_taken(had.get(), this, checks_, by, false);
    return item(had.release());
  }

  item next(const call_site& by) {
    const aside meanwhile(*this);
    return taken(inner().get(), by);
  }

  void give(item given, const call_site& by) noexcept {
    if (given == nullptr) return;
    items().note_put(given.get(), this, checks_, by);
    inner().put(own(std::move(given)));
  }

  // Writes an item where an iterator points, and moves that on. What it throws leaves an item that
  // it has not taken to the pool.
  template <class Output>
  void write(item got, Output & to, const call_site& by) {
    struct put_rest {
      checked_pool& pool;
      item& left;
      const call_site& by;
      bool written = false;
      ~put_rest() {
        if (!written) pool.give(std::move(left), by);
      }
    } guard{*this, got, by};
    *to++ = std::move(got);
    guard.written = true;
  }

  // --- The pool itself --------------------------------------------------------------------------

  // Null before the first use.
  pool_type* used_pool() const {
    const auto locked = items().lock();
    return made_;
  }

  // The first call makes it: so this one is constant-initialised.
  pool_type& inner() {
    if (made_by_this_call() && seed_) {
      // Not under the mutex: who holds stderr may wait for that.
      std::fprintf(stderr, "poolproof: pool '%s': seed %llu\n", checks_.name,
                   static_cast<unsigned long long>(*seed_));
    }
    return *made_;
  }

  bool made_by_this_call() {
    const auto locked = items().lock();
    if (made_ != nullptr) return false;
    make();
    return true;
  }

  // Under the mutex of the items. The hooks are where the pool's are: they may outlive both. What
  // throws leaves them here.
  void make() {
    choose_seed();
    const auto user = std::make_shared<pool_hooks<T>>();
    made_ = new pool_type([this] { return own(factory_()); }, options_, noting(user));
    *user = std::move(hooks_);
  }

  // The user's hooks, which are shown the items' bytes.
  pool_hooks<T> noting(const std::shared_ptr<pool_hooks<T>>& user) const {
    pool_hooks<T> made;
    if (hooks_.reset || seed_) {
      made.reset = [user, is_seeded = seed_.has_value(), drawn = ~drawn_](T& given) mutable {
        T* const returned = std::addressof(given);
        if (!items().begin_reset(returned)) return true;
        if (is_seeded && items().draw(drawn) % 16 == 0) return false;
        if (user->reset && !user->reset(given)) return false;
        items().end_reset(returned);
        return true;
      };
    }
    if (hooks_.size_of) {
      made.size_of = [user](const T& measured) {
        items().open(std::addressof(measured), call_site::of_caller("size_of"));
        const std::size_t bytes = user->size_of(measured);
        items().close(std::addressof(measured));
        return bytes;
      };
    }
    if (hooks_.on_drop) {
      made.on_drop = [user](T& dropped, drop_cause why) {
        items().note_dropped(std::addressof(dropped), call_site::of_caller("destroyed"));
        user->on_drop(dropped, why);
      };
    }
    return made;
  }

  // --- The seeded mode --------------------------------------------------------------------------

  static std::optional<std::uint64_t> seed_of_environment() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): as any program that reads its environment
    const char* const text = std::getenv("POOLPROOF_SEED");
    if (text == nullptr || *text == '\0') return std::nullopt;
    return std::strtoull(text, nullptr, 10);
  }

  void choose_seed() {
    seed_ = checks_.seed ? checks_.seed : seed_of_environment();
    if (seed_) drawn_ = *seed_;
  }

  bool one_in(std::uint64_t n) noexcept { return seed_ && items().draw(drawn_) % n == 0; }

  // Before a call that takes an item, by `take` or as that does: puts aside so many that the next
  // one is any of the pool's, also of those that other CPUs have at hand. Sometimes all of them, so
  // that the call misses. They go back after the call.
  class aside {
   public:
    using how = own_item (pool_type::*)() noexcept;

    explicit aside(checked_pool& owner, how take = &pool_type::try_get) : pool_(owner.inner()) {
      if (owner.one_in(16)) pool_.rotate();
      if (!owner.one_in(2)) return;
      const auto held = static_cast<std::size_t>(pool_.stats().retained);
      if (held == 0) return;
      const std::size_t most = owner.one_in(8) ? held : items().draw(owner.drawn_) % held;
      items_.reset(new (std::nothrow) own_item[most]);
      if (items_ == nullptr) return;
      for (; count_ != most; ++count_) {
        items_[count_] = (pool_.*take)();
        if (items_[count_] == nullptr) return;
      }
    }
    ~aside() {
      for (std::size_t i = 0; i != count_; ++i) pool_.put(std::move(items_[i]));
    }
    aside(const aside&) = delete;
    aside& operator=(const aside&) = delete;

   private:
    pool_type& pool_;
    std::unique_ptr<own_item[]> items_;
    std::size_t count_ = 0;
  };

  const item_factory<item> factory_;
  const pool_options options_;
  pool_hooks<T> hooks_;  // until the first use
  const checked_options checks_;
  std::optional<std::uint64_t> seed_;  // from the first use on
  std::uint64_t drawn_ = 0;
  pool_type* made_ = nullptr;  // written once, under the mutex of the items
};

// An item on loan, or nothing: as object_pool's handle.
template <class T, class Deleter>
class checked_pool<T, Deleter>::handle {
 public:
  // What it has on loan, and detach gives.
  using item = std::unique_ptr<T, Deleter>;
  handle() noexcept = default;
  // Returns the item.
  [[gnu::noinline]] ~handle() {
    if (!inner_) return;
    items().note_handle_end(inner_.get(), call_site::of_caller("a handle's end"));
  }

  // The other is empty afterwards.
  handle(handle&& other) noexcept = default;
  handle& operator=(handle&& other) noexcept {
    handle taken(std::move(other));
    std::swap(inner_, taken.inner_);
    return *this;
  }

  // The item; null in an empty handle.
  T* get() const& noexcept { return inner_.get(); }
  T* get() const&& = delete;  // the item would be back in the pool before the pointer is used
  std::add_lvalue_reference_t<T> operator*() const noexcept { return *inner_; }
  T* operator->() const noexcept { return inner_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(inner_); }

  // Takes the item out of the handle: it is the caller's. The handle is empty afterwards.
  [[nodiscard]] item detach() noexcept {
    if (inner_) items().note_detached(inner_.get());
    return item(inner_.detach().release());
  }

 private:
  friend class checked_pool;

  explicit handle(typename pool_type::handle inner) noexcept : inner_(std::move(inner)) {}

  typename pool_type::handle inner_;
};

// What a program calls all its pools, so that one macro decides whether they are checked.
#if defined(POOLPROOF_CHECKED)
template <class T, class Deleter = std::default_delete<T>>
using pool = checked_pool<T, Deleter>;
#else
template <class T, class Deleter = std::default_delete<T>>
using pool = object_pool<T, Deleter>;
#endif

}  // namespace poolproof

#endif

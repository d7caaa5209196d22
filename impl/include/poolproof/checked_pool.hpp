// SPDX-License-Identifier: MIT
// An object_pool that finds misuse, says where it was, and ends the program.
//
//     poolproof::checked_pool<parser> parsers(make_parser, {.name = "parsers"});
//
//     poolproof: pool 'parsers': item 0x6020000000f0 was returned twice
//       put at server.cpp:31 (answer), called from ./server(+0x12c4)
//       before: put at server.cpp:30 (answer), called from ./server(+0x12c4)
//
// Its members are those of object_pool but for get_n, put_range and reserve; and the constructor's
// third argument is checked_options: a checked pool has no hooks. So that one macro decides for all
// pools of a program, they are declared as poolproof::pool<T>: that is a checked_pool where
// POOLPROOF_CHECKED is defined, and an object_pool where it is not. The types differ, and so do the
// names that the linker sees, also those of variables: objects that were compiled differently do
// not link.
//
// Found is
//   - an item that is put although it is in the pool, or although a handle has it, of whatever
//     pool;
//   - an item that was changed while it was in the pool. With AddressSanitizer that reports the
//     first access itself, of one that reads, too: the item's bytes are poisoned meanwhile.
//     Elsewhere a checksum of them is compared when the item is handed out or destroyed. Not where
//     T is incomplete where it is put; and not what an item points to;
//   - a pool that ends while handles are out, unless checked_options says that they may be.
// `outstanding` says what is out, since when, and where it was taken.
//
// With the environment variable POOLPROOF_SEED, or a seed in the options, a pool also does what it
// may do but seldom does: hands out any of its items, whichever thread has put it, misses, drops
// what comes back, begins cycles. It prints its seed, with which the same calls in the same order
// are told the same again. A call may then take as long as to move all items of the pool.
//
// LeakSanitizer does not look into poisoned bytes. What pooled items own is therefore shown to it
// when the program exits, and from then on nothing is poisoned. A program that calls
// __lsan_do_leak_check itself needs LSAN_OPTIONS=use_poisoned=1.
//
// Costs: each call takes a mutex that all checked pools of the process share, and walks up the
// stack; an item has some 200 bytes more. The pool is not constant-initialised. Its items are
// destroyed through it; what get has handed out its user may destroy, which the pool cannot see.
//
// Stands on: call_site, checked_items, object_pool, the standard library.
#pragma once

#if __cplusplus <= 201703L
#error "poolproof needs C++20: compile with -std=c++20"
#else

#include <poolproof/call_site.hpp>
#include <poolproof/checked_items.hpp>
#include <poolproof/object_pool.hpp>

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

// What destroys an item of a checked pool: notes it, and does what Deleter does.
template <class T, class Deleter>
struct checked_deleter {
  [[gnu::noinline]] void operator()(T* item) const {
    checked_items::instance().note_end(item, call_site::of_caller("destroyed"));
    Deleter()(item);
  }
};

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
  checked_pool() requires(std::is_same_v<Deleter, std::default_delete<T>> &&
                          std::is_default_constructible_v<T>)
      : checked_pool([] { return item(new T{}); }) {}

  // A pool whose misses call `factory`. Throws what object_pool's constructor throws.
  template <class Factory>
  requires std::is_invocable_r_v<std::unique_ptr<T, Deleter>, Factory&> explicit checked_pool(
      Factory factory, pool_options options = {}, checked_options checks = {})
      : checks_(named(checks, options)),
        seed_(checks.seed ? checks.seed : seed_of_environment()),
        drawn_(seed_.value_or(0)),
        pool_([factory = item_factory<item>(std::move(factory))] { return own(factory()); },
              options) {
    if (seed_) {
      std::fprintf(stderr, "poolproof: pool '%s': seed %llu\n", checks_.name,
                   static_cast<unsigned long long>(*seed_));
    }
  }

  // Reports handles that are out, unless the options allow them.
  [[gnu::noinline]] ~checked_pool() {
    items().note_pool_end(this, checks_, call_site::of_caller("ended"));
  }

  checked_pool(const checked_pool&) = delete;
  checked_pool& operator=(const checked_pool&) = delete;

  // An item of the pool, else what the factory makes. Reports an item that was changed in the pool,
  // as all of these do.
  [[nodiscard, gnu::noinline]] item get(source_line from = source_line::here()) {
    const aside meanwhile(*this);
    return taken(pool_.get(), call_site::of_caller("get", from));
  }

  // An item of the pool, else null.
  [[nodiscard, gnu::noinline]] item try_get(source_line from = source_line::here()) noexcept {
    const aside meanwhile(*this);
    return taken(pool_.try_get(), call_site::of_caller("try_get", from));
  }

  // The same, but it leaves what other CPUs have at hand.
  [[nodiscard, gnu::noinline]] item try_get_near(source_line from = source_line::here()) noexcept {
    const aside meanwhile(*this, &pool_type::try_get_near);
    return taken(pool_.try_get_near(), call_site::of_caller("try_get_near", from));
  }

  // Returns an item. Reports one that is in a pool already, and one that a handle has.
  [[gnu::noinline]] void put(item given, source_line from = source_line::here()) noexcept {
    if (given == nullptr) return;
    items().note_put(given.get(), this, checks_, call_site::of_caller("put", from));
    own_item kept = own(std::move(given));
    if (!drops()) pool_.put(std::move(kept));
  }

  // As get, in a handle that returns the item.
  [[nodiscard, gnu::noinline]] handle borrow(source_line from = source_line::here()) {
    const aside meanwhile(*this);
    handle made(pool_.borrow(), drops());
    if (made) {
      items().note_taken(made.get(), this, checks_, call_site::of_caller("borrow", from), true);
    }
    return made;
  }

  // What the pool has done, and what it holds.
  pool_stats stats() const { return pool_.stats(); }

  // One cycle.
  void rotate() { pool_.rotate(); }

  // What is out: how much, for how long, and where it was taken. What get has handed out counts
  // until it is put back, also if it has been destroyed.
  void outstanding(std::ostream & os) const { items().write_outstanding(os, this, checks_); }

 private:
  using deleter = checked_deleter<T, Deleter>;
  using own_item = std::unique_ptr<T, deleter>;
  using pool_type = object_pool<T, deleter>;

  static checked_items& items() { return checked_items::instance(); }

  // Called by the one name that all kinds of pools have, unless the checks have their own.
  static checked_options named(checked_options checks, const pool_options& options) noexcept {
    const bool has_name = options.name != nullptr && *options.name != '\0';
    if (checks.name == nullptr) checks.name = has_name ? options.name : "unnamed";
    return checks;
  }

  static own_item own(item given) noexcept { return own_item(given.release()); }

  item taken(own_item had, const call_site& by) {
    if (had != nullptr) items().note_taken(had.get(), this, checks_, by, false);
    return item(had.release());
  }

  // --- The seeded mode --------------------------------------------------------------------------

  static std::optional<std::uint64_t> seed_of_environment() {
    // NOLINTNEXTLINE(concurrency-mt-unsafe): as any program that reads its environment
    const char* const text = std::getenv("POOLPROOF_SEED");
    if (text == nullptr || *text == '\0') return std::nullopt;
    return std::strtoull(text, nullptr, 10);
  }

  bool one_in(std::uint64_t n) noexcept { return seed_ && items().draw(drawn_) % n == 0; }

  bool drops() noexcept { return one_in(16); }

  // Before a call that takes an item, by `take` or as that does: puts aside so many that the next
  // one is any of the pool's, also of those that other CPUs have at hand. Sometimes all of them, so
  // that the call misses. They go back after the call.
  class aside {
   public:
    using how = own_item (pool_type::*)() noexcept;

    explicit aside(checked_pool& owner, how take = &pool_type::try_get) noexcept
        : pool_(owner.pool_) {
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

  // Ends after the pool: until then items' destructors may use that.
  struct known_life {
    ~known_life() { items().forget(pool); }
    const checked_pool* pool;
  };

  const checked_options checks_;
  const known_life life_{this};
  const std::optional<std::uint64_t> seed_;
  std::uint64_t drawn_;
  pool_type pool_;
};

// An item on loan, or nothing: as object_pool's handle.
template <class T, class Deleter>
class checked_pool<T, Deleter>::handle {
 public:
  handle() noexcept = default;

  // Returns the item.
  [[gnu::noinline]] ~handle() {
    if (!inner_) return;
    items().note_handle_end(inner_.get(), call_site::of_caller("a handle's end"));
    if (drops_) inner_.detach().reset();
  }

  // The other is empty afterwards.
  handle(handle&& other) noexcept = default;
  handle& operator=(handle&& other) noexcept {
    handle taken(std::move(other));
    std::swap(inner_, taken.inner_);
    std::swap(drops_, taken.drops_);
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

  handle(typename pool_type::handle inner, bool drops) noexcept
      : inner_(std::move(inner)), drops_(drops) {}

  typename pool_type::handle inner_;
  bool drops_ = false;  // instead of returning it, by chance
};

// What a program calls all its pools, so that one macro decides whether they are checked. A class
// that has one does not differ in name, so a linker is given something else on which objects must
// agree: no symbol is both thread-local and not.
#if defined(__ELF__)
#if defined(POOLPROOF_CHECKED)
#define POOLPROOF_MODE __thread
#else
#define POOLPROOF_MODE
#endif
extern "C" {
// Weak, and not inline, of which a linker would look at the first alone.
// NOLINTBEGIN(misc-definitions-in-headers)
[[gnu::weak, gnu::used,
  gnu::visibility("hidden")]] POOLPROOF_MODE char poolproof_is_checked_in_all_objects_or_in_none;
// NOLINTEND(misc-definitions-in-headers)
}
#undef POOLPROOF_MODE
#endif

#if defined(POOLPROOF_CHECKED)
template <class T, class Deleter = std::default_delete<T>>
using pool = checked_pool<T, Deleter>;
#else
template <class T, class Deleter = std::default_delete<T>>
using pool = object_pool<T, Deleter>;
#endif

}  // namespace poolproof

#endif

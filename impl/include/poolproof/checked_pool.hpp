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
// may do but seldom does: hands out others than the newest item, misses, drops what is put, begins
// cycles. It prints its seed, with which the same calls in the same order are told the same again.
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

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <optional>
#include <ostream>
#include <type_traits>
#include <utility>
#include <vector>

namespace poolproof {

// What destroys an item of a checked pool.
template <class T, class Deleter>
struct checked_deleter {
  [[gnu::noinline]] void operator()(T* item) const {
    checked_items::instance().note_end(item, call_site::of_caller("destroyed"));
    Deleter()(item);
  }
};

// Members as object_pool's; see there.
template <class T, class Deleter = std::default_delete<T>>
class [[gnu::abi_tag("poolproof_checked")]] checked_pool {
 public:
  using item = std::unique_ptr<T, Deleter>;
  class handle;

  checked_pool() requires(std::is_same_v<Deleter, std::default_delete<T>> &&
                          std::is_default_constructible_v<T>)
      : checked_pool([] { return item(new T{}); }) {}

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

  [[gnu::noinline]] ~checked_pool() {
    items().note_pool_end(this, checks_, call_site::of_caller("ended"));
  }

  checked_pool(const checked_pool&) = delete;
  checked_pool& operator=(const checked_pool&) = delete;

  [[nodiscard, gnu::noinline]] item get(source_line from = source_line::here()) {
    if (own_item odd = choose()) return taken(std::move(odd), call_site::of_caller("get", from));
    return taken(pool_.get(), call_site::of_caller("get", from));
  }

  [[nodiscard, gnu::noinline]] item try_get(source_line from = source_line::here()) noexcept {
    return taken(misses() ? nullptr : pool_.try_get(), call_site::of_caller("try_get", from));
  }

  [[nodiscard, gnu::noinline]] item try_get_near(source_line from = source_line::here()) noexcept {
    return taken(misses() ? nullptr : pool_.try_get_near(),
                 call_site::of_caller("try_get_near", from));
  }

  [[gnu::noinline]] void put(item given, source_line from = source_line::here()) noexcept {
    if (given == nullptr) return;
    items().note_put(given.get(), this, checks_, call_site::of_caller("put", from));
    own_item kept = own(std::move(given));
    if (!one_in(16)) pool_.put(std::move(kept));
  }

  [[nodiscard, gnu::noinline]] handle borrow(source_line from = source_line::here()) {
    if (one_in(16)) pool_.rotate();
    handle made(pool_.borrow());
    if (made) {
      items().note_taken(made.get(), this, checks_, call_site::of_caller("borrow", from), true);
    }
    return made;
  }

  pool_stats stats() const { return pool_.stats(); }
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

  bool misses() noexcept { return one_in(8); }

  // One of the pool's items, and not the newest; none if the call goes the usual way.
  own_item choose() {
    if (one_in(16)) pool_.rotate();
    if (!one_in(2)) return nullptr;
    own_item chosen = pool_.try_get();
    std::vector<own_item> passed;
    while (chosen != nullptr && !one_in(3)) {
      own_item next = pool_.try_get();
      if (next == nullptr) break;
      passed.push_back(std::exchange(chosen, std::move(next)));
    }
    for (own_item& each : passed) pool_.put(std::move(each));
    return chosen;
  }

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

template <class T, class Deleter>
class checked_pool<T, Deleter>::handle {
 public:
  handle() noexcept = default;
  [[gnu::noinline]] ~handle() {
    if (inner_) items().note_handle_end(inner_.get(), call_site::of_caller("a handle's end"));
  }

  handle(handle&& other) noexcept = default;
  handle& operator=(handle&& other) noexcept {
    handle taken(std::move(other));
    std::swap(inner_, taken.inner_);
    return *this;
  }

  T* get() const& noexcept { return inner_.get(); }
  T* get() const&& = delete;
  std::add_lvalue_reference_t<T> operator*() const noexcept { return *inner_; }
  T* operator->() const noexcept { return inner_.get(); }
  explicit operator bool() const noexcept { return static_cast<bool>(inner_); }

  [[nodiscard]] item detach() noexcept {
    if (inner_) items().note_detached(inner_.get());
    return item(inner_.detach().release());
  }

 private:
  friend class checked_pool;

  explicit handle(typename pool_type::handle inner) noexcept : inner_(std::move(inner)) {}

  typename pool_type::handle inner_;
};

#if defined(POOLPROOF_CHECKED)
template <class T, class Deleter = std::default_delete<T>>
using pool = checked_pool<T, Deleter>;
#else
template <class T, class Deleter = std::default_delete<T>>
using pool = object_pool<T, Deleter>;
#endif

}  // namespace poolproof

#endif

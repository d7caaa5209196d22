// SPDX-License-Identifier: MIT
// An object_pool that finds misuse, says where it was, and ends the program.
//
//     poolproof::checked_pool<parser> parsers(make_parser, {}, {.name = "parsers"});
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
// Who owns what
//   I1. The table and its records belong to the holder of its mutex. A record is entered when an
//       item is first seen, and removed when the pool destroys the item, or when the item is out of
//       a pool that has ended, and no handle has it.
//   I2. An item is marked as pooled before the pool has it, and as out after: while the pool has
//       it, its record says so.
//   I3. How an item's bytes are shown is in its record since they were hidden: another translation
//       unit may show them, to which T is incomplete. A record names a pool while that lives: its
//       address may then be another's.
//
// Stands on: object_pool, sync, the standard library, the compiler's unwinder and dladdr.
#pragma once

#if __cplusplus <= 201703L
#error "poolproof needs C++20: compile with -std=c++20"
#else

#include <poolproof/object_pool.hpp>
#include <poolproof/sync.hpp>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <ostream>
#include <string>
#include <type_traits>
#include <unordered_map>
#include <utility>
#include <vector>

#include <unwind.h>

#if __has_include(<dlfcn.h>)
#include <dlfcn.h>
#endif

#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define POOLPROOF_HAS_ASAN
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define POOLPROOF_HAS_ASAN
#endif
#if defined(POOLPROOF_HAS_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace poolproof {

// A line of the source, which a defaulted argument takes from its caller; of a destructor there is
// none.
struct source_line {
  const char* file = nullptr;
  int line = 0;
  const char* function = nullptr;

  static constexpr source_line here(const char* file = __builtin_FILE(),
                                    int line = __builtin_LINE(),
                                    const char* function = __builtin_FUNCTION()) noexcept {
    return {file, line, function};
  }
};

// Where an item was taken or returned: by what call, the line if it is known, and two frames.
class call_site {
 public:
  call_site() noexcept = default;

  // Of the function that has called the pool's member, which calls this, and of its caller.
  [[gnu::noinline]] static call_site of_caller(const char* call, source_line line = {}) noexcept {
    call_site made;
    made.call_ = call;
    made.line_ = line;
    walk at{&made, 0};
    ::_Unwind_Backtrace(note_frame, &at);
    return made;
  }

  std::string text() const {
    std::string said = std::string(call_);
    if (line_.file != nullptr) {
      said += " at " + std::string(line_.file) + ':' + std::to_string(line_.line) + " (" +
              line_.function + ')';
    } else {
      said += " at " + address(frames_[0]);
    }
    return said + ", called from " + address(frames_[1]);
  }

  friend auto operator<=>(const call_site& a, const call_site& b) noexcept {
    return a.frames_ <=> b.frames_;
  }

 private:
  struct walk {
    call_site* into;
    std::size_t depth;
  };

  // This function's frame and that of the pool's member are not the user's.
  static constexpr std::size_t own_frames = 2;

  static _Unwind_Reason_Code note_frame(_Unwind_Context* frame, void* state) noexcept {
    auto& at = *static_cast<walk*>(state);
    const std::size_t index = at.depth++;
    if (index < own_frames) return _URC_NO_REASON;
    if (index - own_frames == at.into->frames_.size()) return _URC_END_OF_STACK;
    at.into->frames_[index - own_frames] = ::_Unwind_GetIP(frame);
    return _URC_NO_REASON;
  }

  // As addr2line wants it: the file, and the place in it.
  static std::string address(std::uintptr_t code) {
    std::array<char, 32> number{};
#if __has_include(<dlfcn.h>)
    Dl_info found{};
    // NOLINTNEXTLINE(performance-no-int-to-ptr): a return address
    if (::dladdr(reinterpret_cast<void*>(code), &found) != 0 && found.dli_fname != nullptr) {
      const auto begin = reinterpret_cast<std::uintptr_t>(found.dli_fbase);
      std::snprintf(number.data(), number.size(), "(+%#llx)",
                    static_cast<unsigned long long>(code - begin));
      return std::string(found.dli_fname) + number.data();
    }
#endif
    std::snprintf(number.data(), number.size(), "%#llx", static_cast<unsigned long long>(code));
    return number.data();
  }

  const char* call_ = "";
  source_line line_;
  std::array<std::uintptr_t, 2> frames_{};
};

struct checked_options {
  // How reports call the pool.
  const char* name = "unnamed";
  // Whether an item that changes while it is pooled is an error: not for items that others change
  // on purpose.
  bool bytes = true;
  // Whether handles may be out when the pool ends, as object_pool allows it.
  bool handles_may_outlive = false;
  // Makes the pool unpredictable. Default: the number that POOLPROOF_SEED holds, if it does.
  std::optional<std::uint64_t> seed = std::nullopt;
};

// What is known of all items of the process's checked pools.
class [[gnu::visibility("default")]] checked_items {
 public:
  using clock = std::chrono::steady_clock;
  enum class state : std::uint8_t { pooled, out, lent };

  struct record {
    const void* pool = nullptr;                // null when it has ended (I3)
    const checked_options* options = nullptr;  // of the pool, or nameless
    state now = state::out;
    call_site taken;
    call_site returned;
    clock::time_point since;
    std::size_t hidden = 0;                                         // bytes
    void (*unpoison)(const volatile void*, std::size_t) = nullptr;  // if none, they have a sum
    std::uint64_t sum = 0;
  };

  // Never destroyed: static pools end late.
  static checked_items& instance() {
    static auto* const all = make();
    return *all;
  }

  // An item is put into a pool.
  template <class T>
  void note_put(T * item, const void* pool, const checked_options& options, const call_site& from) {
    const std::lock_guard lock(mutex_);
    record& known = records_[item];
    if (known.now == state::pooled) {
      refuse(options, item, "was returned twice", from, "before: ", known.returned);
    }
    if (known.now == state::lent) {
      refuse(options, item,
             known.pool == pool ? "is returned while a handle has it"
                                : "is returned to another pool while a handle has it",
             from, "the handle's: ", known.taken);
    }
    known.pool = pool;
    known.options = &options;
    note_pooled(item, known, from);
  }

  // A handle returns its item, maybe to a pool that has ended.
  template <class T>
  void note_handle_end(T * item, const call_site& from) {
    const std::lock_guard lock(mutex_);
    note_pooled(item, records_[item], from);
  }

  // An item has come out of its pool, or is new.
  void note_taken(const void* item, const void* pool, const checked_options& options,
                  const call_site& by, bool by_handle) {
    const std::lock_guard lock(mutex_);
    record& known = records_[item];
    show(item, known, by);
    known.pool = pool;
    known.options = &options;
    known.now = by_handle ? state::lent : state::out;
    known.taken = by;
    known.since = clock::now();
  }

  // A handle's item has become its user's.
  void note_detached(const void* item) {
    const std::lock_guard lock(mutex_);
    record& known = records_[item];
    known.now = state::out;
    if (known.pool == nullptr) records_.erase(item);
  }

  // The pool destroys an item. One of a pool that has ended comes by way of its handle.
  void note_end(const void* item, const call_site& by) {
    const std::lock_guard lock(mutex_);
    const auto known = records_.find(item);
    if (known == records_.end()) return;
    show(item, known->second, by);
    records_.erase(known);
  }

  // A pool begins to end.
  void note_pool_end(const void* pool, const checked_options& options, const call_site& by) {
    const std::lock_guard lock(mutex_);
    if (options.handles_may_outlive) return;
    for (const auto& [item, known] : records_) {
      if (known.pool != pool || known.now != state::lent) continue;
      refuse(options, item, "is in a handle while its pool ends", by,
             "the handle's: ", known.taken);
    }
  }

  // A pool has ended: what is out of it is its users'. Of what handles have, and a rotate_all that
  // is at work in it, the records go when that is destroyed.
  void forget(const void* pool) {
    const std::lock_guard lock(mutex_);
    for (auto at = records_.begin(); at != records_.end();) {
      record& known = at->second;
      if (known.pool == pool && known.now == state::out) {
        at = records_.erase(at);
        continue;
      }
      if (known.pool == pool) {
        known.pool = nullptr;
        known.options = &nameless();
      }
      ++at;
    }
  }

  void write_outstanding(std::ostream & os, const void* pool, const checked_options& options) {
    struct group {
      std::size_t count = 0;
      clock::time_point oldest = (clock::time_point::max)();
    };
    std::map<call_site, group> groups;
    std::size_t all = 0;
    const auto now = clock::now();
    std::unique_lock lock(mutex_);
    for (const auto& [item, known] : records_) {
      if (known.pool != pool || known.now == state::pooled) continue;
      group& of = groups[known.taken];
      ++of.count;
      ++all;
      of.oldest = (std::min)(of.oldest, known.since);
    }
    lock.unlock();  // the stream's buffer may use a pool, or take its time
    os << "pool '" << options.name << "': " << all << " out\n";
    for (const auto& [where, of] : groups) {
      const std::chrono::duration<double> age = now - of.oldest;
      os << "  " << of.count << ", the oldest for " << age.count() << " s: " << where.text()
         << '\n';
    }
  }

 private:
  checked_items() = default;
  ~checked_items() = default;

  static checked_items* make() {
    auto* const made = new checked_items;
#if defined(POOLPROOF_HAS_ASAN)
    // Runs before LeakSanitizer's check, which was registered before main. If it is refused, that
    // reports more than it should.
    static_cast<void>(std::atexit([] { instance().show_all(); }));
#endif
    return made;
  }

  // What comes back to a pool that has ended is destroyed at once: its bytes need not be hidden.
  static const checked_options& nameless() {
    static const checked_options options{.name = "that has ended", .bytes = false};
    return options;
  }

  [[noreturn]] static void refuse(const checked_options& options, const void* item,
                                  const char* what, const call_site& now, const char* other,
                                  const call_site& then) {
    std::fprintf(stderr, "poolproof: pool '%s': item %p %s\n  %s\n  %s%s\n", options.name, item,
                 what, now.text().c_str(), other, then.text().c_str());
    std::abort();
  }

  template <class T>
  void note_pooled(T * item, record & known, const call_site& from) noexcept {
    known.now = state::pooled;
    known.returned = from;
    if constexpr (requires { sizeof(T); }) {
      if (known.options->bytes && !exits_) hide(item, sizeof(T), known);
    }
  }

  // Pooled bytes belong to nobody until they are shown again.
  static void hide(const void* item, std::size_t bytes, record& known) noexcept {
    known.hidden = bytes;
#if defined(POOLPROOF_HAS_ASAN)
    ASAN_POISON_MEMORY_REGION(item, bytes);
    known.unpoison = ::__asan_unpoison_memory_region;
#else
    known.unpoison = nullptr;
    known.sum = sum_of(item, bytes);
#endif
  }

  static void show(const void* item, record& known, const call_site& by) noexcept {
    const std::size_t bytes = std::exchange(known.hidden, 0);
    if (bytes == 0) return;
    if (known.unpoison != nullptr) {
      known.unpoison(item, bytes);
    } else if (known.sum != sum_of(item, bytes)) {
      refuse(*known.options, item, "was changed while it was in the pool", by,
             "returned before: ", known.returned);
    }
  }

  // The program exits: so that LeakSanitizer sees what pooled items own.
  void show_all() {
    const std::lock_guard lock(mutex_);
    exits_ = true;
    for (auto& [item, known] : records_) {
      const std::size_t bytes = std::exchange(known.hidden, 0);
      if (bytes != 0 && known.unpoison != nullptr) known.unpoison(item, bytes);
    }
  }

  // Of padding, too, which MemorySanitizer would report.
#if defined(__clang__)
  [[clang::no_sanitize("memory")]]
#endif
  static std::uint64_t
  sum_of(const void* item, std::size_t count) noexcept {
    const auto* const bytes = static_cast<const unsigned char*>(item);
    std::uint64_t sum = 14695981039346656037u;  // FNV-1a
    for (std::size_t i = 0; i < count; ++i) sum = (sum ^ bytes[i]) * 1099511628211u;
    return sum;
  }

  std::mutex mutex_;
  std::unordered_map<const void*, record> records_;
  bool exits_ = false;
};

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
      : checks_(checks),
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

  // splitmix64.
  bool one_in(std::uint64_t n) noexcept {
    if (!seed_) return false;
    const std::lock_guard lock(draw_mutex_);
    std::uint64_t z = drawn_ += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return (z ^ (z >> 31)) % n == 0;
  }

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
  std::mutex draw_mutex_;
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

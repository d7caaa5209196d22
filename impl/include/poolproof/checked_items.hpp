// SPDX-License-Identifier: MIT
// What is known of all items of the process's checked pools: where each is, and who had it last.
// What must not be ends the program, with a report.
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
// Stands on: call_site, hidden_bytes, the standard library and POSIX.
#pragma once

#include <poolproof/call_site.hpp>
#include <poolproof/hidden_bytes.hpp>

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <mutex>
#include <new>
#include <optional>
#include <ostream>
#include <thread>
#include <unordered_map>
#include <utility>

#include <pthread.h>

#if defined(POOLPROOF_HAS_ASAN) && defined(__linux__)
#include <dlfcn.h>
#include <sys/auxv.h>
#endif

namespace poolproof {

// What a user says of the checks of a checked_pool.
struct checked_options {
  // How reports call the pool, if not as pool_options does.
  const char* name = nullptr;
  // Whether an item that changes while it is pooled is an error: not for items that others change
  // on purpose.
  bool bytes = true;
  // How many bytes an item has. Default: as many as its type, and none to look at if that is
  // incomplete.
  std::size_t item_bytes = 0;
  // Whether handles may be out when the pool ends, as object_pool allows it.
  bool handles_may_outlive = false;
  // Makes the pool unpredictable. Default: the number that POOLPROOF_SEED holds, if it does.
  std::optional<std::uint64_t> seed = std::nullopt;
};

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
    hidden_bytes bytes;
    bool is_new = false;  // to the pool that it is put into: not yet reset
  };

  // Never destroyed: static pools end late.
  static checked_items& instance() {
    static auto* const all = make();
    return *all;
  }

  // For what the first call of a pool does.
  [[nodiscard]] std::unique_lock<std::mutex> lock() { return std::unique_lock(mutex_); }

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
    record* const known = find(item);
    if (known == nullptr) return;  // memory for it was refused, and borrow throws
    note_pooled(item, *known, from);
  }

  // A pool is about to reset an item that it is given; the item is then shown. False if it need not
  // be reset: it has been aside, or nobody has had it.
  bool begin_reset(const void* item) {
    const std::lock_guard lock(mutex_);
    record* const known = find(item);
    if (known == nullptr || !std::exchange(known->is_new, false)) return false;
    known->bytes.show_unchecked(item);
    return true;
  }

  // It has been reset, and goes into the pool.
  template <class T>
  void end_reset(T * item) {
    const std::lock_guard lock(mutex_);
    record* const known = find(item);
    if (known != nullptr && known->now == state::pooled) hide(item, *known);
  }

  // A pool has an item measured, between these two.
  void open(const void* item, const call_site& by) {
    const std::lock_guard lock(mutex_);
    const record* const known = find(item);
    if (known != nullptr && !known->bytes.open(item)) refuse_changed(item, *known, by);
  }
  void close(const void* item) {
    const std::lock_guard lock(mutex_);
    record* const known = find(item);
    if (known != nullptr && !exits_) known->bytes.close(item);
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
    known.is_new = false;
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

  // The pool shows an item to its user, before it destroys it.
  void note_dropped(const void* item, const call_site& by) {
    const std::lock_guard lock(mutex_);
    if (record* const known = find(item)) show(item, *known, by);
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

  // A number by chance, from a seed that the mutex guards, too: splitmix64.
  std::uint64_t draw(std::uint64_t & seed) {
    const std::lock_guard lock(mutex_);
    std::uint64_t z = seed += 0x9e3779b97f4a7c15u;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
  }

  // Says whose item has a byte at this address, if a pool has it, and who has returned it.
  void write_use_after_return(const void* address) noexcept {
    std::unique_lock lock(mutex_, std::try_to_lock);
    // Not for ever: the thread that is inside may be the one that asks.
    for (int i = 0; !lock && i != 100; ++i) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      static_cast<void>(lock.try_lock());
    }
    if (!lock) return;
    for (const auto& [item, known] : records_) {
      if (!known.bytes.are_at(item, address)) continue;
      std::fprintf(stderr,
                   "poolproof: pool '%s': item %p was used after it had been returned\n"
                   "  returned before: %s\n",
                   known.options->name, item, known.returned.text().c_str());
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
    // Not from the heap, which may be refused to a pool that is just being made.
    alignas(checked_items) static std::byte memory[sizeof(checked_items)];
    auto* const made = ::new (memory) checked_items;
    // A child must find the mutex free, as it finds an object_pool. If that is refused, it may not.
    [[maybe_unused]] const auto enter = [] { instance().mutex_.lock(); };
    [[maybe_unused]] const auto leave = [] { instance().mutex_.unlock(); };
    pthread_atfork(enter, leave, leave);  // a macro in mingw-w64
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
    const char* const name = options.name;
    const std::string texts[] = {now.text(), then.text()};
    // Others may hold stderr and wait for this; and who handles the signal may fork.
    instance().mutex_.unlock();
    std::fprintf(stderr, "poolproof: pool '%s': item %p %s\n  %s\n  %s%s\n", name, item, what,
                 texts[0].c_str(), other, texts[1].c_str());
    std::abort();
  }

  record* find(const void* item) {
    const auto known = records_.find(item);
    return known != records_.end() ? &known->second : nullptr;
  }

  template <class T>
  void note_pooled(T * item, record & known, const call_site& from) noexcept {
    known.now = state::pooled;
    known.is_new = true;
    known.returned = from;
    hide(item, known);
  }

  template <class T>
  void hide(T * item, record & known) noexcept {
    std::size_t bytes = known.options->item_bytes;
    if constexpr (requires { sizeof(T); }) {
      if (bytes == 0) bytes = sizeof(T);
    }
    if (known.options->bytes && !exits_) known.bytes.hide(item, bytes);
  }

  static void show(const void* item, record& known, const call_site& by) noexcept {
    if (!known.bytes.show(item)) refuse_changed(item, known, by);
  }
  [[noreturn]] static void refuse_changed(const void* item, const record& known,
                                          const call_site& by) {
    refuse(*known.options, item, "was changed while it was in the pool", by,
           "returned before: ", known.returned);
  }

  // The program exits: so that LeakSanitizer sees what pooled items own.
  void show_all() {
    const std::lock_guard lock(mutex_);
    exits_ = true;
    for (auto& [item, known] : records_) known.bytes.show_unchecked(item);
  }

  std::mutex mutex_;
  std::unordered_map<const void*, record> records_;
  bool exits_ = false;
};

// AddressSanitizer's report of a use after return, completed: whose item it was, and who has
// returned it. A program with an error report callback of its own calls this there. Elsewhere it
// does nothing.
inline void explain_asan_report() noexcept {
#if defined(POOLPROOF_HAS_ASAN)
  checked_items::instance().write_use_after_return(::__asan_get_report_address());
#endif
}

#if defined(POOLPROOF_HAS_ASAN)
// Before main, for there is one callback: so one that the program sets is not replaced by this. Not
// by a library, which may be loaded after that, and unloaded.
inline const bool asan_reports_are_explained = [] {
#if defined(__linux__)
  Dl_info here{}, program{};
  const auto entry = ::getauxval(AT_ENTRY);
  ::dladdr(reinterpret_cast<void*>(&explain_asan_report), &here);
  ::dladdr(reinterpret_cast<void*>(entry), &program);  // NOLINT(performance-no-int-to-ptr)
  if (here.dli_fbase != program.dli_fbase) return false;
#endif
  ::__asan_set_error_report_callback([](const char*) { explain_asan_report(); });
  return true;
}();
#endif

}  // namespace poolproof

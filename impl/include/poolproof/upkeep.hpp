// SPDX-License-Identifier: MIT
// What a pool does for its user beside keeping items: it calls the hooks, keeps to the bounds, and
// says by which name it is known, and what it drops.
//
//     put ---> reset ---> room? ---> counted [ the pool ] not counted ---> get
//                |          |                   |
//              reset      bound       cycle, memory, end          late return: was not counted
//
// A pool without hooks and bounds has one, too, which then only counts what is dropped.
//
// Who owns what
//   U1. An item counts from before it is put until after it has been taken out. So the pool holds
//       no more items, nor bytes, than are counted, and these are never more than the bounds.
//   U2. Hooks run in the thread that has the item in its hands, while it owns no shard.
//   U3. The hooks are the pool's, and from close on its core's; their state stays where it is. What
//       is here is how to call them.
//
// Stands on: bounds, pool_options, probes, sync.
#pragma once

#include <poolproof/bounds.hpp>
#include <poolproof/pool_options.hpp>
#include <poolproof/probes.hpp>
#include <poolproof/sync.hpp>

#include <array>
#include <cstdint>
#include <memory>

namespace poolproof {

template <class Deleter, class T>
void destroy_item(T* item) noexcept {
  std::unique_ptr<T, Deleter>{item}.reset();
}

// Whether a pool's puts and gets have more to do than to move items.
template <class T>
constexpr bool has_upkeep(const pool_options& options, const pool_hooks<T>& hooks) noexcept {
  return hooks.reset || hooks.size_of || options.max_retained != pool_options::no_bound ||
         options.min_idle != 0;
}

// Reports options without sense.
template <class T>
constexpr pool_options valid_options(pool_options options, const pool_hooks<T>& hooks) {
  if (!options.cycle_interval.is_positive_or_never()) {
    reject_argument(
        "object_pool: option 'cycle_interval' must be positive; for a pool without "
        "automatic cycles pass std::nullopt");
  }
  if (options.max_bytes != pool_options::no_bound && !hooks.size_of) {
    reject_argument("object_pool: option 'max_bytes' needs the hook 'size_of'");
  }
  if (options.min_idle > options.max_retained) {
    reject_argument("object_pool: option 'min_idle' must not be more than 'max_retained'");
  }
  return options;
}

template <class T, class Deleter, sync_policy Sync = std_sync>
class upkeep {
 public:
  upkeep(const pool_options& options, const pool_hooks<T>& hooks) noexcept
      : name_(options.name != nullptr ? options.name : ""),
        reset_(hooks.reset.use()),
        size_of_(hooks.size_of.use()),
        on_drop_(hooks.on_drop.use()),
        most_items_(options.max_retained),
        most_bytes_(options.max_bytes),
        least_items_(options.min_idle),
        counts_(options.max_retained != pool_options::no_bound || options.min_idle != 0) {}

  // What operators know the pool by.
  const char* name() const noexcept { return name_; }

  // Whether an item that comes back may go into the pool; it then counts. Else it is destroyed.
  // Progress as the hooks, else lock-free.
  [[nodiscard]] bool admit(T* item) noexcept {
    if (reset_ && !resets(*item)) return refuse(item, drop_cause::reset);
    return fits(*item) || refuse(item, drop_cause::bound);
  }

  // The same for a new item, which needs no reset. Not destroyed.
  [[nodiscard]] bool fits(const T& item) noexcept {
    if (counts_ && !items_.add(1, most_items_)) return false;
    if (!size_of_ || bytes_.add(size_of_(item), most_bytes_)) return true;
    forget(1);
    return false;
  }

  // An item has been taken out of the pool for a user. Progress as admit.
  void release(const T& item) noexcept {
    forget(1);
    forget_bytes(item);
  }

  // Of `count` items that a cycle has taken out, how many it may destroy: those count no more.
  // Anyone; lock-free.
  [[nodiscard]] std::uint32_t let_go(std::uint32_t count) noexcept {
    if (least_items_ == 0) {
      forget(count);
      return count;
    }
    return static_cast<std::uint32_t>(items_.subtract_above(least_items_, count));
  }

  // Items that have been taken out count no more.
  void forget(std::uint32_t count) noexcept {
    if (counts_) items_.subtract(count);
  }

  // Destroys items that have been taken out, and been forgotten.
  void destroy(T* const* items, std::uint32_t count, drop_cause why) noexcept {
    dropped_[static_cast<std::size_t>(why)].add(count);
    for (std::uint32_t i = 0; i != count; ++i) {
      forget_bytes(*items[i]);
      end(items[i], why);
    }
  }

  // Destroys an item that has been taken out of the pool, or had been admitted to it.
  void drop(T* item, drop_cause why) noexcept {
    forget(1);
    destroy(&item, 1, why);
  }

  // Destroys one that was not admitted. False.
  bool refuse(T* item, drop_cause why) noexcept {
    dropped_[static_cast<std::size_t>(why)].add(1);
    end(item, why);
    return false;
  }

  // For statistics. Anyone; wait-free.
  std::uint64_t dropped(drop_cause why) const noexcept {
    return dropped_[static_cast<std::size_t>(why)].value();
  }
  std::uint64_t bytes() const noexcept { return bytes_.value(); }

 private:
  bool resets(T& item) noexcept {
#if defined(__cpp_exceptions)
    try {
      return reset_(item);
    } catch (...) {
      return false;
    }
#else
    return reset_(item);
#endif
  }

  void forget_bytes(const T& item) noexcept {
    if (size_of_) bytes_.subtract(size_of_(item));
  }

  void end(T* item, drop_cause why) noexcept {
    POOLPROOF_PROBE(drop, name_, static_cast<unsigned>(why));
    if (on_drop_) on_drop_(*item, why);
    poolproof::destroy_item<Deleter>(item);  // not one that is found by the item's type
  }

  const char* const name_;
  const typename callable<bool(T&)>::view reset_;
  const typename callable<std::size_t(const T&)>::view size_of_;
  const typename callable<void(T&, drop_cause)>::view on_drop_;
  const std::uint64_t most_items_;
  const std::uint64_t most_bytes_;
  const std::uint64_t least_items_;
  const bool counts_;
  bounded_count<Sync> items_;
  bounded_count<Sync> bytes_;
  std::array<typename Sync::counter, 6> dropped_;
};

}  // namespace poolproof

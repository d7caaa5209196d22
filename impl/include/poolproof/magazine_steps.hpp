// SPDX-License-Identifier: MIT
// What the sections do on a magazine, step by step, in C++: the assembly of rseq_*.hpp says the
// same, and a checker, which cannot run that, runs this. No program needs it.
//
// M1 to M7 are those of magazine.hpp.
//
// Stands on: magazine, sync.
#pragma once

#include <poolproof/magazine.hpp>
#include <poolproof/sync.hpp>

#include <algorithm>

namespace poolproof {

// `here` is the section: its cpu(), and commit(store), after which it is over. `shards` are a
// near_shards.
template <class Shards>
struct magazine_steps {
  using item_type = typename Shards::item_type;
  using magazine_type = typename Shards::magazine_type;

  template <class Section>
  static item_type* take(Section& here, const Shards& shards) noexcept {
    return take_one(here, shards, 0);
  }

  template <class Section>
  static item_type* loan(Section& here, const Shards& shards) noexcept {
    return take_one(here, shards, magazine_layout::one_handle);
  }

  template <class Section>
  static std::uint32_t take_some(Section& here, const Shards& shards, item_type** out,
                                 std::uint32_t room) noexcept {
    return take_step(here, shards, out, room, 0, true);
  }

  template <class Section>
  static bool give(Section& here, const Shards& shards, item_type* item) noexcept {
    return give_step(here, shards, &item, 1, 0) == 1;
  }

  template <class Section>
  static bool hand_back(Section& here, const Shards& shards, item_type* item) noexcept {
    return give_step(here, shards, &item, 1, -magazine_layout::one_handle) == 1;
  }

  template <class Section>
  static std::uint32_t give_some(Section& here, const Shards& shards, item_type* const* items,
                                 std::uint32_t count) noexcept {
    return give_step(here, shards, items, count, 0);
  }

 private:
  template <class Section>
  static item_type* take_one(Section& here, const Shards& shards, std::int64_t handles) noexcept {
    item_type* item = nullptr;
    return take_step(here, shards, &item, 1, handles, false) != 0 ? item : nullptr;
  }

  template <class Section>
  static std::uint32_t take_step(Section& here, const Shards& shards, item_type** out,
                                 std::uint32_t room, std::int64_t handles, bool may_tick) noexcept {
    if (here.cpu() >= shards.reach()) return 0;
    magazine_type& own = shards.first()[here.cpu()].own_magazine();
    // [take_step.bounds] acquire: pairs with [closing_end.bounds], [deepen.swap]; so that word and
    // items are read as the closer has left them, and the items' contents as their givers have
    // (M7), and that there is a pace (M6).
    const std::uint64_t bounds = own.bounds_.load(std::memory_order_acquire);
    // After the bounds: one from before they were opened would be the closer's to change.
    // [take_step.word] relaxed: section; those of one CPU are one after the other.
    const std::uint64_t now = own.word_.load(std::memory_order_relaxed);
    const std::uint32_t held = magazine_type::count_of(now);
    if (held <= magazine_type::floor_of(bounds)) return 0;
    const std::uint32_t count = (std::min)(room, held);
    for (std::uint32_t i = 0; i != count; ++i) {
      // [take_step.item] relaxed: section; as [take_step.word].
      out[i] = own.items_[held - count + i].load(std::memory_order_relaxed);
    }
    // [take_step.pace] relaxed: ordered by [take_step.bounds]; which pace it is does not matter.
    const std::uint64_t paced = now + own.pace_.load(std::memory_order_relaxed);
    if (paced < now && !may_tick) return 0;
    here.commit([&] {
      // The pace has an item less.
      // [take_step.commit] relaxed: section; seen by the next one, or by the closer (M7).
      own.word_.store(paced - (count - 1) + static_cast<std::uint64_t>(handles),
                      std::memory_order_relaxed);
    });
    return count;
  }

  template <class Section>
  static std::uint32_t give_step(Section& here, const Shards& shards, item_type* const* items,
                                 std::uint32_t most, std::int64_t handles) noexcept {
    if (here.cpu() >= shards.reach()) return 0;
    magazine_type& own = shards.first()[here.cpu()].own_magazine();
    // [give_step.bounds] acquire: pairs with [closing_end.bounds], [deepen.swap]; so that the
    // closer has read the slot before it is filled, and the word is the one that it has left (M7),
    // and that the shard is known to be marked.
    const std::uint64_t bounds = own.bounds_.load(std::memory_order_acquire);
    // [give_step.word] relaxed: section; as [take_step.word].
    const std::uint64_t now = own.word_.load(std::memory_order_relaxed);
    const std::uint32_t held = magazine_type::count_of(now);
    if (held >= magazine_type::limit_of(bounds)) return 0;
    const std::uint32_t count = (std::min)(most, magazine_type::limit_of(bounds) - held);
    for (std::uint32_t i = 0; i != count; ++i) {
      // [give_step.item] relaxed: section; it counts for nothing before the commit (M1).
      own.items_[held + i].store(items[most - 1 - i], std::memory_order_relaxed);
    }
    here.commit([&] {
      // [give_step.commit] relaxed: section; as [take_step.commit].
      own.word_.store(now + count + static_cast<std::uint64_t>(handles), std::memory_order_relaxed);
    });
    return count;
  }
};

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// What the models of the whole pool have in common: a pool, its items, and what must hold of them
// at the end.
//
// Stands on: model, <poolproof/object_pool.hpp>.
#pragma once

#include <poolproof/object_pool.hpp>

#include "model.hpp"

#include <array>
#include <optional>
#include <utility>

namespace poolproof::models {

// An item that knows whether it has been destroyed. It stays where it is, so that the model can
// ask.
struct pooled : token {
  int destructions = 0;
  unsigned destroyed_by = 0;  // a thread, or max_threads
};

// The running thread, or max_threads where there are none.
inline unsigned this_thread() { return in_threads() ? current_thread() : max_threads; }

// What the pool's Deleter does: the last plain access to the item, ordered after all others.
struct bury {
  void operator()(pooled* item) const noexcept {
    require(item->destructions == 0, "an item was destroyed twice");
    if (item->given()) item->claim();
    ++item->destructions;
    item->destroyed_by = this_thread();
  }
};

// What the models of the whole pool have in common.
template <class Sync>
struct basic_pool_model : model {
  using pool = object_pool<pooled, bury, Sync>;
  using pool_item = typename pool::item;

  explicit basic_pool_model(pool_options options = {.cycle_interval = std::nullopt}) {
    // They are explored in the models of the rings; here they would only multiply what is searched.
    this_machine.spurious_failures = false;
    this_machine.reuse_memory = false;
    // The shard of the first user begins with the pool; a thread that moves to another CPU begins
    // that one's.
    this_machine.cpu_count = 2;
    this_machine.cpu_of_thread.fill(0);
    pool_.emplace([this] { return makes_[this_thread()] ? make() : pool_item(); }, options);
  }

  // The calling thread is at this CPU from now on.
  static void move_to(std::uint32_t cpu) { this_machine.cpu_of_thread[current_thread()] = cpu; }

  // An item from wherever there is one, or null.
  pool_item find() {
    pool_item got = pool_->get();
    if (got != nullptr) got->claim();
    return got;
  }

  // Gets an item or misses, and keeps it until the pool is gone.
  void get(unsigned keeper) {
    kept_[keeper] = find();
    outcome(kept_[keeper] != nullptr ? "got" : "missed");
  }

  // Borrows an item; a miss makes one.
  typename pool::handle borrow() {
    makes_[this_thread()] = true;
    typename pool::handle borrowed = pool_->borrow();
    makes_[this_thread()] = false;
    return borrowed;
  }

  void put(pool_item given) {
    given->prepare();
    pool_->put(std::move(given));
  }

  // Makes an item without asking the pool: what the factory does. Each thread has its own, so that
  // which one it is does not depend on what others have made.
  pool_item make() {
    const unsigned maker = this_thread();
    require(made_[maker] != max_items, "the model has too few items");
    return pool_item(&items_[maker][made_[maker]++]);
  }

  template <class Visit>
  void for_each_made(Visit visit) const {
    for (unsigned maker = 0; maker != made_.size(); ++maker) {
      for (unsigned i = 0; i != made_[maker]; ++i) visit(items_[maker][i]);
    }
  }

  int destroyed() const {
    int count = 0;
    for_each_made([&](const pooled& item) { count += item.destructions; });
    return count;
  }

  // Every item that is left can be got.
  void require_all_found() {
    int left = 0;
    for_each_made([&](const pooled& item) { left += item.given() ? 1 : 0; });
    while (find() != nullptr) --left;
    require(left == 0, "an item could not be found again");
  }

  // What is left now is gone after two cycles.
  void require_none_outlives_two_cycles() {
    pool_->rotate();
    pool_->rotate();
    for_each_made(
        [](const pooled& item) { require(!item.given(), "an item outlived two cycles"); });
  }

  // Of every pool model: each item that was made is destroyed once, the last ones by the
  // destructor.
  void after() override {
    for (pool_item& kept : kept_) kept.reset();
    pool_.reset();
    for_each_made([](const pooled& item) { require(item.destructions == 1, "an item was lost"); });
  }

  static constexpr unsigned max_items = 4;

  std::optional<pool> pool_;
  // By maker: the threads, and what is made before and after them.
  std::array<std::array<pooled, max_items>, max_threads + 1> items_;
  std::array<unsigned, max_threads + 1> made_{};
  std::array<bool, max_threads + 1> makes_{};  // whether the factory does now
  pool_item kept_[3];
  gate in_use_;  // for a thread whose cycle would else find a pool that nobody has used
};

}  // namespace poolproof::models

// SPDX-License-Identifier: MIT
// The shards of the CPUs, how they begin, and the spill shards: <poolproof/shard_table.hpp>.
#include <poolproof/shard_table.hpp>

#include "model.hpp"

#include <optional>

namespace poolproof::models {
namespace {

using table = shard_table<token, sync>;

// A table of two shards, of which that of CPU 0 has begun.
struct table_model : model {
  void before() override {
    this_machine.cpu_count = 2;
    require(table_.create(0), "no table");
  }

  // The shard of a CPU, as pool_core finds it.
  table::shard_type& find(std::uint32_t cpu) {
    if (auto* const found = table_.find(cpu)) return *found;
    return table_.find_slow(cpu, 0);
  }

  // Gives an item to the shard of a CPU; the displaced one is pushed to a spill shard, so that both
  // kinds hold something.
  void put(unsigned item, std::uint32_t cpu) {
    auto& s = find(cpu);
    items_[item].prepare();
    token* const displaced = s.give(&items_[item]);
    if (displaced == nullptr) return;
    auto spill = table_.own_spill();
    require(spill && spill.push(displaced), "memory was refused");
    outcome("spilled");
  }

  // Property of all: every item that was put is found again by walking the table.
  void after() override {
    for (unsigned found = 0;; ++found) {
      token* const item = table_.find_first(0, [](auto& s) {
        token* const lying = s.steal_private();
        return lying != nullptr ? lying : s.steal_shared();
      });
      if (item == nullptr) break;
      item->claim();
    }
    for (const token& item : items_) require(!item.given(), "a shard that begins lost an item");
  }

  table table_;
  token items_[3];
};

// Property:   A reader that sees how far the shards reach finds that many, as they were made: what
//             a pool's first user shows to those who look into the pool alone.
// Expected:   passes
// Threads:    make a table, show its shards || look, and use the shard of CPU 1
// Bound:      2 shards
// Would show: the reach published before the first shard, or read after it; a reach that orders
//             nothing
struct pin_vs_show : model {
  static model_info info() {
    return {.property = "who sees the reach sees the shards as they were made",
            .threads = 2,
            .bound = "2 shards",
            .outcomes = {"reached the shard", "not yet out"}};
  }

  void before() override { this_machine.cpu_count = 2; }

  void thread(unsigned index) override {
    if (index == 0) {
      made_.emplace();
      require(made_->create(0), "no table");
      shown_.show(&*made_->find(0), 2);
      return;
    }
    if (shown_.reach() < 2) {
      outcome("not yet out");
      return;
    }
    outcome("reached the shard");
    item_.prepare();
    auto& reached = shown_.first()[1];
    require(reached.give(&item_) == nullptr, "the shard is not as it was made");
    reached.take()->claim();
  }

  void after() override { made_.reset(); }

  std::optional<table> made_;
  near_shards<token, sync> shown_;
  token item_;
};

// Property:   Who walks the table without having looked for a shard of its own finds every shard
//             in order, also one that is just beginning.
// Expected:   passes
// Threads:    put at CPU 1 || walk, stealing
// Bound:      2 shards, of which one begins
// Would show: a shard that is marked before it is fit for use
struct walk_vs_begin : table_model {
  static model_info info() {
    return {.property = "who walks the table finds every shard in order",
            .threads = 2,
            .bound = "1 shard that begins, 1 put, 1 walk",
            .outcomes = {"stolen", "found nothing"}};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      put(0, 1);
      return;
    }
    token* const stolen = table_.find_first(0, [](auto& s) { return s.steal_private(); });
    outcome(stolen != nullptr ? "stolen" : "found nothing");
    if (stolen != nullptr) stolen->claim();
  }
};

// Property:   Who has been told of an item finds it: its shard is marked before it is put.
// Expected:   passes
// Threads:    put at CPU 1, tell || search, if told || put at CPU 1
// Bound:      1 shard that begins
// Would show: a shard that is marked after the item is put, or only by its first user
struct put_vs_told_search : table_model {
  static model_info info() {
    return {.property = "who has been told of an item finds it",
            .threads = 3,
            .bound = "1 shard that begins, 2 puts, 1 search",
            .search = bounded_and_random(2),
            .outcomes = {"told", "not told"}};
  }

  void thread(unsigned index) override {
    if (index != 1) put(index, 1);
    if (index == 0) told_.store(1, std::memory_order_release);
    if (index != 1) return;
    const bool told = told_.load(std::memory_order_acquire) != 0;
    outcome(told ? "told" : "not told");
    if (!told) return;
    token* const found = table_.find_first(0, [](auto& s) { return s.steal_private(); });
    require(found != nullptr, "an item was not found");
    found->claim();
  }

  sync::atomic<unsigned> told_{0};
};

// Property:   Of two that come first to a shard one begins it, once, and the other makes do with
//             the shard that was begun first; what the shard holds is not older than it is.
// Expected:   passes
// Threads:    find the shard of CPU 1 after 3 cycles, push || the same after 4 cycles
// Bound:      1 shard that begins, 2 pushes
// Would show: two that begin a shard, one of them under the other's item; a shard in use that was
//             not begun
struct begin_vs_begin : table_model {
  static model_info info() {
    return {.property = "a shard begins once, before it holds anything",
            .threads = 2,
            .bound = "1 shard that begins, 2 pushes",
            .search = bounded_and_random(2),
            .outcomes = {"made do", "began, or found"}};
  }

  void thread(unsigned index) override {
    const std::uint64_t cycle = index == 1 ? 4 : 3;
    auto* found = table_.find(1);
    if (found == nullptr) found = &table_.find_slow(1, cycle);
    if (found == table_.find(0)) {
      outcome("made do");
      return;
    }
    outcome("began, or found");
    auto own = found->try_own();
    if (!own) return;
    require(found->cycle() >= 3, "a shard is in use that was not begun");
    items_[index].prepare();
    require(own.push(&items_[index]), "memory was refused");
    if (held_at_ != 0) require(found->cycle() == held_at_, "a shard with an item was begun");
    held_at_ = found->cycle();
  }

  std::uint64_t held_at_ = 0;  // under the shard's ownership
};

// Property:   Every thread that finds the spill shards owned gets one of its own, and none is lost.
// Expected:   passes
// Threads:    own a spill shard and push || the same || the same, then steal
// Bound:      at most 3 spill shards
// Would show: a spill shard that is linked without order, or that overwrites another's link
struct spill_vs_spill : table_model {
  static model_info info() {
    return {.property = "spill shards are shared or added, none is lost",
            .threads = 3,
            .bound = "3 pushes to spill shards, 1 steal",
            .search = bounded_and_random(1),
            .outcomes = {"stolen", "1 spill shard", "2 spill shards", "3 spill shards"}};
  }

  void thread(unsigned index) override {
    spill(index);
    if (index != 2) return;
    token* const stolen = table_.find_first(0, [](auto& s) { return s.steal_shared(); });
    if (stolen == nullptr) return;
    outcome("stolen");
    stolen->claim();
  }

  void spill(unsigned index) {
    items_[index].prepare();
    auto own = table_.own_spill();
    require(own && own.push(&items_[index]), "memory was refused");
  }

  void after() override {
    int shards = -1;  // one that has begun is not a spill shard
    table_.for_each([&](auto&) { ++shards; });
    outcome("%d spill shard%s", shards, shards == 1 ? "" : "s");
    table_model::after();
  }
};

const registered<pin_vs_show, walk_vs_begin, put_vs_told_search, begin_vs_begin, spill_vs_spill>
    registration;

}  // namespace
}  // namespace poolproof::models

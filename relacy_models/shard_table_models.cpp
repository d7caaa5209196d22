// The arrays of shards, their growth, and the spill shards: <poolproof/shard_table.hpp>.
#include <poolproof/shard_table.hpp>

#include "model.hpp"

namespace poolproof::models {
namespace {

using table = shard_table<token, sync>;

// A table of one shard that threads use and grow, as pool_core does.
struct table_model : model {
  void before() override {
    this_machine.cpu_count = 1;
    require(table_.find_slow(0, 0) != nullptr, "no first array");
  }

  // Gives an item to the shard of a CPU that may be beyond the array; the displaced one is pushed
  // to a spill shard, so that both kinds hold something.
  void put(unsigned item, std::uint32_t cpu) {
    auto* s = table_.find(cpu);
    if (s == nullptr) s = table_.find_slow(cpu, 0);
    items_[item].prepare();
    token* const displaced = s->give(&items_[item]);
    if (displaced == nullptr) return;
    auto spill = table_.own_spill(0);
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
    for (const token& item : items_) require(!item.given(), "growing lost an item");
  }

  table table_;
  token items_[3];
};

// Property:   A reader that sees the size sees an array at least that long, its shards initialised.
// Expected:   passes
// Threads:    grow for CPU 1 || find the shard of CPU 1 and use it
// Bound:      growth from 1 to 2 shards
// Would show: the size published before the array, or read after it; a size that orders nothing
struct pin_vs_grow : table_model {
  static model_info info() {
    return {.property = "who sees the size sees the array and its shards",
            .threads = 2,
            .bound = "growth 1 -> 2",
            .outcomes = {"found the new shard", "size not yet out"}};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      put(0, 1);
      return;
    }
    auto* const s = table_.find(1);
    if (s == nullptr) {
      outcome("size not yet out");
      return;
    }
    outcome("found the new shard");
    items_[1].prepare();
    if (token* const displaced = s->give(&items_[1])) displaced->claim();
  }
};

// Property:   The array that a reader gets may be newer than the size that it saw: its shards are
//             initialised all the same.
// Expected:   passes
// Threads:    grow for CPU 1, grow for CPU 2 || find the shard of CPU 1 and use it
// Bound:      growth from 1 to 2 to 4 shards
// Would show: an array pointer that is read without order of its own
struct pin_vs_grow_twice : table_model {
  static model_info info() {
    return {.property = "an array newer than the size is initialised",
            .threads = 2,
            .bound = "growth 1 -> 2 -> 4",
            .outcomes = {"array of the size", "array newer than the size", "size not yet out"}};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      put(0, 1);
      at_two_ = table_.find(1);
      put(1, 2);
      return;
    }
    auto* const s = table_.find(1);
    if (s == nullptr) {
      outcome("size not yet out");
      return;
    }
    found_ = s;
    items_[2].prepare();
    if (token* const displaced = s->give(&items_[2])) displaced->claim();
  }

  void after() override {
    if (found_ != nullptr)
      outcome(found_ == at_two_ ? "array of the size" : "array newer than the size");
    table_model::after();
  }

  table::shard_type* at_two_ = nullptr;
  table::shard_type* found_ = nullptr;
};

// Property:   Who walks the table without having looked for a shard of its own finds every shard
//             initialised, also those of an array that is just being added.
// Expected:   passes
// Threads:    put at CPU 1 || walk, stealing
// Bound:      growth from 1 to 2 shards
// Would show: a walk whose read of the array orders nothing
struct walk_vs_grow : table_model {
  static model_info info() {
    return {.property = "who walks the table finds every shard initialised",
            .threads = 2,
            .bound = "growth 1 -> 2, 1 put, 1 walk",
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
// Bound:      growth from 1 to 2 shards
// Would show: a shard that is marked after the item is put, or only by its first user
struct put_vs_told_search : table_model {
  static model_info info() {
    return {.property = "who has been told of an item finds it",
            .threads = 3,
            .bound = "growth 1 -> 2, 2 puts, 1 search",
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

// Property:   Of two growers one grows and the other makes do; no array is lost or shortened.
// Expected:   passes
// Threads:    put at CPU 1 || put at CPU 2 || put at CPU 0
// Bound:      growth from 1 to at most 4 shards
// Would show: two growers at once, a grower that does not see the last one's array
struct grow_vs_grow : table_model {
  static model_info info() {
    return {.property = "two growers lose neither shards nor items",
            .threads = 3,
            .bound = "growth 1 -> 2 or 4, 3 puts",
            .search = bounded_and_random(2),
            .outcomes = {"spilled", "4 shards", "2 shards"}};
  }

  void thread(unsigned index) override { put(index, (index + 1) % 3); }

  void after() override {
    outcome("%d shards", table_.find(3) != nullptr ? 4 : table_.find(1) != nullptr ? 2 : 1);
    table_model::after();
  }
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
    auto own = table_.own_spill(0);
    require(own && own.push(&items_[index]), "memory was refused");
  }

  void after() override {
    int shards = -1;  // one is not a spill shard
    table_.for_each([&](auto&) { ++shards; });
    outcome("%d spill shard%s", shards, shards == 1 ? "" : "s");
    table_model::after();
  }
};

// Property:   Shards that share a mark are all found.
// Expected:   passes
// Threads:    put at CPU 64, whose mark is that of CPU 0 || put at CPU 0
// Bound:      growth from 1 to 128 shards
// Would show: a search that visits one shard of each mark
struct search_of_shared_marks : table_model {
  static model_info info() {
    return {.property = "shards that share a mark are all found",
            .threads = 2,
            .bound = "growth 1 -> 128, 2 puts, 2 searches",
            .search = bounded_and_random(1, 1000),
            .outcomes = {"done"}};
  }

  void thread(unsigned index) override { put(index, index == 0 ? 64 : 0); }

  // As table_model, but from CPUs in both halves of the marks.
  void after() override {
    require(table_.find(64) != nullptr, "the table did not grow");
    for (const std::uint32_t cpu : {std::uint32_t{3}, std::uint32_t{70}}) {
      token* const item = table_.find_first(cpu, [](auto& s) { return s.steal_private(); });
      require(item != nullptr, "an item was not found");
      item->claim();
    }
    table_model::after();
    outcome("done");
  }
};

// Property:   Who is refused memory for more shards makes do with another's, and those who come later
//             get their own.
// Expected:   passes
// Threads:    find a shard for CPU 1, refused || put at CPU 1; put at CPU 1 after
// Bound:      growth from 1 to 2 shards
// Would show: a right to grow that is never given back
struct growth_after_refusal : table_model {
  static model_info info() {
    return {.property = "a refusal keeps nobody from growing later",
            .threads = 2,
            .bound = "growth 1 -> 2, refused once, 2 puts",
            .search = bounded_and_random(2),
            .outcomes = {"grew before", "made do"}};
  }

  void before() override {
    table_model::before();
    this_machine.refused_allocation[0] = 1;
  }

  void thread(unsigned index) override {
    if (index == 1) {
      put(1, 1);
      return;
    }
    require(table_.find_slow(1, 0) != nullptr, "there is some shard");
    outcome(table_.find(1) != nullptr ? "grew before" : "made do");
  }

  void after() override {
    put(2, 1);
    require(table_.find(1) != nullptr, "the table cannot grow any more");
    table_model::after();
  }
};

const registered<pin_vs_grow, pin_vs_grow_twice, walk_vs_grow, put_vs_told_search, grow_vs_grow,
                 spill_vs_spill, search_of_shared_marks, growth_after_refusal>
    registration;

}  // namespace
}  // namespace poolproof::models

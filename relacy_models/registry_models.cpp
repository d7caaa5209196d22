// SPDX-License-Identifier: MIT
// The list of pools, the references to them, and the memory of empty victims:
// <poolproof/cycles.hpp> and <poolproof/registry.hpp>.
#include <poolproof/cycles.hpp>
#include <poolproof/registry.hpp>
#include <poolproof/shard.hpp>

#include "model.hpp"

#include <optional>

namespace poolproof::models {
namespace {

using registry = pool_registry<sync>;

// A pool as the registry sees it. Its parts are destroyed, but its memory stays: the model asks
// afterwards what happened to it.
class fake_pool {
 public:
  // What rotate_all and drop_references call.
  struct entry final : pool_entry<sync> {
    explicit entry(fake_pool& from) : pool(from) {}

    void rotate() noexcept override {
      ++pool.rotations;
      work.set(work.get() + 1);
    }
    void rotate_due() noexcept override { rotate(); }
    std::string_view name() const noexcept override { return {}; }
    pool_stats stats() noexcept override { return {}; }
    void drain() noexcept override { outcome("drained after its pool was gone"); }
    void destroy() noexcept override {
      // After whatever anybody did in it.
      work.set(work.get() + 1);
      pool.entry_.reset();
      ++pool.destructions;
    }

    fake_pool& pool;
    sync::var<std::uint32_t> work;
  };

  void link() {
    entry_.emplace(*this);
    registry::instance().link(*entry_);
  }

  void close() {
    registry::instance().retire(*entry_);
    entry_->drop_references(1);
  }

  int rotations = 0;
  int destructions = 0;

 private:
  std::optional<entry> entry_;
};

struct registry_model : model {
  void after() override {
    for (fake_pool& pool : pools_) require(pool.destructions <= 1, "a pool was destroyed twice");
  }

  fake_pool pools_[3];
};

// Property:   Pools that are linked and unlinked at once leave the list whole, and each is
//             destroyed once, after its last use.
// Expected:   passes
// Threads:    link a, close a || link b, close b || rotate_all
// Bound:      2 pools, 1 rotate_all
// Would show: a lost link, a use after the destruction, an unlinking that misses a newer entry
struct link_vs_unlink_vs_rotate_all : registry_model {
  static model_info info() {
    return {.property = "linking without the mutex and unlinking under it keep the list whole",
            .threads = 3,
            .bound = "2 pools, 1 rotate_all",
            .search = bounded_and_random(3),
            .outcomes = {"rotated both", "rotated one", "rotated none",
                         "drained after its pool was gone"}};
  }

  void thread(unsigned index) override {
    if (index == 2) {
      registry::instance().rotate_all();
      return;
    }
    pools_[index].link();
    pools_[index].close();
  }

  void after() override {
    registry_model::after();
    const int rotated = pools_[0].rotations + pools_[1].rotations;
    outcome(rotated == 2 ? "rotated both" : rotated == 1 ? "rotated one" : "rotated none");
    require(pools_[0].destructions == 1 && pools_[1].destructions == 1, "a pool was not destroyed");
  }
};

// Property:   An entry in the middle of the list can be taken out while others are added at its
//             front.
// Expected:   passes
// Threads:    link b, link c, close c || close a, which was linked before
// Bound:      3 pools
// Would show: an unlinking that follows links it may not follow
struct link_vs_unlink_behind : registry_model {
  static model_info info() {
    return {.property = "an entry is taken out from behind entries that are just being added",
            .threads = 2,
            .bound = "3 pools",
            .outcomes = {"done"}};
  }

  void before() override { pools_[0].link(); }

  void thread(unsigned index) override {
    if (index == 1) {
      pools_[0].close();
      return;
    }
    pools_[1].link();
    pools_[2].link();
    pools_[2].close();
  }

  void after() override {
    require(pools_[0].destructions == 1 && pools_[2].destructions == 1, "a pool was not destroyed");
    registry::instance().rotate_all();
    require(pools_[1].rotations == 1, "a pool was lost from the list");
    pools_[1].close();
    registry_model::after();
    outcome("done");
  }
};

// Property:   Once all victims were found empty and are remembered so, there are none: a turn that
//             made some is noticed by whoever has not yet searched them.
// Expected:   passes
// Threads:    push, turn, note it || search twice, as a get does
// Bound:      1 turn, 2 searches
// Would show: victims that stay hidden behind the memory of an earlier search
struct turn_vs_search : model {
  static model_info info() {
    return {.property = "victims are not forgotten while there are some",
            .threads = 2,
            .bound = "1 turn, 2 searches",
            .outcomes = {"found a victim", "searched in vain", "no need to search"}};
  }

  void thread(unsigned index) override {
    if (index == 1) {
      search();
      search();
      return;
    }
    auto own = shard_.try_own();
    item_.prepare();
    require(own && own.push(&item_), "memory was refused");
    token* refused[decltype(own)::most_refused];
    std::uint32_t count = 0;
    require(own.turn(1, refused, count) && count == 0, "the pushed item became a victim");
    cycles_.note_turn();
  }

  void search() {
    const auto turns = cycles_.victims_to_search();
    if (!turns) {
      outcome("no need to search");
      return;
    }
    if (token* const victim = shard_.steal_victim()) {
      victim->claim();
      outcome("found a victim");
      return;
    }
    outcome("searched in vain");
    cycles_.note_no_victims(*turns);
  }

  void after() override {
    if (!item_.given()) return;
    require(cycles_.victims_to_search().has_value(),
            "a victim is left, but will not be searched for");
    token* const victim = shard_.steal_victim();
    require(victim != nullptr, "the victim is not where it is searched for");
    victim->claim();
  }

  shard<token, sync> shard_;
  cycle_state<sync> cycles_{std::nullopt};
  token item_;
};

// Property:   When the interval is over, one of the threads that notice begins the cycle.
// Expected:   passes
// Threads:    look || look
// Bound:      1 deadline
// Would show: a cycle that two begin, or nobody
struct due_vs_due : model {
  static model_info info() {
    return {.property = "one cycle for one interval, whoever notices",
            .threads = 2,
            .bound = "1 deadline",
            .outcomes = {"saw it begun", "saw it not begun"}};
  }

  void before() override {
    cycles_.emplace(std::chrono::nanoseconds(10));
    advance_clock(std::chrono::nanoseconds(10));
  }

  void thread(unsigned) override {
    cycles_->look_at_clock();
    outcome(cycles_->overdue() ? "saw it begun" : "saw it not begun");
  }

  void after() override {
    require(cycles_->begun() == 1, "not exactly one cycle was begun");
    cycles_->note_swept(1);
    require(!cycles_->overdue(), "the cycle was swept");
  }

  std::optional<cycle_state<sync>> cycles_;
};

// Property:   A claim to the overdue work takes the place of those for earlier cycles, and lasts
//             until its owner gives it up, whoever else does.
// Expected:   passes
// Threads:    begin, claim, end || begin, claim, end
// Bound:      2 cycles
// Would show: a claim that somebody else has given up: the work is then done twice at once
struct sweep_vs_later_sweep : model {
  static model_info info() {
    return {.property = "a later claim replaces an earlier one, and only its owner gives it up",
            .threads = 2,
            .bound = "2 cycles",
            .outcomes = {"claimed 1", "claimed 2", "refused"}};
  }

  void thread(unsigned) override {
    const std::uint64_t cycle = cycles_.begin();
    if (!cycles_.claim_sweep(cycle)) {
      outcome("refused");
      return;
    }
    outcome(cycle == 1 ? "claimed 1" : "claimed 2");
    // No later one can take the place of the second.
    require(cycle == 1 || !cycles_.claim_sweep(cycle), "another thread has given up the claim");
    cycles_.end_sweep(cycle);
  }

  void after() override {
    require(cycles_.claim_sweep(1), "a claim was not given up");
    // As if its owner had stopped for ever.
    require(!cycles_.claim_sweep(1), "two have claimed the same work");
    require(cycles_.claim_sweep(2), "a claim lasts longer than its cycle");
  }

  cycle_state<sync> cycles_{std::nullopt};
};

const registered<link_vs_unlink_vs_rotate_all, link_vs_unlink_behind, turn_vs_search, due_vs_due,
                 sweep_vs_later_sweep>
    registration;

}  // namespace
}  // namespace poolproof::models

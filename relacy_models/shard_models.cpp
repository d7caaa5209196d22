// SPDX-License-Identifier: MIT
// Owners, thieves and cycles in one shard: <poolproof/shard.hpp>.
#include <poolproof/shard.hpp>

#include "model.hpp"

namespace poolproof::models {
namespace {

using model_shard = shard<token, sync>;

struct shard_model : model {
  bool push(unsigned item) {
    auto own = shard_.try_own();
    if (!own) return false;
    items_[item].prepare();
    require(own.push(&items_[item]), "memory was refused");
    return true;
  }

  // One cycle, as pool_core does it, for a single victim at a time. False if the shard was busy.
  bool turn(std::uint64_t target) {
    while (shard_.cycle() < target) {
      token* doomed[1 + model_shard::owner::most_refused];
      std::uint32_t count = 0;
      {
        auto own = shard_.try_own();
        if (!own) return false;
        if (shard_.cycle() >= target) return true;
        count = own.take_victims(doomed, 1);
        if (own.victims_drained()) own.turn(target, doomed, count);
      }
      if (count == 0) continue;
      outcome("destroyed by a cycle");
      for (std::uint32_t i = 0; i != count; ++i) doomed[i]->claim();
    }
    return true;
  }

  bool receive(token* item) {
    if (item != nullptr) item->claim();
    return item != nullptr;
  }

  void after() override {
    while (receive(shard_.steal_private()) || receive(shard_.steal_shared()) ||
           receive(shard_.steal_victim())) {
    }
    for (const token& item : items_) require(!item.given(), "an item was lost");
  }

  model_shard shard_;
  token items_[4];
};

// Property:   While a shard turns, a thief takes each item at most once, and none is lost; the
//             rings of the drained victim are freed under it, but not while it is inside.
// Expected:   passes
// Threads:    push, turn, turn, turn || 2 steals from the shared chain, 2 from the victim
// Bound:      1 push, 3 cycles, 4 steals
// Would show: a ring that is freed under a late thief; a thief that sees a chain half emptied
struct steal_vs_turn : shard_model {
  static model_info info() {
    return {
        .property = "a turning shard hands each item to one thread and frees no ring under a thief",
        .threads = 2,
        .bound = "1 push, 3 cycles, 4 steals",
        .search = bounded_and_random(2),
        .outcomes = {"stolen from the shared chain", "stolen from the victim", "nothing to steal",
                     "destroyed by a cycle"}};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      push(0);
      for (std::uint64_t cycle = 1; cycle <= 3; ++cycle) turn(cycle);
      return;
    }
    for (int i = 0; i < 2; ++i) {
      const bool shared = receive(shard_.steal_shared());
      const bool victim = receive(shard_.steal_victim());
      if (shared) outcome("stolen from the shared chain");
      if (victim) outcome("stolen from the victim");
      if (!shared && !victim) outcome("nothing to steal");
    }
  }
};

// Property:   A chain that was cut while a late thief was inside, and then got a new first ring, is
//             not harmed by what the thief still does to it.
// Expected:   passes
// Threads:    push, pop, turn, turn, push || 2 steals || 1 steal from the victim
// Bound:      2 pushes, 2 cycles, 3 steals
// Would show: a late unlinking that hits the new first ring; a second phase that forgets the first
struct late_thief_vs_new_ring : shard_model {
  static model_info info() {
    return {.property = "a late thief does not harm a chain that began anew",
            .threads = 3,
            .bound = "2 pushes, 1 pop, 2 cycles, 3 steals",
            .search = bounded_and_random(1),
            .outcomes = {"popped", "stolen"}};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      push(0);
      if (auto own = shard_.try_own(); own && receive(own.pop())) outcome("popped");
      turn(1);
      turn(2);
      push(1);
      return;
    }
    if (index == 2) {
      if (receive(shard_.steal_victim())) outcome("stolen");
      return;
    }
    for (int i = 0; i < 2; ++i) {
      if (receive(shard_.steal_shared())) outcome("stolen");
    }
  }
};

// Property:   A thief that hides an empty chain hides no item from those who come later.
// Expected:   passes
// Threads:    a push and a steal before; push || 2 steals
// Bound:      2 pushes, 3 steals
// Would show: a thief that hides what it does not own, so that a push shows the chain too early
struct push_vs_hiding_thief : shard_model {
  static model_info info() {
    return {.property = "a thief that hides an empty chain hides no item",
            .threads = 2,
            .bound = "2 pushes, 3 steals",
            .search = bounded_and_random(2),
            .outcomes = {"pushed", "busy", "stolen", "hidden"}};
  }

  void before() override {
    push(0);
    receive(shard_.steal_shared());
  }

  void thread(unsigned index) override {
    if (index == 0) {
      outcome(push(1) ? "pushed" : "busy");
      return;
    }
    for (int i = 0; i < 2; ++i) {
      if (receive(shard_.steal_shared())) {
        outcome("stolen");
      } else if (!shard_.looks_shared()) {
        outcome("hidden");
      }
    }
  }
};

// Property:   A cycle that finds an owner inside leaves the shard alone; the next one does both.
// Expected:   passes
// Threads:    push || cycle 1, cycle 2 || push
// Bound:      2 pushes, 2 cycles
// Would show: a cycle without ownership; a missed cycle that stays missed
struct cycle_vs_owner : shard_model {
  static model_info info() {
    return {.property = "a cycle waits for no owner, and missed cycles are done by the next",
            .threads = 3,
            .bound = "2 pushes, 2 cycles",
            .search = bounded_and_random(2),
            .outcomes = {"missed a cycle", "did two cycles", "destroyed by a cycle", "busy"}};
  }

  void thread(unsigned index) override {
    if (index != 1) {
      if (!push(index)) outcome("busy");
      return;
    }
    if (!turn(1)) {
      outcome("missed a cycle");
      if (turn(2)) outcome("did two cycles");
    } else {
      turn(2);
    }
  }

  void after() override {
    require(turn(4), "nobody is inside any more");
    for (const token& item : items_) require(!item.given(), "an item outlived two cycles");
    shard_model::after();
  }
};

// Property:   A marked shard is caught up by its next owner, and two cycles are one after the
//             other.
// Expected:   passes
// Threads:    push, cycle 2 || cycle 2 || give
// Bound:      1 push, 1 give, 2 cycles by two threads
// Would show: two threads that turn the shard at once, or turn it once too often
struct catch_up_vs_catch_up : shard_model {
  static model_info info() {
    return {.property = "a shard turns once for each cycle, whoever does it",
            .threads = 3,
            .bound = "1 push, 1 give, 2 cycles by two threads",
            .search = bounded_and_random(2),
            .outcomes = {"done", "busy", "destroyed by a cycle"}};
  }

  void thread(unsigned index) override {
    if (index == 2) {
      items_[2].prepare();
      require(shard_.give(&items_[2]) == nullptr, "the private part was empty");
      return;
    }
    if (index == 0) push(0);
    outcome(turn(2) ? "done" : "busy");
  }

  void after() override {
    require(shard_.cycle() <= 2, "a shard turned once too often");
    shard_model::after();
  }
};

// Property:   An owner that lets its shard skip cycles makes no item outlive the cycle that is due:
//             what lies in the victim is no shared item again.
// Expected:   passes
// Threads:    before: push, cycle 1; own, skip to 2, push || cycle 2 || steal a victim
// Bound:      2 pushes, 2 cycles, 1 steal
// Would show: a shard that holds something and skips a cycle
struct skip_vs_turn : shard_model {
  static model_info info() {
    return {.property = "a shard that holds something skips no cycle",
            .threads = 3,
            .bound = "2 pushes, 2 cycles, 1 steal",
            .search = bounded_and_random(2),
            .outcomes = {"skipped", "did not skip", "destroyed by a cycle", "stolen", "busy"}};
  }

  void before() override {
    push(0);
    turn(1);
  }

  void thread(unsigned index) override {
    if (index == 1) {
      if (!turn(2)) outcome("busy");
      return;
    }
    if (index == 2) {
      if (receive(shard_.steal_victim())) outcome("stolen");
      return;
    }
    auto own = shard_.try_own();
    if (!own) {
      outcome("busy");
      return;
    }
    own.skip_to(2);
    outcome(shard_.cycle() == 2 ? "skipped" : "did not skip");
    items_[1].prepare();
    require(own.push(&items_[1]), "memory was refused");
  }

  void after() override {
    require(turn(2), "nobody is inside any more");
    require(!items_[0].given(), "an item outlived the cycle that was due");
    shard_model::after();
  }
};

// Property:   Of a handle's return and the pool's closing, at least one sees the other: the closer
//             finds the item, or the handle knows that it must clear up.
// Expected:   passes
// Threads:    borrow is counted before; put, end the borrow || close, take what is there
// Bound:      1 handle
// Would show: an item that is left in a closed pool
struct end_borrow_vs_close : shard_model {
  static model_info info() {
    return {.property = "a returned item is seen by the closer or cleared away by the handle",
            .threads = 2,
            .bound = "1 handle",
            .outcomes = {"returned before", "came late and cleared up", "saw that it is closed"}};
  }

  void before() override { require(shard_.borrows().begin(), "the shard is not closed"); }

  void thread(unsigned index) override {
    if (index == 1) {
      prepared_.set(1);
      handles_ = shard_.close_borrows();
      while (receive(shard_.steal_private())) {
      }
      return;
    }
    if (shard_.borrows().closed()) {
      outcome("saw that it is closed");
    } else {
      items_[0].prepare();
      require(shard_.give(&items_[0]) == nullptr, "the private part was empty");
    }
    if (shard_.borrows().end()) {
      outcome("returned before");
      return;
    }
    require(prepared_.get() == 1, "the closer's count is not prepared");
    if (receive(shard_.steal_private())) outcome("came late and cleared up");
  }

  void after() override {
    require(!items_[0].given(), "an item was left in a closed pool");
    require(handles_ <= 1, "a handle was counted that is not there");
    shard_model::after();
  }

  sync::var<std::uint32_t> prepared_;
  std::int64_t handles_ = 0;
};

const registered<steal_vs_turn, late_thief_vs_new_ring, push_vs_hiding_thief, cycle_vs_owner,
                 catch_up_vs_catch_up, skip_vs_turn, end_borrow_vs_close>
    registration;

}  // namespace
}  // namespace poolproof::models

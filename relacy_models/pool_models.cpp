// SPDX-License-Identifier: MIT
// The whole pool: get, put, steal, cycles, handles and destruction: <poolproof/object_pool.hpp>.
//
// But where its head says otherwise, each of these models has three threads, and runs the pool's
// first use, the beginning of a second CPU's shard, and at least one cycle in the modelled part.
#include "pool_model.hpp"

#include <array>
#include <utility>

namespace poolproof::models {
namespace {

using pool_model = basic_pool_model<sync>;
using pool = pool_model::pool;

// Property:   Put happens before the Get that returns the item; nothing is handed out twice or
//             lost; a cycle at the same time loses nothing.
// Expected:   passes
// Threads:    put at CPU 0, get at CPU 1 || put at CPU 0 || after the first put: rotate
// Bound:      first use, 2 shards, of which one begins later, 2 puts, 1 get, 1 cycle
// Would show: a hand-over without order, an item that two have or that a cycle loses
struct put_vs_get_vs_rotate : pool_model {
  static model_info info() {
    return {.property = "nothing is handed out twice, nothing lost, Put before Get",
            .threads = 3,
            .bound = "first use, 2 shards, 2 puts, 1 get, 1 cycle",
            .search = bounded_and_random(1),
            .outcomes = {"got the other's item", "got an item of its own", "missed", "stole",
                         "hit a victim"}};
  }

  void thread(unsigned index) override {
    if (index == 2) {
      in_use_.pass();
      pool_->rotate();
      return;
    }
    pool::item item = make();
    pooled* const own = item.get();
    put(std::move(item));
    if (index == 1) return;
    in_use_.open();
    move_to(1);
    get(index);
    if (kept_[index] == nullptr) return;
    outcome(kept_[index].get() == own ? "got an item of its own" : "got the other's item");
  }

  void after() override {
    const pool_stats seen = pool_->stats();
    if (seen.steals != 0) outcome("stole");
    if (seen.victim_hits != 0) outcome("hit a victim");
    require(destroyed() == 0, "a single cycle destroyed an item");
    pool_model::after();
  }
};

// Property:   Two cycles destroy what nobody has taken meanwhile, once, and nothing that somebody
//             has.
// Expected:   passes
// Threads:    put at CPU 0 || get at CPU 1 || after the put: rotate, rotate
// Bound:      first use, 2 shards, of which one begins later, 1 put, 1 get, 2 cycles
// Would show: an item that is handed out and destroyed, one that outlives its cycles
struct get_vs_two_cycles : pool_model {
  static model_info info() {
    return {.property = "two cycles destroy once what nobody has taken",
            .threads = 3,
            .bound = "first use, 2 shards, 1 put, 1 get, 2 cycles",
            .search = bounded_and_random(1),
            .outcomes = {"got", "missed", "hit a victim", "a cycle destroyed the item"}};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      put(make());
      in_use_.open();
    } else if (index == 1) {
      move_to(1);
      get(index);
    } else {
      in_use_.pass();
      pool_->rotate();
      pool_->rotate();
    }
  }

  void after() override {
    const pool_stats seen = pool_->stats();
    if (seen.victim_hits != 0) outcome("hit a victim");
    if (destroyed() != 0) outcome("a cycle destroyed the item");
    require(destroyed() + (kept_[1] != nullptr ? 1 : 0) <= 1, "one item is in two places");
    pool_model::after();
  }
};

// Property:   Two cycles at once turn each shard twice, not more and not less, also a shard that is
//             added meanwhile.
// Expected:   passes
// Threads:    put at CPU 0, rotate || rotate || put at CPU 1
// Bound:      first use, 2 shards, of which one begins later, 2 puts, 2 cycles by two threads
// Would show: a cycle that does not look again once it owns the shard: the shard is then ahead, and
//             what is put later outlives two cycles
struct rotate_vs_rotate : pool_model {
  static model_info info() {
    return {.property = "cycles at once turn each shard once each, also one that is just added",
            .threads = 3,
            .bound = "first use, 2 shards, 2 puts, 2 cycles by two threads",
            .search = bounded_and_random(1),
            .outcomes = {"0 destroyed", "1 destroyed", "2 destroyed"}};
  }

  void thread(unsigned index) override {
    if (index == 2) move_to(1);
    if (index != 1) put(make());
    if (index != 2) pool_->rotate();
  }

  void after() override {
    const int count = destroyed();
    outcome("%d destroyed", count);
    put(make());
    require_none_outlives_two_cycles();
    pool_model::after();
  }
};

// Property:   Shards begin under users who migrate at any moment, and every item is found again.
// Expected:   passes
// Threads:    put at CPU 0 || put at any CPU || after the first put: rotate, get at CPU 1
// Bound:      first use, 2 shards, of which one begins later, 2 puts, 1 get, 1 cycle
// Would show: a shard that is used before it has begun, or begins over an item; an
//             operation that relies on staying where it began
struct begin_vs_users : pool_model {
  static model_info info() {
    return {.property = "shards begin under their users, who migrate, and lose no item",
            .threads = 3,
            .bound = "first use, 2 shards, 1 thread that migrates, 2 puts, 1 get, 1 cycle",
            .search = bounded_and_random(1),
            .outcomes = {"got", "missed", "busy", "spilled", "stole", "hit a victim"}};
  }

  void thread(unsigned index) override {
    if (index == 2) {
      in_use_.pass();
      pool_->rotate();
      move_to(1);
      get(index);
      return;
    }
    if (index == 1) move_to(machine::any_cpu);
    put(make());
    if (index == 0) in_use_.open();
  }

  void after() override {
    const pool_stats seen = pool_->stats();
    if (seen.busy != 0) outcome("busy");
    if (seen.spills != 0) outcome("spilled");
    if (seen.steals != 0) outcome("stole");
    if (seen.victim_hits != 0) outcome("hit a victim");
    require_all_found();
    pool_model::after();
  }
};

// Property:   An item put while every ring is busy is kept, and found by gets, steals and cycles.
// Expected:   passes
// Threads:    put, put at CPU 0 || put at CPU 0 || after the first put: rotate
// Bound:      first use, 1 shard and the spill shards that are added to it, 3 puts, 1 cycle
// Would show: a put that drops its item, a spill shard that nobody looks into
struct put_vs_put_every_shard_busy : pool_model {
  static model_info info() {
    return {.property = "put keeps its item when every ring is busy",
            .threads = 3,
            .bound = "first use, 1 shard and spill shards, 3 puts, 1 cycle",
            .search = bounded_and_random(1),
            .outcomes = {"spilled", "not spilled"}};
  }

  void thread(unsigned index) override {
    if (index == 2) {
      in_use_.pass();
      pool_->rotate();
      return;
    }
    put(make());
    if (index != 0) return;
    in_use_.open();
    put(make());
  }

  void after() override {
    const pool_stats seen = pool_->stats();
    outcome(seen.spills != 0 ? "spilled" : "not spilled");
    require(seen.refused_memory == 0, "memory was refused");
    // One cycle destroys nothing that was put since the pool's first use.
    require(destroyed() == 0, "a single cycle destroyed an item");
    require_none_outlives_two_cycles();
    pool_model::after();
  }
};

// Property:   Memory that is refused costs one item, that of a put or one that a cycle would have
//             made a victim, and nothing else.
// Expected:   passes
// Threads:    put at CPU 0, get at CPU 1 || put at CPU 0 || after the first put: rotate; the n-th
//             allocation of thread 0 or 1 is refused
// Bound:      first use, 2 shards, of which one begins later, 2 puts, 1 get, 1 cycle; n is one of 1
//             to 5, or none is refused
// Would show: an item that is lost or destroyed twice where memory is refused
struct put_vs_get_refused_memory : pool_model {
  static model_info info() {
    return {
        .property = "refused memory costs one item and nothing else",
        .threads = 3,
        .bound = "first use, 2 shards, 2 puts, 1 get, 1 cycle, one allocation of a putter refused",
        .search = bounded_and_random(1),
        .outcomes = {"nothing refused", "refused at the cost of an item"}};
  }

  void before() override {
    // Thread 0 or 1, and one of its first five allocations: who comes first makes five. Or none.
    if (const std::uint32_t chosen = choose(11); chosen != 0) {
      refusing_ = &this_machine.refused_allocation[chosen % 2];
      *refusing_ = (chosen + 1) / 2;
    }
  }

  void thread(unsigned index) override {
    if (index == 2) {
      in_use_.pass();
      pool_->rotate();
      return;
    }
    put(make());
    if (index != 0) return;
    in_use_.open();
    move_to(1);
    get(index);
  }

  void after() override {
    const bool refused = refusing_ != nullptr && *refusing_ == 0;
    // One cycle destroys nothing, and what was got is kept.
    const int lost = destroyed();
    require(lost <= (refused ? 1 : 0), "an item was destroyed without need");
    outcome(!refused    ? "nothing refused"
            : lost == 0 ? "refused at no cost"
                        : "refused at the cost of an item");
    pool_model::after();
  }

  unsigned* refusing_ = nullptr;
};

// Property:   A handle may come back while the pool is destroyed, and after it; one that comes too
//             late to be seen by the destructor leaves no item in the closed pool, also where a
//             further handle still keeps the pool's inner part.
// Expected:   passes
// Threads:    return a handle at CPU 0 || return a handle at CPU 1 || borrow both at CPU 0, rotate,
//             pass them on, destroy the pool; a third handle is out to the end, or not
// Bound:      first use, a shard that begins by a handle that returns, 2 or 3 handles,
//             1 cycle
// Would show: a use of the pool after its end, an item that nobody destroys or that waits in
//             a closed pool, a core that leaks
struct handle_vs_destructor : pool_model {
  static model_info info() {
    return {.property = "handles may be returned while the pool is destroyed, and after",
            .threads = 3,
            .bound = "first use, 2 shards, 2 handles, or a third one out to the end, 1 cycle",
            .search = bounded_and_random(2),
            .outcomes = {"returned to the pool", "destroyed by the handle", "one handle left"}};
  }

  void before() override {
    this_machine.cpu_of_thread[1] = 1;
    keeps_one_ = choose(2) == 1;
  }

  void thread(unsigned index) override {
    if (index == 2) {
      for (pool::handle& handle : handles_) handle = borrow();
      if (keeps_one_) last_ = borrow();
      pool_->rotate();
      in_use_.open();
      pool_.reset();
      return;
    }
    in_use_.pass();
    lent_[index] = handles_[index].get();
    lent_[index]->prepare();
    handles_[index] = pool::handle();
  }

  void after() override {
    require(destroyed() == 2, "an item waits in a closed pool");
    for (unsigned i = 0; i != 2; ++i) {
      outcome(lent_[i]->destroyed_by == i ? "destroyed by the handle" : "returned to the pool");
    }
    if (keeps_one_) {
      outcome("one handle left");
      last_->prepare();
      last_ = pool::handle();
    }
    pool_model::after();
  }

  bool keeps_one_ = false;
  pool::handle handles_[2];
  pooled* lent_[2]{};
  pool::handle last_;
};

// Property:   rotate_all may be at work in a pool that is being destroyed while a handle comes
//             back, and each of the three destroys what the others have left.
// Expected:   passes
// Threads:    destroy the pool || rotate_all || return the handle at CPU 1
// Bound:      a shard that begins by the handle that returns, 1 item, 1 cycle. The pool's
//             first use and the borrowing come before the threads. Cut: items that are in the pool
//             already, which rotate_all_vs_destructor_with_items has, without the third thread
// Would show: a cycle in a pool that is gone, an item destroyed twice or never
struct rotate_all_vs_destructor : pool_model {
  static model_info info() {
    return {.property = "rotate_all may be at work in a pool that is destroyed, a handle returning",
            .threads = 3,
            .bound = "2 shards, 1 handle, 1 cycle",
            .search = bounded_and_random(1),
            .outcomes = {"destroyed by the destructor", "destroyed by rotate_all",
                         "destroyed by the handle"}};
  }

  void before() override { handle_ = borrow(); }

  void thread(unsigned index) override {
    if (index == 0) {
      pool_.reset();
    } else if (index == 1) {
      rotate_all_of<sync>();
    } else {
      move_to(1);
      handle_->prepare();
      handle_ = pool::handle();
    }
  }

  void after() override {
    constexpr std::array by{"the destructor", "rotate_all", "the handle"};
    for_each_made([&](const pooled& item) { outcome("destroyed by %s", by[item.destroyed_by]); });
    pool_model::after();
  }

  pool::handle handle_;
};

// Property:   What rotate_all has in its hands while the pool is destroyed is destroyed once, by
//             one of the two, also where a handle still keeps the pool's inner part.
// Expected:   passes
// Threads:    destroy the pool || rotate_all
// Bound:      1 shard, 3 items: in the private part, in the ring, and a victim; 1 cycle; a handle
//             is out to the end, or not
// Would show: an item destroyed twice, or one that waits in a closed pool
struct rotate_all_vs_destructor_with_items : pool_model {
  static model_info info() {
    return {.property = "what rotate_all has taken out of a pool that is destroyed ends once",
            .threads = 2,
            .bound = "1 shard with a private item, a shared one and a victim, 1 cycle",
            .search = bounded_and_random(2),
            .outcomes = {"0 left to the destructor", "1 left to the destructor",
                         "2 left to the destructor", "3 left to the destructor"}};
  }

  void before() override {
    if (choose(2) == 0) last_ = borrow();
    put(make());
    pool_->rotate();
    put(make());
    put(make());
  }

  void thread(unsigned index) override {
    if (index == 0) {
      pool_.reset();
    } else {
      rotate_all_of<sync>();
    }
  }

  void after() override {
    int left = 0;
    for_each_made([&](const pooled& item) {
      if (&item == last_.get()) return;
      require(item.destructions == 1, "an item waits in a closed pool");
      left += item.destroyed_by == 0 ? 1 : 0;
    });
    outcome("%d left to the destructor", left);
    if (last_) {
      last_->prepare();
      last_ = pool::handle();
    }
    pool_model::after();
  }

  pool::handle last_;
};

// Property:   Threads that use a pool first at once use the same one from then on.
// Expected:   passes
// Threads:    put at CPU 0 || put at CPU 1 || rotate, get at CPU 0
// Bound:      first use by three threads, 2 shards, 2 puts, 1 get, 1 cycle
// Would show: a core that is used before it is there; one of two that leaks, or that items vanish
//             in
struct first_use_vs_first_use : pool_model {
  static model_info info() {
    return {.property = "several first users make one pool",
            .threads = 3,
            .bound = "first use by 3 threads, 2 shards, 2 puts, 1 get, 1 cycle",
            .search = bounded_and_random(1),
            .outcomes = {"got", "missed"}};
  }

  void thread(unsigned index) override {
    if (index == 2) {
      pool_->rotate();
      get(index);
      return;
    }
    move_to(index);
    put(make());
  }

  void after() override {
    require_all_found();
    pool_model::after();
  }
};

// Property:   A cycle that the clock begins is done by the callers, a part by each, and loses
//             nothing.
// Expected:   passes
// Threads:    put at CPU 0, advance the clock || put at CPU 0 || after the clock: get at CPU 1
// Bound:      first use, 2 shards, of which one begins later, 2 puts, 1 get, at most 1 automatic
//             cycle; wherever a call may look at the clock it does
// Would show: callers that turn a shard at once, or destroy what is not a victim
struct automatic_cycle_vs_users : pool_model {
  static model_info info() {
    return {.property = "a cycle that the clock begins is done by the callers and loses nothing",
            .threads = 3,
            .bound = "first use, 2 shards, 2 puts, 1 get, 1 cycle, every call looks at the clock",
            .search = bounded_and_random(1),
            .outcomes = {"cycled", "hit a victim"}};
  }

  automatic_cycle_vs_users() : pool_model({.cycle_interval = std::chrono::nanoseconds(10)}) {}

  void before() override { this_machine.ticks = answer::yes; }

  void thread(unsigned index) override {
    if (index == 2) {
      in_use_.pass();
      move_to(1);
      get(index);
      return;
    }
    put(make());
    if (index != 0) return;
    advance_clock(std::chrono::nanoseconds(10));
    in_use_.open();
  }

  void after() override {
    const pool_stats seen = pool_->stats();
    if (seen.cycles != 0) outcome("cycled");
    if (seen.victim_hits != 0) outcome("hit a victim");
    require(destroyed() == 0, "a single cycle destroyed an item");
    pool_model::after();
  }
};

// Property:   A put does the cycle that is due before it pushes: so what it pushes is younger than
//             that cycle, and is there after the next.
// Expected:   passes
// Threads:    1 in which the clock passes, put, rotate; 1 that does nothing, for Relacy wants two
// Bound:      1 shard, an item in its private part, which the put moves to the ring; 2 cycles
// Would show: a put whose item is at once a victim
struct put_when_a_cycle_is_due : pool_model {
  static model_info info() {
    return {.property = "a put does what is due before it pushes",
            .threads = 2,
            .bound = "2 items, 2 cycles, every call looks at the clock",
            .outcomes = {"kept"}};
  }

  put_when_a_cycle_is_due() : pool_model({.cycle_interval = std::chrono::nanoseconds(10)}) {}

  void before() override {
    this_machine.ticks = answer::yes;
    put(make());
  }

  void thread(unsigned index) override {
    if (index != 0) return;
    advance_clock(std::chrono::nanoseconds(10));
    put(make());
    pool_->rotate();
    const pooled& moved = items_[max_threads][0];
    require(moved.destructions == 0, "what a put has moved was destroyed by the next cycle");
    outcome("kept");
  }
};

struct sized : pooled {
  std::size_t bytes = 1;
};
struct bury_sized {
  void operator()(sized* item) const noexcept { bury()(item); }
};

// Property:   An item that is refused for its bytes leaves the pool's room to the next one.
// Expected:   passes
// Threads:    put an item with too many bytes, put a small one || get
// Bound:      one item at most, and one byte; the first use comes before the threads
// Would show: an item that goes on counting though it has not come in
struct put_of_too_many_bytes : model {
  using pool = object_pool<sized, bury_sized, sync>;
  using pool_item = pool::item;

  put_of_too_many_bytes() {
    this_machine.spurious_failures = false;
    this_machine.reuse_memory = false;
    this_machine.cpu_count = 1;
    this_machine.cpu_of_thread.fill(0);
    large_.bytes = 2;
    pool_.emplace([] { return pool_item(); },
                  pool_options{.cycle_interval = std::nullopt, .max_retained = 1, .max_bytes = 1},
                  pool_hooks<sized>{.size_of = [](const sized& item) { return item.bytes; }});
    static_cast<void>(pool_->get());
  }

  static model_info info() {
    return {.property = "what is refused for its bytes does not count as an item",
            .threads = 2,
            .bound = "2 puts, 1 get; one item and one byte at most",
            .search = bounded_and_random(2, 20'000),
            .outcomes = {"got it", "left it"}};
  }

  void thread(unsigned index) override {
    if (index == 1) {
      pool_item got = pool_->get();
      if (got != nullptr) got->claim();
      kept_ = std::move(got);
      return;
    }
    put(large_);
    require(large_.destructions == 1, "an item with too many bytes was kept");
    put(small_);
  }

  void after() override {
    require(small_.destructions == 0, "a put dropped its item though there was room");
    outcome(kept_ != nullptr ? "got it" : "left it");
    pool_.reset();
    kept_.reset();
  }

 private:
  void put(sized& item) {
    item.prepare();
    pool_->put(pool_item(&item));
  }

  std::optional<pool> pool_;
  sized large_;
  sized small_;
  pool_item kept_;
};

const registered<put_vs_get_vs_rotate, get_vs_two_cycles, rotate_vs_rotate, begin_vs_users,
                 put_vs_put_every_shard_busy, put_vs_get_refused_memory, handle_vs_destructor,
                 rotate_all_vs_destructor, rotate_all_vs_destructor_with_items,
                 first_use_vs_first_use, automatic_cycle_vs_users, put_when_a_cycle_is_due,
                 put_of_too_many_bytes>
    registration;

}  // namespace
}  // namespace poolproof::models

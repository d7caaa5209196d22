// The whole pool: get, put, steal, cycles, handles and destruction: <poolproof/object_pool.hpp>.
#include <poolproof/object_pool.hpp>

#include "model.hpp"

#include <optional>
#include <utility>

namespace poolproof::models {
namespace {

// An item that knows whether it has been destroyed. It stays where it is, so that the model can
// ask.
struct pooled : token {
  int destructions = 0;
};

// What the pool's Deleter does: the last plain access to the item, ordered after all others.
struct bury {
  void operator()(pooled* item) const noexcept {
    require(item->destructions == 0, "an item was destroyed twice");
    if (item->given()) item->claim();
    ++item->destructions;
  }
};

using pool = object_pool<pooled, bury, relacy_sync>;

struct pool_model : model {
  explicit pool_model(pool_options options = {.cycle_interval = std::nullopt}) {
    // They are explored in the models of the rings; here they would only multiply what is searched.
    this_machine.spurious_failures = false;
    pool_.emplace([this] { return pool::item(&items_[made_++]); }, options);
  }

  // An item that is now this thread's.
  pool::item get() {
    pool::item item = pool_->try_get();
    if (item != nullptr) {
      item->claim();
    } else {
      item = pool_->get();
      if (item->given()) item->claim();
    }
    return item;
  }

  pool::item try_get() {
    pool::item item = pool_->try_get();
    if (item != nullptr) item->claim();
    return item;
  }

  void put(pool::item item) {
    item->prepare();
    pool_->put(std::move(item));
  }

  // Makes an item without asking the pool: what the factory does.
  pool::item make() { return pool::item(&items_[made_++]); }

  int destroyed() const {
    int count = 0;
    for (const pooled& item : items_) count += item.destructions;
    return count;
  }

  // Of every pool model: each item that was made is destroyed once, the last ones by the
  // destructor.
  void after() override {
    pool_.reset();
    for (int i = 0; i < made_; ++i) require(items_[i].destructions == 1, "an item was lost");
  }

  static constexpr int max_items = 8;

  std::optional<pool> pool_;
  pooled items_[max_items];
  int made_ = 0;
};

// Property:   Put happens before the Get that returns the item; nothing is handed out twice or
// lost; a
//             cycle at the same time destroys what is old and loses nothing.
// Expected:   passes
// Threads:    put a, put b, get || put c, get, get || rotate, rotate
// Bound:      1 shard, growth to 2 and first use inside, 3 puts, 3 gets, 2 cycles
// Would show: a hand-over without order, an item that two have, one that a cycle loses or destroys
// twice
struct put_vs_get_vs_rotate : pool_model {
  static model_info info() {
    return {.property = "nothing is handed out twice, nothing lost but to a cycle, Put before Get",
            .threads = 3,
            .bound = "1 -> 2 shards, first use, 3 puts, 3 gets, 2 cycles",
            .search = bounded_and_random(0),
            .outcomes = {"got the other's item", "got an item of its own", "missed", "stole",
                         "hit a victim", "a cycle destroyed an item"}};
  }

  void before() override {
    this_machine.cpu_count = 1;
    this_machine.cpu_of_thread = {0, 1, 0};
    this_machine.reuse_memory = false;
  }

  void thread(unsigned index) override {
    if (index == 2) {
      pool_->rotate();
      pool_->rotate();
      return;
    }
    put(make());
    if (index == 0) put(make());
    const int gets = index == 0 ? 1 : 2;
    for (int i = 0; i < gets; ++i) {
      if (pool::item item = try_get()) {
        const bool own = (item.get() - items_ == 2) == (index == 1);
        outcome(own ? "got an item of its own" : "got the other's item");
        kept_[index][i] = std::move(item);
      } else {
        outcome("missed");
      }
    }
  }

  void after() override {
    const pool_stats seen = pool_->stats();
    if (seen.steals != 0) outcome("stole");
    if (seen.victim_hits != 0) outcome("hit a victim");
    if (seen.cycle_destroyed != 0) outcome("a cycle destroyed an item");
    for (auto& kept : kept_) {
      for (pool::item& item : kept) item.reset();
    }
    pool_model::after();
  }

  pool::item kept_[2][2];
};

// Property:   As above, when each operation may find itself on another CPU.
// Expected:   passes
// Threads:    put, put, at any CPU each || put, get at CPU 0 || get, rotate at CPU 1
// Bound:      2 shards, first use inside, 3 puts, 2 gets, 1 cycle
// Would show: an operation that relies on staying where it began
struct migration_vs_migration : pool_model {
  static model_info info() {
    return {.property = "several threads on one shard and migration at any moment do no harm",
            .threads = 3,
            .bound = "2 shards, first use, 1 thread that migrates, 3 puts, 2 gets, 1 cycle",
            .search = bounded_and_random(0),
            .outcomes = {"got", "missed", "busy", "spilled", "stole", "hit a victim"}};
  }

  void before() override {
    this_machine.cpu_of_thread = {machine::any_cpu, 0, 1};
    this_machine.reuse_memory = false;
  }

  void thread(unsigned index) override {
    if (index < 2) put(make());
    if (index == 0) {
      put(make());
      return;
    }
    pool::item item = try_get();
    outcome(item != nullptr ? "got" : "missed");
    if (index == 2) pool_->rotate();
  }

  void after() override {
    const pool_stats seen = pool_->stats();
    if (seen.busy != 0) outcome("busy");
    if (seen.spills != 0) outcome("spilled");
    if (seen.steals != 0) outcome("stole");
    if (seen.victim_hits != 0) outcome("hit a victim");
    pool_model::after();
  }
};

// Property:   Two cycles at once turn each shard twice, not more and not less.
// Expected:   passes
// Threads:    put, rotate || rotate || get
// Bound:      2 shards, first use inside, 1 put, 2 cycles by two threads, 1 get
// Would show: a cycle that does not look again once it owns the shard: the shard is then ahead, and
// what
//             is put later outlives two cycles
struct rotate_vs_rotate : pool_model {
  static model_info info() {
    return {.property = "cycles at once turn each shard once each",
            .threads = 3,
            .bound = "2 shards, first use, 1 put, 2 cycles by two threads, 1 get",
            .search = bounded_and_random(0),
            .outcomes = {"got", "missed", "a cycle destroyed an item"}};
  }

  void before() override { this_machine.reuse_memory = false; }

  void thread(unsigned index) override {
    if (index == 2) {
      outcome(try_get() != nullptr ? "got" : "missed");
      return;
    }
    if (index == 0) put(make());
    pool_->rotate();
  }

  void after() override {
    if (pool_->stats().cycle_destroyed != 0) outcome("a cycle destroyed an item");
    put(make());
    pool_->rotate();
    pool_->rotate();
    for (const pooled& item : items_) require(!item.given(), "an item outlived two cycles");
    pool_model::after();
  }
};

// Property:   Growing the shard array while others use it loses no item.
// Expected:   passes
// Threads:    put, put at CPU 0 || put, get at CPU 1 || put, get at CPU 2
// Bound:      1 shard at first, growth to 2 or 4; first use inside
// Would show: an array that is used before it is there; an item left behind in the old one
struct growth_vs_users : pool_model {
  static model_info info() {
    return {.property = "the shard array grows under its users and loses no item",
            .threads = 3,
            .bound = "1 -> 4 shards, first use, 4 puts, 2 gets",
            .search = bounded_and_random(0),
            .outcomes = {"got", "missed"}};
  }

  void before() override { this_machine.cpu_count = 1; }

  void thread(unsigned index) override {
    // Beyond the array, whatever its length: own_cpu would be taken modulo one.
    this_machine.cpu_of_thread[index] = index;
    put(make());
    if (index == 0) {
      put(make());
      return;
    }
    pool::item item = try_get();
    outcome(item != nullptr ? "got" : "missed");
  }

  void after() override {
    // Everything that is left can be got: growth strands nothing.
    int left = 0;
    for (const pooled& item : items_) left += item.given() ? 1 : 0;
    while (pool::item item = try_get()) --left;
    require(left == 0, "an item could not be found again");
    pool_model::after();
  }
};

// Property:   An item put while every ring is busy is kept, and found by gets, steals and cycles.
// Expected:   passes
// Threads:    put, put || put, put || rotate, get; all at CPU 0
// Bound:      2 shards, first use inside, 4 puts, 1 get, 1 cycle
// Would show: a put that drops its item, a spill shard that nobody looks into
struct put_vs_put_every_shard_busy : pool_model {
  static model_info info() {
    return {.property = "put keeps its item when every ring is busy",
            .threads = 3,
            .bound = "2 shards, first use, 4 puts, 1 get, 1 cycle",
            .search = bounded_and_random(0),
            .outcomes = {"spilled", "not spilled", "got"}};
  }

  void before() override {
    this_machine.cpu_of_thread.fill(0);
    this_machine.reuse_memory = false;
  }

  void thread(unsigned index) override {
    if (index == 2) {
      pool_->rotate();
      if (try_get() != nullptr) outcome("got");
      return;
    }
    put(make());
    put(make());
  }

  void after() override {
    const pool_stats seen = pool_->stats();
    outcome(seen.spills != 0 ? "spilled" : "not spilled");
    require(seen.refused_memory == 0, "memory was refused");
    // One cycle destroys nothing that was put since the pool's first use.
    require(seen.cycle_destroyed == 0, "a single cycle destroyed an item");
    pool_->rotate();
    pool_->rotate();
    for (const pooled& item : items_) require(!item.given(), "an item outlived two cycles");
    pool_model::after();
  }
};

// Property:   Memory that is refused costs a put its item and nothing else.
// Expected:   passes
// Threads:    put, put, get || put, get || rotate; the n-th allocation is refused
// Bound:      2 shards, first use inside, each of the first 6 allocations, 1 cycle
// Would show: an item that is lost or destroyed twice where memory is refused
struct put_vs_get_refused_memory : pool_model {
  static model_info info() {
    return {.property = "refused memory costs a put its item and nothing else",
            .threads = 3,
            .bound = "2 shards, first use, 3 puts, 2 gets, 1 cycle, one of 6 allocations refused",
            .search = bounded_and_random(0),
            .outcomes = {"destroyed for want of memory", "nothing refused"}};
  }

  void before() override {
    this_machine.refused_allocation = choose(7);
    this_machine.reuse_memory = false;
  }

  void thread(unsigned index) override {
    if (index == 2) {
      pool_->rotate();
      return;
    }
    put(make());
    if (index == 0) put(make());
    try_get();
  }

  void after() override {
    outcome(destroyed() > 2 || this_machine.refused_allocation == 0 ? "destroyed for want of memory"
                                                                    : "nothing refused");
    this_machine.refused_allocation = 0;
    pool_model::after();
  }
};

// Property:   A handle may come back while the pool is destroyed, and after it.
// Expected:   passes
// Threads:    return a handle || return a handle || destroy the pool
// Bound:      2 shards, 2 handles
// Would show: a use of the pool after its end, an item that nobody destroys, a core that leaks
struct handle_vs_destructor : pool_model {
  static model_info info() {
    return {.property = "handles may be returned while the pool is destroyed, and after",
            .threads = 3,
            .bound = "2 shards, 2 handles",
            .search = bounded_and_random(2),
            .outcomes = {"done"}};
  }

  void before() override {
    for (pool::handle& handle : handles_) handle = pool_->borrow();
  }

  void thread(unsigned index) override {
    if (index == 2) {
      pool_.reset();
    } else {
      handles_[index]->prepare();
      handles_[index] = pool::handle();
    }
  }

  void after() override {
    pool_model::after();
    outcome("done");
  }

  pool::handle handles_[2];
};

// Property:   A handle that comes back too late to be seen by the destructor leaves no item in the
// closed
//             pool, although another handle keeps the pool's inner part.
// Expected:   passes
// Threads:    return a handle || destroy the pool; one more handle is out until the end
// Bound:      2 shards, 2 handles
// Would show: an item that waits in a closed pool for the last handle
struct late_return_vs_destructor : pool_model {
  static model_info info() {
    return {.property = "a late handle leaves no item in a closed pool",
            .threads = 2,
            .bound = "2 shards, 2 handles, one of them out to the end",
            .search = bounded_and_random(2),
            .outcomes = {"returned to the pool", "destroyed by the handle"}};
  }

  void before() override {
    late_ = pool_->borrow();
    last_ = pool_->borrow();
    this_machine.reuse_memory = false;
  }

  void thread(unsigned index) override {
    if (index == 1) {
      pool_.reset();
    } else {
      late_->prepare();
      late_ = pool::handle();
      outcome(items_[0].destructions == 0 ? "returned to the pool" : "destroyed by the handle");
    }
  }

  void after() override {
    require(items_[0].destructions == 1, "an item waits in a closed pool");
    last_->prepare();
    last_ = pool::handle();
    pool_model::after();
  }

  pool::handle late_;
  pool::handle last_;
};

// Property:   rotate_all may be at work in a pool that is being destroyed.
// Expected:   passes
// Threads:    put, destroy the pool || rotate_all, rotate_all || return a handle
// Bound:      2 shards, 2 items, 1 handle, 2 cycles
// Would show: a cycle in a pool that is gone, an item destroyed twice or never
struct rotate_all_vs_destructor : pool_model {
  static model_info info() {
    return {.property = "rotate_all may be at work in a pool that is destroyed",
            .threads = 3,
            .bound = "2 shards, 2 items, 1 handle, 2 cycles",
            .search = bounded_and_random(0),
            .outcomes = {"a cycle began", "no cycle"}};
  }

  void before() override {
    handle_ = pool_->borrow();
    this_machine.reuse_memory = false;
  }

  void thread(unsigned index) override {
    if (index == 1) {
      rotate_all_of<relacy_sync>();
      rotate_all_of<relacy_sync>();
      return;
    }
    if (index == 2) {
      handle_->prepare();
      handle_ = pool::handle();
      return;
    }
    put(make());
    outcome(pool_->stats().cycles != 0 ? "a cycle began" : "no cycle");
    pool_.reset();
  }

  pool::handle handle_;
};

// Property:   Two threads that use a pool first at once use the same one from then on.
// Expected:   passes
// Threads:    put || put || stats, get
// Bound:      2 shards, first use by three threads, 2 puts, 1 get
// Would show: a core that is used before it is there; one of two that leaks, or that items vanish
// in
struct first_use_vs_first_use : pool_model {
  static model_info info() {
    return {.property = "several first users make one pool",
            .threads = 3,
            .bound = "2 shards, 2 puts, 1 stats, 1 get",
            .search = bounded_and_random(0),
            .outcomes = {"got", "missed", "both left", "saw an item", "saw none"}};
  }

  void thread(unsigned index) override {
    if (index < 2) {
      put(make());
      return;
    }
    outcome(pool_->stats().retained != 0 ? "saw an item" : "saw none");
    outcome(try_get() != nullptr ? "got" : "missed");
  }

  void after() override {
    if (pool_->stats().retained == 2) outcome("both left");
    int left = 0;
    for (const pooled& item : items_) left += item.given() ? 1 : 0;
    while (try_get() != nullptr) --left;
    require(left == 0, "an item vanished with a pool that lost the race");
    pool_model::after();
  }
};

// Property:   A cycle that the clock begins is done by the callers, a part by each, and loses
// nothing. Expected:   passes Threads:    put, put || put, get || advance the clock, get (twice)
// Bound:      2 shards, first use inside, 3 puts, 3 gets, at most 2 automatic cycles
// Would show: callers that turn a shard at once, or destroy what is not a victim
struct automatic_cycle_vs_users : pool_model {
  static model_info info() {
    return {.property = "cycles that the clock begins are done by the callers and lose nothing",
            .threads = 3,
            .bound = "2 shards, first use, 3 puts, 3 gets, every call looks at the clock",
            .search = bounded_and_random(0),
            .outcomes = {"cycled", "a cycle destroyed an item", "hit a victim"}};
  }

  automatic_cycle_vs_users() : pool_model({.cycle_interval = std::chrono::nanoseconds(10)}) {}

  void before() override {
    this_machine.ticks = answer::yes;
    this_machine.reuse_memory = false;
  }

  void thread(unsigned index) override {
    if (index == 2) {
      this_machine.now += std::chrono::nanoseconds(10);
      try_get();
      this_machine.now += std::chrono::nanoseconds(10);
      try_get();
      return;
    }
    put(make());
    if (index == 0) {
      put(make());
    } else {
      try_get();
    }
  }

  void after() override {
    const pool_stats seen = pool_->stats();
    if (seen.cycles != 0) outcome("cycled");
    if (seen.cycle_destroyed != 0) outcome("a cycle destroyed an item");
    if (seen.victim_hits != 0) outcome("hit a victim");
    pool_model::after();
  }
};

const registered<put_vs_get_vs_rotate, rotate_vs_rotate, migration_vs_migration, growth_vs_users,
                 put_vs_put_every_shard_busy, put_vs_get_refused_memory, handle_vs_destructor,
                 late_return_vs_destructor, rotate_all_vs_destructor, first_use_vs_first_use,
                 automatic_cycle_vs_users>
    registration;

}  // namespace
}  // namespace poolproof::models

// SPDX-License-Identifier: MIT
// Every ring busy: the owner of every shard is stopped, as a preempted thread is; put keeps 1,000
// items all the same, and gets get every one of them back.
//
// A thread is stopped where it has just become the owner of a shard, by a callback of the policy.
// Some owners of spill shards are stopped, too. In some rounds a cycle passes by, which may make
// victims of the items, but must not destroy one.
#include "stressed_sync.hpp"
#include "tracked.hpp"

#include <poolproof/object_pool.hpp>

#include <memory>

namespace {

using stress::choices;
using stress::tracked;

// With a private part of one item also where there is no magazine: the second put needs a ring.
struct crowded_sync : stress::stressed_sync {
  struct limits : stress::stressed_sync::limits {
    static constexpr std::uint32_t private_items = 1;
  };
};
using pool = poolproof::object_pool<tracked, std::default_delete<tracked>, crowded_sync>;

constexpr std::uint32_t most_shards = 6;
constexpr std::uint32_t most_spill_owners = 3;
constexpr std::uint32_t workers = 4;
constexpr std::uint32_t items_each = 250;

constinit std::atomic<std::uint32_t> stopped{0};
constinit std::atomic<bool> go_on{false};

void stop_here() noexcept {
  stopped.fetch_add(1, std::memory_order_relaxed);
  while (!go_on.load(std::memory_order_relaxed)) {
    std::this_thread::sleep_for(std::chrono::microseconds(100));
  }
}

void put_new(pool& into) { into.put(std::make_unique<tracked>()); }

class busy_round {
 public:
  explicit busy_round(std::uint64_t seed)
      : shards_(1 + choices.below(most_shards)),
        spill_owners_(choices.below(most_spill_owners + 1)),
        workers_(seed),
        used_([] { return std::make_unique<tracked>(); }, {.cycle_interval = std::nullopt}) {
    stopped.store(0, std::memory_order_relaxed);
    go_on.store(false, std::memory_order_relaxed);
    stress::cpus.store(shards_, std::memory_order_relaxed);
    stress::this_thread.cpu = shards_ - 1;
    put_new(used_);  // makes the shards
  }

  void run() {
    stop_owners();
    const std::uint64_t before = tracked::alive();
    put_1000();
    if (choices.one_in(2)) used_.rotate();
    check_kept(before);
    get_all_back();
    go_on.store(true, std::memory_order_relaxed);
    for (auto& owner : owners_) owner.join();
    spills_ = used_.stats().spills;
    check_two_cycles_empty_the_pool();
  }

  std::uint32_t owners() const { return shards_ + spill_owners_; }
  std::uint64_t spills() const { return spills_; }

 private:
  // One for each CPU's shard. The others are on the same CPUs: their puts find the shard busy.
  void stop_owners() {
    for (std::uint32_t i = 0; i < owners(); ++i) {
      const std::uint32_t before = stopped.load(std::memory_order_relaxed);
      const bool in_new_shard = i >= shards_ && choices.one_in(2);
      owners_.emplace_back([this, i, in_new_shard] { be_stopped(i % shards_, in_new_shard); });
      while (stopped.load(std::memory_order_relaxed) == before) std::this_thread::yield();
    }
  }

  // A put into a private part that is full displaces an item, for which it needs a ring. After one
  // put the part is full; and if the CPU's shard is busy, that put leaves a spill shard behind, in
  // which the second one can be stopped. Without it, the thread is stopped while it adds a shard.
  void be_stopped(std::uint32_t cpu, bool in_new_shard) {
    stress::this_thread.cpu = cpu;
    if (!in_new_shard) put_new(used_);
    stress::this_thread.on_owned = stop_here;
    put_new(used_);
  }

  void put_1000() {
    workers_.add(workers, [this](std::uint32_t) {
      for (std::uint32_t i = 0; i < items_each; ++i) put_new(used_);
    });
    workers_.run();
  }

  void check_kept(std::uint64_t before) {
    stress::require_equal(tracked::alive() - before, workers * items_each, "items that put kept");
    const poolproof::pool_stats stats = used_.stats();
    stress::require_equal(stats.refused_memory + stats.cycle_destroyed, 0, "destroyed items");
    stress::require(stats.spills >= workers * items_each - shards_, "puts did not spill");
  }

  // All but what the stopped owners hold in their hands, one each.
  void get_all_back() {
    const std::uint64_t in_pool = tracked::alive() - owners();
    std::atomic<std::uint64_t> found{0};
    workers_.add(workers, [this, &found](std::uint32_t) {
      while (const pool::item got = used_.try_get()) {
        got->check_out();
        got->check_in();
        found.fetch_add(1, std::memory_order_relaxed);
      }
    });
    workers_.run();
    stress::require_equal(found.load(std::memory_order_relaxed), in_pool, "items that gets found");
  }

  // The shards that were owned when the cycle passed by have two to catch up.
  void check_two_cycles_empty_the_pool() {
    used_.rotate();
    used_.rotate();
    stress::require_equal(used_.stats().retained, 0, "items left after two cycles");
  }

  const std::uint32_t shards_;
  const std::uint32_t spill_owners_;
  std::vector<std::thread> owners_;
  stress::crew workers_;
  pool used_;
  std::uint64_t spills_ = 0;
};

}  // namespace

int main(int argc, char** argv) {
  const stress::options asked =
      stress::parse(argc, argv,
                    {.program = "busy_stress",
                     .purpose = "Put keeps 1,000 items while the owner of every shard is stopped.",
                     .seconds = 2});
  stress::report report;
  stress::watchdog watchdog("the test began");
  // Often: the puts of a round add their spill shards at its beginning, at the same time.
  stress::yield_period = 16;

  std::uint64_t rounds = 0;
  std::uint64_t owners = 0;
  std::uint64_t spills = 0;
  for (const stress::time_box box(*asked.seconds); !box.over(); ++rounds) {
    watchdog.renew("all owners were stopped, and others put and got items");
    busy_round round(choices.next());
    round.run();
    owners += round.owners();
    spills += round.spills();
  }
  stress::require_equal(tracked::gone(), tracked::made(), "items destroyed, of those constructed");

  report.did("rounds of 1000 items", rounds);
  report.did("items, each destroyed once", tracked::made());
  report.took({{"stopped owners", owners}, {"spills", spills}});
  return report.finish();
}

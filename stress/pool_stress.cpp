// SPDX-License-Identifier: MIT
// A whole pool under everything at once: get, try_get, put, handles that come back elsewhere,
// detached items, stats, cycles of all three kinds, threads that come and go, and CPUs that appear
// while the pool is in use, so that their shards begin; the last ones share those of others.
//
// Every item knows who holds it, so that a double hand-out is caught; all are counted, so that one
// that is lost or destroyed twice is.
#include "pool_user.hpp"
#include "stressed_sync.hpp"

#include <memory>

namespace {

using stress::choices;
using stress::racy;
using stress::tracked;

using pool = poolproof::object_pool<tracked, std::default_delete<tracked>, stress::stressed_sync>;

constexpr std::uint32_t lines = 8;             // threads alive at once
constexpr std::uint32_t thread_length = 2000;  // runs of calls before a thread ends
constexpr std::uint32_t last_cpus = 12;
constexpr double round_seconds = 0.2;

// A handle that one thread leaves for another to return.
class mailbox {
 public:
  ~mailbox() { delete slot_.load(std::memory_order_acquire); }

  void swap(std::unique_ptr<pool::handle> given) {
    const std::unique_ptr<pool::handle> found(
        slot_.exchange(given.release(), std::memory_order_acq_rel));
  }

 private:
  std::atomic<pool::handle*> slot_{nullptr};
};

poolproof::pool_options some_interval() {
  if (choices.one_in(2)) return {.cycle_interval = std::nullopt};
  return {.cycle_interval = std::chrono::milliseconds(1 + choices.below(20))};
}

// What the pools of all rounds did.
struct totals {
  std::uint64_t rounds = 0;
  std::uint64_t steals = 0;
  std::uint64_t victim_hits = 0;
  std::uint64_t busy = 0;
  std::uint64_t spills = 0;
  std::uint64_t cycles = 0;
  std::uint64_t destroyed = 0;
  std::uint64_t freed_rings = 0;

  void add(const poolproof::pool_stats& stats) {
    ++rounds;
    steals += stats.steals;
    victim_hits += stats.victim_hits;
    busy += stats.busy;
    spills += stats.spills;
    cycles += stats.cycles;
    destroyed += stats.cycle_destroyed;
  }
};

stress::paths paths(const totals& sums) {
  return {{"items destroyed by cycles", sums.destroyed},
          {"steals", sums.steals},
          {"victim hits", sums.victim_hits},
          {"busy shards", sums.busy},
          {"spills", sums.spills},
          {"shards that began in use", stress::taken(racy::begun_shard)},
          {"rings freed in use", sums.freed_rings},
          {"lost steals", stress::taken(racy::lost_steal)},
          {"lost pops", stress::taken(racy::lost_pop)},
          {"lost unlinkings", stress::taken(racy::lost_unlink)},
          {"lost ownerships", stress::taken(racy::lost_ownership)}};
}

std::atomic<std::uint64_t> threads{0};
std::atomic<std::uint64_t> runs{0};

void send_handle(pool& used, mailbox& mail) {
  auto lent = std::make_unique<pool::handle>(used.borrow());
  (*lent)->check_out();
  (*lent)->check_in();
  mail.swap(std::move(lent));
}

void be_short(pool& used, mailbox& mail, const stress::time_box& round) {
  stress::pool_user<pool> me(used);
  std::uint64_t done = 0;
  for (; done < thread_length && !round.over(); ++done) {
    me.do_something();
    if (choices.one_in(8)) send_handle(used, mail);
    if (choices.one_in(64)) poolproof::rotate_all_of<stress::stressed_sync>();
  }
  runs.fetch_add(done, std::memory_order_relaxed);
  threads.fetch_add(1, std::memory_order_relaxed);
}

// One after another, threads that use the pool, until the round is over.
void run_line(pool& used, mailbox& mail, const stress::time_box& round) {
  while (!round.over()) {
    std::thread([&, seed = choices.next()] {
      choices = stress::generator(seed);
      be_short(used, mail, round);
    }).join();
  }
}

// New CPUs appear, one after another.
void add_cpus(const stress::time_box& round) {
  for (std::uint32_t n = 2; n <= last_cpus && !round.over(); ++n) {
    std::this_thread::sleep_for(std::chrono::milliseconds(choices.below(20)));
    stress::cpus.store(n, std::memory_order_relaxed);
  }
}

// The handle that the mailbox still has outlives the pool.
void run_round(std::uint64_t seed, totals& sums) {
  mailbox mail;
  pool used([] { return std::make_unique<tracked>(); }, some_interval());
  stress::cpus.store(1, std::memory_order_relaxed);
  const std::uint64_t freed_before = stress::taken(racy::freed_ring);
  const stress::time_box round(round_seconds);
  stress::crew crew(seed);
  crew.add(lines, [&](std::uint32_t) { run_line(used, mail, round); });
  crew.add(1, [&](std::uint32_t) { add_cpus(round); });
  crew.run();
  sums.add(used.stats());
  sums.freed_rings += stress::taken(racy::freed_ring) - freed_before;
}

}  // namespace

int main(int argc, char** argv) {
  const stress::options asked = stress::parse(
      argc, argv,
      {.program = "pool_stress",
       .purpose = "A pool with cycles, new CPUs, handles and threads that come and go.",
       .seconds = 5});
  stress::report report;
  stress::watchdog watchdog("pools were used");

  totals sums;
  for (const stress::time_box box(*asked.seconds); !box.over(paths(sums));) {
    watchdog.renew("a pool was used");
    run_round(choices.next(), sums);
  }
  stress::require_equal(tracked::gone(), tracked::made(), "items destroyed, of those constructed");

  report.did("runs of calls", runs);
  report.did("pools", sums.rounds);
  report.did("threads", threads);
  report.did("items, each destroyed once", tracked::made());
  report.did("cycles", sums.cycles);
  report.took(paths(sums));
  return report.finish();
}

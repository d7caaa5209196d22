// SPDX-License-Identifier: MIT
// Sections as they run in production, disturbed: more threads than processors use one pool, change
// the CPU that they may run on and are hit by signals, while cycles close the magazines under them.
//
// The policy is production's. Where it runs no sections (section.hpp says when) this tests the
// portable pin the same way; the report tells which. An item that a section gave to two is found by
// the item, one that was lost by the counts.
#include "pool_user.hpp"

#include <pthread.h>

#include <csignal>
#include <memory>

#if defined(__linux__)
#include <sched.h>
#endif

namespace {

using stress::choices;
using stress::tracked;

using pool = poolproof::object_pool<tracked>;
using user = stress::pool_user<pool>;

constexpr std::uint32_t workers = 16;

constinit std::atomic<std::uint64_t> signals{0};
constinit std::atomic<std::uint64_t> moves{0};

void note_signal(int) { signals.fetch_add(1, std::memory_order_relaxed); }

// Lets the calling thread run on one CPU only, another one than before if there is one.
void move_to_another_cpu() {
#if defined(__linux__)
  cpu_set_t chosen;
  CPU_ZERO(&chosen);
  CPU_SET(choices.below(std::thread::hardware_concurrency()), &chosen);
  if (::sched_setaffinity(0, sizeof chosen, &chosen) == 0) {
    moves.fetch_add(1, std::memory_order_relaxed);
  }
#endif
}

// Works until told to stop. Short runs with few items: what is disturbed are the sections.
void work(pool& used, const std::atomic<bool>& over) {
  user me(used);
  while (!over.load(std::memory_order_relaxed)) {
    if (choices.one_in(2)) me.do_something();
    for (std::uint32_t i = 0; i != 100; ++i) {
      auto item = used.get();
      item->check_out();
      item->check_in();
      used.put(std::move(item));
    }
    if (choices.one_in(64)) move_to_another_cpu();
  }
}

std::uint64_t run_round(stress::watchdog& watchdog) {
  watchdog.renew("threads used a pool, and cycles closed its magazines");
  pool used([] { return std::make_unique<tracked>(); }, {.cycle_interval = std::nullopt});
  std::atomic<bool> over{false};
  stress::crew threads(choices.next());
  threads.add(workers, [&](std::uint32_t) { work(used, over); });
  threads.start();
  // Without a pause between them in one round of two: a closer that always waits meets sections
  // in the middle, one that never does meets them at its reopening.
  const bool resting = choices.one_in(2);
  std::uint64_t cycles = 0;
  for (const stress::time_box box(0.25); !box.over(); ++cycles) {
    used.rotate();
    static_cast<void>(::pthread_kill(threads.handle(choices.below(workers)), SIGUSR1));
    if (resting) std::this_thread::sleep_for(std::chrono::microseconds(choices.below(200)));
  }
  over.store(true, std::memory_order_relaxed);
  threads.join();
  used.rotate();
  used.rotate();
  stress::require_equal(used.stats().retained, 0, "items left after two cycles");
  stress::require_equal(tracked::alive(), 0, "items alive after two cycles");
  return cycles;
}

}  // namespace

int main(int argc, char** argv) {
  const stress::options asked =
      stress::parse(argc, argv,
                    {.program = "section_stress",
                     .purpose = "Sections under signals, migration and cycles.",
                     .seconds = 4});
  stress::report report;
  stress::watchdog watchdog("the test began");
  struct sigaction action {};
  action.sa_handler = note_signal;
  action.sa_flags = SA_RESTART;
  stress::require(::sigaction(SIGUSR1, &action, nullptr) == 0, "no signal handler");

  std::uint64_t rounds = 0;
  std::uint64_t cycles = 0;
  const auto paths = [&] {
    stress::paths all{{"cycles", cycles}, {"signals", signals}};
#if defined(__linux__)
    all.push_back({"moves to a CPU", moves});
#endif
    return all;
  };
  for (const stress::time_box box(*asked.seconds); !box.over(paths()); ++rounds) {
    cycles += run_round(watchdog);
  }
  stress::require_equal(tracked::gone(), tracked::made(), "items destroyed, of those constructed");

  report.did(
      poolproof::std_sync::sections::usable() ? "rounds with sections" : "rounds without sections",
      rounds);
  report.did("items, each destroyed once", tracked::made());
  report.took(paths());
  return report.finish();
}

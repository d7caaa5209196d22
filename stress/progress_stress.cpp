// SPDX-License-Identifier: MIT
// Progress, judged from outside: some threads are stopped by a signal handler at random points
// inside get, put, borrow, a handle's return, stats and rotate; meanwhile the others' calls of all
// these complete.
//
// What is stopped is a thread inside the library, at any instruction. Its locks would be seen here,
// those of others must not be: so items, rings and shards come from an arena without locks. After
// the stopped threads have gone on, two cycles destroy all that is left in the pool, also in the
// shards that a stopped thread owned while a cycle passed by.
#include "arena.hpp"
#include "pool_user.hpp"

#include <pthread.h>
#include <time.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <csignal>
#include <memory>

namespace {

using stress::call;
using stress::choices;
using stress::tracked;

using deleter = stress::arena_delete<tracked>;
using pool = poolproof::object_pool<tracked, deleter, stress::arena_sync>;

constexpr std::uint32_t victims = 6;    // threads that may be stopped
constexpr std::uint32_t others = 2;     // threads that must get on meanwhile
constexpr std::uint32_t must_do = 200;  // runs of calls of each of them
constexpr std::uint32_t shards = 3;     // so few that most are in a stopped thread's hands

constexpr std::uint32_t calls = static_cast<std::uint32_t>(call::count_);

// ---- Stopping ----------------------------------------------------------------------------------

// What a thread and its signal handler tell the one that stops it. Relaxed: that somebody is
// stopped must not order what the library does.
struct stop_state {
  std::atomic<call> inside{call::none};   // the library's function that the thread is in
  std::atomic<call> aim{call::none};      // the one in which it shall be stopped
  std::atomic<bool> aim_holding{false};   // whether only while it has a right or a visit
  std::atomic<std::uint32_t> signals{0};  // handled so far
  std::atomic<bool> stopped{false};
};

constinit std::array<stop_state, victims> stop_states;
constinit thread_local stop_state* my_stop_state = nullptr;
constinit std::atomic<bool> stopping{false};

// How often a stopped thread was in which function, and what it had in its hands.
constinit std::array<std::atomic<std::uint64_t>, calls> stopped_in{};
constinit std::atomic<std::uint64_t> stopped_owning{0};
constinit std::atomic<std::uint64_t> stopped_visiting{0};

static_assert(std::atomic<call>::is_always_lock_free && std::atomic<bool>::is_always_lock_free &&
              std::atomic<std::uint64_t>::is_always_lock_free);

// True if the calling thread is where it shall be stopped; counts it then.
bool arrived(const stop_state& me) noexcept {
  constexpr auto relaxed = std::memory_order_relaxed;
  const call in = me.inside.load(relaxed);
  const bool owning = stress::this_thread.owned.load(relaxed) != 0;
  const bool visiting = stress::this_thread.visits.load(relaxed) != 0;
  if (in == call::none || in != me.aim.load(relaxed)) return false;
  if (me.aim_holding.load(relaxed) && !owning && !visiting) return false;
  stopped_in[static_cast<std::size_t>(in)].fetch_add(1, relaxed);
  if (owning) stopped_owning.fetch_add(1, relaxed);
  if (visiting) stopped_visiting.fetch_add(1, relaxed);
  return true;
}

// Async-signal-safe: lock-free atomics and nanosleep. The time is not on the stack, for the address
// sanitizer's replacement of the stack is not for signal handlers.
constexpr timespec nap{.tv_sec = 0, .tv_nsec = 50'000};

void stop_here(int) {
  stop_state* const me = my_stop_state;
  const int saved_errno = errno;
  if (arrived(*me)) {
    me->stopped.store(true, std::memory_order_relaxed);
    while (stopping.load(std::memory_order_relaxed)) ::nanosleep(&nap, nullptr);
    me->stopped.store(false, std::memory_order_relaxed);
  }
  me->signals.fetch_add(1, std::memory_order_relaxed);
  errno = saved_errno;
}

void install_handler() {
  struct sigaction action {};
  action.sa_handler = stop_here;
  action.sa_flags = SA_RESTART;
  stress::require(::sigaction(SIGUSR1, &action, nullptr) == 0, "no signal handler");
}

// A thread that has not come to hold anything after so many signals perhaps never will: those that
// are stopped may have every shard. It is then stopped without.
constexpr std::uint32_t most_signals = 2000;

// Signals the first `count` victims until each has stopped where it shall. A signal that was
// handled is a move.
void stop(stress::crew& threads, std::uint32_t count, stress::watchdog& watchdog) {
  for (std::uint32_t i = 0; i < count; ++i) {
    const auto in = static_cast<call>(1 + choices.below(calls - 1));
    stop_states[i].aim.store(in, std::memory_order_relaxed);
    stop_states[i].aim_holding.store(choices.one_in(3), std::memory_order_relaxed);
  }
  std::array<std::uint32_t, victims> first;
  for (std::uint32_t i = 0; i < count; ++i) {
    first[i] = stop_states[i].signals.load(std::memory_order_relaxed);
  }
  std::array<std::uint32_t, victims> sent = first;
  for (std::uint32_t stopped = 0; stopped < count; std::this_thread::yield()) {
    stopped = 0;
    for (std::uint32_t i = 0; i < count; ++i) {
      if (stop_states[i].stopped.load(std::memory_order_relaxed)) {
        ++stopped;
      } else if (stop_states[i].signals.load(std::memory_order_relaxed) == sent[i]) {
        watchdog.renew("threads were stopped");
        if (++sent[i] - first[i] == most_signals) {
          stop_states[i].aim_holding.store(false, std::memory_order_relaxed);
        }
        stress::require(::pthread_kill(threads.handle(i), SIGUSR1) == 0, "a signal was not sent");
      }
    }
  }
}

// The calling thread is inside one of the library's functions, and may be stopped if it is a
// victim.
class watch {
 public:
  explicit watch(call which) noexcept {
    note(which);
    std::atomic_signal_fence(std::memory_order_seq_cst);
  }
  ~watch() {
    std::atomic_signal_fence(std::memory_order_seq_cst);
    note(call::none);
  }
  watch(const watch&) = delete;
  watch& operator=(const watch&) = delete;

 private:
  static void note(call which) noexcept {
    if (my_stop_state != nullptr) my_stop_state->inside.store(which, std::memory_order_relaxed);
  }
};

using user = stress::pool_user<pool, watch>;

// ---- A round -----------------------------------------------------------------------------------

std::atomic<std::uint64_t> completed{0};

class round_of_stops {
 public:
  explicit round_of_stops(std::uint64_t seed)
      : used_(stress::make_in_arena<tracked>, {.cycle_interval = std::nullopt}),
        victims_(seed),
        others_(seed + 1) {}

  void run(stress::watchdog& watchdog) {
    watchdog.renew("threads were stopped");
    victims_.add(victims, [this](std::uint32_t i) { be_stopped(stop_states[i]); });
    victims_.start();
    while (ready_.load(std::memory_order_relaxed) < victims) std::this_thread::yield();
    stopping.store(true, std::memory_order_relaxed);
    const std::uint32_t stopped = 1 + choices.below(victims);
    stop(victims_, stopped, watchdog);

    watchdog.renew("threads were stopped inside the pool, and others wanted to go on");
    others_.add(others, [this](std::uint32_t) { get_on(); });
    others_.run();

    watchdog.renew("the stopped threads were to go on");
    over_.store(true, std::memory_order_relaxed);
    stopping.store(false, std::memory_order_relaxed);
    victims_.join();
    check_two_cycles_empty_the_pool();
  }

 private:
  void be_stopped(stop_state& state) {
    my_stop_state = &state;
    ready_.fetch_add(1, std::memory_order_relaxed);
    user me(used_);
    while (!over_.load(std::memory_order_relaxed)) me.do_something();
  }

  void get_on() {
    user me(used_);
    for (std::uint32_t i = 0; i < must_do; ++i) {
      me.do_something();
      completed.fetch_add(1, std::memory_order_relaxed);
    }
  }

  void check_two_cycles_empty_the_pool() {
    used_.rotate();
    used_.rotate();
    stress::require_equal(used_.stats().retained, 0, "items left after two cycles");
    stress::require_equal(tracked::alive(), 0, "items alive after two cycles");
  }

  pool used_;
  std::atomic<std::uint32_t> ready_{0};
  std::atomic<bool> over_{false};
  stress::crew victims_;
  stress::crew others_;
};

std::uint64_t stops(call in) {
  return stopped_in[static_cast<std::size_t>(in)].load(std::memory_order_relaxed);
}

stress::paths paths() {
  return {{"stops in get", stops(call::get)},      {"in put", stops(call::put)},
          {"in borrow", stops(call::borrow)},      {"in a handle's return", stops(call::give_back)},
          {"in stats", stops(call::stats)},        {"in rotate", stops(call::rotate)},
          {"of all while owning", stopped_owning}, {"of all while visiting", stopped_visiting}};
}

}  // namespace

int main(int argc, char** argv) {
  const stress::options asked =
      stress::parse(argc, argv,
                    {.program = "progress_stress",
                     .purpose = "Threads stopped at random points; the others get on.",
                     .seconds = 4});
  stress::report report;
  stress::watchdog watchdog("the test began");
  install_handler();
  // Often: a signal reaches a thread only once that has a processor.
  stress::yield_period = 32;
  stress::cpus.store(shards, std::memory_order_relaxed);

  std::uint64_t rounds = 0;
  for (const stress::time_box box(*asked.seconds); !box.over(paths()); ++rounds) {
    round_of_stops(choices.next()).run(watchdog);
    stress::arena::reset();
  }
  stress::require_equal(tracked::gone(), tracked::made(), "items destroyed, of those constructed");

  report.did("rounds", rounds);
  report.did("runs of calls beside stopped threads", completed);
  report.did("items, each destroyed once", tracked::made());
  report.took(paths());
  return report.finish();
}

// SPDX-License-Identifier: MIT
// fork while other threads are inside the pool, rotate_all is at work and pools are made and
// destroyed: the child, which has the forking thread only, uses the pool, makes a pool, runs
// cycles, destroys the pool, and exits.
//
// What the other threads held at that moment is lost to the child: at worst their shards stay busy.
// Memory comes from an arena without locks, for the sanitizers' heaps are not made for a child that
// goes on after such a fork.
#include "arena.hpp"
#include "pool_user.hpp"

#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#include <memory>
#include <optional>

namespace {

using stress::choices;
using stress::tracked;

using deleter = stress::arena_delete<tracked>;
using pool = poolproof::object_pool<tracked, deleter, stress::arena_sync>;
using user = stress::pool_user<pool>;

constexpr std::uint32_t users = 4;
constexpr std::uint32_t shards = 2;
constexpr std::uint32_t runs_in_child = 100;
constexpr double child_seconds = 300;  // a child needs a few ms, or seconds under a sanitizer

void make_and_destroy_pool() {
  pool brief(stress::make_in_arena<tracked>);
  user me(brief);
  for (std::uint32_t i = 0; i < 4; ++i) me.do_something();
}

// What the children tell. Shared with them.
struct tally {
  std::atomic<std::uint64_t> bereft{0};  // children with a shard whose owner is gone
  std::atomic<std::uint64_t> runs{0};    // runs of calls
};

tally& shared_tally() {
  void* const memory =
      ::mmap(nullptr, sizeof(tally), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  stress::require(memory != MAP_FAILED, "no memory to share with the children");
  return *::new (memory) tally;
}

[[noreturn]] void be_child(std::optional<pool>& used, tally& told) {
  const std::uint64_t busy_before = used->stats().busy;
  {
    user me(*used);
    for (std::uint32_t i = 0; i < runs_in_child; ++i) me.do_something();
  }
  make_and_destroy_pool();
  poolproof::rotate_all_of<stress::arena_sync>();
  // It is alone: who else owns a shard has not come along.
  if (used->stats().busy != busy_before) told.bereft.fetch_add(1, std::memory_order_relaxed);
  used.reset();
  told.runs.fetch_add(runs_in_child, std::memory_order_relaxed);
  std::_Exit(EXIT_SUCCESS);
}

void check_child(pid_t child, stress::watchdog& watchdog) {
  int status = 0;
  for (const stress::time_box box(child_seconds); ::waitpid(child, &status, WNOHANG) == 0;) {
    if (box.over()) {
      ::kill(child, SIGKILL);
      stress::fail("a child did not exit: it waits for a thread that it does not have");
    }
    watchdog.renew("a child ran");
    std::this_thread::sleep_for(std::chrono::microseconds(200));
  }
  stress::require(WIFEXITED(status), "a child was killed");
  stress::require_equal(static_cast<std::uint64_t>(WEXITSTATUS(status)), 0, "exit of a child");
}

}  // namespace

int main(int argc, char** argv) {
  const stress::options asked =
      stress::parse(argc, argv,
                    {.program = "fork_stress",
                     .purpose = "Forks while threads are inside a pool; the child uses it.",
                     .seconds = 2});
  stress::report report;
  tally& told = shared_tally();
  stress::cpus.store(shards, std::memory_order_relaxed);
  stress::yield_period = 32;
  stress::watchdog watchdog("the test began");

  std::optional<pool> used(std::in_place, stress::make_in_arena<tracked>);
  std::atomic<bool> over{false};
  const auto repeat = [&over](auto work) {
    while (!over.load(std::memory_order_relaxed)) work();
  };
  // A fork that is under way while a process uses its first pool is not protected: see std_sync. A
  // put is a use; runs of calls that the seed chooses may each turn out to do nothing.
  used->put(stress::make_in_arena<tracked>());
  stress::crew crew(asked.seed);
  crew.add(users, [&](std::uint32_t) {
    user me(*used);
    repeat([&me] { me.do_something(); });
  });
  crew.add(1, [&](std::uint32_t) { repeat(poolproof::rotate_all_of<stress::arena_sync>); });
  crew.add(1, [&](std::uint32_t) { repeat(make_and_destroy_pool); });
  crew.start();

  std::uint64_t children = 0;
  const auto paths = [&] {
    return stress::paths{{"children", children},
                         {"runs of calls in them", told.runs},
                         {"children with a shard whose owner is gone", told.bereft}};
  };
  for (const stress::time_box box(*asked.seconds); !box.over(paths()); ++children) {
    watchdog.renew("threads used the pool, and one of them forked");
    const pid_t child = ::fork();
    stress::require(child >= 0, "fork failed");
    if (child == 0) be_child(used, told);
    check_child(child, watchdog);
  }
  over.store(true, std::memory_order_relaxed);
  crew.join();
  used.reset();
  stress::require_equal(tracked::gone(), tracked::made(), "items destroyed, of those constructed");
  stress::require_equal(stress::arena::outstanding(), 0, "blocks of memory left behind");

  report.did("items in the parent, each destroyed once", tracked::made());
  report.took(paths());
  return report.finish();
}

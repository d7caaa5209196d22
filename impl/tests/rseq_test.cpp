// SPDX-License-Identifier: MIT
// rseq.hpp and the assembly of the sections: one that is interrupted, at any of its instructions.
//
// A breakpoint stands at one instruction. Its signal is the interruption: before the handler runs
// the kernel sends the thread to the section's beginning, unless the section is over. The handler
// does to the magazine what another thread of this CPU could do. A section that begins again must
// then take effect as if it came after that, one that was over as if it had come before.
#include <poolproof/magazine_steps.hpp>
#include <poolproof/object_pool.hpp>

#include "catch.hpp"

#if defined(POOLPROOF_HAS_RSEQ)

#include <sys/mman.h>
#include <sys/rseq.h>
#include <ucontext.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <cstdint>
#include <cstring>
#include <thread>
#include <vector>

#include "one_cpu.hpp"

// The descriptors of this program's sections: the linker names where they begin and end.
extern "C" const struct rseq_cs __start___rseq_cs[];
extern "C" const struct rseq_cs __stop___rseq_cs[];

namespace {

using namespace poolproof::test;
using poolproof::magazine_layout;
using poolproof::magazine_steps;
using poolproof::std_sync;
using address = std::uintptr_t;

// ---- Breakpoints -------------------------------------------------------------------------------

#if defined(__x86_64__)
constexpr std::array<unsigned char, 1> trap_code{0xcc};
constexpr address passed_by_trap = 1;  // the counter is behind the trap
address counter_of(const ucontext_t& at) {
  return static_cast<address>(at.uc_mcontext.gregs[REG_RIP]);
}
void set_counter(ucontext_t& at, address counter) {
  at.uc_mcontext.gregs[REG_RIP] = static_cast<greg_t>(counter);
}
#else
constexpr std::array<unsigned char, 4> trap_code{0x00, 0x00, 0x20, 0xd4};
constexpr address passed_by_trap = 0;
address counter_of(const ucontext_t& at) { return at.uc_mcontext.pc; }
void set_counter(ucontext_t& at, address counter) { at.uc_mcontext.pc = counter; }
#endif

// Lets `handler` handle SIGTRAP while this exists.
class trap_handler {
 public:
  explicit trap_handler(void (*handler)(int, siginfo_t*, void*)) {
    struct sigaction action {};
    action.sa_sigaction = handler;
    action.sa_flags = SA_SIGINFO;
    REQUIRE(::sigaction(SIGTRAP, &action, &before_) == 0);
  }
  ~trap_handler() { ::sigaction(SIGTRAP, &before_, nullptr); }
  trap_handler(const trap_handler&) = delete;
  trap_handler& operator=(const trap_handler&) = delete;

 private:
  struct sigaction before_ {};
};

// Stops whoever comes to an instruction, until it is lifted.
class breakpoint {
 public:
  explicit breakpoint(address place) : place_(place) {
    const auto page = static_cast<address>(::sysconf(_SC_PAGESIZE));
    const address begin = place / page * page;
    const address end = (place + trap_code.size() + page - 1) / page * page;
    constexpr int all = PROT_READ | PROT_WRITE | PROT_EXEC;
    REQUIRE(::mprotect(reinterpret_cast<void*>(begin), end - begin, all) == 0);
    std::memcpy(before_.data(), code(), before_.size());
    write(trap_code);
  }
  ~breakpoint() { lift(); }
  breakpoint(const breakpoint&) = delete;
  breakpoint& operator=(const breakpoint&) = delete;

  void lift() { write(before_); }

 private:
  using instruction = std::remove_const_t<decltype(trap_code)>;

  char* code() const { return reinterpret_cast<char*>(place_); }
  void write(const instruction& what) {
    std::memcpy(code(), what.data(), what.size());
    __builtin___clear_cache(code(), code() + what.size());
  }

  address place_;
  instruction before_{};
};

// ---- Two sections, and what may come between ---------------------------------------------------

enum class operation : std::uint8_t { take, give, take_some, give_some };

// What is given, or the last of what is given together.
int* const given = &things[0];
constexpr std::uint32_t several = 3;
using some_items = std::array<int*, several>;
constexpr some_items all_given{&things[126], &things[127], &things[0]};

// What the caller has in its hands afterwards. A function of its own, so that each section is once
// in the program.
[[gnu::noinline]] int* by_take(const test_near& near) { return std_sync::sections::take(near); }
[[gnu::noinline]] int* by_give(const test_near& near) {
  return std_sync::sections::give(near, given) ? nullptr : given;
}

// The items that were not moved are null, or still in their places.
[[gnu::noinline]] some_items by_take_some(const test_near& near) {
  some_items taken{};
  const std::uint32_t count = std_sync::sections::take_some(near, taken.data(), several);
  for (std::uint32_t i = count; i != several; ++i) taken[i] = nullptr;
  return taken;
}
[[gnu::noinline]] some_items by_give_some(const test_near& near) {
  some_items left = all_given;
  const std::uint32_t count = std_sync::sections::give_some(near, left.data(), several);
  for (std::uint32_t i = several - count; i != several; ++i) left[i] = nullptr;
  return left;
}

some_items by_section(operation wanted, const test_near& near) {
  switch (wanted) {
    case operation::take:
      return {by_take(near)};
    case operation::give:
      return {by_give(near)};
    case operation::take_some:
      return by_take_some(near);
    case operation::give_some:
      return by_give_some(near);
  }
  return {};
}

some_items by_steps(operation wanted, const shards_up_to& shards, int* item = given) {
  using steps = magazine_steps<test_near>;
  plain_section section{shards.cpu()};
  some_items items{};
  switch (wanted) {
    case operation::take:
      return {steps::take(section, shards.reachable())};
    case operation::give:
      return {steps::give(section, shards.reachable(), item) ? nullptr : item};
    case operation::take_some:
      steps::take_some(section, shards.reachable(), items.data(), several);
      return items;
    case operation::give_some:
      items = all_given;
      const std::uint32_t count =
          steps::give_some(section, shards.reachable(), items.data(), several);
      for (std::uint32_t i = several - count; i != several; ++i) items[i] = nullptr;
      return items;
  }
  return {};
}

enum class event : std::uint8_t { nothing, take, give, turn, end };

void happen(event what, shards_up_to& shards) {
  if (what == event::take) by_steps(operation::take, shards);
  if (what == event::give) by_steps(operation::give, shards, &things[1]);
  if (what == event::turn || what == event::end) {
    test_magazine::closing closed(shards.own().own_magazine());
    if (!closed.empty()) closed.drop_newest();
    if (what == event::end) closed.keep_closed();
  }
}

// Opens the magazine to its full depth, and gives it `count` items.
void fill(shards_up_to& shards, std::uint32_t count) {
  while (shards.own().own_magazine().deepen()) {
  }
  for (std::uint32_t i = 0; i != count; ++i) by_steps(operation::give, shards, &things[2 + i]);
}

std::vector<int*> drain(test_shard& from) {
  std::vector<int*> items;
  while (int* const item = from.own_magazine().pop_exclusive()) items.push_back(item);
  return items;
}

// ---- Where the sections are --------------------------------------------------------------------

address begin_of(const struct rseq_cs& section) { return section.start_ip; }
address end_of(const struct rseq_cs& section) {
  return section.start_ip + section.post_commit_offset;
}

// What the handler knows, and what it reports.
struct interruption {
  breakpoint* at = nullptr;
  address handler_of_section = 0;
  event meanwhile = event::nothing;
  shards_up_to* shards = nullptr;

  int times = 0;
  bool restarts = false;
};

// The one to come. Volatile, or else a compiler knows that no caller of a section changes it.
interruption* volatile next = nullptr;

void interrupt(int, siginfo_t*, void* context) {
  ucontext_t& interrupted = *static_cast<ucontext_t*>(context);
  interruption& now = *next;
  now.restarts = counter_of(interrupted) == now.handler_of_section;
  // Twice, if it comes again: it must have announced itself again.
  if (++now.times == 2 || !now.restarts) now.at->lift();
  if (!now.restarts) set_counter(interrupted, counter_of(interrupted) - passed_by_trap);
  if (now.shards != nullptr) happen(now.meanwhile, *now.shards);
}

// The one that the operation runs.
const struct rseq_cs& section_of(operation wanted) {
  on_one_cpu here;
  const trap_handler handler(interrupt);
  for (const struct rseq_cs* tried = __start___rseq_cs; tried != __stop___rseq_cs; ++tried) {
    breakpoint at(begin_of(*tried));
    interruption now{.at = &at, .handler_of_section = tried->abort_ip};
    next = &now;
    by_section(wanted, here.reachable());
    if (now.times != 0) return *tried;
  }
  FAIL("no section of this program is the operation's");
  return *__start___rseq_cs;
}

#if defined(__x86_64__)

// Instructions differ in length. So they are found by stepping through them, in a thread that the
// kernel does not know, and would not send back: it writes its CPU into its area itself.
struct steps {
  breakpoint* first = nullptr;
  address last = 0;
  std::vector<address> taken{};
};

steps* volatile walk = nullptr;

void step(int, siginfo_t*, void* context) {
  constexpr greg_t stepping = 0x100;
  ucontext_t& interrupted = *static_cast<ucontext_t*>(context);
  steps& now = *walk;
  if (now.taken.empty()) {
    now.first->lift();
    set_counter(interrupted, counter_of(interrupted) - passed_by_trap);
    interrupted.uc_mcontext.gregs[REG_EFL] |= stepping;
  }
  now.taken.push_back(counter_of(interrupted));
  if (now.taken.back() == now.last) interrupted.uc_mcontext.gregs[REG_EFL] &= ~stepping;
}

// The last is the one behind the section.
std::vector<address> instructions_of(const struct rseq_cs& section, operation wanted) {
  steps found{.last = end_of(section)};
  found.taken.reserve(100);  // the handler is not to allocate
  std::thread([&] {
    on_one_cpu here;
    shards_up_to shards(here.cpu());
    fill(shards, 1);
    REQUIRE(leave_rseq());
    area()->cpu_id = here.cpu();
    const trap_handler handler(step);
    breakpoint first(begin_of(section));
    found.first = &first;
    walk = &found;
    by_section(wanted, shards.reachable());
  }).join();
  // Those of a loop are found more than once.
  std::sort(found.taken.begin(), found.taken.end());
  found.taken.erase(std::unique(found.taken.begin(), found.taken.end()), found.taken.end());
  return found.taken;
}

#else

std::vector<address> instructions_of(const struct rseq_cs& section, operation) {
  std::vector<address> found;
  for (address at = begin_of(section); at <= end_of(section); at += trap_code.size()) {
    found.push_back(at);
  }
  return found;
}

#endif

TEST_CASE("section_interrupted_at_any_instruction_takes_effect_once", "[rseq]") {
  if (no_sections_here()) return;
  const operation wanted =
      GENERATE(operation::take, operation::give, operation::take_some, operation::give_some);
  const struct rseq_cs& section = section_of(wanted);
  const std::vector<address> instructions = instructions_of(section, wanted);
  REQUIRE(instructions.size() > 10);
  REQUIRE(instructions.back() == end_of(section));

  on_one_cpu here;
  const trap_handler handler(interrupt);
  for (const address place : instructions) {
    int times = 0;
    for (const event meanwhile :
         {event::nothing, event::take, event::give, event::turn, event::end}) {
      for (const std::uint32_t count : {0u, 1u, 2u, 4u, capacity - 1, capacity}) {
        shards_up_to shards(here.cpu());
        shards_up_to steps(here.cpu());
        fill(shards, count);
        fill(steps, count);
        breakpoint at(place);
        interruption now{.at = &at,
                         .handler_of_section = section.abort_ip,
                         .meanwhile = meanwhile,
                         .shards = &shards};
        next = &now;
        const some_items found = by_section(wanted, shards.reachable());
        at.lift();

        times += now.times;
        if (now.times != 0) REQUIRE(now.restarts == (place != end_of(section)));
        const int before = now.restarts ? now.times : 0;
        for (int i = 0; i != before; ++i) happen(meanwhile, steps);
        REQUIRE(found == by_steps(wanted, steps));
        if (before != now.times) happen(meanwhile, steps);
        REQUIRE(area()->rseq_cs == 0);
        REQUIRE(drain(shards.own()) == drain(steps.own()));
      }
    }
    CHECK(times != 0);
  }
}

TEST_CASE("arm64_kernels_that_do_not_restart_sections_are_known", "[rseq]") {
  const auto restarts = poolproof::rseq_sections::restarts_on_arm64;
  for (const char* sound :
       {"5.15.0", "6.1.0-13-arm64", "6.18.44", "6.190.0", "7.1.0-rc2", "7.01.0"})
    CHECK(restarts(sound));
  for (const char* broken : {"6.19", "6.19.0-rc1", "6.19.12-arm64", "7.0.0-14-generic", "7.0.10"})
    CHECK_FALSE(restarts(broken));
}

}  // namespace

#else

TEST_CASE("system_without_rseq_has_no_sections", "[rseq]") {
  CHECK_FALSE(poolproof::machine_sections::compiled);
}

#endif

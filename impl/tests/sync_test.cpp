// SPDX-License-Identifier: MIT
// sync.hpp: the policy of production, and what makes a policy.
#include <poolproof/sync.hpp>

#include <pthread.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <latch>
#include <mutex>
#include <stdexcept>
#include <string>
#include <thread>
#include <vector>

#include "awaited.hpp"
#include "catch.hpp"
#include "child.hpp"
#include "stays_on_cpu.hpp"

#if defined(__linux__)
#include <sched.h>
#include <sys/syscall.h>

#include "../../bench/resident.hpp"

namespace {
std::atomic<bool> sched_getcpu_fails{false};
std::atomic<int> questions{0};
}  // namespace

// Stands before the C library's, so that a test can make it fail, and count.
extern "C" int sched_getcpu() noexcept {
  ++questions;
  if (sched_getcpu_fails) return -1;
  unsigned cpu = 0;
  return ::syscall(SYS_getcpu, &cpu, nullptr, nullptr) == 0 ? static_cast<int>(cpu) : -1;
}
#endif

namespace {

using namespace std::chrono_literals;
using poolproof::pin_kind;
using poolproof::std_sync;
using poolproof::sync_policy;
using poolproof::test::awaited;
using poolproof::test::holds_in_child;

TEST_CASE("version_parts_make_one_number", "[sync]") {
  CHECK(POOLPROOF_VERSION ==
        POOLPROOF_VERSION_MAJOR * 10000 + POOLPROOF_VERSION_MINOR * 100 + POOLPROOF_VERSION_PATCH);
  CHECK(POOLPROOF_VERSION > 0);
}

struct without_clock : std_sync {
  static void now() noexcept {}
};
struct with_throwing_cpu : std_sync {
  static std::uint32_t cpu() { return 0; }
};
struct without_release : std_sync {
  static void deallocate(void*) noexcept {}
};
struct without_zeros : std_sync {
  static void allocate_zeroed(std::size_t, std::size_t) noexcept {}
};

TEST_CASE("incomplete_policy_is_no_sync_policy", "[sync]") {
  STATIC_REQUIRE(sync_policy<std_sync>);
  STATIC_REQUIRE_FALSE(sync_policy<without_clock>);
  STATIC_REQUIRE_FALSE(sync_policy<with_throwing_cpu>);
  STATIC_REQUIRE_FALSE(sync_policy<without_release>);
  STATIC_REQUIRE_FALSE(sync_policy<without_zeros>);
  STATIC_REQUIRE_FALSE(sync_policy<int>);
}

TEST_CASE("var_holds_what_was_set_and_nothing_else", "[sync]") {
  STATIC_REQUIRE(sizeof(std_sync::var<std::uint32_t>) == sizeof(std::uint32_t));
  std_sync::var<int> number(3);
  CHECK(number.get() == 3);
  number.set(4);
  CHECK(number.get() == 4);
  CHECK(std_sync::var<int*>().get() == nullptr);
}

TEST_CASE("counter_of_many_threads_is_exact", "[sync]") {
  constexpr int thread_count = 4;
  constexpr int rounds = 1000000;
  std_sync::counter counter;
  std::latch all_here(thread_count);
  {
    std::vector<std::jthread> threads;
    for (int t = 0; t < thread_count; ++t) {
      threads.emplace_back([&] {
        all_here.arrive_and_wait();
        for (int i = 0; i < rounds; ++i) counter.add(3);
      });
    }
  }
  CHECK(counter.value() == thread_count * rounds * 3);
}

TEST_CASE("ticker_ticks_once_in_a_period", "[sync]") {
  std_sync::ticker ticker;
  for (int period = 0; period < 3; ++period) {
    std::uint64_t ticks = 0;
    for (std::uint32_t i = 0; i < std_sync::ticker::period; ++i) {
      if (ticker.tick()) ++ticks;
    }
    CHECK(ticks == 1);
  }
}

// A round of takes is counted as so many takes: what ticks slowly is none.
TEST_CASE("slow_ticks_are_no_part_of_a_round", "[sync]") {
  constexpr std::uint32_t period = std_sync::ticker::period;
  std_sync::ticker ticker;
  std::uint32_t ticks = 0;
  std::uint32_t slow_ticks = 0;
  for (std::uint32_t i = 0; i != 3 * period; ++i) {
    ticks += ticker.tick() ? 1 : 0;
    slow_ticks += ticker.tick_slowly() ? 1 : 0;
  }
  CHECK(ticks == 3);
  CHECK(slow_ticks == 3);
}

#if defined(__linux__)

// Runs `visit(cpu)` on every CPU that the process may use.
template <class Visit>
void on_every_cpu(Visit visit) {
  cpu_set_t before;
  REQUIRE(::sched_getaffinity(0, sizeof before, &before) == 0);
  for (unsigned cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &before)) continue;
    const poolproof::test::stays_on_cpu only(cpu);
    visit(cpu);
  }
}

// Whether the C library and the kernel have registered this thread for restartable sequences.
bool has_rseq() {
#if defined(POOLPROOF_HAS_RSEQ_AREA)
  return __rseq_size != 0;
#else
  return false;
#endif
}

TEST_CASE("thread_with_rseq_is_pinned_by_it", "[sync]") {
  const pin_kind with_rseq = std_sync::sections::usable() ? pin_kind::rseq : pin_kind::rseq_cpu_id;
  CHECK(std_sync::pin() == (has_rseq() ? with_rseq : pin_kind::sched_getcpu));
  if (has_rseq()) on_every_cpu([](unsigned cpu) { CHECK(std_sync::cpu() == cpu); });
}

// How a process is told to do without rseq.
constexpr const char* tunables = "GLIBC_TUNABLES";

// What two test cases below run, in processes of their own.
TEST_CASE("process_without_rseq", "[.child]") {
  if (std::getenv(tunables) == nullptr) return;
  REQUIRE_FALSE(has_rseq());
  CHECK(std_sync::pin() == pin_kind::sched_getcpu);
  // Once in 32 calls it asks, and so it notices a move after 31 at most.
  const auto call = [] {
    for (int i = 0; i < 31; ++i) std_sync::cpu();
    return std_sync::cpu();
  };
  on_every_cpu([&](unsigned cpu) { CHECK(call() == cpu); });
  questions = 0;
  for (int i = 0; i < 100; ++i) call();
  CHECK(questions == 100);
  std::thread([] {
    const int before = questions;
    std_sync::cpu();
    CHECK(questions == before + 1);
  }).join();
}

TEST_CASE("process_without_rseq_and_getcpu", "[.child]") {
  if (std::getenv(tunables) == nullptr) return;
  REQUIRE_FALSE(has_rseq());
  sched_getcpu_fails = true;
  CHECK(std_sync::pin() == pin_kind::thread_hash);
  on_every_cpu([cpu_of_thread = std_sync::cpu()](unsigned) {
    CHECK(std_sync::cpu() == cpu_of_thread);
    CHECK(std_sync::cpu() < std_sync::cpu_count());
  });
}

bool passes_without_rseq(const char* test_case) {
  return holds_in_child([=] {
    ::setenv(tunables, "glibc.pthread.rseq=0", 1);
    ::execl("/proc/self/exe", "sync_test", test_case, static_cast<char*>(nullptr));
    return false;
  });
}

TEST_CASE("process_without_rseq_is_pinned_by_getcpu", "[sync]") {
  CHECK(passes_without_rseq("process_without_rseq"));
}

TEST_CASE("process_without_rseq_and_getcpu_is_pinned_by_a_hash", "[sync]") {
  CHECK(passes_without_rseq("process_without_rseq_and_getcpu"));
}

#else

TEST_CASE("system_without_cpu_numbers_is_pinned_by_a_hash", "[sync]") {
  CHECK(std_sync::pin() == pin_kind::thread_hash);
  CHECK(std_sync::cpu() == std_sync::cpu());
  CHECK(std_sync::cpu() < std_sync::cpu_count());
}

#endif

TEST_CASE("cpu_count_covers_the_cpus_in_use", "[sync]") {
  CHECK(std_sync::cpu_count() >= 1);
  CHECK(std_sync::cpu_count() >= std::thread::hardware_concurrency());
}

TEST_CASE("allocated_memory_is_aligned_and_writable", "[sync]") {
  for (std::size_t alignment = 8; alignment <= 4096; alignment *= 2) {
    for (const std::size_t size : {alignment, 3 * alignment, std::size_t{100000}}) {
      auto* const memory = static_cast<unsigned char*>(std_sync::allocate(size, alignment));
      REQUIRE(memory != nullptr);
      CHECK(reinterpret_cast<std::uintptr_t>(memory) % alignment == 0);
      memory[0] = 1;
      memory[size - 1] = 1;
      std_sync::deallocate(memory, size, alignment);
    }
  }
}

// The heap has some blocks of these sizes, and the system the others.
TEST_CASE("zeroed_memory_is_zero_aligned_and_writable", "[sync]") {
  for (std::size_t alignment = 8; alignment <= 4096; alignment *= 2) {
    for (const std::size_t size : {alignment, std::size_t{16'383}, std::size_t{16'384},
                                   std::size_t{16'385}, std::size_t{100'000}}) {
      // So that a heap which gives what was freed last gives no zeros by chance.
      void* const used = std_sync::allocate(size, alignment);
      REQUIRE(used != nullptr);
      std::memset(used, 0xff, size);
      asm volatile("" : : "r"(used) : "memory");
      std_sync::deallocate(used, size, alignment);

      void* const memory = std_sync::allocate_zeroed(size, alignment);
      REQUIRE(memory != nullptr);
      auto* const bytes = static_cast<unsigned char*>(memory);
      CHECK(reinterpret_cast<std::uintptr_t>(memory) % alignment == 0);
      CHECK(std::count(bytes, bytes + size, 0) == static_cast<std::ptrdiff_t>(size));
      std::memset(memory, 0xff, size);
      std_sync::deallocate_zeroed(memory, size, alignment);
    }
  }
}

#if defined(__linux__)

TEST_CASE("zeros_that_nobody_touches_cost_no_memory_and_are_given_back", "[sync]") {
  using pool_bench::resident_pages;
  const std::size_t size = GENERATE(as<std::size_t>(), 1 << 20, 1 << 23);
  void* const memory = std_sync::allocate_zeroed(size, 128);
  REQUIRE(memory != nullptr);
  CHECK(resident_pages(memory, size) == 0);
  auto* const bytes = static_cast<volatile unsigned char*>(memory);
  bytes[0] = 1;
  bytes[size / 2] = 1;
  CHECK(resident_pages(memory, size) == 2);
  std_sync::deallocate_zeroed(memory, size, 128);
  CHECK(resident_pages(memory, size) == 0);
}

#endif

TEST_CASE("clock_goes_forward_only", "[sync]") {
  // Beside another clock, for what a busy machine takes is not known. Coarse: it may stand still
  // for some milliseconds, or for longer while nobody runs who would move it.
  const auto other_start = std::chrono::steady_clock::now();
  const auto other_passed = [=] { return std::chrono::steady_clock::now() - other_start; };
  const auto start = std_sync::now();
  auto last = start;
  bool went_back = false;
  awaited went_on("the clock went forward by 20 ms");
  while (other_passed() < 50ms || went_on.missing()) {
    const auto now = std_sync::now();
    went_back = went_back || now < last;
    went_on.happened(now - start >= 20ms);
    last = now;
  }
  CHECK_FALSE(went_back);
  went_on.check();
  CHECK(last - start < other_passed() + 20s);
}

struct some_state {
  int number = 7;
};

TEST_CASE("process_state_is_one_object", "[sync]") {
  auto& state = std_sync::process_state<some_state>();
  CHECK(state.number == 7);
  const some_state* of_other_thread = nullptr;
  std::jthread([&] { of_other_thread = &std_sync::process_state<some_state>(); }).join();
  CHECK(of_other_thread == &state);
}

TEST_CASE("mutex_locked_during_fork_is_free_in_the_child", "[sync]") {
  static std_sync::mutex guarded;
  std_sync::protect_from_fork(guarded);
  std_sync::protect_from_fork(guarded);
  // The handler that was added last is the first to run, before those that protect the mutex.
  static std::atomic<bool> forking{false};
  const auto begin = [] {
    forking = true;
    forking.notify_all();
  };
  REQUIRE(::pthread_atfork(begin, nullptr, nullptr) == 0);
  std::latch locked(1);
  std::latch forked(1);
  // Long enough for an unprotected fork to come in the middle; a protected one waits for the end.
  std::jthread holder([&] {
    {
      const std::lock_guard<std_sync::mutex> lock(guarded);
      locked.count_down();
      forking.wait(false);
      std::this_thread::sleep_for(100ms);
    }
    forked.wait();
  });
  locked.wait();
  CHECK(holds_in_child([] {
    guarded.lock();
    return true;
  }));
  forked.count_down();
  holder.join();
  guarded.lock();
  guarded.unlock();
}

TEST_CASE("rejected_argument_throws_its_message", "[sync]") {
  CHECK_THROWS_AS(poolproof::reject_argument("argument 'x' is wrong"), std::invalid_argument);
  CHECK_THROWS_WITH(poolproof::reject_argument("argument 'x' is wrong"), "argument 'x' is wrong");
}

}  // namespace

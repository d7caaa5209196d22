// SPDX-License-Identifier: MIT
// A counter for each CPU, which is found where the kernel writes its number. Which CPU that is the
// checker says: each thread has its own, or all have one, or it is any, each time.
// Mended: proved
// Told as it is: Thread T runs on CPU T modulo 2 (--check-cpus tries others).
// Broken: data race
// Verdict with -DATOMIC: proved
// Options with -DATOMIC: --check-cpus 1
// Told with -DATOMIC: All threads run on one CPU.
// Verdict with -DSAME_PLACE: data race
// Options with -DSAME_PLACE: --check-cpus 1
// Verdict with -DMOVED: assertion
// Options with -DMOVED: --check-cpus any
// Told with -DMOVED: runs on CPU
// Verdict with -DANY: proved
// Options with -DANY: --check-cpus any
// Told with -DANY: Threads run on any of two CPUs, each time that they ask.
#include <sys/rseq.h>
#include <sys/sysinfo.h>

#include <atomic>
#include <cassert>
#include <thread>

#include <sched.h>

unsigned current_cpu() {
  const auto* const area = reinterpret_cast<const volatile struct rseq*>(
      static_cast<const char*>(__builtin_thread_pointer()) + __rseq_offset);
  const auto known = static_cast<int>(area->cpu_id);
  return static_cast<unsigned>(known >= 0 ? known : ::sched_getcpu());
}

std::atomic<int> counts[2];
int plain[2] = {};

void count() {
  const unsigned cpu = current_cpu();
  assert(cpu < 2 && get_nprocs() == 2);
  counts[cpu].fetch_add(1, std::memory_order_relaxed);
#if defined BROKEN
  ++plain[0];
#elif !defined ATOMIC && !defined ANY
  ++plain[cpu];
#endif
#ifdef MOVED
  assert(current_cpu() == cpu);
#endif
}

int main() {
#ifdef MOVED
  count();
#else
  std::thread other(count);
  count();
  other.join();
#if defined ATOMIC
  unsigned cpu = 1, node = 1;
  assert(getcpu(&cpu, &node) == 0 && cpu == 0 && node == 0);
  assert(counts[0] == 2);
#elif defined ANY
  assert(counts[0] + counts[1] == 2);
#else
  assert(counts[0] == 1 && counts[1] == 1);
#endif
#endif
}

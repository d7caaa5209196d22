// SPDX-License-Identifier: MIT
// A counter for each CPU, which is found where the kernel writes its number: the checker chooses
// it.
// Mended: proved
// Broken: data race
#include <sys/rseq.h>

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
  assert(cpu < 2);
  counts[cpu].fetch_add(1, std::memory_order_relaxed);
#ifdef BROKEN
  ++plain[0];
#else
  ++plain[cpu];
#endif
}

int main() {
  std::thread other(count);
  count();
  other.join();
  assert(counts[0] == 1 && counts[1] == 1);
}

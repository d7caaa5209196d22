// SPDX-License-Identifier: MIT
// A program that misses, steals, begins cycles and drops, and prints how often: what a tracer is to
// see.
#include <poolproof/object_pool.hpp>

#include <sched.h>

#include <cstdlib>
#include <iostream>
#include <memory>

namespace {

// Moves to the first CPU that the process may use, or to the last.
void move_to(bool last) {
  static cpu_set_t all;
  static const bool known = ::sched_getaffinity(0, sizeof all, &all) == 0;
  if (!known) std::abort();
  int chosen = -1;
  for (int cpu = 0; cpu != CPU_SETSIZE; ++cpu) {
    if (CPU_ISSET(cpu, &all) && (last || chosen == -1)) chosen = cpu;
  }
  cpu_set_t one;
  CPU_ZERO(&one);
  CPU_SET(chosen, &one);
  if (::sched_setaffinity(0, sizeof one, &one) != 0) std::abort();
}

}  // namespace

int main() {
  poolproof::object_pool<int> pool([] { return std::make_unique<int>(0); },
                                   {.cycle_interval = std::nullopt, .name = "traced"});
  move_to(false);
  for (int i = 0; i != 3; ++i) static_cast<void>(pool.get());
  for (int i = 0; i != 5; ++i) pool.put(std::make_unique<int>(i));
  move_to(true);
  static_cast<void>(pool.get());
  for (int i = 0; i != 4; ++i) pool.rotate();
  const auto seen = pool.stats();
  std::cout << "miss " << seen.misses << " steal " << seen.steals << " cycle " << seen.cycles
            << " drop " << seen.cycle_destroyed << '\n';
}

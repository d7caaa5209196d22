// SPDX-License-Identifier: MIT
// A thread that stays where it is, so that what it puts it finds.
#pragma once

#if defined(__linux__)
#include <poolproof/sync.hpp>

#include <sched.h>

#include "catch.hpp"
#endif

namespace poolproof::test {

// While this exists the calling thread stays on one CPU, the one where it is or another, and the
// pools know; on systems other than Linux it goes where it is sent.
class [[maybe_unused]] stays_on_cpu {
#if defined(__linux__)
 public:
  explicit stays_on_cpu(unsigned cpu = static_cast<unsigned>(::sched_getcpu())) {
    REQUIRE(::sched_getaffinity(0, sizeof before_, &before_) == 0);
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    REQUIRE(::sched_setaffinity(0, sizeof one, &one) == 0);
    // A thread that has not been registered for rseq asks where it is once in 32 calls, and one
    // without CPU numbers never learns it.
    for (int calls = 0; calls < 32 && poolproof::std_sync::cpu() != cpu; ++calls) continue;
  }
  ~stays_on_cpu() { ::sched_setaffinity(0, sizeof before_, &before_); }
  stays_on_cpu(const stays_on_cpu&) = delete;
  stays_on_cpu& operator=(const stays_on_cpu&) = delete;

 private:
  cpu_set_t before_;
#endif
};

}  // namespace poolproof::test

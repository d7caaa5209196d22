// SPDX-License-Identifier: MIT
// For tests of sections: a thread on one CPU, shards of its own, and the steps without a section.
#pragma once

#include <poolproof/object_pool.hpp>

#if defined(POOLPROOF_HAS_RSEQ)

#include <array>
#include <cstdint>
#include <memory>
#include <vector>

#include <sched.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "catch.hpp"
#include "stays_on_cpu.hpp"

namespace poolproof::test {

// Items are the addresses of these.
inline std::array<int, 128> things;

using test_shard = shard<int>;
using test_near = near_shards<int, std_sync>;
using test_magazine = test_shard::magazine_type;

constexpr std::uint32_t capacity = test_magazine::capacity;

inline std::uint32_t this_cpu() { return static_cast<std::uint32_t>(::sched_getcpu()); }

// Shards for the CPUs up to one, whose sections begin with `near`.
class shards_up_to {
 public:
  explicit shards_up_to(std::uint32_t cpu)
      : cpu_(cpu), shards_(std::make_unique<test_shard[]>(cpu + 1)) {
    near_.show(shards_.get(), cpu + 1);
  }

  std::uint32_t cpu() const { return cpu_; }
  const test_near& reachable() const { return near_; }
  test_shard& own() { return shards_[cpu_]; }

 private:
  std::uint32_t cpu_;
  std::unique_ptr<test_shard[]> shards_;
  test_near near_;
};

// Takes an item by a section, also when it is time for a look at the clock; or null.
inline int* take_one(const test_near& near) {
  int* taken = nullptr;
  return std_sync::sections::take_some(near, &taken, 1) != 0 ? taken : nullptr;
}

// The calling thread stays on one CPU while this exists, the one where it is or another, and the
// thread's sections reach the shard of that CPU.
class on_one_cpu {
 public:
  explicit on_one_cpu(std::uint32_t cpu = this_cpu()) : stays_(cpu), shards_(cpu) {
    own().own_magazine().deepen();
  }

  std::uint32_t cpu() const { return shards_.cpu(); }
  const test_near& reachable() const { return shards_.reachable(); }
  test_shard& own() { return shards_.own(); }

  int* take() { return take_one(reachable()); }
  bool give(int* given) { return std_sync::sections::give(reachable(), given); }

 private:
  stays_on_cpu stays_;
  shards_up_to shards_;
};

// Two CPUs that the calling thread may use; none where there is only one.
inline std::vector<std::uint32_t> two_cpus() {
  cpu_set_t allowed;
  REQUIRE(::sched_getaffinity(0, sizeof allowed, &allowed) == 0);
  std::vector<std::uint32_t> found;
  for (std::uint32_t cpu = 0; cpu != CPU_SETSIZE && found.size() != 2; ++cpu) {
    if (CPU_ISSET(cpu, &allowed)) found.push_back(cpu);
  }
  if (found.size() == 2) return found;
  WARN("this process may use one CPU only");
  return {};
}

// A section that nothing interrupts, for the steps in C++.
struct plain_section {
  std::uint32_t cpu() const { return on; }
  template <class Operation>
  void commit(Operation operation) {
    operation();
  }

  std::uint32_t on;
};

// What the kernel writes the calling thread's CPU to.
inline volatile struct rseq* area() {
  return reinterpret_cast<volatile struct rseq*>(static_cast<char*>(__builtin_thread_pointer()) +
                                                 __rseq_offset);
}

// Tells the kernel to forget that area, as if the C library had not registered it.
inline bool leave_rseq() {
  constexpr unsigned registered_size = 32;
  return ::syscall(SYS_rseq, area(), registered_size, RSEQ_FLAG_UNREGISTER, RSEQ_SIG) == 0;
}

// Says so: a test that needs them has nothing to test.
inline bool no_sections_here() {
  if (!std_sync::sections::runs()) WARN("this process runs no sections");
  return !std_sync::sections::runs();
}

}  // namespace poolproof::test

#endif

// SPDX-License-Identifier: MIT
// Probes for tracers: where a program is compiled with POOLPROOF_PROBES, a miss, a steal, a cycle
// and a drop are each a USDT probe of the provider "poolproof", which bpftrace, perf and SystemTap
// can attach to while the program runs; until one does, a probe is a nop. Compiled without it,
// which is the default, there is nothing. All source files of a program are to agree on it.
//
//     miss(name, cpu)        a get has found no item, wherever it looked
//     steal(name, cpu)       a get has taken an item as a thief
//     cycle(name, number)    a cycle has begun, the number-th of its pool
//     drop(name, cause)      an item is about to be destroyed; the cause is a drop_cause
//
// `name` is the option of the pool, a string; `cpu` is the index of the shard that the get began
// with. docs/observability.md has commands to begin with.
//
// <sys/sdt.h> decides once in a source file whether probes have semaphores. So one that has probes
// of its own with semaphores, as those of `dtrace -h`, includes their header before this one.
//
// Stands on: Debian's systemtap-sdt-dev, where POOLPROOF_PROBES is defined.
#pragma once

#if !defined(POOLPROOF_PROBES)
#define POOLPROOF_PROBE(probe, first, second) static_cast<void>(0)
#elif defined(miss) || defined(steal) || defined(cycle) || defined(drop)
#error "POOLPROOF_PROBES: some header has a macro named miss, steal, cycle or drop; undefine it"
#elif __has_include(<sys/sdt.h>)
#include <sys/sdt.h>
#if defined(_SDT_HAS_SEMAPHORES)
extern "C" {
[[gnu::section(".probes"), gnu::weak,
  gnu::visibility("hidden")]] inline unsigned short poolproof_miss_semaphore,
    poolproof_steal_semaphore, poolproof_cycle_semaphore, poolproof_drop_semaphore;
}
#endif
#define POOLPROOF_PROBE(probe, first, second) STAP_PROBE2(poolproof, probe, first, second)
#else
#error "POOLPROOF_PROBES needs <sys/sdt.h>: install systemtap-sdt-dev, or do not define it"
#endif

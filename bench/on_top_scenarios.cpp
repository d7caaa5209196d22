// SPDX-License-Identifier: MIT
// What stands on top of the pool, beside what a program could use instead: buffers by size, and
// pools with a maximum. And what a pool's options cost. README.md says what the scenarios are.
//
// Stands on: Google Benchmark, harness, program, baselines/, scenarios/.
#include <benchmark/benchmark.h>

#include "baselines/bounded.hpp"
#include "baselines/buffers.hpp"
#include "baselines/pool_options.hpp"
#include "baselines/thread_local_slot.hpp"
#include "program.hpp"
#include "scenarios/bounded.hpp"
#include "scenarios/buffers.hpp"
#include "scenarios/one_option.hpp"
#include "scenarios/pool.hpp"

namespace pool_bench {

using registered = benchmark::internal::Benchmark;

// All sizes with one buffer at a time, and some with several.
void sizes(registered* each) {
  constexpr int several = buffers::several;
  each->ArgNames({"bytes", "at_once"});
  for (const int bytes : {256, 4 << 10, 64 << 10, 1 << 20, 16 << 20}) each->Args({bytes, 1});
  for (const int bytes : {256, 64 << 10, 1 << 20}) each->Args({bytes, several});
  each->Threads(1)->Threads(2);
}

// Nobody waits; nobody waits but for the mutex; most wait.
template <class Peer>
void add_bounded() {
  const auto add = [] { return add_pool<bounded, lazily<Peer>>()->ArgName("most"); };
  add()->Arg(8)->Threads(1)->Threads(2);
  add()->Arg(2)->Threads(8);
}

template <class Option>
void add_option() {
  add_pool<one_option, pool_with<Option>>()->Threads(1)->Threads(2);
}

void add_scenarios() {
  // Three times, spread over the run: every ratio goes through it.
  add<pool, bare_slot>()->Threads(1)->Repetitions(3);
  sizes(add_pool<buffers, pooled_buffers>());
  sizes(add_pool<buffers, allocated_buffers>());
  add_bounded<turns>();
  add_bounded<semaphore_mutex>();
#if ON_TOP_SCENARIOS_HAS_POCO
  add_bounded<poco_pool>();
#endif
  add_option<no_option>();
  add_option<named>();
  add_option<told_of_drops>();
  add_option<reset>();
  add_option<bounded_items>();
  add_option<with_idle>();
  add_option<bounded_bytes>();
}

}  // namespace pool_bench

int main(int argc, char** argv) {
  return pool_bench::run_all(argc, argv, pool_bench::add_scenarios);
}

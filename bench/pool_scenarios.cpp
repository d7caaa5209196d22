// SPDX-License-Identifier: MIT
// What a get and a put cost, beside what a program could use instead of a pool: every scenario with
// every peer that was found when this was built. README.md says what they are.
//
// Stands on: Google Benchmark, harness, program, baselines/, scenarios/.
#include <benchmark/benchmark.h>

#include <cstdint>
#include <thread>
#include <utility>

#include "baselines/cpu_slot_stack.hpp"
#include "baselines/mutex_vector.hpp"
#include "baselines/new_delete.hpp"
#include "baselines/poolproof.hpp"
#include "baselines/thread_local_cache.hpp"
#include "baselines/thread_local_slot.hpp"
#if POOL_SCENARIOS_HAS_MOODYCAMEL
#include "baselines/moodycamel_queue.hpp"
#endif
#if POOL_SCENARIOS_HAS_TBB
#include "baselines/tbb_queue.hpp"
#endif
#if POOL_SCENARIOS_HAS_BOOST
#include "baselines/boost_stack.hpp"
#endif
#if POOL_SCENARIOS_HAS_ATOMIC_QUEUE
#include "baselines/atomic_queue_ring.hpp"
#endif
#include "program.hpp"
#include "scenarios/after_cycle.hpp"
#include "scenarios/after_migration.hpp"
#include "scenarios/burst_16.hpp"
#include "scenarios/first_use.hpp"
#include "scenarios/low_traffic.hpp"
#include "scenarios/many_pools.hpp"
#include "scenarios/memory_over_time.hpp"
#include "scenarios/oversubscribed.hpp"
#include "scenarios/pool.hpp"
#include "scenarios/pool_expensive_new.hpp"
#include "scenarios/pool_miss.hpp"
#include "scenarios/pool_overflow.hpp"
#include "scenarios/pool_rotate.hpp"
#include "scenarios/pool_starvation.hpp"
#include "scenarios/producer_consumer.hpp"
#include "scenarios/responses.hpp"
#include "scenarios/rotate_holds.hpp"
#include "scenarios/take_turns.hpp"
#include "scenarios/thread_churn.hpp"

namespace pool_bench {

using registered = benchmark::internal::Benchmark;

template <template <class> class... Peers>
struct peers {
  template <class Scenario, class Settings>
  static void add_all(Settings settings) {
    (settings(add<Scenario, Peers>()), ...);
  }
};

// Peers whose items any thread can get, each pool with its own.
template <class Scenario, class Settings>
void add_shared(Settings settings) {
  peers<poolproof_pool, mutex_vector, cpu_slot_stack>::add_all<Scenario>(settings);
#if POOL_SCENARIOS_HAS_MOODYCAMEL
  peers<moodycamel_queue, moodycamel_tokens>::add_all<Scenario>(settings);
#endif
#if POOL_SCENARIOS_HAS_TBB
  peers<tbb_queue>::add_all<Scenario>(settings);
#endif
#if POOL_SCENARIOS_HAS_BOOST
  peers<boost_stack>::add_all<Scenario>(settings);
#endif
#if POOL_SCENARIOS_HAS_ATOMIC_QUEUE
  peers<atomic_queue_ring>::add_all<Scenario>(settings);
#endif
}

// Those, and a cache for each thread, which all pools of a process have in common.
template <class Scenario, class Settings>
void add_pools(Settings settings) {
  add_shared<Scenario>(settings);
  peers<thread_local_cache>::add_all<Scenario>(settings);
}

// Those, and the allocator, which keeps nothing.
template <class Scenario, class Settings>
void add_everything(Settings settings) {
  add_pools<Scenario>(settings);
  peers<new_delete>::add_all<Scenario>(settings);
}

// 1, 2, .. up to twice the number of CPUs.
void scaling(registered* each) {
  const int most = 2 * static_cast<int>(std::thread::hardware_concurrency());
  each->ThreadRange(1, most);
}

template <std::uint32_t... Shards>
void add_misses() {
  (peers<simulated<Shards>::template pool>::template add_all<pool_miss>(
       [](registered* each) { each->ArgName("shards")->Arg(Shards); }),
   ...);
}

template <class Scenario>
void add_responses() {
  peers<poolproof_pool, thread_local_cache, new_delete, mutex_vector,
        cpu_slot_stack>::add_all<Scenario>([](registered* each) {
    each->ArgName("bytes")->Arg(512)->Arg(4096);
    each->Threads(Scenario::threads)->Iterations(Scenario::turns);
  });
}

void add_scenarios() {
  const auto alone_and_two = [](registered* each) { each->Threads(1)->Threads(2); };
  const auto alone = [](registered* each) { each->Threads(1); };
  const auto two = [](registered* each) { each->Threads(2); };
  const auto once = [](registered* each) { each->Iterations(1); };

  // Three times, spread over the run: every ratio goes through it.
  peers<bare_slot>::add_all<pool>([](registered* each) {
    scaling(each);
    each->Repetitions(3);
  });
  peers<checked_slot, two_exchanges>::add_all<pool>(scaling);
  add_everything<pool>(scaling);
  add_everything<pool_borrow>(scaling);
  add_everything<burst_16>(scaling);
  add_everything<burst_16_borrow>(alone);
  add_everything<pool_overflow>(scaling);
  add_everything<pool_overflow_1000>(alone_and_two);
  add_everything<pool_overflow_10000>(alone);
  add_everything<after_cycle>(alone);
  peers<poolproof_pool, own_vector, mutex_vector, cpu_slot_stack>::add_all<many_pools>(alone);
  add_shared<take_turns>(two);
  add_shared<after_migration>(alone_and_two);
  add_pools<pool_starvation>(alone_and_two);
  add_everything<producer_consumer>(two);
  add_everything<oversubscribed>(
      [](registered* each) { each->Threads(2)->Threads(64)->Threads(256)->Iterations(1); });
  peers<poolproof_pool>::add_all<oversubscribed_in_use>(
      [](registered* each) { each->Threads(64)->Iterations(1); });
  add_everything<thread_churn>(once);
  add_shared<first_use>(alone);
  add_everything<pool_expensive_new>(alone_and_two);
  // Fewer items make shorter cycles, of which more are needed to meet the users.
  for (const auto& [items, times] : {std::pair(1'000, 100), {100'000, 10}, {1'000'000, 3}}) {
    const auto crowds = [items = items, times = times](registered* each) {
      each->ArgName("items")->Arg(items)->Iterations(times);
    };
    peers<poolproof_pool>::add_all<pool_rotate>(crowds);
    peers<pool_with_timed_holds>::add_all<rotate_holds>(crowds);
  }
  add_misses<2, 8, 64, 512>();
  add_responses<zstd_responses>();
  add_responses<zlib_responses>();
  peers<poolproof_pool, thread_local_cache, mutex_vector, new_delete>::add_all<memory_over_time>(
      once);
  peers<pool_with_short_cycles>::add_all<low_traffic>(once);
}

}  // namespace pool_bench

int main(int argc, char** argv) {
  return pool_bench::run_all(argc, argv, pool_bench::add_scenarios);
}

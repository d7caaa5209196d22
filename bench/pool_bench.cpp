// What a get and a put cost, beside what a program could use instead of a pool.
//
// The first family (pool, pool_borrow and the baselines) takes one item and gives it back, on a
// hit: nothing is constructed, nothing is stolen. Its numbers are compared as ratios to bare_slot.
// The others are the scenarios of Go's own benchmark of sync.Pool. README.md says what an iteration
// is.
//
// Stands on: Google Benchmark and <poolproof/object_pool.hpp>.
#include <benchmark/benchmark.h>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <latch>
#include <memory>
#include <mutex>
#include <optional>
#include <poolproof/object_pool.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace pool_bench {

using namespace std::chrono_literals;

// A cache line of data, as trivial to construct and to destroy as an object can be: what is
// measured is the way to it.
struct object {
  std::array<std::uint64_t, 8> words;
};

using item = std::unique_ptr<object>;
using pool_type = poolproof::object_pool<object>;

// Stands for the use of an item, the same in every benchmark: the compiler must have its address,
// must have written all memory before, and knows nothing of memory afterwards.
inline void use(object* const pointer) {
  benchmark::DoNotOptimize(pointer);
  benchmark::ClobberMemory();
}

// How far a statistic of the pool moved during the timed loop, per iteration. Thread 0 reports it
// for all threads: they start and end the loop together.
class per_iteration {
 public:
  per_iteration(benchmark::State& state, const pool_type& pool,
                std::uint64_t poolproof::pool_stats::*field)
      : state_(state), pool_(pool), field_(field), start_(pool.stats().*field) {}

  void report(const char* name) const {
    if (state_.thread_index() != 0) return;
    const auto moved = static_cast<double>(pool_.stats().*field_ - start_);
    state_.counters[name] = benchmark::Counter(moved, benchmark::Counter::kAvgIterations);
  }

 private:
  benchmark::State& state_;
  const pool_type& pool_;
  std::uint64_t poolproof::pool_stats::*field_;
  std::uint64_t start_;
};

// One and two threads. Wall time, because two threads share the work of an iteration.
void threads_1_and_2(benchmark::internal::Benchmark* registered) {
  registered->Threads(1)->Threads(2)->UseRealTime();
}

// The hit family. Calls are counted as items: a get and a put.

void count_hit_calls(benchmark::State& state) { state.SetItemsProcessed(2 * state.iterations()); }

void pool(benchmark::State& state) {
  static pool_type shared;
  shared.put(shared.get());
  const per_iteration constructed(state, shared, &poolproof::pool_stats::constructions);
  for (auto _ : state) {
    item mine = shared.get();
    use(mine.get());
    shared.put(std::move(mine));
    benchmark::ClobberMemory();
  }
  count_hit_calls(state);
  constructed.report("constructed");
}
BENCHMARK(pool)->Apply(threads_1_and_2);

// The same through a handle, which also keeps track of a pool that dies first.
void pool_borrow(benchmark::State& state) {
  static pool_type shared;
  shared.put(shared.get());
  const per_iteration constructed(state, shared, &poolproof::pool_stats::constructions);
  for (auto _ : state) {
    const auto mine = shared.borrow();
    use(mine.get());
  }
  count_hit_calls(state);
  constructed.report("constructed");
}
BENCHMARK(pool_borrow)->Apply(threads_1_and_2);

// The baseline of all ratios, and the least that keeping an item can cost: load, store null, store
// back, on memory that no other thread can see. It cannot miss, share, steal or give memory back.
// External linkage keeps the guards honest: the compiler cannot know that they leave it alone.
constinit thread_local object* slot = nullptr;

void bare_slot(benchmark::State& state) {
  const item owner = std::make_unique<object>();
  slot = owner.get();
  for (auto _ : state) {
    object* const mine = slot;
    slot = nullptr;
    use(mine);
    slot = mine;
    benchmark::ClobberMemory();
  }
  slot = nullptr;
  count_hit_calls(state);
}
BENCHMARK(bare_slot)->Apply(threads_1_and_2);

// The same slot as a program would write it: it looks whether it got an item, and makes one if not.
void checked_slot(benchmark::State& state) {
  const item owner = std::make_unique<object>();
  slot = owner.get();
  for (auto _ : state) {
    object* mine = slot;
    slot = nullptr;
    if (!mine) [[unlikely]]
      mine = new object;
    use(mine);
    slot = mine;
    benchmark::ClobberMemory();
  }
  slot = nullptr;
  count_hit_calls(state);
}
BENCHMARK(checked_slot)->Apply(threads_1_and_2);

// What the portable pin cannot go below: one atomic exchange to take and one to give, on a cache
// line that only this thread touches.
constinit thread_local std::atomic<object*> exchanged_slot{nullptr};

void two_exchanges(benchmark::State& state) {
  const item owner = std::make_unique<object>();
  exchanged_slot.store(owner.get(), std::memory_order_relaxed);
  for (auto _ : state) {
    object* const mine = exchanged_slot.exchange(nullptr, std::memory_order_acquire);
    use(mine);
    exchanged_slot.exchange(mine, std::memory_order_acq_rel);
    benchmark::ClobberMemory();
  }
  exchanged_slot.store(nullptr, std::memory_order_relaxed);
  count_hit_calls(state);
}
BENCHMARK(two_exchanges)->Apply(threads_1_and_2);

// No pool: the allocator, which for this object is all that construction costs.
void new_delete(benchmark::State& state) {
  for (auto _ : state) {
    object* const mine = new object;
    use(mine);
    delete mine;
    benchmark::ClobberMemory();
  }
  count_hit_calls(state);
}
BENCHMARK(new_delete)->Apply(threads_1_and_2);

// The pool that everybody writes first.
class mutex_vector_pool {
 public:
  item get() {
    {
      const std::lock_guard lock(mutex_);
      if (!items_.empty()) {
        item taken = std::move(items_.back());
        items_.pop_back();
        return taken;
      }
    }
    return std::make_unique<object>();
  }

  void put(item returned) {
    const std::lock_guard lock(mutex_);
    items_.push_back(std::move(returned));
  }

 private:
  std::mutex mutex_;
  std::vector<item> items_;
};

void mutex_vector(benchmark::State& state) {
  static mutex_vector_pool shared;
  shared.put(shared.get());
  for (auto _ : state) {
    item mine = shared.get();
    use(mine.get());
    shared.put(std::move(mine));
    benchmark::ClobberMemory();
  }
  count_hit_calls(state);
}
BENCHMARK(mutex_vector)->Apply(threads_1_and_2);

// Go's scenarios.

constexpr std::size_t batch = 100;

// 100 puts, then 100 gets: all but one of each go through the ring.
void pool_overflow(benchmark::State& state) {
  static pool_type shared;
  std::vector<item> mine(batch);
  for (item& each : mine) each = std::make_unique<object>();
  const per_iteration constructed(state, shared, &poolproof::pool_stats::constructions);
  for (auto _ : state) {
    for (item& each : mine) shared.put(std::move(each));
    for (item& each : mine) each = shared.get();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(2 * batch) * state.iterations());
  constructed.report("constructed");
}
BENCHMARK(pool_overflow)->Apply(threads_1_and_2);

// A third fewer puts than gets, so that threads look for items elsewhere. try_get, because Go's
// scenario has no factory. The items are conserved: a thread that stole holds more for a while, and
// one that was stolen from has fewer to put.
void pool_starvation(benchmark::State& state) {
  static pool_type shared;
  constexpr std::size_t starved = batch - batch / 3;
  std::vector<item> mine(starved);
  for (item& each : mine) each = std::make_unique<object>();
  const per_iteration steals(state, shared, &poolproof::pool_stats::steals);
  std::int64_t calls = 0;
  for (auto _ : state) {
    const std::size_t puts = std::min(starved, mine.size());
    for (std::size_t i = 0; i < puts; ++i) {
      shared.put(std::move(mine.back()));
      mine.pop_back();
    }
    for (std::size_t i = 0; i < batch; ++i)
      if (item got = shared.try_get()) mine.push_back(std::move(got));
    calls += static_cast<std::int64_t>(puts + batch);
  }
  shared.rotate();
  shared.rotate();
  state.SetItemsProcessed(calls);
  steals.report("steals");
}
BENCHMARK(pool_starvation)->Apply(threads_1_and_2);

// A factory of one millisecond, 100 items out at once, and a cycle after every 16 of thread 0's
// iterations: how many constructions the victim saves. The pool's own cycles are off, so that their
// number does not depend on how long an iteration takes.
void pool_expensive_new(benchmark::State& state) {
  static pool_type shared(
      [] {
        std::this_thread::sleep_for(1ms);
        return std::make_unique<object>();
      },
      poolproof::pool_options{.cycle_interval = std::nullopt});
  std::vector<item> mine(batch);
  for (item& each : mine) each = shared.get();
  for (item& each : mine) shared.put(std::move(each));
  const per_iteration constructed(state, shared, &poolproof::pool_stats::constructions);
  std::uint64_t iteration = 0;
  for (auto _ : state) {
    for (item& each : mine) each = shared.get();
    for (item& each : mine) shared.put(std::move(each));
    if (state.thread_index() == 0 && ++iteration % 16 == 0) shared.rotate();
  }
  state.SetItemsProcessed(static_cast<std::int64_t>(2 * batch) * state.iterations());
  constructed.report("constructed");
}
BENCHMARK(pool_expensive_new)->Apply(threads_1_and_2);

// How long one cycle takes (Go measures its pause). Only rotate() is timed.

constexpr std::size_t crowd = 100'000;
constexpr int rotations = 40;

double seconds_to_rotate(pool_type& pool) {
  const auto start = std::chrono::steady_clock::now();
  pool.rotate();
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

void report_percentiles(benchmark::State& state, std::vector<double> seconds) {
  std::sort(seconds.begin(), seconds.end());
  state.counters["p50_ns"] = 1e9 * seconds[seconds.size() / 2];
  state.counters["p95_ns"] = 1e9 * seconds[seconds.size() * 95 / 100];
}

enum class cycle { retires, destroys };

// 100,000 puts, then two cycles: the first retires the items to the victim, the second destroys
// them.
void pool_rotate(benchmark::State& state, cycle timed) {
  pool_type pool([] { return std::make_unique<object>(); },
                 poolproof::pool_options{.cycle_interval = std::nullopt});
  std::vector<double> seconds;
  for (auto _ : state) {
    for (std::size_t i = 0; i < crowd; ++i) pool.put(std::make_unique<object>());
    const double first = seconds_to_rotate(pool);
    const double second = seconds_to_rotate(pool);
    seconds.push_back(timed == cycle::retires ? first : second);
    state.SetIterationTime(seconds.back());
  }
  report_percentiles(state, std::move(seconds));
}
BENCHMARK_CAPTURE(pool_rotate, retires, cycle::retires)->Iterations(rotations)->UseManualTime();
BENCHMARK_CAPTURE(pool_rotate, destroys, cycle::destroys)->Iterations(rotations)->UseManualTime();

// What this program knows of its own build, for the runner to record.

constexpr const char* compiler =
#if defined(__clang__)
    "clang++ " __clang_version__;
#else
    "g++ " __VERSION__;
#endif

constexpr const char* optimized =
#if defined(__OPTIMIZE__)
    "yes";
#else
    "no";
#endif

std::string pin_name(poolproof::pin_kind pin) {
  switch (pin) {
    case poolproof::pin_kind::rseq:
      return "rseq";
    case poolproof::pin_kind::rseq_cpu_id:
      return "rseq_cpu_id";
    case poolproof::pin_kind::sched_getcpu:
      return "sched_getcpu";
    case poolproof::pin_kind::thread_hash:
      return "thread_hash";
    case poolproof::pin_kind::model:
      break;
  }
  return "unknown";
}

void describe_build() {
  benchmark::AddCustomContext("compiler", compiler);
  benchmark::AddCustomContext("optimized", optimized);
  benchmark::AddCustomContext("pin", pin_name(poolproof::std_sync::pin()));
}

}  // namespace pool_bench

// glibc leaves out the locked instructions of a mutex, and some of malloc's, while a process has
// one thread. Programs with a pool have more: a second thread waits through the whole run.
int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  pool_bench::describe_build();
  std::latch finished{1};
  const std::jthread second_thread([&finished] { finished.wait(); });
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  finished.count_down();
  return 0;
}

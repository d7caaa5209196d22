// What a get and a put on a hit cost with each candidate for the pin, in one program, beside what
// bounds them from below and what ships today. README.md has the numbers.
//
// Stands on: Google Benchmark, <poolproof/object_pool.hpp>, rseq_pin.
#include "rseq_pin.hpp"

#include <benchmark/benchmark.h>

#include <array>
#include <atomic>
#include <cstdint>
#include <latch>
#include <memory>
#include <poolproof/object_pool.hpp>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include <sys/auxv.h>

namespace rseq_prototype {

struct object {
  std::array<std::uint64_t, 8> words;
};
using item = std::unique_ptr<object>;

inline void use(object* const pointer) {
  benchmark::DoNotOptimize(pointer);
  benchmark::ClobberMemory();
}

// What every 256th operation does in the real pool; here it must only not be inlined.
[[gnu::noinline]] void look_at_clock() { benchmark::ClobberMemory(); }

constexpr std::uint64_t tick_period = 256;

bool tick(std::atomic<std::uint64_t>& operations) {
  const std::uint64_t count = operations.load(std::memory_order_relaxed) + 1;
  operations.store(count, std::memory_order_relaxed);
  return count % tick_period == 0;
}

// The table of today's pool: the size, then the array.
template <class Shard>
struct table {
  explicit table(std::uint32_t size) : size_(size), array_(new Shard[size]) {}
  std::uint32_t size() const { return size_.load(std::memory_order_acquire); }
  Shard* array() const { return array_.load(std::memory_order_acquire); }

  std::atomic<std::uint32_t> size_;
  std::atomic<Shard*> array_;
};

enum class clear : bool { no, yes };
enum class counting { none, separate, fused };

// c. One section per operation, which ends in one committing store of the count.
template <clear Clear, counting Counting>
class magazine_core {
 public:
  object* get() noexcept {
    const std::uint32_t size = shards_.size();
    auto* const array = shards_.array();
    if constexpr (Counting == counting::fused) {
      std::uint64_t operations;
      object* const taken = take_counted(array, size, operations);
      if (taken == nullptr) [[unlikely]]
        return nullptr;
      if constexpr (Clear == clear::yes) forget_section();
      if (operations % tick_period == 0) [[unlikely]]
        look_at_clock();
      return taken;
    } else {
      magazine_shard<object>* own;
      object* const taken = take(array, size, own);
      if (taken == nullptr) [[unlikely]]
        return nullptr;
      if constexpr (Clear == clear::yes) forget_section();
      if constexpr (Counting == counting::separate)
        if (tick(own->operations)) [[unlikely]]
          look_at_clock();
      return taken;
    }
  }

  void put(object* given) noexcept {
    bool given_here;
    if constexpr (Counting == counting::fused) {
      given_here = give_counted(shards_.array(), shards_.size(), given);
    } else {
      given_here = give(shards_.array(), shards_.size(), given);
    }
    if (!given_here) [[unlikely]] {
      put_slow(given);
      return;
    }
    if constexpr (Clear == clear::yes) forget_section();
  }

 private:
  [[gnu::noinline]] void put_slow(object* given) noexcept { delete given; }

  table<magazine_shard<object>> shards_{2};
};

// d. The owner word: claimed in a section, then the slot is the thread's own until a plain store.
class owned_core {
 public:
  object* get() noexcept {
    auto* const own = claim(shards_.array(), shards_.size());
    if (own == nullptr) [[unlikely]]
      return nullptr;
    forget_section();
    object* const taken = std::exchange(own->slot, nullptr);
    own->owner.store(0, std::memory_order_release);
    if (taken != nullptr && tick(own->operations)) [[unlikely]]
      look_at_clock();
    return taken;
  }

  void put(object* given) noexcept {
    auto* const own = claim(shards_.array(), shards_.size());
    if (own == nullptr) [[unlikely]] {
      put_slow(given);
      return;
    }
    forget_section();
    object* const displaced = std::exchange(own->slot, given);
    own->owner.store(0, std::memory_order_release);
    if (displaced != nullptr) [[unlikely]]
      put_slow(displaced);
  }

 private:
  [[gnu::noinline]] void put_slow(object* given) noexcept { delete given; }

  table<owned_shard<object>> shards_{2};
};

// e. A front slot per thread and pool, with an asymmetric fence: the owner says that it is inside,
// and the compiler keeps the order; who revokes the slot sets `revoked`, runs a membarrier, and
// waits until the owner is not inside.
class front_core {
 public:
  object* get() noexcept {
    front& own = fronts[id_];
    if (own.core != this) [[unlikely]]
      return get_slow(own);
    own.inside.store(1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    object* taken = nullptr;
    if (own.revoked.load(std::memory_order_relaxed) == 0) [[likely]]
      taken = std::exchange(own.slot, nullptr);
    own.inside.store(0, std::memory_order_release);
    if (taken != nullptr && tick(own.operations)) [[unlikely]]
      look_at_clock();
    return taken;
  }

  void put(object* given) noexcept {
    front& own = fronts[id_];
    if (own.core != this) [[unlikely]] {
      delete given;
      return;
    }
    own.inside.store(1, std::memory_order_relaxed);
    std::atomic_signal_fence(std::memory_order_seq_cst);
    object* displaced = given;
    if (own.revoked.load(std::memory_order_relaxed) == 0) [[likely]]
      displaced = std::exchange(own.slot, given);
    own.inside.store(0, std::memory_order_release);
    if (displaced != nullptr) [[unlikely]]
      put_slow(displaced);
  }

 private:
  struct alignas(64) front {
    front_core* core = nullptr;
    std::atomic<std::uint32_t> inside{0};
    std::atomic<std::uint32_t> revoked{0};
    object* slot = nullptr;
    std::atomic<std::uint64_t> operations{0};
  };

  [[gnu::noinline]] object* get_slow(front& own) noexcept {
    own.core = this;
    return nullptr;
  }
  [[gnu::noinline]] void put_slow(object* given) noexcept { delete given; }

  static constinit thread_local std::array<front, 16> fronts;
  std::uint32_t id_ = 3;
};
constinit thread_local std::array<front_core::front, 16> front_core::fronts{};

// object_pool's shape about a core: the pointer to it, the factory, unique_ptr in and out.
template <class Core>
class pool_of {
 public:
  [[nodiscard]] item get() {
    Core* const inner = find_core();
    if (item pooled = item(inner != nullptr ? inner->get() : nullptr)) [[likely]]
      return pooled;
    return construct();
  }

  void put(item given) noexcept {
    if (given == nullptr) return;
    if (Core* const inner = find_core()) [[likely]]
      inner->put(given.release());
  }

  std::uint64_t constructions() const { return constructions_; }

 private:
  Core* find_core() noexcept {
    Core* const inner = core_.load(std::memory_order_acquire);
    return inner != nullptr ? inner : first_use();
  }
  [[gnu::noinline]] Core* first_use() noexcept {
    core_.store(new Core, std::memory_order_release);
    return core_.load(std::memory_order_relaxed);
  }
  [[gnu::noinline]] item construct() {
    ++constructions_;
    return std::make_unique<object>();
  }

  std::atomic<Core*> core_{nullptr};
  std::uint64_t constructions_ = 0;
};

using magazine_pool = pool_of<magazine_core<clear::yes, counting::separate>>;
using magazine_pool_uncleared = pool_of<magazine_core<clear::no, counting::separate>>;
using magazine_pool_uncounted = pool_of<magazine_core<clear::yes, counting::none>>;
using magazine_pool_fused = pool_of<magazine_core<clear::yes, counting::fused>>;
using magazine_pool_fused_uncleared = pool_of<magazine_core<clear::no, counting::fused>>;
using owned_pool = pool_of<owned_core>;
using front_pool = pool_of<front_core>;
using shipped_pool = poolproof::object_pool<object>;

// How many items a pool had to make, for the candidates and for the library's own.
template <class Pool>
std::uint64_t constructed(const Pool& pool) {
  if constexpr (requires { pool.constructions(); }) {
    return pool.constructions();
  } else {
    return pool.stats().constructions;
  }
}

template <class Pool>
void hit(benchmark::State& state) {
  static Pool shared;
  shared.put(shared.get());
  const std::uint64_t before = constructed(shared);
  for (auto _ : state) {
    item mine = shared.get();
    use(mine.get());
    shared.put(std::move(mine));
    benchmark::ClobberMemory();
  }
  state.counters["constructed"] = static_cast<double>(constructed(shared) - before);
}
BENCHMARK(hit<shipped_pool>);
BENCHMARK(hit<magazine_pool>);
BENCHMARK(hit<magazine_pool_uncleared>);
BENCHMARK(hit<magazine_pool_uncounted>);
BENCHMARK(hit<magazine_pool_fused>);
BENCHMARK(hit<magazine_pool_fused_uncleared>);
BENCHMARK(hit<owned_pool>);
BENCHMARK(hit<front_pool>);

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
}
BENCHMARK(bare_slot);

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
}
BENCHMARK(checked_slot);

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
}
BENCHMARK(two_exchanges);

void new_delete(benchmark::State& state) {
  for (auto _ : state) {
    object* const mine = new object;
    use(mine);
    delete mine;
    benchmark::ClobberMemory();
  }
}
BENCHMARK(new_delete);

// 16 gets, then 16 puts.

constexpr std::size_t burst = 16;

template <class Pool>
void burst_16(benchmark::State& state) {
  static Pool shared;
  std::array<item, burst> mine;
  for (item& each : mine) each = std::make_unique<object>();
  for (item& each : mine) shared.put(std::move(each));
  const std::uint64_t before = constructed(shared);
  for (auto _ : state) {
    for (item& each : mine) {
      each = shared.get();
      use(each.get());
    }
    for (item& each : mine) shared.put(std::move(each));
    benchmark::ClobberMemory();
  }
  state.counters["constructed"] = static_cast<double>(constructed(shared) - before);
}
BENCHMARK(burst_16<shipped_pool>);
BENCHMARK(burst_16<magazine_pool>);
BENCHMARK(burst_16<magazine_pool_fused>);

// As a program would write it: a vector of the thread's own.
class vector_pool {
 public:
  item get() {
    if (items.empty()) [[unlikely]]
      return std::make_unique<object>();
    item taken = std::move(items.back());
    items.pop_back();
    return taken;
  }
  void put(item given) { items.push_back(std::move(given)); }
  std::uint64_t constructions() const { return 0; }

 private:
  static thread_local std::vector<item> items;
};
thread_local std::vector<item> vector_pool::items;
BENCHMARK(burst_16<vector_pool>);

void burst_16_new_delete(benchmark::State& state) {
  std::array<item, burst> mine;
  for (auto _ : state) {
    for (item& each : mine) {
      each = item(new object);
      use(each.get());
    }
    for (item& each : mine) each.reset();
    benchmark::ClobberMemory();
  }
}
BENCHMARK(burst_16_new_delete);

// A system call that interrupts the CPUs which run this process; with a second thread that spins,
// there is one to interrupt.
void membarrier_costs(benchmark::State& state, int command, bool busy) {
  std::atomic<bool> stop{false};
  std::jthread spinner;
  if (busy)
    spinner = std::jthread([&] {
      while (!stop.load(std::memory_order_relaxed)) {
      }
    });
  for (auto _ : state) {
    if (membarrier(command) != 0) {
      state.SkipWithError("membarrier refused");
      break;
    }
  }
  stop = true;
}
BENCHMARK_CAPTURE(membarrier_costs, private_alone, MEMBARRIER_CMD_PRIVATE_EXPEDITED, false);
BENCHMARK_CAPTURE(membarrier_costs, private_busy, MEMBARRIER_CMD_PRIVATE_EXPEDITED, true);
BENCHMARK_CAPTURE(membarrier_costs, rseq_alone, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, false);
BENCHMARK_CAPTURE(membarrier_costs, rseq_busy, MEMBARRIER_CMD_PRIVATE_EXPEDITED_RSEQ, true);

// For the disassembly: one get and one put, nothing else. Not called.
extern "C" [[gnu::noinline, gnu::used]] void hit_path(magazine_pool_fused& pool) {
  item mine = pool.get();
  use(mine.get());
  pool.put(std::move(mine));
}
extern "C" [[gnu::noinline, gnu::used]] void hit_path_separate(magazine_pool& pool) {
  item mine = pool.get();
  use(mine.get());
  pool.put(std::move(mine));
}

void describe() {
#if defined(__clang__)
  benchmark::AddCustomContext("compiler", "clang++ " __clang_version__);
#else
  benchmark::AddCustomContext("compiler", "g++ " __VERSION__);
#endif
  benchmark::AddCustomContext("rseq_size", std::to_string(__rseq_size));
  benchmark::AddCustomContext("rseq_cpu_id",
                              std::to_string(static_cast<std::int32_t>(current_cpu())));
  benchmark::AddCustomContext("AT_RSEQ_FEATURE_SIZE",
                              std::to_string(::getauxval(AT_RSEQ_FEATURE_SIZE)));
  benchmark::AddCustomContext("AT_RSEQ_ALIGN", std::to_string(::getauxval(AT_RSEQ_ALIGN)));
  benchmark::AddCustomContext("membarrier_commands",
                              std::to_string(membarrier(MEMBARRIER_CMD_QUERY)));
}

}  // namespace rseq_prototype

// A second thread sleeps through the run: glibc saves locked instructions in a process with one.
int main(int argc, char** argv) {
  benchmark::Initialize(&argc, argv);
  if (benchmark::ReportUnrecognizedArguments(argc, argv)) return 1;
  rseq_prototype::membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED);
  rseq_prototype::membarrier(MEMBARRIER_CMD_REGISTER_PRIVATE_EXPEDITED_RSEQ);
  rseq_prototype::describe();
  std::latch finished{1};
  const std::jthread second_thread([&finished] { finished.wait(); });
  benchmark::RunSpecifiedBenchmarks();
  benchmark::Shutdown();
  finished.count_down();
  return 0;
}

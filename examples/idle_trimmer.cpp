// A program that stops calling its pools keeps what they hold: their automatic cycles run inside
// calls, and nobody calls. A trimmer is a thread that runs them then.
//
// First a burst of work fills a pool. Then the program idles for longer than the pool's own cycle
// interval, and nothing is given back. Then there is a trimmer: two intervals later the pool is
// empty, and so is every other pool of the process that was left idle.
#include <array>
#include <chrono>
#include <cstddef>
#include <cstdlib>
#include <iostream>
#include <memory>
#include <poolproof/object_pool.hpp>
#include <poolproof/trimmer.hpp>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace {

using namespace std::chrono_literals;
using monotonic_clock = std::chrono::steady_clock;

constexpr std::chrono::milliseconds interval = 100ms;  // a real program would say a minute
constexpr std::chrono::milliseconds silence = 3 * interval;
constexpr int burst_threads = 4;
constexpr int buffers_per_thread = 16;

using buffer = std::array<std::byte, 64 * 1024>;
using buffer_pool = poolproof::object_pool<buffer>;

// All buffers of a thread are out at the same time, so that the pool ends up holding many.
void work_in_a_burst(buffer_pool& pool) {
  std::vector<std::jthread> threads;
  for (int i = 0; i < burst_threads; ++i) {
    threads.emplace_back([&pool] {
      std::vector<std::unique_ptr<buffer>> in_use;
      for (int j = 0; j < buffers_per_thread; ++j) in_use.push_back(pool.get());
      for (auto& item : in_use) pool.put(std::move(item));
    });
  }
}

void report(std::string_view moment, const buffer_pool& pool) {
  const auto retained = pool.stats().retained;
  std::cout << moment << ": the pool holds " << retained << " buffers, "
            << retained * sizeof(buffer) / 1024 << " KiB\n";
}

bool becomes_empty(const buffer_pool& pool, monotonic_clock::duration patience) {
  const auto deadline = monotonic_clock::now() + patience;
  while (pool.stats().retained != 0 && monotonic_clock::now() < deadline)
    std::this_thread::sleep_for(5ms);
  return pool.stats().retained == 0;
}

}  // namespace

int main() {
  buffer_pool pool([] { return std::make_unique<buffer>(); },
                   poolproof::pool_options{.cycle_interval = interval});
  work_in_a_burst(pool);
  report("after a burst of work", pool);

  std::this_thread::sleep_for(silence);
  report("after " + std::to_string(silence.count()) + " ms of silence", pool);

  const auto start = monotonic_clock::now();
  // The whole of it. Without options the thread looks once a second.
  const poolproof::trimmer trimmer(poolproof::trimmer_options{.look_interval = interval / 10});
  if (!becomes_empty(pool, 30s)) {
    std::cerr << "idle_trimmer: the trimmer did not empty the pool within 30 s\n";
    return EXIT_FAILURE;
  }
  const auto taken =
      std::chrono::duration_cast<std::chrono::milliseconds>(monotonic_clock::now() - start);
  report("with a trimmer, " + std::to_string(taken.count()) + " ms on", pool);
  return EXIT_SUCCESS;
}

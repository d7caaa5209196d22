// SPDX-License-Identifier: MIT
// How long single calls take in the patterns of which a mean tells little: no harness, nothing but
// this file and the library. Prints a line for each number.
//
//     patterns turns        two CPUs get and put one item in turns, and a mutex and a vector beside
//     patterns migration    a thread puts an item, moves to another CPU and gets it there
//     patterns cycles       a million items, automatic cycles: the longest call, and as many frees
//     patterns low_traffic  20,000 items, then a call each half interval: 1,000 times
//
// measure_loops.py compiles and runs it, with glibc's allocator.
#include <poolproof/object_pool.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sched.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

using clock_type = std::chrono::steady_clock;
using namespace std::chrono_literals;

std::atomic<std::size_t> ended{0};

// 64 bytes of data. It counts how many have ended: so a call knows how many it has destroyed.
struct buffer {
  std::array<unsigned char, 64> bytes{};
  buffer() = default;
  buffer(const buffer&) = delete;
  buffer& operator=(const buffer&) = delete;
  ~buffer() { ended.store(ended.load(std::memory_order_relaxed) + 1, std::memory_order_relaxed); }
};
using item = std::unique_ptr<buffer>;

class mutex_vector {
 public:
  item get() {
    const std::lock_guard guard(mutex_);
    if (items_.empty()) return std::make_unique<buffer>();
    item found = std::move(items_.back());
    items_.pop_back();
    return found;
  }
  void put(item given) {
    const std::lock_guard guard(mutex_);
    items_.push_back(std::move(given));
  }

 private:
  std::mutex mutex_;
  std::vector<item> items_;
};

double microseconds(clock_type::duration took) {
  return std::chrono::duration<double, std::micro>(took).count();
}

// The thread's own: what other programs do meanwhile is not in it.
double thread_microseconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) * 1e6 + static_cast<double>(now.tv_nsec) * 1e-3;
}

double middle(std::vector<double> of, double part = 0.5) {
  const auto at = of.begin() + static_cast<std::ptrdiff_t>(static_cast<double>(of.size()) * part);
  std::nth_element(of.begin(), at, of.end());
  return *at;
}

void move_to(int cpu) {
  cpu_set_t only;
  CPU_ZERO(&only);
  CPU_SET(static_cast<std::size_t>(cpu), &only);
  ::sched_setaffinity(0, sizeof only, &only);
}

// --- Two CPUs take turns -------------------------------------------------------------------------

template <class Pool>
double take_turns(int pairs) {
  Pool pool;
  pool.put(std::make_unique<buffer>());
  std::atomic<int> turn{0};
  std::vector<double> times;
  const auto run = [&](int me) {
    move_to(me);
    for (int i = 0; i != pairs; ++i) {
      for (int looks = 0; turn.load(std::memory_order_acquire) != me; ++looks) {
        if (looks > 1000) std::this_thread::yield();
      }
      const clock_type::time_point begin = clock_type::now();
      item mine = pool.get();
      mine->bytes[0] = static_cast<unsigned char>(me);
      pool.put(std::move(mine));
      if (me == 0) times.push_back(microseconds(clock_type::now() - begin));
      turn.store(1 - me, std::memory_order_release);
    }
  };
  std::thread other(run, 1);
  std::thread(run, 0).join();
  other.join();
  return middle(times);
}

void turns() {
  std::vector<double> pool;
  std::vector<double> peer;
  for (int round = 0; round != 9; ++round) {
    pool.push_back(take_turns<poolproof::object_pool<buffer>>(500));
    peer.push_back(take_turns<mutex_vector>(500));
  }
  std::printf("turns_us %.4f\nturns_mutex_us %.4f\n", middle(pool), middle(peer));
}

// --- A get on another CPU ------------------------------------------------------------------------

void restart_sections() {
  constexpr int membarrier_private_expedited_rseq = 1 << 7;
  ::syscall(SYS_membarrier, membarrier_private_expedited_rseq, 0, 0);
}

// The pool, a peer and the system call take turns: each after a move, which is not timed.
void migrate(const char* with) {
  poolproof::object_pool<buffer> pool;
  mutex_vector peer;
  std::array<std::vector<double>, 3> times;
  int cpu = 0;
  const auto moved = [&](std::size_t who, auto&& call) {
    move_to(cpu = 1 - cpu);
    const clock_type::time_point begin = clock_type::now();
    call();
    times[who].push_back(microseconds(clock_type::now() - begin));
  };
  item mine = pool.get();
  item other = peer.get();
  for (int i = 0; i != 3'000; ++i) {
    pool.put(std::move(mine));
    moved(0, [&] { mine = pool.get(); });
    peer.put(std::move(other));
    moved(1, [&] { other = peer.get(); });
    moved(2, restart_sections);
  }
  std::printf("migration_%s_us %.4f\nmigration_%s_mutex_us %.4f\nmigration_%s_membarrier_us %.4f\n",
              with, middle(times[0]), with, middle(times[1]), with, middle(times[2]));
}

void migration() {
  migrate("alone");
  std::mutex mutex;
  std::condition_variable ending;
  bool end = false;
  std::thread idle([&] {
    std::unique_lock lock(mutex);
    ending.wait(lock, [&] { return end; });
  });
  migrate("with_idle");
  {
    const std::lock_guard lock(mutex);
    end = true;
  }
  ending.notify_one();
  idle.join();
}

// --- The longest call ----------------------------------------------------------------------------

// As many items as the pool was given, made alike, and so many of them freed.
double time_frees(std::size_t made, std::size_t freed) {
  std::vector<item> doomed(made);
  for (item& each : doomed) each = std::make_unique<buffer>();
  const double begin = thread_microseconds();
  for (std::size_t i = 0; i != freed; ++i) doomed[i].reset();
  return thread_microseconds() - begin;
}

struct call {
  double took = 0;  // us of the thread's own time
  std::size_t destroyed = 0;

  template <class Call>
  static call timed(Call work) {
    const std::size_t before = ended.load(std::memory_order_relaxed);
    const double begin = thread_microseconds();
    work();
    const double took = thread_microseconds() - begin;
    return {took, ended.load(std::memory_order_relaxed) - before};
  }
};

// One thread fills the pool, and calls it until all is gone. Calls and frees take turns by rounds.
void cycles() {
  constexpr std::size_t items = 1'000'000;
  std::vector<double> longest;
  std::vector<double> frees;
  std::vector<double> beyond;
  std::vector<double> destroyed;
  for (int round = 0; round != 11; ++round) {
    poolproof::object_pool<buffer> pool([] { return std::make_unique<buffer>(); },
                                        poolproof::pool_options{.cycle_interval = 200ms});
    {
      std::vector<item> all(items);
      for (item& each : all) each = std::make_unique<buffer>();
      for (item& each : all) pool.put(std::move(each));
    }
    const std::size_t before = ended.load();
    call slowest;
    while (ended.load(std::memory_order_relaxed) - before < items - 1'000) {
      const call now = call::timed([&] { pool.put(pool.get()); });
      if (now.took > slowest.took) slowest = now;
    }
    longest.push_back(slowest.took);
    destroyed.push_back(static_cast<double>(slowest.destroyed));
    frees.push_back(time_frees(items, slowest.destroyed));
    beyond.push_back(longest.back() - frees.back());
  }
  std::printf("cycles_longest_us %.1f\ncycles_destroyed %.0f\ncycles_frees_us %.1f\n",
              middle(longest), middle(destroyed), middle(frees));
  std::printf("cycles_beyond_us %.1f\ncycles_most_beyond_us %.1f\n", middle(beyond),
              *std::max_element(beyond.begin(), beyond.end()));
}

// Twenty pools at once, each with a burst, and then a call each half interval.
void low_traffic() {
  constexpr std::size_t burst = 20'000;
  constexpr std::size_t at_once = 20;
  constexpr int runs = 1'000 / at_once;
  constexpr std::chrono::milliseconds interval = 100ms;
  using pool_type = poolproof::object_pool<buffer>;
  call slowest;
  std::vector<double> all;
  std::size_t in_time = 0;
  std::size_t late = 0;
  for (int run = 0; run != runs; ++run) {
    std::vector<std::unique_ptr<pool_type>> pools;
    for (std::size_t i = 0; i != at_once; ++i) {
      pools.push_back(
          std::make_unique<pool_type>([] { return std::make_unique<buffer>(); },
                                      poolproof::pool_options{.cycle_interval = interval}));
      std::vector<item> items(burst);
      for (item& each : items) each = std::make_unique<buffer>();
      for (item& each : items) pools.back()->put(std::move(each));
    }
    std::vector<std::size_t> left(at_once, burst);
    clock_type::time_point next = clock_type::now();
    const clock_type::time_point end = next + 3 * interval;
    // A call at the very end of the time is its last.
    for (; next <= end; next += interval / 2) {
      std::this_thread::sleep_until(next);
      for (std::size_t i = 0; i != at_once; ++i) {
        const call now = call::timed([&] { pools[i]->put(pools[i]->get()); });
        left[i] -= now.destroyed;
        all.push_back(now.took);
        if (now.took > slowest.took) slowest = now;
      }
    }
    for (const std::size_t each : left) ++(each <= 1 ? in_time : late);
  }
  std::printf("low_traffic_longest_us %.1f\nlow_traffic_destroyed %zu\nlow_traffic_frees_us %.1f\n",
              slowest.took, slowest.destroyed, time_frees(burst, slowest.destroyed));
  std::printf("low_traffic_p99_us %.1f\nlow_traffic_in_time %zu\nlow_traffic_late %zu\n",
              middle(all, 0.99), in_time, late);
}

}  // namespace

int main(int count, char** arguments) {
  struct {
    std::string_view name;
    void (*run)();
  } constexpr patterns[] = {
      {"turns", turns}, {"migration", migration}, {"cycles", cycles}, {"low_traffic", low_traffic}};
  for (const auto& each : patterns) {
    if (count == 2 && each.name == arguments[1]) {
      each.run();
      return 0;
    }
  }
  std::fputs("usage: patterns turns|migration|cycles|low_traffic\n", stderr);
  return 2;
}

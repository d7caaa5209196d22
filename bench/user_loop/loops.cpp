// SPDX-License-Identifier: MIT
// What a get and a put cost in loops as a user writes them: no harness, one thread, nothing but
// this file and the library. Prints a line for each loop: its name, and nanoseconds a pair, a
// pool's life, or a system call.
//
//     loops [ROUNDS] [unregistered]
//
// The loops take turns, and of each the fastest round counts: what disturbs only makes slower. The
// time is the thread's own. "unregistered": in a thread that runs no sections. measure_loops.py
// compiles it with both compilers, and runs it with each allocator.
#include <poolproof/object_pool.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <mutex>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include <sys/rseq.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

namespace {

struct buffer {
  std::array<unsigned char, 64> bytes{};
};
using item = std::unique_ptr<buffer>;

// Something with it that the compiler does not see through: else it leaves out new and delete.
void use(buffer& of) {
  buffer* seen = &of;
  asm volatile("" : "+r"(seen));
  seen->bytes[0] = static_cast<unsigned char>(seen->bytes[0] + 1);
}

poolproof::object_pool<buffer> pool;
thread_local std::vector<item> own;

double thread_seconds() {
  timespec now{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &now);
  return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

constexpr std::size_t pairs = 200'000;

// --- One at a time -------------------------------------------------------------------------------

[[gnu::noinline]] void vector_of_the_thread() {
  for (std::size_t i = 0; i != pairs; ++i) {
    item mine;
    if (!own.empty()) {
      mine = std::move(own.back());
      own.pop_back();
    } else {
      mine = std::make_unique<buffer>();
    }
    use(*mine);
    own.push_back(std::move(mine));
  }
}

[[gnu::noinline]] void get_and_put() {
  for (std::size_t i = 0; i != pairs; ++i) {
    item mine = pool.get();
    use(*mine);
    pool.put(std::move(mine));
  }
}

[[gnu::noinline]] void borrow() {
  for (std::size_t i = 0; i != pairs; ++i) {
    auto mine = pool.borrow();
    use(*mine);
  }
}

[[gnu::noinline]] void new_and_delete() {
  for (std::size_t i = 0; i != pairs; ++i) {
    item mine = std::make_unique<buffer>();
    use(*mine);
  }
}

// --- So many at once -----------------------------------------------------------------------------

template <std::size_t Size, class Get, class Put>
void in_bursts(Get get, Put put) {
  static std::vector<item> taken(Size);
  for (std::size_t done = 0; done < pairs; done += Size) {
    for (item& each : taken) {
      each = get();
      use(*each);
    }
    for (item& each : taken) put(std::move(each));
  }
}

template <std::size_t Size>
[[gnu::noinline]] void burst_of_pool() {
  in_bursts<Size>([] { return pool.get(); }, [](item&& given) { pool.put(std::move(given)); });
}

template <std::size_t Size>
[[gnu::noinline]] void burst_of_allocator() {
  in_bursts<Size>([] { return std::make_unique<buffer>(); }, [](item&& given) { given.reset(); });
}

// --- What a pool without sections cannot do without ----------------------------------------------

[[gnu::noinline]] void two_exchanges() {
  static std::atomic<buffer*> place{new buffer};
  for (std::size_t i = 0; i != pairs; ++i) {
    buffer* const mine = place.exchange(nullptr);
    use(*mine);
    place.exchange(mine);
  }
}

// --- One of a hundred, at random -----------------------------------------------------------------

constexpr std::size_t many = 100;
std::array<poolproof::object_pool<buffer>, many> pools;
thread_local std::array<std::vector<item>, many> vectors;

template <class Pair>
void of_many(Pair pair) {
  std::uint32_t random = 1;
  for (std::size_t i = 0; i != pairs; ++i) {
    random = random * 1664525 + 1013904223;
    pair(static_cast<std::size_t>((std::uint64_t{random} * many) >> 32));
  }
}

[[gnu::noinline]] void one_of_many_pools() {
  of_many([](std::size_t drawn) {
    item mine = pools[drawn].get();
    use(*mine);
    pools[drawn].put(std::move(mine));
  });
}

[[gnu::noinline]] void one_of_many_vectors() {
  of_many([](std::size_t drawn) {
    std::vector<item>& from = vectors[drawn];
    item mine;
    if (!from.empty()) {
      mine = std::move(from.back());
      from.pop_back();
    } else {
      mine = std::make_unique<buffer>();
    }
    use(*mine);
    from.push_back(std::move(mine));
  });
}

// --- A hundred gets after a cycle ----------------------------------------------------------------

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
  void rotate() {}

 private:
  std::mutex mutex_;
  std::vector<item> items_;
};

// Twenty pools between two looks at the clock, for one takes as long as some gets. The cycle is not
// timed: what it takes is returned.
template <class Pool>
double after_cycles() {
  static std::array<Pool, 20> some;
  constexpr std::size_t size = 100;
  static std::vector<item> taken(size);
  double left_out = 0;
  for (std::size_t done = 0; done < pairs; done += some.size() * size) {
    const double begin = thread_seconds();
    for (Pool& each : some) each.rotate();
    left_out += thread_seconds() - begin;
    for (Pool& each : some) {
      for (item& got : taken) {
        got = each.get();
        use(*got);
      }
      for (item& got : taken) each.put(std::move(got));
    }
  }
  return left_out;
}

// --- A pool's whole life -------------------------------------------------------------------------

constexpr std::size_t lives = pairs / 100;

template <class Pool>
[[gnu::noinline]] void live() {
  for (std::size_t i = 0; i != lives; ++i) {
    Pool fresh;
    item mine = fresh.get();
    use(*mine);
    fresh.put(std::move(mine));
  }
}

[[gnu::noinline]] void live_and_lend() {
  for (std::size_t i = 0; i != lives; ++i) {
    poolproof::object_pool<buffer> fresh;
    auto mine = fresh.borrow();
    use(*mine);
  }
}

[[gnu::noinline]] void restart_sections() {
  constexpr int membarrier_private_expedited_rseq = 1 << 7;
  for (std::size_t i = 0; i != lives; ++i) {
    ::syscall(SYS_membarrier, membarrier_private_expedited_rseq, 0, 0);
  }
}

// So that the kernel no longer knows where the thread announces its sections, as in one that glibc
// has not started.
void unregister() {
#ifdef RSEQ_SIG
  constexpr int flag_unregister = 1;
  auto* const area = static_cast<char*>(__builtin_thread_pointer()) + __rseq_offset;
  if (__rseq_size != 0 && ::syscall(SYS_rseq, area, 32, flag_unregister, RSEQ_SIG) != 0) {
    std::perror("rseq");
    std::exit(1);
  }
#endif
}

template <void (*Run)()>
double nothing_left_out() {
  Run();
  return 0;
}

struct loop {
  const char* name;
  double (*run)();  // returns the seconds that are not to be counted
  std::size_t times = pairs;
  double best = 1e9;
};

}  // namespace

int main(int count, char** arguments) {
  const long rounds = count > 1 ? std::strtol(arguments[1], nullptr, 10) : 40;
  const bool unregistered = count == 3 && std::string_view(arguments[2]) == "unregistered";
  if (count > 3 || rounds <= 0 || (count == 3 && !unregistered)) {
    std::fputs("usage: loops [ROUNDS] [unregistered]\n", stderr);
    return 2;
  }
  // A program that has a use for a pool has had a second thread: glibc's mutexes cost less before.
  std::thread([] {}).join();
  if (unregistered) unregister();
  std::array loops{
      loop{"vector", nothing_left_out<vector_of_the_thread>},
      loop{"get_put", nothing_left_out<get_and_put>},
      loop{"borrow", nothing_left_out<borrow>},
      loop{"new", nothing_left_out<new_and_delete>},
      loop{"exchanges", nothing_left_out<two_exchanges>},
      loop{"get_put_16", nothing_left_out<burst_of_pool<16>>},
      loop{"new_16", nothing_left_out<burst_of_allocator<16>>},
      loop{"get_put_100", nothing_left_out<burst_of_pool<100>>},
      loop{"get_put_1000", nothing_left_out<burst_of_pool<1000>>},
      loop{"new_1000", nothing_left_out<burst_of_allocator<1000>>},
      loop{"get_put_10000", nothing_left_out<burst_of_pool<10000>>},
      loop{"new_10000", nothing_left_out<burst_of_allocator<10000>>},
      loop{"many_pools", nothing_left_out<one_of_many_pools>},
      loop{"many_vectors", nothing_left_out<one_of_many_vectors>},
      loop{"after_cycle", after_cycles<poolproof::object_pool<buffer>>},
      loop{"after_cycle_mutex", after_cycles<mutex_vector>},
      loop{"life", nothing_left_out<live<poolproof::object_pool<buffer>>>, lives},
      loop{"life_mutex", nothing_left_out<live<mutex_vector>>, lives},
      loop{"life_lent", nothing_left_out<live_and_lend>, lives},
      loop{"membarrier", nothing_left_out<restart_sections>, lives},
  };
  for (long round = 0; round != rounds; ++round) {
    for (loop& each : loops) {
      const double begin = thread_seconds();
      const double left_out = each.run();
      const double took = thread_seconds() - begin - left_out;
      each.best = (std::min)(each.best, took * 1e9 / static_cast<double>(each.times));
    }
  }
  for (const loop& each : loops) std::printf("%s %.3f\n", each.name, each.best);
}

// SPDX-License-Identifier: MIT
// What a get and a put cost in loops as a user writes them: no harness, one thread, nothing but
// this file and the library. Prints a line for each loop: its name, and nanoseconds a pair.
//
//     loops [ROUNDS]
//
// The loops take turns, and of each the fastest round counts: what disturbs only makes slower. The
// time is the thread's own. run.py compiles it with both compilers, and runs it with each
// allocator.
#include <poolproof/object_pool.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include <time.h>

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

struct loop {
  const char* name;
  void (*run)();
  double best = 1e9;
};

}  // namespace

int main(int count, char** arguments) {
  const long rounds = count > 1 ? std::strtol(arguments[1], nullptr, 10) : 40;
  if (count > 2 || rounds <= 0) {
    std::fputs("usage: loops [ROUNDS]\n", stderr);
    return 2;
  }
  std::array loops{
      loop{"vector", vector_of_the_thread},
      loop{"get_put", get_and_put},
      loop{"borrow", borrow},
      loop{"new", new_and_delete},
      loop{"get_put_16", burst_of_pool<16>},
      loop{"new_16", burst_of_allocator<16>},
      loop{"get_put_1000", burst_of_pool<1000>},
      loop{"new_1000", burst_of_allocator<1000>},
      loop{"get_put_10000", burst_of_pool<10000>},
      loop{"new_10000", burst_of_allocator<10000>},
  };
  for (long round = 0; round != rounds; ++round) {
    for (loop& each : loops) {
      const double begin = thread_seconds();
      each.run();
      each.best = (std::min)(each.best, (thread_seconds() - begin) * 1e9 / double{pairs});
    }
  }
  for (const loop& each : loops) std::printf("%s %.3f\n", each.name, each.best);
}

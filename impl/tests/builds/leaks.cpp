// SPDX-License-Identifier: MIT
// A program that LeakSanitizer looks through at its end: what a pool holds that lives for ever is
// no leak, wherever it lies. Magazines of many CPUs, and long rings, are no memory of the heap.
#include <poolproof/immortal.hpp>
#include <poolproof/object_pool.hpp>

#include <cstdint>
#include <cstdio>
#include <memory>

namespace {

struct on_128_cpus : poolproof::std_sync {
  static std::uint32_t cpu_count() noexcept { return 128; }
};

template <class Sync>
using pool = poolproof::object_pool<int, std::default_delete<int>, Sync>;

constinit poolproof::immortal<pool<poolproof::std_sync>> on_this_machine;
constinit poolproof::immortal<pool<on_128_cpus>> on_a_large_one;

// Through a call that nothing of its addresses is left of on the stack.
[[gnu::noinline]] void fill() {
  constexpr int count = 6000;  // the longest ring has 4096 slots
  for (int i = 0; i < count; ++i) {
    on_this_machine->put(std::make_unique<int>(i));
    on_a_large_one->put(std::make_unique<int>(i));
  }
}

}  // namespace

int main() {
  fill();
  std::printf("%s\n", "12000 items are left to pools that live for ever");
}

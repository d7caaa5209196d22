// SPDX-License-Identifier: MIT
// A pool of the C++ library: the destructor of its thread-specific data gives a lock back as the
// last that it does, with a jump.
// Mended: proved
// Broken: use after free | data race
#include <cassert>
#include <memory_resource>
#include <thread>
#include <vector>

int main() {
#ifdef BROKEN
  std::pmr::unsynchronized_pool_resource pool;
#else
  std::pmr::synchronized_pool_resource pool;
#endif
  const auto fill = [&] {
    std::pmr::vector<int> numbers(&pool);
    numbers.push_back(1);
    assert(numbers.back() == 1);
  };
  std::thread a(fill);
  std::thread b(fill);
  a.join();
  b.join();
}

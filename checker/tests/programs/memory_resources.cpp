// SPDX-License-Identifier: MIT
// Memory resources of the C++ library, which change in it: each for one thread, or one for two. A
// synchronised one has a reader-writer lock, and is made before main.
// Mended: proved
// Broken: data race
// Verdict with -DPOOL: data race
// Verdict with -DNAMED_POOL: data race
#include <array>
#include <cstddef>
#include <memory_resource>
#include <mutex>
#include <thread>

std::array<std::byte, 256> memory, other_memory;
std::pmr::monotonic_buffer_resource buffer(memory.data(), memory.size());
std::pmr::monotonic_buffer_resource other_buffer(other_memory.data(), other_memory.size());
std::pmr::synchronized_pool_resource synchronised;
std::pmr::unsynchronized_pool_resource pool;
std::mutex pool_mutex;

// Not by a pointer of which the compiler knows what it leads to.
void use(std::pmr::memory_resource& resource) {
  std::pmr::memory_resource* volatile used = &resource;
  void* const got = used->allocate(8);
  used->deallocate(got, 8);
}

// The compiler knows which one.
void use_pool() {
  void* const got = pool.allocate(8);
  pool.deallocate(got, 8);
}

int main() {
#if defined(BROKEN)
  std::thread other([] { use(buffer); });
  use(buffer);
#elif defined(POOL)
  std::thread other([] { use(pool); });
  use(pool);
#elif defined(NAMED_POOL)
  std::thread other(use_pool);
  use_pool();
#else
  std::thread other([] {
    use(other_buffer);
    {
      const std::lock_guard lock(pool_mutex);
      use(pool);
    }
    void* const got = synchronised.allocate(8);
    static_cast<void>(got);
  });
  use(buffer);
  {
    const std::lock_guard lock(pool_mutex);
    use_pool();
  }
  void* const got = synchronised.allocate(8);
  static_cast<void>(got);
#endif
  other.join();
}

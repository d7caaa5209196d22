// SPDX-License-Identifier: MIT
// Functions that ask not to be instrumented, as some libraries do where they know better than a
// race detector, and that tell it of orders: what they do is seen all the same.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <thread>

extern "C" {
void AnnotateHappensBefore(const char* file, int line, const volatile void* at);
void AnnotateHappensAfter(const char* file, int line, const volatile void* at);
}

#ifdef BROKEN
constexpr auto publishing = std::memory_order_relaxed;
#else
constexpr auto publishing = std::memory_order_release;
#endif

int message = 0;
std::atomic<bool> ready{false};

__attribute__((no_sanitize("thread"))) void publish() {
  AnnotateHappensBefore(__FILE__, __LINE__, &ready);
  __atomic_store_n(reinterpret_cast<bool*>(&ready), true, static_cast<int>(publishing));
}
__attribute__((no_sanitize_thread)) bool is_published() {
  const bool seen = __atomic_load_n(reinterpret_cast<bool*>(&ready), __ATOMIC_ACQUIRE);
  if (seen) AnnotateHappensAfter(__FILE__, __LINE__, &ready);
  return seen;
}

int main() {
  std::thread reader([] {
    while (!is_published()) {
    }
    assert(message == 1);
  });
  message = 1;
  publish();
  reader.join();
}

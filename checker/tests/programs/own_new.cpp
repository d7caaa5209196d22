// SPDX-License-Identifier: MIT
// A program with an operator new of its own, which counts: the checker has another.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cstdlib>
#include <new>
#include <string>
#include <thread>

#ifdef BROKEN
long allocated = 0;
#else
std::atomic<long> allocated{0};
#endif

void* operator new(std::size_t size) {
  allocated += 1;
  if (void* const got = std::malloc(size)) return got;
  throw std::bad_alloc();
}
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }

int main() {
  std::string one, two;
  std::thread other([&] { one.assign(40, 'x'); });
  two.assign(50, 'y');
  other.join();
  return allocated >= 2 ? 0 : 1;
}

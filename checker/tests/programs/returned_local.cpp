// SPDX-License-Identifier: MIT
// A local variable that is used while its function runs, however deep that stands; and after it has
// returned: by another thread, atomically, through memcpy, by the same thread, and when the thread
// that had it has ended.
// Mended: proved
// Broken: use after return
// Verdict with -DATOMIC: use after return
// Verdict with -DCOPIED: use after return
// Verdict with -DITSELF: use after return
// Verdict with -DENDED: use after return
#include <alloca.h>

#include <atomic>
#include <cassert>
#include <cstring>
#include <mutex>
#include <stdexcept>
#include <thread>

#define OUT_OF_LINE [[gnu::noinline]]

#if defined(BROKEN) || defined(ATOMIC) || defined(COPIED)

// The thread that it starts uses its local variable.
OUT_OF_LINE std::thread start() {
#ifdef ATOMIC
  std::atomic<int> local{0};
  return std::thread([&local] { local.fetch_add(1); });
#elif defined(COPIED)
  int local[16] = {};
  static int copied[16];
  return std::thread([&local] { std::memcpy(copied, local, sizeof local); });
#else
  int local = 0;
  return std::thread([&local] { local = 1; });
#endif
}

int main() {
  std::thread other = start();
  other.join();
}

#elif defined(ITSELF)

int* kept;

OUT_OF_LINE void keep() {
  int local = 1;
  kept = &local;
}

int main() {
  std::thread other([] {
    keep();
    *kept = 2;
  });
  other.join();
}

#elif defined(ENDED)

int main() {
  std::atomic<int*> published{nullptr};
  std::thread other([&published] {
    int local = 1;
    published = &local;
  });
  other.join();
  return *published.load() == 1 ? 0 : 1;
}

#else

// What stands deeper than the function uses its local variable.
OUT_OF_LINE void deep(int depth, int* shared, std::mutex* guard) {
  if (depth != 0) {
    int here = depth;
    deep(depth - 1, shared, guard);
    assert(here == depth);
    return;
  }
  const std::lock_guard lock(*guard);
  ++*shared;
}

OUT_OF_LINE int with_room(std::size_t size) {
  auto* const room = static_cast<char*>(alloca(size));
  std::memset(room, 1, size);
  int sum = 0;
  std::thread other([&] { sum += room[0] + room[size - 1]; });
  other.join();
  return sum;
}

// Destroyed while an exception passes.
struct noted {
  int* count;
  int own = 1;
  ~noted() { *count += own; }
};
OUT_OF_LINE void throw_below(int* count) {
  noted here{count};
  throw std::runtime_error("passes");
}

struct at_exit {
  int value = 1;
  ~at_exit() {
    int local = value;
    deepen(&local);
  }
  OUT_OF_LINE static void deepen(int* local) { ++*local; }
};
thread_local at_exit ending;

int main() {
  int shared = 0;
  std::mutex guard;
  std::thread other([&] {
    ending.value = 2;
    deep(3, &shared, &guard);
  });
  deep(5, &shared, &guard);
  other.join();
  assert(shared == 2);
  assert(with_room(100) == 2);
  int count = 0;
  try {
    throw_below(&count);
  } catch (const std::runtime_error&) {
    ++count;
  }
  assert(count == 2);
}

#endif

// SPDX-License-Identifier: MIT
// A function returns when another thread has used its local variable, which it knows of a relaxed
// flag: so the use comes first in each execution, and yet nothing orders it before the return. By
// an atomic, through memcpy, with a function that is left by an exception or longjmp, with a block
// that had an array of variable length, and when the thread ends. And with no flag: the caller
// joins the other thread in a function that stands by then where the first one stood.
// Mended: proved
// Broken: use after return
// Verdict with -DATOMIC: use after return
// Verdict with -DCOPIED: use after return
// Verdict with -DTHROWN: use after return
// Verdict with -DJUMPED: use after return
// Verdict with -DBLOCK: use after return
// Verdict with -DENDED: use after return
// Verdict with -DCOVERED: use after return
#include <atomic>
#include <cassert>
#include <csetjmp>
#include <cstring>
#include <thread>

#define OUT_OF_LINE [[gnu::noinline]]

#if defined(BROKEN) || defined(ATOMIC) || defined(COPIED) || defined(THROWN) || defined(JUMPED) || \
    defined(BLOCK) || defined(ENDED)
constexpr auto told = std::memory_order_relaxed;
#else
constexpr auto told = std::memory_order_release;
#endif

std::atomic<bool> used{false};

void wait_until_used() {
  while (!used.load(std::memory_order_acquire)) {
  }
}

// What the caller does next.
std::atomic<int> done{0};
OUT_OF_LINE void go_on() { done.store(1); }

#if defined(ATOMIC)

OUT_OF_LINE void start() {
  std::atomic<int> local{0};
  std::thread([&local] {
    local.fetch_add(1);
    used.store(true, told);
  }).detach();
  wait_until_used();
}
int main() {
  start();
  go_on();
}

#elif defined(COPIED)

OUT_OF_LINE void start() {
  int local[16] = {};
  std::thread([&local] {
    int copied[16];
    std::memcpy(copied, local, sizeof local);
    assert(copied[15] == 0);
    used.store(true, told);
  }).detach();
  wait_until_used();
}
int main() {
  start();
  go_on();
}

#elif defined(THROWN)

OUT_OF_LINE void start() {
  int local = 0;
  std::thread([&local] {
    local = 1;
    used.store(true, told);
  }).detach();
  wait_until_used();
  throw 1;
}
int main() {
  try {
    start();
  } catch (int) {
    go_on();
  }
}

#elif defined(JUMPED)

std::jmp_buf before;
OUT_OF_LINE void start() {
  int local = 0;
  std::thread([&local] {
    local = 1;
    used.store(true, told);
  }).detach();
  wait_until_used();
  std::longjmp(before, 1);
}
int main() {
  if (setjmp(before) == 0) start();
  go_on();
}

#elif defined(BLOCK)

OUT_OF_LINE void start(int size) {
  for (int i = 0; i != 2; ++i) {
    if (i == 0) {
      int local[size];
      local[0] = 0;
      std::thread([first = &local[0]] {
        *first = 1;
        used.store(true, told);
      }).detach();
      wait_until_used();
    }
    go_on();
  }
}
int main() { start(static_cast<int>(sizeof done)); }

#elif defined(ENDED)

std::atomic<int*> published{nullptr};

int main() {
  std::thread owner([] {
    int local = 0;
    published.store(&local, std::memory_order_release);
    wait_until_used();
  });
  int* found = nullptr;
  while ((found = published.load(std::memory_order_acquire)) == nullptr) {
  }
  *found = 1;
  used.store(true, told);
  owner.join();
}

#elif defined(COVERED)

OUT_OF_LINE std::thread start() {
  int local = 0;
  return std::thread([&local] { local = 1; });
}
OUT_OF_LINE void finish(std::thread& other) {
  int here[64];
  for (int i = 0; i != 64; ++i) here[i] = i;
  other.join();
  assert(here[63] == 63);
}
int main() {
  std::thread other = start();
  finish(other);
}

#else

OUT_OF_LINE void start() {
  int local = 0;
  std::thread([&local] {
    local = 1;
    used.store(true, told);
  }).detach();
  wait_until_used();
}
int main() {
  start();
  go_on();
}

#endif

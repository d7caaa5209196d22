// SPDX-License-Identifier: MIT
// An object that others get to know before its constructor has ended: what its virtual functions
// are is written by each of its constructors in turn.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <thread>

struct base;
std::atomic<base*> published{nullptr};

struct base {
  base() {
#ifdef BROKEN
    published.store(this, std::memory_order_release);
#endif
  }
  base(const base&) = delete;
  base& operator=(const base&) = delete;
  virtual ~base() = default;
  virtual int number() const { return 1; }
};

struct derived final : base {
  int number() const override { return 2; }
};

int main() {
  std::thread other([] {
    const base* const seen = published.load(std::memory_order_acquire);
    if (seen != nullptr) assert(seen->number() == 2);
  });
  derived object;
#ifndef BROKEN
  published.store(&object, std::memory_order_release);
#endif
  other.join();
}

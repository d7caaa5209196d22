// atomic_queue::AtomicQueue: two threads put and take, and wait until they can. Zero is its word
// for an empty place.
// Package: libatomic-queue-dev
// Verdict: proved
#include <cassert>
#include <thread>

#include <atomic_queue/atomic_queue.h>

int main() {
  atomic_queue::AtomicQueue<unsigned, 2> ring;
  unsigned taken[2] = {};
  const auto put_and_take = [&](unsigned self) {
    ring.push(1 + self);
    taken[self] = ring.pop();
    unsigned more = 0;
    if (ring.try_push(4 << self)) taken[self] += ring.try_pop(more) ? more : 0;
  };
  std::thread first(put_and_take, 0);
  std::thread second(put_and_take, 1);
  first.join();
  second.join();
  unsigned sum = taken[0] + taken[1];
  for (unsigned rest = 0; ring.try_pop(rest);) sum += rest;
  assert((sum & 3) == 3 && sum <= 15);
}

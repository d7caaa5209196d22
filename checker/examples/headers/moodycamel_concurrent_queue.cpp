// moodycamel::ConcurrentQueue: two producers, and a consumer that may find nothing. Nothing is
// lost, and what one producer put comes in its order.
// Package: libconcurrentqueue-dev
// Verdict: proved
#include <cassert>
#include <thread>

#include <concurrentqueue/concurrentqueue.h>

int main() {
  moodycamel::ConcurrentQueue<int> queue;
  std::thread first([&] {
    queue.enqueue(1);
    queue.enqueue(2);
  });
  std::thread second([&] { queue.enqueue(4); });
  int seen = 0;
  const auto take = [&] {
    int got = 0;
    if (!queue.try_dequeue(got)) return false;
    assert((seen & got) == 0);
    assert(got != 2 || (seen & 1) != 0);
    seen |= got;
    return true;
  };
  take();
  take();
  first.join();
  second.join();
  while (take()) {
  }
  assert(seen == 7);
}

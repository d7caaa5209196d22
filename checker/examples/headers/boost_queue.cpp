// boost::lockfree::queue: one producer and one consumer. With two producers (-DFOUND) its free list
// reads the link of a node that another thread has taken, and is just writing: a data race by the
// letter, whose value is thrown away when the compare-exchange behind it fails.
// Package: libboost-dev
// Verdict: proved
// Verdict with -DFOUND: data race
#include <boost/lockfree/queue.hpp>

#include <cassert>
#include <thread>

int main() {
  boost::lockfree::queue<int> queue(2);
  std::thread producer([&] {
    queue.push(1);
    queue.push(2);
  });
#ifdef FOUND
  queue.push(4);
#endif
  int got = 0;
  int seen = 0;
  for (int tries = 0; tries != 2; ++tries) {
    if (queue.pop(got)) seen += got;
  }
  producer.join();
  while (queue.pop(got)) seen += got;
#ifdef FOUND
  seen -= 4;
#endif
  assert(seen == 3);
}

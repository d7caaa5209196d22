// boost::lockfree::spsc_queue: a ring for two, which is full at times and goes round twice.
// Package: libboost-dev
// Verdict: proved
#include <boost/lockfree/spsc_queue.hpp>

#include <cassert>
#include <thread>

int main() {
  boost::lockfree::spsc_queue<int, boost::lockfree::capacity<2>> ring;
  int sent = 0;
  std::thread producer([&] {
    while (sent != 4 && ring.push(sent + 1)) ++sent;
  });
  int got = 0;
  int last = 0;
  for (int tries = 0; tries != 3; ++tries) {
    if (ring.pop(got)) assert(got == ++last);
  }
  producer.join();
  while (ring.pop(got)) assert(got == ++last);
  assert(last == sent);
}

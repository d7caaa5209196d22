// moodycamel::ReaderWriterQueue: a producer, and a consumer that may find nothing. A third item
// does not fit into the queue's first block.
// Package: libreaderwriterqueue-dev
// Verdict: proved
#include <cassert>
#include <thread>

#include <readerwriterqueue/readerwriterqueue.h>

int main() {
  moodycamel::ReaderWriterQueue<int> queue(2);
  std::thread producer([&] {
    for (int i = 1; i != 4; ++i) queue.enqueue(i);
  });
  int got = 0;
  int last = 0;
  for (int tries = 0; tries != 3; ++tries) {
    if (queue.try_dequeue(got)) assert(got == ++last);
  }
  producer.join();
  while (queue.try_dequeue(got)) assert(got == ++last);
  assert(last == 3);
}

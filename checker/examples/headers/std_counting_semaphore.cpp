// std::counting_semaphore: a ring of two places, guarded by two semaphores.
// Verdict: proved
#include <cassert>
#include <semaphore>
#include <thread>

int main() {
  std::counting_semaphore<2> items(0);
  std::counting_semaphore<2> room(2);
  int ring[2] = {};
  std::thread producer([&] {
    for (int i = 0; i != 3; ++i) {
      room.acquire();
      ring[i % 2] = i;
      items.release();
    }
  });
  for (int i = 0; i != 3; ++i) {
    items.acquire();
    assert(ring[i % 2] == i);
    room.release();
  }
  producer.join();
}

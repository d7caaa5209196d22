// poolproof::object_pool with three threads of three calls: far too large for a search, and even
// for an estimate of a few seconds. So it is hunted in, and not proved.
// Options: --check-hunt 2000
// Verdict: not finished
#include <memory>
#include <poolproof/object_pool.hpp>
#include <thread>

struct item {
  int uses = 0;  // plain: two owners would race
};
poolproof::object_pool<item> pool;

void work() {
  ++pool.borrow()->uses;
  pool.rotate();
  if (auto found = pool.try_get()) {
    ++found->uses;
    pool.put(std::move(found));
  }
}

int main() {
  std::thread first(work);
  std::thread second(work);
  work();
  first.join();
  second.join();
}

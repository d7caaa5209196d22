// poolproof::object_pool as it ships: each two calls of two threads, on an empty pool and on one
// that holds an item. No item has two owners, none is lost, and what the destructors need is there.
// Each thread has a CPU of its own. With both on one there are more executions than can be tried
// here: that is hunted in, and not proved.
// The portable pin finds the shards: restartable sections are not what the checker can see.
// Options: --check-spurious 0
// Verdict: proved
// Verdict with -DONE_CPU: not finished
// Options with -DONE_CPU: --check-spurious 0 --check-cpus 1 --check-hunt 2000
// Told with -DONE_CPU: All threads run on one CPU.
// Told as it is: Under this instrumentation poolproof's pool has the portable pin
#include <memory>
#include <poolproof/object_pool.hpp>
#include <thread>

#include <checker/program.h>

struct item {
  int uses = 0;  // plain: two owners would race
};
poolproof::object_pool<item> pool;

void call(unsigned which) {
  switch (which) {
    case 0:
      return pool.put(std::make_unique<item>());
    case 1:
      ++pool.get()->uses;
      return;
    case 2:
      if (const auto found = pool.try_get()) ++found->uses;
      return;
    case 3:
      ++pool.borrow()->uses;
      return;
    default:
      return pool.rotate();
  }
}

int main() {
  if (checker_choose(2) == 1) pool.put(std::make_unique<item>());
  const unsigned mine = checker_choose(5);
  const unsigned theirs = mine + checker_choose(5 - mine);
  std::thread other(call, theirs);
  call(mine);
  other.join();
}

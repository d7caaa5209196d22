// poolproof::object_pool as it ships, and with one order of its portable pin weakened: who gets an
// item no longer sees what its last user did to it.
// Options: --check-spurious 0
// Mended: proved
// Broken: data race
// Told: Neither of T1.
// Told: exchange is relaxed: it acquires nothing.
// Told: exchange from relaxed -> block
// Shown: poolproof_weakened.cpp:@uses if (const auto found = pool.try_get()) ++found->uses;
// Shown: poolproof_weakened.cpp:@fills ++mine->uses;
// Shown: exchange is relaxed: it acquires nothing. Memory model: rc11.
// Weakened with -DBROKEN: poolproof/pin.hpp [take_from.claim] relaxed
#include <memory>
#include <poolproof/object_pool.hpp>
#include <thread>
#include <utility>

struct item {
  int uses = 0;  // plain: two owners would race
};
poolproof::object_pool<item> pool;

int main() {
  std::thread giving([] {
    auto mine = std::make_unique<item>();
    ++mine->uses;  // @fills
    pool.put(std::move(mine));
  });
  if (const auto found = pool.try_get()) ++found->uses;  // @uses
  giving.join();
}

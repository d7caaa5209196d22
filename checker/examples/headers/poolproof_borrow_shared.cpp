// poolproof::borrow_shared: two threads let go of the last two owners, and whoever is the last
// gives the item back. A third watches by a weak_ptr: it finds an owner, or that all are gone. What
// both owners have read is not written until then, and the next who gets the item may write.
// Options: --check-spurious 0
// Mended: proved
// Broken: use after free | data race | assertion
#include <cassert>
#include <memory>
#include <poolproof/borrow_shared.hpp>
#include <thread>
#include <utility>

struct item {
  int value = 7;  // plain: who writes while another reads would race
};
poolproof::object_pool<item> pool;

void let_go(std::shared_ptr<item> owner) {
#if defined(BROKEN)
  const item* const kept = owner.get();
  owner.reset();
  assert(kept->value == 7);
#else
  assert(owner->value == 7);
#endif
}

int main() {
  std::shared_ptr<item> owner = poolproof::borrow_shared(pool);
  const std::weak_ptr<item> weak = owner;
  std::thread first([mine = owner]() mutable { let_go(std::move(mine)); });
  std::thread second([mine = std::move(owner)]() mutable { let_go(std::move(mine)); });
  if (const auto still = weak.lock()) assert(still->value == 7);
  if (const auto next = pool.try_get()) next->value = 8;  // all have let go before
  first.join();
  second.join();
  assert(weak.expired());
}

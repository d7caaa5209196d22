// SPDX-License-Identifier: MIT
// std::atomic<std::shared_ptr>, and std::atomic<std::weak_ptr>: what it leads to may be gone.
// Mended: proved
// Broken: assertion
// Verdict with -DWEAK: proved
// Verdict with -DWEAK_BROKEN: assertion
#include <atomic>
#include <cassert>
#include <memory>
#include <thread>

#if defined(WEAK) || defined(WEAK_BROKEN)
int main() {
  auto first = std::make_shared<int>(1);
  const auto second = std::make_shared<int>(2);
  std::atomic<std::weak_ptr<int>> shared{first};
  std::thread storing([&] {
    shared.store(second);
    first.reset();
  });
  const std::shared_ptr<int> seen = shared.load().lock();
#ifdef WEAK_BROKEN
  assert(seen != nullptr);
#else
  assert(seen == nullptr || *seen == 1 || *seen == 2);
#endif
  storing.join();
}
#else
int main() {
  std::atomic<std::shared_ptr<int>> shared{std::make_shared<int>(1)};
  std::thread storing([&] { shared.store(std::make_shared<int>(2)); });
  const std::shared_ptr<int> seen = shared.load();
#ifdef BROKEN
  assert(*seen == 1);
#else
  assert(*seen == 1 || *seen == 2);
#endif
  storing.join();
}
#endif

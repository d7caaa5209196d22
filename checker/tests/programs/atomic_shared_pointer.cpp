// SPDX-License-Identifier: MIT
// std::atomic<std::shared_ptr>.
// Mended: proved
// Broken: assertion
#include <atomic>
#include <cassert>
#include <memory>
#include <thread>

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

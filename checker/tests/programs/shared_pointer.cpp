// SPDX-License-Identifier: MIT
// shared_ptr: the counts are the library's, one pointer itself is not for two threads.
// Mended: proved
// Broken: data race
#include <cassert>
#include <memory>
#include <thread>

int main() {
  auto shared = std::make_shared<int>(4);
#ifdef BROKEN
  std::thread other([&] { shared.reset(); });
#else
  std::thread other([copy = shared]() mutable {
    assert(*copy == 4);
    copy.reset();
  });
#endif
  std::shared_ptr<int> mine = shared;
  if (mine) assert(*mine == 4);
  other.join();
}

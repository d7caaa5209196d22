// SPDX-License-Identifier: MIT
#include <poolproof/object_pool.hpp>

#include <cstdio>
#include <string>
#include <utility>

int main() {
  poolproof::object_pool<std::string> pool;
  auto item = pool.get();
  *item = "kept";
  pool.put(std::move(item));
  const auto again = pool.get();
  std::printf("%d.%d.%d %s\n", POOLPROOF_VERSION_MAJOR, POOLPROOF_VERSION_MINOR,
              POOLPROOF_VERSION_PATCH, again->c_str());
  return *again == "kept" ? 0 : 1;
}

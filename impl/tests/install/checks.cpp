// SPDX-License-Identifier: MIT
#include <checker/model.hpp>

#include <cstdio>

struct two_updates {
  static constexpr unsigned threads = 2;
  checker::atomic<int> x{0};
  void thread(unsigned) { x.fetch_add(1); }
};

int main() {
  const checker::statistics found = checker::verify<two_updates>();
  std::printf("%llu executions\n", static_cast<unsigned long long>(found.complete));
  return found.complete == 2 && found.errors == 0 ? 0 : 1;
}

// SPDX-License-Identifier: MIT
// The environment and the locale: each execution begins with those of main. Who changes the
// environment while another thread looks races.
// Mended: proved
// Broken: data race
#include <atomic>
#include <cassert>
#include <clocale>
#include <cstdlib>
#include <cstring>
#include <thread>

std::atomic<int> looks{0};

void look() {
  const char* const mode = std::getenv("CHECKER_MODE");
  assert(mode != nullptr && std::strcmp(mode, "fast") == 0);
  looks.fetch_add(1, std::memory_order_relaxed);
}

int main() {
  assert(std::getenv("CHECKER_MODE") == nullptr);
  assert(std::strcmp(std::setlocale(LC_ALL, nullptr), "C") == 0);
  std::setlocale(LC_ALL, "C.UTF-8");
  setenv("CHECKER_MODE", "slow", 1);
  setenv("CHECKER_MODE", "fast", 1);
  setenv("CHECKER_MODE", "other", 0);
  char other[] = "CHECKER_OTHER=1";
  putenv(other);
  assert(std::getenv("CHECKER_OTHER") == other + 14);
  std::thread thread(look);
#ifdef BROKEN
  unsetenv("CHECKER_OTHER");
#endif
  look();
  thread.join();
  unsetenv("CHECKER_OTHER");
  assert(std::getenv("CHECKER_OTHER") == nullptr);
  clearenv();
  assert(std::getenv("CHECKER_MODE") == nullptr);
}

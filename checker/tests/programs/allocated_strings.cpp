// SPDX-License-Identifier: MIT
// Memory that functions of the C library allocate for the program is of its heap.
// Mended: proved
// Broken: use after free | data race
// Verdict with -DKEPT: memory leak
// Verdict with -DPRINTED: memory leak
// Verdict with -DPART: memory leak
#include <atomic>
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <thread>

std::atomic<char*> name{nullptr};

int main() {
  std::thread thread([] {
    name.store(strdup("a name"), std::memory_order_release);
    char* printed = nullptr;
    assert(asprintf(&printed, "%s %d", "number", 5) == 8 && std::strcmp(printed, "number 5") == 0);
#ifndef PRINTED
    std::free(printed);
#endif
    char* const part = strndup("a name", 1);
    assert(std::strcmp(part, "a") == 0);
#ifndef PART
    std::free(part);
#endif
  });
  if (char* const seen = name.load(std::memory_order_acquire)) {
#ifdef BROKEN
    std::free(seen);
#endif
    assert(seen[0] == 'a');
  }
  thread.join();
#ifndef KEPT
  std::free(name.load());
#endif
  name.store(nullptr);
}

// SPDX-License-Identifier: MIT
// Functions of the C library read and write memory of the program, and some keep memory of their
// own: under a lock, or not.
// Mended: proved
// Broken: data race
// Verdict with -DCOMPARED: data race
// Verdict with -DSEARCHED: data race
// Verdict with -DPRINTED: data race
// Verdict with -DTOKENS: data race
// Verdict with -DDATE: data race
// Verdict with -DSORTED: data race
#include <cassert>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <ctime>
#include <mutex>
#include <string>
#include <thread>

#if defined(BROKEN) || defined(COMPARED) || defined(SEARCHED) || defined(PRINTED) || \
    defined(TOKENS) || defined(DATE) || defined(SORTED)
#define ONE 0
#else
#define ONE 1
#endif

std::mutex lock;
char buffer[64] = "a text";
std::string text = "some text that is long enough for the heap";
std::time_t now = 86'400;

template <class Work>
void alone(Work work) {
#if ONE
  const std::lock_guard held(lock);
#endif
  work();
}

int main() {
  std::thread other([] {
    alone([] {
#if ONE || defined(BROKEN)
      std::strcpy(buffer, "b");
#endif
#if ONE || defined(COMPARED) || defined(SEARCHED)
      text[1] = 'x';
#endif
#if ONE || defined(PRINTED)
      std::snprintf(buffer, sizeof buffer, "%d", 1);
#endif
#if ONE || defined(TOKENS)
      char words[] = "c d";
      assert(std::strcmp(std::strtok(words, " "), "c") == 0);
#endif
#if ONE || defined(DATE)
      assert(std::localtime(&now)->tm_year == 70);
#endif
#if ONE || defined(SORTED)
      std::qsort(buffer, 2, 1, [](const void*, const void*) { return 0; });
#endif
    });
  });
  alone([] {
#if ONE || defined(BROKEN)
    assert(std::strlen(buffer) != 7);
#endif
#if ONE || defined(COMPARED)
    assert(text != "some other text that is long enough, so");
#endif
#if ONE || defined(SEARCHED)
    assert(text.find('z') == std::string::npos);
#endif
#if ONE || defined(PRINTED)
    buffer[1] = 'c';
#endif
#if ONE || defined(TOKENS)
    char words[] = "e f";
    assert(std::strcmp(std::strtok(words, " "), "e") == 0);
#endif
#if ONE || defined(DATE)
    assert(std::localtime(&now)->tm_year == 70);
#endif
#if ONE || defined(SORTED)
    buffer[1] = 'e';
#endif
  });
  other.join();
}

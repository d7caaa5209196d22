// SPDX-License-Identifier: MIT
// A map and a list: what changes their links lies in the C++ library, and is seen all the same. A
// reader that finds what it looks for meets an insertion only there.
// Mended: proved
// Broken: data race
// Verdict with -DLIST: data race
// Verdict with -DREVERSED: data race
#include <cassert>
#include <iterator>
#include <list>
#include <map>
#include <mutex>
#include <string>
#include <thread>

std::mutex mutex;
std::map<int, std::string> names{{1, "one"}, {2, "two"}, {4, "four"}};
std::list<int> numbers{1, 2};

int main() {
  std::thread writer([] {
    const std::lock_guard lock(mutex);
    names[3] = "three";
    names.erase(2);
    assert(std::prev(names.end())->first == 4 && names.size() == 3);
#ifdef REVERSED
    numbers.reverse();
#elif !defined LIST
    numbers.push_back(3);
#endif
  });
#ifdef BROKEN
  assert(names.find(1)->second == "one");
#elif defined REVERSED
  int first = 0;
  for (const int each : numbers) first = first == 0 ? each : first;
  assert(first == 1 || first == 2);
#elif defined LIST
  numbers.push_front(0);
#else
  {
    const std::lock_guard lock(mutex);
    assert(names.find(1)->second == "one");
    int sum = 0;
    for (const auto& [number, name] : names) sum += number;
    assert(sum == 7 || sum == 8);
  }
#endif
#ifdef LIST
  std::thread other([] { numbers.remove(2); });
  numbers.push_back(4);
  other.join();
#endif
  writer.join();
}

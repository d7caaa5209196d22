// SPDX-License-Identifier: MIT
// Threads that look for another place at random, where one is taken: a turn that finds none is not
// the same as the next, which looks elsewhere.
// Mended: proved
// Broken: assertion
// Verdict with -DDEVICE: proved
#include <atomic>
#include <cassert>
#include <cstdlib>
#include <random>
#include <thread>

std::atomic<int> places[3];

void take_one() {
#ifdef DEVICE
  std::random_device device;
  const auto random = [&] { return device() >> 1; };
#else
  const auto random = [] { return static_cast<unsigned>(std::rand()); };
#endif
  unsigned place = 0;
#ifdef BROKEN
  while (places[place] != 0) place = random() % 3;
  places[place] += 1;
#else
  while (places[place].exchange(1) != 0) place = random() % 3;
#endif
}

int main() {
  std::thread a(take_one);
  std::thread b(take_one);
  take_one();
  a.join();
  b.join();
  for (const auto& each : places) assert(each == 1);
}

// SPDX-License-Identifier: MIT
// A loop of plain accesses, for check-c++: as many turns as the first argument says, over as many
// numbers as the second one does. A turn reads a number and writes it. run.py takes the times.
#include <cstdlib>
#include <thread>
#include <vector>

// What main does before it starts a thread costs nothing: so a thread does it.
void add(unsigned* numbers, unsigned mask, unsigned turns) {
  for (unsigned turn = 0; turn != turns; ++turn) numbers[turn & mask] += turn;
}

int main(int, char** arguments) {
  const auto turns = static_cast<unsigned>(std::atoi(arguments[1]));
  const auto count = static_cast<unsigned>(std::atoi(arguments[2]));  // a power of two
  std::vector<unsigned> numbers(count);
  std::thread(add, numbers.data(), count - 1, turns).join();
}

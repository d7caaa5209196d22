// boost::lockfree::stack: one thread pushes, another pops. With two that pop (-DFOUND) one reads
// the link of a node that the other has given to the free list, which writes it: a data race by the
// letter, whose value is thrown away when the compare-exchange behind it fails.
// Package: libboost-dev
// Verdict: proved
// Verdict with -DFOUND: data race
#include <boost/lockfree/stack.hpp>

#include <cassert>
#include <thread>

int main() {
  boost::lockfree::stack<int> stack(2);
  stack.push(1);
  int mine = 0;
  int theirs = 0;
  std::thread other([&] {
    stack.push(2);
    stack.push(4);
#ifdef FOUND
    stack.pop(theirs);
#endif
  });
  const bool found = stack.pop(mine);
  other.join();
  assert(found && (mine & theirs) == 0);
  for (int rest = 0; stack.pop(rest);) mine += rest;
  assert(mine + theirs == 7);
}

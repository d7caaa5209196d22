// The library in ten lines: the README shows this program, and a test compares the two.
#include <iostream>
#include <poolproof/object_pool.hpp>
#include <string>

// A miss constructs an empty string. What comes back is handed out as it was left.
constinit poolproof::object_pool<std::string> buffers;

int main() {
  for (const char* name : {"Ada", "Barbara", "Grace"}) {
    auto line = buffers.borrow();  // goes back to the pool at the end of its scope
    line->assign("Hello, ").append(name).append("!\n");
    std::cout << *line;
  }
  std::unique_ptr<std::string> mine = buffers.get();  // or own it, without a handle
  buffers.put(std::move(mine));                       // and give it back, on any thread
  std::cout << buffers.stats().constructions << " string constructed for 4 uses\n";
}

// A broken message-passing flag: the store and the load of `ready` are relaxed, so that whoever
// sees the flag need not see the message. Prints what went wrong, and writes it as a page.
#include <checker/model.hpp>
#include <checker/page.hpp>
#include <checker/report.hpp>
#include <fstream>
#include <iostream>

struct broken_flag {
  static constexpr unsigned threads = 2;
  checker::atomic<int> message{0};
  checker::atomic<bool> ready{false};
  void thread(unsigned index) {
    if (index == 0) {
      message.store(42, std::memory_order_relaxed);
      ready.store(true, std::memory_order_relaxed);      // should be release
    } else if (ready.load(std::memory_order_relaxed)) {  // should be acquire
      checker::require(message.load(std::memory_order_relaxed) == 42, "the message is there");
    }
  }
};

int main(int argc, char** argv) {
  const checker::statistics seen = checker::verify<broken_flag>({.name = "broken_flag"});
  if (!seen.first) return 1;  // the flag is broken: a search that finds nothing is, too
  checker::print(std::cout, *seen.first);
  std::ofstream page(argc > 1 ? argv[1] : "broken_flag.html");
  page << checker::page(*seen.first);
  return page.flush() ? 0 : 1;
}

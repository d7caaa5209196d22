// SPDX-License-Identifier: MIT
// An exception that two threads hold: who lets it go last destroys it. How many do is counted in
// the C++ library.
// Mended: proved
// Broken: data race
#include <cassert>
#include <exception>
#include <string>
#include <thread>

struct parse_error {
  std::string text;
};

void report(std::exception_ptr error) {
  try {
    std::rethrow_exception(error);
  } catch (parse_error& caught) {
#ifdef BROKEN
    caught.text[0] = 'A';
#endif
    assert(caught.text[2] == 'm');
  }
}

int main() {
  std::exception_ptr error;
  try {
    throw parse_error{"a message that is longer than a string keeps in itself"};
  } catch (...) {
    error = std::current_exception();
  }
  std::thread one(report, error);
  std::thread two(report, error);
  error = nullptr;
  one.join();
  two.join();
}

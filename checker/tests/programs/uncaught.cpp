// SPDX-License-Identifier: MIT
// What an exception that nobody catches says of itself.
// Mended: proved
// Broken: uncaught exception
// Told: of type std::out_of_range: no place 3 of 100%
// Verdict with -DDERIVED: uncaught exception
// Told with -DDERIVED: of type no_room: 2 of 2 are taken
// Verdict with -DNUMBER: uncaught exception
// Told with -DNUMBER: of type int
// Verdict with -DNOEXCEPT: uncaught exception
// Told with -DNOEXCEPT: of type std::runtime_error: in a destructor
// Verdict with -DENDS_ITSELF: uncaught exception
// Told with -DENDS_ITSELF: uncaught exception: of type ends_itself uncaught
#include <atomic>
#include <cassert>
#include <stdexcept>
#include <string>
#include <thread>

std::atomic<int> taken{0};

struct place {
  virtual ~place() = default;
  int number = 3;
};

// The exception is not at the beginning of the object, and its text is made by the program.
struct no_room : place, std::exception {
  const char* what() const noexcept override { return text.c_str(); }
  std::string text = std::to_string(taken.load()) + " of 2 are taken";
};

void fail();

// Nobody hears what it says, since that is an exception again.
struct ends_itself : std::exception {
  const char* what() const noexcept override {
    fail();
    return "";
  }
};

void fail() {
#ifdef ENDS_ITSELF
  throw ends_itself();
#else
  throw std::runtime_error("in a destructor");
#endif
}

struct throws_at_end {
  ~throws_at_end() { fail(); }
};

void take() {
  if (taken.fetch_add(1) != 1) return;
#if defined BROKEN
  throw std::out_of_range("no place 3 of 100%");
#elif defined DERIVED
  throw no_room();
#elif defined NUMBER
  throw 5;
#elif defined NOEXCEPT
  const throws_at_end object;
#elif defined ENDS_ITSELF
  fail();
#endif
}

int main() {
  std::thread other(take);
  take();
  other.join();
  assert(taken == 2);
}

// SPDX-License-Identifier: MIT
// A program that does not survive its own mistake: an error like any other, with its execution.

#include <checker/model.hpp>
#include <checker/report.hpp>

#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>

#include "../src/fiber.hpp"
#include "catch.hpp"

using namespace checker;

namespace {

constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto relaxed = std::memory_order_relaxed;

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

// In one execution of two the reader finds the pointer that leads nowhere.
template <std::uintptr_t Address>
struct pointer_to {
  static constexpr unsigned threads = 2;
  static constexpr unsigned line = __LINE__ + 5;
  int plain = 0;
  atomic<int*> shared{&plain};
  void thread(unsigned index) {
    if (index == 0) return shared.store(reinterpret_cast<int*>(Address), release);
    int* const got = shared.load(acquire);
    outcome("%d", *static_cast<volatile int*>(got));
  }
};

struct object_at_null {
  static constexpr unsigned threads = 1;
  struct node {
    std::uint64_t before = 0;
    atomic<int> value{1};
  };
  atomic<node*> head{nullptr};
  void thread(unsigned) { outcome("%d", head.load(relaxed)->value.load(relaxed)); }
};

struct divides_by_what_it_reads {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 0) return x.store(2, relaxed);
    volatile int dividend = 4;
    const int divisor = x.load(relaxed);
    outcome("%d", dividend / divisor);
  }
};

struct aborts {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 0) return x.store(1, relaxed);
    if (x.load(relaxed) == 1) std::abort();
  }
};

struct throws {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 0) return x.store(1, relaxed);
    if (x.load(relaxed) == 1) throw std::runtime_error("nothing is left");
  }
};

struct throws_a_number {
  static constexpr unsigned threads = 1;
  void thread(unsigned) { throw 7; }
};

struct throws_out_of_noexcept {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  static void throws(bool really) {
    if (really) throw std::runtime_error("too late");
  }
  static void never(bool really) noexcept { throws(really); }
  void thread(unsigned index) {
    if (index == 0) return x.store(1, relaxed);
    never(x.load(relaxed) == 1);
  }
};

struct catches_its_own {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned) {
    try {
      if (x.fetch_add(1, relaxed) == 1) throw std::runtime_error("caught");
      outcome("first");
    } catch (const std::exception& what) {
      outcome("%s", what.what());
    }
  }
};

struct calls_itself {
  static constexpr unsigned threads = 1;
  atomic<int> x{0};
  unsigned descend(unsigned depth) {  // NOLINT(misc-no-recursion)
    volatile char room[512] = {};
    room[depth % 512] = 1;
    return depth == 0 ? 0 : descend(depth - 1) + static_cast<unsigned>(room[7]);
  }
  void thread(unsigned) {
    x.load(relaxed);
    outcome("%u", descend(100'000));
  }
};

struct fails_before_its_threads {
  static constexpr unsigned threads = 1;
  fails_before_its_threads() { throw std::runtime_error("not made"); }
  void thread(unsigned) {}
};

struct fails_behind_its_threads {
  static constexpr unsigned threads = 1;
  int* nowhere = nullptr;
  void thread(unsigned) {}
  void after() { outcome("%d", *static_cast<volatile int*>(nowhere)); }
};

template <class Model>
counterexample first_error(const options& chosen = {}, unsigned jobs = 1) {
  const statistics found = verify<Model>(chosen, jobs);
  REQUIRE(found.first);
  INFO(found.first->text);
  // The same again.
  options again;
  again.replay = found.first->replay;
  const statistics replayed = verify<Model>(again);
  REQUIRE(replayed.first);
  CHECK(replayed.first->what == found.first->what);
  return *found.first;
}

template <class Model>
void check_crash(std::string_view text) {
  const counterexample seen = first_error<Model>();
  INFO(seen.text);
  CHECK(seen.what == fault::crash);
  CHECK(holds(seen.text, text));
}

}  // namespace

#if !defined(CHECKER_ADDRESS_SANITIZER)

TEST_CASE("a_pointer_that_leads_nowhere_is_an_error_with_its_execution") {
  check_crash<pointer_to<0>>("a null pointer");
  check_crash<pointer_to<16>>("a member of what a null pointer points to, at 0x10");
  check_crash<pointer_to<0x600000000000>>("a pointer to 0x600000000000");
  check_crash<pointer_to<0xa5a5a5a5a5a5a5a5>>("no address at all");
  check_crash<object_at_null>("null pointer points to");
  const counterexample seen = first_error<pointer_to<0>>();
  std::ostringstream text;
  print(text, seen);
  INFO(text.str());
  CHECK(holds(text.str(), "crash_test.cpp:" + std::to_string(pointer_to<0>::line)));
  CHECK(holds(text.str(), "load shared acquire -> 0 (from T0.0 store)"));
}

TEST_CASE("a_signal_is_an_error_and_the_search_goes_on") {
  check_crash<divides_by_what_it_reads>("SIGFPE");
  check_crash<aborts>("SIGABRT");
  check_crash<throws_out_of_noexcept>("SIGABRT");
  check_crash<calls_itself>("the thread's stack is used up");
  check_crash<fails_behind_its_threads>("a null pointer");
  options all;
  all.keep_going = true;
  for (const statistics& found :
       {verify<aborts>(all), verify<pointer_to<0>>(all), verify<throws_out_of_noexcept>(all)}) {
    CHECK(found.errors == 1);
    CHECK(found.complete == 1);
  }
  CHECK(first_error<aborts>({}, 2).what == fault::crash);
}

#endif

TEST_CASE("an_exception_that_leaves_a_thread_is_an_error") {
  const counterexample seen = first_error<throws>();
  CHECK(seen.what == fault::exception);
  CHECK(seen.text == "nothing is left");
  CHECK(first_error<throws_a_number>().what == fault::exception);
  CHECK(first_error<fails_before_its_threads>().text == "not made");
  options all;
  all.keep_going = true;
  const statistics found = verify<throws>(all);
  CHECK(found.errors == 1);
  CHECK(found.complete == 1);
  // And one that does not leave it is none, also after those that did.
  const statistics caught = verify<catches_its_own>(all);
  CHECK(caught.errors == 0);
  CHECK(caught.complete == 2);
}

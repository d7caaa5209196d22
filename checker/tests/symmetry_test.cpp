// SPDX-License-Identifier: MIT
// Threads that are alike: of each orbit something is found, and of most not all.

#include <checker/model.hpp>

#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <string>
#include <vector>

#include "../tools/litmus_program.hpp"
#include "../tools/notation.hpp"
#include "catch.hpp"
#include "found.hpp"
#include "random_programs.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;

constexpr std::uint64_t most_runs = 20'000;

struct both {
  statistics once;
  statistics each;
};

// A search that leaves out what only exchanges threads, and one that leaves out nothing. Both tell
// graphs apart by orbit.
template <class Explore>
both search_twice(options chosen, const std::vector<unsigned>& alike, Explore explored) {
  chosen.keep_going = true;
  chosen.remember_graphs = ~std::size_t{0};
  chosen.by_orbit = alike;
  both found;
  found.each = explored(chosen);
  chosen.alike = alike;
  found.once = explored(chosen);
  return found;
}

template <class Model>
both search_twice(const std::vector<unsigned>& alike) {
  return search_twice({}, alike, [](const options& chosen) { return verify<Model>(chosen); });
}

// Nothing if the program is too large.
std::optional<both> search_twice(const litmus::program& p, const std::vector<unsigned>& alike,
                                 memory_model model) {
  options chosen;
  chosen.model = model;
  const auto explored = [&p](const options& how) {
    litmus::litmus_program checked(p, p.name);
    return exploration(checked, how).explore();
  };
  options few = chosen;
  few.most_runs = most_runs;
  few.keep_going = true;
  if (explored(few).cut != 0) return std::nullopt;
  return search_twice(chosen, alike, explored);
}

struct copied {
  litmus::program program;
  std::vector<unsigned> alike;
};

// A program of which two or three threads are the same, beside another one or none.
copied program_with_copies(std::uint64_t seed) {
  litmus::program p = litmus::random_program(seed);
  const litmus::thread one = p.threads[0];
  const litmus::thread other = p.threads[1];
  switch (seed / 3 % 5) {
    case 0:
      p.threads = {one, one, other};
      return {p, {0, 1}};
    case 1:
      p.threads = {one, other, one};
      return {p, {0, 2}};
    case 2:
      p.threads = {other, one, one};
      return {p, {1, 2}};
    case 3:
      p.threads = {one, one, one};
      return {p, {0, 1, 2}};
    default:
      p.threads = {one, other, one, one};
      return {p, {0, 2, 3}};
  }
}

std::uint64_t orbits_of(const statistics& found) { return found.complete - found.duplicates; }

bool equal(const both& found) {
  return orbits_of(found.once) == orbits_of(found.each) && found.once.hash == found.each.hash &&
         faults_of(found.once) == faults_of(found.each);
}

template <unsigned Threads>
struct counter {
  static constexpr unsigned threads = Threads;
  atomic<int> x{0};
  void thread(unsigned) { x.fetch_add(1, relaxed); }
};

// They do nothing that comes before or after what the other does.
struct writers {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned) { x.store(1, relaxed); }
};

// What one of them reads in the middle tells them apart.
struct readers {
  static constexpr unsigned threads = 3;
  atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 2) return x.store(1, relaxed);
    x.load(relaxed);
    x.load(relaxed);
  }
};

// Both fail a check, but only if the other one was there first.
struct second_is_wrong {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned) { require(x.exchange(1, relaxed) == 0, "the second"); }
};

// Who waits has written, and takes it back.
struct waits_and_writes {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned) {
    await([this] {
      if (x.fetch_add(1, relaxed) == 0) return true;
      x.fetch_sub(1, relaxed);
      return false;
    });
    x.fetch_sub(1, relaxed);
  }
};

}  // namespace

TEST_CASE("of_n_threads_that_are_alike_the_one_is_first_that_the_search_begins_with") {
  CHECK(verify<counter<4>>().complete == 24);
  options chosen;
  chosen.alike = {0, 1, 2, 3};
  CHECK(verify<counter<4>>(chosen).complete == 6);
  CHECK(equal(search_twice<counter<4>>({0, 1, 2, 3})));
  CHECK(equal(search_twice<counter<4>>({1, 3})));
}

TEST_CASE("two_writes_are_in_one_order") {
  const both found = search_twice<writers>({0, 1});
  CHECK(equal(found));
  CHECK(found.each.complete == 2);
  CHECK(found.once.complete == 1);
}

TEST_CASE("reads_of_older_writes_come_first") {
  const both found = search_twice<readers>({0, 1});
  CHECK(equal(found));
  CHECK(found.each.complete == 9);
  CHECK(found.once.complete == 6);
}

TEST_CASE("an_error_of_the_second_is_found") {
  CHECK(faults_of(search_twice<second_is_wrong>({0, 1}).once) ==
        faults_of(search_twice<second_is_wrong>({0, 1}).each));
}

TEST_CASE("what_goes_on_after_it_has_waited_in_vain_is_not_proved") {
  options chosen;
  chosen.alike = {0, 1};
  const statistics found = verify<waits_and_writes>(chosen);
  CHECK(found.cut != 0);
  CHECK(verify<waits_and_writes>().cut == 0);
}

TEST_CASE("random_programs_have_the_same_orbits") {
  std::uint64_t each = 0;
  std::uint64_t once = 0;
  std::size_t compared = 0;
  constexpr std::uint64_t count = 4'000;
  for (std::uint64_t seed = 0; seed != count; ++seed) {
    const auto [p, alike] = program_with_copies(seed);
    INFO(litmus::print(p));
    const auto found = search_twice(p, alike, static_cast<memory_model>(seed % 3));
    if (!found) continue;
    // Of an execution with an error only so much is seen as is run before it.
    if (found->each.errors != 0) {
      REQUIRE(found->once.errors != 0);
      continue;
    }
    REQUIRE(equal(*found));
    ++compared;
    each += found->each.complete;
    once += found->once.complete;
  }
  std::cout << "threads that are alike: " << compared << " programs, " << once << " executions of "
            << each << '\n';
  CHECK(compared > count / 3);
  CHECK(once < each);
}

// SPDX-License-Identifier: MIT
// Merged reads: what is left out, that nothing else is, and when nothing may be.

#include <checker/model.hpp>

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "../tools/litmus_program.hpp"
#include "../tools/notation.hpp"
#include "catch.hpp"
#include "found.hpp"
#include "oracles.hpp"
#include "random_programs.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

constexpr std::size_t many_graphs = 2'000'000;

// Two threads write the same value, and one reads it.
struct hint {
  static constexpr unsigned threads = 3;
  atomic<int> x{0};
  int seen = 0;
  void thread(unsigned index) {
    if (index != 2) return x.store(1, relaxed);
    x.load(relaxed);  // then one of the two may be the first that is left
    seen = x.load(relaxed);
  }
  void after() { outcome("%d", seen); }
};

// A reader may find the value from before the free, or behind it: then the block can be used again.
struct block_that_a_hint_frees {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void* first = nullptr;
  void* second = nullptr;
  void thread(unsigned index) {
    if (index == 0) {
      first = allocate(8);
      deallocate(first);
      x.store(0, relaxed);
    } else {
      x.load(relaxed);
      second = allocate(8);
      deallocate(second);
    }
  }
  void after() { outcome("%s", first == second ? "the same" : "another"); }
};

// What a relaxed read has read, a fence behind it acquires.
struct hint_before_a_fence {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  moment written;
  bool told = false;
  void thread(unsigned index) {
    if (index == 0) {
      x.store(1, relaxed);
      written = mark();
      x.store(0, release);
    } else {
      const int seen = x.load(relaxed);
      fence(acquire);
      told = seen == 0 && checker::happened_before(written);
      x.load(relaxed);  // what was told counts from the next operation on
    }
  }
  void after() { outcome("%s", told ? "told" : "not told"); }
};

// Both read a lock that is free, of which one was given back: what it tells is not the same.
struct acquired_twice {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  moment written;
  bool told = false;
  void thread(unsigned index) {
    if (index == 0) {
      x.store(1, relaxed);
      written = mark();
      x.store(0, release);
    } else if (x.load(acquire) == 0) {
      told = checker::happened_before(written);
    }
  }
  void after() { outcome("%s", told ? "told" : "not told"); }
};

// It waits for 1, and reads a 0 that is not the last one; there is no other.
struct waits_for_what_never_comes {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 0) return x.store(0, relaxed);
    await([this] { return x.load(relaxed) == 1; });
  }
};

struct both {
  statistics merged;
  statistics whole;
};

// The same program with merged reads, and without, but by normal form.
template <class Explore>
both search_twice(options chosen, Explore explored) {
  chosen.keep_going = true;
  chosen.remember_graphs = many_graphs;
  chosen.merge_reads = true;
  both found;
  found.merged = explored(chosen);
  chosen.merge_reads = false;
  chosen.by_normal_form = true;
  found.whole = explored(chosen);
  return found;
}

template <class Model>
both search_twice() {
  return search_twice({}, [](const options& chosen) { return verify<Model>(chosen); });
}

both search_twice(const litmus::program& p, memory_model model,
                  std::optional<unsigned> stopped = {}, unsigned after = 0) {
  options chosen;
  chosen.model = model;
  chosen.spurious_failures = 1;
  chosen.stopped_thread = stopped;
  chosen.stopped_after = after;
  return search_twice(chosen, [&p](const options& how) {
    litmus::litmus_program checked(p, p.name);
    return exploration(checked, how).explore();
  });
}

bool equal(const both& found) {
  const auto& [merged, whole] = found;
  return merged.duplicates == 0 && merged.complete == whole.complete - whole.duplicates &&
         merged.hash == whole.hash && outcomes_of(merged) == outcomes_of(whole) &&
         faults_of(merged) == faults_of(whole);
}

bool acquires_by_fence(const litmus::statement& s) {
  return s.kind == litmus::statement_kind::light_fence ||
         s.kind == litmus::statement_kind::heavy_fence ||
         (s.kind == litmus::statement_kind::fence && s.order != std::memory_order_release);
}

// Without fences that acquire, which merging leaves alone; and of values only 0 and 1, so that many
// are the same.
void prepare(litmus::expression& e) {
  if (e.kind == litmus::expression_kind::constant) e.value &= 1;
  for (litmus::expression& operand : e.operands) prepare(operand);
}

void prepare(std::vector<litmus::statement>& body) {
  std::erase_if(body, acquires_by_fence);
  for (litmus::statement& s : body) {
    if (s.kind != litmus::statement_kind::repeat) prepare(s.value);
    prepare(s.body);
    prepare(s.otherwise);
  }
}

}  // namespace

TEST_CASE("a_value_that_two_have_written_is_read_once_if_it_was_read_before") {
  const both found = search_twice<hint>();
  CHECK(equal(found));
  CHECK(found.merged.complete < found.whole.complete);
  CHECK(outcomes_of(found.merged) == std::set<std::string>{"0", "1"});
}

TEST_CASE("a_read_that_makes_memory_usable_again_is_not_merged") {
  CHECK(outcomes_of(search_twice<block_that_a_hint_frees>().merged) ==
        std::set<std::string>{"another", "the same"});
}

TEST_CASE("with_an_acquire_fence_no_read_is_merged") {
  const both found = search_twice<hint_before_a_fence>();
  CHECK(outcomes_of(found.merged) == std::set<std::string>{"not told", "told"});
  CHECK(found.merged.complete == found.whole.complete);
}

TEST_CASE("reads_that_acquire_something_else_are_not_merged") {
  const both found = search_twice<acquired_twice>();
  CHECK(outcomes_of(found.merged) == std::set<std::string>{"not told", "told"});
  CHECK(equal(found));
}

TEST_CASE("who_waits_for_a_value_that_never_comes_is_in_a_deadlock_all_the_same") {
  CHECK(faults_of(search_twice<waits_for_what_never_comes>().merged) ==
        std::set<fault>{fault::deadlock});
}

TEST_CASE("litmus_tests_have_the_same_graphs_in_normal_form") {
  std::size_t smaller = 0;
  std::size_t compared = 0;
  std::size_t too_large = 0;
  for (const char* stem : {"litmus", "fences", "ring", "closed_forms"}) {
    for (const litmus::program& p : load_oracles(stem)) {
      options few;
      few.most_runs = 20'000;
      litmus::litmus_program checked(p, p.name);
      if (exploration(checked, few).explore().cut != 0) {
        ++too_large;
        continue;
      }
      ++compared;
      for (const memory_model model : {memory_model::rc11, memory_model::iso, memory_model::sc}) {
        INFO(p.name << ", model " << static_cast<int>(model));
        const both found = search_twice(p, model);
        REQUIRE(equal(found));
        smaller += found.merged.complete < found.whole.complete ? 1u : 0u;
      }
    }
  }
  std::cout << "merged reads: " << compared << " litmus tests compared, " << too_large
            << " left out, which have more than 20,000 runs\n";
  CHECK(smaller > 0);
  CHECK(compared > 10 * too_large);
}

// A thread that stops is one of a shorter program: nothing in the theorem is about where it ends.
TEST_CASE("with_a_stopped_thread_random_programs_have_the_same_graphs_in_normal_form") {
  std::size_t smaller = 0;
  constexpr std::uint64_t count = POOLPROOF_MERGED_PROGRAMS / 10;
  for (std::uint64_t seed = 0; seed != count; ++seed) {
    litmus::program p = litmus::random_program(seed, {false, true, true});
    for (auto& thread : p.threads) prepare(thread.body);
    const auto stopped = static_cast<unsigned>(seed % p.threads.size());
    const auto after = static_cast<unsigned>(seed / p.threads.size() % 4);
    INFO(litmus::print(p) << "thread " << stopped << " stops after " << after);
    const both found = search_twice(p, memory_model::rc11, stopped, after);
    REQUIRE(equal(found));
    smaller += found.merged.complete < found.whole.complete ? 1u : 0u;
  }
  CHECK(smaller > count / 200);
}

// The others must return all the same, and who waits for the one that stopped does not.
TEST_CASE("who_waits_for_a_stopped_thread_is_found_with_merged_reads") {
  options chosen;
  chosen.stopped_thread = 0;
  const both found = search_twice(
      chosen, [](const options& how) { return verify<waits_for_what_never_comes>(how); });
  CHECK(faults_of(found.merged) == faults_of(found.whole));
  CHECK(!faults_of(found.merged).empty());
}

TEST_CASE("random_programs_have_the_same_graphs_in_normal_form") {
  std::size_t smaller = 0;
  std::uint64_t left_out = 0;
  constexpr std::uint64_t count = POOLPROOF_MERGED_PROGRAMS;
  for (std::uint64_t seed = 0; seed != count; ++seed) {
    litmus::program p = litmus::random_program(seed, {false, true, true});
    for (auto& thread : p.threads) prepare(thread.body);
    INFO(litmus::print(p));
    const both found = search_twice(p, seed % 2 == 0 ? memory_model::rc11 : memory_model::iso);
    REQUIRE(equal(found));
    smaller += found.merged.complete < found.whole.complete ? 1u : 0u;
    left_out += found.whole.complete - found.merged.complete;
  }
  std::cout << "merged reads: " << count << " programs, " << smaller << " with fewer executions, "
            << left_out << " executions left out\n";
  CHECK(smaller > count / 100);
}

// SPDX-License-Identifier: MIT
// What a verdict says besides its first word: bounds, and what was not looked at.

#include <checker/model.hpp>
#include <checker/verdict.hpp>

#include <algorithm>
#include <string>
#include <string_view>
#include <vector>

#include "catch.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

template <class Model>
std::string verdict_on(const options& chosen = {}, unsigned jobs = 1) {
  return verdict(verify<Model>(chosen, jobs), chosen, 10'000);
}

std::string line(unsigned number) { return "verdict_test.cpp:" + std::to_string(number); }

// The second pair of accesses is ordered by the first: its own orders are not tested.
struct message {
  static constexpr unsigned threads = 2;
  static constexpr unsigned first = __LINE__ + 5;
  atomic<int> content{0};
  atomic<bool> ready{false};
  void thread(unsigned index) {
    if (index == 0) {
      content.store(1, relaxed);
      ready.store(true, release);
    } else if (ready.load(acquire)) {
      require(content.load(relaxed) == 1, "the message");
    }
  }
};

struct with_a_plain_member {
  static constexpr unsigned threads = 2;
  atomic<bool> ready{false};
  var<int> checked{0};
  int plain = 0;
  void thread(unsigned index) {
    if (index == 0) {
      checked.set(1);
      plain = 7;
      ready.store(true, relaxed);
    } else if (ready.load(relaxed)) {
      outcome("%d", plain);
    }
  }
};

struct nothing_shared {
  static constexpr unsigned threads = 2;
  atomic<int> own[2];
  void thread(unsigned index) { own[index].fetch_add(1, relaxed); }
};

struct long_executions {
  static constexpr unsigned threads = 2;
  atomic<int> shared{0};
  atomic<int> own[2];
  void thread(unsigned index) {
    shared.store(static_cast<int>(index), relaxed);
    for (int i = 0; i != 150; ++i) own[index].store(i, relaxed);
  }
};

struct many_executions {
  static constexpr unsigned threads = 2;
  atomic<int> own[2];
  void thread(unsigned index) {
    for (int i = 0; i != 2; ++i) choose(30);
    own[index].fetch_add(1, relaxed);
  }
};

struct nobody_returns {
  static constexpr unsigned threads = 1;
  atomic<int> x{0};
  void thread(unsigned) { assume(x.load(relaxed) == 1); }
};

struct fails_in_two_ways {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 0) {
      x.store(1, relaxed);
    } else if (x.load(relaxed) == 0) {
      allocate(8);
    } else {
      require(choose(2) == 1, "the second alternative");
    }
  }
};

}  // namespace

TEST_CASE("a_proof_says_its_threads_operations_bounds_and_what_was_not_looked_at") {
  const std::string text = verdict_on<message>();
  INFO(text);
  CHECK(text.rfind("PROVED", 0) == 0);
  CHECK(holds(text, "2 complete executions"));
  CHECK(holds(text, "2 threads with at most 2 and 2 operations, model rc11"));
  CHECK(holds(text, "1 spurious failure of each thread"));
  CHECK(holds(text, "Load buffering is not explored"));
  CHECK_FALSE(holds(text, "plain members"));
}

TEST_CASE("conflicts_that_were_never_reached_are_named") {
  for (const unsigned jobs : {1u, 2u}) {
    const std::string text = verdict_on<message>({}, jobs);
    INFO(text);
    CHECK(holds(text, "Conflicts never reached"));
    CHECK(holds(text, line(message::first)));
    CHECK_FALSE(holds(text, line(message::first + 1)));
    CHECK_FALSE(holds(text, line(message::first + 2)));
    CHECK(holds(text, line(message::first + 3)));
  }
  CHECK(holds(verdict_on<nothing_shared>(), "No two threads ever accessed the same atomic"));
}

TEST_CASE("of_what_was_not_looked_at_for_conflicts_none_is_denied") {
  for (const unsigned jobs : {1u, 2u}) {
    const std::string text = verdict_on<long_executions>({}, jobs);
    INFO(text);
    CHECK_FALSE(holds(text, "No two threads"));
    CHECK(holds(text, "Executions of more than 256 operations were not looked at for conflicts"));
  }
  options one;
  one.stopped_thread = 1;
  const std::string text = verdict_on<many_executions>(one);
  INFO(text);
  CHECK(holds(text, "No two threads"));
  CHECK(holds(text, "one of them to write it, in the executions that were looked at."));
}

TEST_CASE("bounds_of_a_search_are_told") {
  CHECK_FALSE(holds(verdict_on<message>(), "re-used"));
  options few;
  few.reuses = 1;
  CHECK(holds(verdict_on<message>(few), "1 re-used block of each thread"));
  few.reuses = 0;
  CHECK(holds(verdict_on<message>(few), "freed memory is not used again"));
  options alike;
  alike.alike = {0, 1};
  CHECK(holds(verdict_on<nothing_shared>(alike), "threads 0 and 1 taken for alike"));
  options stopped;
  stopped.stopped_thread = 0;
  stopped.stopped_after = 1;
  const std::string text = verdict_on<message>(stopped);
  INFO(text);
  CHECK(holds(text, "Leaks were not looked for, nor does `after` run"));
}

TEST_CASE("plain_members_that_threads_change_are_told") {
  const std::string text = verdict_on<with_a_plain_member>();
  INFO(text);
  CHECK(holds(text, "Threads change 1 byte of plain members"));
}

TEST_CASE("a_search_that_proves_nothing_says_so") {
  options one;
  one.most_runs = 1;
  const std::string cut = verdict_on<message>(one);
  INFO(cut);
  CHECK(holds(cut, "NOT FINISHED, and not proved: options::most_runs allows no more runs"));
  const std::string none = verdict_on<nobody_returns>();
  INFO(none);
  CHECK(holds(none, "NOTHING PROVED"));
  CHECK(holds(none, "1 execution in which an assumption does not hold"));
  options again;
  again.replay = "0@0,0@0,1=i";
  const statistics replayed = verify<message>(again);
  CHECK(replayed.complete == 1);
  CHECK(replayed.concluded() == conclusion::unfinished);
  CHECK(holds(verdict(replayed, again, 10'000), "NOT PROVED: only the execution of a replay"));
  options hunt;
  hunt.hunt = 10;
  CHECK(holds(verdict_on<message>(hunt), "NOT PROVED: 10 executions by chance found no error"));
}

TEST_CASE("errors_are_kept_by_kind_and_leaks_can_be_left_out") {
  options all;
  all.keep_going = true;
  for (const unsigned jobs : {1u, 2u}) {
    const statistics found = verify<fails_in_two_ways>(all, jobs);
    CHECK(found.errors == 2);
    REQUIRE(found.kinds.size() == 2);
    for (const errors_of_kind& each : found.kinds) {
      CHECK(each.count == 1);
      REQUIRE(each.first);
      CHECK(each.first->what == each.what);
      CHECK_FALSE(each.first->steps.empty());
      options again;
      again.replay = each.replay;
      const statistics replayed = verify<fails_in_two_ways>(again);
      REQUIRE(replayed.first);
      CHECK(replayed.first->what == each.what);
    }
    CHECK(found.kinds[0].what != found.kinds[1].what);
    REQUIRE(found.first);
    CHECK(found.first->what == found.kinds[0].what);
  }
  options without;
  without.keep_going = true;
  without.find_leaks = false;
  const statistics found = verify<fails_in_two_ways>(without);
  REQUIRE(found.kinds.size() == 1);
  CHECK(found.kinds[0].what == fault::assertion);
  CHECK(found.errors == 1);
  const std::string text = verdict(verify<fails_in_two_ways>(all), all, 10'000);
  INFO(text);
  CHECK(text.rfind("ERROR: ", 0) == 0);
  CHECK(holds(text, "memory leak"));
  CHECK(holds(text, "assertion: the second alternative"));
}

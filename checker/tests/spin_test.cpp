// SPDX-License-Identifier: MIT
// Loops that wait without an await, loops that never end, and what a long execution costs.

#include <checker/model.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <set>
#include <string>

#include "catch.hpp"
#include "found.hpp"
#include "random_programs.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto seq_cst = std::memory_order_seq_cst;

struct timed {
  statistics found;
  double seconds = 0;
};

// A busy machine makes a search late: it is repeated until it takes less than `limit` seconds, for
// a minute at most.
template <class Model>
timed search_within(double limit, const options& chosen = {}) {
  using clock = std::chrono::steady_clock;
  const auto last = clock::now() + std::chrono::minutes(1);
  timed run;
  do {
    const auto start = clock::now();
    run.found = verify<Model>(chosen);
    run.seconds = std::chrono::duration<double>(clock::now() - start).count();
  } while (run.seconds >= limit && clock::now() < last);
  return run;
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

struct spins_on_a_flag {
  static constexpr unsigned threads = 2;
  atomic<bool> flag{false};
  var<int> data{0};
  void thread(unsigned index) {
    if (index == 0) {
      while (!flag.load(acquire)) {
      }
      outcome("%d", data.get());
    } else {
      data.set(1);
      flag.store(true, release);
    }
  }
};

struct spin_on_each_other {
  static constexpr unsigned threads = 2;
  std::array<atomic<bool>, 2> flags;
  void thread(unsigned index) {
    while (!flags[1 - index].load(seq_cst)) {
    }
    flags[index].store(true, seq_cst);
  }
};

// A turn of more than one operation, in a function of its own, that keeps what it has read.
struct waits_for_two {
  static constexpr unsigned threads = 3;
  std::array<atomic<int>, 2> values;
  [[gnu::noinline]] bool both(int& first, int& second) {
    first = values[0].load(acquire);
    if (first == 0) return false;
    second = values[1].load(acquire);
    return second != 0;
  }
  void thread(unsigned index) {
    if (index < 2) return values[index].store(static_cast<int>(index) + 1, release);
    int first = 0;
    int second = 0;
    while (!both(first, second)) {
    }
    outcome("%d %d", first, second);
  }
};

// Comes back to the same call each time, and ends by itself: it waits for nothing.
struct looks_ten_times {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 0) return x.store(1, relaxed);
    int seen = 0;
    for (int i = 0; i != 10; ++i) seen += x.load(relaxed);
    outcome("%d", seen);
  }
};

// The same, but what it counts is a member.
struct looks_as_often_as_a_member_says {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  int looks = 0;
  void thread(unsigned index) {
    if (index == 0) return x.store(1, relaxed);
    while (x.load(relaxed) == 0 && ++looks != 10) {
    }
    outcome("%d", looks);
  }
};

struct counts_while_it_waits {
  static constexpr unsigned threads = 2;
  static constexpr std::uint32_t line = __LINE__ + 6;
  atomic<int> turn{0};
  void thread(unsigned index) {
    if (index == 0) return;
    unsigned long long tries = 0;
    // NOLINTNEXTLINE
    while (turn.load(seq_cst) == 0) {
      ++tries;
    }
    outcome("%llu", tries);
  }
};

// Nobody gives it back, and who tries adds and takes away.
struct adds_until_it_is_free {
  static constexpr unsigned threads = 2;
  static constexpr std::uint32_t line = __LINE__ + 4;
  atomic<int> users{0};
  void thread(unsigned index) {
    if (index == 0) users.fetch_add(16, acquire);
    while (index == 1 && users.fetch_add(1, acquire) >= 16) {
      users.fetch_sub(1, relaxed);
    }
  }
};

struct counts_for_ever {
  static constexpr unsigned threads = 1;
  atomic<int> x{0};
  void thread(unsigned) {
    for (;;) x.fetch_add(1, seq_cst);
  }
};

struct long_and_sequential {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  atomic<int> y{0};
  void thread(unsigned index) {
    if (index != 0) return;
    for (int i = 1; i != 1500; ++i) {
      x.store(i, seq_cst);
      require(y.load(seq_cst) == i - 1, "its own value");
      y.store(i, seq_cst);
    }
  }
};

// ---- random programs with loops ----

// What they do, for all runs of a search.
struct step_of_program {
  enum class kind : std::uint8_t { load, store, add, wait, wait_for_both } what;
  unsigned location;
  int value;
  std::memory_order o;
};
struct spinning_program {
  unsigned threads = 2;
  std::array<std::array<step_of_program, 3>, 3> steps{};
  std::array<std::size_t, 3> sizes{};
};
spinning_program chosen_program;  // NOLINT: a model has no arguments

spinning_program random_program(std::uint64_t seed) {
  litmus::random_source random(seed);
  spinning_program made;
  made.threads = 2 + (random.percent(60) ? 1 : 0);
  for (unsigned t = 0; t != made.threads; ++t) {
    made.sizes[t] = 1 + random.below(3);
    for (std::size_t i = 0; i != made.sizes[t]; ++i) {
      step_of_program& added = made.steps[t][i];
      const std::size_t draw = random.below(100);
      using kind = step_of_program::kind;
      added.what = draw < 20   ? kind::load
                   : draw < 55 ? kind::store
                   : draw < 65 ? kind::add
                   : draw < 90 ? kind::wait
                               : kind::wait_for_both;
      added.location = static_cast<unsigned>(random.below(2));
      added.value = static_cast<int>(random.below(2)) + (added.what == kind::store ? 1 : 0);
      const bool reads = added.what != kind::store;
      added.o = random.percent(30)   ? seq_cst
                : random.percent(50) ? relaxed
                : reads              ? acquire
                                     : release;
    }
  }
  return made;
}

// Unpruned, a loop goes round three times at most: more turns are not needed for any outcome.
template <bool Pruned>
struct spinning {
  static constexpr unsigned threads = 3;
  std::array<atomic<int>, 2> x;
  std::array<std::array<int, 3>, 3> got{};

  void thread(unsigned index) {
    for (std::size_t i = 0; i != chosen_program.sizes[index]; ++i) {
      got[index][i] = run(chosen_program.steps[index][i]);
    }
  }
  int run(const step_of_program& now) {
    using kind = step_of_program::kind;
    switch (now.what) {
      case kind::load:
        return x[now.location].load(now.o);
      case kind::store:
        x[now.location].store(now.value, now.o);
        return 0;
      case kind::add:
        return x[now.location].fetch_add(1, now.o);
      case kind::wait: {
        int seen = 0;
        for (int turns = 0; (seen = x[now.location].load(now.o)) == now.value;) count(turns);
        return seen;
      }
      case kind::wait_for_both: {
        int seen = 0;
        for (int turns = 0;;) {
          seen = x[now.location].load(now.o);
          if (seen != now.value && x[1 - now.location].load(now.o) != 0) return seen;
          count(turns);
        }
      }
    }
    return 0;
  }
  static void count(int& turns) {
    if (!Pruned && ++turns > 3) engine::fail(fault::cut, "enough", place::here());
  }
  void after() {
    std::string all;
    for (const auto& thread : got) {
      for (const int each : thread) all += std::to_string(each) + ' ';
    }
    outcome("%s| %d %d", all.c_str(), x[0].load(), x[1].load());
  }
};

}  // namespace

TEST_CASE("a_loop_that_waits_is_an_await") {
  const statistics found = verify<spins_on_a_flag>();
  CHECK(found.errors == 0);
  CHECK(found.cut == 0);
  CHECK(found.blocked != 0);
  CHECK(found.complete == 5);  // after up to four turns in vain
  CHECK(found.outcomes.size() == 1);
  const statistics both = verify<waits_for_two>();
  CHECK(both.errors == 0);
  CHECK(both.cut == 0);
  CHECK(both.outcomes.size() == 1);
  CHECK(both.outcomes.contains("1 2"));
}

TEST_CASE("loops_that_wait_for_each_other_are_a_livelock") {
  const timed run = search_within<spin_on_each_other>(1);
  REQUIRE(run.found.first);
  CHECK(run.found.first->what == fault::livelock);
  CHECK(run.seconds < 1);
  options again;
  again.replay = run.found.first->replay;
  const statistics replayed = verify<spin_on_each_other>(again);
  REQUIRE(replayed.first);
  CHECK(replayed.first->what == fault::livelock);
}

TEST_CASE("a_loop_that_ends_by_itself_is_run_to_its_end") {
  for (const bool find : {true, false}) {
    options chosen;
    chosen.find_waits = find;
    const statistics looks = verify<looks_ten_times>(chosen);
    CHECK(looks.complete == 11);
    CHECK(looks.outcomes.size() == 11);
    CHECK(looks.blocked == 0);
    const statistics member = verify<looks_as_often_as_a_member_says>(chosen);
    CHECK(member.complete == 11);
    CHECK(member.outcomes.size() == 11);
    CHECK(member.blocked == 0);
  }
}

TEST_CASE("a_loop_without_an_end_is_told_with_its_thread_and_line_within_a_second") {
  const timed counting = search_within<counts_while_it_waits>(1);
  CHECK(counting.seconds < 1);
  CHECK(counting.found.cut == 1);
  CHECK(counting.found.errors == 0);
  INFO(counting.found.why_cut);
  CHECK(holds(counting.found.why_cut, "thread 1 spins"));
  CHECK(holds(counting.found.why_cut,
              "spin_test.cpp:" + std::to_string(counts_while_it_waits::line)));
  const timed adding = search_within<adds_until_it_is_free>(1);
  CHECK(adding.seconds < 1);
  CHECK(adding.found.cut != 0);
  INFO(adding.found.why_cut);
  CHECK(holds(adding.found.why_cut, "thread 1 spins"));
  CHECK(
      holds(adding.found.why_cut, "spin_test.cpp:" + std::to_string(adds_until_it_is_free::line)));
  const timed forever = search_within<counts_for_ever>(1);
  CHECK(forever.seconds < 1);
  CHECK(forever.found.cut == 1);
  CHECK(holds(forever.found.why_cut, "thread 0 makes more operations"));
}

TEST_CASE("a_time_limit_holds_within_an_execution") {
  options chosen;
  chosen.events_per_thread = 65'000;
  chosen.seconds = 0.1;
  const timed run = search_within<counts_for_ever>(1, chosen);
  CHECK(run.seconds < 1);
  CHECK(run.found.cut == 1);
  CHECK(run.found.why_cut == "the time is up");
}

// With a check of the whole order at each event it took minutes.
TEST_CASE("a_long_execution_costs_what_its_length_is") {
  const timed run = search_within<long_and_sequential>(2);
  CHECK(run.found.complete == 1);
  CHECK(run.seconds < 2);
}

TEST_CASE("loops_that_wait_have_the_outcomes_of_loops_that_are_run") {
  std::size_t compared = 0;
  std::size_t blocked = 0;
  std::size_t deadlocks = 0;
  for (std::uint64_t seed = 0; seed != 700; ++seed) {
    chosen_program = random_program(seed);
    for (const memory_model model : {memory_model::rc11, memory_model::iso, memory_model::sc}) {
      options chosen;
      chosen.model = model;
      chosen.keep_going = true;
      const statistics pruned = verify<spinning<true>>(chosen);
      chosen.find_waits = false;
      const statistics whole = verify<spinning<false>>(chosen);
      INFO("seed " << seed << ", model " << static_cast<int>(model) << ", " << pruned.why_cut);
      REQUIRE(pruned.cut == 0);
      REQUIRE(outcomes_of(pruned) == outcomes_of(whole));
      ++compared;
      blocked += pruned.blocked != 0 ? 1u : 0u;
      deadlocks += pruned.errors != 0 ? 1u : 0u;
    }
  }
  CHECK(compared == 2100);
  CHECK(blocked > 300);
  CHECK(deadlocks > 50);
}

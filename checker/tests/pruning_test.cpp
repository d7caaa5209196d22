// SPDX-License-Identifier: MIT
// Turns of loops that write what they found: what is left out, and that no outcome is lost.

#include <checker/model.hpp>

#include <array>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <iostream>
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
constexpr auto acq_rel = std::memory_order_acq_rel;
constexpr auto seq_cst = std::memory_order_seq_cst;

// A lock that is taken by swapping, in an await or in a loop of its own.
template <bool Await>
struct swapping_lock {
  static constexpr unsigned threads = 3;
  atomic<bool> taken{false};
  var<int> data{0};
  void thread(unsigned) {
    if constexpr (Await) {
      await([this] { return !taken.exchange(true, acquire); });
    } else {
      while (taken.exchange(true, acquire)) {
      }
    }
    data.set(data.get() + 1);
    taken.store(false, release);
  }
  void after() { outcome("%d", data.get()); }
};

// Readers add themselves, look whether a writer is there, and take themselves back if so.
struct reader_writer_lock {
  static constexpr unsigned threads = 3;
  static constexpr int writer = -100;
  atomic<int> users{0};
  var<int> data{0};
  std::array<int, 2> seen{};
  void thread(unsigned index) {
    if (index == 2) {
      await([this] {
        int nobody = 0;
        return users.compare_exchange_strong(nobody, writer, acquire);
      });
      data.set(1);
      users.fetch_sub(writer, release);
      return;
    }
    await([this] {
      if (users.fetch_add(1, acquire) >= 0) return true;
      users.fetch_sub(1, relaxed);
      return false;
    });
    seen[index] = data.get();
    users.fetch_sub(1, release);
  }
  void after() { outcome("%d %d", seen[0], seen[1]); }
};

struct lock_that_nobody_gives_back {
  static constexpr unsigned threads = 3;
  atomic<bool> taken{false};
  void thread(unsigned) {
    await([this] { return !taken.exchange(true, acquire); });
  }
};

// ---- random programs ----

struct step_of_program {
  enum class kind : std::uint8_t {
    load,
    store,
    add,
    swap_wait,
    add_wait,
    compare_wait,
    read_wait,
    store_wait,
    pulse_wait
  } what;
  unsigned location;
  int value;
  std::memory_order o;
};
struct waiting_program {
  unsigned threads = 2;
  std::array<std::array<step_of_program, 3>, 3> steps{};
  std::array<std::size_t, 3> sizes{};
};
waiting_program chosen_program;  // a model has no arguments

waiting_program random_program(std::uint64_t seed) {
  litmus::random_source random(seed);
  waiting_program made;
  made.threads = 2 + (random.percent(50) ? 1 : 0);
  for (unsigned t = 0; t != made.threads; ++t) {
    made.sizes[t] = 1 + random.below(made.threads == 2 ? 3 : 2);
    for (std::size_t i = 0; i != made.sizes[t]; ++i) {
      step_of_program& added = made.steps[t][i];
      using kind = step_of_program::kind;
      const std::size_t draw = random.below(100);
      added.what = draw < 25   ? kind::load
                   : draw < 45 ? kind::store
                   : draw < 52 ? kind::add
                   : draw < 70 ? kind::swap_wait
                   : draw < 77 ? kind::add_wait
                   : draw < 83 ? kind::compare_wait
                   : draw < 88 ? kind::read_wait
                   : draw < 95 ? kind::store_wait
                               : kind::pulse_wait;
      added.location = static_cast<unsigned>(random.below(2));
      added.value = static_cast<int>(random.below(3));
      const bool reads = added.what == kind::load || added.what == kind::read_wait;
      const bool both = !reads && added.what != kind::store;
      added.o = random.percent(15)   ? seq_cst
                : random.percent(50) ? relaxed
                : both               ? acq_rel
                : reads              ? acquire
                                     : release;
    }
  }
  return made;
}

// Unpruned, a loop goes round so often at most.
constexpr int most_turns = 4;

struct waiting {
  static constexpr unsigned threads = 3;
  std::array<atomic<int>, 2> x;
  std::array<std::array<int, 3>, 3> got{};

  void thread(unsigned index) {
    for (std::size_t i = 0; i != chosen_program.sizes[index]; ++i) {
      got[index][i] = run(chosen_program.steps[index][i]);
    }
  }

  template <class Turn>
  static void wait(Turn turn) {
    int turns = 0;
    await([&] {
      if (turn()) return true;
      // Only a loop that is not left out comes so far.
      if (++turns == most_turns) engine::fail(fault::cut, "enough", place::here());
      return false;
    });
  }

  int run(const step_of_program& now) {
    using kind = step_of_program::kind;
    atomic<int>& here = x[now.location];
    int seen = 0;
    atomic<int>& other = x[1 - now.location];
    const std::memory_order loads = now.o == acq_rel ? acquire : now.o;
    const std::memory_order stores = now.o == acq_rel ? release : now.o;
    switch (now.what) {
      case kind::load:
        return here.load(now.o);
      case kind::store:
        here.store(now.value, now.o);
        return 0;
      case kind::add:
        return here.fetch_add(1, now.o);
      case kind::swap_wait:
        wait([&] { return (seen = here.exchange(1, now.o)) != 1; });
        return seen;
      case kind::add_wait:
        wait([&] {
          if ((seen = here.fetch_add(2, now.o)) != now.value) return true;
          here.fetch_sub(2, now.o);
          return false;
        });
        return seen;
      case kind::compare_wait:
        wait([&] {
          seen = now.value;
          return here.compare_exchange_strong(seen, 5, now.o, relaxed);
        });
        return 5;
      case kind::read_wait:
        wait([&] { return (seen = here.load(loads)) != 0; });
        return seen;
      case kind::store_wait:
        wait([&] {
          here.store(now.value, stores);
          return (seen = other.load(stores == release ? acquire : stores)) != 0;
        });
        return seen;
      case kind::pulse_wait:
        wait([&] {
          here.store(3, stores);
          here.store(now.value, relaxed);
          return (seen = other.load(relaxed)) != 0;
        });
        return seen;
    }
    return 0;
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

TEST_CASE("a_swap_that_changes_nothing_waits") {
  const statistics await = verify<swapping_lock<true>>();
  CHECK(await.errors == 0);
  CHECK(await.cut == 0);
  CHECK(await.complete == 6);  // as with a mutex
  CHECK(await.outcomes.size() == 1);
  const statistics loop = verify<swapping_lock<false>>();
  CHECK(loop.errors == 0);
  CHECK(loop.cut == 0);
  CHECK(loop.complete >= 6);
  CHECK(outcomes_of(loop) == outcomes_of(await));
}

TEST_CASE("what_is_added_and_taken_back_waits") {
  options chosen;
  chosen.seconds = 1;
  statistics found = verify<reader_writer_lock>(chosen);
  // On a busy machine it may be late: once more then, for a minute at most.
  using clock = std::chrono::steady_clock;
  const auto last = clock::now() + std::chrono::minutes(1);
  while (found.cut != 0 && clock::now() < last) found = verify<reader_writer_lock>(chosen);
  CHECK(found.errors == 0);
  CHECK(found.cut == 0);
  CHECK(found.outcomes.size() == 4);
  chosen.prune_put_back = false;
  CHECK(verify<reader_writer_lock>(chosen).cut != 0);
}

TEST_CASE("who_waits_for_what_is_never_given_back_is_in_a_deadlock") {
  const statistics found = verify<lock_that_nobody_gives_back>();
  REQUIRE(found.first);
  CHECK(found.first->what == fault::deadlock);
}

TEST_CASE("what_is_left_out_loses_no_outcome_nor_do_merged_reads") {
  std::size_t compared = 0;
  std::size_t smaller = 0;
  std::size_t merged_smaller = 0;
  for (std::uint64_t seed = 0; seed != 2000; ++seed) {
    chosen_program = random_program(seed);
    for (const memory_model model : {memory_model::rc11, memory_model::sc}) {
      options chosen;
      chosen.model = model;
      chosen.keep_going = true;
      chosen.remember_graphs = 100'000;
      chosen.most_runs = 5'000;
      const statistics pruned = verify<waiting>(chosen);
      if (pruned.runs == chosen.most_runs) continue;
      chosen.merge_reads = true;
      const statistics merged = verify<waiting>(chosen);
      chosen.merge_reads = false;
      chosen.prune_put_back = false;
      chosen.find_waits = false;
      chosen.most_runs = 20'000;
      const statistics whole = verify<waiting>(chosen);
      if (whole.runs == chosen.most_runs) continue;
      INFO("seed " << seed << ", model " << static_cast<int>(model));
      REQUIRE(outcomes_of(pruned) == outcomes_of(whole));
      REQUIRE(pruned.duplicates == 0);
      REQUIRE(outcomes_of(merged) == outcomes_of(whole));
      REQUIRE(merged.duplicates == 0);
      REQUIRE(faults_of(merged) == faults_of(pruned));
      merged_smaller += merged.complete < pruned.complete ? 1u : 0u;
      ++compared;
      smaller += pruned.runs < whole.runs ? 1u : 0u;
    }
  }
  std::cout << "left out: " << compared << " searches compared, " << smaller << " smaller, "
            << merged_smaller << " with merged reads again\n";
  CHECK(compared > 2000);
  CHECK(smaller > 500);
  CHECK(merged_smaller > 50);
}

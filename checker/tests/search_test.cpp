// SPDX-License-Identifier: MIT
// What a search finds does not depend on how it is done: with threads in another order, in parts,
// from a checkpoint, or of a model that is looked at after its threads. The models are in C++, with
// what the notation of litmus tests lacks; metamorphic_test has the laws of litmus tests.

#include <checker/model.hpp>
#include <checker/section.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <iostream>
#include <limits>
#include <random>
#include <stdexcept>
#include <string>
#include <vector>

#include "catch.hpp"
#include "checkpoint_file.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;

// ---- random models ----

enum class action : std::uint8_t { load, store, weak_exchange, exchange, add, of_its_own };

struct operation {
  action what;
  unsigned variable;
  int value;
  bool ordered;
  bool if_read;  // only if the thread has read something else than zero before
};

constexpr unsigned most_operations = 3;

// Threads that do what a table says.
struct random_model {
  static constexpr unsigned threads = 3;
  static inline std::array<std::vector<operation>, threads> table;

  static void draw(std::uint64_t seed) {
    std::mt19937_64 chance(seed);
    const auto below = [&](unsigned n) { return static_cast<unsigned>(chance() % n); };
    for (auto& own : table) {
      own.clear();
      for (unsigned left = 1 + below(most_operations); left != 0; --left) {
        const unsigned variable = below(4) == 0 ? 1 : 0;
        own.push_back({static_cast<action>(below(6)), variable, 1 + static_cast<int>(below(2)),
                       below(3) == 0, below(4) == 0});
      }
    }
  }

  std::array<atomic<int>, 2> variables;

  void thread(unsigned index) {
    int read = 0;
    for (const operation& each : table[index]) {
      if (each.if_read && read == 0) continue;
      atomic<int>& x = variables[each.variable];
      switch (each.what) {
        case action::load:
          read += x.load(each.ordered ? acquire : relaxed);
          break;
        case action::store:
          x.store(each.value, each.ordered ? release : relaxed);
          break;
        case action::weak_exchange: {
          int expected = each.value - 1;
          x.compare_exchange_weak(expected, each.value + 1, relaxed, relaxed);
          read += expected;
          break;
        }
        case action::exchange:
          read += x.exchange(each.value, relaxed);
          break;
        case action::add:
          read += x.fetch_add(each.value, relaxed);
          break;
        case action::of_its_own: {
          atomic<int> own{0};
          own.store(each.value, relaxed);
          break;
        }
      }
    }
  }
};

template <class Model>
struct looked_at_afterwards : Model {
  void after() {}
};

template <class Model>
statistics in_parts(options chosen, unsigned parts) {
  statistics sum;
  for (unsigned part = 0; part != parts; ++part) {
    chosen.part = part;
    chosen.parts = parts;
    sum.add(verify<Model>(chosen));
  }
  return sum;
}

options all_errors() {
  options chosen;
  chosen.keep_going = true;
  chosen.remember_graphs = 100'000;
  return chosen;
}

void require_same(const statistics& found, const statistics& expected) {
  REQUIRE(found.complete == expected.complete);
  REQUIRE(found.blocked == expected.blocked);
  REQUIRE(found.errors == expected.errors);
  REQUIRE(found.hash == expected.hash);
  REQUIRE(found.duplicates == 0);
}

// That it fails is its last alternative. Then the store that it has read moves before another one,
// and it succeeds again.
struct weak_exchange_of_what_moves {
  static constexpr unsigned threads = 3;
  atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 0) return x.store(5, relaxed);
    if (index == 2) return x.store(1, relaxed);
    int expected = 1;
    if (x.compare_exchange_weak(expected, 2, relaxed, relaxed)) x.load(relaxed);
  }
};

// ---- threads that wait ----

// Who waits has stored in each turn. Whether a turn was in vain depends on what stands between its
// stores.
struct stores_while_it_waits {
  static constexpr unsigned threads = 3;
  atomic<int> x{0};
  atomic<int> y{0};
  void thread(unsigned index) {
    if (index == 1) return y.store(1, relaxed);
    if (index == 2) return x.store(2, relaxed);
    await([&] {
      x.store(1, relaxed);
      return y.load(relaxed) != 0;
    });
  }
};

// A thread goes round for ever, if it has read the 0. It counts, so that it is not seen to wait.
template <bool Changes>
struct endless_in_some_executions {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  atomic<int> y{0};
  void thread(unsigned index) {
    if (index == 0) return x.store(1, relaxed);
    if (x.load(relaxed) != 0) return;
    for (unsigned i = 0;; ++i) {
      volatile unsigned turns = i;
      static_cast<void>(turns);
      Changes ? static_cast<void>(y.fetch_add(1, relaxed)) : static_cast<void>(y.load(relaxed));
    }
  }
};

// ---- searches that are interrupted ----

// In pieces as short as can be.
template <class Model>
statistics in_pieces(options chosen) {
  const checkpoint_file file;
  chosen.checkpoint = file.name();
  chosen.seconds = 1e-6;
  statistics found = verify<Model>(chosen);
  unsigned pieces = 1;
  for (; found.cut != 0 && pieces != 10'000; ++pieces) found = verify<Model>(chosen);
  REQUIRE(pieces > 3);
  REQUIRE(found.cut == 0);
  return found;
}

std::vector<std::string> in_order(std::vector<std::string> names) {
  std::sort(names.begin(), names.end());
  return names;
}

// The message is never contended: it is ordered by the flag.
struct message_beside_others {
  static constexpr unsigned threads = 6;
  atomic<int> data{0};
  atomic<int> flag{0};
  atomic<int> x{0};
  int plain = 0;
  void thread(unsigned index) {
    if (index == 0) {
      plain = 1;
      data.store(1, relaxed);
      flag.store(1, release);
    } else if (index == 1) {
      if (flag.load(acquire) == 0) return;
      data.load(relaxed);
    } else {
      x.store(static_cast<int>(index), relaxed);
      x.load(relaxed);
      x.load(relaxed);
      x.load(relaxed);
    }
  }
};

// Some of the executions that come first fail.
struct fails_at_first : message_beside_others {
  void thread(unsigned index) {
    message_beside_others::thread(index);
    if (index == 4) require(x.load(relaxed) != 4, "another one was last");
  }
};

// ---- merged reads ----

struct message_by_fence {
  static constexpr unsigned threads = 2;
  atomic<int> data{0};
  atomic<int> flag{0};
  void thread(unsigned index) {
    if (index == 0) {
      data.store(1, relaxed);
      flag.store(1, relaxed);
    } else if (flag.load(relaxed) == 1) {
      fence(acquire);
      require(data.load(relaxed) == 1, "the message is there");
    }
  }
};

// ---- what is too many ----

template <unsigned Second>
struct two_sleepers {
  static constexpr unsigned threads = Second + 1;
  waitable_atomic<int> word{0};
  void thread(unsigned index) {
    if (index == 0 || index == Second) word.wait(0);
    if (index != 1) return;
    word.store(1);
    word.notify_one();
  }
};

template <unsigned Threads>
struct threads_on_cpus {
  static constexpr unsigned threads = Threads;
  cpus machine{2};
  void thread(unsigned index) {
    if (index == 0 || index + 1 == Threads) machine.current();
  }
};

struct larger_than_memory {
  static constexpr unsigned threads = 1;
  void thread(unsigned) {
    constexpr std::size_t most = std::numeric_limits<std::size_t>::max();
    for (const std::size_t bytes : {most, most - 7, most - 15, most / 2}) {
      require(allocate(bytes) == nullptr, "there is no such memory");
    }
  }
};

template <class Model>
fault fault_of(const options& chosen = {}) {
  const statistics found = verify<Model>(chosen);
  return found.first ? found.first->what : fault::none;
}

}  // namespace

TEST_CASE("random_models_have_the_same_executions_however_they_are_searched") {
  std::uint64_t executions = 0;
  for (std::uint64_t seed = 0; seed != 400; ++seed) {
    random_model::draw(seed);
    for (const memory_model model : {memory_model::rc11, memory_model::sc}) {
      INFO("seed " << seed);
      options chosen = all_errors();
      chosen.model = model;
      const statistics expected = verify<looked_at_afterwards<random_model>>(chosen);
      executions += expected.complete;
      require_same(verify<random_model>(chosen), expected);
      require_same(in_parts<random_model>(chosen, 3), expected);
      chosen.order = {2, 1, 0};
      require_same(verify<random_model>(chosen), expected);
    }
  }
  std::cout << "random models: " << executions << " executions\n";
  CHECK(executions > 5'000);
}

TEST_CASE("a_weak_exchange_succeeds_again_when_what_it_has_read_has_moved") {
  using model = weak_exchange_of_what_moves;
  const statistics expected = verify<looked_at_afterwards<model>>(all_errors());
  CHECK(expected.complete == 9);
  require_same(verify<model>(all_errors()), expected);
}

TEST_CASE("a_turn_is_in_vain_by_what_stands_between_its_stores") {
  const statistics expected = verify<looked_at_afterwards<stores_while_it_waits>>(all_errors());
  CHECK(expected.complete == 6);
  require_same(verify<stores_while_it_waits>(all_errors()), expected);
}

template <bool Changes>
void check_endless_in_parts() {
  for (const unsigned parts : {1u, 2u, 3u}) {
    const statistics found = in_parts<endless_in_some_executions<Changes>>({}, parts);
    INFO(parts << " parts");
    CHECK(found.endless);
    CHECK(found.cut == 1);
    CHECK(found.complete == 1);
  }
}

TEST_CASE("a_loop_without_an_end_is_found_by_the_part_that_has_it") {
  check_endless_in_parts<false>();
  check_endless_in_parts<true>();
}

TEST_CASE("what_was_met_and_what_failed_outlives_a_checkpoint") {
  const statistics whole = verify<message_beside_others>();
  REQUIRE(whole.unmet.size() == 2);
  const statistics pieces = in_pieces<message_beside_others>({});
  CHECK(pieces.complete == whole.complete);
  CHECK(pieces.hash == whole.hash);
  CHECK(in_order(pieces.met) == in_order(whole.met));
  CHECK(in_order(pieces.unmet) == in_order(whole.unmet));
  CHECK(pieces.plain_bytes == whole.plain_bytes);

  const statistics all = verify<fails_at_first>(all_errors());
  const statistics failed = in_pieces<fails_at_first>(all_errors());
  CHECK(failed.errors == all.errors);
  REQUIRE(failed.first);
  CHECK(failed.first->text == all.first->text);
  CHECK(failed.replay == all.replay);
}

TEST_CASE("a_checkpoint_of_other_bounds_is_refused") {
  const checkpoint_file file;
  options chosen;
  chosen.checkpoint = file.name();
  chosen.seconds = 1e-6;
  REQUIRE(verify<message_beside_others>(chosen).cut == 1);
  std::vector<options> others(5, chosen);
  others[0].reuses = 1;
  others[1].prune_put_back = false;
  others[2].find_waits = false;
  others[3].events_per_thread = 100;
  others[4].order = {5, 4, 3, 2, 1, 0};
  for (const options& other : others) {
    CHECK_THROWS_AS(verify<message_beside_others>(other), std::runtime_error);
  }
  CHECK(verify<message_beside_others>(chosen).complete != 0);
}

// The search begins anew without merging where a thread makes such a fence.
TEST_CASE("with_an_acquire_fence_one_execution_and_those_of_a_hunt_are_not_merged") {
  options chosen;
  chosen.merge_reads = true;
  const statistics found = verify<message_by_fence>(chosen);
  REQUIRE(found.errors == 1);
  options once = chosen;
  once.replay = found.replay;
  CHECK(verify<message_by_fence>(once).errors == 1);
  options hunt = chosen;
  hunt.hunt = 1000;
  CHECK(verify<message_by_fence>(hunt).errors == 1);
}

TEST_CASE("what_is_too_many_is_told") {
  CHECK(fault_of<two_sleepers<31>>() == fault::deadlock);
  CHECK(fault_of<two_sleepers<32>>() == fault::misuse);
  CHECK(fault_of<threads_on_cpus<16>>() == fault::none);
  CHECK(fault_of<threads_on_cpus<18>>() == fault::misuse);
  CHECK(fault_of<larger_than_memory>() == fault::none);
  options chosen;
  chosen.stopped_thread = 2;
  CHECK_THROWS_AS(verify<message_by_fence>(chosen), std::invalid_argument);
  for (const std::vector<unsigned>& alike : {std::vector{0u, 2u}, std::vector{1u, 1u}}) {
    options of_alike;
    of_alike.alike = alike;
    CHECK_THROWS_AS(verify<message_by_fence>(of_alike), std::invalid_argument);
  }
  options few;
  few.most_runs = 5;
  CHECK(verify<message_beside_others>(few, 2).runs == 5);
}

// SPDX-License-Identifier: MIT
// Models in C++: each operation, each kind of error, counts that can be found by hand.

#include <checker/model.hpp>

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <limits>
#include <set>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

using namespace checker;

namespace {

constexpr auto relaxed = std::memory_order_relaxed;
constexpr auto acquire = std::memory_order_acquire;
constexpr auto release = std::memory_order_release;
constexpr auto acq_rel = std::memory_order_acq_rel;

options all_errors() {
  options chosen;
  chosen.keep_going = true;
  return chosen;
}

options with_budget(unsigned spurious) {
  options chosen = all_errors();
  chosen.spurious_failures = spurious;
  chosen.remember_graphs = 1000;
  return chosen;
}

template <class Model>
fault first_fault(const options& chosen = {}) {
  const statistics found = verify<Model>(chosen);
  return found.first ? found.first->what : fault::none;
}

template <class Model>
void check_count(std::uint64_t complete, unsigned spurious = 0) {
  const statistics found = verify<Model>(with_budget(spurious));
  CHECK(found.complete == complete);
  CHECK(found.errors == 0);
  CHECK(found.cut == 0);
  CHECK(found.duplicates == 0);
}

// ---- operators ----

// Each line is an operator, and the last one fails.
struct every_operator {
  static constexpr unsigned threads = 1;
  static constexpr std::uint32_t first_line = __LINE__ + 7;
  atomic<std::uint8_t> number{254};
  atomic<int*> pointer{nullptr};
  waitable_atomic<int> word{7};
  int memory[4];

  void thread(unsigned) {
    number = 254;
    ++number;
    number++;
    number += 3;
    number -= 4;
    --number;
    number--;
    number &= 0x3c;
    number |= 3;
    number ^= 1;
    pointer = memory;
    pointer += 3;
    pointer -= 1;
    --pointer;
    word = 4;
    require(false, "shown");
  }
};

struct values_of_operators {
  static constexpr unsigned threads = 1;
  atomic<std::uint8_t> number{254};
  atomic<int*> pointer{nullptr};
  int memory[4];
  void thread(unsigned) {
    require((number = 254) == 254 && ++number == 255 && number++ == 255 && number == 0, "up");
    require(--number == 255 && number-- == 255 && number == 254, "down");
    require((number += 3) == 1 && (number -= 2) == 255, "by more, around the end");
    require((number &= 0x3c) == 0x3c && (number |= 3) == 0x3f && (number ^= 1) == 0x3e, "bits");
    require((pointer = memory) == memory && (pointer += 3) == memory + 3, "a pointer");
    require(--pointer == memory + 2 && pointer-- == memory + 2 && ++pointer == memory + 2,
            "by one");
  }
};

// ---- operations ----

// Every operation once, beside a thread that does not meddle: two executions.
template <class T>
struct integer_operations {
  static constexpr unsigned threads = 2;
  static constexpr T top = std::numeric_limits<T>::max();
  atomic<T> x{T{5}};
  atomic<T> other{T{0}};

  void thread(unsigned index) {
    if (index == 1) {
      other.fetch_add(T{1});
      return;
    }
    require(x.load() == T{5}, "load");
    require(x.fetch_add(T{2}) == T{5}, "fetch_add gives the old value");
    require(x.fetch_sub(T{1}) == T{7}, "fetch_sub");
    require(x.fetch_and(T{4}) == T{6}, "fetch_and");
    require(x.fetch_or(T{9}) == T{4}, "fetch_or");
    require(x.fetch_xor(T{1}) == T{13}, "fetch_xor");
    require(x.exchange(top) == T{12}, "exchange");
    require(x.fetch_add(T{1}) == top, "the greatest value");
    require(x.load() == std::numeric_limits<T>::min(), "it wraps within its own width");
    require(x.fetch_sub(T{1}) == std::numeric_limits<T>::min(), "and back");
    T expected = T{3};
    require(!x.compare_exchange_strong(expected, T{8}), "the expected value is not there");
    require(expected == top, "a failure tells what is there");
    require(x.compare_exchange_strong(expected, T{8}), "the expected value is there");
    x.store(static_cast<T>(x.load() + T{1}));
    outcome("%lld %lld", static_cast<long long>(x.load()), static_cast<long long>(other.load()));
  }
};

struct pointer_operations {
  static constexpr unsigned threads = 2;
  std::array<std::uint32_t, 4> array{};
  atomic<std::uint32_t*> next{array.data()};

  void thread(unsigned) { *next.fetch_add(1, relaxed) = 7; }

  void after() {
    require(next.load() == array.data() + 2, "a pointer moves by whole elements");
    require(array[0] == 7 && array[1] == 7, "each thread has an element of its own");
    require(next.fetch_sub(2) == array.data() + 2 && next.load() == array.data(), "and back");
  }
};

struct publish_by_pointer {
  static constexpr unsigned threads = 2;
  var<int> data{0};
  atomic<var<int>*> shared{nullptr};

  void thread(unsigned index) {
    if (index == 0) {
      data.set(3);
      shared.store(&data, release);
    } else if (var<int>* const got = shared.load(acquire); got != nullptr) {
      require(got->get() == 3, "what a pointer leads to is there");
    }
  }
};

enum class phase : std::uint8_t { before, between, behind };

struct enumerations_and_bools {
  static constexpr unsigned threads = 2;
  atomic<phase> now{phase::before};
  atomic<bool> flag{false};

  void thread(unsigned index) {
    if (index == 0) {
      phase expected = phase::before;
      require(now.compare_exchange_strong(expected, phase::between, acq_rel, relaxed), "alone");
      flag.store(true, release);
    } else if (flag.exchange(false, acquire)) {
      require(now.load(relaxed) == phase::between, "ordered by the flag");
    }
  }
};

// ---- weak compare-and-swap ----

struct one_weak_attempt {
  static constexpr unsigned threads = 1;
  atomic<int> x{0};
  void thread(unsigned) {
    int expected = 0;
    x.compare_exchange_weak(expected, 1, relaxed);
    require(expected == 0, "a spurious failure has read the expected value");
  }
};

struct weak_attempt_at_another_value {
  static constexpr unsigned threads = 1;
  atomic<int> x{2};
  void thread(unsigned) {
    int expected = 0;
    require(!x.compare_exchange_weak(expected, 1, relaxed) && expected == 2, "a real failure");
  }
};

// Up to two attempts, the second only if the first fails.
struct two_weak_attempts {
  static constexpr unsigned threads = 1;
  atomic<int> x{0};
  void thread(unsigned) {
    int expected = 0;
    if (!x.compare_exchange_weak(expected, 1, relaxed)) {
      x.compare_exchange_weak(expected, 1, relaxed);
    }
  }
};

struct two_weak_attempters {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned) {
    int expected = 0;
    x.compare_exchange_weak(expected, 1, relaxed);
  }
};

// ---- choices ----

struct independent_choices {
  static constexpr unsigned threads = 2;
  void thread(unsigned index) { outcome("%u%u", index, choose(index == 0 ? 3 : 2)); }
};

struct dependent_choices {
  static constexpr unsigned threads = 1;
  void thread(unsigned) {
    const unsigned first = choose(3);
    if (first != 0) choose(first + 1);
    choose(1);
  }
};

struct chosen_value_is_written {
  static constexpr unsigned threads = 2;
  atomic<unsigned> x{0};
  void thread(unsigned index) {
    if (index == 0) {
      x.store(choose(2) + 1, relaxed);
    } else {
      outcome("%u", x.load(relaxed));
    }
  }
};

// ---- waiting ----

struct await_a_flag {
  static constexpr unsigned threads = 2;
  atomic<bool> flag{false};
  var<int> data{0};
  void thread(unsigned index) {
    if (index == 0) {
      data.set(1);
      flag.store(true, release);
    } else {
      await([this] { return flag.load(acquire); });
      require(data.get() == 1, "what was done before the flag is seen behind the await");
    }
  }
};

struct await_what_never_comes {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 0) {
      x.store(1, relaxed);
    } else {
      await([this] { return x.load(relaxed) == 2; });
    }
  }
};

struct await_each_other {
  static constexpr unsigned threads = 2;
  std::array<atomic<bool>, 2> flags;
  void thread(unsigned index) {
    await([&] { return flags[1 - index].load(acquire); });
    flags[index].store(true, release);
  }
};

// An iteration that changes something is not the same as none: it runs on, up to the bound.
struct await_that_changes {
  static constexpr unsigned threads = 1;
  atomic<int> x{0};
  void thread(unsigned) {
    await([this] {
      x.fetch_add(1, relaxed);
      return false;
    });
  }
};

struct three_changing_iterations {
  static constexpr unsigned threads = 1;
  atomic<int> x{0};
  void thread(unsigned) {
    await([this] { return x.fetch_add(1, relaxed) == 2; });
  }
};

template <unsigned N>
struct lockers {
  static constexpr unsigned threads = N;
  mutex lock;
  var<int> data{0};
  void thread(unsigned) {
    lock.lock();
    data.set(data.get() + 1);
    lock.unlock();
  }
  void after() { require(data.get() == static_cast<int>(N), "every section has run"); }
};

struct two_locks_in_two_orders {
  static constexpr unsigned threads = 2;
  std::array<mutex, 2> locks;
  void thread(unsigned index) {
    locks[index].lock();
    locks[1 - index].lock();
    locks[1 - index].unlock();
    locks[index].unlock();
  }
};

struct unlock_without_lock {
  static constexpr unsigned threads = 1;
  mutex lock;
  void thread(unsigned) { lock.unlock(); }
};

template <bool Notifies>
struct wait_and_notify {
  static constexpr unsigned threads = 2;
  waitable_atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 0) {
      x.store(1, release);
      if constexpr (Notifies) x.notify_one();
    } else {
      x.wait(0, acquire);
    }
  }
};

struct handed_over {
  static constexpr unsigned threads = 2;
  mutex lock;
  condition_variable changed;
  var<bool> ready{false};
  void thread(unsigned index) {
    lock.lock();
    if (index == 0) {
      ready.set(true);
      changed.notify_one();
    } else {
      changed.wait(lock, [this] { return ready.get(); });
    }
    lock.unlock();
  }
};

// Two threads count in sections that are neither moved nor aborted.
template <unsigned Cpus>
struct counting_sections {
  static constexpr unsigned threads = 2;
  cpus machine{Cpus, 0, 0};
  atomic<int> count{0};
  void thread(unsigned) {
    machine.run([this](section& here) {
      const int seen = count.load(relaxed);
      here.commit([&] { count.store(seen + 1, relaxed); });
    });
  }
  void after() { outcome("%d", count.load()); }
};

// ---- memory ----

struct leak {
  static constexpr unsigned threads = 1;
  void thread(unsigned) { allocate(8); }
};

struct leak_in_one_execution {
  static constexpr unsigned threads = 2;
  atomic<bool> flag{false};
  void thread(unsigned index) {
    if (index == 0) {
      flag.store(true, relaxed);
      return;
    }
    void* const block = allocate(8);
    if (!flag.load(relaxed)) deallocate(block);
  }
};

struct free_twice {
  static constexpr unsigned threads = 1;
  void thread(unsigned) {
    void* const block = allocate(8);
    deallocate(block);
    deallocate(block);
  }
};

struct free_of_what_is_no_block {
  static constexpr unsigned threads = 1;
  atomic<int> first{0};
  atomic<int> second{0};
  void thread(unsigned) { deallocate(&second); }
};

template <class Object>
struct use_after_the_free {
  static constexpr unsigned threads = 2;
  atomic<Object*> shared{nullptr};
  void thread(unsigned index) {
    if (index == 0) {
      auto* const made = ::new (allocate(sizeof(Object))) Object(1);
      shared.store(made, release);
      deallocate(made);
    } else if (Object* const got = shared.load(acquire); got != nullptr) {
      if constexpr (requires { got->load(relaxed); }) {
        got->load(relaxed);
      } else {
        got->get();
      }
    }
  }
};

struct use_after_the_free_of_ones_own {
  static constexpr unsigned threads = 1;
  void thread(unsigned) {
    auto* const made = ::new (allocate(sizeof(var<int>))) var<int>(1);
    deallocate(made);
    made->get();
  }
};

struct freed_by_the_reader {
  static constexpr unsigned threads = 2;
  atomic<var<int>*> shared{nullptr};
  void thread(unsigned index) {
    if (index == 0) {
      shared.store(::new (allocate(sizeof(var<int>))) var<int>(4), release);
      return;
    }
    var<int>* got = nullptr;
    await([&] { return (got = shared.load(acquire)) != nullptr; });
    require(got->get() == 4, "the object is there");
    got->~var();
    deallocate(got);
  }
};

// One thread frees; the other, if it knows of that, may get the same block or a fresh one.
struct freed_memory_is_used_again {
  static constexpr unsigned threads = 2;
  atomic<bool> freed{false};
  void* first = nullptr;
  void thread(unsigned index) {
    if (index == 0) {
      first = allocate(8);
      deallocate(first);
      freed.store(true, relaxed);
    } else if (freed.load(relaxed)) {
      void* const second = allocate(8);
      outcome(second == first ? "again" : "fresh");
      deallocate(second);
    } else {
      outcome("unknown");
    }
  }
};

// The free happens before the allocation that uses the block again, by whatever means it is known.
struct use_again_is_ordered {
  static constexpr unsigned threads = 2;
  var<int> data{0};
  atomic<void*> freed{nullptr};
  void thread(unsigned index) {
    if (index == 0) {
      void* const block = allocate(8);
      data.set(1);
      deallocate(block);
      freed.store(block, relaxed);
    } else if (void* const known = freed.load(relaxed); known != nullptr) {
      void* const block = allocate(8);
      if (block == known) require(data.get() == 1, "the free is ordered before the allocation");
      deallocate(block);
    }
  }
};

struct another_size_is_not_used_again {
  static constexpr unsigned threads = 1;
  void thread(unsigned) {
    fence(relaxed);
    deallocate(allocate(8));
    deallocate(allocate(16));
  }
};

struct read_before_any_write {
  static constexpr unsigned threads = 1;
  var<int> data;
  void thread(unsigned) { data.get(); }
};

// ---- races ----

template <bool Writer, bool Reader>
struct two_accesses {
  static constexpr unsigned threads = 2;
  var<int> data{0};
  void thread(unsigned index) {
    const bool writes = index == 0 ? Writer : Reader;
    if (writes) {
      data.set(1);
    } else {
      data.get();
    }
  }
};

template <std::memory_order Store, std::memory_order Load>
struct message {
  static constexpr unsigned threads = 2;
  var<int> data{0};
  atomic<bool> ready{false};
  void thread(unsigned index) {
    if (index == 0) {
      data.set(1);
      ready.store(true, Store);
    } else if (ready.load(Load)) {
      require(data.get() == 1, "the message is there");
    }
  }
};

// ---- models that are not what they were ----

int calls = 0;

// Leaks, so that no two executions get the same address.
struct plain_new {
  static constexpr unsigned threads = 2;
  atomic<int*> shared{nullptr};
  void thread(unsigned index) {
    index == 0 ? shared.store(new int(1), release) : static_cast<void>(shared.load(acquire));
  }
};

struct another_value_each_time {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  void thread(unsigned index) {
    if (index == 0) {
      x.store(++calls, relaxed);
    } else {
      x.load(relaxed);
    }
  }
};

struct one_event_fewer_later {
  static constexpr unsigned threads = 2;
  atomic<int> x{0};
  atomic<int> y{0};
  void thread(unsigned index) {
    if (index == 0) {
      x.store(1, relaxed);
      if (++calls == 1) y.store(1, relaxed);
    } else {
      y.load(relaxed);
      x.load(relaxed);
    }
  }
};

// ---- one failing execution among many ----

struct fails_in_one_execution {
  static constexpr unsigned threads = 3;
  std::array<atomic<int>, 2> cells;
  void thread(unsigned index) {
    if (index == 2) {
      const int first = cells[0].load(relaxed);
      const unsigned chosen = choose(3);
      const int second = cells[1].fetch_add(1, relaxed);
      require(first != 1 || chosen != 2 || second != 1, "all three at once");
    } else {
      cells[index].store(1, relaxed);
    }
  }
};

std::vector<std::uint64_t> shape_of(const counterexample& seen) {
  std::vector<std::uint64_t> shape;
  for (event_id e = 0; e != seen.graph.size(); ++e) {
    const event& each = seen.graph[e];
    std::uint64_t source = 0xffff;
    if (each.reads() && each.source != initial) {
      source = std::uint64_t{seen.graph[each.source].thread} << 8 | seen.graph[each.source].index;
    }
    shape.insert(shape.end(), {each.thread, each.index, static_cast<std::uint64_t>(each.kind),
                               each.value, source, each.in_co ? each.position + 1u : 0u});
  }
  return shape;
}

std::set<std::vector<std::uint64_t>> rows_of(const counterexample& seen) {
  const std::vector<std::uint64_t> all = shape_of(seen);
  std::set<std::vector<std::uint64_t>> rows;
  for (std::size_t i = 0; i != all.size(); i += 6) {
    rows.emplace(all.begin() + static_cast<std::ptrdiff_t>(i),
                 all.begin() + static_cast<std::ptrdiff_t>(i + 6));
  }
  return rows;
}

}  // namespace

TEST_CASE("integers_of_every_width_have_their_operations") {
  check_count<integer_operations<std::uint8_t>>(2);
  check_count<integer_operations<std::int8_t>>(2);
  check_count<integer_operations<std::uint16_t>>(2);
  check_count<integer_operations<std::int16_t>>(2);
  check_count<integer_operations<std::uint32_t>>(2);
  check_count<integer_operations<std::int32_t>>(2);
  check_count<integer_operations<std::uint64_t>>(2);
  check_count<integer_operations<std::int64_t>>(2);
  const statistics found = verify<integer_operations<std::uint8_t>>();
  CHECK((found.outcomes.contains("9 0") && found.outcomes.contains("9 1")));
}

TEST_CASE("pointers_enumerations_and_bools_are_values") {
  check_count<pointer_operations>(2);
  check_count<publish_by_pointer>(2);
  check_count<enumerations_and_bools>(2);
}

TEST_CASE("a_weak_exchange_fails_spuriously_within_its_budget") {
  check_count<one_weak_attempt>(1, 0);
  check_count<one_weak_attempt>(2, 1);
  check_count<one_weak_attempt>(2, 5);
  check_count<weak_attempt_at_another_value>(1, 1);
  check_count<two_weak_attempts>(1, 0);
  check_count<two_weak_attempts>(2, 1);
  check_count<two_weak_attempts>(3, 2);
  // One succeeds and the other reads its value, or the initial one and fails spuriously; or both
  // do.
  check_count<two_weak_attempters>(2, 0);
  check_count<two_weak_attempters>(5, 1);
}

TEST_CASE("choices_multiply") {
  check_count<independent_choices>(6);
  CHECK(verify<independent_choices>().outcomes.size() == 6);
  check_count<dependent_choices>(1 + 2 + 3);
  check_count<chosen_value_is_written>(4);
  CHECK(verify<chosen_value_is_written>().outcomes.size() == 3);
}

TEST_CASE("who_waits_for_a_value_goes_on_when_it_is_there") {
  const statistics found = verify<await_a_flag>();
  CHECK(found.complete == 1);
  CHECK(found.blocked == 1);  // on the stale value
  CHECK(found.errors == 0);
}

TEST_CASE("waiting_for_what_cannot_come_is_a_deadlock_and_on_a_stale_value_is_none") {
  const statistics found = verify<await_what_never_comes>(all_errors());
  CHECK(found.complete == 0);
  CHECK(found.blocked == 1);
  CHECK(found.errors == 1);
  CHECK(first_fault<await_what_never_comes>() == fault::deadlock);
  CHECK(first_fault<await_each_other>() == fault::deadlock);
}

TEST_CASE("an_iteration_that_changes_something_is_not_skipped") {
  check_count<three_changing_iterations>(1);
  options chosen;
  chosen.events_per_thread = 20;
  const statistics found = verify<await_that_changes>(chosen);
  CHECK(found.cut == 1);
  CHECK(found.complete == 0);
  CHECK(found.errors == 0);
}

TEST_CASE("n_lockers_come_in_every_order") {
  CHECK(verify<lockers<2>>().complete == 2);
  CHECK(verify<lockers<3>>().complete == 6);
  const statistics found = verify<lockers<4>>();
  CHECK(found.complete == 24);
  CHECK(found.errors == 0);
}

TEST_CASE("a_mutex_that_is_misused_is_told") {
  CHECK(first_fault<two_locks_in_two_orders>() == fault::deadlock);
  CHECK(first_fault<unlock_without_lock>() == fault::misuse);
}

TEST_CASE("memory_is_given_back_once_and_not_used_afterwards") {
  CHECK(first_fault<leak>() == fault::memory_leak);
  CHECK(first_fault<free_twice>() == fault::double_free);
  CHECK(first_fault<free_of_what_is_no_block>() == fault::misuse);
  CHECK(first_fault<use_after_the_free_of_ones_own>() == fault::use_after_free);
  CHECK(first_fault<read_before_any_write>() == fault::uninitialised_read);
  const statistics found = verify<leak_in_one_execution>(all_errors());
  CHECK(found.complete == 1);
  CHECK(found.errors == 1);
}

TEST_CASE("freed_memory_may_be_used_again_by_who_knows_of_the_free") {
  check_count<freed_memory_is_used_again>(3);
  CHECK(verify<freed_memory_is_used_again>().outcomes.size() == 3);
  options fresh = all_errors();
  fresh.reuse_memory = false;
  CHECK(verify<freed_memory_is_used_again>(fresh).complete == 2);
  CHECK(first_fault<use_again_is_ordered>(all_errors()) == fault::none);
  check_count<another_size_is_not_used_again>(1);
}

TEST_CASE("a_notified_thread_wakes_and_one_that_is_not_sleeps_for_ever") {
  const statistics found = verify<wait_and_notify<true>>(with_budget(0));
  CHECK(found.errors == 0);
  CHECK(found.complete != 0);
  CHECK(first_fault<wait_and_notify<false>>() == fault::deadlock);
}

TEST_CASE("a_condition_variable_loses_no_notification_under_its_mutex") {
  for (const unsigned spurious : {0u, 1u}) {
    const statistics found = verify<handed_over>(with_budget(spurious));
    CHECK(found.errors == 0);
    CHECK(found.complete != 0);
    CHECK(found.duplicates == 0);
  }
}

// On one CPU the sections exclude each other; on two they may both read 0.
TEST_CASE("sections_of_one_cpu_are_ordered_and_those_of_two_are_not") {
  const statistics one = verify<counting_sections<1>>(with_budget(0));
  CHECK(one.errors == 0);
  CHECK(one.complete == 2);
  CHECK(one.outcomes.size() == 1);
  const statistics two = verify<counting_sections<2>>(with_budget(0));
  CHECK(two.outcomes.size() == 2);
}

// Which of both it is called depends on who runs first.
TEST_CASE("a_free_that_is_not_ordered_with_a_use_is_an_error") {
  for (const fault found : {first_fault<use_after_the_free<var<int>>>(),
                            first_fault<use_after_the_free<atomic<int>>>()}) {
    CHECK((found == fault::use_after_free || found == fault::data_race));
  }
  CHECK(first_fault<freed_by_the_reader>() == fault::none);
}

TEST_CASE("unordered_accesses_race_if_one_of_them_writes") {
  CHECK(first_fault<two_accesses<true, true>>() == fault::data_race);
  CHECK(first_fault<two_accesses<true, false>>() == fault::data_race);
  CHECK(first_fault<two_accesses<false, true>>() == fault::data_race);
  CHECK(first_fault<two_accesses<false, false>>() == fault::none);
  CHECK(first_fault<message<release, acquire>>() == fault::none);
  CHECK(first_fault<message<relaxed, acquire>>() == fault::data_race);
  CHECK(first_fault<message<release, relaxed>>() == fault::data_race);
}

TEST_CASE("plain_new_is_named_as_what_makes_a_model_nondeterministic") {
  const statistics found = verify<plain_new>();
  REQUIRE(found.first);
  CHECK(found.first->what == fault::nondeterministic);
  CHECK(found.first->text.find("plain new or malloc gave") != std::string::npos);
  CHECK(found.first->text.find("checker::allocate") != std::string::npos);
  const statistics other = verify<another_value_each_time>();
  REQUIRE(other.first);
  CHECK(other.first->text.find("a static that keeps its value") != std::string::npos);
}

TEST_CASE("a_model_that_behaves_otherwise_the_next_time_is_told") {
  calls = 0;
  CHECK(first_fault<another_value_each_time>() == fault::nondeterministic);
  calls = 0;
  CHECK(first_fault<one_event_fewer_later>() == fault::nondeterministic);
}

TEST_CASE("a_replay_string_runs_exactly_the_failing_execution_again") {
  const statistics found = verify<fails_in_one_execution>();
  REQUIRE(found.first);
  CHECK(found.complete != 0);
  options chosen;
  chosen.replay = found.first->replay;
  const statistics again = verify<fails_in_one_execution>(chosen);
  CHECK(again.runs == 1);
  CHECK(again.errors == 1);
  REQUIRE(again.first);
  CHECK(again.first->what == fault::assertion);
  CHECK(again.first->text == "all three at once");
  CHECK(again.first->replay == found.first->replay);
  CHECK(rows_of(*again.first) == rows_of(*found.first));
}

TEST_CASE("only_the_execution_of_a_replay_string_is_run") {
  options chosen;
  chosen.replay = "0@0,1@0,2=0.0,2?1,2=1.0@1";
  const statistics found = verify<fails_in_one_execution>(chosen);
  CHECK(found.runs == 1);
  CHECK(found.complete == 1);
  CHECK(found.errors == 0);
}

TEST_CASE("a_replay_string_that_is_none_is_rejected") {
  for (const char* text : {"0@", "7@0", "0=1", "x", "0@0;1@0", "0@0,"}) {
    options chosen;
    chosen.replay = text;
    INFO(text);
    CHECK_THROWS_AS(verify<fails_in_one_execution>(chosen), std::invalid_argument);
  }
}

std::string refusal_of(const char* replay) {
  options chosen;
  chosen.replay = replay;
  try {
    verify<fails_in_one_execution>(chosen);
  } catch (const std::invalid_argument& refused) {
    return refused.what();
  }
  return "not refused";
}

// Each would run some execution, which is not the one that the string is of.
TEST_CASE("a_replay_string_of_another_execution_is_rejected") {
  REQUIRE(refusal_of("0@0,1@0,2=0.0,2?1,2=1.0@1") == "not refused");
  const std::pair<const char*, const char*> others[] = {
      {"0@0,1@0,2=0.0,2?1", "it ends before"},            // cut off
      {"0@0", "it ends before"},                          //
      {"-", "it ends before"},                            //
      {"0@0,1@0,2=0.0,2?1,2=1.0@1,2", "ends before it"},  // too long
      {"0@0,1@0,2=0.0,0@0", "come to its end"},           // an event too many of one thread
      {"0@0,1@0,2@1", "another kind"},                    // a write for a read
      {"0=i", "another kind"},                            // a read for a write
      {"0@0,1@0,2=0.0@1", "another kind"},                // an update for a read
      {"0@0,1@0,2=0.0!", "another kind"},                 // it cannot fail
      {"0@0,1@0,2=0.0,2=1.0@1", "another kind"},          // an update for a choice
      {"0@0,1@0,2=1.0", "another kind"},                  // a source at another place
      {"0@0,1@0,2=0.1", "another kind"},                  // a source that is not there
      {"0@0,1@0,2=0.0,2?1,2=1.0", "does not allow"},      // a swap that writes nothing
      {"0@0,1@0,2=0.0,2?7", "another kind"},              // an alternative that is not there
      {"0@0,1@1", "does not allow"},                      // a place in co that is not there
      {"0@0,1@0,2=0.0,2?1,2=1.0@0", "does not allow"},    // a write before what it has read
  };
  for (const auto& [text, why] : others) {
    INFO(text);
    CHECK(refusal_of(text).find(why) != std::string::npos);
  }
}

TEST_CASE("operators_do_what_those_of_std_atomic_do") { check_count<values_of_operators>(1); }

TEST_CASE("an_operator_has_the_place_where_it_stands") {
  const statistics found = verify<every_operator>();
  REQUIRE(found.first);
  std::vector<std::uint32_t> lines;
  for (const step& each : found.first->steps) {
    if (each.what != step::kind::event || !found.first->graph[each.e].writes()) continue;
    CHECK(each.from.name() == "model_test.cpp");
    lines.push_back(each.from.line);
  }
  REQUIRE(lines.size() == 15);
  for (std::size_t i = 0; i != lines.size(); ++i) CHECK(lines[i] == every_operator::first_line + i);
}

// SPDX-License-Identifier: MIT
// bounded_pool.hpp: the maximum, the queue, the ways in which a wait ends, and cycles. That no
// wake-up is lost whatever the schedule is proved by bounded_clients/.
#include <poolproof/bounded_pool.hpp>
#include <poolproof/object_pool.hpp>
#include <poolproof/trimmer.hpp>

#include <atomic>
#include <chrono>
#include <coroutine>
#include <csignal>
#include <cstddef>
#include <cstdlib>
#include <cstring>
#include <deque>
#include <exception>
#include <limits>
#include <memory>
#include <mutex>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <stop_token>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

#include "allocations.hpp"
#include "awaited.hpp"
#include "catch.hpp"
#include "child.hpp"
#include "tracked.hpp"

#if defined(__GLIBC__)
#include <poll.h>
#include <pthread.h>
#endif

namespace {

using namespace std::chrono_literals;
using poolproof::pool_closed;
using poolproof::pool_options;
using poolproof::test::all_given_back;
using poolproof::test::awaited;
using poolproof::test::holds_in_child;
using poolproof::test::tracked;
using steady_clock = std::chrono::steady_clock;
using pool_type = poolproof::bounded_pool<tracked>;
using handle = pool_type::handle;

constexpr pool_options no_cycles{.cycle_interval = std::nullopt};

// Items are numbered from 1 on.
auto counting() {
  return [made = 0]() mutable { return std::make_unique<tracked>(++made); };
}

template <class Condition>
void wait_until(const char* what, Condition condition) {
  awaited it(what);
  while (it.missing()) {
    it.happened(condition());
    std::this_thread::yield();
  }
  it.check();
}

void wait_for_queue(const pool_type& pool, std::size_t length) {
  wait_until("so many calls waited", [&] { return pool.stats().waiting == length; });
}

// --- Coroutines ----------------------------------------------------------------------------------

// One that runs at once, and ends by itself.
struct coroutine {
  struct promise_type {
    coroutine get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

// Runs what was posted when it is told to. Any thread may post: who gives an item back calls the
// executor of who waits for it.
class postbox {
 public:
  auto executor() {
    return [this](std::coroutine_handle<> ready) {
      const std::lock_guard lock(mutex_);
      posted_.push_back(ready);
    };
  }
  std::size_t size() const {
    const std::lock_guard lock(mutex_);
    return posted_.size();
  }
  bool empty() const { return size() == 0; }
  std::coroutine_handle<> take() {
    const std::lock_guard lock(mutex_);
    const std::coroutine_handle<> first = posted_.front();
    posted_.pop_front();
    return first;
  }
  void run_one() { take().resume(); }

 private:
  mutable std::mutex mutex_;
  std::deque<std::coroutine_handle<>> posted_;
};

// co_await stores the coroutine's handle.
struct own_frame {
  std::coroutine_handle<>& out;
  bool await_ready() const noexcept { return false; }
  bool await_suspend(std::coroutine_handle<> self) const noexcept {
    out = self;
    return false;
  }
  void await_resume() const noexcept {}
};

// What became of a get_async.
struct result {
  std::optional<handle> got;
  bool closed = false;
  bool threw = false;
};

template <class Executor>
coroutine get_into(pool_type& pool, Executor executor, result& out, std::stop_token stop = {}) {
  try {
    out.got = co_await pool.get_async(executor, stop);
  } catch (const pool_closed&) {
    out.closed = true;
  } catch (const std::runtime_error&) {
    out.threw = true;
  }
}

// The same; `frame` is the coroutine, to be destroyed while it waits.
template <class Executor>
coroutine get_into_of(pool_type& pool, Executor executor, result& out, std::stop_token stop,
                      std::coroutine_handle<>& frame) {
  co_await own_frame{frame};
  out.got = co_await pool.get_async(executor, stop);
}

// --- The maximum ---------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "items_are_made_up_to_the_maximum_and_used_again", "[bounded]") {
  pool_type pool(2, counting());
  handle first = pool.get();
  handle second = pool.get();
  CHECK(first->value == 1);
  CHECK(second->value == 2);
  CHECK_FALSE(pool.try_get());
  first = {};
  CHECK(pool.try_get()->value == 1);
  second = {};
  CHECK(tracked::constructed() == 2);
  const auto stats = pool.stats();
  CHECK(stats.max == 2);
  CHECK(stats.existing == 2);
  CHECK(stats.idle == 2);
  CHECK(stats.peak_in_use == 2);
  CHECK(stats.waiting == 0);
}

TEST_CASE_METHOD(all_given_back, "peak_is_of_what_was_out_at_once", "[bounded]") {
  pool_type pool(3, counting());
  CHECK(pool.stats().peak_in_use == 0);
  { const handle one = pool.get(); }
  { const handle again = pool.get(); }
  CHECK(pool.stats().peak_in_use == 1);
  {
    const handle one = pool.get(), other = pool.get();
    CHECK(pool.stats().peak_in_use == 2);
  }
  { const handle one = pool.get(); }
  CHECK(pool.stats().peak_in_use == 2);
  poolproof::for_each_pool([](std::string_view, const poolproof::pool_stats& told) {
    CHECK(told.in_use == 0);
    CHECK(told.peak_in_use == 2);
  });
}

TEST_CASE_METHOD(all_given_back, "gets_are_counted_by_what_they_found", "[bounded]") {
  pool_type pool(2, counting());
  handle first = pool.get();
  handle second = pool.get();
  CHECK(pool.stats().misses == 2);
  CHECK(pool.stats().hits == 0);
  first = {};
  first = pool.try_get();
  CHECK(pool.stats().hits == 1);
  CHECK(pool.stats().queued == 0);
  const auto next_gets = [&](auto give_back) {
    std::thread waiting([&] { static_cast<void>(pool.get()); });
    wait_for_queue(pool, 1);
    give_back();
    waiting.join();
  };
  next_gets([&] { first = {}; });
  CHECK(pool.stats().hits == 2);
  first = pool.get();
  next_gets([&] { second.discard(); });
  CHECK(pool.stats().misses == 3);
  CHECK(pool.stats().queued == 2);
  CHECK(pool.stats().given_up == 0);
}

TEST_CASE_METHOD(all_given_back, "gets_that_are_not_served_are_counted", "[bounded]") {
  pool_type pool(1, counting());
  const handle held = pool.get();
  CHECK_FALSE(pool.try_get());
  CHECK_FALSE(pool.get_for(1ms));
  CHECK(pool.stats().queued == 2);
  CHECK(pool.stats().given_up == 2);
  std::stop_source stop;
  std::thread waiting([&] { static_cast<void>(pool.get(stop.get_token())); });
  wait_for_queue(pool, 1);
  stop.request_stop();
  waiting.join();
  CHECK_FALSE(pool.get(stop.get_token()));  // has not even asked
  CHECK(pool.stats().queued == 3);
  CHECK(pool.stats().given_up == 3);
  postbox posts;
  result never;
  std::coroutine_handle<> frame;
  get_into_of(pool, posts.executor(), never, {}, frame);
  frame.destroy();
  CHECK(pool.stats().queued == 4);
  CHECK(pool.stats().given_up == 4);
  result closed;
  get_into(pool, posts.executor(), closed);
  pool.close();
  posts.run_one();
  CHECK(closed.closed);
  CHECK(pool.stats().queued == 5);
  CHECK(pool.stats().given_up == 4);
  CHECK(pool.stats().misses == 1);
}

TEST_CASE_METHOD(all_given_back, "cycles_are_counted_with_what_they_destroy", "[bounded]") {
  pool_type pool(2, counting(), no_cycles);
  { const handle a = pool.get(), b = pool.get(); }
  pool.rotate();
  static_cast<void>(pool.get());
  pool.rotate();
  poolproof::rotate_all();
  CHECK(pool.stats().cycles == 3);
  CHECK(pool.stats().cycle_destroyed == 2);
  static_cast<void>(pool.get());
  pool.close();
  CHECK(pool.stats().cycle_destroyed == 2);
}

TEST_CASE_METHOD(all_given_back, "each_number_is_printed_under_its_name", "[bounded]") {
  poolproof::bounded_stats stats{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
  std::ostringstream text;
  text << stats;
  CHECK(text.str() ==
        "max 1, existing 2, idle 3, peak_in_use 4, waiting 5, hits 6, misses 7, queued 8, "
        "given_up 9, cycles 10, cycle_destroyed 11");
}

TEST_CASE_METHOD(all_given_back, "for_each_pool_is_told_what_the_pool_tells", "[bounded]") {
  pool_type pool(3, counting(), no_cycles);
  { const handle a = pool.get(), b = pool.get(), c = pool.get(); }
  pool.rotate();
  const handle a = pool.get(), b = pool.get();
  pool.rotate();
  { const handle c = pool.get(); }
  const handle c = pool.get();
  CHECK_FALSE(pool.try_get());
  int pools = 0;
  poolproof::for_each_pool([&](std::string_view, const poolproof::pool_stats& told) {
    const poolproof::bounded_stats own = pool.stats();
    CHECK(told.kind == poolproof::pool_kind::bounded);
    CHECK(told.hits == 3);
    CHECK(told.misses == 4);
    CHECK(told.cycles == own.cycles);
    CHECK(told.cycle_destroyed == 1);
    CHECK(told.retained == own.idle);
    CHECK(told.in_use == 3);
    CHECK(told.peak_in_use == own.peak_in_use);
    CHECK(told.max == 3);
    CHECK(told.queued == 1);
    CHECK(told.given_up == 1);
    ++pools;
  });
  CHECK(pools == 1);
}

TEST_CASE_METHOD(all_given_back, "newest_idle_item_comes_first", "[bounded]") {
  pool_type pool(3, counting());
  {
    handle a = pool.get(), b = pool.get(), c = pool.get();
    b = {};
    a = {};
    c = {};
  }
  const handle first = pool.get(), second = pool.get(), third = pool.get();
  CHECK(first->value == 3);
  CHECK(second->value == 1);
  CHECK(third->value == 2);
}

TEST_CASE_METHOD(all_given_back, "moved_handle_returns_its_item_once", "[bounded]") {
  pool_type pool(2, counting());
  handle first = pool.get();
  handle second = std::move(first);
  CHECK_FALSE(first);
  CHECK(second.get() != nullptr);
  second = pool.get();
  CHECK(second->value == 2);
  CHECK(pool.stats().idle == 1);
  second = handle();
  CHECK(pool.stats().idle == 2);
}

TEST_CASE_METHOD(all_given_back, "discarded_item_is_destroyed_before_its_place_is_free",
                 "[bounded]") {
  pool_type pool(1, counting());
  handle held = pool.get();
  std::size_t existing = 0;
  bool had = true;
  tracked::when_destroyed([&](int) {
    existing = pool.stats().existing;
    had = static_cast<bool>(pool.try_get());
  });
  held.discard();
  tracked::when_destroyed(nullptr);
  CHECK(existing == 1);
  CHECK_FALSE(had);
  CHECK_FALSE(held);
  CHECK(pool.stats().existing == 0);
  held.discard();
  CHECK(pool.get()->value == 2);
}

TEST_CASE_METHOD(all_given_back, "detached_item_no_longer_counts", "[bounded]") {
  pool_type pool(1, counting());
  handle held = pool.get();
  const pool_type::item taken = held.detach();
  CHECK(taken->value == 1);
  CHECK_FALSE(held);
  CHECK(handle().detach() == nullptr);
  CHECK(pool.stats().existing == 0);
  CHECK(pool.get()->value == 2);
}

TEST_CASE_METHOD(all_given_back, "detached_item_is_taken_before_who_gets_its_place_runs",
                 "[bounded]") {
  pool_type pool(1, counting());
  std::optional<handle> held(pool.get());
  result next;
  get_into(
      pool,
      [&](std::coroutine_handle<> waiting) {
        held.reset();
        waiting.resume();
      },
      next);
  const pool_type::item taken = held->detach();
  CHECK(taken != nullptr);
  CHECK((*next.got)->value == 2);
  CHECK(pool.stats().existing == 1);
}

// A coroutine that ends before it looks at what it was given.
TEST_CASE_METHOD(all_given_back, "item_of_an_abandoned_wait_does_not_come_back_to_a_closed_pool",
                 "[bounded]") {
  pool_type pool(1, counting());
  handle held = pool.get();
  postbox posts;
  result next;
  std::coroutine_handle<> frame;
  get_into_of(pool, posts.executor(), next, {}, frame);
  held = {};
  pool.close();
  CHECK(posts.size() == 1);
  static_cast<void>(posts.take());
  frame.destroy();
  CHECK(tracked::alive() == 0);
  CHECK(pool.stats().idle == 0);
}

TEST_CASE_METHOD(all_given_back, "items_taken_while_a_cycle_destroys_others_are_none_of_it",
                 "[bounded]") {
  pool_type pool(4, counting());
  std::vector<handle> held;
  for (int i = 0; i != 4; ++i) held.push_back(pool.get());
  const auto give_two = [&] { held.erase(held.end() - 2, held.end()); };
  give_two();
  pool.rotate();
  give_two();
  tracked::when_destroyed([&](int) {
    while (held.size() != 2) held.push_back(pool.get());
  });
  pool.rotate();  // of two that are old, while the two others are taken
  tracked::when_destroyed({});
  CHECK(tracked::alive() == 2);
  CHECK(pool.stats().idle == 0);
  pool.rotate();
  CHECK(tracked::alive() == 2);
  CHECK(pool.stats().idle == 0);
}

// What the coroutine has may be gone when it returns.
TEST_CASE_METHOD(all_given_back, "executor_is_given_a_coroutines_handle_of_its_own", "[bounded]") {
  pool_type pool(1, counting());
  handle held = pool.get();
  result next;
  get_into(
      pool, [](std::coroutine_handle<>&& waiting) { waiting.resume(); }, next);
  held = {};
  CHECK(next.got);
}

TEST_CASE_METHOD(all_given_back, "destructor_of_an_item_may_use_the_pool", "[bounded]") {
  pool_type pool(2, counting());
  handle held = pool.get();
  tracked::when_destroyed([&](int value) {
    if (value == 1) CHECK(pool.get()->value == 2);
  });
  held.discard();
  CHECK(pool.stats().idle == 1);
  tracked::when_destroyed(nullptr);
}

// --- The queue -----------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "returned_item_goes_to_who_has_waited_longest", "[bounded]") {
  constexpr std::size_t count = 5;
  pool_type pool(1, counting());
  handle held = pool.get();
  std::vector<std::size_t> order;  // the one item guards it
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back([&, i] {
      const handle mine = pool.get();
      order.push_back(i);
    });
    wait_for_queue(pool, i + 1);
  }
  held = {};
  for (std::thread& each : threads) each.join();
  CHECK(order == std::vector<std::size_t>{0, 1, 2, 3, 4});
  CHECK(tracked::constructed() == 1);
}

TEST_CASE_METHOD(all_given_back, "who_comes_later_does_not_overtake_who_was_served", "[bounded]") {
  pool_type pool(1, counting());
  postbox posts;
  result first;
  handle held = pool.get();
  get_into(pool, posts.executor(), first);
  held = {};
  // The item is in nobody's hands yet.
  CHECK_FALSE(pool.try_get());
  CHECK(pool.stats().idle == 0);
  posts.run_one();
  CHECK((*first.got)->value == 1);
}

TEST_CASE_METHOD(all_given_back, "who_gives_up_leaves_the_queue_in_order", "[bounded]") {
  const std::size_t given_up = GENERATE(0u, 1u, 2u);
  pool_type pool(1, counting());
  postbox posts;
  handle held = pool.get();
  std::vector<result> results(3);
  std::vector<std::stop_source> stops(3);
  for (std::size_t i = 0; i < 3; ++i) {
    get_into(pool, posts.executor(), results[i], stops[i].get_token());
  }
  stops[given_up].request_stop();
  CHECK(pool.stats().waiting == 2);
  posts.run_one();
  REQUIRE(results[given_up].got);
  CHECK_FALSE(*results[given_up].got);
  held = {};
  for (std::size_t i = 0; i < 3; ++i) {
    if (i == given_up) continue;
    REQUIRE(posts.size() == 1);
    posts.run_one();
    REQUIRE(results[i].got);
    CHECK((*results[i].got)->value == 1);
    results[i].got.reset();
  }
  CHECK(pool.stats().idle == 1);
}

TEST_CASE_METHOD(all_given_back, "place_of_a_factory_that_throws_goes_to_the_next", "[bounded]") {
  const bool is_null = GENERATE(false, true);
  std::atomic<bool> entered{false};
  std::atomic<bool> fail{false};
  int calls = 0;
  pool_type pool(1, [&]() -> pool_type::item {
    if (++calls != 1) return std::make_unique<tracked>(calls);
    entered = true;
    while (!fail) std::this_thread::yield();
    if (is_null) return nullptr;
    throw std::runtime_error("no connection");
  });
  bool failed = false;
  std::thread first([&] {
    try {
      failed = !pool.get();
    } catch (const std::runtime_error&) {
      failed = true;
    }
  });
  wait_until("the factory was entered", [&] { return entered.load(); });
  handle got;
  std::thread second([&] { got = pool.get(); });
  wait_for_queue(pool, 1);
  fail = true;
  first.join();
  second.join();
  CHECK(failed);
  CHECK(got->value == 2);
}

TEST_CASE_METHOD(all_given_back, "place_of_a_discarded_or_detached_item_goes_to_the_next",
                 "[bounded]") {
  const bool is_discarded = GENERATE(false, true);
  pool_type pool(1, counting());
  postbox posts;
  result next;
  handle held = pool.get();
  get_into(pool, posts.executor(), next);
  if (is_discarded) {
    held.discard();
  } else {
    CHECK(held.detach() != nullptr);
  }
  posts.run_one();
  CHECK((*next.got)->value == 2);
}

// --- How a wait ends -----------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "time_limit_ends_a_wait", "[bounded]") {
  pool_type pool(1, counting());
  const handle held = pool.get();
  const auto begun = steady_clock::now();
  CHECK_FALSE(pool.get_for(20ms));
  CHECK(steady_clock::now() - begun >= 20ms);
  CHECK_FALSE(pool.get_until(steady_clock::now() + 5ms));
  CHECK_FALSE(pool.get_until(std::chrono::system_clock::now() + 5ms));
  CHECK_FALSE(pool.get_until(steady_clock::time_point::min()));
  CHECK_FALSE(pool.get_for(0ms));
  CHECK_FALSE(pool.get_for(-1h));
  CHECK(pool.stats().waiting == 0);
}

TEST_CASE_METHOD(all_given_back, "item_that_comes_before_the_time_limit_is_had", "[bounded]") {
  const auto limit = GENERATE(std::chrono::nanoseconds(1h), std::chrono::nanoseconds::max());
  pool_type pool(1, counting());
  handle held = pool.get();
  int value = 0;
  std::thread waiting([&] { value = pool.get_for(limit)->value; });
  wait_for_queue(pool, 1);
  held = {};
  waiting.join();
  CHECK(value == 1);
}

TEST_CASE_METHOD(all_given_back, "longest_duration_is_no_overflow", "[bounded]") {
  pool_type pool(1, counting());
  CHECK(pool.get_for(std::chrono::hours::max()));
  CHECK(pool.get_for(std::chrono::hours::min()));
  CHECK(pool.get_for(std::chrono::duration<double>(1.0)));
}

TEST_CASE_METHOD(all_given_back, "longest_cycle_interval_is_no_overflow", "[bounded]") {
  pool_type pool(3, counting(), {.cycle_interval = std::chrono::nanoseconds::max()});
  std::vector<handle> held;
  for (int i = 0; i < 3; ++i) held.push_back(pool.get());
  held.clear();  // no return begins a cycle
  CHECK(pool.stats().existing == 3);
}

// One whose epoch is far off, as that of libstdc++'s file_clock, so that its differences overflow.
struct distant_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<distant_clock>;
  static constexpr bool is_steady = true;
  static time_point now() {
    return time_point(steady_clock::now().time_since_epoch() - std::chrono::hours(24 * 365 * 147));
  }
};

// Whether a get with this limit waits until the item comes.
template <class TimePoint>
bool waits_for_the_item(TimePoint limit) {
  pool_type pool(1, counting());
  handle held = pool.get();
  std::atomic<bool> ended{false};
  bool had = false;
  std::thread waiting([&] {
    had = static_cast<bool>(pool.get_until(limit));
    ended = true;
  });
  wait_until("it waited or ended", [&] { return ended || pool.stats().waiting == 1; });
  held = {};
  waiting.join();
  return had;
}

template <class Clock>
void check_far_off_limits() {
  using namespace std::chrono;
  CHECK(waits_for_the_item(time_point<Clock, hours>::max()));
  CHECK(waits_for_the_item(time_point<Clock, seconds>::max()));
  CHECK(waits_for_the_item(time_point<Clock, nanoseconds>::max()));
  CHECK(waits_for_the_item(Clock::now() + duration<double>(1e300)));
  CHECK(waits_for_the_item(Clock::now() + 48h));
  pool_type pool(1, counting());
  const handle held = pool.get();
  CHECK_FALSE(pool.get_until(time_point<Clock, hours>::min()));
  CHECK_FALSE(pool.get_until(time_point<Clock, seconds>::min()));
  CHECK_FALSE(pool.get_until(time_point<Clock, nanoseconds>::min()));
  CHECK_FALSE(pool.get_until(Clock::now() - duration<double>(1e300)));
  const auto begun = Clock::now();
  CHECK_FALSE(pool.get_until(begun + 5ms));
  CHECK(Clock::now() - begun >= 5ms);
}

TEST_CASE_METHOD(all_given_back, "limit_beyond_the_steady_clock_is_none", "[bounded]") {
  check_far_off_limits<steady_clock>();
}
TEST_CASE_METHOD(all_given_back, "limit_beyond_the_system_clock_is_none", "[bounded]") {
  check_far_off_limits<std::chrono::system_clock>();
}
TEST_CASE_METHOD(all_given_back, "limit_beyond_another_clock_is_none", "[bounded]") {
  check_far_off_limits<distant_clock>();
}

TEST_CASE_METHOD(all_given_back, "limit_that_is_not_a_number_is_no_time", "[bounded]") {
  constexpr std::chrono::duration<double> never(std::numeric_limits<double>::quiet_NaN());
  pool_type pool(1, counting());
  const handle held = pool.get();
  CHECK_FALSE(pool.get_for(never));
  CHECK_FALSE(pool.get_until(steady_clock::now() + never));
}

// Throws where it is asked during the wait.
struct failing_clock : distant_clock {
  using time_point = std::chrono::time_point<failing_clock>;
  static inline int calls = 0;
  static time_point now() {
    if (++calls == 2) throw std::runtime_error("no clock");
    return time_point();
  }
};

TEST_CASE_METHOD(all_given_back, "clock_that_throws_leaves_nobody_in_the_queue", "[bounded]") {
  failing_clock::calls = 0;
  pool_type pool(1, counting());
  handle held = pool.get();
  CHECK_THROWS_AS(pool.get_until(failing_clock::time_point(5ms)), std::runtime_error);
  CHECK(failing_clock::calls == 2);
  REQUIRE(pool.stats().waiting == 0);
  held = {};
  CHECK(pool.try_get());
}

// As if it came between the wait and the unwinding.
TEST_CASE_METHOD(all_given_back, "item_that_came_before_the_unwinding_goes_to_the_next",
                 "[bounded]") {
  const bool is_place = GENERATE(false, true);
  using core = poolproof::bounded_core<tracked, std::default_delete<tracked>>;
  const auto inner = std::make_shared<int>(0);
  auto* const pool = new core(
      1, [inner, made = counting()]() mutable { return made(); }, no_cycles);
  poolproof::pool_registry<poolproof::std_sync>::instance().link(*pool);
  core::waiter first;
  pool->wait(first, [](auto&, auto&) {});
  tracked* const item = pool->receive(first);
  core::waiter next;
  const auto unwinds = [&] {
    core::waiter asking;
    pool->wait(asking, [&](core::lock& locked, core::waiter&) {
      locked.unlock();
      if (is_place) {
        delete item;
        pool->give_back_place();
      } else {
        pool->give_back(item);
      }
      CHECK(pool->suspend(next));
      throw std::runtime_error("no clock");
    });
  };
  CHECK_THROWS_AS(unwinds(), std::runtime_error);
  CHECK(next.ended == (is_place ? core::outcome::place : core::outcome::item));
  CHECK(pool->counts().waiting == 0);
  next.quit();
  CHECK(pool->counts().idle == (is_place ? 0 : 1));
  pool->close();
  pool->end();
  CHECK(inner.use_count() == 1);  // nobody is thought to be inside
}

#if defined(__GLIBC__)
TEST_CASE_METHOD(all_given_back, "cancelled_thread_leaves_nobody_in_the_queue", "[bounded]") {
  pool_type pool(1, counting());
  handle held = pool.get();
  std::stop_source stop;
  std::thread waiting([&] { static_cast<void>(pool.get(stop.get_token())); });
  wait_for_queue(pool, 1);
  REQUIRE(pthread_cancel(waiting.native_handle()) == 0);
  waiting.join();
  REQUIRE(pool.stats().waiting == 0);
  stop.request_stop();
  held = {};
  CHECK(pool.try_get());
}
#endif

TEST_CASE_METHOD(all_given_back, "stop_ends_a_wait", "[bounded]") {
  pool_type pool(1, counting());
  handle held = pool.get();
  std::stop_source stop;
  bool had = true;
  std::thread waiting([&] { had = static_cast<bool>(pool.get(stop.get_token())); });
  wait_for_queue(pool, 1);
  stop.request_stop();
  waiting.join();
  CHECK_FALSE(had);
  held = {};
  CHECK(pool.stats().idle == 1);
  // A stop that was requested before, and one that never is.
  CHECK_FALSE(pool.get(stop.get_token()));
  CHECK(pool.get(std::stop_token()));
  CHECK(pool.get(std::stop_source().get_token()));
}

TEST_CASE_METHOD(all_given_back, "stop_after_the_item_has_come_changes_nothing", "[bounded]") {
  pool_type pool(1, counting());
  postbox posts;
  result next;
  std::stop_source stop;
  handle held = pool.get();
  get_into(pool, posts.executor(), next, stop.get_token());
  held = {};
  stop.request_stop();
  REQUIRE(posts.size() == 1);
  posts.run_one();
  CHECK((*next.got)->value == 1);
  CHECK(posts.empty());
}

TEST_CASE_METHOD(all_given_back, "closing_ends_all_waits_with_an_error", "[bounded]") {
  constexpr std::size_t count = 4;
  pool_type pool(2, counting());
  handle held = pool.get();
  handle other = pool.get();
  std::atomic<std::size_t> told{0};
  std::atomic<std::size_t> had{0};
  const auto is_told = [&](auto get) {
    try {
      static_cast<void>(get());
      ++had;
    } catch (const pool_closed&) {
      ++told;
    }
  };
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < count; ++i) {
    threads.emplace_back(
        [&, i] { is_told([&] { return i % 2 == 0 ? pool.get() : pool.get_for(1h); }); });
  }
  postbox posts;
  std::vector<result> results(2);
  for (result& each : results) get_into(pool, posts.executor(), each);
  wait_for_queue(pool, count + 2);
  other.discard();  // one of them has an item before, and perhaps gives it to the next
  CHECK_FALSE(pool.is_closed());
  pool.close();
  pool.close();
  for (std::thread& each : threads) each.join();
  while (!posts.empty()) posts.run_one();
  for (const result& each : results) {
    told += each.closed;
    had += each.got.has_value();
  }
  CHECK(told + had == count + 2);
  CHECK(had != 0);
  CHECK(pool.is_closed());
  CHECK_THROWS_AS(pool.get(), pool_closed);
  CHECK_THROWS_AS(pool.try_get(), pool_closed);
  CHECK_THROWS_AS(pool.get_for(1ms), pool_closed);
}

TEST_CASE_METHOD(all_given_back, "closing_destroys_what_is_idle_and_what_comes_back", "[bounded]") {
  pool_type pool(3, counting());
  handle held = pool.get();
  { const handle first = pool.get(), second = pool.get(); }
  CHECK(pool.stats().idle == 2);
  pool.close();
  CHECK(tracked::alive() == 1);
  held = {};
  CHECK(tracked::alive() == 0);
  CHECK(pool.stats().existing == 0);
}

TEST_CASE_METHOD(all_given_back, "handle_outlives_the_pool", "[bounded]") {
  handle held;
  handle discarded;
  handle detached;
  const auto inner = std::make_shared<int>(0);  // the factory is part of the pool's inner part
  {
    pool_type pool(4, [inner, made = counting()]() mutable { return made(); });
    held = pool.get();
    discarded = pool.get();
    detached = pool.get();
    static_cast<void>(pool.get());
  }
  CHECK(tracked::alive() == 3);
  held = {};
  discarded.discard();
  CHECK(tracked::alive() == 1);
  CHECK(inner.use_count() == 2);
  CHECK(detached.detach() != nullptr);
  CHECK(tracked::alive() == 0);
  CHECK(inner.use_count() == 1);
}

TEST_CASE_METHOD(all_given_back, "pool_may_end_while_calls_wait", "[bounded]") {
  std::optional<pool_type> pool(std::in_place, 1u, counting());
  handle held = pool->get();
  std::atomic<int> told{0};
  std::stop_source stop;
  std::vector<std::thread> threads;
  for (int i = 0; i < 3; ++i) {
    threads.emplace_back([&, i] {
      try {
        static_cast<void>(i == 0   ? pool->get()
                          : i == 1 ? pool->get_for(1h)
                                   : pool->get(stop.get_token()));
      } catch (const pool_closed&) {
        ++told;
      }
    });
  }
  postbox posts;
  result suspended;
  get_into(*pool, posts.executor(), suspended, stop.get_token());
  wait_for_queue(*pool, 4);
  pool.reset();
  for (std::thread& each : threads) each.join();
  CHECK(told == 3);
  posts.run_one();
  CHECK(suspended.closed);
  stop.request_stop();
}

#if defined(__GLIBC__)
// A stop that comes when the memory of a pool's inner part is given back, and is no mutex any more.
struct late_stop {
  using core = poolproof::bounded_core<tracked, std::default_delete<tracked>>;
  static inline std::stop_source* source = nullptr;
  static inline thread_local bool is_next = false;
  static void come(void* memory) noexcept {
    if (!std::exchange(is_next, false)) return;
    std::memset(memory, 0xff, sizeof(core));
    source->request_stop();
  }
};

// What is given back just before that.
struct last_factory {
  static void* operator new(std::size_t size) { return std::malloc(size); }
  static void operator delete(void* memory) {
    std::free(memory);
    late_stop::is_next = true;
  }
  pool_type::item operator()() { return std::make_unique<tracked>(++made); }
  int made = 0;
};

// A signal holds up the thread that waits, so that it is the last to leave.
class held_up_by_signal {
 public:
  explicit held_up_by_signal(std::thread& thread) {
    begun_ = ended_ = false;
    std::signal(SIGUSR1, [](int) {
      begun_ = true;
      while (!ended_) ::poll(nullptr, 0, 1);
    });
    ::pthread_kill(thread.native_handle(), SIGUSR1);
    wait_until("the thread was held up", [] { return begun_.load(); });
  }
  ~held_up_by_signal() { ended_ = true; }
  held_up_by_signal(const held_up_by_signal&) = delete;
  held_up_by_signal& operator=(const held_up_by_signal&) = delete;

 private:
  static inline std::atomic<bool> begun_{false};
  static inline std::atomic<bool> ended_{false};
};

TEST_CASE_METHOD(all_given_back, "stop_does_not_find_a_pool_that_the_call_has_left_last",
                 "[bounded]") {
  if (!poolproof::test::sees_allocations) return;
  // g++ 12 at -Og takes one that lies here for uninitialised.
  const auto stop = std::make_unique<std::stop_source>();
  late_stop::source = stop.get();
  std::optional<pool_type> pool(std::in_place, 1u, last_factory());
  handle held = pool->get();
  bool told = false;
  std::thread waiting([&] {
    try {
      static_cast<void>(pool->get(stop->get_token()));
    } catch (const pool_closed&) {
      told = true;
    }
  });
  wait_for_queue(*pool, 1);
  poolproof::test::before_deallocation = &late_stop::come;
  {
    const held_up_by_signal meanwhile(waiting);
    pool.reset();
    held = {};
  }
  waiting.join();
  poolproof::test::before_deallocation = nullptr;
  CHECK(told);
  CHECK(stop->stop_requested());
}
#endif

// Who had been given a place before the end makes use of it, however late.
TEST_CASE_METHOD(all_given_back, "factory_may_be_called_after_the_end", "[bounded]") {
  const auto inner = std::make_shared<int>(0);
  bool ended = false;
  bool late = false;
  std::optional<pool_type> pool(std::in_place, 1u, [&, inner] {
    late = ended;
    return std::make_unique<tracked>(1);
  });
  postbox posts;
  result next;
  handle held = pool->get();
  get_into(*pool, posts.executor(), next);
  held.discard();
  pool.reset();
  ended = true;
  CHECK(inner.use_count() == 2);
  posts.run_one();
  CHECK(late);
  CHECK((*next.got)->value == 1);
  next.got.reset();
  CHECK(inner.use_count() == 1);
  CHECK(tracked::alive() == 0);
}

// --- Coroutines ----------------------------------------------------------------------------------

TEST_CASE_METHOD(all_given_back, "coroutine_does_not_wait_for_what_is_there", "[bounded]") {
  pool_type pool(1, counting());
  const auto never = [](std::coroutine_handle<>) { FAIL("it need not wait"); };
  result made;
  get_into(pool, never, made);
  CHECK((*made.got)->value == 1);
  made.got.reset();
  result used_again;
  get_into(pool, never, used_again);
  CHECK((*used_again.got)->value == 1);
}

TEST_CASE_METHOD(all_given_back, "coroutine_is_resumed_by_its_executor_and_not_inside_the_return",
                 "[bounded]") {
  pool_type pool(1, counting());
  postbox posts;
  result next;
  handle held = pool.get();
  get_into(pool, posts.executor(), next);
  held = {};
  CHECK_FALSE(next.got);
  CHECK(posts.size() == 1);
  posts.run_one();
  CHECK(next.got);
}

TEST_CASE_METHOD(all_given_back, "executor_is_called_without_the_mutex", "[bounded]") {
  const int how = GENERATE(0, 1, 2, 3);
  pool_type pool(1, counting());
  std::deque<std::coroutine_handle<>> posted;
  const auto asks = [&](std::coroutine_handle<> ready) {
    static_cast<void>(pool.stats());
    posted.push_back(ready);
  };
  std::stop_source stop;
  result next;
  handle held = pool.get();
  get_into(pool, asks, next, stop.get_token());
  if (how == 0) held = {};
  if (how == 1) held.discard();
  if (how == 2) stop.request_stop();
  if (how == 3) pool.close();
  REQUIRE(posted.size() == 1);
  posted.front().resume();
  CHECK((next.got.has_value() || next.closed));
}

TEST_CASE_METHOD(all_given_back, "coroutine_may_end_before_its_executor_returns", "[bounded]") {
  const int how = GENERATE(0, 1, 2, 3);
  pool_type pool(1, counting());
  // Something to use afterwards, in the coroutine's frame as the executor is.
  const auto at_once = [kept = std::make_shared<int>(0)](std::coroutine_handle<> ready) {
    ready.resume();
    ++*kept;
  };
  std::stop_source stop;
  result next;
  handle held = pool.get();
  get_into(pool, at_once, next, stop.get_token());
  if (how == 0) held = {};
  if (how == 1) held.discard();
  if (how == 2) stop.request_stop();
  if (how == 3) pool.close();
  CHECK((next.got.has_value() || next.closed));
}

TEST_CASE_METHOD(all_given_back, "executor_may_be_a_pointer_to_a_member", "[bounded]") {
  pool_type pool(1, counting());
  result next;
  handle held = pool.get();
  get_into(pool, &std::coroutine_handle<>::resume, next);
  held = {};
  CHECK(next.got);
}

TEST_CASE_METHOD(all_given_back, "exception_of_the_factory_comes_out_of_co_await", "[bounded]") {
  int calls = 0;
  pool_type pool(1, [&]() -> pool_type::item {
    if (++calls == 2) throw std::runtime_error("no connection");
    return std::make_unique<tracked>(calls);
  });
  postbox posts;
  result first;
  result second;
  handle held = pool.get();
  get_into(pool, posts.executor(), first);
  get_into(pool, posts.executor(), second);
  held.discard();
  posts.run_one();
  CHECK(first.threw);
  posts.run_one();
  CHECK((*second.got)->value == 3);
}

TEST_CASE_METHOD(all_given_back, "get_async_that_is_not_awaited_does_nothing", "[bounded]") {
  pool_type pool(1, counting());
  std::stop_source stop;
  {
    const auto unused = pool.get_async([](std::coroutine_handle<>) {}, stop.get_token());
  }
  stop.request_stop();
  CHECK(pool.stats().existing == 0);
}

TEST_CASE_METHOD(all_given_back, "coroutine_with_a_stop_from_before_gets_nothing", "[bounded]") {
  pool_type pool(1, counting());
  std::stop_source stop;
  stop.request_stop();
  result next;
  get_into(
      pool, [](std::coroutine_handle<>) { FAIL("it need not wait"); }, next, stop.get_token());
  REQUIRE(next.got);
  CHECK_FALSE(*next.got);
  CHECK(tracked::constructed() == 0);
}

TEST_CASE_METHOD(all_given_back, "coroutine_that_is_destroyed_while_it_waits_leaves_the_queue",
                 "[bounded]") {
  pool_type pool(1, counting());
  std::stop_source stop;
  postbox posts;
  std::coroutine_handle<> frame;
  result never;
  result next;
  handle held = pool.get();
  get_into_of(pool, posts.executor(), never, stop.get_token(), frame);
  get_into(pool, posts.executor(), next);
  frame.destroy();
  CHECK(pool.stats().waiting == 1);
  stop.request_stop();
  held = {};
  REQUIRE(posts.size() == 1);
  posts.run_one();
  REQUIRE(next.got);
  CHECK((*next.got)->value == 1);
  CHECK_FALSE(never.got);
}

TEST_CASE_METHOD(all_given_back, "coroutine_that_is_destroyed_instead_of_run_gives_back",
                 "[bounded]") {
  const int how = GENERATE(0, 1, 2, 3);
  const bool somebody_waits = GENERATE(false, true);
  const auto inner = std::make_shared<int>(0);
  {
    pool_type pool(1, [inner, made = counting()]() mutable { return made(); });
    std::stop_source stop;
    postbox posts;
    result never;
    result next;
    handle held = pool.get();
    get_into(pool, posts.executor(), never, stop.get_token());
    if (somebody_waits) get_into(pool, posts.executor(), next);
    if (how == 0) held = {};
    if (how == 1) held.discard();
    if (how == 2) stop.request_stop();
    if (how == 3) pool.close();
    REQUIRE_FALSE(posts.empty());
    posts.take().destroy();
    held = {};
    while (!posts.empty()) posts.run_one();
    CHECK_FALSE(never.got);
    CHECK((next.got || next.closed) == somebody_waits);
    next.got.reset();
    CHECK(pool.stats().existing == pool.stats().idle);
    if (how != 3) CHECK(pool.try_get());
  }
  CHECK(inner.use_count() == 1);  // nobody is thought to be inside
}

// --- Cycles --------------------------------------------------------------------------------------

// Makes so many items, and leaves them idle, the first one the oldest.
void leave_idle(pool_type& pool, std::size_t count) {
  std::vector<handle> held;
  for (std::size_t i = 0; i < count; ++i) held.push_back(pool.get());
  for (handle& each : held) each = {};
}

TEST_CASE_METHOD(all_given_back, "item_that_is_idle_for_a_whole_cycle_goes", "[bounded]") {
  pool_type pool(5, counting(), no_cycles);
  leave_idle(pool, 4);
  pool.rotate();
  CHECK(tracked::alive() == 4);
  { const handle a = pool.get(), b = pool.get(); }  // 4 and 3 have been used
  pool.rotate();
  CHECK(tracked::alive() == 2);
  CHECK(pool.stats().existing == 2);
  const handle a = pool.get(), b = pool.get(), c = pool.get();
  CHECK(a->value == 4);
  CHECK(b->value == 3);
  CHECK(c->value == 5);
}

TEST_CASE_METHOD(all_given_back, "idle_items_go_round_the_ring", "[bounded]") {
  pool_type pool(3, counting(), no_cycles);
  for (int round = 0; round < 7; ++round) {
    leave_idle(pool, 2);
    pool.rotate();
    { const handle a = pool.get(), b = pool.get(), c = pool.get(); }
    pool.rotate();
    CHECK(pool.stats().idle == 3);
    pool.rotate();
    CHECK(pool.stats().idle == 0);
  }
  CHECK(tracked::alive() == 0);
  CHECK(tracked::constructed() == 21);
}

TEST_CASE_METHOD(all_given_back, "place_of_a_victim_goes_to_who_came_meanwhile", "[bounded]") {
  pool_type pool(1, counting(), no_cycles);
  postbox posts;
  result next;
  leave_idle(pool, 1);
  pool.rotate();
  tracked::when_destroyed([&](int value) {
    if (value == 1) get_into(pool, posts.executor(), next);
  });
  pool.rotate();
  tracked::when_destroyed(nullptr);
  REQUIRE(posts.size() == 1);
  posts.run_one();
  CHECK((*next.got)->value == 2);
}

TEST_CASE_METHOD(all_given_back, "rotate_all_reaches_bounded_pools", "[bounded]") {
  pool_type pool(2, counting(), no_cycles);
  leave_idle(pool, 2);
  poolproof::rotate_all();
  CHECK(tracked::alive() == 2);
  poolproof::rotate_all();
  CHECK(tracked::alive() == 0);
}

// It has the parent's mutex as another thread held it.
TEST_CASE_METHOD(all_given_back, "forked_child_is_not_held_up_by_a_pool_that_others_were_in",
                 "[bounded]") {
  pool_type pool(2, counting());
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) static_cast<void>(pool.get());
  });
  int held = 0;
  constexpr int forks = 30;
  for (int i = 0; i < forks; ++i) {
    held += holds_in_child([] {
      poolproof::rotate_all();
      return true;
    });
  }
  stop = true;
  other.join();
  CHECK(held == forks);
}

TEST_CASE_METHOD(all_given_back, "trimmer_empties_an_idle_bounded_pool", "[bounded]") {
  pool_type pool(8, counting(), {.cycle_interval = 10ms});
  pool_type never(8, counting(), no_cycles);
  const poolproof::trimmer working({.look_interval = 2ms, .on_pressure = false});
  leave_idle(never, 3);
  leave_idle(pool, 8);
  wait_until("the items went", [] { return tracked::alive() == 3; });
  CHECK(never.stats().idle == 3);
}

TEST_CASE_METHOD(all_given_back, "return_begins_the_cycle_that_is_due", "[bounded]") {
  pool_type pool(8, counting(), {.cycle_interval = 10ms});
  leave_idle(pool, 8);
  wait_until("what nobody used went", [&] {
    static_cast<void>(pool.get());
    return pool.stats().existing == 1;
  });
}

// --- Bad arguments -------------------------------------------------------------------------------

template <class Make>
void check_refused(std::string_view named, Make make) {
  try {
    make();
    FAIL("it was accepted");
  } catch (const std::invalid_argument& error) {
    CHECK(std::string_view(error.what()).find(named) != std::string_view::npos);
  }
}

TEST_CASE_METHOD(all_given_back, "bad_arguments_are_named", "[bounded]") {
  check_refused("max", [] { pool_type pool(0, counting()); });
  check_refused("cycle_interval", [] { pool_type pool(1, counting(), {.cycle_interval = 0ns}); });
  for (const pool_options bound : {pool_options{.max_retained = 1}, pool_options{.max_bytes = 1},
                                   pool_options{.min_idle = 1}}) {
    check_refused("max_retained", [&] { pool_type pool(1, counting(), bound); });
  }
  using function = std::unique_ptr<tracked> (*)();
  check_refused("factory", [] { pool_type pool(1, function{nullptr}); });
}

}  // namespace

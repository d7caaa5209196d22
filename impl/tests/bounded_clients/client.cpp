// SPDX-License-Identifier: MIT
// A small client of bounded_pool, for the checker: check-c++ compiles it, and it runs all of its
// executions. The header is the one that ships, with the system's mutex and condition variables.
//
//     client 1 'g|gr|c'     at most one item; threads: one gets, one gets and returns, one closes
//
// A letter is a call. The calls of a thread stand together, and a bar parts threads. What a thread
// has goes back before it asks again, and at its end.
//
//     g  get                           m  try_get, beside what it has already
//     t  try_get                       r  return what it has, the last first
//     f  get_for                       d  discard it
//     s  get with a stop token         x  detach it
//     a  co_await get_async with it    q  request the stop of all other threads
//     k  the same; if it waits, the    o  rotate
//        coroutine is destroyed        !  this thread's next factory call throws
//        instead of resumed            0  ... makes nothing
//     u  get_until with a clock that   c  close
//        throws after the wait         e  end the pool, while main has all items and
//                                         the others wait
//                                      h  give back what main has, after that
//
// Required in every execution:
//   - every call returns: a thread that nobody wakes is a deadlock, which the checker reports;
//   - at most so many items exist, and who has one has it alone;
//   - a get has no item only if its factory made none, its stop was requested, or the pool was
//     closed, of which it throws pool_closed; get_for and try_get may have none;
//   - an executor is called once, and without the mutex;
//   - when all threads are gone nobody waits, and each place is free or has an idle item; the
//     pool's end, or the last who leaves then, destroys all. Races, leaks and uses after free the
//     checker sees by itself.
#undef NDEBUG
#include <poolproof/bounded_pool.hpp>

#include <atomic>
#include <cassert>
#include <chrono>
#include <coroutine>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <functional>
#include <memory>
#include <optional>
#include <stdexcept>
#include <stop_token>
#include <string>
#include <thread>
#include <vector>

namespace {

struct no_item : std::exception {};

// How many exist. Relaxed, so that it orders nothing.
std::atomic<std::size_t> existing{0};
std::size_t most = 0;

struct item {
  item() { assert(existing.fetch_add(1, std::memory_order_relaxed) < most); }
  ~item() {
    ++uses;
    if (counts) existing.fetch_sub(1, std::memory_order_relaxed);
  }
  void no_longer_counts() {
    counts = false;
    existing.fetch_sub(1, std::memory_order_relaxed);
  }
  bool counts = true;
  int uses = 0;  // plain: two holders at once are a race
};

enum class mood { makes, throws, makes_nothing };
thread_local mood factory_mood = mood::makes;

// Lives as long as the pool's inner part, and is part of it: who destroys it comes last.
struct factory {
  factory() { ++count; }
  factory(const factory&) { ++count; }
  ~factory() { --count; }

  std::unique_ptr<item> operator()() {
    const mood now = factory_mood;
    factory_mood = mood::makes;
    if (now == mood::throws) throw no_item();
    return now == mood::makes_nothing ? nullptr : std::make_unique<item>();
  }

  static inline int count = 0;
};

using pool_type = poolproof::bounded_pool<item>;
using handle = pool_type::handle;
std::optional<pool_type> pool;
bool may_close = false;
bool may_end = false;
std::vector<handle> of_main;

// What costs executions and says nothing of the pool is left out: a stop that nobody requests, one
// state that all tokens count their owners in, and a count of the threads that nobody reads.
std::vector<std::stop_source> stops;  // of each thread; none if nobody requests one
thread_local std::size_t me = 0;
std::size_t others = 0;  // threads beside one that ends the pool
std::atomic<std::size_t> gone{0};

bool is_stopped() { return !stops.empty() && stops[me].stop_requested(); }

// --- A coroutine for each get_async --------------------------------------------------------------

struct coroutine {
  struct promise_type {
    coroutine get_return_object() { return {}; }
    std::suspend_never initial_suspend() { return {}; }
    std::suspend_never final_suspend() noexcept { return {}; }
    void return_void() {}
    void unhandled_exception() { std::terminate(); }
  };
};

// Where a thread waits for the coroutine that it is to run.
using inbox = std::atomic<void*>;

struct result {
  handle got;
  std::exception_ptr thrown;
  bool done = false;
};

coroutine get_async(const std::stop_token& token, inbox& posts, result& out) {
  const auto post = [&posts, owner = &*pool](std::coroutine_handle<> ready) {
    static_cast<void>(owner->stats());  // would hang under the mutex
    const void* const before = posts.exchange(ready.address(), std::memory_order_acq_rel);
    assert(before == nullptr);
  };
  try {
    out.got = co_await pool->get_async(post, token);
  } catch (...) {
    out.thrown = std::current_exception();
  }
  out.done = true;
}

handle get_by_coroutine(const std::stop_token& token, bool is_run = true) {
  inbox posts{nullptr};
  result out;
  get_async(token, posts, out);
  if (!out.done) {
    void* posted = nullptr;
    while ((posted = posts.load(std::memory_order_acquire)) == nullptr) std::this_thread::yield();
    const auto ready = std::coroutine_handle<>::from_address(posted);
    if (!is_run) {
      ready.destroy();
      return {};
    }
    ready.resume();
    assert(out.done);
  }
  if (out.thrown) std::rethrow_exception(std::exchange(out.thrown, nullptr));
  return std::move(out.got);
}

// --- A clock whose third call throws, which libstdc++ makes after the wait -----------------------

thread_local int clock_calls = 0;

struct failing_clock {
  using duration = std::chrono::nanoseconds;
  using rep = duration::rep;
  using period = duration::period;
  using time_point = std::chrono::time_point<failing_clock>;
  static constexpr bool is_steady = true;
  static time_point now() {
    if (++clock_calls == 3) throw no_item();
    return time_point();
  }
};

// --- A thread ------------------------------------------------------------------------------------

// What may have kept a get from an item.
struct excuses {
  bool unmade = false;  // its factory made nothing
  bool stopped = false;
  bool busy = false;
};

void play(const std::string& calls, const std::stop_token& token) {
  handle held;
  handle more;
  const auto last = [&]() -> handle& { return more ? more : held; };
  const auto give_back = [&] {
    more = {};
    held = {};
  };
  const auto note = [&](handle got, const excuses& allowed) {
    assert(got || allowed.unmade || allowed.busy || (allowed.stopped && is_stopped()));
    if (got) ++got->uses;
    (held ? more : held) = std::move(got);
  };
  const auto guarded = [&](auto call) {
    try {
      call();
    } catch (const poolproof::pool_closed&) {
      assert(may_close);
    } catch (const no_item&) {
    }
  };
  for (const char call : calls) {
    const bool unmade = factory_mood == mood::makes_nothing;
    switch (call) {
      case 'g':
        give_back();
        guarded([&] { note(pool->get(), {.unmade = unmade}); });
        break;
      case 't':
        give_back();
        guarded([&] { note(pool->try_get(), {.unmade = unmade, .busy = true}); });
        break;
      case 'f':
        give_back();
        guarded([&] {
          note(pool->get_for(std::chrono::seconds(1)), {.unmade = unmade, .busy = true});
        });
        break;
      case 's':
        give_back();
        guarded([&] { note(pool->get(token), {.unmade = unmade, .stopped = true}); });
        break;
      case 'a':
        give_back();
        guarded([&] { note(get_by_coroutine(token), {.unmade = unmade, .stopped = true}); });
        break;
      case 'k':
        give_back();
        guarded([&] {
          note(get_by_coroutine(token, false), {.unmade = unmade, .stopped = true, .busy = true});
        });
        break;
      case 'u':
        give_back();
        clock_calls = 0;
        guarded([&] {
          note(pool->get_until(failing_clock::time_point(std::chrono::seconds(1))),
               {.unmade = unmade});
        });
        break;
      case 'm':
        more = {};
        guarded([&] { note(pool->try_get(), {.unmade = unmade, .busy = true}); });
        break;
      case 'r':
        last() = {};
        break;
      case 'd':
        last().discard();
        break;
      case 'x':
        if (last()) last()->no_longer_counts();
        static_cast<void>(last().detach());
        break;
      case 'e':
        // `gone` first: a thread that goes meanwhile is not counted twice.
        while (gone + pool->stats().waiting != others) std::this_thread::yield();
        pool.reset();
        break;
      case 'h':
        of_main.clear();
        break;
      case 'q':
        for (std::size_t i = 0; i < stops.size(); ++i) {
          if (i != me) stops[i].request_stop();
        }
        break;
      case 'o':
        pool->rotate();
        break;
      case 'c':
        pool->close();
        break;
      case '!':
        factory_mood = mood::throws;
        break;
      case '0':
        factory_mood = mood::makes_nothing;
        break;
      default:
        std::abort();
    }
  }
}

void run(std::size_t index, const std::string& calls, const std::stop_token& token) {
  me = index;
  play(calls, token);
  if (may_end) ++gone;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) return 2;
  most = std::strtoul(argv[1], nullptr, 10);
  const std::string client = argv[2];
  may_end = client.find('e') != std::string::npos;
  may_close = may_end || client.find('c') != std::string::npos;
  pool.emplace(most, factory(), poolproof::pool_options{.cycle_interval = std::nullopt});
  for (std::size_t i = 0; may_end && i < most; ++i) of_main.push_back(pool->get());
  std::vector<std::string> calls(1);
  for (const char each : client) {
    if (each == '|') {
      calls.emplace_back();
    } else {
      calls.back() += each;
    }
  }
  others = calls.size() - 1;
  std::vector<std::stop_token> tokens(calls.size());
  if (client.find('q') != std::string::npos) {
    stops.resize(calls.size());
    for (std::size_t i = 0; i < calls.size(); ++i) tokens[i] = stops[i].get_token();
  }
  std::vector<std::thread> threads;
  for (std::size_t i = 0; i < calls.size(); ++i) {
    threads.emplace_back(run, i, std::cref(calls[i]), std::cref(tokens[i]));
  }
  for (std::thread& each : threads) each.join();
  if (pool) {
    const poolproof::bounded_stats left = pool->stats();
    assert(left.waiting == 0);
    assert(left.existing == left.idle);
    assert(left.idle == existing.load(std::memory_order_relaxed));
    pool.reset();
  }
  of_main.clear();
  assert(existing.load(std::memory_order_relaxed) == 0);
  assert(factory::count == 0);
  return 0;
}

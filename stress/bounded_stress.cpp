// SPDX-License-Identifier: MIT
// A bounded pool under all that may end a wait at once: returned items, places that come free, time
// limits, stops, coroutines, factories that throw, cycles, and the pool's end.
//
// Each thread calls what its choices say. At no moment do more items exist than the maximum, none
// is in two hands, and when all threads are gone each place is free or has an idle item. A lost
// wake-up is a hang, which the watchdog reports.
#include "stress.hpp"
#include "tracked.hpp"

#include <poolproof/bounded_pool.hpp>

#include <array>
#include <condition_variable>
#include <coroutine>
#include <exception>
#include <memory>
#include <mutex>
#include <optional>
#include <stop_token>

namespace {

using stress::choices;
using stress::tracked;

constexpr std::uint32_t threads = 8;
constexpr std::uint32_t most_items = 4;

constexpr std::uint32_t calls_each = 100;

struct no_item : std::exception {};

// What has happened, in all rounds.
struct counts {
  std::atomic<std::uint64_t> had{0};
  std::atomic<std::uint64_t> late{0};
  std::atomic<std::uint64_t> stopped{0};
  std::atomic<std::uint64_t> resumed{0};
  std::atomic<std::uint64_t> closed{0};
  std::atomic<std::uint64_t> unmade{0};
};
constinit counts counted;

void count(std::atomic<std::uint64_t>& what) { what.fetch_add(1, std::memory_order_relaxed); }

// Items of the pool that exist. Relaxed, so that it orders nothing.
constinit std::atomic<std::uint32_t> existing{0};
constinit std::atomic<std::uint32_t> most{0};

struct item : tracked {
  item() {
    const std::uint32_t before = existing.fetch_add(1, std::memory_order_relaxed);
    stress::require(before < most.load(std::memory_order_relaxed), "more items than the maximum");
  }
  ~item() { existing.fetch_sub(1, std::memory_order_relaxed); }
};

std::unique_ptr<item> make() {
  if (!choices.one_in(8)) return std::make_unique<item>();
  if (choices.one_in(2)) return nullptr;
  throw no_item();
}

using pool = poolproof::bounded_pool<item>;
using handle = pool::handle;

// A stop that another thread may request, of the call that is in here now.
class stoppable {
 public:
  std::stop_token token() {
    const std::lock_guard lock(mutex_);
    return source_.get_token();
  }
  void request() {
    std::stop_source old;  // ends without the mutex
    {
      const std::lock_guard lock(mutex_);
      std::swap(source_, old);
    }
    old.request_stop();
  }

 private:
  std::mutex mutex_;
  std::stop_source source_;
};

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
struct inbox {
  std::mutex mutex;
  std::condition_variable came;
  std::coroutine_handle<> posted;
};

struct result {
  handle got;
  std::exception_ptr thrown;
  bool done = false;
};

coroutine get_async(pool& from, inbox& posts, result& out, std::stop_token stop) {
  const auto post = [&posts](std::coroutine_handle<> ready) {
    const std::lock_guard lock(posts.mutex);
    stress::require(!posts.posted, "an executor was called twice");
    posts.posted = ready;
    posts.came.notify_one();
  };
  try {
    out.got = co_await from.get_async(post, stop);
  } catch (...) {
    out.thrown = std::current_exception();
  }
  out.done = true;
}

handle get_by_coroutine(pool& from, const std::stop_token& stop) {
  inbox posts;
  result out;
  get_async(from, posts, out, stop);
  if (!out.done) {
    {
      std::unique_lock lock(posts.mutex);
      posts.came.wait(lock, [&] { return static_cast<bool>(posts.posted); });
    }
    count(counted.resumed);
    posts.posted.resume();
  }
  if (out.thrown) std::rethrow_exception(out.thrown);
  return std::move(out.got);
}

class bounded_round {
 public:
  explicit bounded_round(std::uint64_t seed)
      : maximum_(1 + choices.below(most_items)), crew_(seed) {
    most.store(maximum_, std::memory_order_relaxed);
    const bool has_cycles = choices.one_in(2);
    const poolproof::optional_interval interval = std::chrono::milliseconds(4);
    used_.emplace(maximum_, make, poolproof::pool_options{has_cycles ? interval : std::nullopt});
  }

  // Some rounds are closed while all are at work.
  void run() {
    const bool closes = choices.one_in(2);
    const std::uint32_t when = choices.below(calls_each);
    std::atomic<std::uint32_t> at_work{threads};
    crew_.add(threads, [&, closes, when](std::uint32_t i) {
      for (std::uint32_t n = 0; n < calls_each; ++n) {
        if (closes && i == 0 && n == when) used_->close();
        call(stops_[i]);
      }
      at_work.fetch_sub(1);
    });
    crew_.add(1, [&](std::uint32_t) {
      while (at_work.load() != 0) {
        stops_[choices.below(threads)].request();
        std::this_thread::yield();
      }
    });
    crew_.run();
    const poolproof::bounded_stats left = used_->stats();
    stress::require_equal(left.waiting, 0, "calls in the queue of a pool that nobody calls");
    stress::require_equal(left.existing, left.idle, "places that nobody has");
    stress::require_equal(left.idle, existing.load(), "items that exist");
    used_.reset();
    stress::require_equal(existing.load(), 0, "items after the pool's end");
  }

 private:
  void call(stoppable& stop) {
    try {
      use(get(stop));
    } catch (const poolproof::pool_closed&) {
      count(counted.closed);
    } catch (const no_item&) {
      count(counted.unmade);
    }
  }

  handle get(stoppable& stop) {
    switch (choices.below(6)) {
      case 0:
        return used_->try_get();
      case 1: {
        handle got = used_->get_for(std::chrono::microseconds(choices.below(200)));
        if (!got) count(counted.late);
        return got;
      }
      case 2:
      case 3: {
        const std::stop_token token = stop.token();
        handle got = choices.one_in(2) ? used_->get(token) : get_by_coroutine(*used_, token);
        if (!got && token.stop_requested()) count(counted.stopped);
        return got;
      }
      case 4:
        return get_by_coroutine(*used_, {});
      default:
        return used_->get();
    }
  }

  void use(handle got) {
    if (choices.one_in(64)) used_->rotate();
    if (!got) return;
    count(counted.had);
    got->check_out();
    for (std::uint32_t n = choices.below(4); n != 0; --n) std::this_thread::yield();
    got->check_in();
    if (choices.one_in(4)) got.discard();
  }

  const std::uint32_t maximum_;
  std::optional<pool> used_;
  std::array<stoppable, threads> stops_;
  stress::crew crew_;
};

}  // namespace

int main(int argc, char** argv) {
  const stress::options asked =
      stress::parse(argc, argv,
                    {.program = "bounded_stress",
                     .purpose = "A bounded pool under all that may end a wait, at once.",
                     .seconds = 5});
  stress::report report;
  stress::watchdog watchdog("the test began");
  const auto paths = [] {
    return stress::paths{{"late", counted.late},
                         {"stopped", counted.stopped},
                         {"coroutines resumed by others", counted.resumed},
                         {"closed", counted.closed},
                         {"items that a factory refused", counted.unmade}};
  };
  std::uint64_t rounds = 0;
  for (const stress::time_box box(*asked.seconds); !box.over(paths()); ++rounds) {
    watchdog.renew("eight threads had and gave back items");
    bounded_round(choices.next()).run();
  }
  stress::require_equal(tracked::gone(), tracked::made(), "items destroyed, of those constructed");
  report.did("rounds", rounds);
  report.did("items had", counted.had);
  report.took(paths());
  return report.finish();
}

// SPDX-License-Identifier: MIT
// Beginnings and ends: pools are made and destroyed while their handles come back from other
// threads and rotate_all runs; then 10,000 short threads use one pool.
//
// The policy is production's, but for a count of the memory that the library has. What is destroyed
// too early is found by the items and by the address sanitizer; what is never destroyed, by the
// counts.
#include "tracked.hpp"

#include <poolproof/object_pool.hpp>

#include <memory>

namespace {

using stress::choices;
using stress::tracked;

// ---- Memory ------------------------------------------------------------------------------------

constinit std::atomic<std::uint64_t> blocks{0};
constinit std::atomic<std::uint64_t> bytes{0};

struct counted_sync : poolproof::std_sync {
  static void* allocate(std::size_t size, std::size_t alignment) noexcept {
    count(size);
    return std_sync::allocate(size, alignment);
  }
  static void deallocate(void* memory, std::size_t size, std::size_t alignment) noexcept {
    uncount(size);
    std_sync::deallocate(memory, size, alignment);
  }
  static void* allocate_zeroed(std::size_t size, std::size_t alignment) noexcept {
    count(size);
    return std_sync::allocate_zeroed(size, alignment);
  }
  static void deallocate_zeroed(void* memory, std::size_t size, std::size_t alignment) noexcept {
    uncount(size);
    std_sync::deallocate_zeroed(memory, size, alignment);
  }

 private:
  static void count(std::size_t size) noexcept {
    blocks.fetch_add(1, std::memory_order_relaxed);
    bytes.fetch_add(size, std::memory_order_relaxed);
  }
  static void uncount(std::size_t size) noexcept {
    blocks.fetch_sub(1, std::memory_order_relaxed);
    bytes.fetch_sub(size, std::memory_order_relaxed);
  }
};

template <class T>
using pool = poolproof::object_pool<T, std::default_delete<T>, counted_sync>;

// ---- Pools that end while others are at work in them -------------------------------------------

enum class stage : std::uint8_t { open, closing, closed };
constinit std::atomic<stage> pools_are{stage::open};
constinit thread_local bool is_rotator = false;
constinit std::atomic<std::uint64_t> rotated_away{0};
constinit std::atomic<std::uint64_t> rotated_away_while_closing{0};

// Takes its time to be destroyed, so that others come in between.
class slow_item : public tracked {
 public:
  ~slow_item() {
    if (choices.one_in(4)) std::this_thread::yield();
    if (!is_rotator) return;
    rotated_away.fetch_add(1, std::memory_order_relaxed);
    if (pools_are.load(std::memory_order_relaxed) == stage::closing) {
      rotated_away_while_closing.fetch_add(1, std::memory_order_relaxed);
    }
  }
};

// An item that has a pool of its own: whoever destroys the item destroys a pool.
class nest : public slow_item {
 public:
  nest() {
    inner_.put(std::make_unique<slow_item>());
    inner_.put(std::make_unique<slow_item>());
  }

 private:
  pool<slow_item> inner_;
};

// How the handles came back, seen from the thread that returned them.
struct returns {
  std::atomic<std::uint64_t> before{0};
  std::atomic<std::uint64_t> during{0};
  std::atomic<std::uint64_t> after{0};

  void add(stage began, stage ended) {
    auto& sum = ended == stage::open ? before : began == stage::closed ? after : during;
    sum.fetch_add(1, std::memory_order_relaxed);
  }
};

constexpr std::uint32_t returners = 3;
constexpr std::uint32_t handles_each = 8;
constexpr std::uint32_t most_items = 40;

template <class T>
class short_life {
 public:
  explicit short_life(std::uint64_t seed) : crew_(seed) {
    for (auto& handles : lent_) {
      for (std::uint32_t i = 0; i < handles_each; ++i) handles.push_back(used_->borrow());
    }
    for (std::uint32_t i = choices.below(most_items); i > 0; --i) {
      used_->put(std::make_unique<T>());
    }
  }

  void run(returns& seen) {
    pools_are.store(stage::open, std::memory_order_relaxed);
    crew_.add(1, [this](std::uint32_t) { end_pool(); });
    crew_.add(returners, [&](std::uint32_t i) { return_handles(lent_[i], seen); });
    crew_.run();
  }

 private:
  static void pass_time() {
    for (std::uint32_t i = choices.below(8); i > 0; --i) std::this_thread::yield();
  }

  void end_pool() {
    pass_time();
    pools_are.store(stage::closing, std::memory_order_relaxed);
    used_.reset();
    pools_are.store(stage::closed, std::memory_order_relaxed);
  }

  static void return_handles(std::vector<typename pool<T>::handle>& handles, returns& seen) {
    while (!handles.empty()) {
      if (choices.one_in(2)) pass_time();
      handles.back()->check_out();
      handles.back()->check_in();
      const stage began = pools_are.load(std::memory_order_relaxed);
      if (choices.one_in(8)) handles.back().detach().reset();
      handles.pop_back();
      seen.add(began, pools_are.load(std::memory_order_relaxed));
    }
  }

  std::unique_ptr<pool<T>> used_ = std::make_unique<pool<T>>();
  std::array<std::vector<typename pool<T>::handle>, returners> lent_;
  stress::crew crew_;
};

// While it exists, a thread calls rotate_all over and over.
class rotator {
 public:
  rotator() : thread_([this] { rotate(); }) {}
  ~rotator() { stop(); }

  std::uint64_t stop() {
    over_.store(true, std::memory_order_relaxed);
    if (thread_.joinable()) thread_.join();
    return rotations_;
  }

 private:
  void rotate() {
    is_rotator = true;
    for (; !over_.load(std::memory_order_relaxed); ++rotations_) {
      poolproof::rotate_all_of<counted_sync>();
      std::this_thread::yield();
    }
  }

  std::atomic<bool> over_{false};
  std::uint64_t rotations_ = 0;
  std::thread thread_;
};

void check_nothing_left() {
  stress::require_equal(tracked::gone(), tracked::made(), "items destroyed, of those constructed");
  stress::require_equal(blocks, 0, "blocks of the library's memory left behind");
}

void end_pools(double seconds, stress::watchdog& watchdog, stress::report& report) {
  returns seen;
  rotator rotations;
  std::uint64_t pools = 0;
  const auto paths = [&seen] {
    return stress::paths{{"handles back before their pool's end", seen.before},
                         {"meanwhile", seen.during},
                         {"later", seen.after},
                         {"items that rotate_all destroyed", rotated_away},
                         {"of them while their pool ended", rotated_away_while_closing}};
  };
  for (const stress::time_box box(seconds); !box.over(paths()); pools += 2) {
    watchdog.renew("handles came back to a pool that was destroyed");
    short_life<slow_item>(choices.next()).run(seen);
    short_life<nest>(choices.next()).run(seen);
  }
  const std::uint64_t rotated = rotations.stop();
  check_nothing_left();
  report.did("pools", pools);
  report.did("calls of rotate_all", rotated);
  report.took(paths());
}

// ---- Threads that come and go ------------------------------------------------------------------

constexpr std::uint32_t lines = 8;  // threads alive at once

void be_short(pool<tracked>& used) {
  for (std::uint32_t i = 0; i < 4; ++i) {
    const auto lent = used.borrow();
    auto got = used.get();
    got->check_out();
    if (choices.one_in(4)) std::this_thread::yield();
    got->check_in();
    used.put(std::move(got));
    used.put(std::make_unique<tracked>());
  }
}

void churn(std::uint64_t threads, stress::watchdog& watchdog, stress::report& report) {
  {
    pool<tracked> used([] { return std::make_unique<tracked>(); },
                       {.cycle_interval = std::nullopt});
    stress::crew crew(choices.next());
    crew.add(lines, [&](std::uint32_t line) {
      for (std::uint64_t i = line; i < threads; i += lines) {
        watchdog.renew("many short threads used a pool");
        std::thread([&, seed = choices.next()] {
          choices = stress::generator(seed);
          be_short(used);
        }).join();
      }
    });
    crew.run();

    report.did("short threads", threads);
    report.took({{"items that they left", used.stats().retained}});
    report.did("bytes of the library then", bytes);
    used.rotate();
    used.rotate();
    stress::require_equal(used.stats().retained, 0, "items left after two cycles");
    stress::require_equal(tracked::alive(), 0, "items alive after two cycles");
    // The inner part, an array of shards, and a spill shard for each thread that found its own busy
    // when others were alive: what is left follows from the threads alive at once.
    stress::require(blocks <= 2 + lines, "memory is left for threads that are gone");
    report.did("bytes after two cycles", bytes);
  }
  check_nothing_left();
}

}  // namespace

int main(int argc, char** argv) {
  const stress::options asked = stress::parse(
      argc, argv,
      {.program = "lifetime_stress",
       .purpose =
           "Pools that end while handles return and rotate_all runs; short threads: --items.",
       .seconds = 2.5,
       .items = 10'000});
  stress::report report;
  stress::watchdog watchdog("the test began");

  end_pools(*asked.seconds, watchdog, report);
  churn(*asked.items, watchdog, report);
  return report.finish();
}

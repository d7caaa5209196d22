// SPDX-License-Identifier: MIT
// Go's TestPoolDequeue: a ring of 16, one producer that also pops every tenth time, nine thieves,
// 2*10^6 values each seen exactly once. The indices start 500 below 2^32, so that they wrap. Calls
// move as many values at once as each thread chooses anew, up to eight.
#include "stressed_sync.hpp"
#include "values.hpp"

#include <poolproof/pool_dequeue.hpp>

namespace {

using stress::racy;
using stress::value;

constexpr std::uint32_t ring_length = 16;
constexpr std::uint32_t first_index = 0u - 500u;
constexpr std::uint32_t thieves = 9;
constexpr std::uint32_t most_at_once = 8;
constexpr const char* activity = "the values went through the ring";

class ring_test {
 public:
  using dequeue = poolproof::pool_dequeue<value, stress::stressed_sync>;

  ring_test(std::uint64_t items, stress::watchdog& watchdog)
      : values_(items), watchdog_(watchdog) {}

  // Pushes every value, in order, and pops after every tenth.
  void produce() {
    std::array<value*, most_at_once> made;
    std::uint64_t next = 0;
    while (next < values_.size()) {
      const std::uint64_t left = values_.size() - next;
      const auto count = static_cast<std::uint32_t>(std::min<std::uint64_t>(left, at_once()));
      for (std::uint32_t i = 0; i < count; ++i) made[i] = values_.produce(next + i);
      push(made.data(), count);
      next += count;
      if (stress::choices.one_in(10)) pop();
      if (stress::choices.one_in(1024)) watchdog_.renew(activity);
    }
    done_.store(true, std::memory_order_release);
  }

  // Steals until there is nothing left and nothing to come.
  void steal() {
    std::array<value*, most_at_once> stolen;
    for (;;) {
      const bool last_look = done_.load(std::memory_order_acquire);
      const std::uint32_t count = ring_.pop_tail(stolen.data(), at_once());
      for (std::uint32_t i = 0; i < count; ++i) values_.take(stolen[i]);
      if (count > 1) several_stolen_.fetch_add(1, std::memory_order_relaxed);
      if (count != 0) continue;
      if (last_look) return;
      std::this_thread::yield();
    }
  }

  // At the end. Every slot has been handed back: the ring takes exactly its length again.
  void check() {
    values_.check_all_taken();
    value any;
    for (std::uint32_t i = 0; i < ring_length; ++i) {
      stress::require(ring_.push_head(&any), "a slot was not handed back to the producer");
    }
    stress::require(!ring_.push_head(&any), "the ring takes more items than it has slots");
  }

  std::uint64_t popped() const { return popped_; }
  std::uint64_t refused_pushes() const { return refused_pushes_; }
  std::uint64_t cut_pushes() const { return cut_pushes_; }
  std::uint64_t several_stolen() const { return several_stolen_.load(std::memory_order_relaxed); }

 private:
  static std::uint32_t at_once() { return 1 + stress::choices.below(most_at_once); }

  void push(value* const* made, std::uint32_t count) {
    std::uint32_t pushed = ring_.push_head(made, count);
    if (pushed != 0 && pushed != count) ++cut_pushes_;
    while (pushed != count) {
      ++refused_pushes_;
      std::this_thread::yield();
      pushed += ring_.push_head(made + pushed, count - pushed);
    }
  }

  void pop() {
    std::array<value*, most_at_once> popped;
    const std::uint32_t count = ring_.pop_head(popped.data(), at_once());
    for (std::uint32_t i = 0; i < count; ++i) values_.take(popped[i]);
    popped_ += count;
  }

  stress::value_list values_;
  stress::watchdog& watchdog_;
  std::array<dequeue::slot, ring_length> slots_{};
  dequeue ring_{slots_.data(), ring_length, first_index};
  std::atomic<bool> done_{false};
  std::uint64_t popped_ = 0;
  std::uint64_t refused_pushes_ = 0;
  std::uint64_t cut_pushes_ = 0;
  std::atomic<std::uint64_t> several_stolen_{0};
};

}  // namespace

int main(int argc, char** argv) {
  const stress::options asked =
      stress::parse(argc, argv,
                    {.program = "dequeue_stress",
                     .purpose = "One producer and nine thieves on a ring of 16.",
                     .items = 2'000'000});
  if (*asked.items < 1000) stress::fail("--items must be at least 1000: else no index wraps");
  stress::report report;
  stress::watchdog watchdog(activity);

  const stress::time_box box(0);
  stress::crew crew(asked.seed);
  std::uint64_t rounds = 0;
  stress::paths paths;
  do {
    ring_test test(*asked.items, watchdog);
    crew.add(1, [&](std::uint32_t) { test.produce(); });
    crew.add(thieves, [&](std::uint32_t) { test.steal(); });
    crew.run();
    test.check();
    ++rounds;
    paths = {{"popped by the producer", test.popped()},
             {"pushes refused", test.refused_pushes()},
             {"pushes of some and not all", test.cut_pushes()},
             {"steals of several", test.several_stolen()},
             {"unvacated slots", stress::taken(racy::unvacated_slot)},
             {"lost steals", stress::taken(racy::lost_steal)},
             {"lost pops", stress::taken(racy::lost_pop)}};
  } while (!box.over(paths));

  report.did("values once each", rounds * *asked.items);
  report.took(paths);
  return report.finish();
}

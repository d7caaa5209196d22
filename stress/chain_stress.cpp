// SPDX-License-Identifier: MIT
// Go's TestPoolChain: one producer that also pops every tenth time, nine thieves, 2*10^6 values
// each seen exactly once; here on a chain whose rings are reclaimed while the thieves work.
//
// The producer pushes in bursts, so that the chain grows, and now and then waits until the thieves
// have drained it and gives all its rings to the reclaimer, as a shard's cycle does. A freed ring
// is overwritten by the policy, so that a late reader goes wrong even without a sanitizer.
#include "stressed_sync.hpp"
#include "values.hpp"

#include <poolproof/pool_chain.hpp>

namespace {

using stress::racy;
using stress::value;

constexpr std::uint32_t thieves = 9;
constexpr const char* activity = "the values went through the chain";
constexpr std::uint32_t longest_burst = 400;
constexpr std::uint32_t most_at_once = 8;
// A thief is late once in so many steals.
constexpr std::uint32_t late_period = 1024;

class chain_test {
 public:
  using chain = poolproof::pool_chain<value, stress::stressed_sync>;
  static_assert(alignof(chain::ring) == stress::stressed_sync::ring_alignment);

  chain_test(std::uint64_t items, stress::watchdog& watchdog)
      : values_(items), watchdog_(watchdog) {}

  // Pushes every value, in order, and pops after every tenth.
  void produce() {
    std::uint64_t i = 0;
    while (i < values_.size()) {
      const std::uint64_t burst = 1 + stress::choices.below(longest_burst);
      for (const std::uint64_t end = std::min(i + burst, values_.size()); i < end;) {
        i += push(i, static_cast<std::uint32_t>(std::min<std::uint64_t>(at_once(), end - i)));
        if (stress::choices.one_in(10)) pop();
      }
      if (stress::choices.one_in(4)) shorten();
      watchdog_.renew(activity);
    }
    freed_at_work_ = stress::taken(racy::freed_ring);
    done_.store(true, std::memory_order_release);
  }

  // Steals until there is nothing left and nothing to come.
  void steal() {
    for (;;) {
      const bool last_look = done_.load(std::memory_order_acquire);
      if (steal_some()) continue;
      if (last_look) return;
      std::this_thread::yield();
    }
  }

  void check() const { values_.check_all_taken(); }

  std::uint64_t popped() const { return popped_; }
  std::uint64_t freed_at_work() const { return freed_at_work_; }
  std::uint64_t held_back() const { return held_back_; }
  std::uint64_t several_stolen() const { return several_stolen_.load(std::memory_order_relaxed); }

 private:
  static std::uint32_t at_once() { return 1 + stress::choices.below(most_at_once); }

  std::uint32_t push(std::uint64_t first, std::uint32_t count) {
    std::array<value*, most_at_once> made;
    for (std::uint32_t i = 0; i < count; ++i) made[i] = values_.produce(first + i);
    chain::tenure rings(&rings_);
    stress::require(chain_.push_head(made.data(), count, rings) == count, "a push was refused");
    return count;
  }

  void pop() {
    std::array<value*, most_at_once> popped;
    const std::uint32_t count = chain_.pop_head(popped.data(), at_once());
    for (std::uint32_t i = 0; i < count; ++i) values_.take(popped[i]);
    popped_ += count;
  }

  // False if there was nothing.
  bool steal_some() {
    std::array<value*, most_at_once> stolen;
    const std::uint32_t count = visit(stolen.data());
    for (std::uint32_t i = 0; i < count; ++i) values_.take(stolen[i]);
    if (count > 1) several_stolen_.fetch_add(1, std::memory_order_relaxed);
    return count != 0;
  }

  std::uint32_t visit(value** stolen) noexcept {
    if (chain_.looks_empty()) return 0;
    const chain::reclaimer::visit inside(rings_);
    if (stress::choices.one_in(late_period)) stay_a_while();
    return chain_.pop_tail(stolen, at_once());
  }

  // A late thief: the producer goes on, and may want to free what this thread could still read.
  static void stay_a_while() {
    for (std::uint32_t i = stress::choices.below(64); i > 0; --i) std::this_thread::yield();
  }

  // If a thief of an earlier phase is still inside, the rings stay in use.
  void shorten() {
    while (!chain_.drained()) std::this_thread::yield();
    chain::tenure rings(&rings_);
    chain_.release_rings(rings);
    if (!chain_.looks_empty()) ++held_back_;
  }

  stress::value_list values_;
  stress::watchdog& watchdog_;
  chain chain_;
  chain::reclaimer rings_;
  std::atomic<bool> done_{false};
  std::uint64_t popped_ = 0;
  std::uint64_t freed_at_work_ = 0;
  std::uint64_t held_back_ = 0;
  std::atomic<std::uint64_t> several_stolen_{0};
};

}  // namespace

int main(int argc, char** argv) {
  const stress::options asked =
      stress::parse(argc, argv,
                    {.program = "chain_stress",
                     .purpose = "One producer and nine thieves on a chain that grows and shrinks.",
                     .items = 2'000'000});
  stress::report report;
  stress::watchdog watchdog(activity);

  const stress::time_box box(0);
  stress::crew crew(asked.seed);
  std::uint64_t rounds = 0;
  stress::paths paths;
  do {
    chain_test test(*asked.items, watchdog);
    crew.add(1, [&](std::uint32_t) { test.produce(); });
    crew.add(thieves, [&](std::uint32_t) { test.steal(); });
    crew.run();
    test.check();
    ++rounds;
    paths = {{"popped by the producer", test.popped()},
             {"rings freed while thieves worked", test.freed_at_work()},
             {"chains kept for a late thief", test.held_back()},
             {"steals of several", test.several_stolen()},
             {"lost unlinkings", stress::taken(racy::lost_unlink)},
             {"unvacated slots", stress::taken(racy::unvacated_slot)},
             {"lost steals", stress::taken(racy::lost_steal)},
             {"lost pops", stress::taken(racy::lost_pop)}};
  } while (!box.over(paths));

  report.did("values once each", rounds * *asked.items);
  report.took(paths);
  return report.finish();
}

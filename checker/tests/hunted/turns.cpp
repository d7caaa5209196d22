// SPDX-License-Identifier: MIT
// Random programs with loops: two or three threads, of a few operations on two atomics each, some
// of which go round until they find what they wait for. The first argument is the seed, the second
// how many turns a loop may make before the execution is left out; 0: any number.
#include <atomic>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <random>
#include <string>
#include <thread>

#include <checker/program.h>

enum class kind {
  load,
  store,
  add,
  swap_loop,
  add_loop,
  compare_loop,
  read_loop,
  lock_loop,
  kept_loop,
  sum_loop,
  look,
  change_loop,
  store_loop,
  pulse_loop
};
struct operation {
  kind what;
  unsigned location;
  int value;
  std::memory_order order;
};
struct thread_of_program {
  operation operations[3];
  unsigned count;
  int seen[3];
  int kept[2];  // what it has last read, as a ring keeps the other side's index
};

std::atomic<int> x[2];
std::atomic<bool> locked;
int guarded = 0;  // by the lock
thread_of_program threads[3];
int most_turns = 0;

// Each turn leaves its thread as it found it, so that the first can be in vain.
template <class Turn>
int go_round(Turn turn) {
  if (most_turns == 0) {
    for (;;) {
      int seen = 0;
      if (turn(seen)) return seen;
    }
  }
  for (int turns = 0;; checker_assume(++turns != most_turns)) {
    int seen = 0;
    if (turn(seen)) return seen;
  }
}

void lock() {
  go_round([](int&) { return !locked.exchange(true, std::memory_order_acquire); });
}
void unlock() { locked.store(false, std::memory_order_release); }

// Turns that write plain memory: calls, so that what they leave behind is there, and in no register
// of who goes round.

// As a ring keeps what it has last read of the other side.
[[gnu::noinline]] bool keep(int& kept, const std::atomic<int>& from, int value) {
  if (kept == value) kept = from.load(std::memory_order_acquire);
  return kept != value;
}
// Who reads the same again is further all the same.
[[gnu::noinline]] bool sum_up(int& sum, const std::atomic<int>& from) {
  sum += from.load(std::memory_order_acquire);
  return sum > 1;
}
// All is as it was in the end, and others may have seen it in between.
[[gnu::noinline]] bool change_and_put_back(int& seen, const std::atomic<int>& from, int value) {
  seen = from.load(std::memory_order_relaxed);
  lock();
  ++guarded;
  unlock();
  lock();
  --guarded;
  unlock();
  return seen != value;
}

int run(const operation& now, thread_of_program& self) {
  std::atomic<int>& here = x[now.location];
  int& own_kept = self.kept[now.location];
  const auto acquire = std::memory_order_acquire;
  const auto relaxed = std::memory_order_relaxed;
  const auto stores = now.order == relaxed ? relaxed : std::memory_order_release;
  switch (now.what) {
    case kind::load:
      return here.load(acquire);
    case kind::store:
      here.store(now.value, stores);
      return 0;
    case kind::add:
      return here.fetch_add(1, now.order);
    case kind::swap_loop:
      return go_round([&](int& seen) { return (seen = here.exchange(1, now.order)) != 1; });
    case kind::add_loop:
      return go_round([&](int& seen) {
        if ((seen = here.fetch_add(2, now.order)) != now.value) return true;
        here.fetch_sub(2, now.order);
        return false;
      });
    case kind::compare_loop:
      return go_round([&](int& seen) {
        seen = now.value;
        return here.compare_exchange_strong(seen, 5, now.order, relaxed);
      });
    case kind::read_loop:
      return go_round([&](int& seen) { return (seen = here.load(acquire)) != 0; });
    case kind::kept_loop:
      go_round([&](int&) { return keep(own_kept, here, now.value); });
      return own_kept;
    case kind::sum_loop:
      go_round([&](int&) { return sum_up(own_kept, here); });
      return own_kept;
    case kind::change_loop:
      return go_round([&](int& seen) { return change_and_put_back(seen, here, now.value); });
    case kind::store_loop:
      return go_round([&](int& seen) {
        here.store(now.value, stores);
        return (seen = x[1 - now.location].load(acquire)) != 0;
      });
    case kind::pulse_loop:
      return go_round([&](int& seen) {
        here.store(3, stores);
        here.store(now.value, relaxed);
        return (seen = x[1 - now.location].load(acquire)) != 0;
      });
    case kind::look: {
      lock();
      const int seen = guarded;
      unlock();
      return seen;
    }
    default:
      // A look under a lock, as into a queue.
      return go_round([&](int& seen) {
        if (locked.exchange(true, acquire)) return false;
        seen = here.load(relaxed);
        locked.store(false, std::memory_order_release);
        return seen != now.value;
      });
  }
}

int main(int, char** arguments) {
  const auto seed = static_cast<unsigned>(std::atoi(arguments[1]));
  std::mt19937 random(seed);
  const auto below = [&](unsigned n) { return static_cast<unsigned>(random() % n); };
  most_turns = std::atoi(arguments[2]);
  const unsigned count = 2 + below(2);
  for (unsigned t = 0; t != count; ++t) {
    threads[t].count = 1 + below(count == 2 ? 3 : 2);
    for (unsigned i = 0; i != threads[t].count; ++i) {
      // Looks at what loops have in between are what is lost if a turn is left out that was seen.
      constexpr kind atomics[] = {
          kind::load,      kind::load,      kind::load,       kind::store,      kind::add,
          kind::swap_loop, kind::add_loop,  kind::add_loop,   kind::add_loop,   kind::compare_loop,
          kind::read_loop, kind::lock_loop, kind::store_loop, kind::store_loop, kind::pulse_loop};
      // Or what they do to plain memory.
      constexpr kind plain[] = {kind::store,    kind::store,       kind::load,       kind::look,
                                kind::look,     kind::add,         kind::kept_loop,  kind::sum_loop,
                                kind::sum_loop, kind::change_loop, kind::change_loop};
      const kind what =
          seed % 2 == 0 ? atomics[below(std::size(atomics))] : plain[below(std::size(plain))];
      threads[t].operations[i] = {
          what, below(2) == 0 ? 1u : 0u, static_cast<int>(below(2)),
          below(2) == 0 ? std::memory_order_relaxed : std::memory_order_acq_rel};
    }
  }
  const auto run_all = [](unsigned self) {
    thread_of_program& own = threads[self];
    for (unsigned i = 0; i != own.count; ++i) own.seen[i] = run(own.operations[i], own);
  };
  std::thread others[2];
  for (unsigned t = 1; t != count; ++t) others[t - 1] = std::thread(run_all, t);
  run_all(0);
  for (unsigned t = 1; t != count; ++t) others[t - 1].join();
  std::string text;
  for (const auto& thread : threads) {
    for (const int each : thread.seen) text += std::to_string(each) + ' ';
  }
  checker_outcome((text + "| " + std::to_string(x[0]) + " " + std::to_string(x[1])).c_str());
}

// SPDX-License-Identifier: MIT
// What a pool promises, as a program: docs/guarantees.md, a clause for each.
//
// A run of a pool is a set of calls and what was seen of them: the items that they took, those that
// were destroyed meanwhile, what the machine refused. To the specification the pool is a bag of
// items, each with the number of cycles since its put. A run is right if its steps can be put into
// one order that keeps to what happens before what, and in which the bag allows each of them.
//
//     call     [ begins ............................................ ends ]
//     steps        put, take or miss, a cycle begins, ...       somewhere in between
//                       destroyed                               at the destructor's moment
//
// It knows neither the headers nor the checker: proofs/history.hpp records runs for it.
//
// Stands on: the standard library.
#pragma once

#include <algorithm>
#include <array>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string_view>

namespace poolproof::proofs {

// The sentences that are checked. `proofs --without NAME` leaves one out.
enum class clause : std::uint8_t {
  once,
  kept,
  second_cycle,
  gone,
  miss,
  miss_in_hands,
  end,
  lost,
  budget,
  factory,
  constructions,
  misses,
  cycles,
  destroyed,
  retained,
  hits,
  pin,
  due,
  share,
  memory,
  bound,
  full,
  idle,
  reset,
  told,
  at_hand,
  interrupts,
  reserve,
};

struct sentence {
  clause which;
  std::string_view name;
  std::string_view says;
};

inline constexpr std::array<sentence, 28> all_clauses{{
    {clause::once, "once",
     "an item is handed out at most once per put, and destroyed exactly once"},
    {clause::kept, "kept",
     "put keeps its item: items are destroyed by cycles, else only if memory is refused to a call "
     "that has them in its hands"},
    {clause::second_cycle, "second-cycle",
     "a cycle destroys no item before the second that has begun after its put, not counting those "
     "that an earlier one owes its shard; if memory is refused to it, not before the first"},
    {clause::gone, "gone",
     "an item that nobody touches is destroyed when the second rotate after its put returns; a get "
     "that takes a victim touches others with it"},
    {clause::miss, "miss", "a get misses only if the pool is empty or another call is inside"},
    {clause::miss_in_hands, "miss-in-hands",
     "without sections and cycles, a put hides one item at most from a get"},
    {clause::end, "end", "the pool's end destroys what is in the pool"},
    {clause::lost, "lost", "no item is lost: each is handed out again, or destroyed"},
    {clause::budget, "budget", "a call other than rotate destroys a bounded number of items"},
    {clause::factory, "factory", "a get calls the factory if it has missed, and not otherwise"},
    {clause::constructions, "constructions", "stats().constructions counts what the factory made"},
    {clause::misses, "misses", "stats().misses counts the gets that found no item"},
    {clause::cycles, "cycles", "stats().cycles counts the cycles that have begun"},
    {clause::destroyed, "destroyed",
     "stats() counts what was destroyed, by cycles or because memory was refused"},
    {clause::retained, "retained", "stats().retained counts the items in the pool"},
    {clause::hits, "hits", "stats() tells gets of victims, steals and busy rings from hits"},
    {clause::pin, "pin", "stats().pin tells how the calling thread finds its shard"},
    {clause::due, "due", "the calls of a pool begin a cycle when its interval is over"},
    {clause::share, "share",
     "a look at the clock half an interval after an automatic cycle has begun does what is left of "
     "it: so an item is gone after the second, but what a get takes along counts as put then"},
    {clause::memory, "memory",
     "two cycles after the last item is gone a pool keeps no memory for items"},
    {clause::bound, "bound",
     "a pool never holds more items than it may, not counting those that others are destroying"},
    {clause::full, "full", "a put drops its item for the bound only if the pool is full meanwhile"},
    {clause::idle, "idle",
     "a cycle leaves min_idle items in the pool, counting what other calls have in their hands"},
    {clause::reset, "reset",
     "what comes back is reset, and goes into the pool if that does not refuse it"},
    {clause::told, "told", "what the pool destroys is told once, with the cause"},
    {clause::at_hand, "at-hand",
     "try_get_near misses only if other CPUs have at hand what is in the pool, or another call is "
     "inside"},
    {clause::interrupts, "interrupts",
     "try_get_near interrupts no thread, but for a cycle that is overdue"},
    {clause::reserve, "reserve", "reserve makes items until the pool holds so many, and no more"},
}};

constexpr std::string_view says(clause which) noexcept {
  return all_clauses[static_cast<std::size_t>(which)].says;
}

// Those that this run leaves out.
inline std::uint32_t removed_clauses = 0;

inline bool holds(clause which) noexcept {
  return (removed_clauses >> static_cast<unsigned>(which) & 1) == 0;
}

// Why an item was destroyed, as the pool has told.
enum class reason : std::uint8_t { untold, reset, bound, cycle, memory, end, late_return };

// What surrounds the pool, in all runs of a client.
struct surroundings {
  bool has_upkeep = false;      // it has hooks: a reset, and it tells what it drops
  std::size_t most_items = 0;   // then: its bound
  std::size_t least_items = 0;  // then: its min_idle
  bool sections = false;        // some thread's calls use magazines
  std::size_t at_hand = 0;      // items that all magazines hold at most
  bool automatic_cycles = false;
  bool shares_shards = false;    // some CPUs do
  std::size_t call_budget = 0;   // items that a call other than rotate destroys for a cycle
  std::size_t handful = 1;       // items that a call moves at once
  std::size_t reserved = 0;      // items that reserve asks for
  std::uint8_t tick_period = 1;  // gets on one CPU, of which one looks at the clock
};

enum class call_kind : std::uint8_t {
  put,  // also the return of a handle
  get,  // also a borrow
  try_get,
  try_get_near,
  reserve,
  rotate,  // also of all pools
  end,     // the pool's destructor
  stats,
  other,  // what touches no item in the pool: detach, a moved handle, the clock
};

inline constexpr std::uint8_t unknown = 0xff;
inline constexpr std::uint8_t nobody = 0xff;

struct call {
  call_kind kind = call_kind::other;
  std::uint8_t thread = 0;
  std::uint8_t cpu = 0;          // that it was on all the time, or `unknown`
  bool sections = false;         // whether its thread's sections run
  std::uint8_t inside = nobody;  // the call whose destructor or factory makes it
  bool refused_memory = false;
  bool refused_restart = false;
  bool over = false;
  std::uint32_t before = 0;    // the calls that have ended before it began
  std::uint8_t destroyed = 0;  // items, not counting those of calls inside it
  std::uint8_t asked = 0;      // how often the factory was called
  std::uint8_t missed = 0;     // how often it should have been
  std::uint8_t restarts = 0;   // of other threads' sections, not counting those of calls inside it
};

struct counts {
  std::uint64_t constructions = 0;
  std::uint64_t misses = 0;
  std::uint64_t steals = 0;
  std::uint64_t victim_hits = 0;
  std::uint64_t busy = 0;
  std::uint64_t spills = 0;
  std::uint64_t refused_memory = 0;
  std::uint64_t late_returns = 0;
  std::uint64_t cycles = 0;
  std::uint64_t cycle_destroyed = 0;
  std::uint64_t retained = 0;
};

struct step {
  enum class kind : std::uint8_t {
    put,       // the item comes into the pool
    take,      // it is handed out
    miss,      // a get finds nothing
    made,      // the factory makes something
    cycle,     // a cycle begins
    swept,     // the call that began it returns
    clock,     // half intervals of automatic cycles go by; the item is their number
    destroy,   // the pool destroys the item
    ends,      // the pool's end begins
    ended,     // and returns
    counted,   // stats
    reserved,  // the end of a reserve
  };

  kind what;
  std::uint8_t call;
  std::uint8_t item = nobody;
  std::uint64_t before = 0;  // the steps that come before it in any case
  reason why = reason::untold;
  bool unwanted = false;  // of a put: its reset refuses the item
};

inline constexpr std::size_t most_items = 32;
inline constexpr std::size_t most_calls = 32;
inline constexpr std::size_t most_steps = 64;

// A run, as far as it was seen.
struct observed_run {
  surroundings around;
  std::array<call, most_calls> calls;
  std::size_t call_count = 0;
  std::array<step, most_steps> steps;
  std::size_t step_count = 0;
  std::array<counts, 4> told;  // by stats; a step's item is the index
  std::size_t told_count = 0;
  std::size_t blocks_left = 0;  // of memory for items, where none is left

  bool refused_restart() const noexcept {
    return std::any_of(calls.begin(), calls.begin() + static_cast<std::ptrdiff_t>(call_count),
                       [](const call& each) { return each.refused_restart; });
  }
};

// Looks for the order in which the pool's promises explain a run.
class specification {
 public:
  explicit specification(const observed_run& seen) noexcept : run_(seen) {}

  // Whether there is one, and each call kept to its bounds.
  bool explains_all() noexcept { return bounds_are_kept() && explains_rest({}, 0); }

  // If there is none: what stands against the order that came furthest.
  clause objection() const noexcept { return objection_; }

 private:
  struct age {
    std::uint8_t possible = 0;  // cycles that may have begun since the put
    std::uint8_t sure = 0;      // cycles that have begun and ended since, with nobody else inside
    std::uint8_t put_by = 0;    // the step
    std::uint8_t done = 0;      // automatic cycles that have begun since, and of which all is done
    bool owed = false;          // one has begun, and perhaps not all of it is done
    std::uint8_t begun = 0;     // rotates that have begun and returned since, whoever was beside
  };

  // The pool, and what it has counted.
  struct bag {
    std::uint32_t items = 0;
    std::uint32_t refused = 0;  // that came back and may not come in; not yet destroyed
    std::array<age, most_items> ages{};
    bool ended = false;
    std::uint8_t made = 0;
    std::uint8_t missed = 0;
    std::uint8_t possible_cycles = 0;
    std::uint8_t sure_cycles = 0;
    std::uint8_t destroyed = 0;
    std::uint8_t victim_hits = 0;
    std::uint8_t possible_victim_hits = 0;
    std::uint8_t takes = 0;
    std::uint8_t unsettled = 0;  // cycles that were not alone: some shard may still owe them
    bool used = false;           // some call has made the pool's inner part
    std::uint8_t pending = 0;    // intervals that are over, and whose cycles may not have begun yet
    std::uint8_t looks = 0;      // gets on CPU 0 since the clock moved
    std::uint8_t begun = 0;      // cycles that such gets have begun
    std::uint8_t halves = 0;     // half intervals since the first use
    std::uint8_t cycle_at = 0;   // the one with which the last of these cycles began
    std::uint32_t doomed = 0;    // items that are gone when the call that looked last returns
    std::uint8_t looker = nobody;

    bool has(std::uint8_t item) const noexcept { return (items >> item & 1) != 0; }
    std::size_t size() const noexcept { return static_cast<std::size_t>(std::popcount(items)); }
  };

  static constexpr std::uint64_t bit(std::size_t number) noexcept {
    return std::uint64_t{1} << number;
  }

  bool bounds_are_kept() noexcept;
  bool explains_rest(const bag& now, std::uint64_t done) noexcept;
  bool take_step(bag& now, std::size_t number) noexcept;

  bool object(clause which) noexcept {
    if (!holds(which)) return true;
    candidate_ = which;
    return false;
  }

  bool put(bag& now, std::size_t number) noexcept;
  reason fate_of(const step& put) const noexcept;
  bool may_come_in(const bag& now, const step& put, reason fate) noexcept;
  bool is_nobodys(const step& of) const noexcept;
  bool is_told(const bag& now, const step& of) noexcept;
  bool take(bag& now, const step& taken) noexcept;
  bool miss(bag& now, const step& missed) noexcept;
  void look_at_clock(bag& now, const step& get) noexcept;
  void pass_time(bag& now, const step& of) noexcept;
  bool cycle(bag& now) noexcept;
  bool swept(bag& now, const step& of) noexcept;
  bool makes_up(bag& now, const call& cycle) noexcept;
  bool is_undisturbed(std::size_t cycle) const noexcept;
  bool is_elsewhere(std::size_t put, std::size_t cycle) const noexcept;
  bool may_be_first_used_on(std::uint8_t cpu) const noexcept;
  bool destroy(bag& now, const step& of) noexcept;
  bool leaves_enough(const bag& now, std::size_t cycle) const noexcept;
  bool counted(const bag& now, const step& of) noexcept;
  bool reserved(const bag& now, const step& of) noexcept;
  bool is_at_hand(const bag& now, std::uint32_t there, const call& get) const noexcept;
  bool may_owe() const noexcept;

  const call& call_of(const step& of) const noexcept { return run_.calls[of.call]; }

  // Whether a call is neither over before the other began, nor began after it.
  bool concurrent(std::size_t one, std::size_t other) const noexcept {
    return (run_.calls[one].before >> other & 1) == 0 && (run_.calls[other].before >> one & 1) == 0;
  }
  bool encloses(std::size_t outer, std::size_t inner) const noexcept {
    for (std::uint8_t c = run_.calls[inner].inside; c != nobody; c = run_.calls[c].inside) {
      if (c == outer) return true;
    }
    return false;
  }

  template <class Test>
  std::size_t count_beside(std::size_t which, Test test) const noexcept {
    std::size_t count = 0;
    for (std::size_t c = 0; c != run_.call_count; ++c) {
      if (c == which || encloses(c, which) || encloses(which, c)) continue;
      if (concurrent(c, which) && test(run_.calls[c])) ++count;
    }
    return count;
  }
  bool alone(std::size_t which) const noexcept {
    return count_beside(which, [](const call&) { return true; }) == 0;
  }

  // How many that may own a shard, or have an item in their hands.
  std::size_t movers_beside(std::size_t which) const noexcept {
    return count_beside(which, [](const call& c) {
      return c.kind != call_kind::stats && c.kind != call_kind::other;
    });
  }
  // Makes the pool's inner part, if there is none.
  static bool uses(const call& c) noexcept {
    return c.kind == call_kind::put || c.kind == call_kind::reserve || is_get(c);
  }
  // Whether some call may have been made while there was no inner part, for want of memory.
  bool may_lack_core() const noexcept {
    for (std::size_t c = 0; c != run_.call_count; ++c) {
      if (!run_.calls[c].refused_memory) continue;
      bool is_there = false;
      for (std::size_t u = 0; u != run_.call_count; ++u) {
        const call& user = run_.calls[u];
        const bool is_before = (run_.calls[c].before >> u & 1) != 0;
        is_there = is_there || (is_before && uses(user) && !user.refused_memory);
      }
      if (!is_there) return true;
    }
    return false;
  }

  static bool is_get(const call& c) noexcept {
    return c.kind == call_kind::get || c.kind == call_kind::try_get ||
           c.kind == call_kind::try_get_near;
  }

  const observed_run& run_;
  clause candidate_ = clause::lost;
  clause objection_ = clause::lost;
  int furthest_ = -1;
};

// What a call may cost, and when it calls the factory.
inline bool specification::bounds_are_kept() noexcept {
  for (std::size_t c = 0; c != run_.call_count; ++c) {
    const call& each = run_.calls[c];
    bool ending = each.kind == call_kind::end;
    for (std::size_t e = 0; e != run_.call_count; ++e) {
      ending =
          ending || (run_.calls[e].kind == call_kind::end && (run_.calls[e].before >> c & 1) == 0);
    }
    objection_ = clause::budget;
    const std::size_t most =
        run_.around.call_budget + (each.refused_memory ? run_.around.handful : 0);
    if (each.kind != call_kind::rotate && !ending && each.destroyed > most &&
        holds(clause::budget)) {
      return false;
    }
    objection_ = clause::factory;
    if (each.kind != call_kind::reserve && each.asked != each.missed && holds(clause::factory)) {
      return false;
    }
    objection_ = clause::interrupts;
    if (each.kind == call_kind::try_get_near && each.restarts != 0 && !may_owe() &&
        holds(clause::interrupts)) {
      return false;
    }
  }
  objection_ = clause::memory;
  return run_.blocks_left == 0 || !holds(clause::memory);
}

inline bool specification::explains_rest(const bag& now, std::uint64_t done) noexcept {
  const std::uint64_t all = run_.step_count == 64 ? ~std::uint64_t{0} : bit(run_.step_count) - 1;
  if (done == all) {
    if ((now.items | now.refused) == 0 || !holds(clause::lost)) return true;
    if (std::popcount(done) > furthest_) {
      furthest_ = std::popcount(done);
      objection_ = clause::lost;
    }
    return false;
  }
  for (std::size_t next = 0; next != run_.step_count; ++next) {
    if ((done & bit(next)) != 0 || (run_.steps[next].before & ~done) != 0) continue;
    bag then = now;
    if (take_step(then, next)) {
      if (explains_rest(then, done | bit(next))) return true;
    } else if (std::popcount(done) > furthest_) {
      furthest_ = std::popcount(done);
      objection_ = candidate_;
    }
  }
  return false;
}

inline bool specification::take_step(bag& now, std::size_t number) noexcept {
  const step& next = run_.steps[number];
  const bool returned = next.call != now.looker && !encloses(now.looker, next.call);
  if (returned && (now.doomed & now.items) != 0 && !object(clause::share)) return false;
  switch (next.what) {
    case step::kind::put:
      return put(now, number);
    case step::kind::take:
      return take(now, next);
    case step::kind::miss:
      return miss(now, next);
    case step::kind::made:
      ++now.made;
      return true;
    case step::kind::cycle:
      return cycle(now);
    case step::kind::clock:
      if (!run_.around.automatic_cycles) return true;
      pass_time(now, next);
      return cycle(now);
    case step::kind::swept:
      return swept(now, next);
    case step::kind::destroy:
      return destroy(now, next);
    case step::kind::ends:
      now.ended = true;
      return true;
    case step::kind::ended:
      return now.items == 0 || !alone(next.call) || call_of(next).refused_restart ||
             object(clause::end);
    case step::kind::counted:
      return counted(now, next);
    case step::kind::reserved:
      return reserved(now, next);
  }
  return false;
}

// What a shard owes is done later, and then counts for what has been put there meanwhile.
inline bool specification::put(bag& now, std::size_t number) noexcept {
  const std::uint8_t item = run_.steps[number].item;
  now.used = true;
  if (run_.around.has_upkeep) {
    const reason fate = fate_of(run_.steps[number]);
    if (!may_come_in(now, run_.steps[number], fate)) return false;
    if (fate == reason::reset || fate == reason::bound) {
      now.refused |= std::uint32_t{1} << item;
      return true;
    }
  }
  now.items |= std::uint32_t{1} << item;
  now.doomed &= ~(std::uint32_t{1} << item);
  const auto owed = static_cast<std::uint8_t>(now.pending + now.unsettled);
  now.ages[item] = {.possible = owed, .put_by = static_cast<std::uint8_t>(number)};
  return true;
}

// Why the put's own call has destroyed its item, if it has.
inline reason specification::fate_of(const step& put) const noexcept {
  for (std::size_t s = 0; s != run_.step_count; ++s) {
    const step& other = run_.steps[s];
    if (other.what == step::kind::destroy && other.call == put.call && other.item == put.item) {
      return other.why;
    }
  }
  return reason::untold;
}

// Whether an item that comes back may become of what has become of it. What other calls destroy has
// left the pool before.
inline bool specification::may_come_in(const bag& now, const step& put, reason fate) noexcept {
  // Before the pool has an inner part, memory is refused to an item that nobody has looked at.
  if (fate == reason::late_return || fate == reason::memory) return true;
  if (fate == reason::untold && is_nobodys(put)) return true;
  if (put.unwanted != (fate == reason::reset) && !object(clause::reset)) return false;
  if (put.unwanted) return true;
  if (fate == reason::bound) {
    return now.size() >= run_.around.most_items || object(clause::full);
  }
  std::uint32_t held = now.items;
  for (std::size_t s = 0; s != run_.step_count; ++s) {
    const step& other = run_.steps[s];
    if (other.what == step::kind::destroy && other.call != put.call &&
        concurrent(other.call, put.call)) {
      held &= ~(std::uint32_t{1} << other.item);
    }
  }
  return static_cast<std::size_t>(std::popcount(held)) < run_.around.most_items ||
         object(clause::bound);
}

// Whether an item never belonged to the pool: where memory for the pool's inner part is refused to
// a borrow, its factory makes an item that the handle keeps.
inline bool specification::is_nobodys(const step& of) const noexcept {
  for (std::size_t i = 0; i != run_.step_count; ++i) {
    const step& each = run_.steps[i];
    if (each.what == step::kind::made && each.item == of.item && call_of(each).refused_memory) {
      return true;
    }
  }
  return false;
}

// Whether the cause that was told is one. For what was in the pool.
inline bool specification::is_told(const bag& now, const step& of) noexcept {
  const call& self = call_of(of);
  bool is_one = false;
  switch (of.why) {
    case reason::cycle:
      is_one = now.ages[of.item].possible != 0;
      break;
    case reason::memory:
      is_one = self.refused_memory;
      break;
    case reason::end:
      is_one = now.ended;
      break;
    case reason::late_return:
      is_one = now.ended && self.kind == call_kind::put;
      break;
    case reason::untold:
      is_one = is_nobodys(of);
      break;
    case reason::reset:
    case reason::bound:
      break;
  }
  return is_one || object(clause::told);
}

inline bool specification::take(bag& now, const step& taken) noexcept {
  if (!now.has(taken.item)) return object(clause::once);
  now.items &= ~(std::uint32_t{1} << taken.item);
  const age& old = now.ages[taken.item];
  if (old.sure == 1 && old.possible == 1) ++now.victim_hits;
  if (old.possible != 0) ++now.possible_victim_hits;
  if (run_.around.sections && old.possible != 0) {
    // It takes along what its magazine has room for, which counts as put now.
    for (age& each : now.ages) {
      each.sure = 0;
      each.done = 0;
      each.owed = false;
    }
  }
  look_at_clock(now, taken);
  ++now.takes;
  return true;
}

// What may keep a get from an item that is in the pool: another call's hands; the refusal of the
// restart that it takes to look into a magazine. A call that makes this one in a destructor has
// what it destroys in its hands: victims, or at the pool's end everything; and what a get has found
// before it looked after an overdue cycle.
inline bool specification::miss(bag& now, const step& missed) noexcept {
  ++now.missed;
  now.used = true;
  look_at_clock(now, missed);
  if (now.items == 0) return true;
  const call& self = call_of(missed);
  if (self.refused_restart) return true;
  std::uint32_t there = now.items;
  for (std::uint8_t outer = self.inside; outer != nobody; outer = run_.calls[outer].inside) {
    const call_kind kind = run_.calls[outer].kind;
    if (is_get(run_.calls[outer]) || kind == call_kind::end || now.ended) return true;
    for (std::uint8_t i = 0; i != most_items; ++i) {
      if (now.ages[i].possible >= 2) there &= ~(std::uint32_t{1} << i);
    }
  }
  if (there == 0) return true;
  const std::size_t beside = movers_beside(missed.call);
  if (beside == 0) {
    if (self.kind != call_kind::try_get_near || !run_.around.sections) return object(clause::miss);
    return !is_at_hand(now, there, self) || object(clause::at_hand);
  }
  const std::size_t others = count_beside(missed.call, [](const call& c) {
    return !(is_get(c) || c.kind == call_kind::put || c.kind == call_kind::stats);
  });
  if (run_.around.automatic_cycles || others + now.unsettled != 0) return true;
  if (run_.around.sections) {
    if (self.kind == call_kind::try_get_near) return true;
    const std::size_t hidden = run_.around.at_hand + beside * run_.around.handful;
    return static_cast<std::size_t>(std::popcount(there)) <= hidden ||
           object(clause::miss_in_hands);
  }
  const std::size_t puts =
      count_beside(missed.call, [](const call& c) { return c.kind == call_kind::put; });
  return static_cast<std::size_t>(std::popcount(there)) <= puts || object(clause::miss_in_hands);
}

// Whether something of what is there was put on the CPU of a call that looks into its magazine, and
// no get has moved it to another one's.
inline bool specification::is_at_hand(const bag& now, std::uint32_t there,
                                      const call& get) const noexcept {
  // Of what a whole cycle has moved nothing is at hand, but for what a get moves there.
  for (std::size_t i = 0; i != most_items; ++i) {
    if ((there >> i & 1) != 0 && now.ages[i].sure != 0) return true;
  }
  if (!get.sections || get.cpu == unknown || run_.refused_restart()) return false;
  for (std::size_t c = 0; c != run_.call_count; ++c) {
    if (is_get(run_.calls[c]) && run_.calls[c].cpu != get.cpu) return false;
  }
  for (std::size_t i = 0; i != most_items; ++i) {
    if ((there >> i & 1) == 0) continue;
    if (call_of(run_.steps[now.ages[i].put_by]).cpu == get.cpu) return true;
  }
  return false;
}

// Whether some shard may be due to turn.
inline bool specification::may_owe() const noexcept {
  if (run_.around.automatic_cycles) return true;
  for (std::size_t c = 0; c != run_.call_count; ++c) {
    if (run_.calls[c].kind == call_kind::rotate && !alone(c)) return true;
  }
  return false;
}

// A cycle is due at the end of each interval since the first use.
inline void specification::pass_time(bag& now, const step& of) noexcept {
  now.looks = 0;
  if (!now.used) return;
  const int over = now.halves / 2;
  now.halves = static_cast<std::uint8_t>(now.halves + of.item);
  if (now.halves / 2 != over) ++now.pending;
}

// One in tick_period gets on a CPU looks at the clock, begins the cycle that is due, and half an
// interval later does what is left of it.
inline void specification::look_at_clock(bag& now, const step& get) noexcept {
  const call& self = call_of(get);
  if (self.cpu != 0 || self.inside != nobody || !alone(get.call)) return;
  if (++now.looks != run_.around.tick_period) return;
  if (now.pending != 0) {
    now.pending = 0;
    ++now.begun;
    now.cycle_at = static_cast<std::uint8_t>(now.halves / 2 * 2);
    for (age& each : now.ages) each.owed = true;
  }
  if (now.halves == now.cycle_at || run_.refused_restart()) return;
  now.looker = get.call;
  for (std::uint8_t i = 0; i != most_items; ++i) {
    now.ages[i].done = static_cast<std::uint8_t>(now.ages[i].done + now.ages[i].owed);
    now.ages[i].owed = false;
    if (now.has(i) && now.ages[i].done >= 2) now.doomed |= std::uint32_t{1} << i;
  }
}

inline bool specification::cycle(bag& now) noexcept {
  ++now.possible_cycles;
  for (age& each : now.ages) ++each.possible;
  return true;
}

// A cycle that was refused no restart, and that nobody else was inside of, has done all that was
// due: what was put before it is a victim, and what was one is gone. So it is for what lies in
// shards that nobody else has in hand.
inline bool specification::swept(bag& now, const step& of) noexcept {
  const call& self = call_of(of);
  const bool refused = self.refused_restart || self.inside != nobody;
  const bool whole = !refused && alone(of.call);
  now.unsettled = static_cast<std::uint8_t>(whole ? 0 : now.unsettled + 1);
  // What it has kept counts as put now; and only of a cycle in which nobody comes and goes is it
  // known what that is.
  const bool unclear = run_.around.least_items != 0 && !(whole && is_undisturbed(of.call));
  if (unclear) {
    for (age& each : now.ages) each.sure = 0;
  }
  if (refused) return true;
  if (whole && now.used) ++now.sure_cycles;
  if (!makes_up(now, self) && whole && !object(clause::gone)) return false;
  if (unclear) return true;
  for (std::uint8_t i = 0; i != most_items; ++i) {
    if (!now.has(i)) continue;
    const call& giver = call_of(run_.steps[now.ages[i].put_by]);
    const std::size_t put_by = static_cast<std::size_t>(&giver - run_.calls.data());
    if ((self.before >> put_by & 1) == 0) continue;
    if (!whole && !is_elsewhere(put_by, of.call)) continue;
    if (++now.ages[i].sure < 2) continue;
    if (now.size() > run_.around.least_items && !object(clause::gone)) return false;
    now.ages[i].sure = 0;
  }
  return true;
}

// Whether a cycle that nobody was beside has made up for those that found a shard busy: of the
// items since whose put two have begun and ended, each put that was beside one hides one at most,
// which it has displaced. Counts the cycle for each item; of those that somebody was beside, too.
inline bool specification::makes_up(bag& now, const call& cycle) noexcept {
  if (run_.around.sections || run_.around.automatic_cycles || run_.around.least_items != 0) {
    return true;
  }
  std::size_t left = 0;
  for (std::uint8_t i = 0; i != most_items; ++i) {
    if (!now.has(i)) continue;
    const std::size_t giver = run_.steps[now.ages[i].put_by].call;
    const bool is_before = (cycle.before >> giver & 1) != 0;
    if (!is_before || !alone(giver) || run_.calls[giver].inside != nobody) continue;
    if (++now.ages[i].begun >= 2) ++left;
  }
  std::size_t hands = 0;
  for (std::size_t c = 0; c != run_.call_count; ++c) {
    const auto is_cycle = [](const call& each) { return each.kind == call_kind::rotate; };
    if (run_.calls[c].kind == call_kind::put && count_beside(c, is_cycle) != 0) ++hands;
  }
  return left <= hands;
}

// Whether no destructor of what a cycle destroys uses the pool.
inline bool specification::is_undisturbed(std::size_t cycle) const noexcept {
  for (std::size_t c = 0; c != run_.call_count; ++c) {
    if (encloses(cycle, c)) return false;
  }
  return true;
}

// Whether those who are inside beside a cycle are other CPUs' puts, which have their own shard in
// hand and spill shards, not that of a put that met nobody. A thread without sections moves no item
// but what it takes or gives, and without a clock no put sweeps other shards. But a put whose own
// shard is just being begun by another uses that of the pool's first use.
inline bool specification::is_elsewhere(std::size_t put, std::size_t cycle) const noexcept {
  const call& giver = run_.calls[put];
  if (run_.around.sections || run_.around.automatic_cycles || run_.around.shares_shards) {
    return false;
  }
  if (giver.inside != nobody || giver.refused_memory || giver.cpu == unknown || !alone(put)) {
    return false;
  }
  if (may_be_first_used_on(giver.cpu)) return false;
  return count_beside(cycle, [&](const call& c) {
           return c.kind != call_kind::put || c.cpu >= giver.cpu;
         }) == 0;
}

// Whether the call that made the pool's inner part may have been on a CPU.
inline bool specification::may_be_first_used_on(std::uint8_t cpu) const noexcept {
  std::uint32_t users = 0;
  for (std::size_t c = 0; c != run_.call_count; ++c) {
    if (uses(run_.calls[c])) users |= std::uint32_t{1} << c;
  }
  for (std::size_t c = 0; c != run_.call_count; ++c) {
    const call& each = run_.calls[c];
    if ((users >> c & 1) == 0 || (each.before & users) != 0) continue;
    if (each.refused_memory || each.cpu == cpu || each.cpu == unknown) return true;
  }
  return false;
}

inline bool specification::destroy(bag& now, const step& of) noexcept {
  const std::uint32_t gone = std::uint32_t{1} << of.item;
  if ((now.refused & gone) != 0) {
    now.refused &= ~gone;
    return true;
  }
  if (!now.has(of.item)) return object(clause::once);
  if (run_.around.has_upkeep && !is_told(now, of)) return false;
  now.items &= ~gone;
  ++now.destroyed;
  if (now.ended) return true;
  if (of.why == reason::cycle && !leaves_enough(now, of.call) && !object(clause::idle))
    return false;
  if (now.ages[of.item].possible >= 2) return true;
  const call& self = call_of(of);
  // A cycle destroys what it finds no memory for; who moves items, what is in its hands.
  const bool moves = self.kind == call_kind::put || self.kind == call_kind::reserve || is_get(self);
  if (self.refused_memory && moves) return true;
  if (self.kind == call_kind::put && is_nobodys(of)) return true;
  if (self.refused_memory && now.ages[of.item].possible == 1) return true;
  return object(now.ages[of.item].possible == 0 ? clause::kept : clause::second_cycle);
}

// Whether a cycle that has destroyed an item has left enough. What it finds no memory for is not
// for it to keep. The pool counts an item from before it is put until after it has been taken out,
// and so those that are in the hands of calls beside this one, or inside it, or around it.
inline bool specification::leaves_enough(const bag& now, std::size_t cycle) const noexcept {
  if (run_.calls[cycle].refused_memory) return true;
  std::uint32_t counted = now.items;
  for (std::size_t s = 0; s != run_.step_count; ++s) {
    const step& each = run_.steps[s];
    const bool moves = each.what == step::kind::put || each.what == step::kind::take;
    if (moves && each.call != cycle && concurrent(each.call, cycle)) {
      counted |= std::uint32_t{1} << each.item;
    }
  }
  return static_cast<std::size_t>(std::popcount(counted)) >= run_.around.least_items;
}

// What stats tells to a call that nobody is beside is exact.
inline bool specification::counted(const bag& now, const step& of) noexcept {
  if (!alone(of.call) || call_of(of).inside != nobody) return true;
  const counts& told = run_.told[of.item];
  bool refused = false;
  bool together = false;
  for (std::size_t c = 0; c != run_.call_count; ++c) {
    refused = refused || run_.calls[c].refused_memory || run_.calls[c].refused_restart;
    together = together || !alone(c);
  }
  const bool uncounted = may_lack_core();
  if (told.constructions != now.made && !uncounted && !object(clause::constructions)) return false;
  if (told.misses != now.missed && !uncounted && !object(clause::misses)) return false;
  if (told.cycles < std::uint64_t{now.sure_cycles} + now.begun && now.begun != 0 && !refused &&
      !object(clause::due)) {
    return false;
  }
  const bool too_few = told.cycles < now.sure_cycles && !refused;
  if ((too_few || told.cycles > now.possible_cycles) && !object(clause::cycles)) return false;
  const std::uint64_t gone = told.cycle_destroyed + told.refused_memory;
  if (gone > now.destroyed || (gone != now.destroyed && !uncounted) ||
      (told.refused_memory != 0 && !refused)) {
    if (!object(clause::destroyed)) return false;
  }
  if (told.retained != now.size() && !object(clause::retained)) return false;
  // What a cycle keeps is no victim any more.
  const bool exact =
      !refused && !together && !run_.around.automatic_cycles && run_.around.least_items == 0;
  // With magazines a get takes several victims, and counts once.
  const bool too_few_hits = run_.around.sections ? (told.victim_hits == 0 && now.victim_hits != 0)
                                                 : told.victim_hits != now.victim_hits;
  if (told.victim_hits > now.possible_victim_hits || told.victim_hits + told.steals > now.takes ||
      (exact && (too_few_hits || told.busy != 0 || told.spills != 0))) {
    if (!object(clause::hits)) return false;
  }
  return true;
}

// A reserve that nobody is beside leaves as many items as it was asked for, and has made no more.
inline bool specification::reserved(const bag& now, const step& of) noexcept {
  const call& self = call_of(of);
  if (!alone(of.call) || self.refused_memory || self.destroyed != 0) return true;
  const std::size_t wanted = run_.around.reserved;
  const bool makes_enough = now.size() >= wanted;
  const bool makes_too_many = self.asked != 0 && now.size() > wanted;
  return (makes_enough && !makes_too_many) || object(clause::reserve);
}

}  // namespace poolproof::proofs

// SPDX-License-Identifier: MIT
// An execution graph: the events of each thread in program order, for each read the write that it
// reads from (rf), and for each location a total order of its writes (co, the modification order).
//
// Events are numbered by age: a number is also an index, and a younger event has a greater one. Age
// is not a topological order of po and rf: a read may be revisited by a younger write.
//
// A read-modify-write is one event with two halves. Its read half is there as soon as the event is;
// its write half only while the event stands in co (`in_co`).
//
// The initial value of a location is no event: a read of it has the source `initial`.
//
// Stands on: clock.
#pragma once

#include "clock.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace checker {

using event_id = std::uint16_t;
using location_id = std::uint32_t;

// The source of a read of the initial value; also "no event".
inline constexpr event_id initial = 0xffff;
inline constexpr std::size_t max_events = initial;
inline constexpr location_id no_location = ~location_id{0};

// The orders of C++20 without consume, and the two halves of an asymmetric fence.
enum class order : std::uint8_t { relaxed, acquire, release, acq_rel, seq_cst, light, heavy };

constexpr bool acquires(order o) noexcept {
  return o == order::acquire || o == order::acq_rel || o == order::seq_cst || o == order::heavy;
}
constexpr bool releases(order o) noexcept {
  return o == order::release || o == order::acq_rel || o == order::seq_cst || o == order::heavy;
}
constexpr bool is_seq_cst(order o) noexcept { return o == order::seq_cst || o == order::heavy; }

// Which graphs are executions: see consistency.hpp.
enum class memory_model : std::uint8_t { rc11, iso, sc };

enum class event_kind : std::uint8_t { read, write, update, fence, choice };

// What an update writes, given what it read.
enum class update_kind : std::uint8_t {
  none,
  add,
  sub,
  bit_and,
  bit_or,
  bit_xor,
  exchange,
  compare
};

// Steps in the life of a thread that another one starts. Each is an event without alternatives: a
// thread's first has the source `starts`, and who joins it the source `ends`.
enum class lifetime : std::uint8_t { none, starts, begins, ends, joins };

struct event {
  // What it writes, or the alternative that it chose.
  std::uint64_t value = 0;
  // What the program asked for: enough to answer again when another write is read.
  std::uint64_t operand = 0;
  std::uint64_t expected = 0;
  std::uint64_t initial_value = 0;  // of the location
  std::uint64_t mask = ~std::uint64_t{0};
  location_id location = no_location;
  std::uint32_t place = 0;  // of the call in the source: see places.hpp
  event_id source = initial;
  std::uint16_t index = 0;     // in its thread
  std::uint16_t position = 0;  // in co
  std::uint8_t thread = 0;
  event_kind kind = event_kind::fence;
  update_kind update = update_kind::none;
  order success = order::relaxed;  // the order, but of a failed compare
  order failure = order::relaxed;
  bool in_co = false;
  bool may_fail_spuriously = false;  // a weak compare-and-swap
  bool failed_spuriously = false;
  bool watched = false;  // a turn of a loop may begin here: see spins in execution.hpp
  lifetime thread_life = lifetime::none;
  bool frees = false;              // a point in time, where the block at address `operand` is freed
  bool allocates = false;          // a choice: a fresh block, or one that was freed, its `source`
  std::uint16_t alternatives = 0;  // of a choice

  bool reads() const noexcept { return kind == event_kind::read || kind == event_kind::update; }
  bool writes() const noexcept { return kind == event_kind::write || kind == event_kind::update; }
  // A compare-and-swap that failed is a read with its failure order.
  order effective_order() const noexcept {
    return kind == event_kind::read && update == update_kind::compare ? failure : success;
  }
};

// What an operation that read `old` writes, or that it writes nothing.
struct update_result {
  bool writes;
  std::uint64_t value;
};

constexpr update_result apply_update(const event& e, std::uint64_t old) noexcept {
  switch (e.update) {
    case update_kind::none:
      return {false, 0};
    case update_kind::add:
      return {true, (old + e.operand) & e.mask};
    case update_kind::sub:
      return {true, (old - e.operand) & e.mask};
    case update_kind::bit_and:
      return {true, old & e.operand};
    case update_kind::bit_or:
      return {true, old | e.operand};
    case update_kind::bit_xor:
      return {true, old ^ e.operand};
    case update_kind::exchange:
      return {true, e.operand};
    case update_kind::compare:
      return {old == e.expected, e.operand};
  }
  return {false, 0};
}

class execution_graph {
 public:
  struct accesses {
    std::vector<event_id> writes;  // in co
    std::vector<event_id> reads;   // by age; also those of updates
    bool active = false;           // listed in active_locations()
  };

  void reset(unsigned threads) {
    events_.clear();
    clear_locations();
    threads_.resize(threads);
    for (auto& each : threads_) each.clear();
    happens_before_.reset(threads);
    causes_.reset(threads);
    messages_.reset(threads);
    clock_rows_ = 0;
    seq_cst_events_ = asymmetric_fences_ = 0;
    frees_.clear();
  }

  std::size_t size() const noexcept { return events_.size(); }
  unsigned thread_count() const noexcept { return static_cast<unsigned>(threads_.size()); }
  const event& operator[](event_id id) const noexcept { return events_[id]; }
  const std::vector<event_id>& thread(unsigned t) const noexcept { return threads_[t]; }
  const accesses& at(location_id l) const noexcept { return locations_[l]; }
  // Whether there may be events of this location.
  bool has(location_id l) const noexcept { return l < locations_.size(); }
  const std::vector<location_id>& active_locations() const noexcept { return active_; }
  // Whether the order of seq_cst operations can be broken: by two of them, or an asymmetric pair.
  bool has_seq_cst() const noexcept { return seq_cst_events_ + asymmetric_fences_ > 1; }
  bool has_asymmetric_fences() const noexcept { return asymmetric_fences_ != 0; }
  bool has_frees() const noexcept { return !frees_.empty(); }
  const std::vector<event_id>& frees() const noexcept { return frees_; }

  // The events that happen before e, and e.
  const clock_table::lane* happens_before(event_id e) const noexcept { return happens_before_[e]; }
  // The causal prefix: what is before e in po and rf, and e.
  const clock_table::lane* causes(event_id e) const noexcept { return causes_[e]; }
  // Of a write: what happens before an acquire read of it.
  const clock_table::lane* message(event_id w) const noexcept { return messages_[w]; }
  const clock_table& clocks() const noexcept { return happens_before_; }

  bool knows(const clock_table::lane* clock, event_id e) const noexcept {
    return events_[e].index < clock[events_[e].thread];
  }

  event_id last_of(unsigned t) const noexcept {
    return threads_[t].empty() ? initial : threads_[t].back();
  }

  std::uint64_t value_read(event_id e) const noexcept {
    const event& read = events_[e];
    return read.source == initial ? read.initial_value : events_[read.source].value;
  }

  // Adds an event at the end of its thread. A read has no source yet and a write no position.
  event_id add(const event& added);
  // Takes back all events but the oldest `size`.
  void truncate(std::size_t size);

  // Makes the read half of e read from w, and settles what an update writes.
  void set_source(event_id e, event_id w);
  // A weak compare-and-swap that could succeed does not.
  void fail_spuriously(event_id e) noexcept {
    events_[e].kind = event_kind::read;
    events_[e].value = 0;
    events_[e].failed_spuriously = true;
  }
  // Choice e takes one of its alternatives. False if another event has it: a block that an
  // allocation outside the causal prefix of e re-uses.
  bool choose(event_id e, std::uint64_t alternative);
  // What an allocation after event `before` of its thread may re-use: freed blocks of the same size
  // and alignment (`expected`), in the order of their events' names.
  void find_reusable(event_id before, std::uint64_t shape, std::vector<event_id>& found) const;
  // Computes the clocks of e, when its source is settled.
  void set_clocks(event_id e);
  void place(event_id w, std::size_t position);
  void unplace(event_id w);

  // Becomes what remains of `whole` when read r has been revisited by write w: the events older
  // than r, r, the causal prefix of w, and w. Returns the new names of both.
  struct revisit {
    event_id read;
    event_id write;
  };
  revisit restrict_to(const execution_graph& whole, event_id r, event_id w);

  void store(archive& file);

 private:
  accesses& access(location_id l) {
    if (l >= locations_.size() || !locations_[l].active) activate(l);
    return locations_[l];
  }

  // Apart, so that access is inlined.
  [[gnu::noinline]] void activate(location_id l) {
    if (l >= locations_.size()) locations_.resize(l + 1);
    locations_[l].active = true;
    active_.push_back(l);
  }

  void clear_locations() noexcept {
    for (location_id l : active_) {
      locations_[l].writes.clear();
      locations_[l].reads.clear();
      locations_[l].active = false;
    }
    active_.clear();
  }

  void reserve_clocks(std::size_t rows) {
    for (clock_table* each : {&happens_before_, &causes_, &messages_}) each->reserve(rows);
    clock_rows_ = happens_before_.rows();
  }

  // The youngest event comes, or goes.
  void count(event_id id, std::ptrdiff_t by) {
    const event& e = events_[id];
    seq_cst_events_ += is_seq_cst(e.success) || is_seq_cst(e.failure) ? by : 0;
    asymmetric_fences_ += e.success == order::light ? by : 0;
    if (e.frees) by > 0 ? frees_.push_back(id) : frees_.pop_back();
  }

  void renumber(const std::vector<event_id>& co, std::size_t from) noexcept {
    for (std::size_t i = from; i < co.size(); ++i) {
      events_[co[i]].position = static_cast<std::uint16_t>(i);
    }
  }

  event_id last_fence_before(event_id e, bool (*wanted)(order)) const noexcept;
  void acquire_by_fence(event_id fence);
  void join_fence_messages(clock_table::lane* clock, event_id w, bool (*from)(order));
  void make_message(event_id w);
  void copy_oldest(const execution_graph& whole, std::size_t count_kept);

  std::vector<event> events_;
  std::vector<std::vector<event_id>> threads_;
  std::vector<accesses> locations_;
  std::vector<location_id> active_;
  clock_table happens_before_;
  clock_table causes_;
  clock_table messages_;
  std::size_t clock_rows_ = 0;  // how many events there is room for in all three
  std::ptrdiff_t seq_cst_events_ = 0;
  std::ptrdiff_t asymmetric_fences_ = 0;
  std::vector<event_id> frees_;  // by age
  std::vector<event_id> reusable_;
  std::vector<event_id> renamed_;
};

}  // namespace checker

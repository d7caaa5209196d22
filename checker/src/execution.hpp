// SPDX-License-Identifier: MIT
// Runs a program, again and again, against the graphs of the explorer.
//
// The threads of the program are fibers. Each operation on shared data comes here: one that has an
// event in the graph is answered from it, a new one becomes an event. Plain data lies in native
// memory. So that it holds what the graph says, a read is answered only when its source has been
// executed again; and new events are added only when all of the graph has been.
//
// Before and after its threads the program runs alone: `start` makes what the threads share, and
// `finish` looks at it when they are done. Neither adds events: what start writes is the initial
// value of its location, and finish reads the co-latest.
//
// Stands on: arena, crash, explorer, fiber, schedule, standing, <checker/contention.hpp>,
// <checker/engine.hpp>, <checker/search.hpp>.
#pragma once

#include <checker/contention.hpp>
#include <checker/engine.hpp>
#include <checker/search.hpp>

#include "arena.hpp"
#include "crash.hpp"
#include "explorer.hpp"
#include "fiber.hpp"
#include "schedule.hpp"
#include "standing.hpp"

#include <chrono>
#include <csetjmp>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <vector>

namespace checker {

class execution {
 public:
  execution(program& checked, const options& chosen);
  execution(const execution&) = delete;
  execution& operator=(const execution&) = delete;
  ~execution() { current_ = nullptr; }

  // The one that is running on this process's only thread.
  static execution& current() noexcept {
    if (current_ == nullptr) not_running();
    return *current_;
  }
  static bool running() noexcept { return current_ != nullptr; }

  statistics explore();
  statistics hunt();

  // One step of all executions that begin as this graph: puts the graphs that come next into
  // `next`. True if there are none because the execution is complete. For estimates.
  bool expand(const execution_graph& from, std::vector<execution_graph>& next);
  explorer& search() noexcept { return explorer_; }
  bool fenced() const noexcept { return totals_.fenced; }

  // The place in the source that the events of a graph call by this number.
  const place& where(std::uint32_t number) const noexcept { return places_[number]; }

  // What the objects of the program call.

  enum class stage : std::uint8_t { start, threads, finish };
  bool in_threads() const noexcept { return stage_ == stage::threads; }
  unsigned thread() const noexcept { return running_; }

  // An atomic operation, or a fence.
  struct answer {
    std::uint64_t value;  // that was read, or 0
    bool updated;         // whether an update has written
  };
  answer perform(const event& request, const place& from);

  // The event that answers the running thread's next operation, one on `location`, if there is
  // nothing to do but to go on: most operations of a search are of that kind. Null: `perform` has
  // to see to it.
  const event* held(location_id location) const noexcept {
    if (stage_ != stage::threads || tracing_ != nullptr) return nullptr;
    const thread_status& self = threads_[running_];
    const auto& own = graph().thread(running_);
    if (self.position == own.size() || self.restart != nullptr) return nullptr;
    const event& next = graph()[own[self.position]];
    const bool ready = next.source == initial || executed(next.source);
    return ready && next.location == location && !next.watched ? &next : nullptr;
  }
  // The running thread goes on behind it.
  void pass() noexcept {
    --left_to_replay_;
    ++threads_[running_].position;
  }
  std::uint64_t value_read(const event& read) const noexcept {
    return read.source == initial ? read.initial_value : graph()[read.source].value;
  }

  // Before a fence that acquires: with merged reads the search ends here.
  void expect_fence() {
    if (options_.merge_reads && in_threads()) end_for_fence();
  }

  using moment = engine::moment;
  moment mark() const noexcept { return {running_, threads_[running_].position}; }
  engine::knowledge look() const noexcept {
    return {running_, threads_[running_].position, clock()};
  }
  bool happened_before(const moment& then) const noexcept {
    return !in_threads() || then.thread == thread_count_ || then.position == 0 ||
           knows(then.thread, then.position - 1);
  }

  // A choice of one in `alternatives`, the first of which is tried first.
  unsigned choose(unsigned alternatives, const place& from, const choice_subject& about);

  // A choice that is offered only while the thread has spurious failures left.
  bool choose_spurious(const place& from);

  // Until leave_section, the running thread may be aborted after each operation: it then goes on at
  // `restart`. Null: it may not.
  void enter_section(std::jmp_buf* restart) noexcept { threads_[running_].restart = restart; }
  void leave_section() noexcept { threads_[running_].restart = nullptr; }

  // A new location.
  [[gnu::always_inline]] location_id make_location(std::uint64_t value, const void* object,
                                                   const place& from, object_kind is);

  // The same of a location that is called by a key, whoever comes to it first.
  location_id find_location(std::uint64_t key, std::uint64_t value, const void* object,
                            const place& from, object_kind is);
  engine::settled_value settled(location_id l, std::uint64_t initial_value, bool writes) const;
  std::uint32_t last_write_seen(location_id l, unsigned thread) const noexcept;
  std::uint64_t last_value(location_id l, std::uint64_t initial_value) const noexcept {
    if (!graph().has(l) || graph().at(l).writes.empty()) return initial_value;
    return graph()[graph().at(l).writes.back()].value;
  }

  // The life and accesses of an object that threads share, for races: its construction and
  // destruction are writes.
  using cell_id = std::uint32_t;
  [[gnu::always_inline]] cell_id make_cell(const void* object, unsigned size, bool initialised);
  [[gnu::always_inline]] void use_cell(cell_id id, const void* object, const place& from);
  [[gnu::always_inline]] void change_cell(cell_id id, const void* object, const place& from);
  void end_cell(cell_id id, const void* object);
  bool tracing() const noexcept { return tracing_ != nullptr; }
  void trace_plain(bool write, const void* object, std::uint64_t value, const place& from);
  std::size_t traced() const noexcept { return tracing_->steps.size(); }
  void correct_step(std::size_t step, std::uint64_t value) { tracing_->steps[step].value = value; }
  const std::byte* stack_end() const noexcept { return fibers_[running_].stack_end(); }
  bool cell_initialised(cell_id id) const noexcept { return cells_[id].initialised; }

  void* allocate(std::size_t size, std::size_t alignment, const place& from);
  // Memory that nobody has to give back: of the process rather than of its heap.
  void* make_static(std::size_t size, std::size_t alignment) noexcept {
    return arena_.allocate(thread_count_, size, alignment);
  }
  // `reusable`: another allocation may get the block.
  void deallocate(void* memory, const place& from, bool reusable = true);

  // Of a loop that waits: an iteration begins, and ends without success. If it changed nothing, its
  // thread is blocked.
  void begin_iteration() noexcept;
  void fail_iteration();
  bool block_turn(std::uint32_t position, engine::span changed);
  // The turn that is to be blocked is one of a loop of which nothing says that it waits.
  void note_spinning() noexcept { threads_[running_].spins = true; }
  [[noreturn]] void give_up_thread(engine::surrender why);
  void give_way() noexcept {
    if (hunting()) chance_->yield(running_);
  }
  void end_process() noexcept { process_ended_ = true; }
  [[noreturn]] void end_thread();
  void cut_turns(std::string why) {
    if (why_given_up_.empty()) why_given_up_ = std::move(why);
  }

  unsigned start_thread(const place& from);
  void join_thread(unsigned index, const place& from);

  [[noreturn]] void exclude();
  void add_outcome(std::string_view text);
  // `object`: what was accessed, if anything.
  [[noreturn, gnu::cold]] void fail(fault what, std::string text, const place& from,
                                    const void* object = nullptr);

 private:
  // `cut`: it goes no further, for a bound is met; `excluded`: it goes no further, and the
  // execution is not one of those that are looked at; `idle`: it goes round in a loop, and leaves
  // no trace; `joining`: it waits for the end of another; `absent`: nobody has started it.
  enum class thread_state : std::uint8_t {
    unstarted,
    running,
    blocked,
    cut,
    excluded,
    stopped,
    finished,
    idle,
    joining,
    absent
  };

  struct thread_status {
    thread_state state = thread_state::unstarted;
    std::uint32_t position = 0;   // events that have been executed again
    std::uint32_t locations = 0;  // made so far
    std::uint32_t iteration = 0;  // position at the start of the iteration
    engine::span changed;         // while plain memory was another than at its start
    std::uint64_t changes = 0;    // of plain data and memory
    std::jmp_buf* restart = nullptr;
    std::uint64_t changes_at_iteration = 0;
    bool spins = false;             // the iteration is a turn of a loop, and no await
    unsigned joins = 0;             // the thread it waits for
    event_id started_by = initial;  // the event of the thread that started it
  };

  // Loops that wait, although no await says so. Where a thread has gone round four times, and each
  // time read the same at the same calls and changed nothing, the next turn is `watched`: what the
  // thread stands on is noted where it begins. If it comes there again with the same registers,
  // stack and memory, and has changed nothing, then it will go on as it has, as long as it reads
  // the same: it is blocked, as an await is. So a complete execution has four such turns in a row
  // at most. Fewer would be watched in programs that have no such loops, but make the same call a
  // few times.
  static constexpr std::size_t equal_turns = 4;
  struct watch {
    std::uint32_t position = 0;  // of the event where the turn begins
    standing thread;
    // Of the memory only what this thread does to it counts: what there was when it went on last,
    // and whether it has changed that before.
    std::uint64_t memory = 0;
    bool changed = false;
    std::uint64_t changes = 0;
  };
  // A turn whose writes are updates that write what they found can be left out, as one that has
  // changed nothing: the execution without it is one, with the same values. Who reads such a write
  // then reads what was there before.

  // So many turns may be watched at a time: a call may stand in a turn more than once, and a loop
  // that waits behind another one.
  static constexpr std::size_t most_watches = 8;
  // How often a loop may go round, read and write the same each time, and not be proved to wait.
  static constexpr std::size_t most_turns = 100;
  // How many events a turn has at most.
  static constexpr std::size_t longest_turn = 64;
  // A thread with so many goes on for ever.
  static constexpr std::size_t many_events = 10'000;

  // Who wrote and who used a cell, in the threads' own time: their positions.
  struct cell {
    const void* object;
    std::uint32_t written;
    std::uint8_t writer;
    bool initialised;
    std::uint16_t size;
  };

  struct block {
    void* memory;
    std::size_t size;
    std::size_t alignment;
    bool freed;
  };

  static std::uint64_t shape_of(std::size_t size, std::size_t alignment) noexcept {
    return std::uint64_t{size} << 16 | alignment;
  }

  static constexpr unsigned nobody = ~0u;
  static constexpr unsigned most_threads = 254;
  static constexpr std::size_t stack_bytes = std::size_t{256} << 10;

  [[noreturn]] static void not_running();
  static void run_fiber();
  [[gnu::cold]] void run_started_thread();
  [[gnu::cold]] void end_started_thread();
  [[gnu::cold]] void step_of_thread(lifetime what, unsigned other, event_id source,
                                    const place& from);
  static bool unfinished(thread_state s) noexcept {
    return s == thread_state::blocked || s == thread_state::cut || s == thread_state::excluded ||
           s == thread_state::idle || s == thread_state::joining;
  }
  [[noreturn]] void end_execution();
  bool of_turn(event_id e) const noexcept;
  bool may_be_in_vain(unsigned thread) const noexcept;
  bool is_as_before(event_id first, event_id last) const noexcept;
  bool leaves_no_trace(unsigned thread) const noexcept;
  unsigned no_longer_idle() const noexcept;

  void run();
  bool next();
  bool look_at_clock();
  bool time_is_up() const;
  [[noreturn]] void end_for_fence();
  void look_at_clock_within();
  bool divide();
  void store(archive& file);
  void store_keyed_locations(archive& file);
  void store_places(archive& file);
  void save();
  bool resume();
  void reset();
  void run_threads();
  void finish();
  void note_waiting(counterexample& shown) const;
  std::string why_deadlocked() const;
  bool livelocked() const;
  void note_lengths();
  void capture();
  void trace(step::kind what, const place& from, event_id e, const void* object = nullptr,
             std::uint64_t value = 0) {
    if (tracing_ != nullptr) [[unlikely]]
      note_step(what, from, e, object, value);
  }
  [[gnu::cold]] std::string likely_cause(const event& before, const event& now) const;
  [[gnu::cold]] void note_step(step::kind what, const place& from, event_id e, const void* object,
                               std::uint64_t value);
  bool run_alone(stage now);
  void enter(unsigned thread);
  static void on_signal(int number, siginfo_t* about, void*);
  [[gnu::cold]] void note_crash();
  void record();
  void record_again();
  bool deadlocked();
  bool reads_last(event_id e);
  void add_hash();
  void look_at_conflicts();
  void look_at_plain_memory();
  void note_conflicts();
  graph_hash hash_of(const execution_graph& seen);
  bool remembers(const graph_hash& graph);
  void note(fault what, std::string text);
  // Whether this execution is counted here, or in another part of the search.
  bool owned() {
    if (!owned_) owned_ = explorer_.owns_execution();
    return *owned_;
  }
  bool stopped() const noexcept {
    return (totals_.errors != 0 || endless_) && !options_.keep_going;
  }

  const execution_graph& graph() const noexcept { return explorer_.graph(); }
  bool executed(event_id e) const noexcept {
    return graph()[e].index < threads_[graph()[e].thread].position;
  }
  const clock_table::lane* clock() const noexcept;
  bool knows(unsigned thread, std::uint32_t time) const noexcept {
    if (thread == running_) return true;
    const auto* const known = clock();
    return known != nullptr && known[thread] > time;
  }
  [[gnu::always_inline]] answer perform_by_thread(const event& request, const place& from);
  answer perform_alone(const event& request);
  answer add_event(event request, const place& from);
  [[noreturn]] void block_thread();
  bool hunting() const noexcept { return chance_ && tracing_ == nullptr; }
  [[gnu::noinline]] unsigned next_by_chance() const noexcept;
  void wait_in_hunt();
  void end_turn();
  bool reads_newest(unsigned thread);
  void run_by_chance(std::uint64_t count, std::uint64_t seed);
  bool find_by_chance();
  void note_standing();
  const watch* watch_of(std::uint32_t position) const noexcept;
  bool memory_as(const watch& noted) const noexcept;
  [[gnu::always_inline]] bool changes_value(event_id id) const noexcept;
  [[gnu::always_inline]] bool quiet(event_id id) const noexcept;
  static bool same_call(const event& a, const event& b) noexcept;
  bool same_turn(const std::vector<event_id>& own, std::size_t a, std::size_t b) const noexcept;
  [[gnu::always_inline]] bool may_spin() const noexcept;
  void look_for_spin(event& request);
  void look_for_endless_loop(const event& request, const place& from);
  bool goes_round(const event& request) const noexcept;
  [[noreturn, gnu::cold]] void give_up(const std::string& why, const place& from);
  answer answer_of(event_id e) const noexcept;
  bool may_fail_spuriously() const noexcept;
  static bool same_request(const event& held, const event& asked) noexcept;
  bool stuck();
  std::byte* reuse(std::size_t size, std::size_t alignment, const place& from);
  void note_free(const block& freed, const place& from);
  unsigned reused_so_far() const noexcept;
  [[gnu::always_inline]] unsigned next_to_run() const noexcept;
  void switch_to(unsigned thread);
  [[gnu::cold]] void switch_watched(unsigned self, unsigned thread);
  [[noreturn]] void leave_thread();
  [[noreturn]] void leave();
  void add_as_scheduled(const event& request);
  [[noreturn]] void refuse_replay(const char* why);
  void require_replayed() const;
  std::uint32_t intern(const place& from);

  inline static execution* current_ = nullptr;

  program& program_;
  const options options_;
  const unsigned thread_count_;
  explorer explorer_;
  arena arena_;
  stage stage_ = stage::start;
  unsigned running_ = 0;
  std::size_t left_to_replay_ = 0;
  std::vector<thread_status> threads_;
  std::vector<unsigned> order_;
  std::unique_ptr<fiber[]> fibers_;
  fiber main_;
  std::optional<chance> chance_;        // in a hunt
  std::size_t writes_ = 0;              // in the graph of a hunt
  std::vector<std::size_t> waits_for_;  // by thread: for a graph with more writes than that
  std::uint64_t chances_ = 0;           // that were taken besides a search
  unsigned failing_ = nobody;           // the thread that was running when an error came
  bool inside_ = false;                 // a fiber of the program is running
  crash crash_;                         // what it has come to
  const exceptions_in_flight exceptions_;
  std::string thrown_;                   // by a thread that did not catch it
#if !defined(CHECKER_ADDRESS_SANITIZER)  // which tells of them itself
  std::optional<crash_signals> signals_;
#endif
  const bool starts_threads_;
  bool process_ended_ = false;
  std::string why_given_up_;  // a thread, in this execution: it is cut
  // How the last run ended.
  enum class ending : std::uint8_t { complete, blocked, abandoned };
  ending ended_ = ending::complete;
  contention conflicts_;
  // What the program made before its threads, as they found it; until one execution is complete.
  std::vector<std::byte> made_;
  bool plain_looked_at_ = false;
  std::optional<bool> owned_;
  bool new_kind_ = false;     // an error of the last run is the first of its kind
  std::string why_cut_;       // in this execution
  bool stale_ = false;        // it was left since a thread has read what is not the newest
  bool excluded_ = false;     // in this execution an assumption does not hold
  bool co_decides_ = false;   // in this execution the order of writes said if a turn is in vain
  bool endless_ = false;      // a thread goes round and round: the search makes no headway
  bool late_ = false;         // the time was up within an execution
  unsigned since_clock_ = 0;  // events, within an execution
  std::uint64_t work_ = 0;    // events since the clock was looked at, and some for each run
  std::vector<std::vector<watch>> watches_;  // by thread; those of this run come first
  std::vector<std::size_t> watching_;        // how many these are
  bool watching_now_ = false;                // any thread
  standing standing_now_;

  std::vector<std::uint64_t> initial_values_;
  std::vector<std::vector<location_id>> location_names_;  // by thread and ordinal
  std::vector<std::uint64_t> first_events_;               // by location, for hash_of
  std::unordered_map<std::uint64_t, location_id> keyed_locations_;
  location_id locations_ = 0;
  std::vector<cell> cells_;
  std::vector<std::uint16_t> uses_;  // of each cell by each thread: one more than the time
  std::vector<block> blocks_;
  std::vector<event_id> reusable_;
  std::vector<place> places_;
  std::unordered_map<std::uint64_t, std::uint32_t> place_names_;
  std::deque<std::string> read_names_;  // of the places of a checkpoint
  struct hash_of_hash {
    std::size_t operator()(const graph_hash& of) const noexcept { return of.low; }
  };
  std::unordered_set<graph_hash, hash_of_hash> remembered_;
  std::vector<named_location> location_places_;
  std::string outcome_;
  statistics totals_;
  std::chrono::steady_clock::time_point started_, last_checkpoint_, last_progress_;
  std::uint64_t resumed_at_ = ~std::uint64_t{0};
  schedule schedule_;                  // of the one execution that is replayed
  std::string refused_;                // why it cannot be
  counterexample* tracing_ = nullptr;  // while its execution is run once more
};

}  // namespace checker

// SPDX-License-Identifier: MIT
// A search: what is run, what may be chosen of it, and what it finds.
//
// The search itself is compiled, in the library poolproof::checker: it does not depend on what it
// runs.
//
// Stands on: counterexample, outcome_set, place.
#pragma once

#include "counterexample.hpp"
#include "outcome_set.hpp"
#include "place.hpp"

#include <cstddef>
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace checker {

class archive;
class execution;

// What is run: `start`, then every thread, then `finish`.
class program {
 public:
  virtual ~program() = default;
  virtual unsigned threads() const = 0;
  virtual void start() = 0;
  virtual void thread(unsigned index) = 0;
  virtual void finish() = 0;
  // What finish does with the final values of the locations. Graphs that differ only in where a
  // last write stands in co need not run the threads again, unless finish changes what they left.
  enum class finishing : std::uint8_t { ignores_values, looks, changes };
  virtual finishing finishes_by() const { return finishing::changes; }
  // Whether only thread 0 is there at first, and threads are started and joined as it goes:
  // `threads` is then how many there may be. When thread 0 has come to its end, nobody waits for
  // threads that sleep.
  virtual bool starts_threads() const { return false; }
  // Whether what is allocated and not freed is an error; else `finish` may look for itself.
  virtual bool must_free() const { return true; }
  // Where the stacks of the threads lie, if that is free, and how large each is.
  virtual void* stacks() const { return nullptr; }
  virtual std::size_t stack_bytes() const { return std::size_t{256} << 10; }
  // What a thread finds its thread_local data by; null for all: they share that of the process. The
  // one that is behind the last thread is that of `start`, `finish` and the search.
  virtual void* thread_pointer(unsigned) const { return nullptr; }
  // Or, where they share it, what of it is exchanged when another thread runs.
  struct bytes {
    std::byte* begin = nullptr;
    std::size_t size = 0;
  };
  virtual bytes thread_data() const { return {}; }
};

// 128 bits, added over all complete graphs: two searches that visit the same graphs agree.
struct graph_hash {
  std::uint64_t low = 0;
  std::uint64_t high = 0;

  void add(std::uint64_t l, std::uint64_t h) noexcept {
    low += l;
    high += h + (low < l ? 1 : 0);
  }
  friend bool operator==(const graph_hash&, const graph_hash&) = default;
};

// How many complete executions a search will find, and the error of that: see estimate.hpp.
struct size_estimate {
  double executions = 0;
  double error = 0;
  bool known = false;
  bool rough = false;  // the samples were too narrow: it may be much too low, whatever the error
};

// What is known while a search goes on.
struct progress {
  std::uint64_t complete = 0;
  size_estimate estimate;
};

// What a search comes to, and the exit status of a program that searches and does nothing else.
enum class conclusion : int { proved = 0, error = 1, misuse = 2, unfinished = 3 };

// Of two searches: what one says of both.
constexpr conclusion worse(conclusion a, conclusion b) noexcept {
  if (a == conclusion::proved || b == conclusion::error) return b;
  return a == conclusion::unfinished && b == conclusion::misuse ? b : a;
}

// The errors of one kind that a search has found.
struct errors_of_kind {
  fault what = fault::none;
  std::uint64_t count = 0;
  std::string text;    // of the first
  std::string replay;  // runs it again
  std::optional<counterexample> first;
};

struct statistics {
  std::uint64_t complete = 0;
  std::uint64_t blocked = 0;
  std::uint64_t errors = 0;
  std::uint64_t cut = 0;
  std::uint64_t excluded = 0;    // by an assumption of the program that does not hold
  std::uint64_t stopped = 0;     // in which options::stopped_thread came so far
  std::uint64_t duplicates = 0;  // among the graphs that options::remember_graphs let it compare
  std::uint64_t runs = 0;        // of the program
  graph_hash hash;
  outcome_set outcomes;
  // By thread: the most events that it made in an execution that was complete or blocked, or that
  // an error is shown of.
  std::vector<std::uint32_t> longest;
  // Of a hunt: how many executions were run, and the most events that one had.
  std::uint64_t hunted = 0;
  std::uint64_t hunted_events = 0;
  // Of the first error: runs it again.
  std::string replay;
  // Of the first bound that was met: which, by which thread, and where.
  std::string why_cut;
  // Whether that was a loop without an end. Then the search ends, as with an error.
  bool endless = false;
  // Whether it was of one execution alone, by options::replay: that proves nothing.
  bool replayed = false;
  // Whether the search has ended since a thread made an acquire fence, and reads were merged.
  bool fenced = false;
  // Operations on what another thread accesses, too, one of the two a write, by their places: those
  // that met such an access in some execution, so that only their own order was between them, and
  // those that never did. Of a long search, one execution in 512 is looked at.
  std::vector<std::string> met, unmet;
  // How many complete executions were too long to be looked at for that.
  std::uint64_t too_long = 0;
  // How many bytes of plain members, that the model was made with, its threads changed in the first
  // complete execution.
  std::uint64_t plain_bytes = 0;
  // The first error, with all that a report needs.
  std::optional<counterexample> first;
  // The errors by kind, in the order in which they came; of several kinds only with
  // options::keep_going.
  std::vector<errors_of_kind> kinds;

  // Of the size of the whole search, if options::estimate_seconds asked for it.
  size_estimate estimate;

  // Whether there is nothing more to search for, unless options::keep_going says so.
  bool ends_early() const noexcept { return errors != 0 || endless || fenced; }

  // Without a complete execution nothing has been looked at. Of a part of a search, that is none.
  conclusion concluded() const noexcept {
    if (errors != 0) return conclusion::error;
    if (cut != 0 || complete == 0 || replayed) return conclusion::unfinished;
    return conclusion::proved;
  }

  // The sum of two parts of one search.
  void add(const statistics& part);

  // All but `estimate` and the counterexamples.
  void store(archive& file);
};

struct options {
  memory_model model = memory_model::rc11;
  // How many weak compare-and-swaps of each thread may fail for no reason.
  unsigned spurious_failures = 1;
  // A thread that makes so many events and then nothing, for ever: the others must return. What
  // `finish` would check is not checked then.
  std::optional<unsigned> stopped_thread = {};
  unsigned stopped_after = 0;
  // Whether memory that was freed may be allocated again in the same execution: both are tried.
  bool reuse_memory = true;
  // How many allocations of each thread may do so.
  unsigned reuses = ~0u;
  // Whether sources of a read between which nothing can tell are one alternative: fewer executions
  // are found, and each stands for those that differ from it in that alone. See "Merged reads" in
  // docs/reference.md. Not in a program with acquire fences: where one is met, the search begins
  // anew without. Nor in a part of a search, or with a checkpoint, which could not do so.
  bool merge_reads = false;
  // Threads that run the same code from the same state: of executions that differ only in which of
  // them did what, not all are found. See "Threads that are alike" in docs/reference.md. Not with
  // merge_reads or a stopped thread, nor with an `order` that begins with another thread: then all
  // are found.
  std::vector<unsigned> alike = {};
  // Whether the search goes on after an error.
  bool keep_going = false;
  // Whether memory that is not freed at the end is an error.
  bool find_leaks = true;
  // Whether a loop that is seen to wait is one: see "Waiting" in docs/reference.md. Else it is run
  // until it ends, or has gone round a hundred times.
  bool find_waits = true;
  // Whether a turn of a loop that waits is left out if each of its writes is an update that wrote
  // what it found: a swap of a flag that was set.
  bool prune_put_back = true;
  // A thread with more events than this is cut.
  unsigned events_per_thread = 10'000;
  // Which part of the search is done: part `part` of `parts`.
  unsigned part = 0;
  unsigned parts = 1;
  // A file that the search is written to every `checkpoint_seconds`, and that it goes on from if it
  // is there. Removed when the search is done.
  std::string checkpoint = {};
  double checkpoint_seconds = 30;
  // The search ends, and is reported as cut, after so many runs of the program, whatever became of
  // them: complete, blocked, or given up because the memory model does not allow them.
  std::uint64_t most_runs = 0;  // 0: no limit
  // The search ends, and is reported as cut, after so many seconds.
  double seconds = 0;  // 0: no limit
  // Called about ten times a second.
  std::function<void(const progress&)> on_progress = {};
  // So long the size of the search may be estimated, if it is not done at once; 0: it is not
  // estimated.
  double estimate_seconds = 0;
  // The threads' turn to add an event: thread order[0] first. Empty: by index.
  std::vector<unsigned> order = {};
  // A search that goes on after a thousand runs looks now and then for an error by chance, with so
  // many runs in all: what one order of the search finds late, another may find soon. 0: it does
  // not. Nor does a search with keep_going, or of a part.
  std::uint64_t chances = 1'000;
  // Instead of the search: so many executions by chance. That finds errors of programs that are too
  // large, and proves nothing. 0: a search.
  std::uint64_t hunt = 0;
  // How many orders between events an error may need: see hunt_chance.
  unsigned hunt_depth = 3;
  std::uint64_t hunt_seed = 1;
  // How many complete graphs are remembered, to count duplicates: a test of the search.
  std::size_t remember_graphs = 0;
  // Graphs are told apart by what merge_reads would leave of them, and `hash` is of the different
  // ones: that of a search that merges reads. A test of it.
  bool by_normal_form = false;
  // The same of graphs that differ only in which of these threads did what: they are one.
  std::vector<unsigned> by_orbit = {};
  // How reports call the program.
  std::string name = {};
  // Whatever tells it from others of its name: a checkpoint of another one is refused.
  std::string digest = {};
  // Runs this one execution: what a counterexample's `replay` says. One that is cut off, or is of
  // another program, is refused where that shows: explore throws std::invalid_argument.
  std::string replay = {};
  // Called for every complete execution; for tests.
  std::function<void(const execution_graph&)> on_complete = {};
};

// One search by this process alone, which can be asked afterwards where its events stand. While it
// lives no other can run.
class exploration {
 public:
  exploration(program& checked, const options& chosen);
  exploration(const exploration&) = delete;
  exploration& operator=(const exploration&) = delete;
  ~exploration();

  statistics explore();

  // The place in the source that the events of a graph call by this number.
  const place& where(std::uint32_t number) const noexcept;

 private:
  program& program_;
  options options_;
  execution* running_;  // owned: <memory> brings names of POSIX with it
};

// Explores all executions of a program on `jobs` processes: 0 stands for as many as there are CPUs.
// What is done in a quarter of a second is done by this process alone, and not estimated.
statistics explore(program& checked, const options& chosen = {}, unsigned jobs = 1);

// How likely a hunt of so many executions finds an error that needs `depth` orders between events,
// and that shows while reads read the newest value, if there is one: at least that.
double hunt_chance(const statistics& hunted, unsigned threads, unsigned depth);

// Estimates how many complete executions `explore` would find, in about so many seconds: at most
// twice as many. Not known if that was not enough for a few samples, or if they saw none.
size_estimate estimate(program& checked, const options& chosen, double seconds);

}  // namespace checker

// SPDX-License-Identifier: MIT
// Load buffering: which reads of a program could be overtaken by a later write of their own
// thread, so that another thread answers the write before the read is done, and the read reads the
// answer.
//
//     a = x.load(relaxed);    |  b = y.load(relaxed);
//     y.store(1, relaxed);    |  x.store(1, relaxed);        a == b == 1
//
// C++20 and ARM allow that, and the search does not visit it: RC11 has no cycle of program order
// (po) and reads-from (rf). But each such cycle casts a shadow on the executions that RC11 has,
// and that is what is looked for.
//
// A candidate is, in a complete execution, a read r, a write w of the same thread after it, and a
// write v of another thread to r's location, such that
//
//   - nothing orders w behind r: r is no acquire, w is no release, and no fence but a light one
//     stands between them. Dependencies of w on r are not known here, and do not count: more is
//     reported, never less;
//   - w was read by another thread, and v follows from that, by po and rf: v is in r's future;
//   - r could have read v but for that: r does not happen before v, and v is newer in its
//     location's order (mo) than what r read, and older than the thread's own stores behind r, and
//     than w; and not newer than what an acquire between r and w reads there.
//
// Where r is an update that v reads, v would be another one without r: there, r must not happen
// before what v's thread did before v, and v may be a compare-and-swap that has failed.
//
// Theorem. Let each execution that RC11 allows of a program be explored, none have an error, be
// cut or be excluded by an assumption, and none have a candidate. Then the program has no
// execution with a cycle of po and rf in any model where
//
//   (order) the axioms of RC11 hold but that po and rf may have a cycle;
//   (no thin air) bob, dep and rf together have none, where bob is what orders r and w above, and
//     dep relates reads to later writes of their thread;
//   (dependence) if a thread is run again, and each read that a write depends on (by dep or bob)
//     reads as before, then it comes to that write again, of the same location and value, by the
//     same operations: these may read and write other values, but a compare-and-swap ends as
//     before.
//
// IMM is such a model, of programs without seq_cst accesses (Podkopaev, Lahav, Vafeiadis: Bridging
// the gap between programming languages and hardware weak memory models, POPL 2019), and so are
// the machines that it is proved to cover: x86, Power, ARMv7, ARMv8. A control dependency is one
// on all that follows there, and IMM has the same of a read-modify-write, which is a loop of
// exclusive accesses: that gives (dependence). Where it is one instruction, the program has to
// branch on how a compare-and-swap ends. For C++ itself there is no agreed formal sense of "no
// out-of-thin-air values"; RC11 (Lahav et al.: Repairing sequential consistency in C/C++11, PLDI
// 2017) does what Boehm and Demsky proposed (Outlawing ghosts, MSPC 2014): it has no such cycle.
//
// Proof. Let G be such an execution with a cycle. Perform its events one after the other: a thread
// makes its next one if that is a write or a fence, or a read of which the source was performed.
// If no thread can, then some write depends, by (no thin air), only on reads of what was
// performed: let its thread run ahead and make it early. The reads on the way that it does not
// depend on read wrong: of the writes that were performed, the newest that is not newer than their
// source.
//   What was done so far is an execution of RC11's: po and rf have no cycle, since all reads read
// what was there before. The write is that of G, by (dependence). Acquires are never among the
// wrong reads, by bob, so that nothing happens before anything that it does not in G. The order mo
// is that of G, and no wrong read misses a write that it does not miss in G: so coherence and the
// order of seq_cst operations hold as in G. Other threads read only what is as in G: a wrong
// update is seen by nobody, but for other wrong updates, and stands in mo right behind what it
// reads.
//   Go on until a write v is performed that a wrong read r would have had to prefer: one newer
// than what it reads, and not newer than its source in G. That time comes: there is a wrong read,
// for else there were no cycle, and its source is performed at last. If v did not follow, by po
// and rf, from a write that r's thread has made early behind r, then all that v follows from could
// have been done before r, and then r have read v. So choose the order in which all is done such
// that wrong reads read as new as possible before that time: then v follows from such a write w,
// and by a step of rf, since w is made early. Nothing orders w behind r, which w does not depend
// on. And r could read v, since that is so in G; only if v is an update, and r one that stands
// before it now, does v read r's write instead. This is a part of a complete execution in which
// all of that is so, since what comes later may be the newest: a candidate.
//
// What that leaves open is in docs/load-buffering.md: where there is a candidate, nothing follows
// for the whole program; and (dependence) is assumed of compilers, which may remove a dependency,
// and do other things on the way.
//
// Stands on: graph.
#pragma once

#include "graph.hpp"

#include <cstddef>
#include <cstdint>
#include <vector>

namespace checker {

// The candidates of all executions that it is shown, by their places in the source.
class load_buffering {
 public:
  // Places of operations: the execution that was searched knows where they are.
  struct candidate {
    std::uint32_t read;
    bool read_failed;  // it is a compare-and-swap that failed, or did here
    std::uint32_t write;
    std::uint32_t answer;  // a write that the read could read: the first that was found

    friend bool operator==(const candidate&, const candidate&) = default;
  };

  void look_at(const execution_graph& graph);

  // One for each read and write.
  const std::vector<candidate>& found() const noexcept { return found_; }

 private:
  // A write that another thread has read.
  struct way_out {
    event_id write;
    event_id reader;
  };

  void look_at(const execution_graph& graph, event_id r, event_id v);
  bool is_known(const candidate& like) const noexcept;

  std::vector<candidate> found_;
  std::vector<std::vector<way_out>>
      ways_out_;  // of each thread, in the execution that is looked at
};

}  // namespace checker

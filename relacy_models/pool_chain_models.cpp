// SPDX-License-Identifier: MIT
// Models of pool_chain and its ring_reclaimer: growth, unlinking and reclamation against thieves.
//
// The first ring of a chain is longer than a search can fill step by step. So the models fill and
// drain it before the threads run, or in one go: a run of pushes or steals that no other thread
// interrupts.

#include <poolproof/ownership.hpp>
#include <poolproof/pool_chain.hpp>

#include "model.hpp"

#include <array>

namespace poolproof::models {
namespace {

using chain = pool_chain<token, sync>;

// A chain, its reclaimer, and what an owner and thieves do with them.
//
// Checked in every execution: an item is handed out once, and after its preparation (token); the
// owner pops the newest item of its own; each thief's items come oldest first; what was pushed and
// not taken is found by thieves at the end. And by the engine: no ring is used before it is
// initialised, or after it is freed, or freed without an order after its last use; no ring is
// leaked or freed twice.
class chain_client : public model {
 public:
  chain_client() { this_machine.spurious_failures = false; }

  void after() override {
    unsigned left = 0;
    while (token* const item = chain_.pop_tail()) {
      if (item != &filler_) item->claim();
      ++left;
    }
    require(pushed_ == popped_ + stolen() + left, "no item is lost");
    require(reclaim(), "no ring waits for a thief that has left");
  }

 protected:
  static constexpr unsigned first_length = chain::first_length;

  // The owner's steps.

  // True if the chain took the next item. One that is refused stays the next.
  bool push() {
    token& item = items_[prepared_];
    item.prepare();
    if (push(item)) {
      ++prepared_;
      return true;
    }
    item.claim();
    return false;
  }

  token* pop() {
    token* const item = chain_.pop_head();
    if (item == nullptr) return nullptr;
    require(height_ != 0 && item == stack_[height_ - 1], "pop_head takes the newest item");
    --height_;
    ++popped_;
    if (item != &filler_) item->claim();
    return item;
  }

  // As a cycle does it.
  void release_rings_if_drained() {
    if (chain_.drained()) release_rings(chain_);
  }

  // Each is an owner's whole tenure: what is to be freed is freed at once.

  bool push_to(chain& to, token& item) {
    chain::tenure rings(&rings_);
    return to.push_head(&item, rings);
  }

  void release_rings(chain& of) {
    chain::tenure rings(&rings_);
    of.release_rings(rings);
  }

  bool reclaim() {
    chain::tenure rings(&rings_);
    return rings.reclaim();
  }

  // A thief's steps. They are true if it got an item.

  // As a shard does it.
  bool steal(unsigned thief) {
    if (chain_.looks_empty()) return false;
    const chain::reclaimer::visit inside(rings_);
    return steal_inside(thief);
  }

  // Without a visit, where no ring is freed while threads run: it keeps the search short.
  bool steal_inside(unsigned thief) {
    token* const item = chain_.pop_tail();
    if (item == nullptr) return false;
    ++stolen_[thief];
    if (item == &filler_) return true;
    item->claim();
    require(newest_[thief] < item, "pop_tail takes the oldest item first");
    newest_[thief] = item;
    return true;
  }

  // Of all at once; others may come between the claim and each hand-back of a slot.
  bool steal_all(unsigned thief) {
    if (chain_.looks_empty()) return false;
    const chain::reclaimer::visit inside(rings_);
    std::array<token*, first_length> taken{};
    const std::uint32_t count = chain_.pop_tail(taken.data(), first_length);
    for (std::uint32_t i = 0; i != count; ++i) {
      if (taken[i] != &filler_) taken[i]->claim();
    }
    stolen_[thief] += count;
    return count != 0;
  }

  // Runs of pushes and steals of an item that means nothing; nobody interrupts them. The steals are
  // no visits: the reclaimer's counts stay at zero.

  void fill(unsigned count) {
    const uninterrupted run;
    for (unsigned i = 0; i < count; ++i) push(filler_);
  }

  void drain(unsigned count, unsigned thief) {
    const uninterrupted run;
    for (unsigned i = 0; i < count; ++i) steal_inside(thief);
  }

  // What a thief of thread 1 finds, and whether it need have visited.
  void look_and_steal() {
    const bool empty = chain_.looks_empty();
    const bool got = steal(1);
    outcome(got ? "stolen" : empty ? "looks empty" : "nothing stolen");
  }

  unsigned stolen() const { return stolen_[0] + stolen_[1] + stolen_[2]; }

  chain chain_;
  chain::reclaimer rings_;

 private:
  static constexpr unsigned max_items = 4;
  static constexpr unsigned max_height = 32;

  bool push(token& item) {
    if (!push_to(chain_, item)) return false;
    ++pushed_;
    stack_[height_++] = &item;
    return true;
  }

  std::array<token, max_items> items_;
  token filler_;
  unsigned prepared_ = 0;  // the owner's, as the next four
  unsigned pushed_ = 0;
  unsigned popped_ = 0;
  unsigned height_ = 0;
  std::array<token*, max_height> stack_{};          // what it has pushed and not popped
  std::array<unsigned, max_threads - 1> stolen_{};  // each thief its own, as the next
  std::array<token*, max_threads - 1> newest_{};    // no older item may come
};

// Property:   a thief that finds the first ring finds it initialised, with what it holds.
// Expected:   passes; the thief finds no ring, an empty one, or the item.
// Threads:    owner: push || thief: steal, steal
// Bound:      a new chain.
// Would show: a ring used before its construction is seen, if it were published too weakly or too
//             early.
struct first_ring_vs_steal : chain_client {
  static model_info info() {
    return {.property = "a thief finds the first ring initialised",
            .threads = 2,
            .bound = "new chain; push || 2 steals",
            .outcomes = {"looks empty", "nothing stolen", "stolen"},
            .no_other_outcomes = true};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      push();
      return;
    }
    for (int i = 0; i < 2; ++i) look_and_steal();
  }
};

// Property:   a thief that follows next finds the second ring initialised, with what it holds.
// Expected:   passes; the thief gets the item of the second ring, or comes before it.
// Threads:    owner: push || thief: 8 steals in one go, steal
// Bound:      the first ring is full: the push adds the second.
// Would show: a ring used before its construction is seen, if it were linked too weakly or too
//             early.
struct growth_vs_steal : chain_client {
  static model_info info() {
    return {.property = "a thief that follows next finds the ring initialised",
            .threads = 2,
            .bound = "first ring full; push || 8 steals in one go, 1 steal",
            .outcomes = {"stolen from the second ring", "nothing stolen"},
            .no_other_outcomes = true};
  }

  void before() override { fill(first_length); }

  void thread(unsigned index) override {
    if (index == 0) {
      push();
      return;
    }
    drain(first_length, 1);
    outcome(steal(1) ? "stolen from the second ring" : "nothing stolen");
  }
};

// Property:   next is read before the pop: a ring that was empty, and then filled, is not
//             unlinked.
// Expected:   passes; the thief steals from the first ring, or finds it empty.
// Threads:    owner: 8 pushes in one go, push || thief: steal
// Bound:      one ring, empty; the owner's last push adds the second.
// Would show: items that thieves never find: a ring unlinked for a next that was read after the
//             pop.
struct growth_vs_empty_steal : chain_client {
  static model_info info() {
    return {.property = "a ring that was empty before it was filled is not unlinked",
            .threads = 2,
            .bound = "first ring empty; 8 pushes in one go, push || 1 steal",
            .outcomes = {"nothing stolen", "stolen"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(1);
    drain(1, 1);
  }

  void thread(unsigned index) override {
    if (index == 0) {
      fill(first_length);
      push();
    } else {
      outcome(steal_inside(1) ? "stolen" : "nothing stolen");
    }
  }
};

// Property:   of two thieves that unlink a drained ring at once, one succeeds, and both go on to
//             the next.
// Expected:   passes; both get an item.
// Threads:    thief: steal || thief: steal
// Bound:      the first ring is drained, the second holds two items.
// Would show: tail moved back, or past a ring with items; a loser that gives up.
struct unlink_vs_unlink : chain_client {
  static model_info info() {
    return {.property = "two thieves unlink a drained ring once, and both go on",
            .threads = 2,
            .bound = "first ring drained, second with 2 items; 1 steal || 1 steal",
            .outcomes = {"both stole"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(first_length);
    push();
    push();
    drain(first_length, 1);
  }

  void thread(unsigned index) override { got_[index] = steal_inside(index); }

  void after() override {
    outcome(got_[0] && got_[1] ? "both stole" : "one did not");
    chain_client::after();
  }

 private:
  std::array<bool, 2> got_{};
};

// Property:   as unlink_vs_unlink, for the last item: the loser finds the chain empty.
// Expected:   passes; either thief loses the race.
// Threads:    thief: steal || thief: steal
// Bound:      the first ring is drained, the second holds one item.
// Would show: an item handed out twice; a thief lost in an unlinked ring.
struct unlink_vs_unlink_last_item : chain_client {
  static model_info info() {
    return {.property = "of two thieves behind a drained ring, one gets the last item",
            .threads = 2,
            .bound = "first ring drained, second with 1 item; 1 steal || 1 steal",
            .outcomes = {"the first lost", "the second lost"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(first_length);
    push();
    drain(first_length, 1);
  }

  void thread(unsigned index) override {
    if (!steal_inside(index)) outcome(index == 0 ? "the first lost" : "the second lost");
  }
};

// Property:   a thief that finds the second ring at tail, where another thief has put it, finds
//             it initialised.
// Expected:   passes; the second thief comes before the growth, before the unlinking, or after
//             it.
// Threads:    owner: push || thief: 9 steals in one go || thief: steal
// Bound:      the first ring is full: the push adds the second.
// Would show: a ring used before its construction is seen: the first thief saw it, and did not
//             pass it on.
struct unlink_vs_next_thief : chain_client {
  static model_info info() {
    return {.property = "an unlinking thief passes on what it saw of the next ring",
            .threads = 3,
            .bound = "first ring full; push in one go || 9 steals in one go || 1 steal",
            .outcomes = {"stolen 8", "stolen 9"},
            .no_other_outcomes = true};
  }

  void before() override { fill(first_length); }

  void thread(unsigned index) override {
    if (index == 2) {
      steal_inside(2);
      return;
    }
    const uninterrupted run;
    if (index == 0) {
      push();
    } else {
      for (unsigned i = 0; i < first_length + 1; ++i) steal_inside(1);
    }
  }

  void after() override {
    outcome("stolen %u", stolen());
    chain_client::after();
  }
};

// Property:   a growing owner frees the ring that a thief has unlinked, but not while the thief
//             may be in it.
// Expected:   passes; the ring is freed, or waits for the thief, or is not unlinked yet.
// Threads:    owner: push in one go, reclaim || thief: steal
// Bound:      two rings, the first drained, the second full: the push adds the third.
//             Interruptions of the owner are unlink_vs_refused_growth's.
// Would show: the first ring freed under the thief, or twice, or never; a thief lost at the new
//             ring.
struct unlink_vs_growth : chain_client {
  static model_info info() {
    return {.property = "a growing owner frees what a thief has unlinked, not under the thief",
            .threads = 2,
            .bound = "first ring drained, second full; push in one go, reclaim || 1 steal",
            .outcomes = {"nothing in limbo", "waiting for the thief"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(first_length + 2 * first_length);
    drain(first_length, 1);
  }

  void thread(unsigned index) override {
    if (index == 1) {
      steal(1);
      return;
    }
    {
      const uninterrupted run;
      push();
    }
    outcome(reclaim() ? "nothing in limbo" : "waiting for the thief");
  }
};

// Property:   when memory for a ring is refused, the item stays the caller's, and the rings that
//             thieves have unlinked are freed all the same.
// Expected:   passes; the push is refused, or a steal makes room for it.
// Threads:    owner: push, reclaim || thief: steal
// Bound:      two rings, the first drained, the second full; memory for the third is refused.
// Would show: an item lost or handed out although its push failed; as unlink_vs_growth, in every
//             execution that Relacy has.
struct unlink_vs_refused_growth : chain_client {
  static model_info info() {
    return {.property = "a refused ring costs nothing but the push",
            .threads = 2,
            .bound = "first ring drained, second full, no memory; push, reclaim || 1 steal",
            .outcomes = {"refused", "pushed", "waiting for the thief"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(first_length + 2 * first_length);
    drain(first_length, 1);
    this_machine.refused_allocation[0] = 1;
  }

  void thread(unsigned index) override {
    if (index == 1) {
      steal(1);
      return;
    }
    outcome(push() ? "pushed" : "refused");
    if (!reclaim()) outcome("waiting for the thief");
  }
};

// Property:   a drained chain's rings are freed, but not while a thief may be in them, and the
//             chain begins anew meanwhile.
// Expected:   passes; the ring is freed, or waits for a thief; a thief gets the new ring's item.
// Threads:    owner: release_rings, push, reclaim || thief: steal
// Bound:      one ring, drained.
// Would show: the ring freed under a late thief: one whose entry or whose leaving the owner has
//             not seen; a thief that is not counted and still finds the old ring.
struct reclamation_vs_late_thief : chain_client {
  static model_info info() {
    return {.property = "a drained chain's rings are freed, not under a late thief",
            .threads = 2,
            .bound = "one ring, drained; release, push, reclaim || 1 steal",
            .outcomes = {"nothing in limbo", "waiting for a thief", "stolen", "nothing stolen"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(1);
    drain(1, 1);
  }

  void thread(unsigned index) override {
    if (index != 0) {
      outcome(steal(index) ? "stolen" : "nothing stolen");
      return;
    }
    release_rings_if_drained();
    push();
    outcome(reclaim() ? "nothing in limbo" : "waiting for a thief");
  }
};

// Property:   as reclamation_vs_late_thief: the ring is not freed before the last of two thieves
//             has left.
// Expected:   passes.
// Threads:    owner: release_rings, reclaim || thief: steal || thief: steal
// Bound:      one ring, drained.
// Would show: a count of leavers that is taken for the count of all who entered.
struct reclamation_vs_two_late_thieves : chain_client {
  static model_info info() {
    return {.property = "a drained chain's rings are freed, not under the later of two thieves",
            .threads = 3,
            .bound = "one ring, drained; release, push, reclaim || 1 steal || 1 steal",
            .search = bounded_and_random(3),
            .outcomes = {"nothing in limbo", "waiting for a thief"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(1);
    drain(1, 1);
  }

  void thread(unsigned index) override {
    if (index != 0) {
      steal(index);
      return;
    }
    release_rings_if_drained();
    push();
    outcome(reclaim() ? "nothing in limbo" : "waiting for a thief");
  }
};

// Property:   a phase that is used again counts its thieves from zero.
// Expected:   passes; the ring is freed, or waits for the thief.
// Threads:    owner: release_rings, reclaim || thief: steal
// Bound:      one ring, drained; both phases have been used, and left by a thief each.
// Would show: a ring freed under a thief, for the leaving of an earlier one was counted again.
struct phase_reuse_vs_late_thief : chain_client {
  static model_info info() {
    return {.property = "a phase that is used again counts its thieves from zero",
            .threads = 2,
            .bound = "one ring, drained, both phases used; release, reclaim || 1 steal",
            .outcomes = {"nothing in limbo", "waiting for the thief"},
            .no_other_outcomes = true};
  }

  void before() override {
    for (int phase = 0; phase < 2; ++phase) {
      fill(1);
      steal(1);
      release_rings_if_drained();
    }
    fill(1);
    drain(1, 1);
  }

  void thread(unsigned index) override {
    if (index == 1) {
      steal(1);
      return;
    }
    release_rings_if_drained();
    outcome(reclaim() ? "nothing in limbo" : "waiting for the thief");
  }
};

// Property:   the unlinking of a thief that comes too late, to a chain that has been cut, has no
//             effect.
// Expected:   passes; the thief unlinks before the cut, or fails, or comes after it.
// Threads:    owner: release_rings, reclaim || thief: steal
// Bound:      two rings, drained, the first not yet unlinked.
// Would show: a tail that points to a released ring, if the unlinking stored without comparing.
struct release_vs_late_unlinking : chain_client {
  static model_info info() {
    return {.property = "a late unlinking has no effect on a chain that has been cut",
            .threads = 2,
            .bound = "two rings, drained, none unlinked; release, reclaim || 1 steal",
            .outcomes = {"nothing in limbo", "waiting for the thief"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(first_length);
    push();
    pop();
    drain(first_length, 1);
  }

  void thread(unsigned index) override {
    if (index == 1) {
      steal(1);
      return;
    }
    release_rings(chain_);
    outcome(reclaim() ? "nothing in limbo" : "waiting for the thief");
  }

  void after() override {
    require(chain_.looks_empty(), "the chain stays cut");
    chain_client::after();
  }
};

// Property:   a thief that comes late to a chain that has been cut does not come to the ring with
//             which it began anew: it has not seen that one made.
// Expected:   passes; the thief comes before, or gets the new ring's item, or finds nothing.
// Threads:    owner: release_rings, push in one go || thief: steal
// Bound:      two rings, drained, the first not yet unlinked.
// Would show: a ring used before its construction is seen, by a thief that follows what a failed
//             unlinking has returned.
struct late_unlinking_vs_new_ring : chain_client {
  static model_info info() {
    return {.property = "a late unlinking does not lead to a ring that the thief has not seen made",
            .threads = 2,
            .bound = "two rings, drained, none unlinked; release, push in one go || 1 steal",
            .outcomes = {"stolen", "nothing stolen"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(first_length);
    push();
    pop();
    drain(first_length, 1);
  }

  void thread(unsigned index) override {
    if (index == 1) {
      outcome(steal(1) ? "stolen" : "nothing stolen");
      return;
    }
    release_rings(chain_);
    const uninterrupted run;
    push();
  }
};

// Property:   rings are retired only when those retired before are gone: none is forgotten.
// Expected:   passes; the second release finds the first one's ring freed, or still waiting.
// Threads:    owner: release_rings, push and steal in one go, release_rings || thief: steal
// Bound:      one ring, drained.
// Would show: a ring leaked, because another took its place in limbo.
struct release_vs_late_thief_twice : chain_client {
  static model_info info() {
    return {.property = "no ring in limbo is forgotten when the next is retired",
            .threads = 2,
            .bound = "one ring, drained; release, begin anew, release || 1 steal",
            .outcomes = {"released twice", "still waiting for the thief"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(1);
    drain(1, 1);
  }

  void thread(unsigned index) override {
    if (index == 1) {
      steal(1);
      return;
    }
    release_rings(chain_);
    fill(1);
    drain(1, 0);
    release_rings(chain_);
    const uninterrupted run;
    outcome(chain_.looks_empty() ? "released twice" : "still waiting for the thief");
  }
};

// Property:   the two chains of a shard share a reclaimer: what one retires does not push out
//             what the other has in limbo.
// Expected:   passes; the second chain's ring is retired, or must wait for the first one's.
// Threads:    owner: release_rings of one chain, push to the other || thief: steal from the one
// Bound:      one ring, drained; another chain with one ring unlinked, one full, and memory
//             refused.
// Would show: a ring leaked or freed under the thief.
struct two_chains_vs_late_thief : chain_client {
  static model_info info() {
    return {.property = "two chains share a reclaimer, and forget no ring",
            .threads = 2,
            .bound = "release, push to another chain || 1 steal",
            .outcomes = {"nothing in limbo", "waiting for the thief"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(1);
    drain(1, 1);
    for (unsigned i = 0; i < first_length + 2 * first_length; ++i) push_other();
    // The last of these unlinks the first ring, and one push fills the second again.
    for (unsigned i = 0; i < first_length + 1; ++i) other_.pop_tail();
    push_other();
    this_machine.refused_allocation[0] = 1;
  }

  void thread(unsigned index) override {
    if (index == 1) {
      steal(1);
      return;
    }
    release_rings(chain_);
    require(!push_other(), "memory is refused");
    outcome(reclaim() ? "nothing in limbo" : "waiting for the thief");
  }

 private:
  bool push_other() { return push_to(other_, pushed_); }

  chain other_;
  token pushed_;
};

// Property:   the owner's pop_head walks back into a ring that a thief is draining and unlinking.
// Expected:   passes; either gets the last item.
// Threads:    owner: pop_head || thief: steal, steal
// Bound:      two rings: the first with one item, the second empty.
// Would show: the item handed out twice or lost; a walk that ends in an unlinked ring.
struct pop_head_vs_unlink : chain_client {
  static model_info info() {
    return {.property = "pop_head walks back into a ring that a thief unlinks",
            .threads = 2,
            .bound = "two rings, 1 item in the first; pop || 2 steals",
            .outcomes = {"popped", "stolen"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(first_length - 1);
    push();
    push();
    pop();
    drain(first_length - 1, 1);
  }

  void thread(unsigned index) override {
    if (index == 0) {
      if (pop() != nullptr) outcome("popped");
      return;
    }
    const bool first = steal_inside(1);
    const bool second = steal_inside(1);
    if (first || second) outcome("stolen");
  }
};

// Property:   a chain that its owner has found empty, and so hides, is shown by the next push.
// Expected:   passes; the thief comes before, meanwhile, or after, or finds the chain hidden.
// Threads:    owner: pop_head, push || thief: steal
// Bound:      one ring, drained.
// Would show: an item that no thief finds, because the chain stays hidden; one hidden with an item.
struct hidden_vs_steal : chain_client {
  static model_info info() {
    return {.property = "a chain hidden as empty is shown by the next push",
            .threads = 2,
            .bound = "one ring, drained; pop, push || 1 steal",
            .outcomes = {"looks empty", "nothing stolen", "stolen"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(1);
    drain(1, 1);
  }

  void thread(unsigned index) override {
    if (index == 0) {
      pop();
      push();
      return;
    }
    look_and_steal();
  }
};

// Property:   a chain that is hidden, and whose ring is full of slots that a slow thief has not
//             handed back, grows.
// Expected:   passes; the thief comes late, or the push finds room, or adds a ring.
// Threads:    owner: pop_head, push || thief: steal of all at once
// Bound:      one ring, full.
// Would show: the null tail of a hidden chain followed; a ring added to a chain that stays hidden.
struct hidden_vs_slow_thief : chain_client {
  static model_info info() {
    return {.property = "a hidden chain grows if a slow thief has its ring's slots",
            .threads = 2,
            .bound = "one ring, full; pop, push || steal of all at once",
            .search = bounded_and_random(3),
            .outcomes = {"popped", "popped nothing", "stolen"}};
  }

  void before() override { fill(first_length); }

  void thread(unsigned index) override {
    if (index == 1) {
      outcome(steal_all(1) ? "stolen" : "nothing stolen");
      return;
    }
    outcome(pop() != nullptr ? "popped" : "popped nothing");
    push();
  }
};

// Property:   a late thief's unlinking has no effect on a chain that its owner has hidden and shown
//             again.
// Expected:   passes; the thief comes before, or gets the item, or finds nothing.
// Threads:    owner: pop_head, push || thief: steal
// Bound:      two rings, both drained, none unlinked.
// Would show: an item that no thief finds: a tail that the thief has moved from a ring where it was
//             no longer.
struct hidden_vs_late_unlinking : chain_client {
  static model_info info() {
    return {.property = "a late unlinking has no effect on a chain that is hidden and shown again",
            .threads = 2,
            .bound = "two rings, drained, none unlinked; pop, push || 1 steal",
            .outcomes = {"nothing stolen", "stolen"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(first_length);
    push();
    pop();
    drain(first_length, 1);
  }

  void thread(unsigned index) override {
    if (index == 0) {
      pop();
      push();
      return;
    }
    outcome(steal(1) ? "stolen" : "nothing stolen");
  }
};

// Property:   the rings that showing a chain at its newest one unlinks are freed, but not while
//             someone may be in them.
// Expected:   passes; the ring is freed, or waits for the visitor.
// Threads:    owner: pop_head, 17 pushes in one go, reclaim || visitor: size
// Bound:      two rings, both drained, none unlinked: the last push adds the third. The visitor
//             only counts: thieves among the pushes are growth_vs_steal's.
// Would show: a ring freed under the visitor, or never.
struct shown_chain_vs_visitor : chain_client {
  static model_info info() {
    return {.property = "rings unlinked by showing a hidden chain are freed, not under a visitor",
            .threads = 2,
            .bound = "two rings, drained; pop, 17 pushes in one go, reclaim || size",
            .outcomes = {"nothing in limbo", "waiting for the visitor"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(first_length);
    push();
    pop();
    drain(first_length, 1);
  }

  void thread(unsigned index) override {
    if (index == 1) {
      const chain::reclaimer::visit inside(rings_);
      require(chain_.size() <= 2 * first_length + 1, "size counts what is there");
      return;
    }
    pop();
    fill(2 * first_length);
    {
      const uninterrupted run;
      push();
    }
    outcome(reclaim() ? "nothing in limbo" : "waiting for the visitor");
  }
};

// Property:   a ring is freed only by an owner, so under no other owner that walks back into it.
// Expected:   passes; either finds the chain owned.
// Threads:    owner: own, pop_head, release || owner: own, release_rings, release
// Bound:      two rings, both drained.
// Would show: a ring freed under an owner that walks back, if the other one did not ask for
//             ownership.
struct pop_head_vs_reclamation : chain_client {
  static model_info info() {
    return {.property = "a ring is freed only while no other owner walks back into it",
            .threads = 2,
            .bound = "two rings, drained; own, pop || own, release rings",
            .outcomes = {"popped nothing", "busy for pop", "released", "busy for release"},
            .no_other_outcomes = true};
  }

  void before() override {
    fill(first_length + 1);
    drain(first_length + 1, 1);
  }

  void thread(unsigned index) override {
    if (!owned_.try_own()) {
      outcome(index == 0 ? "busy for pop" : "busy for release");
      return;
    }
    if (index == 0) {
      outcome(pop() == nullptr ? "popped nothing" : "popped");
    } else {
      release_rings_if_drained();
      outcome("released");
    }
    owned_.release();
  }

 private:
  ownership<sync> owned_;
};

// Property:   size() follows next to rings that are initialised only.
// Expected:   passes; it sees the chain before and after.
// Threads:    owner: push || reader: size
// Bound:      the first ring is full: the push adds the second.
// Would show: a ring used before its construction is seen.
struct size_vs_growth : chain_client {
  static model_info info() {
    return {.property = "size counts initialised rings only",
            .threads = 2,
            .bound = "first ring full; push || size",
            .outcomes = {"size 8", "size 9"},
            .no_other_outcomes = true};
  }

  void before() override { fill(first_length); }

  void thread(unsigned index) override {
    if (index == 0) {
      push();
      return;
    }
    const chain::reclaimer::visit inside(rings_);
    outcome("size %u", static_cast<unsigned>(chain_.size()));
  }
};

// Property:   size() finds the first ring of a new chain initialised.
// Expected:   passes; it sees the chain before and after.
// Threads:    owner: push || reader: size
// Bound:      a new chain.
// Would show: a ring used before its construction is seen.
struct size_vs_first_ring : chain_client {
  static model_info info() {
    return {.property = "size finds the first ring initialised",
            .threads = 2,
            .bound = "new chain; push || size",
            .outcomes = {"size 0", "size 1"},
            .no_other_outcomes = true};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      push();
      return;
    }
    const chain::reclaimer::visit inside(rings_);
    outcome("size %u", static_cast<unsigned>(chain_.size()));
  }
};

const registered<first_ring_vs_steal, growth_vs_steal, growth_vs_empty_steal, unlink_vs_unlink,
                 unlink_vs_unlink_last_item, unlink_vs_next_thief, unlink_vs_growth,
                 unlink_vs_refused_growth, reclamation_vs_late_thief,
                 reclamation_vs_two_late_thieves, phase_reuse_vs_late_thief,
                 release_vs_late_unlinking, release_vs_late_thief_twice, late_unlinking_vs_new_ring,
                 two_chains_vs_late_thief, pop_head_vs_unlink, hidden_vs_steal,
                 hidden_vs_slow_thief, hidden_vs_late_unlinking, shown_chain_vs_visitor,
                 pop_head_vs_reclamation, size_vs_growth, size_vs_first_ring>
    registration;

}  // namespace
}  // namespace poolproof::models

// SPDX-License-Identifier: MIT
// Models of pool_dequeue: the protocol of the packed ends and of the slots, with one owner and
// thieves.
//
// Clients that never use a slot twice cannot test how a slot is handed back. So most clients here
// push more than the ring holds, and after each execution the ring must take exactly its length
// again.

#include <poolproof/pool_dequeue.hpp>

#include "model.hpp"

#include <array>
#include <initializer_list>
#include <string_view>

namespace poolproof::models {
namespace {

using ring = pool_dequeue<token, sync>;

// A ring, an owner that follows a script, and thieves that each try some steals.
//
// Checked in every execution: an item is handed out once, and after its preparation (token); the
// owner pops the newest item of its own; each thief's items come oldest first; what was pushed and
// not taken is found in the ring; the emptied ring takes exactly its length again.
class ring_client : public model {
 public:
  struct script {
    std::uint32_t length;
    // Thread 0, step by step: '+' pushes, '-' pops; 'P' pushes two at once, 'O' pops two.
    std::string_view owner;
    // How many steals each further thread tries.
    std::array<unsigned, max_threads - 1> steals;
    // How many items a steal takes at the most.
    unsigned at_once = 1;
    // Pushed before the threads run.
    unsigned filled = 0;
    std::uint32_t start = 0;
    bool spurious_failures = true;
  };

  explicit ring_client(const script& played)
      : script_(played), ring_(slots_.data(), played.length, played.start) {
    this_machine.spurious_failures = played.spurious_failures;
    for (unsigned i = 0; i < played.filled; ++i) push(1);
  }

  void thread(unsigned index) override {
    if (index == 0) {
      for (const char step : script_.owner) own(step);
    } else {
      for (unsigned i = 0; i < script_.steals[index - 1]; ++i) steal(index - 1);
    }
  }

  void after() override {
    const unsigned remaining = require_all_is_well();
    if (script_.steals[1] == 0) {
      outcome("refused %u, popped %u, stolen %u, left %u", refused_, popped_, stolen_[0],
              remaining);
    } else {
      outcome("refused %u, popped %u, stolen %u and %u, left %u", refused_, popped_, stolen_[0],
              stolen_[1], remaining);
    }
  }

 protected:
  const ring& tested() const { return ring_; }
  bool refused() const { return refused_ != 0; }

  // Returns how many items were left in the ring.
  unsigned require_all_is_well() {
    const unsigned remaining = left();
    require_length_again();
    return remaining;
  }

  void own(char step) {
    const unsigned count = step == 'P' || step == 'O' ? 2 : 1;
    step == '+' || step == 'P' ? push(count) : pop(count);
  }

  // Pushes the next items. Those that are refused stay the next.
  void push(unsigned count) {
    token* next[2];
    for (unsigned i = 0; i < count; ++i) {
      next[i] = &items_[prepared_ + i];
      next[i]->prepare();
    }
    const unsigned pushed = ring_.push_head(next, count);
    for (unsigned i = pushed; i < count; ++i) next[i]->claim();
    refused_ += count - pushed;
    for (unsigned i = 0; i < pushed; ++i) pushed_[height_++] = prepared_++;
  }

  void pop(unsigned most) {
    token* popped[2];
    const unsigned count = ring_.pop_head(popped, most);
    for (unsigned i = 0; i < count; ++i) {
      require(popped[i] != nullptr, "an empty slot was handed out");
      popped[i]->claim();
      require(height_ != 0 && popped[i] == &items_[pushed_[height_ - 1]],
              "pop_head takes the newest item");
      --height_;
    }
    popped_ += count;
  }

  void steal(unsigned thief) {
    token* taken[2];
    const unsigned count = ring_.pop_tail(taken, script_.at_once);
    for (unsigned i = 0; i < count; ++i) {
      require(taken[i] != nullptr, "an empty slot was handed out");
      taken[i]->claim();
      require(oldest_[thief] <= taken[i], "pop_tail takes the oldest item first");
      oldest_[thief] = taken[i] + 1;
    }
    stolen_[thief] += count;
  }

 private:
  static constexpr unsigned max_length = 2;
  static constexpr unsigned max_items = 8;

  // Empties the ring, and counts.
  unsigned left() {
    unsigned count = 0;
    while (token* const item = ring_.pop_tail()) {
      item->claim();
      ++count;
    }
    require(prepared_ == popped_ + stolen_[0] + stolen_[1] + count, "no item is lost");
    return count;
  }

  void require_length_again() {
    for (std::uint32_t i = 0; i < script_.length; ++i) {
      items_[prepared_ + i].prepare();
      require(ring_.push_head(&items_[prepared_ + i]), "the emptied ring takes its length again");
    }
    require(!ring_.push_head(&items_[prepared_]), "and no more");
    for (std::uint32_t i = 0; i < script_.length; ++i) ring_.pop_tail()->claim();
  }

  const script script_;
  std::array<ring::slot, max_length> slots_;
  ring ring_;
  std::array<token, max_items> items_;
  unsigned prepared_ = 0;                     // the owner's: items [0, prepared_) have been pushed
  std::array<unsigned, max_items> pushed_{};  // the owner's: what it has pushed and not popped
  unsigned height_ = 0;
  unsigned refused_ = 0;
  unsigned popped_ = 0;
  std::array<unsigned, max_threads - 1> stolen_{};  // each thief its own
  std::array<token*, max_threads - 1> oldest_{};    // each thief its own: no older item may come
};

// Property:   pop_head and pop_tail agree on who takes the last item.
// Expected:   passes; each of the two takes it in some execution.
// Threads:    owner: push, pop_head || thief: pop_tail
// Bound:      ring of 2.
// Would show: the item handed out twice or lost, if the claims were not one compare-and-swap
//             each.
struct pop_head_vs_pop_tail_last_item : ring_client {
  pop_head_vs_pop_tail_last_item() : ring_client({.length = 2, .owner = "+-", .steals = {1}}) {}

  static model_info info() {
    return {.property = "owner and thief agree on who takes the last item",
            .threads = 2,
            .bound = "ring of 2; push, pop || 1 steal",
            .outcomes = {"refused 0, popped 0, stolen 1, left 0",
                         "refused 0, popped 1, stolen 0, left 0"},
            .no_other_outcomes = true};
  }
};

// Property:   two thieves never take the same item.
// Expected:   passes; a thief loses the race for the only item, or finds the ring still empty.
// Threads:    owner: push, push || thief: pop_tail || thief: pop_tail
// Bound:      ring of 2; a weak compare-and-swap fails for a reason only.
// Would show: an item handed out twice; an item read before its producer was done with it.
struct pop_tail_vs_pop_tail : ring_client {
  pop_tail_vs_pop_tail()
      : ring_client({.length = 2, .owner = "++", .steals = {1, 1}, .spurious_failures = false}) {}

  static model_info info() {
    return {.property = "two thieves never take the same item",
            .threads = 3,
            .bound = "ring of 2; push, push || 1 steal || 1 steal; no spurious failures",
            .outcomes = {"refused 0, popped 0, stolen 0 and 0, left 2",
                         "refused 0, popped 0, stolen 0 and 1, left 1",
                         "refused 0, popped 0, stolen 1 and 0, left 1",
                         "refused 0, popped 0, stolen 1 and 1, left 0"},
            .no_other_outcomes = true};
  }
};

// Property:   of two thieves and one item, one thief gets it and the other finds the ring empty.
// Expected:   passes; either thief loses the race.
// Threads:    owner: push || thief: pop_tail || thief: pop_tail
// Bound:      ring of 2, with one item in it; spurious failures included.
// Would show: the item handed out twice; a thief that gives up although an item is left.
struct pop_tail_vs_pop_tail_last_item : ring_client {
  pop_tail_vs_pop_tail_last_item()
      : ring_client({.length = 2, .owner = "", .steals = {1, 1}, .filled = 1}) {}

  static model_info info() {
    return {.property = "of two thieves and one item, one loses the race",
            .threads = 3,
            .bound = "ring of 2 holding 1; nothing || 1 steal || 1 steal",
            .outcomes = {"refused 0, popped 0, stolen 0 and 1, left 0",
                         "refused 0, popped 0, stolen 1 and 0, left 0"},
            .no_other_outcomes = true};
  }
};

// Property:   a slot is filled again only after the thief that emptied it has vacated it.
// Expected:   passes; the third push is refused by a full ring, and by a thief that is slow to
//             vacate.
// Threads:    owner: push, push, push || thief: pop_tail, pop_tail
// Bound:      ring of 2: the third push needs the first one's slot.
// Would show: a push over an item that its taker has not read yet; a thief's late vacate over a
//             new item.
struct push_head_vs_pop_tail_wrapping : ring_client {
  push_head_vs_pop_tail_wrapping() : push_head_vs_pop_tail_wrapping(0) {}

  static model_info info() {
    return {.property = "a slot is filled again only after its thief has vacated it",
            .threads = 2,
            .bound = "ring of 2; push, push, push || 2 steals",
            .outcomes = {"refused 0, popped 0, stolen 1, left 2",
                         "refused 0, popped 0, stolen 2, left 1",
                         "refused 1, popped 0, stolen 0, left 2",
                         "refused 1, popped 0, stolen 1, left 1",
                         "refused 1, popped 0, stolen 2, left 0"},
            .no_other_outcomes = true};
  }

 protected:
  explicit push_head_vs_pop_tail_wrapping(std::uint32_t start)
      : ring_client({.length = 2, .owner = "+++", .steals = {2}, .start = start}) {}
};

// Property:   nothing changes where head and tail pass 2^32.
// Expected:   passes, with the outcomes of push_head_vs_pop_tail_wrapping.
// Threads:    owner: push, push, push || thief: pop_tail, pop_tail
// Bound:      ring of 2; the indices start at 2^32 - 1.
// Would show: a carry of the head into nowhere, or of the tail into the head.
struct index_wrap : push_head_vs_pop_tail_wrapping {
  index_wrap() : push_head_vs_pop_tail_wrapping(~std::uint32_t{0}) {}

  static model_info info() {
    model_info same = push_head_vs_pop_tail_wrapping::info();
    same.property = "nothing changes where head and tail pass 2^32";
    same.bound = "ring of 2 starting at 2^32 - 1; push, push, push || 2 steals";
    return same;
  }
};

// Property:   a full ring refuses a push until a thief has made room, and vacated it.
// Expected:   passes; the push succeeds, finds the ring full, or finds room that is not yet
//             vacated.
// Threads:    owner: push || thief: pop_tail
// Bound:      ring of 2, full; spurious failures included.
// Would show: a push over the item of a thief that has claimed it and not yet read it.
struct full_ring_vs_slow_thief : ring_client {
  full_ring_vs_slow_thief() : ring_client({.length = 2, .owner = "", .steals = {1}, .filled = 2}) {}

  static model_info info() {
    return {.property = "a full ring refuses a push until a thief has vacated a slot",
            .threads = 2,
            .bound = "ring of 2, full; push || 1 steal",
            .outcomes = {"pushed", "refused: full", "refused: a thief is slow to vacate"},
            .no_other_outcomes = true};
  }

  void thread(unsigned index) override {
    if (index != 0) return steal(index - 1);
    push(1);
    const bool has_room = tested().size() < tested().length();
    if (refused()) {
      outcome(has_room ? "refused: a thief is slow to vacate" : "refused: full");
    } else {
      outcome("pushed");
    }
  }

  void after() override { require_all_is_well(); }
};

// Property:   the owner pops what it pushed, unless thieves were faster.
// Expected:   passes; the owner loses both items, or one, or none.
// Threads:    owner: push, push, pop_head || thief: pop_tail, pop_tail
// Bound:      ring of 2.
// Would show: an item handed out twice; a pop_head that misses an item.
struct push_push_pop_vs_two_steals : ring_client {
  push_push_pop_vs_two_steals() : ring_client({.length = 2, .owner = "++-", .steals = {2}}) {}

  static model_info info() {
    return {.property = "the owner pops what it pushed, unless thieves were faster",
            .threads = 2,
            .bound = "ring of 2; push, push, pop || 2 steals",
            .outcomes = {"refused 0, popped 0, stolen 2, left 0",
                         "refused 0, popped 1, stolen 0, left 1",
                         "refused 0, popped 1, stolen 1, left 0"},
            .no_other_outcomes = true};
  }
};

// Property:   a thief that has read the ends, and finds them unchanged at its claim, takes the
//             item that is there now.
// Expected:   passes.
// Threads:    owner: push, push, pop_head, push || thief: pop_tail, pop_tail
// Bound:      ring of 2; a weak compare-and-swap fails for a reason only.
// Would show: an item taken without the acquire of the claim: the owner brings the ends back to
//             the same value with another item (ABA).
struct push_push_pop_push_vs_two_steals : ring_client {
  push_push_pop_push_vs_two_steals()
      : ring_client({.length = 2, .owner = "++-+", .steals = {2}, .spurious_failures = false}) {}

  static model_info info() {
    return {.property = "the ends coming back to an old value hide no item",
            .threads = 2,
            .bound = "ring of 2; push, push, pop, push || 2 steals; no spurious failures",
            .outcomes = {"refused 0, popped 0, stolen 2, left 1",
                         "refused 0, popped 1, stolen 0, left 2",
                         "refused 0, popped 1, stolen 1, left 1",
                         "refused 0, popped 1, stolen 2, left 0",
                         "refused 1, popped 0, stolen 2, left 0"},
            .no_other_outcomes = true};
  }
};

// Property:   as push_push_pop_push_vs_two_steals, in its smallest form.
// Expected:   passes; the thief takes the first item, the second, or none.
// Threads:    owner: push, pop_head, push || thief: pop_tail
// Bound:      ring of 2; spurious failures included.
// Would show: the same ABA.
struct push_pop_push_vs_one_steal : ring_client {
  push_pop_push_vs_one_steal() : ring_client({.length = 2, .owner = "+-+", .steals = {1}}) {}

  static model_info info() {
    return {.property = "the ends coming back to an old value hide no item, smallest form",
            .threads = 2,
            .bound = "ring of 2; push, pop, push || 1 steal",
            .outcomes = {"refused 0, popped 0, stolen 1, left 1",
                         "refused 0, popped 1, stolen 0, left 1",
                         "refused 0, popped 1, stolen 1, left 0"},
            .no_other_outcomes = true};
  }
};

// Property:   anyone's size() is between zero and the length: both ends are read at once.
// Expected:   passes; all three sizes are seen.
// Threads:    owner: push, push, pop_head || reader: size
// Bound:      ring of 2; the indices start at 2^32 - 1.
// Would show: a size made of a head and a tail of different times.
struct size_vs_push_and_pop : ring_client {
  size_vs_push_and_pop()
      : ring_client({.length = 2, .owner = "++-", .steals = {}, .start = ~std::uint32_t{0}}) {}

  static model_info info() {
    return {.property = "size is never beyond the length",
            .threads = 2,
            .bound = "ring of 2; push, push, pop || size",
            .outcomes = {"size 0", "size 1", "size 2"},
            .no_other_outcomes = true};
  }

  void thread(unsigned index) override {
    if (index == 0) {
      ring_client::thread(index);
    } else {
      outcome("size %u", tested().size());
    }
  }

  void after() override { require_all_is_well(); }
};

// Property:   two items pushed at once, and two taken at once, are each handed out once, in their
//             order; what finds no room is refused and stays with its owner.
// Expected:   passes; the thief takes one item, both, or none; the second push has room for two,
//             one, or none.
// Threads:    owner: push two, push two || thief: 2 steals of up to two
// Bound:      ring of 2, whose indices start at 2^32 - 1; no spurious failures.
// Would show: an item seen before it was written because another of the same push was; a slot that
//             is filled again because its neighbour was vacated.
struct push_two_vs_steal_two_wrapping : ring_client {
  push_two_vs_steal_two_wrapping()
      : ring_client({.length = 2,
                     .owner = "PP",
                     .steals = {2},
                     .at_once = 2,
                     .start = ~std::uint32_t{0},
                     .spurious_failures = false}) {}

  static model_info info() {
    return {.property = "items pushed at once and taken at once are each handed out once",
            .threads = 2,
            .bound = "ring of 2 starting at 2^32 - 1; push two, push two || 2 steals of up to two",
            .outcomes = {
                "refused 2, popped 0, stolen 0, left 2", "refused 2, popped 0, stolen 2, left 0",
                "refused 1, popped 0, stolen 2, left 1", "refused 0, popped 0, stolen 2, left 2",
                "refused 0, popped 0, stolen 4, left 0"}};
  }
};

// Property:   the owner takes two at once against a thief that does, and each item goes to one.
// Expected:   passes; either gets both, or each gets one, or the last is left.
// Threads:    owner: push two, push, pop two || thief: 1 steal of up to two
// Bound:      ring of 2; spurious failures included.
// Would show: two claims of several indices that overlap.
struct pop_two_vs_steal_two : ring_client {
  pop_two_vs_steal_two()
      : ring_client({.length = 2, .owner = "P+O", .steals = {1}, .at_once = 2}) {}

  static model_info info() {
    return {.property = "of two claims of several items each item goes to one",
            .threads = 2,
            .bound = "ring of 2; push two, push, pop two || 1 steal of up to two",
            .outcomes = {"refused 1, popped 2, stolen 0, left 0",
                         "refused 1, popped 0, stolen 2, left 0",
                         "refused 0, popped 1, stolen 2, left 0"}};
  }
};

// Property:   two thieves that take two at once never take the same item.
// Expected:   passes.
// Threads:    owner: push two || thief: 1 steal of up to two || thief: the same
// Bound:      ring of 2; no spurious failures.
// Would show: an item handed out twice.
struct steal_two_vs_steal_two : ring_client {
  steal_two_vs_steal_two()
      : ring_client({.length = 2,
                     .owner = "P",
                     .steals = {1, 1},
                     .at_once = 2,
                     .spurious_failures = false}) {}

  static model_info info() {
    return {.property = "two thieves that take two at once never take the same item",
            .threads = 3,
            .bound = "ring of 2; push two || 1 steal of up to two || 1 steal of up to two",
            .outcomes = {"refused 0, popped 0, stolen 0 and 0, left 2",
                         "refused 0, popped 0, stolen 0 and 2, left 0",
                         "refused 0, popped 0, stolen 2 and 0, left 0"},
            .no_other_outcomes = true};
  }
};

const registered<pop_head_vs_pop_tail_last_item, pop_tail_vs_pop_tail,
                 pop_tail_vs_pop_tail_last_item, push_head_vs_pop_tail_wrapping, index_wrap,
                 full_ring_vs_slow_thief, push_push_pop_vs_two_steals,
                 push_push_pop_push_vs_two_steals, push_pop_push_vs_one_steal, size_vs_push_and_pop,
                 push_two_vs_steal_two_wrapping, pop_two_vs_steal_two, steal_two_vs_steal_two>
    registration;

}  // namespace
}  // namespace poolproof::models

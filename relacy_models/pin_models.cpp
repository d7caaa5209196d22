// SPDX-License-Identifier: MIT
// The private part and the ownership: <poolproof/pin.hpp>, <poolproof/ownership.hpp>.
#include <poolproof/ownership.hpp>
#include <poolproof/pin.hpp>

#include "model.hpp"

namespace poolproof::models {
namespace {

// Two slots, of which a search asks whether the second was ever used.
struct two_slots : sync {
  struct limits : model_limits {
    static constexpr std::uint32_t private_items = 2;
  };
};
using private_slots = private_part<token, two_slots>;

// Property:   An item is with one thread at a time; who takes it sees what its giver did; none is
//             lost.
// Expected:   passes
// Threads:    give a, take || give b, take
// Bound:      2 gives, 2 takes, a private part of two slots
// Would show: a take or a give that is not one exchange; a displaced or taken item seen too early
struct give_and_take_vs_give_and_take : model {
  static model_info info() {
    return {.property = "an item of the private part is with one thread at a time",
            .threads = 2,
            .bound = "2 gives, 2 takes, 2 slots",
            .outcomes = {"took the other's item", "displaced an item", "found nothing"}};
  }

  void thread(unsigned index) override {
    items_[index].prepare();
    if (token* const displaced = part_.give(&items_[index])) {
      displaced->claim();
      outcome("displaced an item");
    }
    token* const taken = part_.take();
    if (taken == nullptr) {
      outcome("found nothing");
      return;
    }
    taken->claim();
    if (taken != &items_[index]) outcome("took the other's item");
  }

  void after() override {
    while (token* const left = part_.steal()) left->claim();
    for (const token& item : items_) require(!item.given(), "an item was lost");
  }

  private_slots part_;
  token items_[2];
};

// Property:   As above, with a thief from another CPU.
// Expected:   passes
// Threads:    give a, give b || take || steal
// Bound:      2 gives, 2 takes, a private part of two slots
// Would show: two takers of one item
struct give_vs_take_vs_steal : model {
  static model_info info() {
    return {.property = "an item goes to one of two takers",
            .threads = 3,
            .bound = "2 gives, 2 takes, 2 slots",
            .outcomes = {"taken", "stolen", "lost the race"}};
  }

  void thread(unsigned index) override {
    switch (index) {
      case 0:
        for (token& item : items_) {
          item.prepare();
          if (token* const displaced = part_.give(&item)) displaced->claim();
        }
        return;
      case 1:
        receive(part_.take(), "taken");
        return;
      default:
        receive(part_.steal(), "stolen");
        return;
    }
  }

  void after() override {
    while (token* const left = part_.steal()) left->claim();
    for (const token& item : items_) require(!item.given(), "an item was lost");
  }

  static void receive(token* item, const char* how) {
    if (item == nullptr) {
      outcome("lost the race");
      return;
    }
    item->claim();
    outcome("%s", how);
  }

  private_slots part_;
  token items_[2];
};

// Property:   One thread owns at a time, and finds what the last owner left.
// Expected:   passes
// Threads:    try_own, change, release (twice) || the same once || the same once
// Bound:      4 attempts
// Would show: an ownership that two have, or that hands over without order
struct owner_vs_owner : model {
  static model_info info() {
    return {.property = "one owner at a time, who finds what the last one left",
            .threads = 3,
            .bound = "4 attempts",
            .outcomes = {"owned", "busy"}};
  }

  void thread(unsigned index) override {
    attempt();
    if (index == 0) attempt();
  }

  void after() override { require(owned_.try_own(), "the ownership was not given back"); }

  void attempt() {
    if (!owned_.try_own()) {
      outcome("busy");
      return;
    }
    outcome("owned");
    guarded_.set(guarded_.get() + 1);
    owned_.release();
  }

  ownership<sync> owned_;
  sync::var<std::uint32_t> guarded_;
};

const registered<give_and_take_vs_give_and_take, give_vs_take_vs_steal, owner_vs_owner>
    registration;

}  // namespace
}  // namespace poolproof::models

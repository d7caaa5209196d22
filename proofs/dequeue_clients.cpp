// SPDX-License-Identifier: MIT
#include "dequeue_clients.hpp"

#include <poolproof/pool_dequeue.hpp>

#include "checked_sync.hpp"

#include <array>
#include <cstdint>
#include <limits>
#include <utility>

namespace poolproof::proofs {
namespace {

using sync = models::checked_sync;

constexpr std::size_t most_calls = 16;

// What is handed from thread to thread. Its user writes to it before it gives it away, and when it
// gets it: plain accesses, so that a hand-over without happens-before is a race, and a hand-out to
// two at once as well.
struct item {
  checker::var<unsigned> content{0};
  checker::moment pushed;
  checker::moment taken;
  bool in_ring = false;
};

// A ring of two slots, whose indices wrap after the first push.
//
// Checked in every execution:
//   - An item is handed out once, and after all that its producer did before the push.
//   - What was pushed and not taken is found in the ring at the end; nothing is lost.
//   - The owner pops the newest of its items, a thief's items come oldest first.
//   - A call finds nothing only if the ring was empty at some moment of it. So it must not be that
//     an item's push happens before the call, and the call happens before what takes the item.
//   - A push is refused only if the ring may look full, or its slot may not be vacated yet: what is
//     in the way was not taken, or its taker's return does not happen before the push.
//   - The emptied ring takes exactly its length again.
class ring_client final : public checker::program {
 public:
  explicit ring_client(const client& played) : scripts_(played.threads) {}

  unsigned threads() const override { return static_cast<unsigned>(scripts_.size()); }

  void start() override {
    shared_ = ::new (checker::allocate(sizeof(shared), alignof(shared))) shared;
  }

  void thread(unsigned index) override {
    for (const char call : scripts_[index]) {
      switch (call) {
        case '+':
          push(1);
          break;
        case 'P':
          push(2);
          break;
        case '-':
          pop(1);
          break;
        case 'O':
          pop(2);
          break;
        case 's':
          steal(index, 1);
          break;
        default:
          steal(index, 2);
          break;
      }
    }
  }

  void finish() override {
    while (item* const found = shared_->ring.pop_tail()) take(found);
    for (unsigned i = 0; i != shared_->pushed; ++i) {
      checker::require(!shared_->items[i].in_ring, "an item was lost");
    }
    for (unsigned i = 0; i != length; ++i) {
      checker::require(shared_->ring.push_head(&shared_->items[i]), "the empty ring takes an item");
    }
    checker::require(!shared_->ring.push_head(&shared_->items[0]), "the full ring takes no item");
    shared_->~shared();
    checker::deallocate(shared_);
  }

 private:
  static constexpr std::uint32_t length = 2;
  static constexpr unsigned at_once = 2;

  // A call that found nothing, and the items that were pushed before it began.
  struct miss {
    std::uint32_t there = 0;  // bits
    checker::moment ended;
  };

  struct shared {
    std::array<sync::atomic<item*>, length> slots;
    pool_dequeue<item, sync> ring{slots.data(), length, std::numeric_limits<std::uint32_t>::max()};
    std::array<item, most_calls> items;
    std::array<miss, most_calls> misses;
    unsigned pushed = 0;   // the owner's
    unsigned refused = 0;  // the owner's
    unsigned missed = 0;
    std::array<item*, most_calls> own;  // what the owner pushed and has not popped
    unsigned height = 0;
    unsigned head = 0;
    std::array<const item*, length> last_in_slot{};
    std::array<const item*, 3> oldest{};  // that a thief may still get
  };

  void push(unsigned count) {
    std::array<item*, at_once> next;
    for (unsigned i = 0; i != count; ++i) {
      next[i] = &shared_->items[shared_->pushed + i];
      next[i]->content.set(next[i]->content.get() + 1);
      next[i]->in_ring = true;
    }
    const unsigned room = certain_room(count);
    const unsigned pushed = shared_->ring.push_head(next.data(), count);
    checker::require(pushed >= room, "a push was refused although there was room");
    for (unsigned i = pushed; i != count; ++i) next[i]->in_ring = false;
    for (unsigned i = 0; i != pushed; ++i) {
      next[i]->pushed = checker::mark();
      ++shared_->pushed;
      shared_->own[shared_->height++] = next[i];
      shared_->last_in_slot[shared_->head++ % length] = next[i];
    }
  }

  // How many items a push of `wanted` must take: the slots from the head on that nothing can be in.
  unsigned certain_room(unsigned wanted) {
    unsigned count = 0;
    for (unsigned i = 0; i != shared_->pushed; ++i)
      count += may_be_there(shared_->items[i]) ? 1 : 0;
    unsigned room = 0;
    while (room != wanted && count + room < length && surely_vacated(shared_->head + room)) ++room;
    return room;
  }

  bool surely_vacated(unsigned index) {
    const item* const last = shared_->last_in_slot[index % length];
    return last == nullptr || !may_be_there(*last);
  }

  static bool may_be_there(const item& each) {
    return each.in_ring || !checker::happened_before(each.taken);
  }

  void pop(unsigned most) {
    const std::uint32_t there = known_items();
    std::array<item*, at_once> found;
    const unsigned count = shared_->ring.pop_head(found.data(), most);
    if (count == 0) return note_miss(there);
    for (unsigned i = 0; i != count; ++i) take_newest(found[i]);
  }

  void take_newest(item* found) {
    take(found);
    while (shared_->height != 0 && shared_->own[shared_->height - 1] != found) {
      --shared_->height;
      checker::require(!shared_->own[shared_->height]->in_ring, "the owner pops its newest item");
    }
    checker::require(shared_->height != 0, "the owner pops what it has pushed");
    --shared_->height;
    --shared_->head;
  }

  void steal(unsigned thief, unsigned most) {
    const std::uint32_t there = known_items();
    std::array<item*, at_once> found;
    const unsigned count = shared_->ring.pop_tail(found.data(), most);
    if (count == 0) return note_miss(there);
    for (unsigned i = 0; i != count; ++i) {
      take(found[i]);
      checker::require(shared_->oldest[thief] <= found[i], "a thief's items come oldest first");
      shared_->oldest[thief] = found[i] + 1;
    }
  }

  // The items whose push happens before now, and whose taking does not: as bits.
  std::uint32_t known_items() {
    std::uint32_t there = 0;
    for (unsigned i = 0; i != shared_->pushed; ++i) {
      if (checker::happened_before(shared_->items[i].pushed)) there |= 1u << i;
    }
    return there;
  }

  void note_miss(std::uint32_t there) {
    shared_->misses[shared_->missed++] = {there, checker::mark()};
  }

  void take(item* found) {
    checker::require(found != nullptr, "an empty slot was handed out");
    const auto number = static_cast<unsigned>(found - shared_->items.data());
    found->content.set(found->content.get() + 1);
    checker::require(found->in_ring, "an item was handed out twice");
    found->in_ring = false;
    found->taken = checker::mark();
    for (unsigned i = 0; i != shared_->missed; ++i) {
      const miss& earlier = shared_->misses[i];
      checker::require(
          (earlier.there >> number & 1) == 0 || !checker::happened_before(earlier.ended),
          "a call found nothing although an item was in the ring all the time");
    }
  }

  const std::vector<script> scripts_;
  shared* shared_ = nullptr;
};

// All clients with so many calls: an owner and up to two thieves, of whom the first makes no fewer
// calls than the second; thieves that could change places once.
std::vector<client> clients_of(std::string_view owner_calls, std::string_view thief_calls,
                               std::size_t calls) {
  std::vector<client> all;
  for (std::size_t owned = 1; owned <= calls; ++owned) {
    for (std::size_t second = 0; 2 * second <= calls - owned; ++second) {
      const std::size_t first = calls - owned - second;
      for (const script& owner : scripts_of(owner_calls, owned)) {
        for (const script& one : scripts_of(thief_calls, first)) {
          for (const script& other : scripts_of(thief_calls, second)) {
            if (first == second && one < other) continue;
            client added{{owner}};
            if (first != 0) added.threads.push_back(one);
            if (second != 0) added.threads.push_back(other);
            all.push_back(std::move(added));
          }
        }
      }
    }
  }
  return all;
}

std::vector<client> single_calls(std::size_t calls) { return clients_of("+-", "s", calls); }

// Those with calls that move up to two items at once, of which there is one at least.
std::vector<client> calls_of_two(std::size_t calls) {
  std::vector<client> all = clients_of("+-PO", "sS", calls);
  std::erase_if(all, [](const client& each) {
    return each.name().find_first_of("POS") == std::string::npos;
  });
  return all;
}

family family_of(std::string_view name, std::vector<letter> letters, std::size_t calls,
                 std::vector<client> (*of_size)(std::size_t calls)) {
  return {name,
          std::move(letters),
          "handed out once, after what came before the push; nothing lost; newest first for the "
          "owner, oldest first for a thief; nothing found only if empty at some moment",
          "ring of 2, indices that wrap, owner and up to 2 thieves",
          1,
          3,
          calls,
          false,
          [of_size](std::size_t size, const std::string& of) {
            std::vector<client> all = of_size(size);
            if (!of.empty()) {
              std::erase_if(all, [&](const client& each) { return !consists_of(each, of); });
            }
            return all;
          },
          [](const client& played) -> std::unique_ptr<checker::program> {
            return std::make_unique<ring_client>(played);
          },
          [](const client&) { return ""; },
          [](std::size_t thread) { return thread == 0 ? 0u : 1u; }};
}

}  // namespace

family dequeue_clients() {
  return family_of("pool_dequeue",
                   {{'+', "push_head", letter::of::first_thread},
                    {'-', "pop_head", letter::of::first_thread},
                    {'s', "pop_tail", letter::of::other_threads}},
                   most_calls, single_calls);
}

family dequeue_batch_clients() {
  return family_of("pool_dequeue_batches",
                   {{'+', "push_head", letter::of::first_thread},
                    {'-', "pop_head", letter::of::first_thread},
                    {'s', "pop_tail", letter::of::other_threads},
                    {'P', "push_head of two", letter::of::first_thread},
                    {'O', "pop_head of two", letter::of::first_thread},
                    {'S', "pop_tail of two", letter::of::other_threads}},
                   most_calls / 2, calls_of_two);
}

}  // namespace poolproof::proofs

#include "pool_clients.hpp"

#include <poolproof/object_pool.hpp>

#include "checked_sync.hpp"

#include <array>
#include <bit>
#include <cstdint>
#include <memory>
#include <optional>
#include <utility>

namespace poolproof::proofs {
namespace {

using sync = models::checked_sync;

constexpr std::size_t most_calls = 8;
constexpr std::size_t most_threads = 4;

// What is pooled. Its user writes to it before it gives it away, when it gets it, and when it
// destroys it: plain accesses, so that a hand-over without happens-before is a race.
struct item {
  checker::var<unsigned> content{0};
  checker::moment put;
  bool pooled = false;
  bool destroyed = false;

  void use() { content.set(content.get() + 1); }
};

struct bury {
  void operator()(item* dead) const noexcept {
    dead->use();
    checker::require(!dead->destroyed, "an item was destroyed twice");
    dead->destroyed = true;
    dead->pooled = false;
  }
};

using pool = object_pool<item, bury, sync>;

// Checked in every execution:
//   - An item is handed out once, after all that its giver did before the put, and never after its
//     destruction.
//   - Each item is destroyed once; without a cycle, not before the pool's end.
//   - An item whose put happens before two cycles of one thread, of which nobody else's call is
//     concurrent, is gone when the second returns.
//   - On one CPU and with no cycle, a get misses only if the pool was empty at some moment of it.
//     So it must not be that an item's put happens before the get, and the get before what takes
//     it.
class pool_client final : public checker::program {
 public:
  pool_client(const client& played, unsigned cpus) : scripts_(played.threads), cpus_(cpus) {
    for (const script& each : scripts_) {
      rotates_ = rotates_ || each.find('r') != script::npos;
    }
  }

  unsigned threads() const override { return static_cast<unsigned>(scripts_.size()); }

  void start() override {
    models::this_machine = {};
    models::this_machine.cpu_count = 1;
    for (unsigned t = 0; t != scripts_.size(); ++t) {
      models::this_machine.cpu_of_thread[t] = t % cpus_;
    }
    models::process_states::construct_all();
    shared_ = ::new (checker::allocate(sizeof(shared), alignof(shared))) shared;
  }

  void thread(unsigned index) override {
    for (const char call : scripts_[index]) {
      switch (call) {
        case 'p':
          put(index);
          break;
        case 'g':
          get(index);
          break;
        default:
          shared_->tested->rotate();
          break;
      }
    }
  }

  void finish() override {
    require_two_cycles();
    for (unsigned i = 0; i != shared_->misses; ++i) require_explained(shared_->missed[i]);
    for (item& each : shared_->items) {
      checker::require(rotates_ || !each.destroyed, "an item was destroyed without a cycle");
    }
    for (auto& kept : shared_->kept) {
      for (pool::item& each : kept) each.reset();
    }
    shared_->tested.reset();
    for (unsigned t = 0; t != scripts_.size(); ++t) {
      for (unsigned i = 0; i != shared_->made[t]; ++i) {
        checker::require(item_of(t, i).destroyed, "an item was lost");
      }
    }
    shared_->~shared();
    checker::deallocate(shared_);
    models::process_states::destroy_all();
  }

 private:
  // A get that found nothing: the items that were there when it began, as bits.
  struct miss {
    std::uint32_t there = 0;
    checker::moment ended;
    // Of the items: whose put ended before it, and whose put began after it.
    std::uint32_t puts_before = 0;
    std::uint32_t puts_after = 0;
  };

  struct shared {
    std::optional<pool> tested{std::in_place, [] { return pool::item(); },
                               pool_options{.cycle_interval = std::nullopt}};
    std::array<item, most_threads * most_calls> items;
    std::array<std::array<pool::item, most_calls>, most_threads> kept;
    std::array<unsigned, most_threads> made{};
    std::array<unsigned, most_threads> got{};
    std::array<miss, most_calls> missed;
    unsigned misses = 0;
  };

  item& item_of(unsigned thread, unsigned number) {
    return shared_->items[thread * most_calls + number];
  }

  void put(unsigned thread) {
    item& given = item_of(thread, shared_->made[thread]++);
    given.use();
    given.pooled = true;
    for (unsigned i = 0; i != shared_->misses; ++i) {
      miss& earlier = shared_->missed[i];
      if (checker::happened_before(earlier.ended)) earlier.puts_after |= bit_of(given);
    }
    shared_->tested->put(pool::item(&given));
    given.put = checker::mark();
  }

  std::uint32_t bit_of(const item& which) const {
    return std::uint32_t{1} << (&which - shared_->items.data());
  }

  void get(unsigned thread) {
    miss begun = begin_get();
    pool::item found = shared_->tested->get();
    if (found == nullptr) {
      begun.ended = checker::mark();
      for (const item& each : shared_->items) {
        if (!each.pooled) begun.there &= ~bit_of(each);
      }
      shared_->missed[shared_->misses++] = begun;
      return;
    }
    found->use();
    checker::require(found->pooled, "an item was handed out twice, or after its destruction");
    found->pooled = false;
    explain_misses_by(*found);
    shared_->kept[thread][shared_->got[thread]++] = std::move(found);
  }

  miss begin_get() const {
    miss begun;
    for (const item& each : shared_->items) {
      if (each.put.position == 0 || !checker::happened_before(each.put)) continue;
      begun.puts_before |= bit_of(each);
      if (each.pooled) begun.there |= bit_of(each);
    }
    return begun;
  }

  bool every_miss_counts() const noexcept { return cpus_ == 1 && !rotates_; }

  // An item that is taken before, or concurrently with, the end of a get was not there all the
  // time.
  void explain_misses_by(const item& taken) {
    for (unsigned i = 0; i != shared_->misses; ++i) {
      miss& earlier = shared_->missed[i];
      if (!checker::happened_before(earlier.ended)) earlier.there &= ~bit_of(taken);
    }
  }

  void require_explained(const miss& each) const {
    if (!every_miss_counts()) return;
    std::uint32_t puts = 0;
    for (const item& put : shared_->items) puts |= put.put.position != 0 ? bit_of(put) : 0;
    const std::uint32_t concurrent = puts & ~each.puts_before & ~each.puts_after;
    checker::require(std::popcount(each.there) <= std::popcount(concurrent),
                     "a get missed although an item was there all the time");
  }

  // A client of one thread has no concurrent calls.
  void require_two_cycles() {
    if (scripts_.size() != 1) return;
    const std::size_t last = scripts_[0].rfind('r');
    if (last == script::npos || last == 0) return;
    const std::size_t before = scripts_[0].rfind('r', last - 1);
    if (before == script::npos) return;
    unsigned number = 0;
    for (std::size_t i = 0; i != before; ++i) {
      if (scripts_[0][i] != 'p') continue;
      checker::require(!item_of(0, number++).pooled, "an item outlived two cycles");
    }
  }

  const std::vector<script> scripts_;
  const unsigned cpus_;
  bool rotates_ = false;
  shared* shared_ = nullptr;
};

// A thread is on CPU `index % cpus`: threads whose numbers differ by a multiple of that are alike,
// and only one order of their scripts is needed.
bool in_order(const client& begun, unsigned cpus) {
  const std::size_t last = begun.threads.size() - 1;
  return last < cpus || begun.threads[last - cpus] <= begun.threads[last];
}

// All clients that begin so, with `calls` further calls: up to `most` threads, none of which does
// nothing. A client that never gets shows nothing, but that nothing is lost.
void add_clients(const client& begun, std::size_t calls, std::size_t most, unsigned cpus,
                 std::vector<client>& all) {
  if (calls == 0) all.push_back(begun);
  if (begun.threads.size() == most) return;
  for (std::size_t length = 1; length <= calls; ++length) {
    for (const script& next : scripts_of("pgr", length)) {
      client longer = begun;
      longer.threads.push_back(next);
      if (in_order(longer, cpus)) add_clients(longer, calls - length, most, cpus, all);
    }
  }
}

std::vector<client> clients_of(std::size_t calls, std::size_t most, unsigned cpus) {
  std::vector<client> all;
  add_clients({}, calls, most, cpus, all);
  return all;
}

const std::vector<letter> letters{{'p', "put"}, {'g', "get"}, {'r', "rotate"}};
constexpr std::string_view property =
    "handed out once, after what came before the put; destroyed once, and only by a cycle or the "
    "pool's end; gone after two cycles; one CPU: a miss only if empty";

family clients_on(unsigned cpus, std::string_view name, std::string_view bound,
                  std::size_t least_threads, std::size_t threads,
                  std::vector<client> (*of_size)(std::size_t)) {
  return {name,
          letters,
          property,
          bound,
          least_threads,
          threads,
          most_calls,
          of_size,
          [cpus](const client& played) -> std::unique_ptr<checker::program> {
            return std::make_unique<pool_client>(played, cpus);
          }};
}

}  // namespace

family one_cpu_clients() {
  return clients_on(1, "object_pool_one_cpu", "1 CPU, first use inside, up to 3 threads", 1, 3,
                    [](std::size_t calls) { return clients_of(calls, 3, 1); });
}

family two_cpu_clients() {
  return clients_on(2, "object_pool_two_cpus",
                    "2 CPUs, first use and growth inside, up to 3 threads", 1, 3,
                    [](std::size_t calls) { return clients_of(calls, 3, 2); });
}

// Two owners, a thief and a thread that rotates are among them: p|p|g|r.
family four_thread_clients() {
  return clients_on(2, "object_pool_four_threads", "2 CPUs, first use and growth inside, 4 threads",
                    4, 4, [](std::size_t calls) {
                      std::vector<client> all = clients_of(calls, 4, 2);
                      std::erase_if(all, [](const client& c) { return c.threads.size() != 4; });
                      return all;
                    });
}

}  // namespace poolproof::proofs

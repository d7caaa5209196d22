// SPDX-License-Identifier: MIT
// Every public call of an object_pool, and every option and hook, of a poolproof::pool. Compiled
// with POOLPROOF_CHECKED and without, it does the same. That no call is left out, and that a
// checked_pool has all of them, is seen by scripts/tests/test_checked_pool.py.
#include <poolproof/borrow_shared.hpp>
#include <poolproof/buffer_pool.hpp>
#include <poolproof/checked_pool.hpp>
#include <poolproof/immortal.hpp>

#include <array>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <iterator>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace {

using poolproof::drop_cause;
using poolproof::pool_options;

void require(bool holds, const char* what) {
  std::printf("%s: %s\n", holds ? "ok" : "FAILED", what);
  if (!holds) std::exit(EXIT_FAILURE);
}

struct text {
  std::string characters;
  bool is_broken = false;
};
using text_pool = poolproof::pool<text>;
using item = text_pool::item;
using handle = text_pool::handle;

constexpr auto make = [] { return std::make_unique<text>(); };
constexpr std::size_t size_of_text = 100;
constexpr auto clear = [](text& used) {
  used.characters.clear();
  return !used.is_broken;
};
constexpr auto size = [](const text& used) { return size_of_text + used.characters.size(); };

constinit text_pool default_pool;
constinit text_pool static_pool(make, {.cycle_interval = std::nullopt, .max_retained = 10},
                                {.reset = clear, .size_of = size});
constinit poolproof::immortal<text_pool> immortal_pool{make};
constinit poolproof::buffer_pool buffers;

pool_options without_cycles() { return {.cycle_interval = std::nullopt, .name = "texts"}; }

void items_come_and_go() {
  text_pool pool(make, without_cycles());
  require(pool.stats().constructions == 0, "a pool is unused before its first use");
  pool.rotate();
  require(pool.try_get() == nullptr, "an empty pool has none");
  require(pool.try_get_near() == nullptr, "nor near");
  item first = pool.get();
  text* const address = first.get();
  pool.put(std::move(first));
  pool.put(nullptr);
  require(pool.stats().retained == 1, "what is put stays");
  first = pool.try_get();
  require(first.get() == address, "what was put is found");
  pool.put(std::move(first));
  first = pool.try_get_near();
  if (first == nullptr) first = pool.get();  // the thread has been moved to another CPU
  require(first.get() == address, "what is near is found");
  pool.put(std::move(first));
  pool.rotate();
  pool.rotate();
  require(pool.stats().retained == 0, "two cycles empty a pool");
  require(pool.stats().constructions == 1, "one item was made");
  require(pool.stats().cycle_destroyed == 1, "a cycle has destroyed it");
}

void several_come_and_go() {
  text_pool pool(make, without_cycles());
  pool.reserve(20);
  require(pool.stats().constructions == 20, "as many as asked for are made");
  std::vector<item> taken;
  pool.get_n(30, std::back_inserter(taken));
  require(taken.size() == 30, "several are got at once");
  require(pool.stats().constructions == 30, "what is missing is made");
  taken[7] = nullptr;
  pool.put_range(taken.begin(), taken.end());
  require(pool.stats().retained == 29, "several are put at once");

  std::array<item, 40> more;
  item* const end = pool.get_n(more.size(), more.data());
  require(end == more.data() + more.size(), "an iterator comes back");
  pool.put_range(std::make_move_iterator(more.begin()), std::make_move_iterator(more.end()));
  require(pool.stats().retained == 40, "also from a range that moves");
}

// Keeps two items and no more.
struct taker {
  using difference_type = std::ptrdiff_t;
  std::vector<item>* into;
  taker& operator*() { return *this; }
  taker& operator++() { return *this; }
  taker& operator++(int) { return *this; }
  taker& operator=(item given) {
    if (into->size() == 2) throw std::runtime_error("full");
    into->push_back(std::move(given));
    return *this;
  }
};

void iterators_may_throw() {
  text_pool pool(make, without_cycles());
  pool.reserve(20);
  std::vector<item> taken;
  bool thrown = false;
  try {
    pool.get_n(20, taker{&taken});
  } catch (const std::runtime_error&) {
    thrown = true;
  }
  require(thrown && taken.size() == 2, "what an iterator throws passes through");
  require(pool.stats().retained == 17, "what it has not got stays in the pool");
}

void handles_lend() {
  text_pool pool(make, without_cycles());
  handle empty;
  require(!empty && empty.get() == nullptr, "a handle may be empty");
  {
    handle lent = pool.borrow();
    require(static_cast<bool>(lent), "a handle has an item");
    lent->characters = "lent";
    (*lent).characters += '.';
    require(lent.get()->characters == "lent.", "it leads to it");
    require(pool.stats().in_use == 1, "it is counted");
    handle moved = std::move(lent);
    empty = std::move(moved);
    require(empty->characters == "lent.", "it is moved");
  }
  empty = {};
  require(pool.stats().retained == 1 && pool.stats().in_use == 0, "it gives back");
  {
    const std::shared_ptr<text> shared = poolproof::borrow_shared(pool);
    require(pool.stats().in_use == 1, "an item is lent to several");
  }
  handle kept = pool.borrow();
  const item detached = kept.detach();
  require(detached != nullptr && !kept, "an item is taken out of its handle");
  require(pool.stats().in_use == 0 && pool.stats().retained == 0, "and of the pool");
  require(pool.stats().peak_in_use == 1, "never more than one was out");
}

void hooks_and_bounds() {
  std::array<int, 6> dropped{};
  int resets = 0;
  const auto was = [&](drop_cause why) { return dropped[static_cast<std::size_t>(why)]; };
  {
    text_pool pool(make,
                   {.cycle_interval = std::nullopt,
                    .name = "bounded texts",
                    .max_retained = 4,
                    .max_bytes = 3 * size_of_text,
                    .min_idle = 1},
                   {.reset =
                        [&](text& used) {
                          ++resets;
                          if (used.characters == "bad") throw std::runtime_error("bad");
                          return clear(used);
                        },
                    .size_of = size,
                    .on_drop =
                        [&](text& gone, drop_cause why) {
                          gone.characters = "gone";
                          ++dropped[static_cast<std::size_t>(why)];
                        }});
    for (int i = 0; i < 5; ++i) {
      item made = make();
      made->characters = "used";
      pool.put(std::move(made));
    }
    require(pool.stats().retained == 3 && was(drop_cause::bound) == 2, "bytes are bounded");
    require(pool.stats().bytes == 3 * size_of_text, "they are counted");
    require(resets == 5, "what comes back is reset");
    {
      const handle lent = pool.borrow();
      require(lent->characters.empty(), "it is handed out as reset has left it");
      require(pool.stats().bytes == 2 * size_of_text, "what is out is not counted");
      lent->is_broken = true;
    }
    require(was(drop_cause::reset) == 1, "what reset refuses from a handle is dropped");
    item made = pool.get();
    made->characters = "bad";
    pool.put(std::move(made));
    require(was(drop_cause::reset) == 2, "so is what it throws at");
    require(pool.stats().reset_dropped == 2, "that is counted");
    pool.reserve(10);
    require(pool.stats().retained == 3, "a new item does not go beyond a bound");
    require(was(drop_cause::bound) == 2, "and is not told of");
    require(resets == 7, "nor reset");
    pool.rotate();
    pool.rotate();
    require(pool.stats().retained == 1 && was(drop_cause::cycle) == 2, "a cycle leaves one");
  }
  require(was(drop_cause::end) == 1, "the end of a pool is told of");
}

void options_without_sense_are_refused() {
  const auto is_refused = [](auto make_pool) {
    try {
      make_pool();
    } catch (const std::invalid_argument&) {
      return true;
    }
    return false;
  };
  require(is_refused([] { const text_pool pool(make, {.max_bytes = 1}); }),
          "a bound without the hook that it needs is refused");
  require(is_refused([] { const text_pool pool(make, {.max_retained = 1, .min_idle = 2}); }),
          "more to keep than there may be is refused");
}

void static_pools_are_of_use() {
  default_pool.put(default_pool.get());
  require(default_pool.stats().retained == 1, "a pool that makes its own items");
  static_pool.put(static_pool.get());
  require(static_pool.stats().bytes == size_of_text, "a static pool with hooks");
  (*immortal_pool).put(immortal_pool->get());
  require(immortal_pool->stats().retained == 1, "a pool that never ends");
  std::byte* bytes = nullptr;
  {
    const auto buffer = buffers.get(1000);
    bytes = buffer.data();
  }
  require(buffers.get(1000).data() == bytes, "a buffer comes back");
  bool is_listed = false;
  poolproof::for_each_pool(
      [&](std::string_view, const poolproof::pool_stats& stats) { is_listed |= stats.bytes != 0; });
  require(is_listed, "pools are listed");
  poolproof::rotate_all();
  poolproof::rotate_all();
  require(static_pool.stats().retained == 0, "all are emptied");
}

}  // namespace

int main() {
  items_come_and_go();
  several_come_and_go();
  iterators_may_throw();
  handles_lend();
  hooks_and_bounds();
  options_without_sense_are_refused();
  static_pools_are_of_use();
}

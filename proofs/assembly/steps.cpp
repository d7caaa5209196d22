// SPDX-License-Identifier: MIT
// Runs magazine_steps, the ones of the shipped header, over every class of magazine, and prints
// what they read, stored and returned. compare.py compares with it what the assembly does.
//
//   magazine  <capacity> <state> <words of memory, the magazine's>
//   run       <operation> <capacity> <state> <cpu> <reach> <wanted> <result> <step>...
//
// Wanted is how many items are to be taken or given. The result is what is returned, with the items
// at the caller's place for several, if any: words, separated by commas.
//
// A step is an atomic operation: <r or w>:<place>:<offset>:<bytes>:<order>:<line of the
// header>:<value> where the place is a shard's index, or near for the near_shards.
#include <poolproof/magazine_steps.hpp>
#include <poolproof/shard_table.hpp>

#include <array>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <new>
#include <string>
#include <utility>
#include <vector>

namespace {

using namespace poolproof;

// ---- The policy --------------------------------------------------------------------------------

struct access {
  bool stores;
  const void* at;
  std::size_t bytes;
  std::memory_order order;
  std::uint32_t line;
  std::uint64_t value;
};

std::vector<access> accesses;

template <std::uint32_t Capacity>
struct never_interrupted : no_sections {
  static constexpr bool compiled = true;
  static constexpr std::uint32_t magazine_capacity = Capacity;

  static bool usable() noexcept { return true; }
  static bool runs() noexcept { return true; }
  [[nodiscard]] static bool restart_all() noexcept { return true; }
};

// An atomic of which each operation is recorded with its line in the headers.
template <std::uint32_t Capacity>
struct recorded : std_sync {
  using sections = never_interrupted<Capacity>;
  static constexpr bool zeros_are_objects = false;

  template <class T>
  class atomic {
   public:
    constexpr atomic() noexcept = default;
    constexpr atomic(T value) noexcept : value_(value) {}

    T load(std::memory_order order, std::uint32_t line = __builtin_LINE()) const noexcept {
      return record(false, order, line);
    }
    void store(T value, std::memory_order order, std::uint32_t line = __builtin_LINE()) noexcept {
      value_ = value;
      record(true, order, line);
    }
    bool compare_exchange_strong(T& expected, T desired, std::memory_order,
                                 std::memory_order) noexcept {
      if (value_ == expected) return value_ = desired, true;
      expected = value_;
      return false;
    }
    bool compare_exchange_weak(T& expected, T desired, std::memory_order success,
                               std::memory_order failure) noexcept {
      return compare_exchange_strong(expected, desired, success, failure);
    }
    // No section has them.
    T exchange(T, std::memory_order) noexcept;
    T fetch_add(T, std::memory_order) noexcept;
    T fetch_sub(T, std::memory_order) noexcept;
    T fetch_or(T, std::memory_order) noexcept;

   private:
    T record(bool stores, std::memory_order order, std::uint32_t line) const noexcept {
      std::uint64_t value = 0;
      std::memcpy(&value, &value_, sizeof value_);
      accesses.push_back({stores, this, sizeof value_, order, line, value});
      return value_;
    }

    T value_{};
  };
};

// ---- The machine -------------------------------------------------------------------------------

struct plain_section {
  std::uint32_t cpu() const { return on; }
  template <class Operation>
  void commit(Operation operation) {
    operation();
  }

  std::uint32_t on;
};

// Nothing but a magazine, as far apart as shards are.
template <std::uint32_t Capacity>
struct alignas(1 << magazine_layout::log_shard) only_magazine {
  using magazine_type = magazine<int, recorded<Capacity>>;
  static_assert(magazine_type::has_layout());

  magazine_type& own_magazine() noexcept { return held; }

  magazine_type held;
};

template <std::uint32_t Capacity>
class shown_shards : public near_shards<int, recorded<Capacity>> {
 public:
  using magazine_type = typename only_magazine<Capacity>::magazine_type;

  void show_these(only_magazine<Capacity>* first, std::uint32_t reach) {
    this->show(reinterpret_cast<shard<int, recorded<Capacity>>*>(first), reach);
  }
  only_magazine<Capacity>* first() const noexcept {
    return reinterpret_cast<only_magazine<Capacity>*>(
        near_shards<int, recorded<Capacity>>::first());
  }
};

// ---- The classes of magazines ------------------------------------------------------------------

// Of which the word's parts are, but for the count.
struct kind {
  std::uint8_t operations;
  std::int64_t handles;
  std::uint32_t pace;  // 0: none, as before the first use
};

constexpr std::int64_t most_handles = (std::int64_t{1} << 47) - 1;
constexpr std::array few_kinds{kind{0, 0, 1}, kind{255, -1, 1}, kind{127, 1, 128},
                               kind{128, -most_handles - 1, 128}};

std::vector<kind> all_kinds() {
  std::vector<kind> kinds;
  for (const std::uint8_t operations : std::array<std::uint8_t, 6>{0, 1, 127, 128, 254, 255}) {
    for (const std::int64_t handles :
         {-most_handles - 1, std::int64_t{-1}, std::int64_t{0}, std::int64_t{1}, most_handles}) {
      for (const std::uint32_t pace : {0U, 1U, 128U, 255U}) {
        kinds.push_back({operations, handles, pace});
      }
    }
  }
  return kinds;
}

// Opened so deep; or closed after that.
enum class ending : std::uint8_t { open, closed, closed_for_good };

int things[8];
// What is given, as many as are wanted: at most as many as a magazine here holds.
constexpr std::uint32_t most_wanted = 3;
int* const given[most_wanted] = {&things[7], &things[6], &things[5]};

template <std::uint32_t Capacity>
class classes {
 public:
  void print() {
    for (std::uint32_t count = 0; count <= Capacity; ++count) {
      for (std::uint32_t depth = 0; depth <= Capacity; ++depth) {
        for (const kind& each : few_kinds) run(count, depth, ending::open, each);
      }
      for (const kind& each : few_kinds) {
        run(count, Capacity, ending::closed, each);
        run(count, Capacity, ending::closed_for_good, each);
      }
    }
    for (const kind& each : all_kinds()) run(1, Capacity, ending::open, each);
    constexpr std::uint32_t unknown = ~std::uint32_t{0};  // what the kernel writes, or has not yet
    for (const auto& [cpu, reach] : {std::pair{0U, 0U},
                                     {1U, 1U},
                                     {2U, 2U},
                                     {3U, 2U},
                                     {0x7fff'ffffU, 2U},
                                     {0x8000'0000U, 2U},
                                     {unknown, 2U},
                                     {unknown - 1, 2U},
                                     {unknown, 0U}}) {
      run(1, Capacity, ending::open, few_kinds[0], cpu, reach);
    }
  }

 private:
  using shard_type = only_magazine<Capacity>;

  void make(std::uint32_t count, std::uint32_t depth, ending end, const kind& wanted) {
    for (shard_type& each : shards_) {
      typename shard_type::magazine_type& held = (::new (&each) shard_type)->held;
      // One deep, two, four: and no deeper than is wanted.
      while (held.room_beside(0) < depth && held.deepen(depth)) {
      }
      if (wanted.pace != 0) held.set_pace(wanted.pace);
      auto* const memory = reinterpret_cast<char*>(&each);
      const std::uint64_t word = std::uint64_t{wanted.operations} << 56 |
                                 (static_cast<std::uint64_t>(wanted.handles) << 16) >> 8 | count;
      std::memcpy(memory + magazine_layout::word, &word, sizeof word);
      if (wanted.pace == 0) std::memset(memory + magazine_layout::pace, 0, sizeof word);
      // What stands beyond the count is an old item's address.
      for (std::uint32_t i = 0; i != Capacity; ++i) {
        const int* const item = &things[i];
        std::memcpy(memory + magazine_layout::items + i * sizeof item, &item, sizeof item);
      }
      if (end == ending::closed) leave_closed(held);
      if (end == ending::closed_for_good) held.close_for_good();
    }
  }

  // As a closer finds it between its restart_all and its reopening.
  static void leave_closed(typename shard_type::magazine_type& held) {
    using closing = typename shard_type::magazine_type::closing;
    alignas(closing) static std::byte room[sizeof(closing)];
    ::new (room) closing(held);
  }

  void run(std::uint32_t count, std::uint32_t depth, ending end, const kind& wanted) {
    run(count, depth, end, wanted, state_ % 2, 2);
  }

  void run(std::uint32_t count, std::uint32_t depth, ending end, const kind& wanted,
           std::uint32_t cpu, std::uint32_t reach) {
    make(count, depth, end, wanted);
    std::printf("magazine %u %u", Capacity, state_);
    std::uint64_t words[magazine_layout::items / 8 + Capacity];
    std::memcpy(words, static_cast<void*>(&shards_[0]), sizeof words);
    for (const std::uint64_t word : words) std::printf(" %lx", word);
    std::printf("\n");

    plain_section here{cpu};
    using steps = magazine_steps<shown_shards<Capacity>>;
    const auto some = [&](const char* operation, std::uint32_t items, auto result_of) {
      make(count, depth, end, wanted);
      near_.show_these(shards_, reach);
      accesses.clear();
      int* out[most_wanted] = {};
      std::printf("run %s %u %u %u %u %u %lx", operation, Capacity, state_, cpu, reach, items,
                  static_cast<std::uintptr_t>(result_of(out)));
      for (std::uint32_t i = 0; i != most_wanted && out[i] != nullptr; ++i) {
        std::printf(",%lx", number_of(out[i]));
      }
      for (const access& each : accesses) print_step(each);
      std::printf("\n");
    };
    const auto one = [&](const char* operation, auto result_of) {
      some(operation, 1, [&](int**) { return result_of(); });
    };
    one("take", [&] { return number_of(steps::take(here, near_)); });
    one("loan", [&] { return number_of(steps::loan(here, near_)); });
    one("give", [&] { return steps::give(here, near_, given[0]); });
    one("hand_back", [&] { return steps::hand_back(here, near_, given[0]); });
    for (const std::uint32_t items : {1U, most_wanted}) {
      some("take_some", items,
           [&](int** out) { return steps::take_some(here, near_, out, items); });
      some("give_some", items, [&](int**) { return steps::give_some(here, near_, given, items); });
    }
    ++state_;
  }

  static std::uintptr_t number_of(const int* item) {
    return reinterpret_cast<std::uintptr_t>(item);
  }

  void print_step(const access& step) const {
    const auto at = reinterpret_cast<std::uintptr_t>(step.at);
    const auto near = reinterpret_cast<std::uintptr_t>(&near_);
    const auto first = reinterpret_cast<std::uintptr_t>(&shards_[0]);
    const bool is_near = at - near < sizeof near_;
    const std::string place = is_near ? "near" : std::to_string((at - first) / sizeof(shard_type));
    std::printf(" %c:%s:%zu:%zu:%s:%u:%lx", step.stores ? 'w' : 'r', place.c_str(),
                is_near ? at - near : (at - first) % sizeof(shard_type), step.bytes,
                name_of(step.order), step.line, step.value);
  }

  static const char* name_of(std::memory_order order) {
    switch (order) {
      case std::memory_order_relaxed:
        return "relaxed";
      case std::memory_order_acquire:
        return "acquire";
      default:
        return "stronger";  // no section needs one; compare.py knows none
    }
  }

  shard_type shards_[2];
  shown_shards<Capacity> near_;
  std::uint32_t state_ = 0;
};

}  // namespace

int main() {
  std::printf("given");
  for (const int* item : given) std::printf(" %lx", reinterpret_cast<std::uintptr_t>(item));
  std::printf("\n");
  static classes<2> small;
  static classes<3> larger;
  small.print();
  larger.print();
}

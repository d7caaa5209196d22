// SPDX-License-Identifier: MIT
// checked_pool.hpp: each misuse ends the program, with what a person needs to find it. The misuse
// is done in a child process, whose last words are compared.
#define POOLPROOF_CHECKED
#include <poolproof/borrow_shared.hpp>
#include <poolproof/buffer_pool.hpp>
#include <poolproof/checked_pool.hpp>

#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <iostream>
#include <limits>
#include <memory>
#include <new>
#include <optional>
#include <set>
#include <sstream>
#include <stdexcept>
#include <streambuf>
#include <string>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif
#include <sys/wait.h>
#include <unistd.h>

#include "allocations.hpp"
#include "catch.hpp"
#include "child.hpp"
#include "stays_on_cpu.hpp"

namespace {

using poolproof::checked_options;
using poolproof::pool_options;
using poolproof::test::allocations_are_refused;
using poolproof::test::holds_in_child;

struct node {
  int value = 0;
  std::array<long, 4> more{};
};
using pool_type = poolproof::pool<node>;
static_assert(std::is_same_v<pool_type, poolproof::checked_pool<node>>);
using handle = pool_type::handle;
using hooks = poolproof::pool_hooks<node>;

constexpr auto make = [] { return std::make_unique<node>(); };
constexpr pool_options no_cycles{.cycle_interval = std::nullopt};
constexpr checked_options called(const char* name) { return {.name = name}; }

// Of which only the deleter knows the type.
struct opaque_long;
struct opaque_long_deleter {
  void operator()(opaque_long* item) const { delete reinterpret_cast<long*>(item); }
};
std::unique_ptr<opaque_long, opaque_long_deleter> make_opaque_long() {
  return std::unique_ptr<opaque_long, opaque_long_deleter>(
      reinterpret_cast<opaque_long*>(new long()));
}

// What a child says on its standard error while it does this, and the signal that ends it.
struct ending {
  std::string words;
  int signal = 0;
};

template <class Misuse>
ending end_of(Misuse misuse) {
  std::array<int, 2> ends{};
  REQUIRE(::pipe(ends.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    ::alarm(60);
    ::dup2(ends[1], STDERR_FILENO);
    std::signal(SIGABRT, SIG_DFL);  // the test's own would report
    misuse();
    ::_exit(EXIT_SUCCESS);
  }
  ::close(ends[1]);
  ending seen;
  std::array<char, 256> part{};
  for (::ssize_t n = 0; (n = ::read(ends[0], part.data(), part.size())) > 0;) {
    seen.words.append(part.data(), static_cast<std::size_t>(n));
  }
  ::close(ends[0]);
  int status = 0;
  ::waitpid(child, &status, 0);
  seen.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0;
  return seen;
}

// The report has all of these, in this order.
void check_words(const ending& seen, const std::vector<std::string>& parts) {
  INFO(seen.words);
  std::size_t at = 0;
  for (const std::string& part : parts) {
    INFO("looked for: " << part);
    const std::size_t found = seen.words.find(part, at);
    REQUIRE(found != std::string::npos);
    at = found + part.size();
  }
}

// The same, and the program was aborted.
void check_report(const ending& seen, const std::vector<std::string>& parts) {
  check_words(seen, parts);
  CHECK(seen.signal == SIGABRT);
}

// --- What is found -------------------------------------------------------------------------------

TEST_CASE("second_put_of_an_item_is_reported_with_both_places", "[checked]") {
  pool_type pool(make, no_cycles, {}, called("nodes"));
  constexpr int line = __LINE__;
  const ending seen = end_of([&] {
    auto item = pool.get();
    node* const raw = item.get();
    pool.put(std::move(item));
    pool.put(std::unique_ptr<node>(raw));
  });
  const auto place = [](int at) { return "checked_pool_test.cpp:" + std::to_string(at) + " ("; };
  check_report(
      seen, {"poolproof: pool 'nodes': item 0x", "was returned twice", "put at ", place(line + 5),
             "called from ", "before: put at ", place(line + 4), "called from "});
}

TEST_CASE("report_calls_the_pool_as_its_options_do", "[checked]") {
  const auto name_in = [](pool_options options, checked_options checks) {
    pool_type pool(make, options, {}, checks);
    const std::string words = end_of([&] {
                                auto item = pool.get();
                                node* const raw = item.get();
                                pool.put(std::move(item));
                                pool.put(std::unique_ptr<node>(raw));
                              }).words;
    const std::size_t begin = words.find("pool '") + 6;
    return words.substr(begin, words.find('\'', begin) - begin);
  };
  CHECK(name_in({.name = "nodes"}, {}) == "nodes");
  CHECK(name_in({.name = "nodes"}, called("others")) == "others");
  CHECK(name_in({}, {}) == "unnamed");
  CHECK(name_in({.name = nullptr}, {}) == "unnamed");
}

TEST_CASE("item_that_a_handle_has_is_not_to_be_put", "[checked]") {
  const bool elsewhere = GENERATE(false, true);
  pool_type pool(make, no_cycles, {}, called("nodes"));
  pool_type other(make, no_cycles, {}, called("others"));
  const ending seen = end_of([&] {
    const handle held = pool.borrow();
    (elsewhere ? other : pool).put(std::unique_ptr<node>(held.get()));
  });
  check_report(seen, {elsewhere ? "pool 'others'" : "pool 'nodes'",
                      elsewhere ? "is returned to another pool while a handle has it"
                                : "is returned while a handle has it",
                      "put at ", "the handle's: borrow at "});
}

TEST_CASE("item_that_a_handle_has_returned_is_not_to_be_put", "[checked]") {
  pool_type pool(make, no_cycles, {}, called("nodes"));
  const ending seen = end_of([&] {
    handle held = pool.borrow();
    node* const raw = held.get();
    held = {};
    pool.put(std::unique_ptr<node>(raw));
  });
  check_report(seen,
               {"pool 'nodes'", "was returned twice", "put at ", "before: a handle's end at "});
}

TEST_CASE("pool_that_ends_while_a_handle_is_out_is_reported", "[checked]") {
  const auto with = [](checked_options checks) {
    std::optional<pool_type> pool(std::in_place, make, no_cycles, hooks{}, checks);
    const handle held = pool->borrow();
    pool.reset();
  };
  check_report(end_of([&] { with(called("nodes")); }),
               {"pool 'nodes'", "is in a handle while its pool ends", "ended at ",
                "the handle's: borrow at "});
  const ending allowed = end_of([&] { with({.name = "nodes", .handles_may_outlive = true}); });
  INFO(allowed.words);
  CHECK(allowed.signal == 0);
}

TEST_CASE("null_factory_is_refused_as_object_pool_refuses_it", "[checked]") {
  const auto words_of = [](auto make_pool) -> std::string {
    try {
      make_pool();
    } catch (const std::invalid_argument& refused) {
      return refused.what();
    }
    return "none";
  };
  using pointer = std::unique_ptr<node> (*)();
  using function = std::function<std::unique_ptr<node>()>;
  const std::string usual = words_of([] { poolproof::object_pool<node> pool(pointer{}); });
  CHECK(usual.find("factory") != std::string::npos);
  CHECK(words_of([] { pool_type pool(pointer{}); }) == usual);
  CHECK(words_of([] { pool_type pool(function{}); }) == usual);
}

// AddressSanitizer reports the write itself.
TEST_CASE("bytes_that_change_places_are_a_change", "[checked]") {
  std::array<unsigned char, 4> bytes{1, 2, 3, 4};
  poolproof::hidden_bytes hidden;
  hidden.hide(bytes.data(), bytes.size());
  CHECK(hidden.open(bytes.data()));
#if !defined(POOLPROOF_HAS_ASAN)
  std::swap(bytes[1], bytes[2]);
  CHECK_FALSE(hidden.open(bytes.data()));
  std::swap(bytes[1], bytes[2]);
#endif
  CHECK(hidden.show(bytes.data()));
}

#if !defined(POOLPROOF_HAS_ASAN)
TEST_CASE("item_that_changes_in_the_pool_is_reported_when_it_is_handed_out", "[checked]") {
  const bool by_borrow = GENERATE(false, true);
  pool_type pool(make, no_cycles, {}, called("nodes"));
  const ending seen = end_of([&] {
    auto item = pool.get();
    node* const raw = item.get();
    pool.put(std::move(item));
    raw->more[3] = 1;
    if (by_borrow) {
      static_cast<void>(pool.borrow());
    } else {
      static_cast<void>(pool.get());
    }
  });
  check_report(seen, {"pool 'nodes'", "was changed while it was in the pool",
                      by_borrow ? "borrow at " : "get at ", "returned before: put at "});
}

TEST_CASE("item_that_changes_in_the_pool_is_reported_when_it_is_destroyed", "[checked]") {
  const bool at_end = GENERATE(false, true);
  const ending seen = end_of([&] {
    pool_type pool(make, no_cycles, {}, called("nodes"));
    auto item = pool.get();
    node* const raw = item.get();
    pool.put(std::move(item));
    raw->value = 1;
    if (at_end) return;
    pool.rotate();
    pool.rotate();
  });
  check_report(
      seen, {"was changed while it was in the pool", "destroyed at ", "returned before: put at "});
}

TEST_CASE("item_that_changes_in_a_seeded_pool_is_reported", "[checked]") {
  // Of a seed with which the pool keeps what comes back first.
  std::uint64_t seed = 0;
  for (bool is_kept = false; !is_kept;) {
    pool_type tried(make, no_cycles, {}, {.name = "nodes", .seed = ++seed});
    tried.put(tried.get());
    is_kept = tried.stats().retained == 1;
  }
  const ending seen = end_of([&] {
    pool_type pool(make, no_cycles, {}, {.name = "nodes", .seed = seed});
    auto item = pool.get();
    node* const raw = item.get();
    pool.put(std::move(item));
    raw->value = 1;
  });
  check_report(seen, {"was changed while it was in the pool"});
}
#else
TEST_CASE("access_to_an_item_in_the_pool_is_addresssanitizers_to_report", "[checked]") {
  const bool writes = GENERATE(false, true);
  pool_type pool(make, no_cycles, {}, called("nodes"));
  const ending seen = end_of([&] {
    auto item = pool.get();
    volatile int* const raw = &item->value;
    pool.put(std::move(item));
    if (writes) {
      *raw = 1;
    } else {
      static_cast<void>(*raw);
    }
  });
  check_words(seen, {"use-after-poison", "poolproof: pool 'nodes': item 0x",
                     " was used after it had been returned", "returned before: put at ",
                     "checked_pool_test.cpp:"});
}

TEST_CASE("who_has_returned_an_item_is_not_said_of_another_byte", "[checked]") {
  pool_type pool(make, no_cycles, {}, called("nodes"));
  const ending seen = end_of([&] {
    pool.put(pool.get());
    std::array<char, 64> own{};
    ASAN_POISON_MEMORY_REGION(own.data(), own.size());
    volatile char* const byte = own.data();
    static_cast<void>(byte[32]);
  });
  check_words(seen, {"use-after-poison"});
  CHECK(seen.words.find("poolproof") == std::string::npos);
}

// This program has set none before.
TEST_CASE("callback_that_the_program_has_set_stays_and_may_ask", "[checked]") {
  const ending seen = end_of([&] {
    ::__asan_set_error_report_callback([](const char*) {
      std::fputs("the program's own\n", stderr);
      poolproof::explain_asan_report();
    });
    pool_type pool(make, no_cycles, {}, called("nodes"));
    const volatile int* value = nullptr;
    {
      const handle held = pool.borrow();
      value = &held->value;
    }
    static_cast<void>(*value);
  });
  check_words(seen, {"use-after-poison", "the program's own\n", "poolproof: pool 'nodes': item 0x",
                     "returned before: a handle's end at "});
}
#endif

TEST_CASE("bytes_are_not_looked_at_where_they_may_change", "[checked]") {
  pool_type pool(make, no_cycles, {}, {.name = "nodes", .bytes = false});
  auto item = pool.get();
  node* const raw = item.get();
  pool.put(std::move(item));
  raw->value = 1;
  CHECK(pool.get()->value == 1);
}

#if !defined(POOLPROOF_HAS_ASAN)
TEST_CASE("every_byte_of_an_item_is_looked_at", "[checked]") {
  const std::size_t index = GENERATE(std::size_t{0}, sizeof(node) / 2, sizeof(node) - 1);
  pool_type pool(make, no_cycles, {}, called("nodes"));
  const ending seen = end_of([&] {
    auto item = pool.get();
    auto* const bytes = reinterpret_cast<unsigned char*>(item.get());
    pool.put(std::move(item));
    ++bytes[index];
    static_cast<void>(pool.get());
  });
  check_report(seen, {"was changed while it was in the pool"});
}
#endif

TEST_CASE("item_of_incomplete_type_is_looked_at_where_its_size_is_told", "[checked]") {
  const std::size_t bytes = GENERATE(std::size_t{0}, sizeof(long));
  const ending seen = end_of([&] {
    poolproof::pool<opaque_long, opaque_long_deleter> pool(make_opaque_long, no_cycles, {},
                                                           {.name = "hidden", .item_bytes = bytes});
    auto item = pool.get();
    auto* const raw = reinterpret_cast<unsigned char*>(item.get());
    pool.put(std::move(item));
    ++raw[sizeof(long) - 1];
    static_cast<void>(pool.get());
  });
  INFO(seen.words);
  CHECK(seen.words.empty() == (bytes == 0));
}

TEST_CASE("several_that_are_put_or_got_are_reported_with_their_line", "[checked]") {
  pool_type pool(make, no_cycles, {}, called("nodes"));
  constexpr int line = __LINE__;
  const ending seen = end_of([&] {
    std::array<std::unique_ptr<node>, 2> items;
    pool.get_n(items.size(), items.begin());
    std::ostringstream out;
    pool.outstanding(out);
    std::fputs(out.str().c_str(), stderr);
    node* const raw = items[1].get();
    pool.put_range(items.begin(), items.end());
    pool.put(std::unique_ptr<node>(raw));
  });
  const auto place = [](int at) { return "checked_pool_test.cpp:" + std::to_string(at) + " ("; };
  check_report(seen, {"2 out", "get_n at ", place(line + 3), "was returned twice", "put at ",
                      place(line + 9), "before: put_range at ", place(line + 8)});
}

TEST_CASE("item_that_an_iterator_refuses_is_no_longer_out", "[checked]") {
  pool_type pool(make, no_cycles, {}, called("nodes"));
  struct refuses {
    refuses& operator*() { return *this; }
    refuses& operator++(int) { return *this; }
    refuses& operator=(std::unique_ptr<node>&&) { throw std::runtime_error("full"); }
  };
  CHECK_THROWS_AS(pool.get_n(1, refuses()), std::runtime_error);
  std::ostringstream out;
  pool.outstanding(out);
  CHECK(out.str() == "pool 'nodes': 0 out\n");
  CHECK(pool.stats().retained == 1);
}

// --- Hooks ---------------------------------------------------------------------------------------

TEST_CASE("what_a_hook_writes_is_no_misuse", "[checked]") {
  struct measured {
    std::size_t size = 3;
    mutable std::size_t known = 0;
  };
  const auto size_of = [](const measured& item) { return item.known = item.size; };
  poolproof::pool<measured> pool(
      [] { return std::make_unique<measured>(); },
      {.cycle_interval = std::nullopt, .name = "measured", .max_bytes = 1000},
      {.size_of = size_of});
  auto item = std::make_unique<measured>();
  pool.put(std::move(item));
  item = pool.get();
  CHECK(item->known == 3);

  const ending seen = end_of([&] {
    measured* const raw = item.get();
    pool.put(std::move(item));
    raw->size = 4;
    static_cast<void>(pool.get());
  });
#if !defined(POOLPROOF_HAS_ASAN)
  check_report(seen, {"was changed while it was in the pool"});
#endif
}

// AddressSanitizer sees whether the bytes are shown. What is written here is no error, and what a
// user writes later is.
TEST_CASE("hooks_read_and_write_items_that_are_hidden", "[checked]") {
  const bool by_handle = GENERATE(false, true);
  int dropped = 0;
  const ending seen = end_of([&] {
    pool_type pool(
        make, {.cycle_interval = std::nullopt, .max_retained = 1, .max_bytes = 100},
        {.reset =
             [](node& used) {
               ++used.value;
               return true;
             },
         .size_of = [](const node& used) { return static_cast<std::size_t>(used.value); },
         .on_drop =
             [&](node& gone, poolproof::drop_cause) {
               gone.value = 0;
               ++dropped;
             }});
    for (int i = 0; i < 3; ++i) {
      if (by_handle) {
        const handle held = pool.borrow();
        if (held->value != i) std::fputs("not reset once\n", stderr);
      } else {
        auto item = pool.get();
        if (item->value != i) std::fputs("not reset once\n", stderr);
        pool.put(std::move(item));
      }
      if (pool.stats().bytes != static_cast<std::uint64_t>(i) + 1) std::fputs("bytes\n", stderr);
    }
    pool.put(make());
    pool.rotate();
    pool.rotate();
    if (dropped != 2) std::fputs("not told of\n", stderr);
  });
  CHECK(seen.words == "");
  CHECK(seen.signal == 0);
}

TEST_CASE("item_that_changes_after_its_reset_is_reported", "[checked]") {
  const ending seen = end_of([&] {
    pool_type pool(make, {.cycle_interval = std::nullopt, .name = "nodes"},
                   {.reset = [](node&) { return true; },
                    .size_of = [](const node&) { return std::size_t{1}; }});
    auto item = pool.get();
    volatile int* const raw = &item->value;
    pool.put(std::move(item));
    *raw = 1;
    static_cast<void>(pool.get());
  });
  check_words(seen, {"poolproof: pool 'nodes': item 0x", "put at "});
}

TEST_CASE("item_that_changes_before_its_drop_is_reported", "[checked]") {
  const ending seen = end_of([&] {
    pool_type pool(make, {.cycle_interval = std::nullopt, .name = "nodes"},
                   {.on_drop = [](node& gone, poolproof::drop_cause) { gone.value = 2; }});
    auto item = pool.get();
    volatile int* const raw = &item->value;
    pool.put(std::move(item));
    *raw = 1;
  });
  check_words(seen, {"poolproof: pool 'nodes': item 0x", "put at "});
}

// Of its pool nothing is left, and of the hooks all.
TEST_CASE("hook_of_a_pool_that_has_ended_is_told_of_a_late_return", "[checked]") {
  const ending seen = end_of([] {
    auto words = std::make_shared<std::string>("late return");
    const std::weak_ptr<std::string> still = words;
    auto pool = std::make_unique<pool_type>(
        make, no_cycles,
        hooks{.on_drop =
                  [own = std::move(words)](node& gone, poolproof::drop_cause why) {
                    if (why == poolproof::drop_cause::late_return && gone.value == 1) {
                      std::fputs(own->c_str(), stderr);
                    }
                  }},
        checked_options{.handles_may_outlive = true});
    handle held = pool->borrow();
    held->value = 1;
    pool.reset();
    held = {};
    if (!still.expired()) std::fputs("leaked", stderr);
  });
  CHECK(seen.words == "late return");
  CHECK(seen.signal == 0);
}

// A seed moves items out of the way, and back.
TEST_CASE("item_is_reset_once_for_each_return_also_with_a_seed", "[checked]") {
  int resets = 0;
  pool_type pool(make, no_cycles,
                 {.reset =
                      [&](node&) {
                        ++resets;
                        return true;
                      }},
                 {.name = "nodes", .seed = 1});
  constexpr int returns = 300;
  for (int i = 0; i < returns / 3; ++i) {
    pool.put(make());
    pool.put(pool.get());
    static_cast<void>(pool.borrow());
  }
  const auto by_chance = static_cast<int>(pool.stats().reset_dropped);
  CHECK(by_chance > 0);
  CHECK(resets == returns - by_chance);
}

TEST_CASE("seed_tells_on_drop_what_it_drops", "[checked]") {
  std::uint64_t dropped = 0;
  pool_type pool(make, no_cycles, {.on_drop = [&](node&, poolproof::drop_cause) { ++dropped; }},
                 {.name = "nodes", .seed = 1});
  for (int i = 0; i < 200; ++i) pool.put(make());
  CHECK(dropped > 0);
  CHECK(dropped == 200 - pool.stats().retained);
}

// Used by a constructor that runs before this file's: see static_order.
constinit poolproof::pool<node> static_pool(make, {.name = "static", .max_retained = 2},
                                            {.reset = [](node&) { return true; }});

TEST_CASE("pool_is_constant_initialised", "[checked]") {
  static_pool.put(static_pool.get());
  CHECK(static_pool.stats().retained == 1);
}

// --- Buffers -------------------------------------------------------------------------------------

TEST_CASE("buffer_that_is_used_after_its_return_is_reported", "[checked]") {
  constexpr std::size_t size = 4096;
  const std::size_t index = GENERATE(std::size_t{0}, size / 2, size - 1);
  const ending seen = end_of([&] {
    poolproof::buffer_pool buffers({.name = "buffers"});
    volatile std::byte* bytes = nullptr;
    {
      const auto buffer = buffers.get(size);
      bytes = buffer.data();
      bytes[index] = std::byte{2};  // another value than what is written then
    }
    bytes[index] = std::byte{1};
    static_cast<void>(buffers.get(size));
  });
  check_words(seen, {"poolproof: pool 'buffers': item 0x", "a handle's end at "});
}

TEST_CASE("memory_that_is_given_back_to_a_resource_twice_is_reported", "[checked]") {
  const ending seen = end_of([&] {
    poolproof::buffer_pool buffers({.name = "buffers"});
    poolproof::buffer_pool::resource memory(buffers);
    void* const bytes = memory.allocate(100);
    memory.deallocate(bytes, 100);
    memory.deallocate(bytes, 100);
  });
  check_report(seen, {"pool 'buffers'", "was returned twice", "(do_deallocate), called from "});
}

TEST_CASE("buffer_may_outlive_its_pool", "[checked]") {
  const ending seen = end_of([&] {
    poolproof::buffer_pool::buffer late;
    const poolproof::buffer_pool::buffer larger =
        poolproof::buffer_pool().get(2 * poolproof::buffer_pool::largest_class);
    late = poolproof::buffer_pool().get(100);
    late.data()[99] = std::byte{1};
  });
  CHECK(seen.words == "");
  CHECK(seen.signal == 0);
}

// --- What is not an error ------------------------------------------------------------------------

TEST_CASE("correct_use_says_nothing", "[checked]") {
  const ending seen = end_of([] {
    pool_type pool(make, no_cycles, {}, called("nodes"));
    pool_type other(make, no_cycles, {}, called("others"));
    auto item = pool.get();
    item->value = 1;
    pool.put(std::move(item));
    item = pool.get();
    other.put(std::move(item));  // from whatever source
    pool.put(std::make_unique<node>());
    handle held = pool.borrow();
    handle moved = std::move(held);
    other.put(moved.detach());
    for (int i = 0; i < 100; ++i) {
      item = pool.get();
      item.reset();  // what has been got may be destroyed
      held = pool.borrow();
      held = pool.borrow();
    }
    pool.rotate();
    other.rotate();
    pool.rotate();
    other.rotate();
    static_cast<void>(pool.try_get_near());
  });
  CHECK(seen.words == "");
  CHECK(seen.signal == 0);
}

// Each of its items is where the last one was.
struct in_one_place {
  static void* operator new(std::size_t) { return &place; }
  static void operator delete(void*) {}
  alignas(std::max_align_t) static inline std::array<std::byte, 64> place;
  int value = 0;
};

TEST_CASE("item_at_the_address_of_one_that_was_destroyed_is_another", "[checked]") {
  const ending seen = end_of([] {
    poolproof::pool<in_one_place> pool([] { return std::make_unique<in_one_place>(); }, no_cycles);
    for (int i = 0; i < 2; ++i) {
      pool.put(std::make_unique<in_one_place>());
      pool.rotate();
      pool.rotate();
    }
  });
  CHECK(seen.words == "");
  CHECK(seen.signal == 0);
}

TEST_CASE("pool_in_the_place_of_one_that_has_ended_knows_nothing_of_its_items", "[checked]") {
  const ending seen = end_of([] {
    std::optional<pool_type> pool;
    const checked_options lasting{.name = "first", .handles_may_outlive = true};
    pool.emplace(make, no_cycles, hooks{}, lasting);
    handle held = pool->borrow();
    handle detached = pool->borrow();
    const auto item = pool->get();
    pool.emplace(make, no_cycles, hooks{}, called("second"));
    std::ostringstream listed;  // some of Catch2's reporters take what is written to std::cerr
    pool->outstanding(listed);
    held = {};
    static_cast<void>(detached.detach());
    held = pool->borrow();
    pool->outstanding(listed);
    std::fputs(listed.str().c_str(), stderr);
    held = {};
    pool.reset();
  });
  INFO(seen.words);
  CHECK(seen.signal == 0);
  CHECK(seen.words.rfind("pool 'second': 0 out\npool 'second': 1 out\n  1, the oldest", 0) == 0);
}

TEST_CASE("handle_that_comes_back_to_the_place_of_its_pool_is_not_the_new_pools", "[checked]") {
  const ending seen = end_of([] {
    std::optional<pool_type> pool;
    const checked_options lasting{.name = "first", .handles_may_outlive = true};
    pool.emplace(make, no_cycles, hooks{}, lasting);
    const handle held = pool->borrow();
    pool.emplace(make, no_cycles, hooks{}, called("second"));
    pool.reset();
  });
  INFO(seen.words);
  CHECK(seen.signal == 0);
}

// Its memory is given back: AddressSanitizer reports who still reads the pool's options.
TEST_CASE("handle_that_outlives_its_pool_reads_nothing_of_it", "[checked]") {
  const ending seen = end_of([] {
    const checked_options lasting{.name = "first", .handles_may_outlive = true};
    auto pool = std::make_unique<pool_type>(make, no_cycles, hooks{}, lasting);
    const handle held = pool->borrow();
    pool.reset();
  });
  INFO(seen.words);
  CHECK(seen.signal == 0);
  CHECK(seen.words == "");
}

// Without AddressSanitizer, too: the options that are there by then are those of a pool whose items
// have more bytes than there are addresses behind one.
TEST_CASE("options_in_the_place_of_a_pool_that_has_ended_are_not_its_handles", "[checked]") {
  const ending seen = end_of([] {
    constexpr std::size_t too_many = std::numeric_limits<std::size_t>::max() / 2;
    std::optional<pool_type> pool;
    const checked_options lasting{.name = "first", .handles_may_outlive = true};
    pool.emplace(make, no_cycles, hooks{}, lasting);
    handle held = pool->borrow();
    pool.emplace(make, no_cycles, hooks{},
                 checked_options{.name = "second", .item_bytes = too_many});
    held = {};
  });
  INFO(seen.words);
  CHECK(seen.signal == 0);
  CHECK(seen.words == "");
}

// Between its members no bytes are set.
struct padded {
  padded() {}  // NOLINT(modernize-use-equals-default): which would set them
  char narrow = 1;
  long wide = 2;
};

TEST_CASE("padding_of_an_item_may_be_uninitialised", "[checked]") {
  const ending seen = end_of([] {
    poolproof::pool<padded> pool([] { return std::unique_ptr<padded>(new padded); }, no_cycles);
    pool.put(pool.get());
    static_cast<void>(pool.get());
  });
  CHECK(seen.words == "");
  CHECK(seen.signal == 0);
}

#if defined(POOLPROOF_HAS_ASAN)
using buffer = std::vector<int>;
constexpr auto make_buffer = [] { return std::make_unique<buffer>(1000); };

// Puts an item later than checked pools prepare for the exit, as static objects may.
struct late_put {
  ~late_put() {
    if (pool != nullptr) pool->put(std::move(item));
  }
  poolproof::pool<buffer>* pool = nullptr;
  std::unique_ptr<buffer> item;
} at_exit;

TEST_CASE("what_pooled_items_own_is_not_reported_as_leaked_at_exit", "[checked]") {
  std::cout.flush();  // what the child, too, would write
  const ending seen = end_of([] {
    // Never destroyed.
    static auto* const pool = new poolproof::pool<buffer>(make_buffer, no_cycles);
    at_exit.item = pool->get();
    at_exit.pool = pool;
    pool->put(pool->get());
    std::exit(EXIT_SUCCESS);
  });
  CHECK(seen.words == "");
}
#endif

// Known only by name, as to a translation unit that uses the pool of another's type.
struct opaque;

TEST_CASE("item_is_shown_by_who_does_not_know_its_type_when_who_does_has_hidden_it", "[checked]") {
  const ending seen = end_of([] {
    auto& items = poolproof::checked_items::instance();
    const checked_options checks = called("nodes");
    const poolproof::call_site here;
    node item;
    // NOLINTNEXTLINE(bugprone-casting-through-void): the same item
    auto* const unknown = static_cast<opaque*>(static_cast<void*>(&item));
    items.note_put(&item, &items, checks, here);
    items.note_taken(unknown, &items, checks, here, false);
    item.value = 1;
    items.note_put(unknown, &items, checks, here);
    items.note_taken(&item, &items, checks, here, false);
    item.value = 2;
    items.note_end(&item, here);
  });
  CHECK(seen.words == "");
  CHECK(seen.signal == 0);
}

struct incomplete;
struct incomplete_deleter {
  void operator()(incomplete* item) const;
};
using incomplete_pool = poolproof::checked_pool<incomplete, incomplete_deleter>;
std::unique_ptr<incomplete, incomplete_deleter> make_incomplete();

TEST_CASE("items_of_incomplete_type_are_checked_but_for_their_bytes", "[checked]") {
  const ending seen = end_of([] {
    incomplete_pool pool(make_incomplete, no_cycles, {}, called("hidden"));
    auto item = pool.get();
    incomplete* const raw = item.get();
    pool.put(std::move(item));
    pool.put(std::unique_ptr<incomplete, incomplete_deleter>(raw));
  });
  check_report(seen, {"pool 'hidden'", "was returned twice"});
}

struct incomplete {
  int value = 0;
};
void incomplete_deleter::operator()(incomplete* item) const { delete item; }
std::unique_ptr<incomplete, incomplete_deleter> make_incomplete() {
  return std::unique_ptr<incomplete, incomplete_deleter>(new incomplete);
}

TEST_CASE("threads_may_use_a_checked_pool", "[checked]") {
  pool_type pool(make, no_cycles, {}, called("nodes"));
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; ++t) {
    threads.emplace_back([&] {
      for (int i = 0; i < 500; ++i) {
        auto item = pool.get();
        ++item->value;
        const handle held = pool.borrow();
        ++held->value;
        pool.put(std::move(item));
      }
    });
  }
  for (std::thread& each : threads) each.join();
  std::ostringstream out;
  pool.outstanding(out);
  CHECK(out.str() == "pool 'nodes': 0 out\n");
}

// Its memory is the parent's, whose threads were in their calls.
TEST_CASE("forked_child_uses_pools_that_other_threads_were_in", "[checked]") {
  const std::optional<std::uint64_t> seed = GENERATE(std::optional<std::uint64_t>(), 1u);
  pool_type pool(make, no_cycles, {}, {.name = "nodes", .handles_may_outlive = true, .seed = seed});
  std::atomic<bool> stop{false};
  std::thread other([&] {
    while (!stop) static_cast<void>(pool.borrow());
  });
  int held = 0;
  constexpr int forks = 100;
  for (int i = 0; i < forks; ++i) {
    held += holds_in_child([&] {
      pool.put(pool.get());
      return true;
    });
    if (held <= i) break;
  }
  stop = true;
  other.join();
  CHECK(held == forks);
}

TEST_CASE("who_handles_the_signal_of_a_report_may_fork", "[checked]") {
  const ending seen = end_of([] {
    std::signal(SIGABRT, [](int) {
      static_cast<void>(holds_in_child([] { return true; }));
      std::signal(SIGABRT, SIG_DFL);
      std::raise(SIGABRT);
    });
    pool_type pool(make, no_cycles, {}, called("nodes"));
    const handle held = pool.borrow();
    pool.put(std::unique_ptr<node>(held.get()));
  });
  check_report(seen, {"is returned while a handle has it"});
}

TEST_CASE("item_of_a_checked_pool_is_borrowed_by_several", "[checked]") {
  pool_type pool(make, no_cycles, {}, called("nodes"));
  std::shared_ptr<node> first = poolproof::borrow_shared(pool);
  const std::shared_ptr<node> second = first;
  first.reset();
  std::ostringstream out;
  pool.outstanding(out);
  CHECK(out.str().rfind("pool 'nodes': 1 out\n", 0) == 0);
}

// Not of operator new, which is refused.
struct own_memory {
  static void* operator new(std::size_t size) { return std::malloc(size); }
  static void operator delete(void* memory) { std::free(memory); }
};

TEST_CASE("refused_memory_passes_through_a_checked_pool", "[checked]") {
  if (!poolproof::test::sees_allocations) return;
  const ending seen = end_of([] {
    const auto is_refused = [](auto call) {
      allocations_are_refused = true;
      bool refused = false;
      try {
        call();
      } catch (const std::bad_alloc&) {
        refused = true;
      }
      allocations_are_refused = false;
      if (!refused) std::fputs("not refused\n", stderr);
    };
    using pool = poolproof::pool<own_memory>;
    constexpr auto make_own = [] { return std::unique_ptr<own_memory>(new own_memory); };
    pool items(make_own);
    is_refused([&] { static_cast<void>(items.get()); });  // the first use
    items.put(items.get());
    static_cast<void>(items.get().release());
    is_refused([&] { static_cast<void>(items.borrow()); });
    is_refused([&] { static_cast<void>(items.get()); });
  });
  CHECK(seen.words == "");
  CHECK(seen.signal == 0);
}

// --- What is out ---------------------------------------------------------------------------------

TEST_CASE("outstanding_items_are_listed_by_where_they_were_taken", "[checked]") {
  pool_type pool(make, no_cycles, {}, called("nodes"));
  std::vector<handle> held;
  const auto begun = std::chrono::steady_clock::now();
  for (int i = 0; i < 3; ++i) held.push_back(pool.borrow());
  const int line = __LINE__;
  auto item = pool.get();
  std::this_thread::sleep_for(std::chrono::milliseconds(20));
  std::ostringstream out;
  pool.outstanding(out);
  INFO(out.str());
  CHECK(out.str().rfind("pool 'nodes': 4 out\n", 0) == 0);
  const std::chrono::duration<double> most = std::chrono::steady_clock::now() - begun;
  const std::string before = "  3, the oldest for ";
  const std::size_t age = out.str().find(before);
  REQUIRE(age != std::string::npos);
  const double seconds = std::stod(out.str().substr(age + before.size()));
  CHECK(seconds >= 0.019);
  CHECK(seconds <= most.count() + 0.001);
  CHECK(out.str().find(" s: borrow at ") != std::string::npos);
  CHECK(out.str().find("checked_pool_test.cpp:" + std::to_string(line - 1)) != std::string::npos);
  CHECK(out.str().find(" s: get at ") != std::string::npos);
  CHECK(out.str().find("checked_pool_test.cpp:" + std::to_string(line + 1)) != std::string::npos);
  held.clear();
  pool.put(std::move(item));
  std::ostringstream none;
  pool.outstanding(none);
  CHECK(none.str() == "pool 'nodes': 0 out\n");
}

[[gnu::noinline]] void borrow_into(std::vector<handle>& held, pool_type& pool) {
  held.push_back(pool.borrow());
}

TEST_CASE("items_that_one_line_has_taken_are_told_apart_by_its_caller", "[checked]") {
  pool_type pool(make, no_cycles, {}, called("nodes"));
  std::vector<handle> held;
  borrow_into(held, pool);
  borrow_into(held, pool);
  std::ostringstream out;
  pool.outstanding(out);
  const std::string text = out.str();
  INFO(text);
  CHECK(std::count(text.begin(), text.end(), '\n') == 3);
}

// A stream whose buffer uses the pool that it writes about.
class pooling_buffer final : public std::streambuf {
 public:
  explicit pooling_buffer(pool_type& pool) : pool_(pool) {}

 private:
  int_type overflow(int_type written) override {
    pool_.put(pool_.get());
    return traits_type::not_eof(written);
  }

  pool_type& pool_;
};

TEST_CASE("outstanding_items_are_written_while_other_threads_may_use_pools", "[checked]") {
  const ending seen = end_of([] {
    pool_type pool(make, no_cycles, {}, called("nodes"));
    const handle held = pool.borrow();
    pooling_buffer written(pool);
    std::ostream out(&written);
    pool.outstanding(out);
  });
  CHECK(seen.words == "");
  CHECK(seen.signal == 0);
}

// --- The seeded mode -----------------------------------------------------------------------------

// Which items so many gets bring, of eight; a new one is zero.
std::vector<int> drawn(std::optional<std::uint64_t> seed) {
  pool_type pool(make, no_cycles, {}, {.name = "nodes", .seed = seed});
  std::vector<std::unique_ptr<node>> held;
  for (int i = 0; i < 8; ++i) {
    held.push_back(std::make_unique<node>());
    held.back()->value = i + 1;
  }
  for (auto& each : held) pool.put(std::move(each));
  std::vector<int> values;
  for (int i = 0; i < 40; ++i) {
    auto item = pool.get();
    values.push_back(item->value);
    pool.put(std::move(item));
  }
  return values;
}

TEST_CASE("seed_makes_a_pool_unpredictable_and_repeats_it", "[checked]") {
  const poolproof::test::stays_on_cpu here;  // on another CPU items are found in another order
  const auto usual = drawn(std::nullopt);
  CHECK(std::set<int>(usual.begin(), usual.end()).size() == 1);
  const auto first = drawn(1);
  CHECK(std::set<int>(first.begin(), first.end()).size() > 3);
  CHECK(drawn(1) == first);
  CHECK(drawn(2) != first);
}

// How a test takes items and gives them back.
enum class way { get, try_get, try_get_near, borrow };

int value_of_one(pool_type& pool, way taken) {
  if (taken == way::borrow) return pool.borrow()->value;
  auto item = taken == way::get       ? pool.get()
              : taken == way::try_get ? pool.try_get()
                                      : pool.try_get_near();
  if (item == nullptr) return 0;
  const int value = item->value;
  pool.put(std::move(item));
  return value;
}

// One of which the caller has put the items 1 to `each`, and another thread, on another CPU if it
// can be there, as many more before.
class pool_of_two_threads {
 public:
  static constexpr int each = 32;

  explicit pool_of_two_threads(std::optional<std::uint64_t> seed)
      : pool(make, no_cycles, {}, {.name = "nodes", .seed = seed}) {
    std::thread([this, mine = this_cpu()] {
      for (unsigned cpu = 0; cpu < std::thread::hardware_concurrency(); ++cpu) {
        if (cpu != mine && move_to(cpu)) break;
      }
      put(each + 1);
    }).join();
    put(1);
  }

  poolproof::test::stays_on_cpu here;
  pool_type pool;

 private:
#if defined(__linux__)
  static unsigned this_cpu() { return static_cast<unsigned>(::sched_getcpu()); }
  static bool move_to(unsigned cpu) {
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(cpu, &one);
    return ::sched_setaffinity(0, sizeof one, &one) == 0;
  }
#else
  static unsigned this_cpu() { return 0; }
  static bool move_to(unsigned) { return true; }
#endif

  void put(int first) {
    std::vector<std::unique_ptr<node>> made;
    for (int i = 0; i < each; ++i) {
      made.push_back(std::make_unique<node>());
      made.back()->value = first + i;
    }
    for (auto& one : made) pool.put(std::move(one));
  }
};

// What another CPU has at hand is found by a search only where the own has nothing: but a pool may
// hand it out before.
TEST_CASE("seed_hands_out_what_other_threads_have_put", "[checked]") {
  const way taken = GENERATE(way::get, way::try_get, way::borrow);
  std::set<int> own;
  std::set<int> others;
  const auto take_some = [&](std::optional<std::uint64_t> seed) {
    pool_of_two_threads items(seed);
    for (int i = 0; i < 8; ++i) {
      const int value = value_of_one(items.pool, taken);
      if (value != 0) (value <= items.each ? own : others).insert(value);
    }
  };
  take_some(std::nullopt);
  CHECK(own.size() == 1);
  CHECK(others.empty());
  for (std::uint64_t seed = 1; seed < 9; ++seed) take_some(seed);
  CHECK(own.size() > 4);
  CHECK(others.size() > 4);
}

struct mourned {
  ~mourned() { ++deaths; }
  static inline std::uint64_t deaths = 0;
  int value = 0;
};

// What was passed over is still there.
TEST_CASE("seed_destroys_nothing_that_a_cycle_does_not", "[checked]") {
  const bool near = GENERATE(false, true);
  poolproof::pool<mourned> pool([] { return std::make_unique<mourned>(); }, no_cycles, {},
                                {.name = "nodes", .seed = 1});
  for (int i = 0; i < 100; ++i) pool.put(std::make_unique<mourned>());
  const std::uint64_t dropped = mourned::deaths;
  std::vector<std::unique_ptr<mourned>> held;
  for (int i = 0; i < 20; ++i) held.push_back(near ? pool.try_get_near() : pool.get());
  CHECK(mourned::deaths - dropped == pool.stats().cycle_destroyed);
}

TEST_CASE("seed_drops_some_of_what_comes_back", "[checked]") {
  const std::optional<std::uint64_t> seed = GENERATE(std::optional<std::uint64_t>(), 1u);
  constexpr int returned = 200;
  // Of a put, and of a handle.
  for (const bool by_handle : {false, true}) {
    pool_type pool(make, no_cycles, {}, {.name = "nodes", .seed = seed});
    std::vector<handle> held;
    for (int i = 0; by_handle && i < returned; ++i) held.push_back(pool.borrow());
    held.clear();
    for (int i = 0; !by_handle && i < returned; ++i) pool.put(make());
    const auto kept = static_cast<int>(pool.stats().retained);
    CHECK((kept < returned) == seed.has_value());
    CHECK(kept > returned / 2);
  }
}

TEST_CASE("seed_misses_though_there_are_items", "[checked]") {
  const std::optional<std::uint64_t> seed = GENERATE(std::optional<std::uint64_t>(), 1u);
  const way taken = GENERATE(way::get, way::try_get, way::try_get_near, way::borrow);
  const poolproof::test::stays_on_cpu here;
  pool_type pool(make, no_cycles, {}, {.name = "nodes", .seed = seed});
  for (int i = 1; i <= 100; ++i) {
    auto item = make();
    item->value = i;
    pool.put(std::move(item));
  }
  int missed = 0;
  for (int i = 0; i < 100; ++i) {
    const poolproof::pool_stats before = pool.stats();
    static_cast<void>(value_of_one(pool, taken));
    missed += before.retained != 0 && pool.stats().misses != before.misses;
  }
  CHECK((missed > 0) == seed.has_value());
}

TEST_CASE("seed_begins_cycles", "[checked]") {
  const std::optional<std::uint64_t> seed = GENERATE(std::optional<std::uint64_t>(), 1u);
  const way taken = GENERATE(way::get, way::try_get, way::try_get_near, way::borrow);
  pool_type pool(make, no_cycles, {}, {.name = "nodes", .seed = seed});
  for (int i = 0; i < 100; ++i) static_cast<void>(value_of_one(pool, taken));
  CHECK((pool.stats().cycles > 0) == seed.has_value());
}

// Whether they drop is not asked of it.
TEST_CASE("handle_of_a_seeded_pool_may_outlive_it", "[checked]") {
  const ending seen = end_of([] {
    std::vector<handle> held;
    {
      pool_type pool(make, no_cycles, {}, {.name = "n", .handles_may_outlive = true, .seed = 1});
      for (int i = 0; i < 100; ++i) held.push_back(pool.borrow());
      held.front() = std::move(held.back());
    }
    held.clear();
  });
  CHECK(seen.words == "poolproof: pool 'n': seed 1\n");
  CHECK(seen.signal == 0);
}

TEST_CASE("seed_of_the_environment_is_printed", "[checked]") {
  const ending seen = end_of([] {
    ::setenv("POOLPROOF_SEED", "42", 1);
    pool_type pool(make, no_cycles, {}, called("nodes"));
    static_cast<void>(pool.get());
  });
  CHECK(seen.words == "poolproof: pool 'nodes': seed 42\n");
}

}  // namespace

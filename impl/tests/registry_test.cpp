// SPDX-License-Identifier: MIT
// registry.hpp: the pools of the process.
#include <poolproof/registry.hpp>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "test_sync.hpp"
#include "tracked.hpp"

namespace {

using poolproof::pool_entry;
using poolproof::pool_registry;
using poolproof::pool_stats;
using poolproof::test::all_given_back;
using poolproof::test::event;
using poolproof::test::interrupt;
using poolproof::test::test_sync;

using registry = pool_registry<test_sync>;

// A pool as the registry sees it. What it is told to do goes into a log.
class fake_pool {
 public:
  explicit fake_pool(std::string name, bool linked = true) : entry_(new entry(std::move(name))) {
    if (linked) registry::instance().link(*entry_);
  }
  ~fake_pool() { close(); }
  fake_pool(const fake_pool&) = delete;
  fake_pool& operator=(const fake_pool&) = delete;

  // What the destructor of a pool does; `references` remain for handles that are out.
  void close(std::uint64_t references = 0) {
    if (entry_ == nullptr) return;
    registry::instance().retire(*entry_);
    entry_->add_references(references);
    std::exchange(entry_, nullptr)->drop_references(1);
  }

  pool_entry<test_sync>& as_entry() { return *entry_; }
  void when_rotated(std::function<void()> action) { entry_->action = std::move(action); }

  inline static std::vector<std::string> log;

 private:
  class entry final : public pool_entry<test_sync> {
   public:
    explicit entry(std::string name) : name_(std::move(name)) {}
    ~entry() = default;

    void rotate() noexcept override {
      log.push_back("rotate " + name_);
      if (action) std::exchange(action, nullptr)();
    }

    void rotate_due() noexcept override { log.push_back("rotate due " + name_); }
    std::string_view name() const noexcept override { return name_; }
    pool_stats stats() noexcept override { return {}; }

    std::function<void()> action;

   private:
    void drain() noexcept override { log.push_back("drain " + name_); }
    void destroy() noexcept override {
      log.push_back("destroy " + name_);
      delete this;
    }

    const std::string name_;
  };

  entry* entry_;
};

std::vector<std::string> logged_by(const std::function<void()>& action) {
  fake_pool::log.clear();
  action();
  return std::exchange(fake_pool::log, {});
}

using log = std::vector<std::string>;

log sorted(log lines) {
  std::sort(lines.begin(), lines.end());
  return lines;
}

// What every pool was told, in an order that is promised by nobody.
log logged_by_rotate_all() {
  return sorted(logged_by([] { registry::instance().rotate_all(); }));
}

TEST_CASE_METHOD(all_given_back, "empty_registry_rotates_nothing", "[registry]") {
  CHECK(logged_by_rotate_all().empty());
}

TEST_CASE_METHOD(all_given_back, "every_pool_in_the_registry_is_rotated_once", "[registry]") {
  const fake_pool a("a");
  const fake_pool b("b");
  CHECK(logged_by_rotate_all() == log{"rotate a", "rotate b"});
  const fake_pool c("c");
  const fake_pool d("d");
  CHECK(logged_by_rotate_all() == log{"rotate a", "rotate b", "rotate c", "rotate d"});
}

TEST_CASE_METHOD(all_given_back, "rotate_due_comes_to_the_pools_that_rotate_all_comes_to",
                 "[registry]") {
  const fake_pool a("a");
  fake_pool b("b");
  const fake_pool c("c");
  b.close();
  const log expected{"rotate due a", "rotate due c"};
  CHECK(sorted(logged_by([] { registry::instance().rotate_due(); })) == expected);
}

TEST_CASE_METHOD(all_given_back, "pool_enters_the_registry_without_its_mutex", "[registry]") {
  const fake_pool a("a");
  CHECK(test_sync::mutex_locks() == 0);
}

TEST_CASE_METHOD(all_given_back, "closed_pool_leaves_the_others_in_the_registry", "[registry]") {
  const std::size_t closed = GENERATE(0u, 1u, 2u, 3u);
  const bool rotated_before = GENERATE(false, true);
  std::vector<std::unique_ptr<fake_pool>> pools;
  const auto expected = [&] {
    log lines;
    for (std::size_t i = 0; i < pools.size(); ++i) {
      if (pools[i] != nullptr) lines.push_back("rotate " + std::to_string(i));
    }
    return lines;
  };
  const auto add = [&] {
    pools.push_back(std::make_unique<fake_pool>(std::to_string(pools.size())));
  };
  for (int i = 0; i < 3; ++i) add();
  // Pools that have been rotated are in the list, those added since in the inbox before it.
  if (rotated_before) CHECK(logged_by_rotate_all() == expected());
  add();
  CHECK(logged_by([&] { pools[closed].reset(); }) == log{"destroy " + std::to_string(closed)});
  CHECK(logged_by_rotate_all() == expected());
  add();
  CHECK(logged_by_rotate_all() == expected());
  for (const std::size_t i : {1u, 4u, 0u, 2u, 3u}) {
    pools[i].reset();
    CHECK(logged_by_rotate_all() == expected());
  }
}

TEST_CASE_METHOD(all_given_back, "closed_pool_with_references_is_not_rotated", "[registry]") {
  fake_pool a("a");
  fake_pool b("b");
  auto& entry = b.as_entry();
  CHECK(logged_by([&] { b.close(2); }).empty());
  CHECK(logged_by_rotate_all() == log{"rotate a"});
  CHECK(logged_by([&] { entry.drop_references(1); }).empty());
  CHECK(logged_by([&] { entry.drop_references(1); }) == log{"destroy b"});
  CHECK(logged_by_rotate_all() == log{"rotate a"});
}

TEST_CASE_METHOD(all_given_back, "pool_closed_while_it_is_rotated_is_drained_and_destroyed_after",
                 "[registry]") {
  fake_pool a("a");
  a.when_rotated([&] {
    a.close();
    fake_pool::log.push_back("closed");
  });
  CHECK(logged_by([] { registry::instance().rotate_all(); }) ==
        log{"rotate a", "closed", "drain a", "destroy a"});
  CHECK(logged_by_rotate_all().empty());
}

// Who only reads has taken nothing out that would be left to destroy.
TEST_CASE_METHOD(all_given_back, "pool_closed_while_it_is_visited_is_not_drained_by_the_visit",
                 "[registry]") {
  fake_pool a("a");
  CHECK(logged_by([&] { registry::instance().for_each([&](auto&) { a.close(); }); }) ==
        log{"destroy a"});
}

TEST_CASE_METHOD(all_given_back, "pools_closed_during_rotate_all_are_left_out_if_it_has_not_come",
                 "[registry]") {
  // Entries that are destroyed, or that stay in the list because they are still referred to.
  const std::uint64_t references = GENERATE(0u, 1u);
  std::vector<std::unique_ptr<fake_pool>> pools;
  std::vector<pool_entry<test_sync>*> entries;
  for (int i = 0; i < 5; ++i) {
    pools.push_back(std::make_unique<fake_pool>(std::to_string(i)));
    entries.push_back(&pools.back()->as_entry());
  }
  // Whichever comes first closes its neighbours; so does whichever comes next.
  for (std::size_t i = 0; i < 5; ++i) {
    pools[i]->when_rotated([&, i] {
      if (i > 0) pools[i - 1]->close(references);
      if (i < 4) pools[i + 1]->close(references);
    });
  }
  const log lines = logged_by([] { registry::instance().rotate_all(); });
  const auto told = [&](const std::string& what, std::size_t i) {
    return std::count(lines.begin(), lines.end(), what + ' ' + std::to_string(i));
  };
  CHECK(told("rotate", 0) == 1);
  CHECK(told("rotate", 1) == 0);
  CHECK(told("rotate", 2) == 1);
  CHECK(told("rotate", 3) == 0);
  CHECK(told("rotate", 4) == 1);
  if (references == 0) return;
  for (const std::size_t i : {1u, 3u}) entries[i]->drop_references(1);
}

// In a forked child, whose parent's thread had made the pool and was about to link it.
TEST_CASE_METHOD(all_given_back, "pool_that_was_never_linked_ends_without_harm_to_the_others",
                 "[registry]") {
  const bool rotated_before = GENERATE(false, true);
  const fake_pool a("a");
  const fake_pool b("b");
  if (rotated_before) CHECK(logged_by_rotate_all().size() == 2);
  fake_pool c("c", false);
  CHECK(logged_by([&] { c.close(); }) == log{"destroy c"});
  CHECK(logged_by_rotate_all() == log{"rotate a", "rotate b"});
}

TEST_CASE_METHOD(all_given_back, "pool_made_during_rotate_all_is_in_the_registry", "[registry]") {
  fake_pool a("a");
  std::unique_ptr<fake_pool> made;
  a.when_rotated([&] { made = std::make_unique<fake_pool>("made"); });
  CHECK(logged_by_rotate_all().back() == "rotate a");
  CHECK(logged_by_rotate_all() == log{"rotate a", "rotate made"});
}

TEST_CASE_METHOD(all_given_back, "rotate_all_may_be_called_from_a_pool_that_is_rotated",
                 "[registry]") {
  const fake_pool a("a");
  fake_pool b("b");
  b.when_rotated([] { registry::instance().rotate_all(); });
  CHECK(logged_by_rotate_all() == log{"rotate a", "rotate a", "rotate b", "rotate b"});
}

TEST_CASE_METHOD(all_given_back, "link_interrupted_anywhere_keeps_every_pool", "[registry]") {
  const int other = GENERATE(0, 1, 2);
  std::uint64_t interruptions = 0;
  for (std::uint64_t n = 0;; ++n) {
    auto a = std::make_unique<fake_pool>("a");
    std::unique_ptr<fake_pool> b;
    std::unique_ptr<fake_pool> c;
    const bool interrupted = interrupt(
        n, event::step, [&] { b = std::make_unique<fake_pool>("b"); },
        [&] {
          if (other == 0) c = std::make_unique<fake_pool>("c");
          if (other == 1) a.reset();
          if (other == 2) registry::instance().rotate_all();
        });
    if (!interrupted) break;
    ++interruptions;
    const log rotated = logged_by_rotate_all();
    if (other == 0) REQUIRE(rotated == log{"rotate a", "rotate b", "rotate c"});
    if (other == 1) REQUIRE(rotated == log{"rotate b"});
    if (other == 2) REQUIRE(rotated == log{"rotate a", "rotate b"});
  }
  CHECK(interruptions > 0);
}

}  // namespace

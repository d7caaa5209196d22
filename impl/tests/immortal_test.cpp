// immortal.hpp: what is never destroyed, also while a program ends.
#include <poolproof/immortal.hpp>
#include <poolproof/object_pool.hpp>

#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <cstdlib>
#include <memory>
#include <thread>
#include <type_traits>
#include <utility>
#include <vector>

#include "catch.hpp"
#include "child.hpp"

namespace {

using namespace std::chrono_literals;
using poolproof::immortal;
using poolproof::object_pool;
using poolproof::pool_options;
using poolproof::test::holds_in_child;

struct mourned {
  explicit mourned(std::unique_ptr<int> n, int& destroyed)
      : number(std::move(n)), deaths(destroyed) {}
  ~mourned() { ++deaths; }
  std::unique_ptr<int> number;
  int& deaths;
};

TEST_CASE("immortal_object_is_made_from_its_arguments_and_not_destroyed", "[immortal]") {
  int deaths = 0;
  auto number = std::make_unique<int>(7);
  int* const kept = number.get();
  {
    immortal<mourned> made(std::move(number), deaths);
    const auto& constant = made;
    CHECK(*made->number == 7);
    CHECK(&*made == made.operator->());
    CHECK(&*constant == &*made);
    CHECK(constant->number.get() == kept);
  }
  CHECK(deaths == 0);
  delete kept;
}

TEST_CASE("immortal_is_constructible_from_what_its_object_is", "[immortal]") {
  STATIC_REQUIRE(std::is_default_constructible_v<immortal<object_pool<int>>>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<immortal<mourned>>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<immortal<object_pool<int>>, int>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<immortal<object_pool<int>>>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<immortal<object_pool<int>>>);
}

// Destroyed after the pool, which comes later in this file: threads are at work in it meanwhile.
struct last_words {
  ~last_words() {
    if (waits) std::this_thread::sleep_for(100ms);
  }
  std::atomic<bool> waits{false};
} between_pool_and_end;

using buffer = std::array<int, 100>;
#if defined(POOLPROOF_TEST_MORTAL)
// What the test is for: it is seen to fail with this.
object_pool<buffer> shared_pool;
object_pool<buffer>* const used = &shared_pool;
#else
constinit immortal<object_pool<buffer>> shared_pool([] { return std::make_unique<buffer>(); },
                                                    pool_options{.cycle_interval = 1ms});
object_pool<buffer>* const used = shared_pool.operator->();
#endif

void work_for_ever(std::atomic<int>& at_work) {
  std::vector<std::unique_ptr<buffer>> mine;
  for (unsigned i = 0;; ++i) {
    ++(*used->borrow())[0];
    mine.push_back(used->get());
    if (mine.size() == 40) {
      for (auto& each : mine) used->put(std::move(each));
      mine.clear();
    }
    if (i % 100 == 0) used->rotate();
    if (i == 100) ++at_work;
  }
}

TEST_CASE("detached_threads_use_an_immortal_pool_while_the_program_ends", "[immortal]") {
  for (int i = 0; i < 5; ++i) {
    CHECK(holds_in_child([] {
      static std::atomic<int> at_work{0};
      for (int t = 0; t < 4; ++t) std::thread([] { work_for_ever(at_work); }).detach();
      while (at_work < 4) std::this_thread::yield();
      between_pool_and_end.waits = true;
      std::exit(EXIT_SUCCESS);
      return false;
    }));
  }
}

}  // namespace

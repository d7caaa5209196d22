// SPDX-License-Identifier: MIT
// immortal.hpp: what is never destroyed. While a program ends: builds/threads_at_exit.cpp.
#include <poolproof/immortal.hpp>
#include <poolproof/object_pool.hpp>

#include <memory>
#include <type_traits>
#include <utility>

#include "catch.hpp"

namespace {

using poolproof::immortal;
using poolproof::object_pool;

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

// Constant-initialised, or it does not compile.
constinit immortal<object_pool<int>> of_before_main;

TEST_CASE("immortal_pool_is_of_use_before_main", "[immortal]") {
  CHECK(of_before_main->get() != nullptr);
}

struct hidden {
  hidden* operator&() { return nullptr; }              // NOLINT(google-runtime-operator)
  const hidden* operator&() const { return nullptr; }  // NOLINT(google-runtime-operator)
  int value = 3;
};

TEST_CASE("object_that_hides_its_address_is_reached", "[immortal]") {
  immortal<hidden> made;
  const auto& constant = made;
  CHECK(made.operator->() == std::addressof(*made));
  CHECK(constant.operator->() == std::addressof(*made));
  CHECK(made->value == 3);
}

TEST_CASE("immortal_is_constructible_from_what_its_object_is", "[immortal]") {
  STATIC_REQUIRE(std::is_default_constructible_v<immortal<object_pool<int>>>);
  STATIC_REQUIRE_FALSE(std::is_default_constructible_v<immortal<mourned>>);
  STATIC_REQUIRE_FALSE(std::is_constructible_v<immortal<object_pool<int>>, int>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<immortal<object_pool<int>>>);
  STATIC_REQUIRE_FALSE(std::is_move_constructible_v<immortal<object_pool<int>>>);
  STATIC_REQUIRE_FALSE(std::is_copy_constructible_v<immortal<int>>);
  STATIC_REQUIRE_FALSE(std::is_copy_assignable_v<immortal<int>>);
}

}  // namespace

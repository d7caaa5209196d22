// SPDX-License-Identifier: MIT
// A number that is never more than a maximum: <poolproof/bounds.hpp>.
#include <poolproof/bounds.hpp>

#include "model.hpp"

namespace poolproof::models {
namespace {

// Property:   What is added at once is never more than the maximum, and is refused only where there
//             was no room at some moment.
// Expected:   passes
// Threads:    add 1 || add 1 || subtract 1
// Bound:      1 of at most 2 before the threads
// Would show: an addition that is lost, or that passes the maximum; a refusal beside room
struct add_vs_add_vs_subtract : model {
  static constexpr std::uint64_t most = 2;

  static model_info info() {
    return {.property = "what is added is never more than the maximum, and refused only if full",
            .threads = 3,
            .bound = "1 of at most 2; 2 additions, 1 subtraction",
            .outcomes = {"added both", "added one"}};
  }

  void before() override { require(number_.add(1, most), "no room in an empty number"); }

  void thread(unsigned index) override {
    if (index == 2) {
      number_.subtract(1);
      return;
    }
    added_[index] = number_.add(1, most) ? 1 : 0;
    require(number_.value() <= most, "more than the maximum");
  }

  void after() override {
    const unsigned added = added_[0] + added_[1];
    require(added != 0, "refused although there was room");
    require(number_.value() == added, "an addition or the subtraction was lost");
    outcome("%s", added == 2 ? "added both" : "added one");
  }

  bounded_count<sync> number_;
  unsigned added_[2] = {};
};

// Property:   Two that subtract what is above a minimum leave the minimum, and count what they
//             took.
// Expected:   passes
// Threads:    subtract up to 2 above 1 || the same || add 1
// Bound:      3 of at most 4 before the threads
// Would show: a subtraction that is lost or made twice; fewer than the minimum left
struct subtract_above_vs_subtract_above : model {
  static constexpr std::uint64_t most = 4;

  static model_info info() {
    return {.property = "what is above a minimum is subtracted once",
            .threads = 3,
            .bound = "3, the minimum 1; 2 subtractions of up to 2, 1 addition",
            .outcomes = {"took 2", "took 3"}};
  }

  void before() override { require(number_.add(3, most), "no room in an empty number"); }

  void thread(unsigned index) override {
    if (index == 2) {
      require(number_.add(1, most), "refused although there was room");
      return;
    }
    taken_[index] = number_.subtract_above(1, 2);
  }

  void after() override {
    const std::uint64_t taken = taken_[0] + taken_[1];
    require(number_.value() == 4 - taken, "a subtraction was lost, or made twice");
    require(number_.value() >= 1, "less than the minimum is left");
    outcome("took %u", static_cast<unsigned>(taken));
  }

  bounded_count<sync> number_;
  std::uint64_t taken_[2] = {};
};

const registered<add_vs_add_vs_subtract, subtract_above_vs_subtract_above> registration;

}  // namespace
}  // namespace poolproof::models

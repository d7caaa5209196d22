// SPDX-License-Identifier: MIT
// Copies of a counterexample are made here, so that no program that holds one compiles them.
#include <checker/counterexample.hpp>

namespace checker {

counterexample::counterexample() = default;
counterexample::counterexample(const counterexample&) = default;
counterexample::counterexample(counterexample&&) noexcept = default;
counterexample& counterexample::operator=(const counterexample&) = default;
counterexample& counterexample::operator=(counterexample&&) noexcept = default;
counterexample::~counterexample() = default;

}  // namespace checker

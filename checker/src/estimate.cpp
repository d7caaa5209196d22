// SPDX-License-Identifier: MIT
#include "estimate.hpp"

#include <chrono>

namespace checker {

size_estimate estimate(program& checked, const options& chosen, double seconds) {
  using clock = std::chrono::steady_clock;
  using duration = std::chrono::duration<double>;
  const auto start = clock::now();
  size_sampler sampler(checked, chosen);
  return estimate_within(
      sampler, seconds, [start] { return duration(clock::now() - start).count(); },
      start + std::chrono::duration_cast<clock::duration>(duration(2 * seconds)));
}

}  // namespace checker

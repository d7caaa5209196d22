// SPDX-License-Identifier: MIT
#include "estimate.hpp"

#include <chrono>

namespace checker {

size_estimate estimate(program& checked, const options& chosen, double seconds) {
  using clock = std::chrono::steady_clock;
  using duration = std::chrono::duration<double>;
  const auto start = clock::now();
  const auto spent = [start] { return duration(clock::now() - start).count(); };
  const auto until = start + std::chrono::duration_cast<clock::duration>(duration(2 * seconds));
  {
    size_sampler sampler(checked, chosen);
    const size_estimate found = estimate_within(sampler, seconds, spent, until);
    if (!sampler.fenced()) return found;
  }
  options unmerged = chosen;
  unmerged.merge_reads = false;
  size_sampler sampler(checked, unmerged);
  return estimate_within(sampler, seconds, spent, until);
}

}  // namespace checker

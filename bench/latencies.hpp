// SPDX-License-Identifier: MIT
// How long something takes, many times over: percentiles without keeping every time.
#pragma once

#include <algorithm>
#include <bit>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <vector>

namespace pool_bench {

using clock = std::chrono::steady_clock;

inline std::uint64_t nanoseconds_since(clock::time_point start) {
  return static_cast<std::uint64_t>(
      std::chrono::duration_cast<std::chrono::nanoseconds>(clock::now() - start).count());
}

// Counts by time: 16 steps for each power of two, so that a percentile is right within 6 %.
class latencies {
 public:
  void add(std::uint64_t nanoseconds) {
    ++counts_[place(nanoseconds)];
    longest_ = std::max(longest_, nanoseconds);
    sum_ += nanoseconds;
    ++total_;
  }

  void add(const latencies& other) {
    for (std::size_t i = 0; i < counts_.size(); ++i) counts_[i] += other.counts_[i];
    longest_ = std::max(longest_, other.longest_);
    sum_ += other.sum_;
    total_ += other.total_;
  }

  // The upper end of the step in which the percentile lies.
  double percentile(double of_100) const {
    const auto wanted =
        static_cast<std::uint64_t>(std::ceil(static_cast<double>(total_) * of_100 / 100));
    std::uint64_t below = 0;
    for (std::size_t i = 0; i < counts_.size(); ++i) {
      below += counts_[i];
      if (below >= wanted) return static_cast<double>(std::min(upper_end(i), longest_));
    }
    return static_cast<double>(longest_);
  }

  double mean() const {
    return total_ == 0 ? 0 : static_cast<double>(sum_) / static_cast<double>(total_);
  }
  std::uint64_t longest() const { return longest_; }
  std::uint64_t total() const { return total_; }

 private:
  static constexpr std::size_t step_bits = 4;
  static constexpr std::size_t steps = 1U << step_bits;

  static std::size_t place(std::uint64_t value) {
    if (value < steps) return value;
    const auto shift = static_cast<std::size_t>(std::bit_width(value)) - step_bits - 1;
    return shift * steps + (value >> shift);
  }

  static std::uint64_t upper_end(std::size_t place) {
    if (place < 2 * steps) return place;
    const std::size_t shift = place / steps - 1;
    return (((place % steps + steps) + 1) << shift) - 1;
  }

  std::vector<std::uint64_t> counts_ = std::vector<std::uint64_t>(64 * steps);
  std::uint64_t longest_ = 0;
  std::uint64_t sum_ = 0;
  std::uint64_t total_ = 0;
};

}  // namespace pool_bench

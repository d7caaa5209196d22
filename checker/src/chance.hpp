// SPDX-License-Identifier: MIT
// Executions by chance: what a search does that looks for an error rather than for all executions.
//
// Which thread goes on is decided as by PCT (Burckhardt, Kothari, Musuvathi and Nagarakatte, A
// randomized scheduler with probabilistic guarantees of finding bugs, ASPLOS 2010): each thread has
// a priority, the highest that can run does, and at `depth` - 1 places by chance the one that runs
// gets the lowest. Of n threads that make k events in all, an error that needs `depth` orders
// between events is met with a probability of at least 1 in n * k^(depth - 1), if reads read the
// newest value, as every second execution lets them. In the others they may read older ones, as the
// memory model allows, and of these no such number is known.
//
// Stands on: nothing.
#pragma once

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <random>
#include <vector>

namespace checker {

class chance {
 public:
  chance(unsigned threads, unsigned depth, std::uint64_t seed)
      : random_(seed), priorities_(threads), depth_(std::max(depth, 1u)) {}

  // Another execution.
  void begin() {
    stale_ = !stale_;
    events_ = 0;
    lowest_ = 0;
    for (std::size_t t = 0; t != priorities_.size(); ++t)
      priorities_[t] = static_cast<int>(depth_ + t);
    std::shuffle(priorities_.begin(), priorities_.end(), random_);
    changes_.clear();
    for (unsigned i = 1; i < depth_; ++i) changes_.push_back(below(longest_));
  }

  // A thread is about to make an event.
  void count(unsigned thread) {
    for (std::size_t i = 0; i != changes_.size(); ++i) {
      if (changes_[i] == events_) priorities_[thread] = static_cast<int>(i);
    }
    longest_ = std::max(longest_, ++events_);
  }

  // It waits, and may do so for long: the others go first.
  void yield(unsigned thread) { priorities_[thread] = --lowest_; }

  int priority(unsigned thread) const noexcept { return priorities_[thread]; }

  // Whether this read, or write, is not to be the last of its location.
  bool stale() { return stale_ && below(4) == 0; }

  std::size_t below(std::size_t n) { return n < 2 ? 0 : random_() % n; }

  // The most events that an execution had.
  std::size_t longest() const noexcept { return longest_; }

 private:
  std::mt19937_64 random_;
  std::vector<int> priorities_;
  std::vector<std::size_t> changes_;
  const unsigned depth_;
  int lowest_ = 0;
  std::size_t events_ = 0;
  std::size_t longest_ = 1;
  bool stale_ = true;
};

}  // namespace checker

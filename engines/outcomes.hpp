// SPDX-License-Identifier: MIT
// The outcomes of a search: which texts its executions showed, and how often.
//
// Stands on: the standard library. Outcomes are few, and short; noting one allocates nothing, for
// it is done inside modelled threads.
#pragma once

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace poolproof::models {

struct seen_outcome {
  std::string text;
  std::uint64_t times = 0;
};

class outcome_table {
 public:
  static constexpr std::size_t max_length = 96;
  static constexpr std::size_t max_outcomes = 256;

  // The number of an outcome.
  std::size_t find(const char* text) noexcept {
    for (std::size_t i = 0; i != count_; ++i) {
      if (std::strcmp(outcomes_[i].text, text) == 0) return i;
    }
    if (count_ == outcomes_.size()) {
      std::fprintf(stderr, "models: more than %zu different outcomes\n", outcomes_.size());
      std::abort();
    }
    entry& added = outcomes_[count_];
    std::snprintf(added.text, max_length, "%s", text);
    return count_++;
  }

  void clear() noexcept { *this = {}; }

  void add(std::size_t number) noexcept { ++outcomes_[number].times; }

  // What was added, in order of the texts.
  std::vector<seen_outcome> sorted() const {
    std::vector<seen_outcome> all;
    for (std::size_t i = 0; i != count_; ++i) {
      if (outcomes_[i].times != 0) all.push_back({outcomes_[i].text, outcomes_[i].times});
    }
    std::sort(all.begin(), all.end(),
              [](const seen_outcome& a, const seen_outcome& b) { return a.text < b.text; });
    return all;
  }

 private:
  struct entry {
    char text[max_length];
    std::uint64_t times;
  };

  std::array<entry, max_outcomes> outcomes_{};
  std::size_t count_ = 0;
};

// Those of this process, which runs one model.
inline outcome_table all_outcomes;

}  // namespace poolproof::models

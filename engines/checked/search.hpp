// SPDX-License-Identifier: MIT
// Runs one model through the checker.
//
// Stands on: model.
#pragma once

#include "../model.hpp"

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

namespace poolproof::models {

struct search_request {
  checker::memory_model model = checker::memory_model::rc11;
  double seconds = 0;      // the longest that it may take; 0: as long as it takes
  std::uint64_t runs = 0;  // how many executions it may visit at most; 0: all
  // Which part of the search is done: part `part` of `parts`.
  unsigned part = 0;
  unsigned parts = 1;
  std::string replay = {};  // run this one execution
  std::function<void(const checker::progress&)> on_progress = {};
  bool estimate = false;        // the size of the search, before it begins: for on_progress
  bool load_buffering = false;  // look for what it could reach
};

struct search_result {
  failure failed_by = failure::none;
  std::string message;
  std::optional<checker::counterexample> first;  // what it failed by
  std::uint64_t complete = 0;
  std::uint64_t blocked = 0;
  std::uint64_t errors = 0;
  std::uint64_t cut = 0;  // executions that a bound cut
  std::uint64_t runs = 0;
  double seconds = 0;
  checker::graph_hash hash;                 // of the complete executions
  bool timed_out = false;                   // its seconds or its runs were up before it was done
  checker::size_estimate estimate;          // of complete, if the search has timed out
  std::vector<std::string> load_buffering;  // see load_buffering.hpp
};

// The outcomes of complete executions are added to all_outcomes. Throws std::invalid_argument if
// the replay cannot be read.
search_result run_search(const model_entry& entry, const search_request& request);

}  // namespace poolproof::models

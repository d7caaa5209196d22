// SPDX-License-Identifier: MIT
// Runs one model through Relacy's schedulers.
//
// Stands on: model.
#pragma once

#include "../model.hpp"

#include <cstdint>
#include <string>

namespace poolproof::models {

enum class search_kind : std::uint8_t { full, bound, random };

struct search_request {
  search_kind kind = search_kind::full;
  int context_bound = 0;
  std::uint64_t iterations = 0;  // of a random search; the others end by themselves
  std::uint64_t seed = 1;
  double seconds = 0;         // the longest that it may take; 0: as long as it takes
  std::string initial_state;  // Relacy's: where to begin
  bool replay = false;        // run the one execution at initial_state
};

struct search_result {
  failure failed_by = failure::none;
  std::string message;
  std::string interleaving;
  std::string final_state;       // Relacy's, of the failed execution
  std::uint64_t iterations = 0;  // as Relacy counts them
  std::uint64_t executions = 0;  // that ran from before() to after()
  std::uint64_t distinct = 0;    // different series of choices among them
  double seconds = 0;
  bool timed_out = false;
};

search_result run_search(const model_entry& entry, const search_request& request);

}  // namespace poolproof::models

// SPDX-License-Identifier: MIT
// What the programs on the checker say of a search: its hash; and of one that is not done how large
// it may be.
//
// Stands on: driver, the checker.
#pragma once

#include "../driver.hpp"

#include <checker/progress_line.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <string>

namespace poolproof::models {

// How long the size of a search is estimated that was given so long, if any time, and was not done.
inline double estimate_seconds(double given) {
  return given > 0 ? std::clamp(given / 5, 1.0, 20.0) : 10;
}

inline std::string hexadecimal(const checker::graph_hash& hash) {
  std::ostringstream out;
  out << std::hex << std::setfill('0') << std::setw(16) << hash.high << std::setw(16) << hash.low;
  return out.str();
}

inline json json_estimate(const checker::size_estimate& size) {
  if (!size.known) return nullptr;
  return {{"executions", size.executions}, {"error", size.error}, {"rough", size.rough}};
}

}  // namespace poolproof::models

// What the programs on the checker say of a search: its hash; and of one that is not done how large
// it may be, and how far it is.
//
// Stands on: driver, the checker.
#pragma once

#include "../../driver.hpp"

#include <checker/progress_line.hpp>

#include <algorithm>
#include <iomanip>
#include <sstream>
#include <string>
#include <string_view>

namespace poolproof::models {

// How long the size of a search is estimated that was given so long, and was not done.
inline double estimate_seconds(double given) { return std::clamp(given / 5, 1.0, 20.0); }

// As a string of JSON.
inline std::string json_hash(const checker::graph_hash& hash) {
  std::ostringstream out;
  out << '"' << std::hex << std::setfill('0') << std::setw(16) << hash.high << std::setw(16)
      << hash.low << '"';
  return out.str();
}

inline std::string json_estimate(const checker::size_estimate& size) {
  if (!size.known) return "null";
  std::ostringstream out;
  out << "{\"executions\": " << size.executions << ", \"error\": " << size.error
      << ", \"rough\": " << (size.rough ? "true" : "false") << "}";
  return out.str();
}

inline checker::showing showing_of(std::string_view option, std::string_view value) {
  const auto known = checker::showing_of(value);
  if (!known) {
    throw usage_error(std::string(option) + ": '" + std::string(value) +
                      "' is not auto, always or never");
  }
  return *known;
}

}  // namespace poolproof::models

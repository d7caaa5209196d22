// SPDX-License-Identifier: MIT
// What a search has found, as sets that tests compare.
#pragma once

#include <checker/search.hpp>

#include <set>
#include <string>

namespace checker {

inline std::set<std::string> outcomes_of(const statistics& found) {
  return {found.outcomes.begin(), found.outcomes.end()};
}

inline std::set<fault> faults_of(const statistics& found) {
  std::set<fault> all;
  for (const errors_of_kind& each : found.kinds) all.insert(each.what);
  return all;
}

}  // namespace checker

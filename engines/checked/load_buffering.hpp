// SPDX-License-Identifier: MIT
// The candidates of load buffering that a search has seen, by the sites of the headers.
//
// Stands on: checked_headers, <checker/load_buffering.hpp>.
#pragma once

#include "../checked_headers.hpp"

#include <checker/load_buffering.hpp>
#include <checker/search.hpp>

#include <string>
#include <vector>

namespace poolproof::models {

// "read > write < answer": the write could overtake the read, which could then read the answer.
inline std::vector<std::string> names_of(const checker::load_buffering& seen,
                                         const checker::exploration& searched) {
  const auto name = [&](std::uint32_t place, site_part part) {
    const checker::place& where = searched.where(place);
    return name_of(where.name(), where.line, part);
  };
  std::vector<std::string> names;
  for (const checker::load_buffering::candidate& each : seen.found()) {
    const auto part = each.read_failed ? site_part::fail : site_part::op;
    names.push_back(name(each.read, part) + " > " + name(each.write, site_part::op) + " < " +
                    name(each.answer, site_part::op));
  }
  return names;
}

}  // namespace poolproof::models

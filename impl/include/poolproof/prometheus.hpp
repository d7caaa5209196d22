// SPDX-License-Identifier: MIT
// What all pools of the process have done, as Prometheus reads it: its text format, version 0.0.4.
//
//     poolproof::write_prometheus(response);     // what a server answers to GET /metrics
//
//     # HELP poolproof_pool_misses_total Gets that found no item.
//     # TYPE poolproof_pool_misses_total counter
//     poolproof_pool_misses_total{pool="zstd"} 12
//
// What only grows is a counter, and all else a gauge; so are the hits, an estimate that may fall.
// What no pool of that name counts is not written, as steals are not of a bounded_pool.
// Pools of one name are one series, and so are all those without: their numbers are added up. What
// a pool has counted ends with it, which Prometheus takes for a restart.
//
// Stands on: object_pool, the standard library.
#pragma once

#include <poolproof/object_pool.hpp>

#include <array>
#include <cstddef>
#include <cstdint>
#include <map>
#include <ostream>
#include <string>
#include <string_view>

namespace poolproof {

// As a label's value stands between its quotation marks.
inline std::string escaped_label(std::string_view text) {
  std::string escaped;
  for (const char sign : text) {
    if (sign == '\\' || sign == '"') escaped += '\\';
    if (sign == '\n') {
      escaped += "\\n";
    } else {
      escaped += sign;
    }
  }
  return escaped;
}

// Writes the numbers of for_each_pool: of its moment, and by the thread that calls it. A name must
// be UTF-8. Throws what the stream throws, and std::bad_alloc.
inline void write_prometheus(std::ostream& to) {
  // Of each number the sums by name.
  std::array<std::map<std::string, std::uint64_t>, pool_numbers.size()> sums;
  for_each_pool([&](std::string_view name, const pool_stats& stats) {
    const std::string label = escaped_label(name);
    for (std::size_t i = 0; i != sums.size(); ++i) {
      const pool_number& number = pool_numbers[i];
      if (number.is_counted_by(stats.kind)) sums[i][label] += stats.*number.value;
    }
  });
  for (std::size_t i = 0; i != sums.size(); ++i) {
    if (sums[i].empty()) continue;
    const pool_number& number = pool_numbers[i];
    const std::string metric =
        "poolproof_pool_" + std::string(number.name) + (number.only_grows ? "_total" : "");
    to << "# HELP " << metric << ' ' << number.meaning << '\n'
       << "# TYPE " << metric << (number.only_grows ? " counter\n" : " gauge\n");
    for (const auto& [name, sum] : sums[i]) {
      // By std::to_string: the stream's locale may have its own way with numbers.
      to << metric << "{pool=\"" << name << "\"} " << std::to_string(sum) << '\n';
    }
  }
  to << "# HELP poolproof_leaked_pools_total Pools that have left memory behind at their end.\n"
        "# TYPE poolproof_leaked_pools_total counter\npoolproof_leaked_pools_total "
     << std::to_string(leaked_pools()) << '\n';
  to << "# HELP poolproof_pin_info How the thread that asks finds its share of a pool.\n"
        "# TYPE poolproof_pin_info gauge\npoolproof_pin_info{pin=\""
     << name_of(std_sync::pin()) << "\"} 1\n";
}

}  // namespace poolproof

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
// Pools of one name are one series, and so are all those without: their numbers are added up. What
// a pool has counted ends with it, which Prometheus takes for a restart.
//
// Stands on: object_pool, the standard library.
#pragma once

#include <poolproof/object_pool.hpp>

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
  std::map<std::string, pool_stats> pools;
  for_each_pool([&](std::string_view name, const pool_stats& stats) {
    pool_stats& sum = pools[escaped_label(name)];
    for (const pool_number& each : pool_numbers) sum.*each.value += stats.*each.value;
  });
  for (const pool_number& each : pool_numbers) {
    const std::string metric =
        "poolproof_pool_" + std::string(each.name) + (each.only_grows ? "_total" : "");
    to << "# HELP " << metric << ' ' << each.meaning << '\n'
       << "# TYPE " << metric << (each.only_grows ? " counter\n" : " gauge\n");
    for (const auto& [name, sum] : pools) {
      // By std::to_string: the stream's locale may have its own way with numbers.
      to << metric << "{pool=\"" << name << "\"} " << std::to_string(sum.*each.value) << '\n';
    }
  }
  to << "# HELP poolproof_pin_info How the thread that asks finds its share of a pool.\n"
        "# TYPE poolproof_pin_info gauge\npoolproof_pin_info{pin=\""
     << name_of(std_sync::pin()) << "\"} 1\n";
}

}  // namespace poolproof

// SPDX-License-Identifier: MIT
// What was there at each moment of a run, as the label that the runner reads: JSON with a list for
// each.
#pragma once

#include <cstdint>
#include <string>

namespace pool_bench {

struct timeline {
  std::string seconds, live, in_use, resident;

  void add(double at, std::uint64_t objects, std::uint64_t taken, std::uint64_t bytes) {
    append(seconds, std::to_string(at));
    append(live, std::to_string(objects));
    append(in_use, std::to_string(taken));
    append(resident, std::to_string(bytes));
  }
  static void append(std::string& list, const std::string& value) {
    list += (list.empty() ? "" : ",") + value;
  }
  std::string json() const {
    return "{\"seconds\":[" + seconds + "],\"live\":[" + live + "],\"in_use\":[" + in_use +
           "],\"resident_bytes\":[" + resident + "]}";
  }
};

}  // namespace pool_bench

// How the programs on the checker divide what they search among machines, and write what came of it
// so that it can be put together again: `ledger.py --merge` reads these lines.
//
// Stands on: driver.
#pragma once

#include "../../driver.hpp"

#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>

namespace poolproof::models {

// Share `number` of `count`, from 0.
struct share {
  unsigned number = 0;
  unsigned count = 1;

  // Every count-th, of a list that begins with the cheapest: so shares cost about the same.
  bool has(std::size_t place) const noexcept { return place % count == number; }
  std::string text() const { return std::to_string(number) + '/' + std::to_string(count); }
};

inline share share_of(std::string_view option, const std::string& value) {
  const std::size_t slash = value.find('/');
  if (slash == std::string::npos) {
    throw usage_error(std::string(option) + ": '" + value + "' is not I/N");
  }
  const share read{number_of<unsigned>(option, value.substr(0, slash)),
                   number_of<unsigned>(option, value.substr(slash + 1))};
  if (read.number >= read.count) throw usage_error(std::string(option) + ": I is less than N");
  return read;
}

// What was searched with changed headers belongs into no ledger.
inline void require_no_changes(std::string_view option) {
  if (changed_sites().empty()) return;
  throw usage_error(std::string(option) +
                    ": its lines are of the headers as they are, without --weaken and --mutate");
}

// A file of JSON, an object a line, to which those of this run are added. No path: nothing is
// written.
class lines_file {
 public:
  explicit lines_file(const std::string& path) : path_(path) {
    if (!path.empty()) open();
  }

  // The first line about a search: what it is, how much of it is here, of which headers.
  void begin(std::string_view search, const share& mine, std::size_t whole,
             std::string_view members) {
    if (path_.empty()) return;
    out_ << "{\"search\": " << quoted(search) << ", \"shard\": " << quoted(mine.text())
         << ", \"whole\": " << whole << ", \"headers\": " << quoted(headers_hash()) << ", "
         << members << "}\n";
  }

  // One of what was searched.
  void add(std::string_view search, std::string_view members) {
    if (!path_.empty()) out_ << "{\"search\": " << quoted(search) << ", " << members << "}\n";
  }

  void end() {
    if (!path_.empty() && !out_.flush()) throw std::runtime_error("cannot write " + path_);
  }

 private:
  void open() {
    out_.open(path_, std::ios::app);
    if (!out_) throw std::runtime_error("cannot write " + path_);
  }

  std::string path_;
  std::ofstream out_;
};

}  // namespace poolproof::models

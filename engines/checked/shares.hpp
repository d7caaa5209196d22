// SPDX-License-Identifier: MIT
// How the programs on the checker divide what they search among machines, and write what came of it
// so that it can be put together again: `ledger.py --merge` reads these lines.
//
// Stands on: driver.
#pragma once

#include "../driver.hpp"

#include <nlohmann/json.hpp>

#include <cstddef>
#include <fstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>

namespace poolproof::models {

// Share `number` of `count`, from 0.
struct share {
  unsigned number = 0;
  unsigned count = 1;

  // Every count-th, of a list that begins with the cheapest: so shares cost about the same.
  bool has(std::size_t place) const noexcept { return place % count == number; }
  std::string text() const { return std::to_string(number) + '/' + std::to_string(count); }
};

// Of I/N on a command line.
inline share share_of(std::string_view option, std::pair<unsigned, unsigned> read) {
  if (read.first >= read.second) throw usage_error(std::string(option) + ": I is less than N");
  return {read.first, read.second};
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
  void begin(std::string_view search, const share& mine, std::size_t whole, const json& what) {
    if (path_.empty()) return;
    json line = {
        {"search", search}, {"shard", mine.text()}, {"whole", whole}, {"headers", headers_hash()}};
    line.update(what);
    out_ << printed(line) << '\n';
  }

  // One of what was searched.
  void add(std::string_view search, const json& what) {
    if (path_.empty()) return;
    json line = {{"search", search}};
    line.update(what);
    out_ << printed(line) << '\n';
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

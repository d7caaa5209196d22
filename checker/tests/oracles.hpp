// SPDX-License-Identifier: MIT
// The litmus programs with known counts that lie beside the tests.
#pragma once

#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <string>
#include <vector>

#include "../tools/notation.hpp"
#include "../tools/program.hpp"

namespace checker {

// The text of oracles/<stem>.litmus.
inline std::string oracle_file(const std::string& stem) {
  const std::filesystem::path file =
      std::filesystem::path(__FILE__).parent_path() / "oracles" / (stem + ".litmus");
  std::ifstream in(file);
  if (!in) throw std::runtime_error("cannot read " + file.string());
  std::ostringstream text;
  text << in.rdbuf();
  return text.str();
}

inline std::vector<litmus::program> load_oracles(const std::string& stem) {
  return litmus::parse(oracle_file(stem), stem + ".litmus");
}

}  // namespace checker

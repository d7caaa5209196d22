// SPDX-License-Identifier: MIT
// What a program knows of the headers that it was compiled from: their hash, and each order of each
// of their atomic operations, by which a run can be told to change it. Generated when it is built.
//
// Stands on: sites.
#pragma once

#include "sites.hpp"

#include <cstdint>
#include <span>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::models {

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct labelled_site {
  std::string_view file;
  unsigned line;
  site_part part;
  std::string_view operation;
  std::string_view label;
  std::string_view order;
};

// Of the tokens of all headers, as the ledger of proofs has it.
std::string_view headers_hash();

std::span<const labelled_site> labelled_sites();

// By its label, or by FILE:LINE:op or FILE:LINE:fail (FILE:LINE is its op). Throws usage_error with
// the nearest sites if there is none.
const labelled_site& find_site(std::string_view option, std::string_view name);

// Its label, and where it is.
std::string text_of(const labelled_site& site);

// By its label, which stays when lines move; by file and line if it has none.
std::string name_of(std::string_view file, unsigned line, site_part part);

// Those of some sites that are nearest to one: in its file, by lines.
std::vector<const labelled_site*> nearest(const labelled_site& to,
                                          std::vector<const labelled_site*> sites);

// A line for each.
std::string list_of(const std::vector<const labelled_site*>& sites);

// All of them, for --sites.
void print_sites();

}  // namespace poolproof::models

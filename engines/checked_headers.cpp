// SPDX-License-Identifier: MIT
#include "checked_headers.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdio>
#include <optional>

namespace poolproof::models {
namespace {

#include "checked_headers.inc"

constexpr std::size_t most_listed = 3;

std::string place_of(std::string_view file, unsigned line, site_part part) {
  return std::string(file) + ':' + std::to_string(line) + (part == site_part::op ? ":op" : ":fail");
}

std::vector<const labelled_site*> all_sites_of_headers() {
  std::vector<const labelled_site*> all;
  for (const labelled_site& each : sites_of_headers) all.push_back(&each);
  return all;
}

// FILE:LINE[:PART], as far as it is one.
std::optional<labelled_site> place_in(std::string_view name) {
  labelled_site named{};
  if (name.ends_with(":fail")) named.part = site_part::fail;
  if (name.ends_with(":fail") || name.ends_with(":op")) name = name.substr(0, name.rfind(':'));
  const std::size_t colon = name.find(':');
  if (colon == std::string_view::npos) return std::nullopt;
  named.file = name.substr(0, colon);
  const char* const last = name.data() + name.size();
  const auto [end, error] = std::from_chars(name.data() + colon + 1, last, named.line);
  if (error != std::errc{} || end != last) return std::nullopt;
  return named;
}

// How many letters have to be changed, added or left out.
std::size_t distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> row(b.size() + 1);
  for (std::size_t j = 0; j != row.size(); ++j) row[j] = j;
  for (std::size_t i = 0; i != a.size(); ++i) {
    std::size_t diagonal = row[0]++;
    for (std::size_t j = 0; j != b.size(); ++j) {
      const std::size_t changed = diagonal + (a[i] == b[j] ? 0 : 1);
      diagonal = row[j + 1];
      row[j + 1] = std::min({changed, diagonal + 1, row[j] + 1});
    }
  }
  return row.back();
}

template <class Distance>
std::vector<const labelled_site*> least(std::vector<const labelled_site*> sites, Distance far) {
  std::stable_sort(sites.begin(), sites.end(), [&](auto* a, auto* b) { return far(*a) < far(*b); });
  sites.resize(std::min(sites.size(), most_listed));
  return sites;
}

std::vector<const labelled_site*> nearest_labels(std::string_view label) {
  return least(all_sites_of_headers(),
               [&](const labelled_site& each) { return distance(each.label, label); });
}

}  // namespace

std::string_view headers_hash() { return hash_of_headers; }

std::span<const labelled_site> labelled_sites() { return sites_of_headers; }

const labelled_site& find_site(std::string_view option, std::string_view name) {
  const std::optional<labelled_site> place = place_in(name);
  for (const labelled_site& each : sites_of_headers) {
    if (place ? each.file == place->file && each.line == place->line && each.part == place->part
              : each.label == name) {
      return each;
    }
  }
  throw usage_error(
      std::string(option) + ": the headers have no site '" + std::string(name) +
      "' (--sites lists all); the nearest:\n" +
      list_of(place ? nearest(*place, all_sites_of_headers()) : nearest_labels(name)));
}

std::string text_of(const labelled_site& site) {
  return '[' + std::string(site.label) + "] " + place_of(site.file, site.line, site.part) + ' ' +
         std::string(site.operation) + ", " + std::string(site.order);
}

std::string name_of(std::string_view file, unsigned line, site_part part) {
  for (const labelled_site& each : sites_of_headers) {
    if (each.line != line || each.part != part || each.file != file) continue;
    if (!each.label.empty()) return std::string(each.label);
  }
  return place_of(file, line, part);
}

std::vector<const labelled_site*> nearest(const labelled_site& to,
                                          std::vector<const labelled_site*> sites) {
  const bool in_file =
      std::any_of(sites.begin(), sites.end(), [&](auto* each) { return each->file == to.file; });
  return least(std::move(sites), [&](const labelled_site& each) {
    if (!in_file) return distance(each.file, to.file);
    const std::size_t lines = each.line < to.line ? to.line - each.line : each.line - to.line;
    return each.file == to.file ? lines : ~std::size_t{0};
  });
}

std::string list_of(const std::vector<const labelled_site*>& sites) {
  std::string lines;
  for (const labelled_site* const each : sites) lines += "  " + text_of(*each) + '\n';
  return lines.substr(0, lines.empty() ? 0 : lines.size() - 1);
}

void print_sites() { std::puts(list_of(all_sites_of_headers()).c_str()); }

}  // namespace poolproof::models

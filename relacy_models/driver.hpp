// What the programs of both engines share: options that change sites, the list of the models, and
// the forms in which results are printed.
//
// Stands on: model, outcomes, checked_headers.
#pragma once

#include "checked_headers.hpp"
#include "model.hpp"
#include "outcomes.hpp"

#include <charconv>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::models {

template <class Number>
Number number_of(std::string_view option, std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    throw usage_error(std::string(option) + ": '" + std::string(text) + "' is not a number");
  }
  return number;
}

// --weaken SITE:ORDER and --mutate SITE:HOW. They throw usage_error where that would change nothing:
// there is no such site, its order is not weaker, or its operation is of another kind.
void weaken(std::string text);
void mutate(std::string text);

struct changed_site {
  const labelled_site* labelled;
  const site* where;
};

const std::vector<changed_site>& changed_sites();
// How often it was reached.
std::uint64_t reached(const changed_site& changed);
// Throws usage_error, with the nearest sites that were reached, if a changed one was not.
void require_changes_reached();

// How often each labelled site was reached: what a process has counted, for the one that started
// it, which adds it to its own.
std::vector<std::uint64_t> reached_counts();
std::vector<std::uint64_t> reached_since(const std::vector<std::uint64_t>& before);
void add_reached(const std::vector<std::uint64_t>& counts);

// Throws usage_error if there is none.
const model_entry& find_model(std::string_view name);
// A name stands for one model.
void require_different_names();
void list_models(const std::vector<const model_entry*>& models, bool json);

// Of the outcomes that a model expects, which were not seen; and which others were.
struct outcome_comparison {
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
};

outcome_comparison compare_outcomes(const model_info& info, const std::vector<seen_outcome>& seen);

std::string_view text_of(failure kind);
std::string_view text_of(verdict v);
std::string joined(const std::vector<std::string>& texts);

std::string quoted(std::string_view text);

template <class Range, class Print>
std::string json_list(const Range& range, Print print) {
  std::string result = "[";
  for (const auto& element : range) {
    if (result.size() > 1) result += ", ";
    result += print(element);
  }
  return result + "]";
}

std::string json_texts(const std::vector<std::string>& texts);
std::string json_outcomes(const std::vector<seen_outcome>& outcomes);
// The members of an object, without its braces.
std::string json_model(const model_entry& entry);
std::string json_sites();

}  // namespace poolproof::models

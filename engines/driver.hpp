// SPDX-License-Identifier: MIT
// What the programs of both engines share: options that change sites, the list of the models, and
// the forms in which results are printed.
//
// Stands on: model, outcomes, checked_headers.
#pragma once

#include "checked_headers.hpp"
#include "model.hpp"
#include "outcomes.hpp"

#include <nlohmann/json_fwd.hpp>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::models {

using json = nlohmann::ordered_json;

// --weaken SITE:ORDER and --mutate SITE:HOW. They throw usage_error where that would change
// nothing: there is no such site, its order is not weaker, or its operation is of another kind.
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
void list_models(const std::vector<const model_entry*>& models, bool as_json);

// Of the outcomes that a model expects, which were not seen; and which others were.
struct outcome_comparison {
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
};

outcome_comparison compare_outcomes(const model_info& info, const std::vector<seen_outcome>& seen);

std::string_view text_of(failure kind);
std::string_view text_of(verdict v);
std::string joined(const std::vector<std::string>& texts);

// On one line. What is no UTF-8 is replaced.
std::string printed(const json& what);
json json_outcomes(const std::vector<seen_outcome>& outcomes);
json json_model(const model_entry& entry);
json json_sites();

}  // namespace poolproof::models

// SPDX-License-Identifier: MIT
#include "driver.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <cstddef>
#include <functional>
#include <iostream>
#include <utility>

namespace poolproof::models {
namespace {

std::vector<changed_site> all_changed;

// Splits off what follows the last colon.
std::string split_last(std::string_view option, std::string& text) {
  const std::size_t colon = text.rfind(':');
  if (colon == std::string::npos) throw usage_error(std::string(option) + ": too few colons");
  std::string last = text.substr(colon + 1);
  text.resize(colon);
  return last;
}

std::memory_order order_of(std::string_view text) {
  if (text == "relaxed") return std::memory_order_relaxed;
  if (text == "acquire") return std::memory_order_acquire;
  if (text == "release") return std::memory_order_release;
  if (text == "acq_rel") return std::memory_order_acq_rel;
  if (text == "seq_cst") return std::memory_order_seq_cst;
  throw usage_error("--weaken: '" + std::string(text) + "' is not a memory order");
}

mutation mutation_of(std::string_view text) {
  if (text == "skip-store") return mutation::skip_store;
  if (text == "exchange-returns-zero") return mutation::exchange_returns_zero;
  if (text == "cas-blind") return mutation::cas_blind;
  throw usage_error("--mutate: '" + std::string(text) + "' is no mutation");
}

// Whether what an order promises is part of what another one does.
bool is_weaker(std::string_view order, std::string_view than) {
  if (order == than || than == "relaxed") return false;
  if (order == "relaxed" || than == "seq_cst") return true;
  return than == "acq_rel" && order != "seq_cst";
}

// A load releases nothing, a store acquires nothing.
bool can_have(const labelled_site& which, std::string_view order) {
  const bool loads = which.operation == "load" || which.part == site_part::fail;
  if (loads) return order != "release" && order != "acq_rel";
  return which.operation != "store" || (order != "acquire" && order != "acq_rel");
}

bool can_do(const labelled_site& which, mutation mutant) {
  if (which.part == site_part::fail) return false;
  switch (mutant) {
    case mutation::skip_store:
      return which.operation == "store";
    case mutation::exchange_returns_zero:
      return which.operation == "exchange";
    case mutation::cas_blind:
      return which.operation.starts_with("compare_exchange");
    case mutation::none:
      break;
  }
  return false;
}

site& site_of(const labelled_site& which) {
  return all_sites.at(which.file.data(), which.line);  // the names are literals
}

void note_change(const labelled_site& which, const site& changed) {
  watching_sites = true;
  all_changed.push_back({&which, &changed});
}

json json_site(const site& s, site_part part) {
  return {{"file", s.file},
          {"line", s.line},
          {"which", part == site_part::op ? "op" : "fail"},
          {"reached", s[part].reached},
          {"reached_by_threads", s[part].reached_by_threads}};
}

}  // namespace

void weaken(std::string text) {
  const std::string name = split_last("--weaken", text);
  const std::memory_order order = order_of(name);
  const labelled_site& which = find_site("--weaken", text);
  if (!is_weaker(name, which.order) || !can_have(which, name)) {
    throw usage_error("--weaken: " + name + " is no weaker order of " + text_of(which));
  }
  site& weakened = site_of(which);
  weakened[which.part].order = order;
  note_change(which, weakened);
}

void mutate(std::string text) {
  const std::string name = split_last("--mutate", text);
  const mutation mutant = mutation_of(name);
  const labelled_site& which = find_site("--mutate", text);
  if (!can_do(which, mutant)) {
    throw usage_error("--mutate: " + name + " is nothing that could befall " + text_of(which));
  }
  site& mutated = site_of(which);
  mutated.mutant = mutant;
  note_change(which, mutated);
}

const std::vector<changed_site>& changed_sites() { return all_changed; }

std::uint64_t reached(const changed_site& changed) {
  return (*changed.where)[changed.labelled->part].reached;
}

void require_changes_reached() {
  for (const changed_site& changed : all_changed) {
    if (reached(changed) != 0) continue;
    std::vector<const labelled_site*> others;
    for (const labelled_site& each : labelled_sites()) {
      if (site_of(each)[each.part].reached != 0) others.push_back(&each);
    }
    throw usage_error("nothing of this run reaches " + text_of(*changed.labelled) +
                      ", so that its change says nothing; reached, and nearest:\n" +
                      list_of(nearest(*changed.labelled, std::move(others))));
  }
}

std::vector<std::uint64_t> reached_counts() {
  std::vector<std::uint64_t> counts;
  for (const labelled_site& each : labelled_sites()) {
    counts.push_back(site_of(each)[each.part].reached);
  }
  return counts;
}

std::vector<std::uint64_t> reached_since(const std::vector<std::uint64_t>& before) {
  std::vector<std::uint64_t> counts = reached_counts();
  std::transform(counts.begin(), counts.end(), before.begin(), counts.begin(), std::minus<>{});
  return counts;
}

void add_reached(const std::vector<std::uint64_t>& counts) {
  for (std::size_t i = 0; i != counts.size(); ++i) {
    const labelled_site& which = labelled_sites()[i];
    site_of(which)[which.part].reached += counts[i];
  }
}

const model_entry& find_model(std::string_view name) {
  const auto& models = all_models();
  const auto entry = std::find_if(models.begin(), models.end(),
                                  [&](const model_entry& e) { return e.name == name; });
  if (entry == models.end()) throw usage_error("--model: there is no '" + std::string(name) + "'");
  return *entry;
}

void require_different_names() {
  std::vector<std::string_view> names;
  for (const model_entry& entry : all_models()) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return;
  throw std::runtime_error("two models have the name " + std::string(*twice));
}

void list_models(const std::vector<const model_entry*>& models, bool as_json) {
  if (as_json) {
    json list = json::array();
    for (const model_entry* const each : models) list.push_back(json_model(*each));
    std::cout << printed(list) << "\n";
    return;
  }
  for (const model_entry* const each : models) std::cout << each->name << "\n";
}

outcome_comparison compare_outcomes(const model_info& info, const std::vector<seen_outcome>& seen) {
  outcome_comparison result;
  for (const std::string_view text : info.outcomes) {
    const bool found = std::any_of(seen.begin(), seen.end(),
                                   [&](const seen_outcome& o) { return o.text == text; });
    if (!found) result.missing.emplace_back(text);
  }
  if (!info.no_other_outcomes) return result;
  for (const seen_outcome& each : seen) {
    if (std::find(info.outcomes.begin(), info.outcomes.end(), each.text) == info.outcomes.end()) {
      result.unexpected.push_back(each.text);
    }
  }
  return result;
}

std::string_view text_of(failure kind) {
  switch (kind) {
    case failure::none:
      return "none";
    case failure::assertion:
      return "assertion";
    case failure::data_race:
      return "data race";
    case failure::freed_memory:
      return "access to freed memory";
    case failure::double_free:
      return "double free";
    case failure::memory_leak:
      return "memory leak";
    case failure::resource_leak:
      return "resource leak";
    case failure::uninitialised_access:
      return "uninitialised access";
    case failure::deadlock:
      return "deadlock";
    case failure::livelock:
      return "livelock";
    case failure::mutex_misuse:
      return "mutex misuse";
    case failure::nondeterminism:
      return "nondeterministic model";
    case failure::cut:
      return "cut";
    case failure::missing_outcome:
      return "missing outcome";
    case failure::unexpected_outcome:
      return "unexpected outcome";
    case failure::few_schedules:
      return "few schedules";
    case failure::other:
      break;
  }
  return "other";
}

std::string joined(const std::vector<std::string>& texts) {
  std::string result;
  for (const std::string& text : texts) result += (result.empty() ? "" : "; ") + text;
  return result;
}

std::string printed(const json& what) {
  return what.dump(-1, ' ', false, json::error_handler_t::replace);
}

std::string_view text_of(verdict v) { return v == verdict::allowed ? "allowed" : "forbidden"; }

json json_model(const model_entry& entry) {
  const model_info& info = entry.info;
  json model = {{"name", entry.name},
                {"file", entry.file},
                {"property", info.property},
                {"threads", info.threads},
                {"bound", info.bound},
                {"full", info.search.full},
                {"expected", text_of(info.expected)}};
  if (!info.litmus.program.empty()) {
    model["litmus"] = {{"program", info.litmus.program},
                       {"outcome", info.litmus.outcome},
                       {"relacy", text_of(info.litmus.relacy)},
                       {"rc11", text_of(info.litmus.rc11)},
                       {"iso", text_of(info.litmus.iso)}};
  }
  return model;
}

// The sites of the headers and models that have been reached; and first, with zero if so it is, the
// changed ones: that a mutant survived and that it was never reached are different verdicts.
json json_sites() {
  std::vector<std::pair<const site*, site_part>> shown;
  for (const changed_site& changed : all_changed) {
    shown.emplace_back(changed.where, changed.labelled->part);
  }
  const std::size_t changed = shown.size();
  for (const site& s : all_sites) {
    for (const site_part part : {site_part::op, site_part::fail}) {
      const auto end = shown.begin() + static_cast<std::ptrdiff_t>(changed);
      if (s[part].reached != 0 && std::find(shown.begin(), end, std::pair{&s, part}) == end) {
        shown.emplace_back(&s, part);
      }
    }
  }
  json list = json::array();
  for (const auto& [where, part] : shown) list.push_back(json_site(*where, part));
  return list;
}

json json_outcomes(const std::vector<seen_outcome>& outcomes) {
  json list = json::array();
  for (const seen_outcome& each : outcomes) {
    list.push_back({{"text", each.text}, {"times", each.times}});
  }
  return list;
}

}  // namespace poolproof::models

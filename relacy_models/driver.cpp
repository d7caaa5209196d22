#include "driver.hpp"

#include <algorithm>
#include <cstdio>
#include <iostream>
#include <memory>
#include <sstream>
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

// The file names of weakened sites, which the table of sites refers to for as long as the process
// lives.
const char* keep(std::string text) {
  static std::vector<std::unique_ptr<std::string>> kept;
  return kept.emplace_back(std::make_unique<std::string>(std::move(text)))->c_str();
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

std::string json_site(const site& s, site_part part) {
  std::ostringstream out;
  out << "{\"file\": " << quoted(s.file) << ", \"line\": " << s.line
      << ", \"which\": " << (part == site_part::op ? "\"op\"" : "\"fail\"")
      << ", \"reached\": " << s[part].reached
      << ", \"reached_by_threads\": " << s[part].reached_by_threads << "}";
  return out.str();
}

}  // namespace

void weaken(std::string text) {
  const std::memory_order order = order_of(split_last("--weaken", text));
  const std::string part_name = split_last("--weaken", text);
  if (part_name != "op" && part_name != "fail") {
    throw usage_error("--weaken: '" + part_name + "' is not op or fail");
  }
  const auto line = number_of<unsigned>("--weaken", split_last("--weaken", text));
  const site_part part = part_name == "op" ? site_part::op : site_part::fail;
  site& weakened = all_sites.at(keep(text), line);
  weakened[part].order = order;
  watching_sites = true;
  all_changed.push_back({&weakened, part});
}

void mutate(std::string text) {
  const mutation mutant = mutation_of(split_last("--mutate", text));
  const auto line = number_of<unsigned>("--mutate", split_last("--mutate", text));
  site& mutated = all_sites.at(keep(text), line);
  mutated.mutant = mutant;
  watching_sites = true;
  all_changed.push_back({&mutated, site_part::op});
}

const std::vector<changed_site>& changed_sites() { return all_changed; }

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

void list_models(bool json) {
  if (json) {
    std::cout << json_list(all_models(), [](const model_entry& e) {
      return "{" + json_model(e) + "}";
    }) << "\n";
    return;
  }
  for (const model_entry& entry : all_models()) std::cout << entry.name << "\n";
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

std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += '\\';
      result += c;
    } else if (c == '\n') {
      result += "\\n";
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\u%04x", static_cast<unsigned>(c));
      result += escaped;
    } else {
      result += c;
    }
  }
  return result + '"';
}

std::string json_texts(const std::vector<std::string>& texts) { return json_list(texts, quoted); }

std::string_view text_of(verdict v) { return v == verdict::allowed ? "allowed" : "forbidden"; }

std::string json_model(const model_entry& entry) {
  const model_info& info = entry.info;
  std::ostringstream out;
  out << "\"name\": " << quoted(entry.name) << ", \"file\": " << quoted(entry.file)
      << ", \"property\": " << quoted(info.property) << ", \"threads\": " << info.threads
      << ", \"bound\": " << quoted(info.bound)
      << ", \"full\": " << (info.search.full ? "true" : "false")
      << ", \"expected\": " << quoted(text_of(info.expected));
  if (!info.litmus.program.empty()) {
    out << ", \"litmus\": {\"program\": " << quoted(info.litmus.program)
        << ", \"outcome\": " << quoted(info.litmus.outcome)
        << ", \"relacy\": " << quoted(text_of(info.litmus.relacy))
        << ", \"rc11\": " << quoted(text_of(info.litmus.rc11))
        << ", \"iso\": " << quoted(text_of(info.litmus.iso)) << "}";
  }
  return out.str();
}

// The sites of the headers and models that have been reached; and, with zero if so it is, the
// changed ones: that a mutant survived and that it was never reached are different verdicts.
std::string json_sites() {
  std::vector<changed_site> shown = all_changed;
  for (const site& s : all_sites) {
    for (const site_part part : {site_part::op, site_part::fail}) {
      const bool changed = std::any_of(all_changed.begin(), all_changed.end(),
                                       [&](auto& c) { return c.where == &s && c.part == part; });
      if (s[part].reached != 0 && !changed) shown.push_back({&s, part});
    }
  }
  return json_list(shown, [](const changed_site& c) { return json_site(*c.where, c.part); });
}

std::string json_outcomes(const std::vector<seen_outcome>& outcomes) {
  return json_list(outcomes, [](const seen_outcome& o) {
    return "{\"text\": " + quoted(o.text) + ", \"times\": " + std::to_string(o.times) + "}";
  });
}

}  // namespace poolproof::models

// SPDX-License-Identifier: MIT
// The program relacy_models: runs one model, says what came of it, and can run a failure again.

#include "../command_line.hpp"
#include "../driver.hpp"
#include "search.hpp"

#include <nlohmann/json.hpp>

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <limits>
#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::models {
namespace {

constexpr const char* exit_statuses = R"(
The exit status is 1 if an assertion, a race or a leak is found, or in a model that must fail, if it
is not; if no execution was explored; or if an expected outcome was never seen. Wrong usage exits
with 2, and so does a change of a site that the model does not reach.
)";

// --- The command line ----------------------------------------------------------------------------

struct options {
  bool list = false;
  bool json = false;
  bool sites = false;
  std::string model;
  std::optional<search_kind> search;
  int bound = 3;
  std::optional<std::uint64_t> iterations;
  int most_preemptions = std::numeric_limits<int>::max();
  std::uint64_t seed = 1;
  double seconds = 0;
  std::string replay;
  std::string sites_json;
  std::string repeat;  // the options that a replay must repeat
};

search_kind kind_of(std::string_view text) {
  if (text == "full") return search_kind::full;
  return text == "bound" ? search_kind::bound : search_kind::random;
}

// Nothing if only --help was asked for.
std::optional<options> read_options(int argc, char** argv) {
  options chosen;
  std::string search;
  std::uint64_t iterations = 0;
  changes changed;
  const auto line = command_line(
      "relacy_models",
      "Runs one model of poolproof's headers on Relacy. To run all of them, use run.py: Relacy\n"
      "keeps global state, so each model is a process of its own.",
      exit_statuses);
  line->add_flag("--list", chosen.list, "the names of all models");
  line->add_option("--model", chosen.model, "the model to run")->type_name("NAME");
  line->add_option("--search", search, "full, bound or random, instead of the model's own plan")
      ->type_name("KIND")
      ->check(CLI::IsMember({"full", "bound", "random"}));
  line->add_option("--bound", chosen.bound, "preemptions of a bound search (default 3)")
      ->type_name("N")
      ->check(not_negative);
  line->add_option("--iterations", iterations,
                   "iterations of random searches (default: as the model says, or 1000000)")
      ->type_name("N");
  line->add_option("--most-preemptions", chosen.most_preemptions,
                   "where the model's plan has a bound search: at most so many")
      ->type_name("N")
      ->check(not_negative);
  line->add_option("--seed", chosen.seed, "seed of a random search (default 1)")->type_name("N");
  line->add_option("--seconds", chosen.seconds,
                   "stop after S seconds; a search that is not done then has failed")
      ->type_name("S")
      ->check(not_negative);
  line->add_option("--replay", chosen.replay,
                   "run again one failed execution, as printed by the run that failed")
      ->type_name("STATE");
  changed.add_to(*line);
  line->add_flag("--sites", chosen.sites,
                 "list the headers' sites: each order of each atomic operation");
  line->add_option("--sites-json", chosen.sites_json, "write how often each site was reached")
      ->type_name("FILE");
  line->add_flag("--json", chosen.json, "print the result as one JSON object");
  if (!parse(*line, argc, argv)) return std::nullopt;

  if (!search.empty()) chosen.search = kind_of(search);
  if (line->count("--iterations") != 0) {
    if (iterations == 0) throw usage_error("--iterations: at least 1");
    chosen.iterations = iterations;
  }
  chosen.repeat = changed.make();
  if (!chosen.list && !chosen.sites && chosen.model.empty()) {
    throw usage_error("--model or --list is needed");
  }
  return chosen;
}

// --- Replays -------------------------------------------------------------------------------------

// A failed execution in one word: the search, and Relacy's state with commas for blanks.
std::string state_of(const search_request& request, const search_result& result) {
  std::string state;
  switch (request.kind) {
    case search_kind::full:
      state = "full:";
      break;
    case search_kind::bound:
      state = "bound:" + std::to_string(request.context_bound) + ":";
      break;
    case search_kind::random:
      state = "random:" + std::to_string(request.seed) + ":";
      break;
  }
  state += result.final_state;
  while (state.back() == ' ') state.pop_back();
  std::replace(state.begin(), state.end(), ' ', ',');
  return state;
}

template <class Number>
Number number_in(const std::string& state, std::size_t begin, std::size_t end) {
  Number number{};
  const auto [last, error] = std::from_chars(state.data() + begin, state.data() + end, number);
  if (error != std::errc{} || last != state.data() + end) {
    throw usage_error("--replay: '" + state + "' has no number where one belongs");
  }
  return number;
}

search_request request_of(const std::string& state) {
  search_request request;
  request.replay = true;
  std::size_t colon = state.find(':');
  const std::string kind = state.substr(0, colon);
  if (colon == std::string::npos || (kind != "full" && kind != "bound" && kind != "random")) {
    throw usage_error("--replay: a state begins with full:, bound: or random:");
  }
  request.kind = kind_of(kind);
  if (request.kind != search_kind::full) {
    const std::size_t next = state.find(':', colon + 1);
    if (next == std::string::npos) throw usage_error("--replay: the state is cut off");
    if (request.kind == search_kind::bound) {
      request.context_bound = number_in<int>(state, colon + 1, next);
    } else {
      request.seed = number_in<std::uint64_t>(state, colon + 1, next);
    }
    colon = next;
  }
  request.initial_state = state.substr(colon + 1);
  std::replace(request.initial_state.begin(), request.initial_state.end(), ',', ' ');
  return request;
}

// --- What is to be run ---------------------------------------------------------------------------

std::vector<search_request> requests_of(const options& chosen, const model_info& info) {
  if (!chosen.replay.empty()) return {request_of(chosen.replay)};
  search_request request;
  request.seconds = chosen.seconds;
  request.seed = chosen.seed;
  request.iterations = chosen.iterations.value_or(default_random_iterations);
  request.context_bound = chosen.bound;
  if (chosen.search) {
    request.kind = *chosen.search;
    return {request};
  }
  if (info.search.full) return {request};
  std::vector<search_request> requests;
  if (info.search.context_bound >= 0) {
    request.kind = search_kind::bound;
    request.context_bound = std::min(info.search.context_bound, chosen.most_preemptions);
    requests.push_back(request);
  }
  request.kind = search_kind::random;
  request.iterations = chosen.iterations.value_or(info.search.random_iterations);
  requests.push_back(request);
  return requests;
}

std::string text_of(const search_request& request) {
  switch (request.kind) {
    case search_kind::full:
      return "full search";
    case search_kind::bound:
      return std::to_string(request.context_bound) + " preemptions";
    case search_kind::random:
      break;
  }
  return "random, seed " + std::to_string(request.seed);
}

// What came of a model.
struct report {
  const model_entry* entry = nullptr;
  std::string search;
  bool exhaustive = false;
  std::uint64_t iterations = 0;
  std::uint64_t executions = 0;
  std::uint64_t random_iterations = 0;
  std::uint64_t distinct = 0;
  double seconds = 0;
  bool timed_out = false;
  failure failed_by = failure::none;
  std::string message;
  std::string interleaving;
  std::string state;
  std::vector<seen_outcome> outcomes;
  std::vector<std::string> missing;
  std::vector<std::string> unexpected;
  std::vector<std::string> complaints;  // none: the model has passed

  bool passed() const { return complaints.empty(); }
};

void add_search(report& sum, const search_request& request, const search_result& result) {
  sum.search += (sum.search.empty() ? "" : ", then ") + text_of(request);
  sum.iterations += result.iterations;
  sum.executions += result.executions;
  sum.seconds += result.seconds;
  sum.timed_out |= result.timed_out;
  sum.exhaustive = request.kind == search_kind::full && !request.replay && !result.timed_out &&
                   result.failed_by == failure::none;
  if (request.kind == search_kind::random) {
    sum.random_iterations += result.iterations;
    sum.distinct += result.distinct;
  }
  if (result.failed_by != failure::none) {
    sum.failed_by = result.failed_by;
    sum.message = result.message;
    sum.interleaving = result.interleaving;
    sum.state = state_of(request, result);
  }
}

// What a search without a failure can still fail by.
void look_at_whole_search(report& sum) {
  outcome_comparison compared = compare_outcomes(sum.entry->info, sum.outcomes);
  sum.missing = std::move(compared.missing);
  sum.unexpected = std::move(compared.unexpected);
  if (!sum.unexpected.empty()) {
    sum.failed_by = failure::unexpected_outcome;
    sum.message = "seen, and not expected: " + joined(sum.unexpected);
  } else if (!sum.missing.empty()) {
    sum.failed_by = failure::missing_outcome;
    sum.message = "never seen: " + joined(sum.missing);
  } else if (sum.random_iterations != 0 && sum.distinct < sum.entry->info.least_distinct) {
    sum.failed_by = failure::few_schedules;
    sum.message = std::to_string(sum.distinct) + " different schedules, and at least " +
                  std::to_string(sum.entry->info.least_distinct) + " are expected";
  }
}

void judge(report& sum) {
  const failure expected = sum.entry->info.expected;
  if (sum.executions == 0 && sum.failed_by == failure::none) {
    sum.complaints.push_back("no execution was explored");
  }
  if (sum.timed_out) sum.complaints.push_back("the search was not done when its time was up");
  if (sum.failed_by == expected) return;
  if (sum.failed_by != failure::none) sum.complaints.push_back(sum.message);
  if (expected != failure::none) {
    sum.complaints.push_back("it must fail by: " + std::string(text_of(expected)));
  }
}

report run_model(const model_entry& entry, const options& chosen) {
  report sum;
  sum.entry = &entry;
  for (const search_request& request : requests_of(chosen, entry.info)) {
    const search_result result = run_search(entry, request);
    add_search(sum, request, result);
    if (result.failed_by != failure::none || result.timed_out) break;
  }
  sum.outcomes = all_outcomes.sorted();
  if (!chosen.replay.empty()) {
    sum.complaints.push_back(sum.failed_by == failure::none ? "the execution does not fail"
                                                            : sum.message);
    return sum;
  }
  if (sum.failed_by == failure::none) look_at_whole_search(sum);
  judge(sum);
  return sum;
}

// --- Printing ------------------------------------------------------------------------------------

json json_report(const report& sum) {
  json found = json_model(*sum.entry);
  found.update({{"search", sum.search},
                {"exhaustive", sum.exhaustive},
                {"iterations", sum.iterations},
                {"executions", sum.executions},
                {"random_iterations", sum.random_iterations},
                {"distinct_schedules", sum.distinct},
                {"seconds", sum.seconds},
                {"timed_out", sum.timed_out},
                {"passed", sum.passed()},
                {"failed_by", text_of(sum.failed_by)},
                {"message", sum.message},
                {"complaints", sum.complaints},
                {"missing_outcomes", sum.missing},
                {"unexpected_outcomes", sum.unexpected},
                {"outcomes", json_outcomes(sum.outcomes)},
                {"state", sum.state},
                {"interleaving", sum.interleaving},
                {"sites", json_sites()}});
  return found;
}

std::string replay_command(const report& sum, const options& chosen) {
  return "relacy_models --model " + std::string(sum.entry->name) + chosen.repeat + " --replay " +
         sum.state;
}

void print_report(const report& sum, const options& chosen) {
  const model_info& info = sum.entry->info;
  std::cout << sum.entry->name << ": " << info.property << " | " << info.threads << " threads | "
            << info.bound << " | " << sum.search
            << (sum.exhaustive ? ", exhaustive for Relacy's semantics" : "") << " | "
            << sum.iterations << " iterations";
  if (sum.random_iterations != 0) {
    std::cout << " (" << sum.distinct << " of " << sum.random_iterations
              << " random ones distinct)";
  }
  std::cout << " | " << sum.seconds << " s | ";
  if (sum.passed() && info.expected != failure::none) {
    std::cout << "passed: it fails as it must (" << text_of(info.expected) << ")\n";
  } else {
    std::cout << (sum.passed() ? "passed\n" : "FAILED\n");
  }
  for (const std::string& complaint : sum.complaints) std::cout << "  " << complaint << "\n";
  for (const changed_site& changed : changed_sites()) {
    std::cout << "  changed: " << text_of(*changed.labelled) << ", reached " << reached(changed)
              << " times\n";
  }
  for (const seen_outcome& seen : sum.outcomes) {
    std::cout << "  outcome: " << seen.text << " (" << seen.times << " times)\n";
  }
  if (sum.passed() || sum.state.empty()) return;
  std::cout << sum.interleaving << "\nreplay: " << replay_command(sum, chosen) << "\n";
}

int run(const options& chosen) {
  const report sum = run_model(find_model(chosen.model), chosen);
  if (chosen.json) {
    std::cout << printed(json_report(sum)) << "\n";
  } else {
    print_report(sum, chosen);
  }
  if (!chosen.sites_json.empty()) {
    std::ofstream file(chosen.sites_json);
    file << printed(json_sites()) << "\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + chosen.sites_json);
  }
  if (sum.passed()) require_changes_reached();
  return sum.passed() ? 0 : 1;
}

int run_program(int argc, char** argv) {
  require_different_names();
  const std::optional<options> chosen = read_options(argc, argv);
  if (!chosen) return 0;
  if (chosen->sites) {
    print_sites();
    return 0;
  }
  if (!chosen->list) return run(*chosen);
  std::vector<const model_entry*> all;
  for (const model_entry& entry : all_models()) all.push_back(&entry);
  list_models(all, chosen->json);
  return 0;
}

}  // namespace
}  // namespace poolproof::models

int main(int argc, char** argv) {
  try {
    return poolproof::models::run_program(argc, argv);
  } catch (const poolproof::models::usage_error& error) {
    std::cerr << "relacy_models: " << error.what() << "\n(--help lists the options)\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "relacy_models: " << error.what() << "\n";
    return 2;
  }
}

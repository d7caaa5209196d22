// The program relacy_models: runs one model, says what came of it, and can run a failure again.

#include "search.hpp"

#include <algorithm>
#include <charconv>
#include <cstdio>
#include <exception>
#include <fstream>
#include <iostream>
#include <memory>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::models {
namespace {

constexpr const char* usage = R"(usage: relacy_models --list [--json]
       relacy_models --model NAME [options]

Runs one model of poolproof's headers on Relacy. To run all of them, use run.py: Relacy keeps global state, so
each model is a process of its own.

  --list               the names of all models
  --model NAME         the model to run
  --search KIND        full, bound or random, instead of the model's own plan
  --bound N            preemptions of a bound search (default 3)
  --iterations N       iterations of random searches (default: as the model says, or 1000000)
  --seed N             seed of a random search (default 1)
  --time-limit S       stop after S seconds; a search that is not done then has failed
  --replay STATE       run again one failed execution, as printed by the run that failed
  --weaken SITE:ORDER  FILE:LINE:op or FILE:LINE:fail, for example pool_dequeue.hpp:87:op:relaxed
  --mutate SITE:HOW    FILE:LINE and skip-store, exchange-returns-zero or cas-blind
  --sites-json PATH    write how often each site was reached
  --json               print the result as one JSON object
  --help               this text

It fails (1) if an assertion, a race or a leak is found, or in a model that must fail, if it is not; if no
execution was explored; or if an expected outcome was never seen. Wrong usage exits with 2.
)";

struct usage_error : std::runtime_error {
  using std::runtime_error::runtime_error;
};

// ---------------------------------------------------------------------------------- the command
// line

struct options {
  bool list = false;
  bool json = false;
  bool help = false;
  std::string model;
  std::optional<search_kind> search;
  int bound = 3;
  std::optional<std::uint64_t> iterations;
  std::uint64_t seed = 1;
  double time_limit = 0;
  std::string replay;
  std::string sites_json;
  std::string repeat;  // the options that a replay must repeat
};

template <class Number>
Number number_of(std::string_view option, std::string_view text) {
  Number number{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), number);
  if (error != std::errc{} || end != text.data() + text.size() || number < 0) {
    throw usage_error(std::string(option) + ": '" + std::string(text) + "' is not a number");
  }
  return number;
}

search_kind kind_of(std::string_view text) {
  if (text == "full") return search_kind::full;
  if (text == "bound") return search_kind::bound;
  if (text == "random") return search_kind::random;
  throw usage_error("--search: '" + std::string(text) + "' is not full, bound or random");
}

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

struct changed_site {
  const site* where;
  site_part part;
};

std::vector<changed_site> changed_sites;

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
  changed_sites.push_back({&weakened, part});
}

mutation mutation_of(std::string_view text) {
  if (text == "skip-store") return mutation::skip_store;
  if (text == "exchange-returns-zero") return mutation::exchange_returns_zero;
  if (text == "cas-blind") return mutation::cas_blind;
  throw usage_error("--mutate: '" + std::string(text) + "' is no mutation");
}

void mutate(std::string text) {
  const mutation mutant = mutation_of(split_last("--mutate", text));
  const auto line = number_of<unsigned>("--mutate", split_last("--mutate", text));
  site& mutated = all_sites.at(keep(text), line);
  mutated.mutant = mutant;
  changed_sites.push_back({&mutated, site_part::op});
}

// Takes an option with a value. False if there is no such option.
bool take_option(options& chosen, std::string_view option, const std::string& value) {
  if (option == "--model") {
    chosen.model = value;
  } else if (option == "--search") {
    chosen.search = kind_of(value);
  } else if (option == "--bound") {
    chosen.bound = number_of<int>(option, value);
  } else if (option == "--iterations") {
    chosen.iterations = number_of<std::uint64_t>(option, value);
    if (*chosen.iterations == 0) throw usage_error("--iterations: at least 1");
  } else if (option == "--seed") {
    chosen.seed = number_of<std::uint64_t>(option, value);
  } else if (option == "--time-limit") {
    chosen.time_limit = number_of<double>(option, value);
  } else if (option == "--replay") {
    chosen.replay = value;
  } else if (option == "--sites-json") {
    chosen.sites_json = value;
  } else if (option == "--weaken") {
    weaken(value);
    chosen.repeat += " --weaken " + value;
  } else if (option == "--mutate") {
    mutate(value);
    chosen.repeat += " --mutate " + value;
  } else {
    return false;
  }
  return true;
}

options read_options(int argc, char** argv) {
  options chosen;
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (option == "--help") {
      chosen.help = true;
    } else if (option == "--list") {
      chosen.list = true;
    } else if (option == "--json") {
      chosen.json = true;
    } else if (i + 1 == argc || !take_option(chosen, option, argv[i + 1])) {
      throw usage_error("'" + std::string(option) + "': unknown, or its value is missing");
    } else {
      ++i;
    }
  }
  if (!chosen.help && !chosen.list && chosen.model.empty()) {
    throw usage_error("--model or --list is needed");
  }
  return chosen;
}

// -------------------------------------------------------------------------------------------
// replays

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

search_request request_of(const std::string& state) {
  search_request request;
  request.replay = true;
  std::size_t colon = state.find(':');
  if (colon == std::string::npos) throw usage_error("--replay: a state has a colon");
  request.kind = kind_of(state.substr(0, colon));
  if (request.kind != search_kind::full) {
    const std::size_t next = state.find(':', colon + 1);
    if (next == std::string::npos) throw usage_error("--replay: the state is cut off");
    const std::string number = state.substr(colon + 1, next - colon - 1);
    if (request.kind == search_kind::bound) {
      request.context_bound = number_of<int>("--replay", number);
    } else {
      request.seed = number_of<std::uint64_t>("--replay", number);
    }
    colon = next;
  }
  request.initial_state = state.substr(colon + 1);
  std::replace(request.initial_state.begin(), request.initial_state.end(), ',', ' ');
  return request;
}

// ----------------------------------------------------------------------------------- what is to be
// run

std::vector<search_request> requests_of(const options& chosen, const model_info& info) {
  if (!chosen.replay.empty()) return {request_of(chosen.replay)};
  search_request request;
  request.seconds = chosen.time_limit;
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
    request.context_bound = info.search.context_bound;
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

constexpr std::string_view text_of(failure kind) {
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

void compare_outcomes(report& sum) {
  const auto& expected = sum.entry->info.outcomes;
  for (const std::string_view text : expected) {
    const bool seen = std::any_of(sum.outcomes.begin(), sum.outcomes.end(),
                                  [&](const seen_outcome& o) { return o.text == text; });
    if (!seen) sum.missing.emplace_back(text);
  }
  if (!sum.entry->info.no_other_outcomes) return;
  for (const seen_outcome& seen : sum.outcomes) {
    if (std::find(expected.begin(), expected.end(), seen.text) == expected.end()) {
      sum.unexpected.push_back(seen.text);
    }
  }
}

// What a search without a failure can still fail by.
void look_at_whole_search(report& sum) {
  compare_outcomes(sum);
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
  sum.outcomes = seen_outcomes();
  if (!chosen.replay.empty()) {
    sum.complaints.push_back(sum.failed_by == failure::none ? "the execution does not fail"
                                                            : sum.message);
    return sum;
  }
  if (sum.failed_by == failure::none) look_at_whole_search(sum);
  judge(sum);
  return sum;
}

// --------------------------------------------------------------------------------------------
// printing

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

template <class Range, class Print>
std::string json_list(const Range& range, Print print) {
  std::string result = "[";
  for (const auto& element : range) {
    if (result.size() > 1) result += ", ";
    result += print(element);
  }
  return result + "]";
}

std::string json_texts(const std::vector<std::string>& texts) { return json_list(texts, quoted); }

constexpr std::string_view text_of(verdict v) {
  return v == verdict::allowed ? "allowed" : "forbidden";
}

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

std::string json_site(const site& s, site_part part) {
  std::ostringstream out;
  out << "{\"file\": " << quoted(s.file) << ", \"line\": " << s.line
      << ", \"which\": " << (part == site_part::op ? "\"op\"" : "\"fail\"")
      << ", \"reached\": " << s[part].reached
      << ", \"reached_by_threads\": " << s[part].reached_by_threads << "}";
  return out.str();
}

// The sites of the headers and models that have been reached; and, with zero if so it is, the
// changed ones: that a mutant survived and that it was never reached are different verdicts.
std::string json_sites() {
  std::vector<changed_site> shown = changed_sites;
  for (const site& s : all_sites) {
    for (const site_part part : {site_part::op, site_part::fail}) {
      const bool changed = std::any_of(changed_sites.begin(), changed_sites.end(),
                                       [&](auto& c) { return c.where == &s && c.part == part; });
      if (s[part].reached != 0 && !changed) shown.push_back({&s, part});
    }
  }
  return json_list(shown, [](const changed_site& c) { return json_site(*c.where, c.part); });
}

std::string json_report(const report& sum) {
  std::ostringstream out;
  out << "{" << json_model(*sum.entry) << ", \"search\": " << quoted(sum.search)
      << ", \"exhaustive\": " << (sum.exhaustive ? "true" : "false")
      << ", \"iterations\": " << sum.iterations << ", \"executions\": " << sum.executions
      << ", \"random_iterations\": " << sum.random_iterations
      << ", \"distinct_schedules\": " << sum.distinct << ", \"seconds\": " << sum.seconds
      << ", \"timed_out\": " << (sum.timed_out ? "true" : "false")
      << ", \"passed\": " << (sum.passed() ? "true" : "false")
      << ", \"failed_by\": " << quoted(text_of(sum.failed_by))
      << ", \"message\": " << quoted(sum.message)
      << ", \"complaints\": " << json_texts(sum.complaints)
      << ", \"missing_outcomes\": " << json_texts(sum.missing)
      << ", \"unexpected_outcomes\": " << json_texts(sum.unexpected) << ", \"outcomes\": "
      << json_list(sum.outcomes,
                   [](const seen_outcome& o) {
                     return "{\"text\": " + quoted(o.text) +
                            ", \"times\": " + std::to_string(o.times) + "}";
                   })
      << ", \"state\": " << quoted(sum.state) << ", \"interleaving\": " << quoted(sum.interleaving)
      << ", \"sites\": " << json_sites() << "}";
  return out.str();
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
  for (const changed_site& changed : changed_sites) {
    std::cout << "  changed: " << changed.where->file << ":" << changed.where->line << ", reached "
              << (*changed.where)[changed.part].reached << " times\n";
  }
  for (const seen_outcome& seen : sum.outcomes) {
    std::cout << "  outcome: " << seen.text << " (" << seen.times << " times)\n";
  }
  if (sum.passed() || sum.state.empty()) return;
  std::cout << sum.interleaving << "\nreplay: " << replay_command(sum, chosen) << "\n";
}

int list_models(const options& chosen) {
  if (chosen.json) {
    std::cout << json_list(all_models(), [](const model_entry& e) {
      return "{" + json_model(e) + "}";
    }) << "\n";
    return 0;
  }
  for (const model_entry& entry : all_models()) std::cout << entry.name << "\n";
  return 0;
}

int run(const options& chosen) {
  const auto& models = all_models();
  const auto entry = std::find_if(models.begin(), models.end(),
                                  [&](const model_entry& e) { return e.name == chosen.model; });
  if (entry == models.end()) throw usage_error("--model: there is no '" + chosen.model + "'");
  const report sum = run_model(*entry, chosen);
  if (chosen.json) {
    std::cout << json_report(sum) << "\n";
  } else {
    print_report(sum, chosen);
  }
  if (!chosen.sites_json.empty()) {
    std::ofstream file(chosen.sites_json);
    file << json_sites() << "\n";
    if (!file.flush()) throw std::runtime_error("cannot write " + chosen.sites_json);
  }
  return sum.passed() ? 0 : 1;
}

// A name stands for one model.
void require_different_names() {
  std::vector<std::string_view> names;
  for (const model_entry& entry : all_models()) names.push_back(entry.name);
  std::sort(names.begin(), names.end());
  const auto twice = std::adjacent_find(names.begin(), names.end());
  if (twice == names.end()) return;
  throw std::runtime_error("two models have the name " + std::string(*twice));
}

int run_program(int argc, char** argv) {
  require_different_names();
  const options chosen = read_options(argc, argv);
  if (chosen.help) {
    std::cout << usage;
    return 0;
  }
  return chosen.list ? list_models(chosen) : run(chosen);
}

}  // namespace
}  // namespace poolproof::models

int main(int argc, char** argv) {
  try {
    return poolproof::models::run_program(argc, argv);
  } catch (const poolproof::models::usage_error& error) {
    std::cerr << "relacy_models: " << error.what() << "\n" << poolproof::models::usage;
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "relacy_models: " << error.what() << "\n";
    return 3;
  }
}

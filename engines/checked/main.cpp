// SPDX-License-Identifier: MIT
// The program checked_models: runs models on the checker, each in a process of its own, and says
// what came of them.

#include "../command_line.hpp"
#include "../driver.hpp"
#include "search.hpp"
#include "shares.hpp"
#include "unfinished.hpp"

#include <checker/checkpoint.hpp>
#include <checker/page.hpp>
#include <checker/processes.hpp>
#include <checker/progress_line.hpp>
#include <checker/report.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <exception>
#include <functional>
#include <iostream>
#include <optional>
#include <sstream>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace poolproof::models {
namespace {

constexpr const char* exit_statuses = R"(
The exit status is 0 if all models are proved. It is 1 if a model fails; if one that must fail does
not, in the way it must; if an expected outcome was never seen; or if no execution was complete. It
is 3 if nothing of this is so, but a search was cut. Wrong usage exits with 2, and so does a change
of a site that no model reaches.
)";

// --- The command line ----------------------------------------------------------------------------

struct options {
  bool list = false;
  bool json = false;
  bool sites = false;
  bool skip_litmus = false;
  bool partial = false;
  bool load_buffering = false;
  std::string model;
  double seconds = 0;
  std::uint64_t runs = 0;
  unsigned jobs = 0;
  std::optional<checker::memory_model> memory;
  share part;                  // of each search
  std::optional<share> shard;  // of the models
  std::string lines;
  std::string replay;
  std::string page;
  checker::showing line = checker::showing::automatic;
  std::function<void(const checker::progress&)> on_progress;
  std::string repeat;  // the options that a replay must repeat
};

checker::memory_model memory_model_of(std::string_view text) {
  if (text == "rc11") return checker::memory_model::rc11;
  return text == "iso" ? checker::memory_model::iso : checker::memory_model::sc;
}

// Options that say nothing together.
void require_possible(const options& chosen) {
  const bool one = !chosen.model.empty();
  const bool divided = chosen.shard || !chosen.lines.empty();
  if (!one && !(chosen.replay.empty() && chosen.page.empty())) {
    throw usage_error("--replay and --page: name the model with --model");
  }
  if (divided && (one || chosen.part.count != 1)) {
    throw usage_error("--shard and --lines: of all models, without --model and --part");
  }
  if (chosen.load_buffering && !chosen.json) throw usage_error("--load-buffering: with --json");
  if (divided) require_no_changes("--shard and --lines");
}

// The options that choose what is run, and how far.
void add_searches(CLI::App& line, options& to) {
  line.add_flag("--list", to.list, "the names of all models");
  line.add_option("--model", to.model,
                  "run this one only, in this process, and report a failure step by step")
      ->type_name("NAME");
  line.add_flag("--skip-litmus", to.skip_litmus, "run the models of the headers only");
  line.add_option("--seconds", to.seconds,
                  "the longest that one model may take; its search is then cut (default: no\n"
                  "limit), and its executions estimated, which takes a fifth of that")
      ->type_name("S")
      ->check(not_negative);
  line.add_option(
          "--runs", to.runs,
          "how many executions of one model may be visited; the search is then cut, at the\n"
          "same place on every machine (default: no limit)")
      ->type_name("N");
  line.add_flag("--partial", to.partial,
                "do not fail because a search was cut: the model is listed as not finished and\n"
                "not proved");
  line.add_option("--jobs", to.jobs, "models that run at a time (default: one for each CPU)")
      ->type_name("N")
      ->envname("JOBS");
  line.add_option("--replay", to.replay,
                  "with --model: run again one failed execution, as printed by the run that failed")
      ->type_name("STRING");
}

// What is said of it, and where.
void add_reports(CLI::App& line, options& to, std::string& showing) {
  line.add_option("--lines", to.lines,
                  "add a line of JSON for each model: proofs/ledger.py --merge takes those of all\n"
                  "shares")
      ->type_name("FILE");
  line.add_flag("--sites", to.sites,
                "list the headers' sites: each order of each atomic operation");
  line.add_flag("--count-sites", watching_sites,
                "count how often each site was reached, for --json");
  line.add_option("--page", to.page, "with --model: write the failure as a page of HTML")
      ->type_name("FILE");
  line.add_option("--progress-line", showing,
                  "how far it is, on the terminal: auto (default: if it is one), always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  line.add_flag("--json", to.json,
                "print the results as JSON, a list of one object for each model");
  line.add_flag("--load-buffering", to.load_buffering,
                "with --json: of each model, the writes that could overtake a read of their\n"
                "thread, as 'READ > WRITE < ANSWER', the write that the read could then read");
}

// Nothing if only --help was asked for.
std::optional<options> read_options(int argc, char** argv) {
  options chosen;
  std::string memory, showing = "auto";
  changes changed;
  std::pair<unsigned, unsigned> part, shard;
  const auto line =
      command_line("checked_models",
                   "Runs the models of poolproof's headers on the checker: every execution graph "
                   "of each, once.\n"
                   "One line for each model; litmus tests are run under RC11 and under ISO.",
                   exit_statuses);
  add_searches(*line, chosen);
  line->add_option("--memory", memory, "rc11 (default), iso or sc")
      ->type_name("MODEL")
      ->check(CLI::IsMember({"rc11", "iso", "sc"}));
  const CLI::Option* const parts =
      line->add_option("--part", part,
                       "part I of N of each search, from 0; all parts together are the whole")
          ->type_name("I/N")
          ->delimiter('/');
  const CLI::Option* const shares =
      line->add_option("--shard", shard,
                       "share I of N of the models, from 0: all shares together are the whole")
          ->type_name("I/N")
          ->delimiter('/');
  changed.add_to(*line);
  add_reports(*line, chosen, showing);
  if (!parse(*line, argc, argv)) return std::nullopt;

  if (*parts) chosen.part = share_of("--part", part);
  if (*shares) chosen.shard = share_of("--shard", shard);
  chosen.line = *checker::showing_of(showing);
  if (!memory.empty()) {
    chosen.memory = memory_model_of(memory);
    chosen.repeat = " --memory " + memory;
  }
  chosen.repeat += changed.make();
  if (chosen.jobs == 0) chosen.jobs = std::max(1u, std::thread::hardware_concurrency());
  require_possible(chosen);
  return chosen;
}

// --- What came of a model ------------------------------------------------------------------------

bool is_litmus(const model_entry& entry) { return !entry.info.litmus.program.empty(); }

struct report {
  const model_entry* entry = nullptr;
  checker::memory_model memory = checker::memory_model::rc11;
  search_result result;
  failure failed_by = failure::none;
  std::vector<seen_outcome> outcomes;
  std::vector<std::string> complaints;  // none: the model has passed

  bool passed() const { return complaints.empty(); }
  // Nothing else is wrong.
  bool only_cut() const {
    return !passed() && result.timed_out && failed_by == failure::none && complaints.size() == 1;
  }
};

// What a memory model says of a litmus test. The checker leaves out cycles of program order and
// reads, which ISO allows.
verdict recorded(const litmus_question& litmus, checker::memory_model memory) {
  if (memory == checker::memory_model::rc11) return litmus.rc11;
  return litmus.cyclic ? verdict::forbidden : litmus.iso;
}

failure expected_failure(const report& sum) {
  const model_info& info = sum.entry->info;
  if (!is_litmus(*sum.entry)) return info.expected;
  const bool races =
      info.litmus.outcome == "race" && recorded(info.litmus, sum.memory) == verdict::allowed;
  return races ? failure::data_race : failure::none;
}

// A litmus test shows its outcome if the memory model allows it; the list of its outcomes is
// Relacy's.
void judge_litmus(report& sum) {
  const litmus_question& litmus = sum.entry->info.litmus;
  if (litmus.outcome == "race") return;
  const bool seen = std::any_of(sum.outcomes.begin(), sum.outcomes.end(),
                                [&](const seen_outcome& o) { return o.text == litmus.outcome; });
  if (seen == (recorded(litmus, sum.memory) == verdict::allowed)) return;
  sum.failed_by = seen ? failure::unexpected_outcome : failure::missing_outcome;
  sum.result.message = "the outcome " + std::string(litmus.outcome) +
                       (seen ? " was seen, and is forbidden" : " was not seen, and is allowed");
}

// What a search without a failure can still fail by.
void judge_outcomes(report& sum) {
  const outcome_comparison compared = compare_outcomes(sum.entry->info, sum.outcomes);
  if (!compared.unexpected.empty()) {
    sum.failed_by = failure::unexpected_outcome;
    sum.result.message = "seen, and not expected: " + joined(compared.unexpected);
  } else if (!compared.missing.empty()) {
    sum.failed_by = failure::missing_outcome;
    sum.result.message = "never seen: " + joined(compared.missing);
  }
}

void judge(report& sum, unsigned parts, bool partial) {
  sum.failed_by = sum.result.failed_by;
  if (sum.result.timed_out) {
    if (!partial)
      sum.complaints.push_back("cut: the search was not done when its time or its runs were up");
  } else if (sum.failed_by == failure::none) {
    if (sum.result.complete == 0 && parts == 1)
      sum.complaints.push_back("no execution was complete");
    // Of a part one cannot say what is missing.
    if (parts == 1) is_litmus(*sum.entry) ? judge_litmus(sum) : judge_outcomes(sum);
  }
  const failure expected = expected_failure(sum);
  if (sum.failed_by == expected) return;
  if (sum.failed_by != failure::none) {
    sum.complaints.push_back(std::string(text_of(sum.failed_by)) + ": " + sum.result.message);
  }
  if (expected != failure::none && parts == 1) {
    sum.complaints.push_back("it must fail by: " + std::string(text_of(expected)));
  }
}

report run_model(const model_entry& entry, checker::memory_model memory, const options& chosen) {
  report sum;
  sum.entry = &entry;
  sum.memory = memory;
  all_outcomes.clear();
  sum.result =
      run_search(entry, {memory, chosen.seconds, chosen.runs, chosen.part.number, chosen.part.count,
                         chosen.replay, chosen.on_progress,
                         chosen.on_progress && !chosen.model.empty(), chosen.load_buffering});
  sum.outcomes = all_outcomes.sorted();
  if (!chosen.replay.empty()) {
    sum.failed_by = sum.result.failed_by;
    sum.complaints.push_back(sum.failed_by == failure::none ? "the execution does not fail"
                                                            : sum.result.message);
    return sum;
  }
  judge(sum, chosen.part.count, chosen.partial);
  return sum;
}

// Once for each memory model that it is to be run under.
std::vector<report> run_model(const model_entry& entry, const options& chosen) {
  if (chosen.memory) return {run_model(entry, *chosen.memory, chosen)};
  std::vector<report> reports{run_model(entry, checker::memory_model::rc11, chosen)};
  if (is_litmus(entry) && chosen.replay.empty()) {
    reports.push_back(run_model(entry, checker::memory_model::iso, chosen));
  }
  return reports;
}

// --- Printing ------------------------------------------------------------------------------------

std::string_view text_of(checker::memory_model memory) {
  switch (memory) {
    case checker::memory_model::rc11:
      return "RC11";
    case checker::memory_model::iso:
      return "ISO";
    case checker::memory_model::sc:
      break;
  }
  return "SC";
}

std::string verdict_of(const report& sum) {
  if (!sum.passed()) return sum.result.timed_out ? "CUT" : "FAILED";
  if (sum.result.timed_out) return "not finished in what it was given, and not proved";
  const failure expected = expected_failure(sum);
  if (expected == failure::none) return "passed";
  return "fails as it must: " + std::string(poolproof::models::text_of(expected));
}

std::string line_of(const report& sum) {
  std::ostringstream out;
  out.precision(2);
  out << sum.entry->name << " | " << text_of(sum.memory) << " | " << sum.entry->info.threads
      << " threads | " << sum.entry->info.bound << " | " << sum.result.complete << " complete | "
      << sum.result.blocked << " blocked | " << sum.result.errors << " errors | " << sum.result.cut
      << " cut | " << std::fixed << sum.result.seconds << " s | " << verdict_of(sum) << "\n";
  if (sum.result.timed_out) {
    out << "  unfinished, after " << checker::text_of({sum.result.complete, sum.result.estimate})
        << "\n";
  }
  for (const std::string& complaint : sum.complaints) out << "  " << complaint << "\n";
  return out.str();
}

std::string replay_command(const report& sum, const options& chosen) {
  return "checked_models --model " + std::string(sum.entry->name) + chosen.repeat + " --replay " +
         sum.result.first->replay;
}

std::string details_of(const report& sum, const options& chosen) {
  std::ostringstream out;
  for (const changed_site& changed : changed_sites()) {
    out << "  changed: " << text_of(*changed.labelled) << ", reached " << reached(changed)
        << " times\n";
  }
  for (const seen_outcome& seen : sum.outcomes) {
    out << "  outcome: " << seen.text << " (in " << seen.times << " executions)\n";
  }
  if (sum.passed() && chosen.replay.empty()) {
    out << "  bounds: " << checker::options{}.spurious_failures
        << " spurious failure of each thread; load buffering is not explored\n";
  }
  if (sum.passed() || !sum.result.first) return out.str();
  checker::print(out, *sum.result.first);
  out << "again: " << replay_command(sum, chosen) << "\n";
  return out.str();
}

json json_report(const report& sum) {
  json found = json_model(*sum.entry);
  found.update({{"memory", text_of(sum.memory)},
                {"complete", sum.result.complete},
                {"blocked", sum.result.blocked},
                {"errors", sum.result.errors},
                {"cut", sum.result.cut},
                {"runs", sum.result.runs},
                {"seconds", sum.result.seconds},
                {"timed_out", sum.result.timed_out},
                {"hash", hexadecimal(sum.result.hash)},
                {"estimate", json_estimate(sum.result.estimate)},
                {"passed", sum.passed()},
                {"failed_by", poolproof::models::text_of(sum.failed_by)},
                {"message", sum.result.message},
                {"complaints", sum.complaints},
                {"outcomes", json_outcomes(sum.outcomes)},
                {"replay", sum.result.first ? sum.result.first->replay : ""}});
  return found;
}

std::string text_of(const std::vector<report>& reports, const options& chosen) {
  std::string all;
  for (const report& sum : reports) {
    if (chosen.json) {
      json found = json_report(sum);
      if (chosen.load_buffering) found["load_buffering"] = sum.result.load_buffering;
      found["sites"] = json_sites();
      all += (all.empty() ? "" : ",\n") + printed(found);
    } else {
      all += line_of(sum);
      if (!chosen.model.empty()) {
        all += details_of(sum, chosen);
      } else if (!sum.passed() && sum.result.first) {
        all += "  again: " + replay_command(sum, chosen) + "\n";
      }
    }
  }
  return all;
}

bool passed(const std::vector<report>& reports) {
  return std::all_of(reports.begin(), reports.end(), [](const report& r) { return r.passed(); });
}

checker::conclusion concluded(const std::vector<report>& reports) {
  auto all = checker::conclusion::proved;
  for (const report& r : reports) {
    if (r.passed()) continue;
    all = worse(all, r.only_cut() ? checker::conclusion::unfinished : checker::conclusion::error);
  }
  return all;
}

// --- Models in parallel --------------------------------------------------------------------------

// What became of a model that ran in a process of its own.
struct verdict_of_process {
  bool done = false;
  bool passed = false;
  checker::conclusion concluded = checker::conclusion::error;
  bool cut = false;  // but no failure, and --partial
  std::string text;
  std::vector<std::string> lines;      // for --lines: of each report the JSON
  std::vector<std::uint64_t> reached;  // how often each site, if sites are changed

  void store(checker::archive& file) {
    file(passed);
    file(concluded);
    file(cut);
    file(text);
    file(lines);
    file(reached);
  }
};

verdict_of_process verdict_on(const std::vector<report>& reports, const options& chosen) {
  const bool cut = std::any_of(reports.begin(), reports.end(),
                               [](const report& r) { return r.result.timed_out; });
  verdict_of_process found{true,
                           passed(reports),
                           concluded(reports),
                           cut && passed(reports),
                           text_of(reports, chosen),
                           {},
                           {}};
  for (const report& sum : reports) {
    found.lines.push_back(printed(json_report(sum)));
  }
  return found;
}

// Runs models in processes, several at a time, and prints results in the order of the models, as
// soon as they can be.
class model_runner {
 public:
  model_runner(const std::vector<const model_entry*>& models, const options& chosen)
      : models_(models),
        chosen_(chosen),
        verdicts_(models.size()),
        counts_(models.size()),
        line_("", chosen.line) {}

  const std::vector<verdict_of_process>& run_all() {
    std::size_t next = 0;
    while (printed_ != models_.size()) {
      for (; next != models_.size() && running_.running() != chosen_.jobs; ++next) start(next);
      if (const auto ended = running_.wait(line_.shown() ? 250 : -1)) {
        take(*ended);
        print_done();
      }
      if (line_.is_due()) show();
    }
    return verdicts_;
  }

 private:
  void start(std::size_t number) {
    running_.start(number, [this, number] {
      options mine = chosen_;
      if (line_.shown()) {
        mine.on_progress = [this, number](const checker::progress& now) {
          counts_.set(number, now.complete);
        };
      }
      const std::vector<std::uint64_t> before = reached_counts();
      verdict_of_process found = verdict_on(run_model(*models_[number], mine), mine);
      if (watching_sites) found.reached = reached_since(before);
      std::ostringstream text;
      checker::archive file(text);
      found.store(file);
      return text.str();
    });
  }

  void take(const checker::processes::result& ended) {
    verdict_of_process& found = verdicts_[ended.number];
    found.done = true;
    if (ended.error.empty()) {
      std::istringstream text(ended.text);
      checker::archive file(text);
      found.store(file);
      add_reached(found.reached);
      return;
    }
    report sum;
    sum.entry = models_[ended.number];
    sum.failed_by = failure::other;
    sum.complaints.push_back("no result: " + ended.error);
    found.text = text_of({sum}, chosen_);
  }

  void print_done() {
    for (; printed_ != models_.size() && verdicts_[printed_].done; ++printed_) {
      line_.clear();
      if (chosen_.json && printed_ != 0) std::cout << ",\n";
      std::cout << verdicts_[printed_].text << std::flush;
    }
  }

  void show() {
    const auto done = std::count_if(verdicts_.begin(), verdicts_.end(),
                                    [](const verdict_of_process& v) { return v.done; });
    std::string text = std::to_string(done) + " of " + std::to_string(models_.size()) +
                       " models, " + checker::clock_of(line_.seconds());
    for (std::size_t i = 0; i != models_.size(); ++i) {
      if (verdicts_[i].done || counts_[i] == 0) continue;
      text +=
          "; " + std::string(models_[i]->name) + " " + checker::grouped(counts_[i]) + " executions";
    }
    line_.show(text);
  }

  const std::vector<const model_entry*>& models_;
  const options& chosen_;
  std::vector<verdict_of_process> verdicts_;
  checker::processes running_;
  checker::shared_counts counts_;  // of the complete executions of each model
  checker::progress_line line_;
  std::size_t printed_ = 0;
};

// The cheapest first, as far as a model tells: what Relacy can search in full, then by threads.
std::vector<const model_entry*> chosen_models(const options& chosen) {
  std::vector<const model_entry*> models;
  for (const model_entry& entry : all_models()) {
    if (chosen.skip_litmus && (is_litmus(entry) || entry.info.expected != failure::none)) continue;
    models.push_back(&entry);
  }
  std::stable_sort(models.begin(), models.end(), [](const model_entry* a, const model_entry* b) {
    return std::pair{!a->info.search.full, a->info.threads} <
           std::pair{!b->info.search.full, b->info.threads};
  });
  return models;
}

std::string search_of(const options& chosen) {
  std::ostringstream out;
  out << "checked_models" << (chosen.skip_litmus ? " --skip-litmus" : "");
  if (chosen.memory) out << " --memory " << text_of(*chosen.memory);
  if (chosen.seconds > 0) out << " --seconds " << chosen.seconds;
  if (chosen.runs != 0) out << " --runs " << chosen.runs;
  return out.str();
}

void write_lines(const options& chosen, std::size_t whole,
                 const std::vector<verdict_of_process>& verdicts) {
  lines_file lines(chosen.lines);
  const std::string search = search_of(chosen);
  lines.begin(search, chosen.shard.value_or(share{}), whole, {{"models", true}});
  for (const verdict_of_process& each : verdicts) {
    for (const std::string& line : each.lines) lines.add(search, json::parse(line));
  }
  lines.end();
}

std::vector<const model_entry*> share_of(const std::vector<const model_entry*>& all,
                                         const options& chosen) {
  std::vector<const model_entry*> models;
  for (std::size_t i = 0; i != all.size(); ++i) {
    if (chosen.shard.value_or(share{}).has(i)) models.push_back(all[i]);
  }
  return models;
}

int run_all(const options& chosen) {
  const std::vector<const model_entry*> all = chosen_models(chosen);
  const std::vector<const model_entry*> models = share_of(all, chosen);
  if (chosen.json) std::cout << "[";
  model_runner runner(models, chosen);
  const auto& verdicts = runner.run_all();
  if (chosen.json) std::cout << "]\n";
  write_lines(chosen, all.size(), verdicts);
  const auto failed = std::count_if(verdicts.begin(), verdicts.end(),
                                    [](const verdict_of_process& v) { return !v.passed; });
  if (!chosen.json) {
    const auto cut = std::count_if(verdicts.begin(), verdicts.end(),
                                   [](const verdict_of_process& v) { return v.cut; });
    std::cout << models.size()
              << " models: " << models.size() - static_cast<std::size_t>(failed + cut)
              << " proved, " << cut << " not finished and hence not proved, " << failed
              << " failed\n";
  }
  if (failed == 0) require_changes_reached();
  auto sum = checker::conclusion::proved;
  for (const verdict_of_process& each : verdicts) sum = worse(sum, each.concluded);
  return static_cast<int>(sum);
}

int run_one(const options& chosen) {
  checker::progress_line line(chosen.model, chosen.line);
  options mine = chosen;
  if (line.shown()) mine.on_progress = std::ref(line);
  const std::vector<report> reports = run_model(find_model(chosen.model), mine);
  line.clear();
  std::cout << (chosen.json ? "[" : "") << text_of(reports, chosen) << (chosen.json ? "]\n" : "");
  // The first failure, where a litmus test has several searches.
  for (const report& sum : reports) {
    if (chosen.page.empty() || !sum.result.first) continue;
    checker::write_page(chosen.page, *sum.result.first);
    break;
  }
  if (passed(reports)) require_changes_reached();
  return static_cast<int>(concluded(reports));
}

int run_program(int argc, char** argv) {
  require_different_names();
  const std::optional<options> chosen = read_options(argc, argv);
  if (!chosen) return 0;
  if (chosen->sites) {
    print_sites();
    return 0;
  }
  if (chosen->list) {
    list_models(share_of(chosen_models(*chosen), *chosen), chosen->json);
    return 0;
  }
  return chosen->model.empty() ? run_all(*chosen) : run_one(*chosen);
}

}  // namespace
}  // namespace poolproof::models

int main(int argc, char** argv) {
  try {
    return poolproof::models::run_program(argc, argv);
  } catch (const poolproof::models::usage_error& error) {
    std::cerr << "checked_models: " << error.what() << "\n(--help lists the options)\n";
    return 2;
  } catch (const std::exception& error) {
    std::cerr << "checked_models: " << error.what() << "\n";
    return 2;
  }
}

// The program checked_models: runs models on the checker, each in a process of its own, and says
// what came of them.

#include "../../driver.hpp"
#include "search.hpp"
#include "shares.hpp"
#include "unfinished.hpp"

#include <checker/checkpoint.hpp>
#include <checker/page.hpp>
#include <checker/processes.hpp>
#include <checker/progress_line.hpp>
#include <checker/report.hpp>

#include <algorithm>
#include <cstdlib>
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

constexpr const char* usage = R"(usage: checked_models [options]
       checked_models --list [--json]

Runs the models of poolproof's headers on the checker: every execution graph of each, once. One line for each
model; litmus tests are run under RC11 and under ISO.

  --list               the names of all models
  --model NAME         run this one only, in this process, and report a failure step by step
  --skip-litmus        run the models of the headers only
  --seconds S          the longest that one model may take; its search is then cut (default: no limit), and
                       its executions estimated, which takes a fifth of that
  --partial            do not fail because a search was cut: the model is listed as not finished and not proved
  --jobs N             models that run at a time (default: $JOBS, else one per core)
  --memory MODEL       rc11, iso or sc (default rc11)
  --part I/N           part I of N of each search, counted from 0; all parts together are the whole
  --shard I/N          share I of N of the models, from 0: all shares together are the whole
  --lines FILE         add a line of JSON for each model: proofs/ledger.py --merge takes those of all shares
  --weaken SITE:ORDER  a label or FILE:LINE:op or FILE:LINE:fail, for example pop_tail.claim:relaxed
  --mutate SITE:HOW    a label or FILE:LINE, and skip-store, exchange-returns-zero or cas-blind
  --sites              list the headers' sites: each order of each atomic operation
  --count-sites        count how often each site was reached, for --json
  --replay STRING      with --model: run again one failed execution, as printed by the run that failed
  --page FILE          with --model: write the failure as a page of HTML
  --progress-line W    how far it is, on the terminal: auto (default: if it is one), always or never
  --json               print the results as JSON, a list of one object for each model
  --help               this text

The exit status is 0 if all models are proved. It is 1 if a model fails; if one that must fail does not, in the
way it must; if an expected outcome was never seen; or if no execution was complete. It is 3 if nothing of this
is so, but a search was cut. Wrong usage exits with 2, and so does a change of a site that no model reaches.
)";

// ------------------------------------------------------------------------------- the command line

struct options {
  bool list = false;
  bool json = false;
  bool help = false;
  bool sites = false;
  bool skip_litmus = false;
  bool partial = false;
  std::string model;
  double seconds = 0;
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
  if (text == "iso") return checker::memory_model::iso;
  if (text == "sc") return checker::memory_model::sc;
  throw usage_error("--memory: '" + std::string(text) + "' is not rc11, iso or sc");
}

// Takes an option without a value. False if there is no such option.
bool take_flag(options& chosen, std::string_view option) {
  if (option == "--help") {
    chosen.help = true;
  } else if (option == "--list") {
    chosen.list = true;
  } else if (option == "--sites") {
    chosen.sites = true;
  } else if (option == "--json") {
    chosen.json = true;
  } else if (option == "--skip-litmus") {
    chosen.skip_litmus = true;
  } else if (option == "--partial") {
    chosen.partial = true;
  } else if (option == "--count-sites") {
    watching_sites = true;
  } else {
    return false;
  }
  return true;
}

// The same with a value.
bool take_option(options& chosen, std::string_view option, const std::string& value) {
  if (option == "--model") {
    chosen.model = value;
  } else if (option == "--seconds") {
    chosen.seconds = number_of<double>(option, value);
  } else if (option == "--jobs") {
    chosen.jobs = number_of<unsigned>(option, value);
  } else if (option == "--memory") {
    chosen.memory = memory_model_of(value);
    chosen.repeat += " --memory " + value;
  } else if (option == "--part") {
    chosen.part = share_of(option, value);
  } else if (option == "--shard") {
    chosen.shard = share_of(option, value);
  } else if (option == "--lines") {
    chosen.lines = value;
  } else if (option == "--replay") {
    chosen.replay = value;
  } else if (option == "--page") {
    chosen.page = value;
  } else if (option == "--progress-line") {
    chosen.line = showing_of(option, value);
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
  if (divided) require_no_changes("--shard and --lines");
}

options read_options(int argc, char** argv) {
  options chosen;
  if (const char* const jobs = std::getenv("JOBS"); jobs != nullptr && *jobs != '\0') {
    chosen.jobs = number_of<unsigned>("JOBS", jobs);
  }
  for (int i = 1; i < argc; ++i) {
    const std::string_view option = argv[i];
    if (take_flag(chosen, option)) continue;
    if (i + 1 == argc || !take_option(chosen, option, argv[i + 1])) {
      throw usage_error("'" + std::string(option) + "': unknown, or its value is missing");
    }
    ++i;
  }
  if (chosen.jobs == 0) chosen.jobs = std::max(1u, std::thread::hardware_concurrency());
  require_possible(chosen);
  return chosen;
}

// ----------------------------------------------------------------------------- what came of a
// model

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
    if (!partial) sum.complaints.push_back("cut: the search was not done when its time was up");
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
  sum.result = run_search(
      entry, {memory, chosen.seconds, chosen.part.number, chosen.part.count, chosen.replay,
              chosen.on_progress, chosen.on_progress && !chosen.model.empty()});
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

// -----------------------------------------------------------------------------------------
// printing

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
  if (sum.result.timed_out) return "not finished in the time given, and not proved";
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
  if (sum.passed() || !sum.result.first) return out.str();
  checker::print(out, *sum.result.first);
  out << "again: " << replay_command(sum, chosen) << "\n";
  return out.str();
}

// The members of an object of JSON, without its braces.
std::string json_report(const report& sum) {
  std::ostringstream out;
  out << json_model(*sum.entry) << ", \"memory\": " << quoted(text_of(sum.memory))
      << ", \"complete\": " << sum.result.complete << ", \"blocked\": " << sum.result.blocked
      << ", \"errors\": " << sum.result.errors << ", \"cut\": " << sum.result.cut
      << ", \"runs\": " << sum.result.runs << ", \"seconds\": " << sum.result.seconds
      << ", \"timed_out\": " << (sum.result.timed_out ? "true" : "false")
      << ", \"hash\": " << json_hash(sum.result.hash)
      << ", \"estimate\": " << json_estimate(sum.result.estimate)
      << ", \"passed\": " << (sum.passed() ? "true" : "false")
      << ", \"failed_by\": " << quoted(poolproof::models::text_of(sum.failed_by))
      << ", \"message\": " << quoted(sum.result.message)
      << ", \"complaints\": " << json_texts(sum.complaints)
      << ", \"outcomes\": " << json_outcomes(sum.outcomes)
      << ", \"replay\": " << quoted(sum.result.first ? sum.result.first->replay : "");
  return out.str();
}

std::string text_of(const std::vector<report>& reports, const options& chosen) {
  std::string all;
  for (const report& sum : reports) {
    if (chosen.json) {
      all += (all.empty() ? "{" : ",\n{") + json_report(sum) + ", \"sites\": " + json_sites() + "}";
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

// ------------------------------------------------------------------------------ models in parallel

// What became of a model that ran in a process of its own.
struct verdict_of_process {
  bool done = false;
  bool passed = false;
  checker::conclusion concluded = checker::conclusion::error;
  bool cut = false;  // but no failure, and --partial
  std::string text;
  std::vector<std::string> lines;      // for --lines: of each report the members
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
  for (const report& sum : reports) found.lines.push_back(json_report(sum));
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
  return out.str();
}

void write_lines(const options& chosen, std::size_t whole,
                 const std::vector<verdict_of_process>& verdicts) {
  lines_file lines(chosen.lines);
  const std::string search = search_of(chosen);
  lines.begin(search, chosen.shard.value_or(share{}), whole, "\"models\": true");
  for (const verdict_of_process& each : verdicts) {
    for (const std::string& line : each.lines) lines.add(search, line);
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
  const options chosen = read_options(argc, argv);
  if (chosen.help) {
    std::cout << usage;
    return 0;
  }
  if (chosen.sites) {
    print_sites();
    return 0;
  }
  if (chosen.list) {
    list_models(share_of(chosen_models(chosen), chosen), chosen.json);
    return 0;
  }
  return chosen.model.empty() ? run_all(chosen) : run_one(chosen);
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

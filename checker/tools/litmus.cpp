// SPDX-License-Identifier: MIT
// checker/tools/litmus: explores the programs of files in the notation of README.md.

#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <iterator>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include <CLI/CLI.hpp>
#include <checker/progress_line.hpp>
#include <checker/report.hpp>
#include <nlohmann/json.hpp>

#include "digest.hpp"
#include "litmus_program.hpp"
#include "notation.hpp"

namespace {

using namespace checker;
using json = nlohmann::ordered_json;

constexpr const char* footer = R"(
FILE - is standard input. The notation is described in checker/tools/README.md.

The line: name, model, verdict (proved, error or not finished), complete (executions in which every
thread returned), blocked (executions in which a thread waits, for a value that it could yet get in
another), cut (bounds that were met), excluded (executions in which an assumption of the program does
not hold), runs (executions that were begun), hunted (those by chance alone: none),
duplicates (graphs visited twice, of those remembered), errors, outcomes, hash (the same for the same
set of graphs), seconds, peak_bytes, digest (the same for the same program with the same
parameters), operations (of each thread, at most), bounds, not_explored, conflicts_reached and
conflicts_never_reached (lines whose operation met, or never met, a conflicting access that nothing
else orders with it). After a cut: why_cut. After an error: first_error, error, text, replay, and
kinds, of each of which error, count, text, replay, choices. Without --keep-going or --check a search
ends at the first error. With --estimate: name, model, estimate (null if the time was too short), error (one
standard error), rough (it may be much too low). Exit status: 0 if all is proved;
1 after an error of a program, or a count that --check finds wrong; 3 if a search was not finished, or
no execution is complete; 2 for a wrong argument or file.
)";

struct settings {
  options search;
  std::vector<std::string> files;
  litmus::parameters parameters;
  std::string only;
  unsigned jobs = 0;
  bool sharded = false;
  bool list_outcomes = false;
  bool check = false;
  double estimate = 0;
  showing line = showing::automatic;
};

[[noreturn]] void reject(const std::string& message) {
  std::cerr << "litmus: " << message << " (--help lists the options)\n";
  std::exit(2);
}

memory_model to_model(std::string_view name) {
  if (name == "rc11") return memory_model::rc11;
  return name == "iso" ? memory_model::iso : memory_model::sc;
}

std::string_view name_of(memory_model model) {
  constexpr std::string_view names[] = {"rc11", "iso", "sc"};
  return names[static_cast<std::size_t>(model)];
}

const CLI::Validator not_negative(
    [](const std::string& text) {
      return text.starts_with('-') ? "'" + text + "' is less than 0" : std::string();
    },
    "");

// The options that choose what is searched, and how far.
void add_searches(CLI::App& line, settings& to) {
  line.add_option("--only", to.only, "only the program of this name")->type_name("NAME");
  line.add_option("--jobs", to.jobs, "on N processes (default: one for each CPU)")->type_name("N");
  line.add_option("--checkpoint", to.search.checkpoint,
                  "write the search to FILE from time to time, and go on from it if it is there")
      ->type_name("FILE");
  line.add_option("--seconds", to.search.seconds, "give up after S seconds: the search is then cut")
      ->type_name("S")
      ->check(not_negative);
  line.add_option("--estimate", to.estimate,
                  "do not search: estimate for S seconds how many executions there are to be\n"
                  "found")
      ->type_name("S");
  line.add_flag("--keep-going", to.search.keep_going,
                "go on after an error: count them all by kind, and show one of each");
  line.add_option("--replay", to.search.replay,
                  "run only this execution: without an error it proves nothing")
      ->type_name("STRING");
  line.add_option("--remember", to.search.remember_graphs,
                  "look for duplicates among the first N complete graphs (default 1000000)")
      ->type_name("N");
  line.add_flag("--outcomes", to.list_outcomes, "list the outcomes, not only their number");
  line.add_flag("--check", to.check, "fail unless the counts are those that the files expect");
  line.add_option("files", to.files, "programs")->type_name("FILE")->required();
}

// Ends the program if the arguments are wrong, or ask for --help.
void parse(CLI::App& line, int argc, char** argv) {
  try {
    line.parse(argc, argv);
  } catch (const CLI::CallForHelp&) {
    std::cout << line.help();
    std::exit(0);
  } catch (const CLI::ConversionError& wrong) {
    reject(std::string(wrong.what()) + ", which is not a number");
  } catch (const CLI::ParseError& wrong) {
    reject(wrong.what());
  }
}

settings read_arguments(int argc, char** argv) {
  settings read;
  read.search.spurious_failures = 0;
  read.search.remember_graphs = 1'000'000;
  CLI::App line(
      "Explores every execution of the programs in the files, and prints a line of JSON for each.",
      "litmus");
  line.footer(footer);
  line.get_formatter()->column_width(24);
  line.set_help_flag("-h,--help", "this text");
  line.option_defaults()->multi_option_policy(CLI::MultiOptionPolicy::TakeLast);
  add_searches(line, read);
  std::string memory = "rc11";
  std::string showing = "auto";
  line.add_option("--memory", memory, "rc11 (default), iso or sc")
      ->type_name("MODEL")
      ->check(CLI::IsMember({"rc11", "iso", "sc"}));
  line.add_option("--progress-line", showing,
                  "show how far the search is on the terminal: auto (default: if it is one),\n"
                  "always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  using setting = std::pair<std::string, std::uint64_t>;
  line.add_option_function<setting>(
          "--set", [&](const setting& each) { read.parameters[each.first] = each.second; },
          "a parameter of the programs, such as n")
      ->type_name("NAME=VALUE")
      ->delimiter('=')
      ->trigger_on_parse();
  std::pair<unsigned, unsigned> part;
  const CLI::Option* const sharded =
      line.add_option("--shard", part,
                      "only part I (0 .. N-1) of N of the search; the parts' counts and hashes\n"
                      "add up")
          ->type_name("I/N")
          ->delimiter('/');
  parse(line, argc, argv);

  if (line.count("--estimate") != 0 && !(read.estimate > 0)) {
    reject("--estimate: how many seconds may it take?");
  }
  // What a file expects are the counts of whole searches.
  read.search.keep_going = read.search.keep_going || read.check;
  read.search.model = to_model(memory);
  read.line = *showing_of(showing);
  if (*sharded) {
    read.sharded = true;
    std::tie(read.search.part, read.search.parts) = part;
    if (part.first >= part.second) reject("--shard: I must be less than N");
  }
  return read;
}

std::string read_file(const std::string& name) {
  if (name == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(name);
  if (!in) reject(name + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

std::string hexadecimal(const graph_hash& hash) {
  char text[40];
  std::snprintf(text, sizeof text, "%016llx%016llx", static_cast<unsigned long long>(hash.high),
                static_cast<unsigned long long>(hash.low));
  return text;
}

std::uint64_t peak_bytes() {
  rusage used{};
  ::getrusage(RUSAGE_SELF, &used);
  return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

void print(const json& line) {
  std::cout << line.dump(-1, ' ', false, json::error_handler_t::replace) << std::endl;
}

json kinds_of(const statistics& found) {
  json list = json::array();
  for (const errors_of_kind& each : found.kinds) {
    json& kind = list.emplace_back();
    kind = {{"error", checker::name_of(each.what)},
            {"count", each.count},
            {"text", each.text},
            {"replay", each.replay}};
    if (each.first) kind["choices"] = choices(*each.first);
  }
  return list;
}

std::string_view name_of(conclusion c) {
  constexpr std::string_view names[] = {"proved", "error", "", "not finished"};
  return names[static_cast<std::size_t>(c)];
}

// A part of a search may have none that is complete.
conclusion concluded(const settings& chosen, const statistics& found) {
  if (!chosen.sharded || found.errors != 0 || found.replayed) return found.concluded();
  return found.cut == 0 ? conclusion::proved : conclusion::unfinished;
}

// What the verdict says in words of what was searched, and what not.
void add_bounds(json& line, const settings& chosen, const statistics& found) {
  const options& search = chosen.search;
  line["operations"] = found.longest;
  // A litmus program allocates nothing: no block is used again, and none leaks.
  line["bounds"] = {{"operations", search.events_per_thread},
                    {"spurious_failures", search.spurious_failures},
                    {"reused_blocks", 0}};
  line["not_explored"] = {"load buffering"};
  if (found.too_long != 0) line["not_explored"].push_back("conflicts in long executions");
  line["conflicts_reached"] = found.met;
  line["conflicts_never_reached"] = found.unmet;
  if (found.cut != 0) line["why_cut"] = found.why_cut;
}

// The same for two texts and parameters of which the same program was read.
std::string digest_of(const litmus::program& p) {
  digest made;
  made.add(litmus::print(p));
  return made.hexadecimal();
}

void print_line(const litmus::program& p, const settings& chosen, const statistics& found,
                double seconds) {
  json line = {{"name", p.name},
               {"model", name_of(chosen.search.model)},
               {"verdict", name_of(concluded(chosen, found))},
               {"complete", found.complete},
               {"blocked", found.blocked},
               {"cut", found.cut},
               {"excluded", found.excluded},
               {"runs", found.runs},
               {"hunted", found.hunted},
               {"duplicates", found.duplicates},
               {"errors", found.errors},
               {"outcomes", found.outcomes.size()},
               {"hash", hexadecimal(found.hash)},
               {"seconds", seconds},
               {"peak_bytes", peak_bytes()}};
  if (chosen.list_outcomes) {
    json& list = line["outcomes"] = json::array();
    for (const std::string& each : found.outcomes) list.push_back(each);
  }
  line["digest"] = digest_of(p);
  add_bounds(line, chosen, found);
  if (chosen.sharded) {
    line["shard"] = std::to_string(chosen.search.part) + '/' + std::to_string(chosen.search.parts);
    line["outcome_hashes"] = found.outcomes.hashes();
  }
  if (found.first) {
    const std::string kind(checker::name_of(found.first->what));
    line["first_error"] = kind + ": " + found.first->text;
    line["error"] = kind;
    line["text"] = found.first->text;
    line["replay"] = found.first->replay;
    line["kinds"] = kinds_of(found);
  }
  print(line);
}

// What the file says of the program, against what was found. True if they agree.
bool expected(const litmus::program& p, const settings& chosen, const statistics& found) {
  const auto& wanted = p.expected;
  const auto count = chosen.search.model == memory_model::rc11  ? wanted.rc11
                     : chosen.search.model == memory_model::iso ? wanted.iso
                                                                : wanted.sc;
  const auto has = [&](fault what) {
    return std::any_of(found.kinds.begin(), found.kinds.end(),
                       [what](const errors_of_kind& each) { return each.what == what; });
  };
  bool agrees = true;
  const auto compare = [&](const char* what, auto is, const auto& should) {
    if (!should || is == *should) return;
    std::cerr << p.name << ": " << what << " is " << is << ", expected " << *should << '\n';
    agrees = false;
  };
  compare("complete", found.complete, count);
  if (chosen.search.model == memory_model::rc11) {
    compare("outcomes", std::uint64_t{found.outcomes.size()}, wanted.outcomes);
  }
  compare("race", has(fault::data_race), wanted.race);
  compare("failure", has(fault::assertion), wanted.failure);
  for (const errors_of_kind& each : found.kinds) {
    if (each.what == fault::data_race || each.what == fault::assertion) continue;
    std::cerr << p.name << ": " << checker::name_of(each.what) << ": " << each.text
              << ", which no file can expect\n";
    agrees = false;
  }
  compare("duplicates", found.duplicates, std::optional<std::uint64_t>(0));
  return agrees;
}

void estimate(const litmus::program& p, const settings& chosen, const std::string& file) {
  litmus::litmus_program checked(p, file);
  const size_estimate size = checker::estimate(checked, chosen.search, chosen.estimate);
  json line = {{"name", p.name}, {"model", name_of(chosen.search.model)}};
  for (const char* const each : {"estimate", "error", "rough"}) line[each] = nullptr;
  if (size.known) {
    line.update({{"estimate", size.executions}, {"error", size.error}, {"rough", size.rough}});
  }
  print(line);
}

conclusion explore(const litmus::program& p, const settings& chosen, const std::string& file) {
  litmus::litmus_program checked(p, file);
  options search = chosen.search;
  search.name = p.name;
  search.digest = digest_of(p);
  progress_line line(p.name, chosen.line);
  if (line.shown()) {
    search.on_progress = std::ref(line);
    search.estimate_seconds = 1;
  }
  const auto start = std::chrono::steady_clock::now();
  const statistics found = checker::explore(checked, search, chosen.jobs);
  line.clear();
  const std::chrono::duration<double> taken = std::chrono::steady_clock::now() - start;
  print_line(p, chosen, found, taken.count());
  if (chosen.check && !expected(p, chosen, found)) return conclusion::error;
  const bool finished = found.cut == 0 && !found.replayed;
  if (chosen.check) return finished ? conclusion::proved : conclusion::unfinished;
  return concluded(chosen, found);
}

int run(const settings& chosen) {
  conclusion all = conclusion::proved;
  bool found = false;
  for (const std::string& file : chosen.files) {
    for (const litmus::program& p : litmus::parse(read_file(file), file, chosen.parameters)) {
      if (!chosen.only.empty() && p.name != chosen.only) continue;
      found = true;
      if (chosen.estimate > 0) {
        estimate(p, chosen, file);
      } else {
        all = worse(all, explore(p, chosen, file));
      }
    }
  }
  if (!found) reject("no program" + (chosen.only.empty() ? "" : " is called " + chosen.only));
  return static_cast<int>(all);
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run(read_arguments(count, arguments));
  } catch (const std::exception& wrong) {
    std::cerr << "litmus: " << wrong.what() << '\n';
    return 2;
  }
}

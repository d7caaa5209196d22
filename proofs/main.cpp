// SPDX-License-Identifier: MIT
// The program `proofs`: explores every client of a size, and says what it found.

#include "client.hpp"
#include "dequeue_clients.hpp"
#include "pool_clients.hpp"
#include "specification.hpp"
#include "survey.hpp"

#include "command_line.hpp"
#include "driver.hpp"
#include "load_buffering.hpp"
#include "shares.hpp"
#include "unfinished.hpp"

#include <checker/checkpoint.hpp>
#include <checker/contention.hpp>
#include <checker/page.hpp>
#include <checker/processes.hpp>
#include <checker/progress_line.hpp>
#include <checker/report.hpp>
#include <checker/verdict.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <exception>
#include <fstream>
#include <functional>
#include <iostream>
#include <map>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <string_view>
#include <thread>
#include <utility>
#include <vector>

namespace poolproof::proofs {

const std::vector<family>& all_families() {
  static const std::vector<family> all = [] {
    std::vector<family> families{dequeue_clients(), dequeue_batch_clients()};
    for (family& each : pool_families()) families.push_back(std::move(each));
    return families;
  }();
  return all;
}

namespace {

using models::usage_error;
using steady = std::chrono::steady_clock;

constexpr const char* exit_statuses = R"(
The exit status is 0 if all clients are proved, 1 if one has an error, 3 if one was not finished or
has no complete execution. Wrong usage exits with 2, and so does a change of a site that no client
reaches.
)";

// Of reads between whose sources nothing can tell: see merge_reads of <checker/search.hpp>.
enum class reads { merged, each, compared };

// Of executions that differ only in which of several threads with equal scripts did what: see alike
// of <checker/search.hpp>.
enum class alike { each, once, compared };

struct settings {
  std::string family;
  std::size_t calls = 6;
  std::string client;
  std::optional<std::pair<unsigned, unsigned>> stop;
  bool progress = false;
  bool partial = false;
  double seconds = 0;
  double total = 0;
  std::optional<steady::time_point> end;  // of the total
  std::uint64_t runs = 0;
  unsigned spurious = 1;
  reads hints = reads::merged;
  bool reuse_memory = true;  // see <checker/search.hpp>
  alike exchanged = alike::each;
  unsigned jobs = 0;
  bool keep_going = false;
  std::string replay;
  std::string page;
  bool json = false;
  bool contended = false;
  bool load_buffering = false;
  bool sites = false;
  double within = 0;
  std::size_t plain_calls = 0;
  std::string table;
  std::string letters;
  std::optional<models::share> share;
  std::string lines;
  std::string repeat;  // the options that a replay must repeat
  checker::showing line = checker::showing::automatic;
  std::function<void(const checker::progress&)> on_progress;
};

void leave_out(const std::string& name) {
  std::string known;
  for (const sentence& each : all_clauses) {
    if (each.name == name) {
      removed_clauses |= std::uint32_t{1} << static_cast<unsigned>(each.which);
      return;
    }
    known += (known.empty() ? "" : ", ") + std::string(each.name);
  }
  throw usage_error("--without: there is no clause '" + name + "', but " + known);
}

bool about_one_search(const settings& chosen) {
  return !chosen.replay.empty() || !chosen.page.empty() || chosen.stop;
}

// Options that say nothing together.
void require_possible(const settings& chosen) {
  const bool one = !chosen.client.empty();
  const bool of_one = about_one_search(chosen);
  if (!one && of_one) {
    throw usage_error("--replay, --page and --stop: name the client with --client");
  }
  if (of_one && (chosen.progress || chosen.json)) {
    throw usage_error("--replay, --page and --stop: not with --progress or --json");
  }
  if (one && (chosen.share || !chosen.lines.empty())) {
    throw usage_error("--shard and --lines: of all clients of a size, without --client");
  }
  if ((chosen.contended || chosen.load_buffering) && !chosen.json) {
    throw usage_error("--contended and --load-buffering: with --json");
  }
  if (chosen.hints == reads::compared && (of_one || chosen.within > 0)) {
    throw usage_error("--reads compared: not with --replay, --page, --stop or --within");
  }
  if (chosen.exchanged != alike::each && (of_one || chosen.progress)) {
    throw usage_error("--alike: not with --replay, --page, --stop or --progress");
  }
  if (chosen.plain_calls != 0 && chosen.within <= 0) {
    throw usage_error("--plain-calls: with --within");
  }
  if (chosen.exchanged == alike::compared && chosen.within > 0) {
    throw usage_error("--alike compared: not with --within");
  }
  if (chosen.within > 0 && (chosen.progress || chosen.total > 0)) {
    throw usage_error("--within: not with --progress or --total");
  }
  if (chosen.within > 0 && !chosen.reuse_memory) {
    throw usage_error("--without-reuse: not with --within");
  }
  if (one && chosen.total > 0) throw usage_error("--total: of all clients of a size");
  if (chosen.calls == 0) throw usage_error("--calls: a client makes at least one");
  if (chosen.share || !chosen.lines.empty()) models::require_no_changes("--shard and --lines");
}

// What stands behind the options in --help.
std::string all_that_is_known() {
  std::ostringstream out;
  out << exit_statuses << "\nFamilies:\n";
  for (const family& each : all_families()) {
    out << "  " << each.name << ": " << each.bound << "; "
        << (each.least_threads == each.most_threads ? ""
                                                    : std::to_string(each.least_threads) + " to ")
        << each.most_threads << " threads, up to " << each.most_calls << " calls in all\n"
        << "    letters: " << text_of(each.letters) << "\n    checked: " << each.property << '\n';
  }
  out << "\nClauses of the pool's specification:\n";
  for (const sentence& each : all_clauses) out << "  " << each.name << ": " << each.says << '\n';
  return out.str();
}

// The options that choose what is searched.
void add_searches(CLI::App& line, settings& to) {
  line.add_option("--family", to.family, "of which header (default: all)")->type_name("NAME");
  line.add_option("--calls", to.calls, "how many calls a client makes in all (default: 6)")
      ->type_name("N");
  line.add_option("--client", to.client,
                  "only this client, such as '++-|ss'; a failure is reported step by step")
      ->type_name("SCRIPTS");
  line.add_flag("--progress", to.progress,
                "every client with every thread stopped after every operation");
  line.add_option("--within", to.within,
                  "all clients of up to --calls letters, the cheapest first, for so many\n"
                  "seconds; what no family is called stands for all whose names begin so")
      ->type_name("S")
      ->check(models::not_negative);
  line.add_option("--plain-calls", to.plain_calls,
                  "with --within: also clients of up to so many calls that put, get and rotate\n"
                  "alone, of the families without sections")
      ->type_name("N");
  line.add_option("--letters", to.letters,
                  "only clients of these letters, with nothing before or after their threads")
      ->type_name("LETTERS");
  line.add_option("--replay", to.replay, "with --client: run one execution again")
      ->type_name("STRING");
}

// How they are searched.
void add_bounds(CLI::App& line, settings& to) {
  line.add_option("--seconds", to.seconds,
                  "the longest that one client may take; it is then listed as unfinished, with\n"
                  "an estimate of its executions that takes a fifth of that")
      ->type_name("S")
      ->check(models::not_negative);
  line.add_option(
          "--total", to.total,
          "the longest that all clients of a family may take together, the cheapest first;\n"
          "the others are listed as unfinished")
      ->type_name("S")
      ->check(models::not_negative);
  line.add_option(
          "--runs", to.runs,
          "how many executions of one client may be visited; it is then unfinished, too, and\n"
          "stops at the same place on every machine")
      ->type_name("N");
  line.add_flag("--partial", to.partial,
                "do not fail because of unfinished clients: they are listed, and not proved");
  line.add_option("--spurious", to.spurious,
                  "how many weak compare-and-swaps of each thread may fail for no reason\n"
                  "(default: 1)")
      ->type_name("N");
  line.add_option("--reads", to.hints,
                  "merged (default): where several writes of one value could be read, and nothing\n"
                  "can tell which, the earliest stands for all; each: each is an execution of its\n"
                  "own; compared: do both, and compare the executions")
      ->type_name("HOW")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, reads>{
              {"merged", reads::merged}, {"each", reads::each}, {"compared", reads::compared}},
          CLI::ignore_case));
  line.add_flag("!--without-reuse", to.reuse_memory,
                "memory that was freed is not allocated again; else each allocation tries both");
  line.add_option("--alike", to.exchanged,
                  "each (default): executions that differ only in which of several threads with\n"
                  "equal scripts did what are all visited; once: not all of them, where no reads\n"
                  "are merged; compared: do both, and compare them")
      ->type_name("HOW")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, alike>{
              {"each", alike::each}, {"once", alike::once}, {"compared", alike::compared}},
          CLI::ignore_case));
  line.add_option("--jobs", to.jobs, "how many processes (default: one for each CPU)")
      ->type_name("N")
      ->envname("JOBS");
  line.add_flag("--keep-going", to.keep_going, "explore all clients even if one fails");
}

// What is said of them, and where.
void add_reports(CLI::App& line, settings& to, std::string& showing) {
  line.add_option("--page", to.page, "with --client: write the failure as a page of HTML")
      ->type_name("FILE");
  line.add_option("--progress-line", showing,
                  "how far it is, on the terminal: auto (default: if it is one), always or never")
      ->type_name("WHEN")
      ->check(CLI::IsMember({"auto", "always", "never"}));
  line.add_option("--table", to.table, "with --within: write what is proved of how many, as JSON")
      ->type_name("FILE");
  line.add_flag("--json", to.json, "print a list of one object for each family, with its clients");
  line.add_flag("--contended", to.contended,
                "with --json: of each client, the sites that run beside a conflicting access");
  line.add_flag("--load-buffering", to.load_buffering,
                "with --json: of each client, the writes that could overtake a read of their\n"
                "thread, as 'READ > WRITE < ANSWER', the write that the read could then read");
  line.add_option("--lines", to.lines,
                  "add a line of JSON for each client: proofs/ledger.py --merge takes those of\n"
                  "all shares")
      ->type_name("FILE");
  line.add_flag("--sites", to.sites,
                "list the headers' sites: each order of each atomic operation");
}

// Nothing if only --help was asked for.
std::optional<settings> read_settings(int argc, char** argv) {
  settings chosen;
  std::string showing = "auto";
  models::changes changes;
  std::vector<std::string> left_out;
  std::pair<unsigned, unsigned> shard, stop;
  const auto line = models::command_line(
      "proofs",
      "Explores every execution of every client of a header, of a number of calls, and checks in\n"
      "each what the header promises. Clients of fewer calls are beginnings of these.",
      all_that_is_known());
  add_searches(*line, chosen);
  const CLI::Option* const stops =
      line->add_option("--stop", stop,
                       "thread T does nothing more after K operations: all others must return")
          ->type_name("T:K")
          ->delimiter(':');
  add_bounds(*line, chosen);
  changes.add_to(*line);
  line->add_option("--without", left_out,
                   "leave a clause of the pool's specification out (to see what needs it)")
      ->type_name("CLAUSE")
      ->allow_extra_args(false)
      ->take_all();
  const CLI::Option* const shares =
      line->add_option("--shard", shard,
                       "share I of N of each family's clients, from 0: all shares together are\n"
                       "the whole")
          ->type_name("I/N")
          ->delimiter('/');
  add_reports(*line, chosen, showing);
  if (!models::parse(*line, argc, argv)) return std::nullopt;

  if (*stops) chosen.stop = stop;
  if (*shares) chosen.share = models::share_of("--shard", shard);
  chosen.line = *checker::showing_of(showing);
  for (const std::string& each : left_out) leave_out(each);
  if (line->count("--spurious") != 0) {
    chosen.repeat = " --spurious " + std::to_string(chosen.spurious);
  }
  if (!chosen.reuse_memory) chosen.repeat += " --without-reuse";
  chosen.repeat += changes.make();
  if (chosen.jobs == 0) chosen.jobs = std::max(1u, std::thread::hardware_concurrency());
  require_possible(chosen);
  return chosen;
}

client client_of(const std::string& name) {
  client named{{""}};
  const std::size_t first = name.find('/');
  const std::size_t second = first == std::string::npos ? first : name.find('/', first + 1);
  if (first != std::string::npos) named.before = name.substr(0, first);
  if (second != std::string::npos) named.after = name.substr(second + 1);
  const std::size_t start = first == std::string::npos ? 0 : first + 1;
  for (const char c : name.substr(start, second == std::string::npos ? second : second - start)) {
    if (c == '|') {
      named.threads.emplace_back();
    } else {
      named.threads.back() += c;
    }
  }
  return named;
}

// A search: a client, and perhaps a thread that stops.
struct task {
  client played;
  std::optional<std::pair<unsigned, unsigned>> stop;
};

struct outcome {
  std::uint64_t complete = 0;
  std::uint64_t blocked = 0;
  std::uint64_t errors = 0;
  std::uint64_t cut = 0;
  std::uint64_t searches = 0;
  double seconds = 0;
  checker::graph_hash hash;
  checker::size_estimate estimate;  // of a client that was not finished
  std::string error;
  std::string replay;
  std::vector<std::string> contended;  // sites as --weaken has them
  std::vector<std::string> load_buffering;
  std::string stop;                    // the options with which it failed, if a thread was stopped
  std::vector<std::uint64_t> reached;  // how often each site, if sites are changed

  void store(checker::archive& file) {
    file(complete);
    file(blocked);
    file(errors);
    file(cut);
    file(searches);
    file(seconds);
    file(hash);
    file(estimate);
    file(error);
    file(replay);
    file(contended);
    file(load_buffering);
    file(stop);
    file(reached);
  }
};

std::string text_of(const std::optional<std::pair<unsigned, unsigned>>& stop) {
  if (!stop) return "";
  return " --stop " + std::to_string(stop->first) + ':' + std::to_string(stop->second);
}

// What could be read instead is of interest itself for some reports.
bool merges(const settings& chosen) {
  return chosen.hints != reads::each && !chosen.contended && !chosen.load_buffering;
}

bool is_over(const settings& chosen) { return chosen.end && steady::now() >= *chosen.end; }

// How long a search may take from now on; 0: for ever.
double seconds_of(const settings& chosen) {
  if (!chosen.end) return chosen.seconds;
  const std::chrono::duration<double> left = *chosen.end - steady::now();
  const double most = std::max(left.count(), 1e-3);
  return chosen.seconds > 0 ? std::min(chosen.seconds, most) : most;
}

checker::options options_of(const family& of, const settings& chosen, const task& t) {
  checker::options options;
  options.name = t.played.name();
  options.spurious_failures = chosen.spurious;
  options.seconds = seconds_of(chosen);
  options.most_runs = chosen.runs;
  options.replay = chosen.replay;
  options.on_progress = chosen.on_progress;
  options.merge_reads = merges(chosen) && !of.makes_fences;
  options.reuse_memory = chosen.reuse_memory;
  if (chosen.exchanged == alike::once) options.alike = alike_in(t.played, of);
  if (t.stop) {
    options.stopped_thread = t.stop->first;
    options.stopped_after = t.stop->second;
  }
  return options;
}

checker::statistics search(const family& of, const settings& chosen, const task& t) {
  const auto program = of.make(t.played);
  checker::exploration running(*program, options_of(of, chosen, t));
  return running.explore();
}

// The same, and what load buffering could reach.
checker::statistics search(const family& of, const settings& chosen, const task& t,
                           std::vector<std::string>& load_buffering) {
  checker::load_buffering seen;
  checker::options options = options_of(of, chosen, t);
  options.on_complete = [&](const checker::execution_graph& graph) { seen.look_at(graph); };
  const auto program = of.make(t.played);
  checker::exploration running(*program, options);
  checker::statistics found = running.explore();
  load_buffering = models::names_of(seen, running);
  return found;
}

// The same twice, with merged reads and without. What is wrong, if the executions are not the same.
std::string difference_of(const family& of, const settings& chosen, const task& t) {
  if (of.makes_fences) return "";  // nothing is merged
  checker::options options = options_of(of, chosen, t);
  options.remember_graphs = ~std::size_t{0};
  const auto found = [&](bool merged) {
    options.merge_reads = merged;
    options.by_normal_form = !merged;
    const auto program = of.make(t.played);
    return checker::exploration(*program, options).explore();
  };
  const checker::statistics merged = found(true);
  const checker::statistics each = found(false);
  const bool same = merged.complete == each.complete - each.duplicates && merged.hash == each.hash;
  if (merged.cut + each.cut != 0) return "not finished, and hence not compared";
  if (merged.duplicates == 0 && same) return "";
  return std::to_string(merged.complete) + " executions with merged reads, " +
         std::to_string(merged.duplicates) + " of them twice, but " +
         std::to_string(each.complete - each.duplicates) +
         " different ones, or other ones, of all " + std::to_string(each.complete);
}

// The same twice, with all executions of threads that are alike and without. What is wrong, if they
// are not the same up to exchanging those.
std::string difference_in_alike(const family& of, const settings& chosen, const task& t) {
  const std::vector<unsigned> threads = alike_in(t.played, of);
  if (threads.empty()) return "";
  checker::options options = options_of(of, chosen, t);
  options.merge_reads = false;
  options.remember_graphs = ~std::size_t{0};
  options.by_orbit = threads;
  const auto found = [&](bool once) {
    options.alike = once ? threads : std::vector<unsigned>();
    const auto program = of.make(t.played);
    return checker::exploration(*program, options).explore();
  };
  const checker::statistics once = found(true);
  const checker::statistics each = found(false);
  if (once.cut + each.cut != 0) return "not finished, and hence not compared";
  const std::uint64_t orbits = each.complete - each.duplicates;
  if (once.complete - once.duplicates == orbits && once.hash == each.hash) return "";
  return std::to_string(once.complete - once.duplicates) + " different executions, or others, of " +
         std::to_string(orbits);
}

checker::size_estimate estimate(const family& of, const settings& chosen, const task& t) {
  const auto program = of.make(t.played);
  return checker::estimate(*program, options_of(of, chosen, t),
                           models::estimate_seconds(chosen.seconds));
}

// The sites that some complete execution runs beside a conflicting access.
std::vector<std::string> contended_sites(const family& of, const settings& chosen, const task& t) {
  checker::contention seen;
  checker::options options = options_of(of, chosen, t);
  options.on_complete = [&](const checker::execution_graph& graph) { seen.look_at(graph); };
  const auto program = of.make(t.played);
  checker::exploration running(*program, options);
  running.explore();
  std::vector<std::string> sites;
  seen.for_each([&](std::uint32_t number, bool failed) {
    const checker::place& where = running.where(number);
    const auto part = failed ? models::site_part::fail : models::site_part::op;
    sites.push_back(models::name_of(where.name(), where.line, part));
  });
  return sites;
}

// Adds what one search found. False if it ends the task.
bool add(const checker::statistics& found, const task& t, outcome& sum) {
  sum.complete += found.complete;
  sum.blocked += found.blocked;
  sum.errors += found.errors;
  sum.cut += found.cut;
  sum.hash.add(found.hash.low, found.hash.high);
  sum.searches += 1;
  if (found.first) {
    sum.error = std::string(name_of(found.first->what)) + ": " + found.first->text;
    sum.stop = text_of(t.stop);
    sum.replay = found.first->replay;
  }
  return found.errors == 0 && found.cut == 0;
}

// Makes the search in a second way, if that was asked for.
void compare(const family& of, const settings& chosen, const task& t, outcome& sum) {
  if (sum.errors != 0) return;
  if (chosen.hints == reads::compared) sum.error = difference_of(of, chosen, t);
  if (chosen.exchanged == alike::compared && sum.error.empty()) {
    sum.error = difference_in_alike(of, chosen, t);
  }
  if (sum.error.empty()) return;
  sum.errors = 1;
  sum.stop = text_of(t.stop);
}

// The client; and with --progress the client with each thread stopped after each of the operations
// that it makes in any execution.
outcome run(const family& of, const settings& chosen, const task& t) {
  const auto start = std::chrono::steady_clock::now();
  const std::vector<std::uint64_t> reached_before = models::reached_counts();
  outcome sum;
  const checker::statistics whole =
      chosen.load_buffering ? search(of, chosen, t, sum.load_buffering) : search(of, chosen, t);
  bool going_on = add(whole, t, sum);
  if (whole.cut != 0 && whole.errors == 0 && !is_over(chosen)) {
    sum.estimate = estimate(of, chosen, t);
  }
  compare(of, chosen, t, sum);
  for (unsigned thread = 0; chosen.progress && thread != whole.longest.size(); ++thread) {
    for (unsigned after = 0; going_on && sum.errors == 0 && after != whole.longest[thread];
         ++after) {
      const task stopped{t.played, {{thread, after}}};
      going_on = add(search(of, chosen, stopped), stopped, sum);
      compare(of, chosen, stopped, sum);
    }
  }
  sum.seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  if (chosen.contended) sum.contended = contended_sites(of, chosen, t);
  if (models::watching_sites) sum.reached = models::reached_since(reached_before);
  return sum;
}

std::string name_of(const task& t) { return t.played.name() + text_of(t.stop); }

std::string repeated(const family& of, const settings& chosen, const task& t) {
  return "proofs --family " + std::string(of.name) + " --client '" + t.played.name() + "'" +
         chosen.repeat;
}

// Runs each task in a process of its own, several at a time, the smallest first. After a failure
// those that are running come to their end: so the first that fails is the smallest.
class crew {
 public:
  crew(const family& of, const settings& chosen, const std::vector<task>& tasks)
      : family_(of),
        chosen_(chosen),
        tasks_(tasks),
        outcomes_(tasks.size()),
        counts_(tasks.size()),
        line_(std::string(of.name), chosen.line) {}

  std::vector<outcome> run_all() {
    std::size_t next = 0;
    bool going_on = true;
    while ((going_on && next != tasks_.size()) || workers_.running() != 0) {
      for (; going_on && next != tasks_.size() && workers_.running() != chosen_.jobs; ++next) {
        start(next);
      }
      const auto done = workers_.wait(line_.shown() ? 250 : -1);
      if (done) take(*done);
      if (done && outcomes_[done->number].errors != 0) going_on = chosen_.keep_going;
      if (is_over(chosen_)) {
        for (; going_on && next != tasks_.size(); ++next) outcomes_[next].cut = 1;
      }
      if (line_.is_due()) show();
    }
    return std::move(outcomes_);
  }

 private:
  void start(std::size_t number) {
    workers_.start(number, [this, number] {
      settings mine = chosen_;
      if (line_.shown()) {
        mine.on_progress = [this, number](const checker::progress& now) {
          counts_.set(number, now.complete);
        };
      }
      outcome found = run(family_, mine, tasks_[number]);
      counts_.set(number, found.complete);
      std::ostringstream text;
      checker::archive file(text);
      found.store(file);
      return text.str();
    });
  }

  void take(const checker::processes::result& done) {
    outcome& found = outcomes_[done.number];
    ++done_;
    if (done.error.empty()) {
      std::istringstream text(done.text);
      checker::archive file(text);
      found.store(file);
      models::add_reached(found.reached);
    } else {
      found.errors = 1;
      found.error = "no result: " + done.error;
    }
  }

  void show() {
    line_.show(std::to_string(done_) + " of " + std::to_string(tasks_.size()) + " clients, " +
               checker::grouped(counts_.sum()) + " executions, " +
               checker::clock_of(line_.seconds()));
  }

  const family& family_;
  const settings& chosen_;
  const std::vector<task>& tasks_;
  std::vector<outcome> outcomes_;
  checker::processes workers_;
  checker::shared_counts counts_;  // of the complete executions of each task
  checker::progress_line line_;
  std::size_t done_ = 0;
};

// The clients of a size, the cheapest first; or the one that was named.
std::vector<client> clients_of(const family& of, const settings& chosen) {
  if (!chosen.client.empty()) return {client_of(chosen.client)};
  if (chosen.calls > of.most_calls) {
    throw usage_error("--calls: a client of " + std::string(of.name) + " can hold " +
                      std::to_string(of.most_calls));
  }
  std::vector<client> all = of.of_size(chosen.calls, chosen.letters);
  std::stable_sort(all.begin(), all.end(),
                   [](const client& a, const client& b) { return orders_of(a) < orders_of(b); });
  return all;
}

std::vector<task> tasks_of(const std::vector<client>& clients, const models::share& mine) {
  std::vector<task> tasks;
  for (std::size_t i = 0; i != clients.size(); ++i) {
    if (mine.has(i)) tasks.push_back({clients[i], std::nullopt});
  }
  return tasks;
}

struct totals {
  std::uint64_t complete = 0;
  std::uint64_t blocked = 0;
  std::uint64_t searches = 0;
  std::size_t failed = 0;
  std::size_t unfinished = 0;
  std::size_t not_begun = 0;  // of those that are unfinished
  std::size_t not_run = 0;
  double seconds = 0;
  checker::graph_hash hash;
  std::size_t first_failure = ~std::size_t{0};
};

totals add_up(const std::vector<outcome>& outcomes) {
  totals sum;
  for (std::size_t i = 0; i != outcomes.size(); ++i) {
    const outcome& each = outcomes[i];
    sum.complete += each.complete;
    sum.blocked += each.blocked;
    sum.searches += each.searches;
    sum.failed += each.errors != 0 ? 1 : 0;
    sum.unfinished += each.errors == 0 && each.cut != 0 ? 1 : 0;
    sum.not_begun += each.errors == 0 && each.cut != 0 && each.searches == 0 ? 1 : 0;
    sum.not_run += each.errors + each.cut + each.complete == 0 ? 1 : 0;
    sum.seconds += each.seconds;
    sum.hash.add(each.hash.low, each.hash.high);
    if (each.errors != 0 && sum.first_failure == ~std::size_t{0}) sum.first_failure = i;
  }
  return sum;
}

models::json json_of(const task& t, const outcome& found) {
  const std::string stop = found.stop.empty() ? "" : " (" + found.stop.substr(1) + ")";
  return {{"client", name_of(t)},
          {"complete", found.complete},
          {"blocked", found.blocked},
          {"errors", found.errors},
          {"cut", found.cut},
          {"searches", found.searches},
          {"hash", models::hexadecimal(found.hash)},
          {"seconds", found.seconds},
          {"estimate", models::json_estimate(found.estimate)},
          {"error", found.error + stop},
          {"replay", found.replay}};
}

models::json json_of(const family& of) {
  return {{"family", of.name}, {"property", of.property}, {"bound", of.bound}};
}

void print_json(const family& of, const settings& chosen, const std::vector<task>& tasks,
                const std::vector<outcome>& outcomes) {
  models::json found = json_of(of);
  models::json& clients = found["clients"] = models::json::array();
  for (std::size_t i = 0; i != tasks.size(); ++i) {
    clients.push_back(json_of(tasks[i], outcomes[i]));
    if (chosen.contended) clients.back()["contended"] = outcomes[i].contended;
    if (chosen.load_buffering) clients.back()["load_buffering"] = outcomes[i].load_buffering;
  }
  std::cout << models::printed(found) << '\n';
}

// A search by the options that make it.
std::string search_of(const family& of, const settings& chosen) {
  std::ostringstream out;
  out << "proofs --family " << of.name << " --calls " << chosen.calls
      << (chosen.progress ? " --progress" : "") << " --spurious " << chosen.spurious;
  if (!chosen.letters.empty()) out << " --letters " << chosen.letters;
  if (chosen.seconds > 0) out << " --seconds " << chosen.seconds;
  if (chosen.total > 0) out << " --total " << chosen.total;
  if (chosen.runs != 0) out << " --runs " << chosen.runs;
  if (!merges(chosen)) out << " --reads each";
  if (!chosen.reuse_memory) out << " --without-reuse";
  if (chosen.exchanged == alike::once) out << " --alike once";
  return out.str();
}

// Those that were not run after a failure are missing; those that the total left out are not.
void write_lines(models::lines_file& lines, const family& of, const settings& chosen,
                 std::size_t whole, const std::vector<task>& tasks,
                 const std::vector<outcome>& outcomes) {
  const std::string search = search_of(of, chosen);
  models::json what = json_of(of);
  what.update({{"calls", chosen.calls}, {"progress", chosen.progress}});
  lines.begin(search, chosen.share.value_or(models::share{}), whole, what);
  for (std::size_t i = 0; i != tasks.size(); ++i) {
    if (outcomes[i].searches + outcomes[i].errors + outcomes[i].cut != 0) {
      lines.add(search, json_of(tasks[i], outcomes[i]));
    }
  }
}

void print_summary(const family& of, const settings& chosen, const std::vector<task>& tasks,
                   const std::vector<outcome>& outcomes, const totals& sum, double elapsed) {
  std::printf(
      "%s, %zu calls%s: %zu of %zu clients finished without error; %llu searches, %llu complete "
      "executions, %llu "
      "blocked; %.1f s of one core, %.1f s elapsed\n",
      std::string(of.name).c_str(), chosen.calls,
      chosen.progress ? ", each thread stopped after each operation" : "",
      tasks.size() - sum.unfinished - sum.not_run - sum.failed, tasks.size(),
      static_cast<unsigned long long>(sum.searches), static_cast<unsigned long long>(sum.complete),
      static_cast<unsigned long long>(sum.blocked), sum.seconds, elapsed);
  for (std::size_t i = 0; i != tasks.size(); ++i) {
    if (outcomes[i].errors == 0 && outcomes[i].cut != 0 && outcomes[i].searches != 0) {
      std::printf("  unfinished: %s, after %s\n", name_of(tasks[i]).c_str(),
                  checker::text_of({outcomes[i].complete, outcomes[i].estimate}).c_str());
    }
  }
  if (sum.not_begun != 0) {
    std::printf("  unfinished: %zu more, for which there was no time\n", sum.not_begun);
  }
  if (sum.first_failure != ~std::size_t{0}) {
    const task& failed = tasks[sum.first_failure];
    const outcome& first = outcomes[sum.first_failure];
    std::printf("  FAILED: %s%s: %s\n  again: %s%s%s\n", name_of(failed).c_str(),
                first.stop.c_str(), first.error.c_str(), repeated(of, chosen, failed).c_str(),
                first.stop.c_str(),
                first.replay.empty() ? "" : (" --replay '" + first.replay + "'").c_str());
  }
  if (sum.not_run != 0)
    std::printf("  %zu clients were not run, or have no complete execution\n", sum.not_run);
}

checker::conclusion run_family(const family& of, settings chosen, models::lines_file& lines) {
  const auto start = steady::now();
  if (chosen.total > 0) {
    chosen.end = start + std::chrono::duration_cast<steady::duration>(
                             std::chrono::duration<double>(chosen.total));
  }
  const std::vector<client> clients = clients_of(of, chosen);
  const std::vector<task> tasks = tasks_of(clients, chosen.share.value_or(models::share{}));
  const std::vector<outcome> outcomes = crew(of, chosen, tasks).run_all();
  const std::chrono::duration<double> elapsed = steady::now() - start;
  const totals sum = add_up(outcomes);
  write_lines(lines, of, chosen, clients.size(), tasks, outcomes);
  if (chosen.json) {
    print_json(of, chosen, tasks, outcomes);
  } else {
    print_summary(of, chosen, tasks, outcomes, sum, elapsed.count());
  }
  if (sum.failed != 0) return checker::conclusion::error;
  const bool proved = sum.not_run == 0 && (sum.unfinished == 0 || chosen.partial);
  return proved ? checker::conclusion::proved : checker::conclusion::unfinished;
}

// After how many operations a thread can be stopped: one that it makes in no execution stops
// nothing.
void require_stopped(const task& t, const checker::statistics& found) {
  if (!t.stop || found.errors + found.cut != 0) return;
  const auto [thread, after] = *t.stop;
  if (after < found.longest[thread]) return;
  throw usage_error("--stop: thread " + std::to_string(thread) + " makes at most " +
                    std::to_string(found.longest[thread]) + " operations");
}

checker::conclusion run_one(const family& of, const settings& chosen) {
  const task t{client_of(chosen.client), chosen.stop};
  if (t.stop && t.stop->first >= t.played.threads.size()) {
    throw usage_error("--stop: the client has no thread " + std::to_string(t.stop->first));
  }
  checker::progress_line line(name_of(t), chosen.line);
  checker::options options = options_of(of, chosen, t);
  if (line.shown()) {
    options.on_progress = std::ref(line);
    options.estimate_seconds = 1;
  }
  const auto program = of.make(t.played);
  checker::statistics found = checker::explore(*program, options);
  line.clear();
  if (chosen.replay.empty()) require_stopped(t, found);
  std::printf("%s: %llu complete executions, %llu blocked, %llu errors%s\n", name_of(t).c_str(),
              static_cast<unsigned long long>(found.complete),
              static_cast<unsigned long long>(found.blocked),
              static_cast<unsigned long long>(found.errors),
              found.cut != 0 ? "; not finished, and hence not proved" : "");
  if (found.cut != 0 && found.errors == 0) {
    const checker::size_estimate size =
        found.estimate.known ? found.estimate : estimate(of, chosen, t);
    std::printf("  unfinished, after %s\n", checker::text_of({found.complete, size}).c_str());
  }
  if (found.first) {
    checker::print(std::cout, *found.first);
    if (!chosen.page.empty()) checker::write_page(chosen.page, *found.first);
    std::cout << "again: " << repeated(of, chosen, t) << text_of(t.stop) << " --replay '"
              << found.first->replay << "'\n";
  } else if (!chosen.replay.empty()) {
    std::printf("  the execution that was replayed does not fail\n");
    return checker::conclusion::error;
  } else {
    std::cout << checker::verdict(found, options);
  }
  const bool enough = chosen.partial && found.errors == 0 && found.cut != 0;
  return enough ? checker::conclusion::proved : found.concluded();
}

// The families that are meant: the one that is named, or all that have such clients.
std::vector<const family*> chosen_families(const settings& chosen) {
  std::vector<const family*> meant;
  std::string names;
  std::string refusals;
  for (const family& each : all_families()) {
    names += (names.empty() ? "" : ", ") + std::string(each.name);
    if (!chosen.family.empty() && each.name != chosen.family) continue;
    const std::string why = chosen.client.empty() ? "" : refusal(each, client_of(chosen.client));
    if (why.empty()) {
      meant.push_back(&each);
    } else {
      refusals += "\n  " + std::string(each.name) + ": " + why;
    }
  }
  if (!refusals.empty() && meant.empty()) {
    throw usage_error("--client: '" + chosen.client + "' is no client of " +
                      (chosen.family.empty() ? "any family" : "this family") + refusals);
  }
  if (about_one_search(chosen) && meant.size() > 1) {
    throw usage_error("--replay, --page and --stop: '" + chosen.client +
                      "' is a client of several families; name one with --family");
  }
  if (meant.empty()) {
    throw usage_error("--family: there is no '" + chosen.family + "', but " + names);
  }
  return meant;
}

// A family that was not asked for by name may have no clients of the size.
bool has_clients(const family& of, const settings& chosen) {
  if (!chosen.client.empty()) return true;
  if (chosen.family.empty() && chosen.calls > of.most_calls) return false;
  if (!clients_of(of, chosen).empty()) return true;
  if (chosen.family.empty()) return false;
  throw usage_error("--calls: " + chosen.family + " has no client of " +
                    std::to_string(chosen.calls));
}

checker::conclusion run_survey(const settings& chosen) {
  std::vector<surveyed> clients;
  const auto& families = all_families();
  const bool whole = std::any_of(families.begin(), families.end(),
                                 [&](const family& each) { return each.name == chosen.family; });
  for (const family& each : families) {
    if (whole ? each.name != chosen.family : !each.name.starts_with(chosen.family)) continue;
    for (std::size_t size = 1; size <= std::min(chosen.calls, each.most_calls); ++size) {
      for (client& played : each.of_size(size, chosen.letters)) {
        clients.push_back({&each, std::move(played), size});
      }
    }
    for (std::size_t size = chosen.calls + 1; !each.makes_fences && size <= chosen.plain_calls;
         ++size) {
      for (client& played : each.of_size(size, "pgr")) {
        clients.push_back({&each, std::move(played), size});
      }
    }
  }
  if (clients.empty()) throw usage_error("--family: there is no '" + chosen.family + "'");
  std::stable_sort(clients.begin(), clients.end(), [](const surveyed& a, const surveyed& b) {
    return orders_of(a.played) < orders_of(b.played);
  });
  survey all(std::move(clients), {.time = std::chrono::duration<double>(chosen.within),
                                  .jobs = chosen.jobs,
                                  .spurious = chosen.spurious,
                                  .merge_reads = merges(chosen),
                                  .alike_once = chosen.exchanged == alike::once,
                                  .keep_going = chosen.keep_going,
                                  .line = chosen.line});
  all.run();
  all.print(std::cout);
  if (!chosen.table.empty()) {
    std::ofstream file(chosen.table);
    all.print_json(file);
    if (!file.flush()) throw std::runtime_error("--table: cannot write " + chosen.table);
  }
  if (!all.is_good()) return checker::conclusion::error;
  return all.is_finished() || chosen.partial ? checker::conclusion::proved
                                             : checker::conclusion::unfinished;
}

int run(const settings& chosen) {
  if (chosen.sites) {
    models::print_sites();
    return 0;
  }
  if (chosen.within > 0) return static_cast<int>(run_survey(chosen));
  const bool one = !chosen.client.empty() && !chosen.json && !chosen.progress &&
                   chosen.hints != reads::compared && chosen.exchanged != alike::compared;
  checker::conclusion sum = checker::conclusion::proved;
  bool any = false;
  models::lines_file lines(chosen.lines);
  for (const family* each : chosen_families(chosen)) {
    if (!has_clients(*each, chosen)) continue;
    any = true;
    sum = worse(sum, one ? run_one(*each, chosen) : run_family(*each, chosen, lines));
  }
  if (!any) throw usage_error("--calls: no family has clients of " + std::to_string(chosen.calls));
  lines.end();
  if (sum == checker::conclusion::proved) models::require_changes_reached();
  return static_cast<int>(sum);
}

}  // namespace
}  // namespace poolproof::proofs

int main(int argc, char** argv) {
  try {
    const auto chosen = poolproof::proofs::read_settings(argc, argv);
    return chosen ? poolproof::proofs::run(*chosen) : 0;
  } catch (const std::exception& wrong) {
    std::cerr << "proofs: " << wrong.what() << "\n(--help lists the options)\n";
    return 2;
  }
}

// SPDX-License-Identifier: MIT
#include "survey.hpp"

#include <checker/checkpoint.hpp>
#include <checker/model.hpp>
#include <checker/processes.hpp>

#include <nlohmann/json.hpp>

#include <algorithm>
#include <ostream>
#include <sstream>
#include <utility>

namespace poolproof::proofs {
namespace {

// Of the first round.
constexpr std::uint64_t first_runs = 32;
constexpr std::uint64_t factor = 10;
// A batch is about so many runs, so that its process is worth its start.
constexpr std::uint64_t runs_of_batch = 20'000;

}  // namespace

survey::survey(std::vector<surveyed> clients, const limits& chosen)
    : clients_(std::move(clients)),
      limits_(chosen),
      end_(steady::now() + std::chrono::duration_cast<steady::duration>(chosen.time)),
      line_("survey", chosen.line) {}

void survey::run() {
  const auto all_finished = [&] {
    return std::all_of(clients_.begin(), clients_.end(),
                       [](const surveyed& each) { return each.finished; });
  };
  for (std::uint64_t runs = first_runs; goes_on() && !time_is_up() && !all_finished();
       runs *= factor) {
    run_round(runs);
  }
  line_.clear();
}

// Each batch in a process of its own, several at a time. If one crashes, its clients are run one by
// one, and the one that does it is known.
void survey::run_round(std::uint64_t runs) {
  const std::size_t size = std::max<std::size_t>(1, runs_of_batch / runs);
  std::vector<batch> batches;
  for (std::size_t i = 0; i != clients_.size(); ++i) {
    if (clients_[i].finished) continue;
    if (batches.empty() || batches.back().numbers.size() == size) batches.emplace_back();
    batches.back().numbers.push_back(i);
  }
  checker::processes workers;
  for (std::size_t next = 0; next != batches.size() || workers.running() != 0;) {
    while (next != batches.size() && workers.running() != limits_.jobs) {
      if (!goes_on() || time_is_up()) {
        next = batches.size();
        break;
      }
      workers.start(next, [&, number = next] { return explore(batches[number], runs); });
      ++next;
    }
    if (workers.running() == 0) break;
    const auto done = workers.wait(line_.shown() ? 250 : -1);
    if (line_.is_due()) show();
    if (!done) continue;
    const batch& finished = batches[done->number];
    if (done->error.empty()) {
      take(finished, done->text);
    } else if (finished.numbers.size() == 1) {
      surveyed& crashed = clients_[finished.numbers.front()];
      crashed.finished = failed_ = true;
      crashed.error = done->error;
    } else {
      std::vector<batch> singles;
      for (const std::size_t number : finished.numbers) singles.push_back({{number}});
      batches.insert(batches.end(), singles.begin(), singles.end());
    }
  }
}

std::string survey::explore(const batch& chosen, std::uint64_t runs) const {
  std::ostringstream text;
  checker::archive file(text);
  for (const std::size_t number : chosen.numbers) {
    const surveyed& each = clients_[number];
    checker::options options;
    options.name = each.played.name();
    options.spurious_failures = limits_.spurious;
    options.merge_reads = limits_.merge_reads && !each.of->makes_fences;
    if (limits_.alike_once) options.alike = alike_in(each.played, *each.of);
    options.most_runs = runs;
    const std::chrono::duration<double> left = end_ - steady::now();
    options.seconds = std::max(left.count(), 1e-3);
    const auto program = each.of->make(each.played);
    const checker::statistics found = checker::explore(*program, options);
    std::uint64_t cut = found.cut;
    std::uint64_t complete = found.complete;
    std::uint64_t blocked = found.blocked;
    std::string error;
    std::string replay;
    if (found.first) {
      error = std::string(name_of(found.first->what)) + ": " + found.first->text;
      replay = found.first->replay;
    } else if (found.cut == 0 && found.complete == 0) {
      error = "it has no complete execution";
    }
    file(cut);
    file(complete);
    file(blocked);
    file(error);
    file(replay);
    if (!error.empty() && !limits_.keep_going) break;
  }
  return text.str();
}

void survey::take(const batch& done, const std::string& text) {
  std::istringstream stream(text);
  checker::archive file(stream);
  for (const std::size_t number : done.numbers) {
    if (stream.peek() == std::istringstream::traits_type::eof()) return;
    surveyed& each = clients_[number];
    std::uint64_t cut = 0;
    file(cut);
    file(each.complete);
    file(each.blocked);
    file(each.error);
    file(each.replay);
    each.finished = cut == 0 || each.failed();
    failed_ = failed_ || each.failed();
  }
}

void survey::show() {
  const auto done = std::count_if(clients_.begin(), clients_.end(),
                                  [](const surveyed& each) { return each.finished; });
  line_.show(checker::grouped(static_cast<std::uint64_t>(done)) + " of " +
             checker::grouped(clients_.size()) + " clients, " + checker::clock_of(line_.seconds()));
}

bool survey::is_good() const noexcept {
  return std::none_of(clients_.begin(), clients_.end(),
                      [](const surveyed& each) { return each.failed(); });
}

bool survey::is_finished() const noexcept {
  return std::all_of(clients_.begin(), clients_.end(),
                     [](const surveyed& each) { return each.finished; });
}

std::vector<survey::row> survey::table() const {
  std::vector<row> rows;
  for (const surveyed& each : clients_) {
    client alone = each.played;
    alone.before = alone.after = "";
    const std::string_view made_of =
        consists_of(alone, "pgr") ? "put, get, rotate" : "all calls and events";
    auto of = std::find_if(rows.begin(), rows.end(), [&](const row& known) {
      return known.of == each.of && known.threads == alone.threads.size() &&
             known.calls == each.calls && known.made_of == made_of;
    });
    if (of == rows.end()) {
      rows.push_back({each.of, alone.threads.size(), each.calls, made_of});
      of = rows.end() - 1;
    }
    ++of->all;
    of->proved += each.proved() ? 1 : 0;
    of->executions += each.complete;
  }
  return rows;
}

void survey::print(std::ostream& to) const {
  for (const surveyed& each : clients_) {
    if (!each.failed()) continue;
    to << "  FAILED: " << each.played.name() << ": " << each.error << "\n  again: proofs --family "
       << each.of->name << " --client '" << each.played.name() << "' --spurious "
       << limits_.spurious << '\n';
  }
  for (const row& each : table()) {
    to << each.of->name << ", " << each.threads << (each.threads == 1 ? " thread, " : " threads, ")
       << each.calls << (each.calls == 1 ? " call, " : " calls, ") << each.made_of << ": "
       << each.proved << " of " << each.all << " clients proved, " << each.executions
       << " executions\n";
  }
}

void survey::print_json(std::ostream& to) const {
  nlohmann::ordered_json rows = nlohmann::ordered_json::array();
  for (const row& each : table()) {
    rows.push_back({{"family", each.of->name},
                    {"bound", each.of->bound},
                    {"threads", each.threads},
                    {"calls", each.calls},
                    {"made_of", each.made_of},
                    {"proved", each.proved},
                    {"clients", each.all},
                    {"executions", each.executions}});
  }
  to << rows.dump(1) << '\n';
}

}  // namespace poolproof::proofs

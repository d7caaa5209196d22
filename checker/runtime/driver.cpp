// SPDX-License-Identifier: MIT
// Takes the place of main: reads the options of the checker, explores the program, and says what
// was found.
#include "runtime.hpp"

#include "../tools/digest.hpp"

#include <checker/load_buffering.hpp>
#include <checker/page.hpp>
#include <checker/report.hpp>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <map>
#include <sstream>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

namespace checker::runtime {

void reset_random();

namespace {

using main_function = int(int, char**, char**);

main_function* program_main = nullptr;
std::vector<std::string> program_arguments;
char** program_environment = nullptr;

constexpr std::string_view usage = R"(options of the checker; all others reach main:

  --check-model M       rc11 (default), iso or sc
  --check-jobs N        on N processes; 0: one for each CPU (default: 1)
  --check-seconds S     give up after S seconds: the search is then not finished
  --check-runs N        give up after N runs
  --check-events N      a thread with more operations than N is cut (default: 2000)
  --check-spurious N    how often each thread's weak compare-exchanges may fail, and its waits end,
                        for no reason (default: 1)
  --check-reuse N       how many allocations of each thread may get memory that was freed (default: 1)
  --check-all-turns     loops that wait are run as often as they go round, up to --check-events: not
                        looked for is what need not be run. Shows what that leaves out
  --check-cpus N        thread T runs on CPU T modulo N: 1 is one CPU for all (default: 2). any: of two
                        CPUs, each time that a thread asks
  --check-no-leaks      memory that is not freed is no error
  --check-uninitialised a plain read of memory of the heap that was never written is an error; without
                        it, only an atomic operation on such memory is
  --check-stop T,N      thread T stops for ever after N operations: the others must come to their end
  --check-keep-going    go on after an error: count them all by kind, and show one of each
  --check-replay STRING run only this execution, with its output: without an error it proves nothing
  --check-page FILE     write the error as a page; of several kinds the second is FILE with a 2 in its name
  --check-json FILE     write the verdict as a line of JSON; - is standard output
  --check-outcomes      list what checker_outcome has noted
  --check-hunt [N]      for what is too large: instead of the search, N executions by chance (default:
                        10,000), with a stated probability of finding an error. Never a proof
  --check-depth D       how many orders between operations such an error may need (default: 3)
  --check-seed N        of the executions by chance: another number gives others (default: 1)
  --check-estimate S    say for S seconds how large the search is, without doing it
  --check-load-buffering
                        list the writes that could overtake a read of their thread so that it reads what
                        another thread answers: what RC11 leaves out. One process
  --check-checkpoint F  write the search to F from time to time, and go on from it if it is there
  --check-shard I/N     only part I (0 .. N-1) of N of the search
  --check-quiet         no verdict in words
  --check-help          this

Exit status: 0 if the program is proved for these bounds, 1 if an error was found, 2 for wrong
arguments or what the checker cannot run, 3 if the search was not finished.
)";

options search_without_options() {
  options search;
  search.events_per_thread = 2000;
  search.reuses = 1;
  // The runtime sees more of a thread than the engine does, and finds its turns itself.
  search.find_waits = false;
  search.prune_put_back = false;
  return search;
}

struct settings {
  options search = search_without_options();
  unsigned jobs = 1;
  bool leaks = true;
  bool quiet = false;
  bool outcomes = false;
  bool load_buffering = false;
  bool is_part = false;  // if of one, then the whole
  double estimate = 0;
  std::string page;
  std::string json;
} chosen;

// Where messages go: what the program writes goes nowhere.
int own_output = 1;
int own_errors = 2;
unsigned runs = 0;

void say(std::string_view text, int to) {
  while (!text.empty()) {
    const auto count = ::write(to, text.data(), text.size());
    if (count <= 0) return;
    text.remove_prefix(static_cast<std::size_t>(count));
  }
}

[[noreturn]] void reject(const std::string& message) {
  say("checker: " + message + " (--check-help lists the options)\n", own_errors);
  std::_Exit(2);
}

template <class Number>
Number to_number(std::string_view text, const std::string& option) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    reject(option + ": '" + std::string(text) + "' is not a number");
  }
  return value;
}

// Not by from_chars: of the C++ library that would be linked with its memory resources, in whose
// place the runtime has functions of its own.
double to_seconds(std::string_view text, const std::string& option) {
  const std::string copy(text);
  char* end = nullptr;
  const double value = std::strtod(copy.c_str(), &end);
  if (copy.empty() || *end != 0) reject(option + ": '" + copy + "' is not a number");
  return value;
}

// `before` and what follows the separator.
std::string_view split(std::string_view& text, char at, const std::string& option) {
  const std::size_t place = text.find(at);
  if (place == std::string_view::npos) reject(option + ": expected a value as T" + at + "N");
  const std::string_view before = text.substr(0, place);
  text.remove_prefix(place + 1);
  return before;
}

// A search may take hours: that what it finds cannot be written is said before. A file that is
// there stays as it is until then.
void expect_to_write(const std::string& path, const char* option) {
  if (path.empty() || path == "-") return;
  const bool there = ::access(path.c_str(), F_OK) == 0;
  const bool can = static_cast<bool>(std::ofstream(path, std::ios::app));
  if (!can) reject(std::string(option) + ": cannot write " + path);
  if (!there) std::remove(path.c_str());
}

void read_arguments(int argc, char** argv) {
  for (int i = 0; i < argc; ++i) {
    std::string option = argv[i];
    if (i == 0 || !option.starts_with("--check-")) {
      program_arguments.push_back(option);
      continue;
    }
    std::string given;
    bool has_value = false;
    if (const std::size_t equals = option.find('='); equals != std::string::npos) {
      given = option.substr(equals + 1);
      option.resize(equals);
      has_value = true;
    }
    const auto value = [&]() -> std::string_view {
      if (!has_value) {
        if (i + 1 == argc) reject(option + ": a value is missing");
        given = argv[++i];
      }
      return given;
    };
    if (option == "--check-help") {
      say(usage, own_output);
      std::_Exit(0);
    } else if (option == "--check-model") {
      const std::string_view name = value();
      if (name == "rc11") {
        chosen.search.model = memory_model::rc11;
      } else if (name == "iso") {
        chosen.search.model = memory_model::iso;
      } else if (name == "sc") {
        chosen.search.model = memory_model::sc;
      } else {
        reject(option + ": '" + std::string(name) + "' is none of rc11, iso, sc");
      }
    } else if (option == "--check-jobs") {
      chosen.jobs = to_number<unsigned>(value(), option);
    } else if (option == "--check-seconds") {
      chosen.search.seconds = to_seconds(value(), option);
    } else if (option == "--check-runs") {
      chosen.search.most_runs = to_number<std::uint64_t>(value(), option);
    } else if (option == "--check-events") {
      chosen.search.events_per_thread = to_number<unsigned>(value(), option);
    } else if (option == "--check-spurious") {
      chosen.search.spurious_failures = to_number<unsigned>(value(), option);
    } else if (option == "--check-reuse") {
      chosen.search.reuses = to_number<unsigned>(value(), option);
      chosen.search.reuse_memory = chosen.search.reuses != 0;
    } else if (option == "--check-all-turns") {
      look_for_turns = false;
    } else if (option == "--check-cpus") {
      const std::string_view count = value();
      cpus = count == "any" ? 0 : to_number<unsigned>(count, option);
      if (count != "any" && cpus == 0) reject(option + ": N must not be 0");
    } else if (option == "--check-no-leaks") {
      chosen.leaks = false;
    } else if (option == "--check-uninitialised") {
      look_for_uninitialised = true;
    } else if (option == "--check-stop") {
      std::string_view text = value();
      chosen.search.stopped_thread = to_number<unsigned>(split(text, ',', option), option);
      chosen.search.stopped_after = to_number<unsigned>(text, option);
    } else if (option == "--check-keep-going") {
      chosen.search.keep_going = true;
    } else if (option == "--check-replay") {
      chosen.search.replay = value();
    } else if (option == "--check-page") {
      chosen.page = value();
    } else if (option == "--check-json") {
      chosen.json = value();
    } else if (option == "--check-outcomes") {
      chosen.outcomes = true;
    } else if (option == "--check-hunt") {
      const bool next =
          i + 1 != argc && std::isdigit(static_cast<unsigned char>(*argv[i + 1])) != 0;
      chosen.search.hunt = 10'000;
      if (has_value || next) chosen.search.hunt = to_number<std::uint64_t>(value(), option);
      if (chosen.search.hunt == 0) reject(option + ": N must not be 0");
    } else if (option == "--check-depth") {
      chosen.search.hunt_depth = to_number<unsigned>(value(), option);
      if (chosen.search.hunt_depth == 0) reject(option + ": D must not be 0");
    } else if (option == "--check-seed") {
      chosen.search.hunt_seed = to_number<std::uint64_t>(value(), option);
    } else if (option == "--check-estimate") {
      chosen.estimate = to_seconds(value(), option);
    } else if (option == "--check-load-buffering") {
      chosen.load_buffering = true;
    } else if (option == "--check-checkpoint") {
      chosen.search.checkpoint = value();
    } else if (option == "--check-shard") {
      std::string_view text = value();
      chosen.is_part = true;
      chosen.search.part = to_number<unsigned>(split(text, '/', option), option);
      chosen.search.parts = to_number<unsigned>(text, option);
      if (chosen.search.part >= chosen.search.parts) reject(option + ": I must be less than N");
    } else if (option == "--check-quiet") {
      chosen.quiet = true;
    } else {
      reject("there is no option " + option);
    }
  }
  const bool whole = chosen.search.hunt == 0 && chosen.search.replay.empty() &&
                     chosen.search.parts == 1 && chosen.search.checkpoint.empty();
  if (chosen.load_buffering && (chosen.jobs != 1 || !whole)) {
    reject("--check-load-buffering: of a whole search, by one process");
  }
  expect_to_write(chosen.page, "--check-page");
  expect_to_write(chosen.json, "--check-json");
  if (!chosen.search.checkpoint.empty()) {
    expect_to_write(chosen.search.checkpoint + ".new", "--check-checkpoint");
  }
  const std::string& path = program_arguments.front();
  chosen.search.name = path.substr(path.rfind('/') + 1);
}

// The program's output, and its standard error output, go nowhere; but once, where it is replayed.
void show_output(bool shown) {
  std::fflush(nullptr);
  static const int nowhere = ::open("/dev/null", O_WRONLY | O_CLOEXEC);
  ::dup2(shown ? own_output : nowhere, 1);
  ::dup2(shown ? own_errors : nowhere, 2);
}

// The program, as the engine knows it.
class checked_program final : public program {
 public:
  explicit checked_program(unsigned threads) : threads_(threads) {}

  unsigned threads() const override { return threads_; }
  bool starts_threads() const override { return true; }
  bool must_free() const override { return false; }
  void* stacks() const override { return reinterpret_cast<void*>(stacks_begin); }
  std::size_t stack_bytes() const override { return runtime::stack_bytes; }
  void* thread_pointer(unsigned thread) const override {
    return has_thread_blocks() ? runtime::thread_pointer(thread == threads_ ? 0 : thread) : nullptr;
  }
  bytes thread_data() const override { return exchanged_data(); }
  finishing finishes_by() const override {
    return anything_unfreed() ? finishing::changes : finishing::ignores_values;
  }

  void start() override {
    active = false;
    if (!chosen.search.replay.empty()) show_output(runs == 0);
    ++runs;
    is_stuck = false;
    tracing = engine::tracing();
    operation_done();
    restore_state();
    reset_shadow();
    reset_heap();
    reset_threads();
    reset_exits();
    reset_environment();
    reset_time();
    reset_random();
    reset_waiting();
  }

  void thread(unsigned index) override {
    active = true;
    if (index != 0) return run_thread(index);
    operation_done();
    start_thread_data(0);
    // main may change what it is given.
    arguments_.clear();
    texts_ = program_arguments;
    for (std::string& each : texts_) arguments_.push_back(each.data());
    arguments_.push_back(nullptr);
    call_outermost(run_main, this);
    exit_process(status_, 0);
  }

  void finish() override {
    operation_done();
    if (chosen.leaks) look_for_leaks();
  }

 private:
  static void* run_main(void* object) {
    auto& self = *static_cast<checked_program*>(object);
    self.status_ = program_main(static_cast<int>(self.texts_.size()), self.arguments_.data(),
                                program_environment);
    return nullptr;
  }

  const unsigned threads_;
  int status_ = 0;
  std::vector<std::string> texts_;
  std::vector<char*> arguments_;
};

std::string with_commas(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t at = text.size(); at > 3; at -= 3) text.insert(at - 3, ",");
  return text;
}

const char* name_of_model(memory_model m) noexcept {
  constexpr const char* names[] = {"rc11", "iso", "sc"};
  return names[static_cast<std::size_t>(m)];
}

// What a condition variable or a barrier has behind its word is the runtime's own affair: an access
// of it is one of the object. It says something if it is to blame.
void leave_out_inner_accesses(counterexample& told) {
  const auto whole = [&](const void* object) {
    for (const named_location& each : told.locations) {
      const bool one = each.is == object_kind::condition || each.is == object_kind::barrier;
      if (one && address_of(object) - address_of(each.object) < size_of(each.is)) {
        return each.object;
      }
    }
    return static_cast<const void*>(nullptr);
  };
  const void* const blamed = told.steps.empty() || told.steps.back().what != step::kind::fault
                                 ? nullptr
                                 : whole(told.steps.back().object);
  std::vector<step> kept;
  for (step& each : told.steps) {
    const void* const object = each.what == step::kind::event ? nullptr : whole(each.object);
    if (object != nullptr && object != blamed) continue;
    if (object != nullptr) each.object = object;
    kept.push_back(each);
  }
  told.steps = std::move(kept);
}

// Plain accesses that only one thread makes, and of which none is to blame, say nothing.
void leave_out_private_accesses(counterexample& told) {
  const auto plain = [](const step& s) {
    return s.what == step::kind::plain_read || s.what == step::kind::plain_write;
  };
  constexpr unsigned several = ~0u;
  std::map<const void*, unsigned> users;  // of an object: its thread, if it is one
  for (const step& each : told.steps) {
    if (!plain(each) && each.what != step::kind::fault) continue;
    const auto [found, added] = users.try_emplace(each.object, each.thread);
    if (found->second != each.thread || each.what == step::kind::fault) found->second = several;
  }
  const auto shared = [&](const step& s) { return users[s.object] == several; };
  std::vector<step> kept;
  for (const step& each : told.steps) {
    if (!plain(each) || shared(each)) kept.push_back(each);
  }
  told.steps = std::move(kept);
}

std::string in_json(std::string_view text) {
  std::string made = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') made += '\\';
    if (static_cast<unsigned char>(c) < ' ') {
      made += ' ';
    } else {
      made += c;
    }
  }
  return made + "\"";
}

// What load buffering could reach: a read, a write that could overtake it, and the write that it
// could then read.
struct overtaken {
  std::string read, write, answer;
  friend bool operator==(const overtaken&, const overtaken&) = default;
};
std::vector<overtaken> overtaken_reads;

// By lines, of which one may be several places in the code.
void note_overtaken(const load_buffering& seen, const exploration& searched) {
  counterexample named;
  for (const load_buffering::candidate& each : seen.found()) {
    for (const std::uint32_t place : {each.read, each.write, each.answer}) {
      named.places.push_back(searched.where(place));
    }
  }
  resolve_places(named);
  const auto text = [&](std::size_t place) {
    const checker::place& at = named.places[place];
    return std::string(at.name()) + ":" + std::to_string(at.line);
  };
  for (std::size_t i = 0; i != named.places.size(); i += 3) {
    const overtaken found{text(i), text(i + 1), text(i + 2)};
    auto& all = overtaken_reads;
    if (std::find(all.begin(), all.end(), found) == all.end()) all.push_back(found);
  }
}

std::string json_overtaken() {
  std::string made = ", \"load_buffering\": [";
  for (const overtaken& each : overtaken_reads) {
    made += (&each == overtaken_reads.data() ? "{" : ", {");
    made += "\"read\": " + in_json(each.read) + ", \"write\": " + in_json(each.write) +
            ", \"answer\": " + in_json(each.answer) + "}";
  }
  return made + "]";
}

std::string text_overtaken() {
  if (overtaken_reads.empty()) {
    return "Load buffering: no write could overtake a read that its answer reaches. So there is "
           "none, "
           "unless values come out of thin air.\n";
  }
  std::string made = "Load buffering is possible, if the write does not depend on the read:\n";
  for (const overtaken& each : overtaken_reads) {
    made += "  the write at " + each.write + " could overtake the read at " + each.read +
            ", which could read what " + each.answer + " writes\n";
  }
  return made;
}

constexpr const char* names_of_verdicts[] = {"proved", "error", "", "not finished"};

// Main is one also where it has made no operation that others could see.
unsigned threads_of(const statistics& found) {
  const auto count = std::count_if(found.longest.begin(), found.longest.end(),
                                   [](auto each) { return each != 0; });
  return std::max(1U, static_cast<unsigned>(count));
}

std::uint64_t peak_bytes() {
  rusage used{};
  getrusage(RUSAGE_SELF, &used);
  return static_cast<std::uint64_t>(used.ru_maxrss) * 1024;
}

// As --check-cpus has it.
std::string name_of_cpus() { return cpus == 0 ? "any" : std::to_string(cpus); }

// The options by which this search is another one than it would be without them.
std::vector<std::string> options_of_search() {
  const options& search = chosen.search;
  const options usual = search_without_options();
  std::vector<std::string> given;
  const auto add_number = [&](const char* option, unsigned is, unsigned should) {
    if (is != should) given.push_back(option + (' ' + std::to_string(is)));
  };
  if (search.model != usual.model) {
    given.push_back(std::string("--check-model ") + name_of_model(search.model));
  }
  add_number("--check-events", search.events_per_thread, usual.events_per_thread);
  add_number("--check-spurious", search.spurious_failures, usual.spurious_failures);
  add_number("--check-reuse", search.reuses, usual.reuses);
  if (!look_for_turns) given.emplace_back("--check-all-turns");
  if (cpus != 2) given.push_back("--check-cpus " + name_of_cpus());
  if (!chosen.leaks) given.emplace_back("--check-no-leaks");
  if (look_for_uninitialised) given.emplace_back("--check-uninitialised");
  if (search.stopped_thread) {
    given.push_back("--check-stop " + std::to_string(*search.stopped_thread) + ',' +
                    std::to_string(search.stopped_after));
  }
  return given;
}

// Of the program: its code, and what it is given.
std::string digest_of_program() {
  digest made;
  for (const std::string& each : files_of_program()) {
    std::ifstream file(each, std::ios::binary);
    made.add(std::string(std::istreambuf_iterator<char>(file), {}));
  }
  for (std::size_t i = 1; i < program_arguments.size(); ++i) made.add(program_arguments[i]);
  return made.hexadecimal();
}

// As a shell takes it for one argument. It has a use of its own for a question mark.
std::string for_shell(const std::string& argument) {
  const bool plain =
      !argument.empty() && std::all_of(argument.begin(), argument.end(), [](unsigned char c) {
        return std::isalnum(c) != 0 || std::strchr("%+,-./:=@_", c) != nullptr;
      });
  if (plain) return argument;
  std::string quoted = "'";
  for (const char c : argument) {
    if (c == '\'') {
      quoted += R"('\'')";
    } else {
      quoted += c;
    }
  }
  return quoted + "'";
}

// What tools/merge.py needs to make the whole.
std::string json_part(const statistics& found) {
  std::string made = R"(, "shard": ")" + std::to_string(chosen.search.part) + '/' +
                     std::to_string(chosen.search.parts) + R"(", "outcome_hashes": [)";
  const char* separator = "";
  for (const std::uint64_t each : found.outcomes.hashes()) {
    made += std::exchange(separator, ", ") + std::to_string(each);
  }
  return made + ']';
}

// As the litmus tool has it: how many, or, if they are asked for, which.
std::string json_outcomes(const statistics& found) {
  if (!chosen.outcomes) return std::to_string(found.outcomes.size());
  std::string made = "[";
  const char* separator = "";
  for (const std::string& each : found.outcomes) {
    made += std::exchange(separator, ", ") + in_json(each);
  }
  return made + ']';
}

std::string json_list(const std::vector<std::string>& texts) {
  std::string made = "[";
  const char* separator = "";
  for (const std::string& each : texts) made += std::exchange(separator, ", ") + in_json(each);
  return made + ']';
}

std::string json_kinds(const statistics& found) {
  std::string made = ", \"kinds\": [";
  const char* separator = "";
  for (const errors_of_kind& each : found.kinds) {
    made += std::exchange(separator, ", ");
    made += "{\"error\": " + in_json(name_of(each.what)) +
            ", \"count\": " + std::to_string(each.count) + ", \"text\": " + in_json(each.text) +
            ", \"replay\": " + in_json(each.replay);
    if (each.first) made += ", \"choices\": " + json_list(choices(*each.first));
    made += '}';
  }
  return made + ']';
}

// In the words of these options.
std::string why_cut(const statistics& found) {
  std::string text = with_line(found.why_cut);
  constexpr std::pair<std::string_view, std::string_view> names[] = {
      {"options::events_per_thread", "--check-events"},
      {"options::most_runs", "--check-runs"},
      {"Let it wait with checker::await, or bound the loop",
       "Each turn does something that others may see, or leaves something changed: bound the "
       "loop"}};
  for (const auto& [name, option] : names) {
    if (const std::size_t at = text.find(name); at != std::string::npos) {
      text.replace(at, name.size(), option);
    }
  }
  return text;
}

// What the verdict says in words of what was searched, and what not. As the litmus tool has it.
std::string json_bounds(const statistics& found) {
  std::string operations;
  for (unsigned t = 0; t != threads_of(found); ++t) {
    operations +=
        (t == 0 ? "" : ", ") + std::to_string(t < found.longest.size() ? found.longest[t] : 0);
  }
  std::vector<std::string> not_explored{"load buffering"};
  if (!chosen.leaks || chosen.search.stopped_thread) not_explored.emplace_back("leaks");
  if (found.too_long != 0) not_explored.emplace_back("conflicts in long executions");
  const auto [met, unmet] = lines_of_conflicts(found);
  std::string made = ", \"operations\": [" + operations + R"(], "bounds": {"operations": )" +
                     std::to_string(chosen.search.events_per_thread) +
                     ", \"spurious_failures\": " + std::to_string(chosen.search.spurious_failures) +
                     ", \"reused_blocks\": " + std::to_string(chosen.search.reuses) +
                     "}, \"not_explored\": " + json_list(not_explored) +
                     ", \"conflicts_reached\": " + json_list(met) +
                     ", \"conflicts_never_reached\": " + json_list(unmet);
  if (found.cut != 0) made += ", \"why_cut\": " + in_json(why_cut(found));
  return made;
}

void write_json(const statistics& found, const std::vector<std::string>& not_seen, int status,
                double seconds) {
  std::ostringstream out;
  char hash[40];
  std::snprintf(hash, sizeof hash, "%016llx%016llx",
                static_cast<unsigned long long>(found.hash.high),
                static_cast<unsigned long long>(found.hash.low));
  out << "{\"name\": " << in_json(chosen.search.name)
      << ", \"model\": " << in_json(name_of_model(chosen.search.model))
      << ", \"verdict\": " << in_json(names_of_verdicts[status])
      << ", \"complete\": " << found.complete << ", \"blocked\": " << found.blocked
      << ", \"cut\": " << found.cut << ", \"excluded\": " << found.excluded
      << ", \"runs\": " << found.runs << ", \"hunted\": " << found.hunted
      << ", \"duplicates\": " << found.duplicates << ", \"errors\": " << found.errors
      << ", \"outcomes\": " << json_outcomes(found) << R"(, "hash": ")" << hash
      << R"(", "seconds": )" << seconds << ", \"peak_bytes\": " << peak_bytes();
  out << json_bounds(found) << ", \"digest\": " << in_json(digest_of_program())
      << ", \"cpus\": " << in_json(name_of_cpus())
      << ", \"options\": " << json_list(options_of_search());
  if (chosen.search.stopped_thread) out << ", \"stopped\": " << found.stopped;
  if (chosen.is_part) out << json_part(found);
  if (chosen.load_buffering) out << json_overtaken();
  if (found.first) {
    const std::string kind(name_of(found.first->what));
    out << ", \"first_error\": " << in_json(kind + ": " + found.first->text)
        << ", \"error\": " << in_json(kind) << ", \"text\": " << in_json(found.first->text)
        << ", \"replay\": " << in_json(found.replay);
  }
  if (!found.kinds.empty()) out << json_kinds(found);
  out << ", \"not_seen\": " << json_list(not_seen) << "}\n";
  if (chosen.json == "-") {
    say(out.str(), own_output);
    return;
  }
  std::ofstream file(chosen.json);
  file << out.str();
  if (!file.flush()) say("checker: --check-json: cannot write " + chosen.json + "\n", own_errors);
}

// What was done by chance: how much, and how likely it would have found what is there.
std::string odds(const statistics& found) {
  const unsigned threads = threads_of(found);
  const unsigned depth = chosen.search.hunt_depth;
  char text[256];
  std::snprintf(text, sizeof text,
                "Every second one takes the newest values, and finds an error that shows there and "
                "needs %u orders between operations with a probability of at least 1 in %u * "
                "%llu^%u; all of them, with %.3g.",
                depth, threads, static_cast<unsigned long long>(found.hunted_events), depth - 1,
                hunt_chance(found, threads, depth));
  return text;
}

std::string counts(const statistics& found, double seconds) {
  const unsigned threads = threads_of(found);
  std::uint64_t operations = 0;
  for (const std::uint32_t each : found.longest) {
    operations = std::max<std::uint64_t>(operations, each);
  }
  std::string text =
      with_commas(found.complete) + (found.complete == 1 ? " execution" : " executions");
  if (found.errors != 0) text += " without one";
  if (found.blocked != 0) text += " (and " + with_commas(found.blocked) + " that wait)";
  char spent[32];
  std::snprintf(spent, sizeof spent, "%.2f s", seconds);
  text += ", " + std::to_string(threads) + (threads == 1 ? " thread" : " threads") +
          " of at most " + std::to_string(operations) + " operations, model " +
          name_of_model(chosen.search.model) + ", ";
  if (chosen.search.stopped_thread) {
    text += "thread " + std::to_string(*chosen.search.stopped_thread) + " stopped after " +
            std::to_string(chosen.search.stopped_after) + ", ";
  }
  return text + spent;
}

// A search that has stopped nothing says nothing of what was asked for.
void refuse_stop_of_nothing(const statistics& found) {
  const options& search = chosen.search;
  const bool whole = search.parts == 1 && search.replay.empty() && search.hunt == 0;
  if (!search.stopped_thread || !whole || found.errors + found.cut + found.stopped != 0) return;
  const unsigned index = *search.stopped_thread;
  const std::string thread = std::to_string(index);
  const std::uint32_t made = index < found.longest.size() ? found.longest[index] : 0;
  if (made == 0) reject("--check-stop: the program starts no thread " + thread);
  reject("--check-stop: thread " + thread + " makes at most " + std::to_string(made) +
         " operations, and never more than " + std::to_string(search.stopped_after));
}

// : 3 of data race, 1 of assertion
std::string by_kind(const statistics& found) {
  std::string text;
  if (found.kinds.size() < 2) return text;
  for (const errors_of_kind& each : found.kinds) {
    text += (text.empty() ? ": " : ", ") + with_commas(each.count) + " of " +
            std::string(name_of(each.what));
  }
  return text;
}

void make_readable(counterexample& told) {
  tell_kinds(told);
  leave_out_inner_accesses(told);
  leave_out_private_accesses(told);
  name_objects(told);
  resolve_places(told);
}

// The first goes to the file that was asked for, the second to one beside it: error.2.html.
void write_page(const counterexample& told, unsigned number) {
  std::string path = chosen.page;
  if (number != 1) {
    const std::size_t name = path.rfind('/') + 1;  // 0 if there is none
    const std::size_t dot = path.rfind('.');
    const bool has_ending = dot != std::string::npos && dot > name;
    path.insert(has_ending ? dot : path.size(), "." + std::to_string(number));
  }
  std::ofstream page(path);
  page << checker::page(told);
  if (!page.flush()) say("checker: --check-page: cannot write " + path + "\n", own_errors);
}

// What a verdict without an error says of the search, and what not.
std::string what_was_looked_at(const statistics& found) {
  std::string text;
  if (found.excluded != 0) {
    text += with_commas(found.excluded) +
            (found.excluded == 1 ? " execution was" : " executions were") +
            " left out, in which an assumption does not hold.\n";
  }
  if (was_asked_for_cpu()) {
    text += cpus == 0   ? "Threads run on any of two CPUs, each time that they ask.\n"
            : cpus == 1 ? "All threads run on one CPU.\n"
                        : "Thread T runs on CPU T modulo " + std::to_string(cpus) +
                              " (--check-cpus tries others).\n";
  }
  text += !chosen.leaks                  ? "Leaks were not looked for.\n"
          : chosen.search.stopped_thread ? "Leaks were not looked for: a thread was stopped.\n"
                                         : "Leaks were looked for at each end.\n";
  if (found.hunted != 0 || found.replayed) return text;
  if (found.too_long != 0) {
    text += "Executions of more than 256 operations were not looked at for conflicts.\n";
  }
  const auto [met, unmet] = lines_of_conflicts(found);
  if (unmet.empty()) return text;
  constexpr std::size_t most = 12;
  text += "Conflicts never reached: " + std::to_string(unmet.size()) + " of " +
          std::to_string(met.size() + unmet.size()) +
          " lines with atomic operations never met an access that conflicts with theirs and that "
          "nothing else orders, so that their memory orders were not tested: ";
  for (std::size_t i = 0; i != std::min(most, unmet.size()); ++i) {
    text += (i == 0 ? "" : ", ") + unmet[i];
  }
  if (unmet.size() > most) text += " and " + std::to_string(unmet.size() - most) + " more";
  return text + ".\n";
}

int tell(statistics& found, double seconds) {
  refuse_stop_of_nothing(found);
  // A part of a search may have none, and the whole is looked at when the parts are merged.
  const bool has_enough = found.complete != 0 || chosen.search.parts > 1;
  const bool finished = found.cut == 0 && has_enough && !found.replayed;
  const int status = found.errors != 0 ? 1 : finished ? 0 : 3;
  unsigned pages = 0;
  for (errors_of_kind& each : found.kinds) {
    if (!each.first) continue;
    make_readable(*each.first);
    if (!chosen.page.empty()) write_page(*each.first, ++pages);
  }
  const std::vector<std::string> not_seen = what_was_not_seen();
  if (!chosen.json.empty()) write_json(found, not_seen, status, seconds);
  if (chosen.quiet) return status;
  std::ostringstream out;
  if (chosen.outcomes) {
    for (const std::string& each : found.outcomes) out << "outcome: " << each << '\n';
  }
  for (const errors_of_kind& each : found.kinds) {
    if (&each != found.kinds.data()) out << '\n';
    if (each.first) {
      print(out, *each.first);
    } else {
      out << name_of(each.what) << ": " << each.text << '\n';
    }
    if (!each.replay.empty()) {
      out << "again, with its output:";
      for (const std::string& argument : program_arguments) out << ' ' << for_shell(argument);
      for (const std::string& option : options_of_search()) out << ' ' << option;
      out << " --check-replay " << for_shell(each.replay) << '\n';
    }
  }
  if (status == 0) {
    out << chosen.search.name << ": ";
    if (chosen.search.parts > 1) {
      out << "part " << chosen.search.part << " of " << chosen.search.parts
          << " has no error; proved if no part has. ";
    } else {
      out << "proved. ";
    }
    out << counts(found, seconds) << '\n';
    out << "Within these bounds: as many operations as the program makes; "
        << chosen.search.spurious_failures << " spurious failures and " << chosen.search.reuses
        << " re-used blocks a thread. "
        << (chosen.load_buffering ? text_overtaken() : "Load buffering is not explored.\n");
  } else if (status == 1) {
    out << chosen.search.name << ": " << with_commas(found.errors)
        << (found.errors == 1 ? " error" : " errors") << by_kind(found) << ". ";
    if (found.hunted != 0) {
      out << with_commas(found.hunted) << " executions by chance, seed " << chosen.search.hunt_seed
          << ". ";
    }
    out << counts(found, seconds) << '\n';
  } else if (found.hunted != 0) {
    out << chosen.search.name << ": not a proof. " << with_commas(found.hunted)
        << " executions by chance, seed " << chosen.search.hunt_seed << ", found no error. "
        << counts(found, seconds) << '\n'
        << odds(found) << '\n';
  } else if (found.replayed && found.cut == 0) {
    out << chosen.search.name
        << ": only the execution of a replay string was run, and it has no error: nothing is "
           "proved. "
        << counts(found, seconds) << '\n';
  } else if (found.complete == 0 && found.cut == 0) {
    out << chosen.search.name << ": no execution comes to its end, so that nothing is proved. "
        << counts(found, seconds) << '\n';
  } else {
    out << chosen.search.name << ": not finished, so that nothing is proved: " << why_cut(found)
        << (found.cut > 1 ? ", first of " + with_commas(found.cut) + " bounds that were met. "
                          : ". ")
        << counts(found, seconds) << '\n';
  }
  if (status == 0 || status == 3) out << what_was_looked_at(found);
  const char* separator = "Not seen: ";
  for (const std::string& each : not_seen) out << std::exchange(separator, ", ") << each;
  if (!not_seen.empty()) out << ".\n";
  if (uses_poolproof()) {
    out << "Under this instrumentation poolproof's pool has the portable pin: its restartable "
           "sequences and magazines are left to its models and proofs.\n";
  }
  if (excused_races() != 0) {
    out << "Races inside std::atomic<std::shared_ptr> of libstdc++ were not counted: it unlocks "
           "with a "
           "relaxed operation.\n";
  }
  if (semaphore_waits() != 0) {
    out << "std::counting_semaphore of libstdc++ may sleep although its count is not 0: here it "
           "looks "
           "again.\n";
  }
  say(out.str(), own_output);
  return status;
}

statistics explore_and_note(program& checked) {
  load_buffering seen;
  options search = chosen.search;
  search.on_complete = [&](const execution_graph& graph) { seen.look_at(graph); };
  exploration running(checked, search);
  statistics found = running.explore();
  overtaken_reads.clear();
  note_overtaken(seen, running);
  return found;
}

// In memory that the processes of a search have in common.
void make_room_for_thread_count() {
  void* const shared =
      ::mmap(nullptr, sizeof(bool), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (shared == MAP_FAILED) {
    std::perror("checker: no memory that processes share");
    std::_Exit(2);
  }
  had_too_many_threads = static_cast<bool*>(shared);
}

// A search with room for few threads is faster. One that finds that they do not suffice begins anew
// with room for more. A part of a search may never see that, and what goes on from what another
// search has written, or looks at some executions, cannot begin anew: these have room for all.
unsigned room_for_threads() {
  const options& search = chosen.search;
  const bool whole = search.parts == 1 && search.replay.empty() && search.checkpoint.empty();
  return whole && chosen.estimate <= 0 ? 8 : most_threads;
}

void refuse_too_many_threads() {
  if (!*had_too_many_threads) return;
  reject("the program has more than " + std::to_string(most_threads - 1) + " threads");
}

int explore_all() {
  const auto began = std::chrono::steady_clock::now();
  const auto elapsed = [&] {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - began).count();
  };
  for (thread_limit = room_for_threads();;
       thread_limit = std::min(2 * thread_limit, most_threads)) {
    *had_too_many_threads = false;
    make_thread_blocks(thread_limit);
    checked_program checked(thread_limit);
    if (chosen.estimate > 0) {
      const size_estimate size = estimate(checked, chosen.search, chosen.estimate);
      show_output(true);
      refuse_too_many_threads();
      char text[96] = "the time was too short for an estimate\n";
      if (size.known) {
        std::snprintf(text, sizeof text, "%s%.0f +- %.0f executions\n",
                      size.rough ? "roughly " : "", size.executions, size.error);
      }
      say(text, own_output);
      return size.known ? 0 : 3;
    }
    if (!chosen.search.checkpoint.empty()) chosen.search.digest = digest_of_program();
    statistics found = chosen.load_buffering
                           ? explore_and_note(checked)
                           : checker::explore(checked, chosen.search, chosen.jobs);
    active = false;
    if (*had_too_many_threads && thread_limit != most_threads) continue;
    show_output(true);
    refuse_too_many_threads();
    return tell(found, elapsed());
  }
}

int run(int argc, char** argv, char** environment) {
  program_environment = environment;
  own_output = ::fcntl(1, F_DUPFD_CLOEXEC, 3);
  own_errors = ::fcntl(2, F_DUPFD_CLOEXEC, 3);
  read_arguments(argc, argv);
  int status = 2;
  try {
    find_symbols();
    look_at_objects();
    make_shadow();
    make_room_for_thread_count();
    make_thread_blocks(2);
    show_output(false);
    note_exits();
    note_environment();
    note_keys();
    catch_faults();
    watch_for_loops();
    watch_resources();
    note_state();
    status = explore_all();
  } catch (const std::exception& wrong) {
    show_output(true);
    say(std::string("checker: ") + wrong.what() + "\n", own_errors);
  }
  release_faults();
  // The program's own static data is as it was at the entry of main: nobody destroys it again.
  std::fflush(nullptr);
  std::_Exit(status);
}

// Before the constructors of the runtime's own objects, which register their destructors: until it
// is known whose code is whose these would be taken for the program's, and be run at the end of
// each execution.
[[gnu::constructor(101)]] void begin() {
  find_owners();
  begin_to_notice();
  leave_cpu_area();
}

}  // namespace

void refuse_program(const char* why) { reject(why); }

}  // namespace checker::runtime

using namespace checker::runtime;
namespace engine = checker::engine;

using start_main = int(int (*)(int, char**, char**), int, char**, void (*)(), void (*)(),
                       void (*)(), void*);

CHECKER_EXPORT int __libc_start_main(int (*entry)(int, char**, char**), int argc, char** argv,
                                     void (*init)(), void (*fini)(), void (*rtld_fini)(),
                                     void* stack_end) {
  program_main = entry;
  auto* const real = reinterpret_cast<start_main*>(next_function("__libc_start_main"));
  return real(run, argc, argv, init, fini, rtld_fini, stack_end);
}

// Of promise::set_value_at_thread_exit and its kin: at the end of the thread the C++ library itself
// sets the value, and counts who holds it, where it would find neither as they are.
CHECKER_EXPORT void __wrap__ZNSt13__future_base13_State_baseV211_Make_ready6_M_setEv(void*) {
  refuse_program("the program sets a value at the exit of a thread, which is not supported");
}

// What <checker/program.h> calls.

CHECKER_EXPORT void checker_program_assume(int holds) {
  static_cast<void>(CHECKER_CALLER);
  if (holds != 0 || !active) return;
  engine::give_up_thread(engine::surrender::excluded);
}
CHECKER_EXPORT unsigned checker_program_choose(unsigned alternatives) {
  if (!active) return 0;
  const unsigned chosen_one = engine::choose(alternatives, place_of(CHECKER_CALLER));
  operation_done();
  something_changed();
  return chosen_one;
}
CHECKER_EXPORT void checker_program_outcome(const char* text) {
  if (active) engine::add_outcome(text);
}
CHECKER_EXPORT unsigned checker_program_thread_index() { return active ? engine::thread() : 0; }
CHECKER_EXPORT void checker_program_stop_here() {
  static_cast<void>(CHECKER_CALLER);
  if (active) engine::give_up_thread(engine::surrender::stopped);
}

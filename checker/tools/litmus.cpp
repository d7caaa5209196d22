// checker/tools/litmus: explores the programs of files in the notation of README.md.

#include <sys/resource.h>
#include <unistd.h>

#include <charconv>
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
#include <vector>

#include <checker/progress_line.hpp>

#include "litmus_program.hpp"
#include "notation.hpp"

namespace {

using namespace checker;

constexpr std::string_view usage = R"(usage: litmus [options] FILE...

Explores every execution of the programs in the files, and prints a line of JSON for each program.
FILE - is standard input. The notation is described in checker/tools/README.md.

  --model M         rc11 (default), iso or sc
  --only NAME       only the program of this name
  --set NAME=VALUE  a parameter of the programs, such as n
  --shard I/N       only part I (0 .. N-1) of N of the search; the parts' counts and hashes add up
  --jobs N          on N processes; default: one for each CPU
  --checkpoint FILE write the search to FILE from time to time, and go on from it if it is there
  --seconds S       give up after S seconds: the search is then cut
  --estimate S      do not search: estimate for S seconds how many executions there are to be found
  --progress-line W show how far the search is on the terminal: auto (default: if it is one),
                    always or never
  --outcomes        list the outcomes, not only their number
  --replay STRING   run only this execution
  --remember N      look for duplicates among the first N complete graphs (default 1000000)
  --check           fail unless the counts are those that the files expect

The line: name, model, complete (executions in which every thread returned), blocked (executions in
which a thread waits, for a value that it could yet get in another), cut (bounds that were met),
excluded (executions in which an assumption of the program does not hold),
duplicates (graphs visited twice, of those remembered), errors, outcomes, hash (the same for the same
set of graphs), seconds, peak_bytes. With --estimate: name, model, estimate (null if the time was too
short), error (one standard error), rough (it may be much too low). Exit status: 0 if all is proved;
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

template <class Number>
Number to_number(std::string_view text, const std::string& option) {
  Number value{};
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    reject(option + ": '" + std::string(text) + "' is not a number");
  }
  return value;
}

memory_model to_model(std::string_view name) {
  if (name == "rc11") return memory_model::rc11;
  if (name == "iso") return memory_model::iso;
  if (name == "sc") return memory_model::sc;
  reject("--model: '" + std::string(name) + "' is none of rc11, iso, sc");
}

std::string_view name_of(memory_model model) {
  constexpr std::string_view names[] = {"rc11", "iso", "sc"};
  return names[static_cast<std::size_t>(model)];
}

void set_shard(settings& to, std::string_view text) {
  const std::size_t slash = text.find('/');
  if (slash == std::string_view::npos) reject("--shard: expected I/N, such as 0/4");
  to.search.part = to_number<unsigned>(text.substr(0, slash), "--shard");
  to.search.parts = to_number<unsigned>(text.substr(slash + 1), "--shard");
  to.sharded = true;
  if (to.search.part >= to.search.parts) reject("--shard: I must be less than N");
}

settings read_arguments(const std::vector<std::string>& arguments) {
  settings read;
  read.search.keep_going = true;
  read.search.spurious_failures = 0;
  read.search.remember_graphs = 1'000'000;
  for (std::size_t i = 0; i != arguments.size(); ++i) {
    const std::string& option = arguments[i];
    const auto value = [&]() -> const std::string& {
      if (i + 1 == arguments.size()) reject(option + ": a value is missing");
      return arguments[++i];
    };
    if (option == "--help" || option == "-h") {
      std::cout << usage;
      std::exit(0);
    } else if (option == "--model") {
      read.search.model = to_model(value());
    } else if (option == "--only") {
      read.only = value();
    } else if (option == "--set") {
      const std::string& text = value();
      const std::size_t sign = text.find('=');
      if (sign == std::string::npos) reject("--set: expected NAME=VALUE");
      read.parameters[text.substr(0, sign)] =
          to_number<std::uint64_t>(std::string_view(text).substr(sign + 1), "--set");
    } else if (option == "--shard") {
      set_shard(read, value());
    } else if (option == "--checkpoint") {
      read.search.checkpoint = value();
    } else if (option == "--jobs") {
      read.jobs = to_number<unsigned>(value(), option);
    } else if (option == "--seconds") {
      read.search.seconds = to_number<double>(value(), option);
    } else if (option == "--estimate") {
      read.estimate = to_number<double>(value(), option);
      if (!(read.estimate > 0)) reject("--estimate: how many seconds may it take?");
    } else if (option == "--progress-line") {
      const std::string& when = value();
      const auto known = showing_of(when);
      if (!known) reject("--progress-line: '" + when + "' is none of auto, always, never");
      read.line = *known;
    } else if (option == "--remember") {
      read.search.remember_graphs = to_number<std::size_t>(value(), option);
    } else if (option == "--outcomes") {
      read.list_outcomes = true;
    } else if (option == "--replay") {
      read.search.replay = value();
    } else if (option == "--check") {
      read.check = true;
    } else if (option.size() > 1 && option.front() == '-') {
      reject("unknown option " + option);
    } else {
      read.files.push_back(option);
    }
  }
  if (read.files.empty()) reject("no file is given");
  return read;
}

std::string read_file(const std::string& name) {
  if (name == "-") return {std::istreambuf_iterator<char>(std::cin), {}};
  std::ifstream in(name);
  if (!in) reject(name + ": cannot be read");
  return {std::istreambuf_iterator<char>(in), {}};
}

// Text in a JSON string.
std::string quoted(std::string_view text) {
  std::string result = "\"";
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      result += {'\\', c};
    } else if (static_cast<unsigned char>(c) < 0x20) {
      char code[8];
      std::snprintf(code, sizeof code, "\\u%04x", c);
      result += code;
    } else {
      result += c;
    }
  }
  return result + '"';
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

void print_outcomes(const statistics& found, bool list) {
  if (!list) {
    std::cout << found.outcomes.size();
    return;
  }
  std::cout << '[';
  const char* separator = "";
  for (const std::string& each : found.outcomes) {
    std::cout << separator << quoted(each);
    separator = ", ";
  }
  std::cout << ']';
}

void print_line(const litmus::program& p, const settings& chosen, const statistics& found,
                double seconds) {
  std::cout << "{\"name\": " << quoted(p.name) << ", \"model\": \"" << name_of(chosen.search.model)
            << "\", \"complete\": " << found.complete << ", \"blocked\": " << found.blocked
            << ", \"cut\": " << found.cut << ", \"excluded\": " << found.excluded
            << ", \"duplicates\": " << found.duplicates << ", \"errors\": " << found.errors
            << ", \"outcomes\": ";
  print_outcomes(found, chosen.list_outcomes);
  std::cout << ", \"hash\": \"" << hexadecimal(found.hash) << "\", \"seconds\": " << seconds
            << ", \"peak_bytes\": " << peak_bytes();
  if (chosen.sharded) {
    std::cout << ", \"shard\": \"" << chosen.search.part << '/' << chosen.search.parts
              << "\", \"outcome_hashes\": [";
    const char* separator = "";
    for (const std::uint64_t hash : found.outcomes.hashes()) {
      std::cout << separator << hash;
      separator = ", ";
    }
    std::cout << ']';
  }
  if (found.first) {
    std::cout << ", \"first_error\": "
              << quoted(std::string(checker::name_of(found.first->what)) + ": " + found.first->text)
              << ", \"replay\": " << quoted(found.first->replay);
  }
  std::cout << "}" << std::endl;
}

// What the file says of the program, against what was found. True if they agree.
bool expected(const litmus::program& p, const settings& chosen, const statistics& found) {
  const auto& wanted = p.expected;
  const auto count = chosen.search.model == memory_model::rc11  ? wanted.rc11
                     : chosen.search.model == memory_model::iso ? wanted.iso
                                                                : wanted.sc;
  const bool race = found.first && found.first->what == fault::data_race;
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
  compare("race", race, wanted.race);
  compare("duplicates", found.duplicates, std::optional<std::uint64_t>(0));
  return agrees;
}

void estimate(const litmus::program& p, const settings& chosen, const std::string& file) {
  litmus::litmus_program checked(p, file);
  const size_estimate size = checker::estimate(checked, chosen.search, chosen.estimate);
  std::cout << "{\"name\": " << quoted(p.name) << ", \"model\": \"" << name_of(chosen.search.model)
            << "\", \"estimate\": ";
  if (size.known) {
    std::cout << size.executions << ", \"error\": " << size.error
              << ", \"rough\": " << (size.rough ? "true" : "false") << "}" << std::endl;
  } else {
    std::cout << "null, \"error\": null, \"rough\": null}" << std::endl;
  }
}

conclusion explore(const litmus::program& p, const settings& chosen, const std::string& file) {
  litmus::litmus_program checked(p, file);
  options search = chosen.search;
  search.name = p.name;
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
  const bool partial = chosen.check || (chosen.sharded && found.errors == 0);
  if (partial) return found.cut == 0 ? conclusion::proved : conclusion::unfinished;
  return found.concluded();
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
    return run(read_arguments({arguments + 1, arguments + count}));
  } catch (const std::exception& wrong) {
    std::cerr << "litmus: " << wrong.what() << '\n';
    return 2;
  }
}

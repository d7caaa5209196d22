// SPDX-License-Identifier: MIT
// The explorer against the brute force: the same programs, the same sets of execution graphs.
//
//     checker_agreement random FIRST COUNT     the programs of so many seeds
//     checker_agreement files FILE...          the programs of files, if the brute force can
//
// Under each of the three models both must find the same canonical graphs, the explorer each of
// them once, and both must agree on whether there is an error. A program with an error has no set
// to compare: the explorer gives an execution up where the error is.

#include <array>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <exception>
#include <fstream>
#include <iostream>
#include <iterator>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

#include "../tools/notation.hpp"
#include "brute_force.hpp"
#include "explored.hpp"
#include "random_programs.hpp"

namespace {

using namespace checker;

// Beyond these the brute force gives up: about a second for one program.
constexpr brute_force::limits most = {20'000, 60'000};

// Of a race the values that were read have no meaning, so that a failure of a racy program need not
// be found; otherwise the first error is the one that there is.
bool errors_agree(const brute_force::result& wanted, const statistics& found) {
  const fault first = found.first ? found.first->what : fault::none;
  const bool failed = first == fault::assertion || first == fault::misuse;
  if (wanted.race) return first == fault::data_race || (wanted.failure && failed);
  if (wanted.failure) return failed;
  return first == (wanted.blocked.empty() ? fault::none : fault::deadlock);
}

class comparison {
 public:
  void compare(const litmus::program& p) {
    ++programs_;
    const std::optional<std::array<brute_force::result, 3>> wanted =
        brute_force::enumerate(p, most);
    if (!wanted) {
      ++too_large_;
      return;
    }
    for (const memory_model model : {memory_model::rc11, memory_model::iso, memory_model::sc}) {
      compare(p, model, (*wanted)[static_cast<std::size_t>(model)]);
    }
  }

  bool agrees() const { return disagreements_ == 0 && sets_ != 0; }
  // So much is wrong that more of it tells nothing new.
  bool hopeless() const { return disagreements_ >= 100; }

  void print(const std::string& what) const {
    std::cout << what << ": " << programs_ << " programs, " << too_large_
              << " too large for the brute force, " << sets_ << " sets compared, " << graphs_
              << " graphs, " << with_errors_ << " with errors, " << duplicates_ << " duplicates, "
              << disagreements_ << " disagreements\n";
  }

 private:
  void compare(const litmus::program& p, memory_model model, const brute_force::result& wanted) {
    const explored found = explore(p, model);
    bool same = found.duplicates == 0 && errors_agree(wanted, found.totals) &&
                wanted.cut == (found.totals.cut != 0);
    duplicates_ += found.duplicates;
    if (wanted.race || wanted.failure) {
      ++with_errors_;
    } else {
      same = same && found.graphs == wanted.graphs;
      ++sets_;
      graphs_ += wanted.graphs.size();
    }
    if (same) return;
    if (++disagreements_ <= 3) show(p, model, found, wanted);
  }

  static void show(const litmus::program& p, memory_model model, const explored& found,
                   const brute_force::result& wanted) {
    constexpr std::array names = {"rc11", "iso", "sc"};
    std::cout << "DISAGREEMENT under " << names[static_cast<std::size_t>(model)] << ": explorer "
              << found.graphs.size() << " graphs, " << found.duplicates
              << " duplicates, first error "
              << (found.totals.first ? name_of(found.totals.first->what) : "none")
              << "; brute force " << wanted.graphs.size() << " graphs, "
              << (wanted.race ? "race, " : "no race, ")
              << (wanted.failure ? "failure" : "no failure") << '\n'
              << litmus::print(p) << '\n';
  }

  std::uint64_t programs_ = 0;
  std::uint64_t too_large_ = 0;
  std::uint64_t sets_ = 0;
  std::uint64_t graphs_ = 0;
  std::uint64_t with_errors_ = 0;
  std::uint64_t duplicates_ = 0;
  std::uint64_t disagreements_ = 0;
};

std::uint64_t to_number(std::string_view text) {
  std::uint64_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size()) {
    throw std::invalid_argument("'" + std::string(text) + "' is not a number");
  }
  return value;
}

bool compare_random(std::uint64_t first, std::uint64_t count) {
  comparison all;
  for (std::uint64_t seed = first; seed != first + count && !all.hopeless(); ++seed) {
    all.compare(litmus::random_program(seed));
  }
  all.print("seeds " + std::to_string(first) + ".." + std::to_string(first + count - 1));
  return all.agrees();
}

bool compare_file(const std::string& name) {
  std::ifstream in(name);
  if (!in) throw std::runtime_error(name + ": cannot be read");
  const std::string text{std::istreambuf_iterator<char>(in), {}};
  comparison all;
  for (const litmus::program& p : litmus::parse(text, name)) all.compare(p);
  all.print(name.substr(name.rfind('/') + 1));
  return all.agrees();
}

int run(const std::vector<std::string>& arguments) {
  bool agrees = true;
  if (arguments.size() == 3 && arguments[0] == "random") {
    agrees = compare_random(to_number(arguments[1]), to_number(arguments[2]));
  } else if (arguments.size() > 1 && arguments[0] == "files") {
    for (std::size_t i = 1; i != arguments.size(); ++i) {
      agrees = compare_file(arguments[i]) && agrees;
    }
  } else {
    std::cerr << "usage: checker_agreement random FIRST COUNT | files FILE...\n";
    return 2;
  }
  return agrees ? 0 : 1;
}

}  // namespace

int main(int count, char** arguments) {
  try {
    return run({arguments + 1, arguments + count});
  } catch (const std::exception& wrong) {
    std::cerr << "checker_agreement: " << wrong.what() << '\n';
    return 2;
  }
}

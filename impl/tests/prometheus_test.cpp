// SPDX-License-Identifier: MIT
// prometheus.hpp: what is written is what the format allows, and what the pools tell.
#include <poolproof/bounded_pool.hpp>
#include <poolproof/prometheus.hpp>

#include <unistd.h>

#include <algorithm>
#include <cstddef>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <locale>
#include <map>
#include <memory>
#include <regex>
#include <set>
#include <sstream>
#include <string>
#include <utility>
#include <vector>

#include "catch.hpp"

namespace {

using poolproof::bounded_pool;
using poolproof::object_pool;
using poolproof::pool_kind;
using poolproof::pool_numbers;
using poolproof::write_prometheus;

std::string written() {
  std::ostringstream text;
  write_prometheus(text);
  return text.str();
}

// The samples of a text, by metric and labels; the text must keep to the format's grammar
// (prometheus.io/docs/instrumenting/exposition_formats): each family in one piece, HELP and TYPE in
// front of it and once, no sample twice, a line end behind each line.
std::map<std::string, std::string> samples_of(const std::string& text) {
  static const std::regex help("# HELP ([a-zA-Z_:][a-zA-Z0-9_:]*) (?:[^\\\\]|\\\\\\\\|\\\\n)*");
  static const std::regex type("# TYPE ([a-zA-Z_:][a-zA-Z0-9_:]*) (counter|gauge)");
  static const std::regex sample(
      "([a-zA-Z_:][a-zA-Z0-9_:]*)(\\{[a-zA-Z_][a-zA-Z0-9_]*=\"(?:[^\"\\\\]|\\\\[\\\\\"n])*\"\\})? "
      "([0-9]+)");
  std::map<std::string, std::string> samples;
  std::set<std::string> helped;
  std::set<std::string> typed;
  std::string family;
  std::string kind;
  REQUIRE(text.ends_with('\n'));
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) {
    INFO(line);
    std::smatch found;
    if (std::regex_match(line, found, help)) {
      family = found[1];
      kind.clear();
      CHECK(helped.insert(family).second);
    } else if (std::regex_match(line, found, type)) {
      CHECK(found[1] == family);
      CHECK(typed.insert(family).second);
      kind = found[2];
      CHECK((kind == "counter") == family.ends_with("_total"));
    } else {
      REQUIRE(std::regex_match(line, found, sample));
      CHECK(found[1] == family);
      CHECK_FALSE(kind.empty());
      CHECK(samples.emplace(found[1].str() + found[2].str(), found[3]).second);
    }
  }
  return samples;
}

// The pin, and the pools that were left behind.
constexpr std::size_t of_the_process = 2;

// How many of the numbers such a pool has.
std::size_t counted_by(pool_kind kind) {
  return static_cast<std::size_t>(
      std::count_if(pool_numbers.begin(), pool_numbers.end(),
                    [&](const auto& each) { return each.is_counted_by(kind); }));
}

// Prometheus's own opinion, where its tool is installed.
void check_by_promtool(const std::string& text) {
  if (std::system("command -v promtool >/dev/null") != 0) return;
  std::FILE* const tool = ::popen("promtool check metrics", "w");
  REQUIRE(tool != nullptr);
  std::fputs(text.c_str(), tool);
  CHECK(::pclose(tool) == 0);
}

TEST_CASE("program_without_pools_writes_only_what_is_of_the_process", "[prometheus]") {
  const std::string text = written();
  check_by_promtool(text);
  auto samples = samples_of(text);
  CHECK(samples.size() == of_the_process);
  CHECK(samples["poolproof_leaked_pools_total"] == "0");
}

TEST_CASE("each_pool_is_a_series_by_its_name", "[prometheus]") {
  object_pool<int> first([] { return std::make_unique<int>(1); }, {.name = "first"});
  object_pool<int> second([] { return std::make_unique<int>(1); }, {.name = "second"});
  const std::unique_ptr<int> out = first.get();
  second.put(second.get());
  const std::string text = written();
  check_by_promtool(text);
  auto samples = samples_of(text);
  CHECK(samples.size() == 2 * counted_by(pool_kind::object) + of_the_process);
  CHECK(samples["poolproof_pool_constructions_total{pool=\"first\"}"] == "1");
  CHECK(samples["poolproof_pool_misses_total{pool=\"first\"}"] == "1");
  CHECK(samples["poolproof_pool_retained{pool=\"first\"}"] == "0");
  CHECK(samples["poolproof_pool_retained{pool=\"second\"}"] == "1");
}

TEST_CASE("pool_of_any_kind_writes_what_it_counts_and_nothing_else", "[prometheus]") {
  bounded_pool<int> bounded(2, [] { return std::make_unique<int>(1); }, {.name = "bounded"});
  object_pool<int> free([] { return std::make_unique<int>(1); }, {.name = "free"});
  const auto first = bounded.get();
  static_cast<void>(bounded.get());
  static_cast<void>(free.borrow());
  const std::string text = written();
  check_by_promtool(text);
  const auto samples = samples_of(text);
  const auto of = [&](const char* name, const char* pool) {
    const auto found =
        samples.find("poolproof_pool_" + std::string(name) + "{pool=\"" + pool + "\"}");
    return found == samples.end() ? std::string("none") : found->second;
  };
  CHECK(of("max", "bounded") == "2");
  CHECK(of("waiting", "bounded") == "0");
  CHECK(of("queued_total", "bounded") == "0");
  CHECK(of("given_up_total", "bounded") == "0");
  CHECK(of("misses_total", "bounded") == "2");
  CHECK(of("hits", "bounded") == "0");
  CHECK(of("in_use", "bounded") == "1");
  CHECK(of("retained", "bounded") == "1");
  CHECK(of("peak_in_use", "bounded") == "2");
  CHECK(of("steals_total", "bounded") == "none");
  CHECK(of("constructions_total", "bounded") == "none");
  CHECK(of("bytes", "bounded") == "none");
  CHECK(of("steals_total", "free") == "0");
  CHECK(of("constructions_total", "free") == "1");
  CHECK(of("max", "free") == "none");
  CHECK(of("queued_total", "free") == "none");
  CHECK(samples.size() ==
        counted_by(pool_kind::bounded) + counted_by(pool_kind::object) + of_the_process);
}

// A family without samples is not announced.
TEST_CASE("number_that_no_pool_counts_is_not_announced", "[prometheus]") {
  bounded_pool<int> bounded(2, [] { return std::make_unique<int>(1); }, {.name = "bounded"});
  const std::string text = written();
  check_by_promtool(text);
  CHECK(text.find("steals") == std::string::npos);
  CHECK(text.find("waiting") != std::string::npos);
}

TEST_CASE("pools_of_two_kinds_and_one_name_are_one_series", "[prometheus]") {
  bounded_pool<int> bounded(2, [] { return std::make_unique<int>(1); }, {.name = "both"});
  object_pool<int> free([] { return std::make_unique<int>(1); }, {.name = "both"});
  static_cast<void>(bounded.get());
  static_cast<void>(free.get());
  const std::string text = written();
  check_by_promtool(text);
  auto samples = samples_of(text);
  CHECK(samples["poolproof_pool_misses_total{pool=\"both\"}"] == "2");
  CHECK(samples["poolproof_pool_constructions_total{pool=\"both\"}"] == "1");
  CHECK(samples["poolproof_pool_max{pool=\"both\"}"] == "2");
}

// A counter must not fall but at a restart. A miss is taken off the hits at once, and what made
// them up is added at the next look at the clock.
TEST_CASE("number_that_falls_is_a_gauge", "[prometheus]") {
  object_pool<int> pool([] { return std::make_unique<int>(1); }, {.name = "falls"});
  for (int i = 0; i != 1000; ++i) pool.put(pool.get());
  std::vector<std::unique_ptr<int>> held;
  std::string fallen;
  auto before = samples_of(written());
  while (fallen.empty() && held.size() != 1000) {
    held.push_back(pool.get());
    auto after = samples_of(written());
    // What is in the pool falls, too, with the first.
    for (const auto& [sample, value] : before) {
      if (std::stoull(after.at(sample)) < std::stoull(value) && held.size() > 1) fallen = sample;
    }
    before = std::move(after);
  }
  CHECK(fallen == "poolproof_pool_hits{pool=\"falls\"}");
}

TEST_CASE("pools_of_one_name_are_one_series", "[prometheus]") {
  object_pool<int> pools[2];
  for (auto& each : pools) each.put(each.get());
  const std::string text = written();
  check_by_promtool(text);
  CHECK(samples_of(text)["poolproof_pool_retained{pool=\"\"}"] == "2");
}

TEST_CASE("name_of_any_signs_is_escaped", "[prometheus]") {
  object_pool<int> pool([] { return std::make_unique<int>(1); },
                        {.name = "a \"quoted\" back\\slash\nand a line, {pool=\"x\"} 1"});
  pool.put(pool.get());
  const std::string text = written();
  check_by_promtool(text);
  CHECK(samples_of(
            text)["poolproof_pool_retained{pool=\"a \\\"quoted\\\" back\\\\slash\\nand a line, "
                  "{pool=\\\"x\\\"} 1\"}"] == "1");
}

TEST_CASE("numbers_are_written_without_the_ways_of_a_locale", "[prometheus]") {
  struct grouped : std::numpunct<char> {
    char do_thousands_sep() const override { return '.'; }
    std::string do_grouping() const override { return "\3"; }
  };
  object_pool<int> pool([] { return std::make_unique<int>(1); }, {.name = "many"});
  for (int i = 0; i != 1234; ++i) static_cast<void>(pool.get());
  std::ostringstream text;
  text.imbue(std::locale(std::locale(), new grouped));
  write_prometheus(text);
  CHECK(samples_of(text.str())["poolproof_pool_misses_total{pool=\"many\"}"] == "1234");
}

}  // namespace

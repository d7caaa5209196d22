// SPDX-License-Identifier: MIT
// How large a search is: an estimate from samples of its tree, with its error, before it is done.
//
// A sample goes down the tree of all graphs level by level. Where a level has more graphs than the
// sample is wide, some of each kind are kept, and each of them stands for what was left out of its
// kind (P. C. Chen, Heuristic sampling, SIAM J. Comput. 21, 1992). The sum of what the complete
// executions stand for is right on average, whatever the kinds are; the error is small if graphs of
// a kind have about as many executions below them. Here a kind is the number of events, and what is
// open to revisits. Plain random descents (Knuth, 1975), or the sizes of randomly chosen subtrees,
// are useless on these trees: a few subtrees have nearly all executions, and a sample without them
// looks as sure as one with them.
//
// Stands on: execution.
#pragma once

#include "execution.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <random>
#include <utility>
#include <vector>

namespace checker {

// Samples of one program's search. While it lives no other search can run.
class size_sampler {
 public:
  size_sampler(program& checked, const options& chosen, std::uint64_t seed = 1)
      : running_(checked, sampling(chosen)), random_(seed) {
    root_.reset(checked.threads());
  }

  // An estimate of the number of complete executions, from about `width` graphs of each level.
  // Nothing if it is not done by then.
  std::optional<double> sample(std::size_t width,
                               std::chrono::steady_clock::time_point until = {}) {
    exact_ = true;
    rough_ = false;
    double executions = 0;
    std::vector<node> level{{root_, 1}};
    while (!level.empty()) {
      std::vector<node> below;
      for (const node& each : level) {
        next_.clear();
        if (running_.expand(each.graph, next_)) executions += each.weight;
        for (execution_graph& graph : next_) below.push_back({std::move(graph), each.weight});
        ++expanded_;
      }
      if (until != decltype(until){} && std::chrono::steady_clock::now() > until) return {};
      level = thinned(std::move(below), width);
    }
    return executions;
  }

  // Whether the last sample left nothing out: then it is no estimate.
  bool exact() const noexcept { return exact_; }
  // Whether the last sample was too narrow to tell all kinds apart.
  bool rough() const noexcept { return rough_; }
  // As statistics::fenced: then the samples mean nothing.
  bool fenced() const noexcept { return running_.fenced(); }
  // Runs of the program so far.
  std::uint64_t expanded() const noexcept { return expanded_; }

 private:
  struct node {
    execution_graph graph;
    double weight;  // how many graphs it stands for
  };

  using kind = std::array<std::size_t, 4>;

  static options sampling(const options& chosen) {
    options here;
    here.model = chosen.model;
    here.spurious_failures = chosen.spurious_failures;
    here.stopped_thread = chosen.stopped_thread;
    here.stopped_after = chosen.stopped_after;
    here.reuse_memory = chosen.reuse_memory;
    here.merge_reads = chosen.merge_reads;
    here.alike = chosen.alike;
    here.events_per_thread = chosen.events_per_thread;
    here.order = chosen.order;
    return here;
  }

  // Events; revisits that are open; maximal events; those of them that are younger than all others.
  kind kind_of(const execution_graph& g) {
    kind found{g.size(), 0, 0, 0};
    for (std::size_t e = g.size(); e-- != 0;) {
      if (!running_.search().is_maximal(g, static_cast<event_id>(e))) continue;
      if (++found[2] == g.size() - e) ++found[3];
    }
    for (unsigned t = 0; t != g.thread_count(); ++t)
      found[1] += running_.search().revisitable(g, t);
    return found;
  }

  // If there are more kinds than that, those that differ only in the last property are one.
  std::vector<std::vector<node*>> by_kind(std::vector<node>& level, std::size_t most) {
    std::vector<kind> names;
    names.reserve(level.size());
    for (const node& each : level) names.push_back(kind_of(each.graph));
    std::map<kind, std::vector<node*>> kinds;
    for (std::size_t told = kind{}.size(); told != 0; --told) {
      kinds.clear();
      for (std::size_t i = 0; i != level.size(); ++i) {
        std::fill(names[i].begin() + static_cast<std::ptrdiff_t>(told), names[i].end(), 0);
        kinds[names[i]].push_back(&level[i]);
      }
      if (kinds.size() <= most) break;
      rough_ = true;
    }
    std::vector<std::vector<node*>> groups;
    groups.reserve(kinds.size());
    for (auto& [name, group] : kinds) groups.push_back(std::move(group));
    return groups;
  }

  // Each kind has the same number of places, and one at least; one that does not need all of its
  // own leaves them to the larger ones.
  std::vector<node> thinned(std::vector<node> level, std::size_t width) {
    if (level.size() <= width) return level;
    exact_ = false;
    std::vector<std::vector<node*>> groups = by_kind(level, 2 * width);
    std::stable_sort(groups.begin(), groups.end(),
                     [](const auto& a, const auto& b) { return a.size() < b.size(); });
    std::vector<node> kept;
    for (std::size_t i = 0; i != groups.size(); ++i) {
      const std::size_t left = width - std::min(width, kept.size());
      draw(groups[i], std::max<std::size_t>(left / (groups.size() - i), 1), kept);
    }
    return kept;
  }

  // Keeps about `places` of a group, each with a chance in proportion to its weight.
  void draw(const std::vector<node*>& group, std::size_t places, std::vector<node>& kept) {
    if (group.size() <= places) {
      for (node* each : group) kept.push_back(std::move(*each));
      return;
    }
    const double sum = std::accumulate(group.begin(), group.end(), 0.0,
                                       [](double s, const node* each) { return s + each->weight; });
    const double share = sum / static_cast<double>(places);
    double passed = share * std::generate_canonical<double, 53>(random_);
    for (node* each : group) {
      passed += each->weight;
      const double times = std::floor(passed / share);
      if (times == 0) continue;
      passed -= times * share;
      each->weight = times * share;
      kept.push_back(std::move(*each));
    }
  }

  execution running_;
  std::mt19937_64 random_;
  execution_graph root_;
  std::vector<execution_graph> next_;
  bool exact_ = true;
  bool rough_ = false;
  std::uint64_t expanded_ = 0;
};

// The mean of several samples. Two errors to each side are meant to hold the truth in 19 of 20
// cases: with few samples the error is wider than their spread alone would make it.
inline size_estimate mean_of(const std::vector<double>& samples) {
  const auto count = static_cast<double>(samples.size());
  const double mean = std::accumulate(samples.begin(), samples.end(), 0.0) / count;
  double squares = 0;
  for (const double each : samples) squares += (each - mean) * (each - mean);
  const double spread = std::sqrt(squares / (count - 1) / count);
  const double few = 1 + 1.5 / (count - 1);  // Student's t at 95 %, nearly
  return {mean, spread * few, true, false};
}

// The mean of up to ten samples that are as wide as the budget allows. `spent` says how much of the
// budget has been used: in seconds, or in whatever it is counted.
template <class Spent>
size_estimate estimate_within(size_sampler& sampler, double budget, Spent spent,
                              std::chrono::steady_clock::time_point until = {}) {
  constexpr std::size_t wanted = 10;
  constexpr std::size_t least = 4;
  constexpr double narrow = 32;
  constexpr double wide = 1024;  // some tens of megabytes
  // The first tells how wide the others can be, and is of no further use unless it is exact.
  const auto first = sampler.sample(static_cast<std::size_t>(narrow), until);
  if (!first) return {};
  if (sampler.exact()) return {*first, 0, *first > 0, false};
  const double each = std::max(budget - spent(), 0.0) / wanted;
  const auto width = static_cast<std::size_t>(std::clamp(narrow * each / spent(), narrow, wide));
  std::vector<double> samples;
  bool rough = false;
  while (samples.size() < least || (samples.size() != wanted && spent() < budget)) {
    const auto found = sampler.sample(width, until);
    if (!found) break;
    if (sampler.exact()) return {*found, 0, *found > 0, false};
    samples.push_back(*found);
    rough = rough || sampler.rough();
  }
  if (samples.size() < least) return {};
  size_estimate mean = mean_of(samples);
  mean.rough = rough;
  return mean.executions > 0 ? mean : size_estimate{};
}

}  // namespace checker

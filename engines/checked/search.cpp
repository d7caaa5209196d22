// SPDX-License-Identifier: MIT
#include "search.hpp"

#include "../outcomes.hpp"
#include "load_buffering.hpp"
#include "unfinished.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdarg>
#include <cstdio>
#include <utility>

namespace poolproof::models {
namespace {

using steady = std::chrono::steady_clock;

// The outcomes of the execution that is running. They count if it comes to its end.
class outcomes_of_execution {
 public:
  void clear() noexcept { count_ = 0; }

  void add(std::size_t number) noexcept {
    for (std::size_t i = 0; i != count_; ++i) {
      if (numbers_[i] == number) return;
    }
    numbers_[count_++] = number;
  }

  void count_all() const noexcept {
    for (std::size_t i = 0; i != count_; ++i) all_outcomes.add(numbers_[i]);
  }

 private:
  std::array<std::size_t, outcome_table::max_outcomes> numbers_{};
  std::size_t count_ = 0;
};

outcomes_of_execution outcomes_now;

// A model as the checker knows it.
class model_program final : public checker::program {
 public:
  explicit model_program(const model_entry& entry) : entry_(entry) {}

  unsigned threads() const override { return entry_.info.threads; }
  bool must_free() const override { return !entry_.info.leaves_memory; }

  void start() override {
    this_machine = machine{};
    outcomes_now.clear();
    choices_of_before.begin();
    process_states::construct_all();
    memory_ = checker::allocate(entry_.size, entry_.alignment);
    model_ = entry_.create(memory_);
    model_->before();
  }

  void thread(unsigned index) override {
    bool escaped = false;
    try {
      model_->thread(index);
    } catch (...) {
      escaped = true;
    }
    require(!escaped, "an exception left a thread");
  }

  void finish() override {
    model_->after();
    model_->~model();
    checker::deallocate(memory_);
    process_states::destroy_all();
    outcomes_now.count_all();
  }

 private:
  const model_entry& entry_;
  void* memory_ = nullptr;
  model* model_ = nullptr;
};

constexpr failure failure_of(checker::fault fault) {
  switch (fault) {
    case checker::fault::none:
      return failure::none;
    case checker::fault::assertion:
    case checker::fault::exception:
      return failure::assertion;
    case checker::fault::data_race:
      return failure::data_race;
    case checker::fault::uninitialised_read:
      return failure::uninitialised_access;
    case checker::fault::use_after_free:
    case checker::fault::use_after_return:
    case checker::fault::crash:  // a pointer that leads nowhere
      return failure::freed_memory;
    case checker::fault::double_free:
      return failure::double_free;
    case checker::fault::memory_leak:
      return failure::memory_leak;
    case checker::fault::deadlock:
      return failure::deadlock;
    case checker::fault::livelock:
      return failure::livelock;
    case checker::fault::misuse:
      return failure::mutex_misuse;
    case checker::fault::nondeterministic:
      return failure::nondeterminism;
    case checker::fault::cut:
      return failure::cut;
  }
  return failure::other;
}

checker::options options_of(const model_entry& entry, const search_request& request) {
  checker::options options;
  options.model = request.model;
  options.name = entry.name;
  options.part = request.part;
  options.parts = request.parts;
  return options;
}

// Adds what came of the search on one of the machines that before() may choose.
void add(search_result& sum, checker::statistics&& found, bool timed_out) {
  sum.complete += found.complete;
  sum.blocked += found.blocked;
  sum.errors += found.errors;
  sum.cut += found.cut - (timed_out ? 1 : 0);
  sum.runs += found.runs;
  sum.hash.add(found.hash.low, found.hash.high);
  sum.timed_out = timed_out;
  if (found.first) {
    sum.failed_by = failure_of(found.first->what);
    sum.message = found.first->text;
    sum.first = std::move(found.first);
    sum.first->replay = choices_of_before.text() + sum.first->replay;
  } else if (sum.cut != 0) {
    sum.failed_by = failure::cut;
    sum.message = "a bound of the search cut executions";
  }
}

// How many executions there are on this machine and on those that before() chooses after it, and
// `done` on those before.
checker::size_estimate estimate(const model_entry& entry, const search_request& request,
                                std::uint64_t done) {
  checker::size_estimate sum{static_cast<double>(done), 0, true, false};
  do {
    model_program checked(entry);
    const checker::size_estimate here =
        checker::estimate(checked, options_of(entry, request), estimate_seconds(request.seconds));
    sum.executions += here.executions;
    sum.error = std::hypot(sum.error, here.error);
    sum.known = sum.known && here.known;
    sum.rough = sum.rough || here.rough;
  } while (choices_of_before.advance());
  return sum;
}

}  // namespace

void outcome(const char* format, ...) noexcept {
  char text[outcome_table::max_length];
  std::va_list arguments;
  va_start(arguments, format);
  std::vsnprintf(text, sizeof text, format, arguments);
  va_end(arguments);
  outcomes_now.add(all_outcomes.find(text));
}

search_result run_search(const model_entry& entry, const search_request& request) {
  const steady::time_point start = steady::now();
  const auto elapsed = [start] {
    return std::chrono::duration<double>(steady::now() - start).count();
  };
  search_result sum;
  checker::options options = options_of(entry, request);
  const bool whole = request.parts == 1 && request.replay.empty();
  const auto size =
      whole && request.estimate ? estimate(entry, request, 0) : checker::size_estimate{};
  std::uint64_t done = 0;  // on the machines before
  if (request.on_progress) {
    options.on_progress = [&](const checker::progress& now) {
      request.on_progress({done + now.complete, size});
    };
  }
  if (!request.replay.empty()) options.replay = choices_of_before.take_from(request.replay);
  checker::load_buffering seen;
  if (request.load_buffering) {
    options.on_complete = [&](const checker::execution_graph& graph) { seen.look_at(graph); };
  }
  do {
    seen = {};
    if (request.seconds > 0) options.seconds = std::max(request.seconds - elapsed(), 0.001);
    if (request.runs != 0)
      options.most_runs = request.runs > sum.runs ? request.runs - sum.runs : 1;
    model_program checked(entry);
    checker::exploration running(checked, options);
    checker::statistics found = running.explore();
    if (found.cut == 0) done += found.complete;
    const bool timed_out =
        found.cut != 0 && ((options.seconds > 0 && elapsed() > request.seconds) ||
                           (options.most_runs != 0 && found.runs >= options.most_runs));
    add(sum, std::move(found), timed_out);
    for (std::string& each : names_of(seen, running)) {
      auto& all = sum.load_buffering;
      if (std::find(all.begin(), all.end(), each) == all.end()) all.push_back(std::move(each));
    }
  } while (sum.failed_by == failure::none && !sum.timed_out && options.replay.empty() &&
           choices_of_before.advance());
  sum.seconds = elapsed();
  if (sum.timed_out && whole) sum.estimate = size.known ? size : estimate(entry, request, done);
  return sum;
}

}  // namespace poolproof::models

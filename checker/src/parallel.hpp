// SPDX-License-Identifier: MIT
// A search on several processes, which share nothing: each explores shards of it, and their
// statistics are added.
//
// Stands on: execution, <checker/processes.hpp>.
#pragma once

#include <checker/processes.hpp>

#include <checker/checkpoint.hpp>
#include "execution.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>

namespace checker {

// The first error of each kind, if it was found by another process: once more, in this one.
inline void show_errors(program& checked, const options& chosen, statistics& found) {
  options once = chosen;
  once.parts = 1;
  once.part = 0;
  once.checkpoint.clear();
  for (errors_of_kind& kind : found.kinds) {
    if (kind.first || kind.replay.empty()) continue;
    once.replay = kind.replay;
    execution running(checked, once);
    kind.first = std::move(running.explore().first);
  }
  if (!found.first && !found.kinds.empty()) found.first = found.kinds.front().first;
}

// Explores `checked` on `jobs` processes. The result is that of one process, but for `runs`. The
// call forks: the caller's process has no other threads.
class parallel_search {
 public:
  parallel_search(program& checked, options chosen, unsigned jobs)
      : program_(checked),
        options_(std::move(chosen)),
        jobs_(jobs),
        counts_(std::size_t{shards_per_job} * jobs) {
    options_.parts = shards_per_job * jobs;
  }

  statistics explore() {
    statistics sum;
    unsigned next = 0;
    while (next != options_.parts || shards_.running() != 0) {
      for (; next != options_.parts && shards_.running() != jobs_; ++next) start(next);
      const auto done = shards_.wait(options_.on_progress ? 100 : -1);
      if (options_.on_progress) options_.on_progress({counts_.sum(), {}});
      if (!done) continue;
      sum.add(statistics_of(*done));
      if (sum.ends_early() && !options_.keep_going) {
        shards_.stop();
        break;
      }
    }
    show_errors(program_, options_, sum);
    return sum;
  }

 private:
  // More than jobs, since shards differ in size.
  static constexpr unsigned shards_per_job = 4;

  void start(unsigned part) {
    shards_.start(part, [this, part] {
      options mine = options_;
      mine.part = part;
      mine.checkpoint.clear();
      if (mine.seconds > 0) mine.seconds = std::max(mine.seconds - elapsed(), 1e-3);
      mine.on_progress = [this, part](const progress& now) { counts_.set(part, now.complete); };
      std::ostringstream text;
      execution running(program_, mine);
      statistics found = running.explore();
      counts_.set(part, found.complete);
      archive file(text);
      found.store(file);
      return text.str();
    });
  }

  static statistics statistics_of(const processes::result& done) {
    if (!done.error.empty()) throw std::runtime_error("checker: a shard's process: " + done.error);
    std::istringstream text(done.text);
    archive file(text);
    statistics found;
    found.store(file);
    return found;
  }

  double elapsed() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

  program& program_;
  options options_;
  const unsigned jobs_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  processes shards_;
  shared_counts counts_;  // of the complete executions of each part
};

}  // namespace checker

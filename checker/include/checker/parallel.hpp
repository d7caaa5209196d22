// A search on several processes, which share nothing: each explores shards of it, and their
// statistics are added.
//
// Stands on: execution, POSIX processes.
#pragma once

#include "execution.hpp"

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <map>
#include <sstream>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

namespace checker {

// Explores `checked` on `jobs` processes. The result is that of one process, but for `runs`. The
// call forks: the caller's process has no other threads.
class parallel_search {
 public:
  parallel_search(program& checked, options chosen, unsigned jobs)
      : program_(checked), options_(std::move(chosen)), jobs_(jobs) {
    options_.parts = shards_per_job * jobs;
  }

  statistics explore() {
    statistics sum;
    while (next_part_ != options_.parts || !running_.empty()) {
      while (next_part_ != options_.parts && running_.size() < jobs_) start(next_part_++);
      const statistics part = finish_one();
      sum.add(part);
      if (sum.errors != 0 && !options_.keep_going) stop();
    }
    if (!sum.replay.empty()) show(sum);
    return sum;
  }

 private:
  // More than jobs, since shards differ in size.
  static constexpr unsigned shards_per_job = 4;

  struct child {
    ::pid_t process;
    std::string text;
  };

  void start(unsigned part) {
    int ends[2];
    if (::pipe(ends) != 0) throw std::runtime_error("checker: no pipe for a shard");
    std::fflush(nullptr);
    const ::pid_t process = ::fork();
    if (process < 0) throw std::runtime_error("checker: no process for a shard");
    if (process == 0) {
      ::close(ends[0]);
      run(part, ends[1]);
    }
    ::close(ends[1]);
    running_[ends[0]] = {process, {}};
  }

  [[noreturn]] void run(unsigned part, int to) {
    options mine = options_;
    mine.part = part;
    mine.checkpoint.clear();
    std::ostringstream text;
    {
      execution running(program_, mine);
      statistics found = running.explore();
      archive file(text);
      found.store(file);
    }
    const std::string bytes = text.str();
    for (std::size_t sent = 0; sent != bytes.size();) {
      const ::ssize_t count = ::write(to, bytes.data() + sent, bytes.size() - sent);
      if (count <= 0) std::_Exit(1);
      sent += static_cast<std::size_t>(count);
    }
    std::_Exit(0);
  }

  statistics finish_one() {
    for (;;) {
      std::vector<::pollfd> waiting;
      for (const auto& [from, each] : running_) waiting.push_back({from, POLLIN, 0});
      if (::poll(waiting.data(), waiting.size(), -1) < 0) continue;
      for (const ::pollfd& ready : waiting) {
        if (ready.revents == 0) continue;
        char buffer[1 << 16];
        const ::ssize_t count = ::read(ready.fd, buffer, sizeof buffer);
        if (count > 0) {
          running_[ready.fd].text.append(buffer, static_cast<std::size_t>(count));
        } else {
          return take(ready.fd);
        }
      }
    }
  }

  statistics take(int from) {
    const child done = std::move(running_[from]);
    running_.erase(from);
    ::close(from);
    int status = 0;
    ::waitpid(done.process, &status, 0);
    if (status != 0) throw std::runtime_error("checker: a shard's process ended with an error");
    std::istringstream text(done.text);
    archive file(text);
    statistics found;
    found.store(file);
    return found;
  }

  // An error ends the search: the other shards are given up.
  void stop() {
    next_part_ = options_.parts;
    for (const auto& [from, each] : running_) {
      ::kill(each.process, SIGKILL);
      ::waitpid(each.process, nullptr, 0);
      ::close(from);
    }
    running_.clear();
  }

  // The first error, once more, in this process.
  void show(statistics& sum) {
    options once = options_;
    once.parts = 1;
    once.part = 0;
    once.replay = sum.replay;
    execution running(program_, once);
    sum.first = std::move(running.explore().first);
  }

  program& program_;
  options options_;
  const unsigned jobs_;
  unsigned next_part_ = 0;
  std::map<int, child> running_;  // by the pipe that its statistics come through
};

}  // namespace checker

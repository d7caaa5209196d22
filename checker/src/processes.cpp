// SPDX-License-Identifier: MIT
#include <checker/processes.hpp>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <new>
#include <stdexcept>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace checker {

namespace {

[[noreturn]] void give_up(const char* what) {
  throw std::runtime_error(std::string("checker: ") + what + ": " + std::strerror(errno));
}

[[noreturn]] void run(const std::function<std::string()>& work, int to) {
  bool good = true;
  std::string text;
  try {
    text = work();
  } catch (const std::exception& wrong) {
    good = false;
    text = wrong.what();
  }
  std::fflush(nullptr);
  for (std::size_t sent = 0; sent != text.size();) {
    const ::ssize_t count = ::write(to, text.data() + sent, text.size() - sent);
    if (count <= 0) std::_Exit(EXIT_FAILURE + 1);
    sent += static_cast<std::size_t>(count);
  }
  std::_Exit(good ? EXIT_SUCCESS : EXIT_FAILURE);
}

}  // namespace

void processes::start(std::size_t number, const std::function<std::string()>& work) {
  int ends[2];
  if (::pipe(ends) != 0) give_up("no pipe");
  std::fflush(nullptr);
  const ::pid_t process = ::fork();
  if (process < 0) give_up("no process");
  if (process == 0) {
    ::close(ends[0]);
    ::prctl(PR_SET_PDEATHSIG, SIGKILL);
    run(work, ends[1]);
  }
  ::close(ends[1]);
  running_[ends[0]] = {number, process, {}};
}

std::optional<processes::result> processes::wait(int milliseconds) {
  std::vector<::pollfd> waiting;
  for (const auto& [from, each] : running_) waiting.push_back({from, POLLIN, 0});
  for (;;) {
    const int ready = ::poll(waiting.data(), waiting.size(), milliseconds);
    if (ready == 0 || (ready < 0 && errno != EINTR)) return {};
    for (std::size_t i = 0; ready > 0 && i != waiting.size(); ++i) {
      if (waiting[i].revents != 0 && !read_some(waiting[i].fd)) return take(waiting[i].fd);
    }
  }
}

void processes::stop() noexcept {
  for (const auto& [from, each] : running_) {
    ::kill(each.process, SIGKILL);
    ::waitpid(each.process, nullptr, 0);
    ::close(from);
  }
  running_.clear();
}

bool processes::read_some(int from) {
  char buffer[1 << 16];
  const ::ssize_t count = ::read(from, buffer, sizeof buffer);
  if (count > 0) running_[from].text.append(buffer, static_cast<std::size_t>(count));
  return count > 0 || (count < 0 && errno == EINTR);
}

processes::result processes::take(int from) {
  child done = std::move(running_[from]);
  running_.erase(from);
  ::close(from);
  int status = 0;
  ::waitpid(done.process, &status, 0);
  std::string error;
  if (WIFSIGNALED(status)) {
    error = std::string("ended by signal ") + std::to_string(WTERMSIG(status)) + " (" +
            ::strsignal(WTERMSIG(status)) + ")";
  } else if (WEXITSTATUS(status) == EXIT_FAILURE && !done.text.empty()) {
    error = done.text;
  } else if (status != 0) {
    error = "exit status " + std::to_string(WEXITSTATUS(status));
  }
  return {done.number, std::move(done.text), std::move(error)};
}

struct shared_counts::counter {
  std::atomic<std::uint64_t> value;
};

shared_counts::shared_counts(std::size_t count) : count_(std::max<std::size_t>(count, 1)) {
  void* const memory = ::mmap(nullptr, count_ * sizeof(counter), PROT_READ | PROT_WRITE,
                              MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) throw std::bad_alloc();
  counts_ = static_cast<counter*>(memory);  // of zeros, which is what a counter starts as
}

shared_counts::~shared_counts() { ::munmap(counts_, count_ * sizeof(counter)); }

void shared_counts::set(std::size_t which, std::uint64_t value) noexcept {
  counts_[which].value.store(value, std::memory_order_relaxed);
}

std::uint64_t shared_counts::operator[](std::size_t which) const noexcept {
  return counts_[which].value.load(std::memory_order_relaxed);
}

std::uint64_t shared_counts::sum() const noexcept {
  std::uint64_t total = 0;
  for (std::size_t i = 0; i != count_; ++i) total += (*this)[i];
  return total;
}

}  // namespace checker

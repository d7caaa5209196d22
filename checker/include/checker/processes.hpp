// Work in processes of its own, which share nothing but a number each.
//
// Stands on: POSIX processes, Linux.
#pragma once

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <map>
#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include <poll.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

namespace checker {

// Each piece of work has a number, and ends with a text. The calls fork: the caller's process has
// no other threads. Who is still at work ends with this object, or with the process that has it.
class processes {
 public:
  processes() = default;
  processes(const processes&) = delete;
  processes& operator=(const processes&) = delete;
  ~processes() { stop(); }

  std::size_t running() const noexcept { return running_.size(); }

  // `work` returns the text. What it throws is an error of this piece of work alone.
  template <class Work>
  void start(std::size_t number, const Work& work) {
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

  struct result {
    std::size_t number;
    std::string text;
    std::string error;  // empty: the text is all that the work returned
  };

  // The next that ends; nothing if none does within so many milliseconds (-1: however long).
  std::optional<result> wait(int milliseconds = -1) {
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

  // Ends all that is running.
  void stop() noexcept {
    for (const auto& [from, each] : running_) {
      ::kill(each.process, SIGKILL);
      ::waitpid(each.process, nullptr, 0);
      ::close(from);
    }
    running_.clear();
  }

 private:
  struct child {
    std::size_t number = 0;
    ::pid_t process = 0;
    std::string text;
  };

  [[noreturn]] static void give_up(const char* what) {
    throw std::runtime_error(std::string("checker: ") + what + ": " + std::strerror(errno));
  }

  template <class Work>
  [[noreturn]] static void run(const Work& work, int to) {
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

  // False at the end of what a process has written.
  bool read_some(int from) {
    char buffer[1 << 16];
    const ::ssize_t count = ::read(from, buffer, sizeof buffer);
    if (count > 0) running_[from].text.append(buffer, static_cast<std::size_t>(count));
    return count > 0 || (count < 0 && errno == EINTR);
  }

  result take(int from) {
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

  std::map<int, child> running_;  // by the pipe that its text comes through
};

// A number for each piece of work, which its process changes and the one that started it reads.
class shared_counts {
 public:
  explicit shared_counts(std::size_t count) : count_(std::max<std::size_t>(count, 1)) {
    void* const memory = ::mmap(nullptr, count_ * sizeof(counter), PROT_READ | PROT_WRITE,
                                MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (memory == MAP_FAILED) throw std::bad_alloc();
    counts_ = static_cast<counter*>(memory);  // of zeros, which is what a counter starts as
  }
  shared_counts(const shared_counts&) = delete;
  shared_counts& operator=(const shared_counts&) = delete;
  ~shared_counts() { ::munmap(counts_, count_ * sizeof(counter)); }

  void set(std::size_t which, std::uint64_t value) noexcept {
    counts_[which].store(value, std::memory_order_relaxed);
  }
  std::uint64_t operator[](std::size_t which) const noexcept {
    return counts_[which].load(std::memory_order_relaxed);
  }
  std::uint64_t sum() const noexcept {
    std::uint64_t total = 0;
    for (std::size_t i = 0; i != count_; ++i) total += (*this)[i];
    return total;
  }

 private:
  using counter = std::atomic<std::uint64_t>;

  std::size_t count_;
  counter* counts_;
};

}  // namespace checker

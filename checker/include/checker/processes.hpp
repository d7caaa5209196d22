// SPDX-License-Identifier: MIT
// Work in processes of its own, which share nothing but a number each.
//
// Stands on: nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <string>

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
  void start(std::size_t number, const std::function<std::string()>& work);

  struct result {
    std::size_t number;
    std::string text;
    std::string error;  // empty: the text is all that the work returned
  };

  // The next that ends; nothing if none does within so many milliseconds (-1: however long).
  std::optional<result> wait(int milliseconds = -1);

  // Ends all that is running.
  void stop() noexcept;

 private:
  struct child {
    std::size_t number = 0;
    int process = 0;
    std::string text;
  };

  // False at the end of what a process has written.
  bool read_some(int from);

  result take(int from);

  std::map<int, child> running_;  // by the pipe that its text comes through
};

// A number for each piece of work, which its process changes and the one that started it reads.
class shared_counts {
 public:
  explicit shared_counts(std::size_t count);
  shared_counts(const shared_counts&) = delete;
  shared_counts& operator=(const shared_counts&) = delete;
  ~shared_counts();

  void set(std::size_t which, std::uint64_t value) noexcept;
  std::uint64_t operator[](std::size_t which) const noexcept;
  std::uint64_t sum() const noexcept;

 private:
  struct counter;

  std::size_t count_;
  counter* counts_;
};

}  // namespace checker

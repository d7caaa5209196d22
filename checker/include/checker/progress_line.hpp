// SPDX-License-Identifier: MIT
// One line on the terminal that says how far a search is: rewritten in place, on the standard
// error output, and gone when the search is done.
//
// Stands on: search.
#pragma once

#include "search.hpp"

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

namespace checker {

enum class showing : std::uint8_t { automatic, always, never };

// What a command line calls them.
std::optional<showing> showing_of(std::string_view text);

// 1,234,567
std::string grouped(std::uint64_t number);

// 0:07, 12:34 or 5:00:00
std::string clock_of(double seconds);

// "about 3,600,000 +- 8 %", or "roughly" if the error says little: rounded to three digits, since
// it knows no more.
std::string text_of(const size_estimate& size);

// "1,234,567 executions of about 3,600,000 +- 8 %"
std::string text_of(const progress& now);

// What the line says of a search after so many seconds.
std::string text_of(const progress& now, double seconds);

class progress_line {
 public:
  explicit progress_line(std::string name = {}, showing when = showing::automatic);
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  ~progress_line() { clear(); }

  bool shown() const noexcept { return shown_; }
  double seconds() const;

  // For options::on_progress.
  void operator()(const progress& now);

  // Whether a quarter of a second has passed since the last time that this was true.
  bool is_due();

  void show(std::string text);

  // Before something else is written.
  void clear();

 private:
  std::string name_;
  bool shown_;
  bool dirty_ = false;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_ = started_;
};

}  // namespace checker

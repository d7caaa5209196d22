// One line on the terminal that says how far a search is: rewritten in place, on the standard
// error output, and gone when the search is done.
//
// Stands on: execution, POSIX terminals.
#pragma once

#include "execution.hpp"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdint>
#include <cstdio>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace checker {

enum class showing : std::uint8_t { automatic, always, never };

// What a command line calls them.
inline std::optional<showing> showing_of(std::string_view text) {
  if (text == "auto") return showing::automatic;
  if (text == "always") return showing::always;
  if (text == "never") return showing::never;
  return {};
}

// 1,234,567
inline std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3;) text.insert(i -= 3, ",");
  return text;
}

// 0:07, 12:34 or 5:00:00
inline std::string clock_of(double seconds) {
  const auto whole = static_cast<unsigned long long>(std::max(seconds, 0.0));
  char text[32];
  if (whole >= 3600) {
    std::snprintf(text, sizeof text, "%llu:%02llu:%02llu", whole / 3600, whole / 60 % 60,
                  whole % 60);
  } else {
    std::snprintf(text, sizeof text, "%llu:%02llu", whole / 60, whole % 60);
  }
  return text;
}

// "about 3,600,000 +- 8 %", or "roughly" if the error says little: rounded to three digits, since it knows no more.
inline std::string text_of(const size_estimate& size) {
  if (!size.known) return "no estimate";
  const std::string about = size.rough ? "roughly " : "about ";
  if (size.error == 0) return grouped(static_cast<std::uint64_t>(size.executions));
  const auto percent = static_cast<std::uint64_t>(std::lround(100 * size.error / size.executions));
  if (size.executions >= 1e15) {
    char text[32];
    std::snprintf(text, sizeof text, "%.1e", size.executions);
    return about + text + (" +- " + std::to_string(percent)) + " %";
  }
  double unit = 1;
  while (size.executions / unit >= 1000) unit *= 10;
  const double rounded = std::round(size.executions / unit) * unit;
  return about + grouped(static_cast<std::uint64_t>(rounded)) + " +- " + std::to_string(percent) +
         " %";
}

// "1,234,567 executions of about 3,600,000 +- 8 %"
inline std::string text_of(const progress& now) {
  const bool low =
      now.estimate.known && static_cast<double>(now.complete) > now.estimate.executions;
  return grouped(now.complete) + " executions" +
         (low                  ? ", more than were estimated: "
          : now.estimate.known ? " of "
                               : ", ") +
         text_of(now.estimate);
}

// What the line says of a search after so many seconds.
inline std::string text_of(const progress& now, double seconds) {
  const auto complete = static_cast<double>(now.complete);
  const size_estimate& size = now.estimate;
  std::string text = text_of(now);
  if (seconds >= 1) {
    text += ", " + grouped(static_cast<std::uint64_t>(complete / seconds)) + "/s";
  }
  text += ", " + clock_of(seconds);
  if (size.known && complete > 0 && complete < size.executions) {
    text += ", about " + clock_of(seconds * (size.executions - complete) / complete) + " left";
  }
  return text;
}

class progress_line {
 public:
  explicit progress_line(std::string name = {}, showing when = showing::automatic)
      : name_(std::move(name)),
        shown_(when == showing::always ||
               (when == showing::automatic && ::isatty(STDERR_FILENO) != 0)) {}
  progress_line(const progress_line&) = delete;
  progress_line& operator=(const progress_line&) = delete;
  ~progress_line() { clear(); }

  bool shown() const noexcept { return shown_; }
  double seconds() const {
    return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
  }

  // For options::on_progress.
  void operator()(const progress& now) {
    if (is_due()) show(checker::text_of(now, seconds()));
  }

  // Whether a quarter of a second has passed since the last time that this was true.
  bool is_due() {
    const auto now = std::chrono::steady_clock::now();
    if (!shown_ || now - last_ < std::chrono::milliseconds(250)) return false;
    last_ = now;
    return true;
  }

  void show(std::string text) {
    if (!name_.empty()) text.insert(0, name_ + ": ");
    // A line that were broken could not be written over.
    ::winsize size{};
    if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 1) {
      text.resize(std::min<std::size_t>(text.size(), size.ws_col - 1u));
    }
    std::fprintf(stderr, "\r%s\x1b[K", text.c_str());
    std::fflush(stderr);
    dirty_ = true;
  }

  // Before something else is written.
  void clear() {
    if (!dirty_) return;
    std::fputs("\r\x1b[K", stderr);
    std::fflush(stderr);
    dirty_ = false;
  }

 private:
  std::string name_;
  bool shown_;
  bool dirty_ = false;
  std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  std::chrono::steady_clock::time_point last_ = started_;
};

}  // namespace checker

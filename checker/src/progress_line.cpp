// SPDX-License-Identifier: MIT
#include <checker/progress_line.hpp>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <utility>

#include <sys/ioctl.h>
#include <unistd.h>

namespace checker {

std::optional<showing> showing_of(std::string_view text) {
  if (text == "auto") return showing::automatic;
  if (text == "always") return showing::always;
  if (text == "never") return showing::never;
  return {};
}

std::string grouped(std::uint64_t number) {
  std::string text = std::to_string(number);
  for (std::size_t i = text.size(); i > 3;) text.insert(i -= 3, 1, ',');
  return text;
}

std::string clock_of(double seconds) {
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

std::string text_of(const size_estimate& size) {
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

std::string text_of(const progress& now) {
  const bool low =
      now.estimate.known && static_cast<double>(now.complete) > now.estimate.executions;
  return grouped(now.complete) + " executions" +
         (low                  ? ", more than were estimated: "
          : now.estimate.known ? " of "
                               : ", ") +
         text_of(now.estimate);
}

std::string text_of(const progress& now, double seconds) {
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

progress_line::progress_line(std::string name, showing when)
    : name_(std::move(name)),
      shown_(when == showing::always ||
             (when == showing::automatic && ::isatty(STDERR_FILENO) != 0)) {}

double progress_line::seconds() const {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - started_).count();
}

void progress_line::operator()(const progress& now) {
  if (is_due()) show(checker::text_of(now, seconds()));
}

bool progress_line::is_due() {
  const auto now = std::chrono::steady_clock::now();
  if (!shown_ || now - last_ < std::chrono::milliseconds(250)) return false;
  last_ = now;
  return true;
}

void progress_line::show(std::string text) {
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

void progress_line::clear() {
  if (!dirty_) return;
  std::fputs("\r\x1b[K", stderr);
  std::fflush(stderr);
  dirty_ = false;
}

}  // namespace checker

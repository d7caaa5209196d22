// A failure as text: the threads as columns, one step a row, in the order of execution.
//
//     checker::print(std::cout, *seen.first);
//
// Stands on: story.
#pragma once

#include "counterexample.hpp"
#include "story.hpp"

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace checker {

namespace telling {

// How many columns a text takes: its characters in UTF-8.
inline std::size_t columns_of(std::string_view text) noexcept {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// Without what would move the cursor.
inline std::string printable(std::string_view text) {
  std::string shown(text);
  for (char& c : shown) {
    if (static_cast<unsigned char>(c) < 0x20 || c == 0x7f) c = ' ';
  }
  return shown;
}

inline std::vector<std::string> words_of(std::string_view text) {
  std::vector<std::string> words;
  for (std::size_t start = 0; start < text.size();) {
    const std::size_t end = std::min(text.find(' ', start), text.size());
    if (end != start) words.emplace_back(text.substr(start, end - start));
    start = end + 1;
  }
  return words;
}

// Takes what fits into `width` columns from the front of a word.
inline std::string take_front(std::string& word, std::size_t width) {
  std::size_t end = 0;
  for (std::size_t taken = 0; end < word.size(); ++end) {
    if ((word[end] & 0xc0) != 0x80 && taken++ == width) break;
  }
  std::string front = word.substr(0, end);
  word.erase(0, end);
  return front;
}

// Lines of at most `width` columns, all but the first indented. A word that is too long is broken.
inline std::vector<std::string> wrapped(std::string_view text, std::size_t width) {
  constexpr std::string_view indent = "  ";
  std::vector<std::string> lines;
  std::string line;
  const auto finish_line = [&] {
    lines.push_back(line);
    line = indent;
  };
  for (std::string& word : words_of(printable(text))) {
    const bool fresh = line.find_first_not_of(' ') == std::string::npos;
    if (!fresh && columns_of(line) + 1 + columns_of(word) > width) finish_line();
    while (columns_of(word) > width - columns_of(line) &&
           line.find_first_not_of(' ') == std::string::npos) {
      line += take_front(word, width - columns_of(line));
      finish_line();
    }
    if (line.find_first_not_of(' ') != std::string::npos) line += ' ';
    line += word;
  }
  if (line.find_first_not_of(' ') != std::string::npos || lines.empty()) lines.push_back(line);
  return lines;
}

class text_report {
 public:
  text_report(std::ostream& out, const counterexample& told, std::size_t width)
      : out_(out), told_(told), story_(checker::tell(told)), width_(width) {}

  void print() {
    heading();
    columns();
    if (!story_.race.empty()) {
      paragraph(story_.race);
      out_ << '\n';
    }
    stale_reads();
    if (!told_.replay.empty()) out_ << "replay: " << told_.replay << '\n';
  }

 private:
  void paragraph(const std::string& text) {
    for (const std::string& line : wrapped(text, width_)) out_ << line << '\n';
  }

  void heading() {
    paragraph(std::string(name_of(told_.what)) + ": " + told_.text);
    std::string where = told_.program.empty() ? "" : told_.program + ", ";
    paragraph(where + "model " + std::string(name_of(told_.model)));
    for (const told_step& each : story_.steps) {
      if (each.culprit && !each.source.empty()) paragraph(each.where + ":  " + each.source);
    }
    out_ << '\n';
  }

  static std::string cell(const told_step& told) {
    std::string text = told.label;
    if (!told.where.empty()) text += " " + told.where;
    text += " " + told.what;
    if (!told.origin.empty()) text += " (" + told.origin + (told.stale ? ", stale)" : ")");
    for (const std::string& remark : told.remarks) text += " <- " + remark;
    return told.culprit ? "*** " + text : text;
  }

  // As wide as the cells need; where that is too wide, the widest give way.
  std::vector<std::size_t> column_widths(std::size_t room) const {
    constexpr std::size_t least = 18;
    std::vector<std::size_t> widths(story_.threads, 2);
    for (const told_step& each : story_.steps) {
      if (each.thread == story_.threads) continue;
      widths[each.thread] = std::max(widths[each.thread], columns_of(cell(each)));
    }
    const auto total = [&] {
      std::size_t sum = 0;
      for (std::size_t each : widths) sum += each + separator.size();
      return sum;
    };
    while (total() > room) {
      std::size_t& widest = *std::max_element(widths.begin(), widths.end());
      if (widest <= least) break;
      --widest;
    }
    return widths;
  }

  void columns() {
    const std::size_t number_width = std::to_string(story_.steps.size()).size();
    const auto widths = column_widths(width_ > number_width ? width_ - number_width : 0);
    out_ << std::string(number_width, ' ');
    for (unsigned t = 0; t != story_.threads; ++t) {
      put(separator, "T" + std::to_string(t), widths[t], t + 1 == story_.threads);
    }
    out_ << '\n' << std::string(number_width, '-');
    for (std::size_t each : widths) out_ << "-+-" << std::string(each, '-');
    out_ << '\n';
    for (std::size_t i = 0; i != story_.steps.size(); ++i) {
      const told_step& now = story_.steps[i];
      std::string number = std::to_string(i + 1);
      number.insert(0, number_width - number.size(), ' ');
      if (now.thread == story_.threads) {
        alone(number, cell(now));
      } else {
        row(number, now, widths);
      }
    }
    out_ << '\n';
  }

  void alone(std::string margin, const std::string& text) {
    const std::size_t taken = margin.size() + separator.size();
    for (const auto& line : wrapped(text, width_ > taken ? width_ - taken : taken)) {
      out_ << margin << separator << line << '\n';
      margin.assign(margin.size(), ' ');
    }
  }

  void row(std::string margin, const told_step& now, const std::vector<std::size_t>& widths) {
    for (const std::string& line : wrapped(cell(now), widths[now.thread])) {
      out_ << margin;
      for (unsigned t = 0; t != story_.threads; ++t) {
        put(separator, t == now.thread ? line : "", widths[t], t + 1 == story_.threads);
      }
      out_ << '\n';
      margin.assign(margin.size(), ' ');
    }
  }

  // Nothing stands behind the last column.
  void put(std::string_view before, const std::string& text, std::size_t width, bool last) {
    out_ << (last && text.empty() ? before.substr(0, 2) : before) << text;
    if (!last) out_ << std::string(width - std::min(width, columns_of(text)), ' ');
  }

  void stale_reads() {
    if (story_.stale.empty()) return;
    out_ << "Stale reads, and why the model allows them:\n";
    for (const stale_read& each : story_.stale) {
      const told_step& read = story_.steps[each.step];
      for (const missed_writes& missed : each.missed) {
        std::string writes;
        for (std::size_t w : missed.steps) {
          writes +=
              (writes.empty() ? "" : "; ") + story_.steps[w].label + " " + story_.steps[w].what;
        }
        paragraph("- " + read.label + " " + read.what + " (" + read.origin + ") misses " + writes +
                  ". " + missed.why);
      }
    }
    out_ << '\n';
  }

  static constexpr std::string_view separator = " | ";

  std::ostream& out_;
  const counterexample& told_;
  const story story_;
  const std::size_t width_;
};

}  // namespace telling

// In lines of about `width` columns: more only if the threads are too many for it.
inline void print(std::ostream& out, const counterexample& told, std::size_t width = 120) {
  telling::text_report(out, told, std::max<std::size_t>(width, 40)).print();
}

}  // namespace checker

// SPDX-License-Identifier: MIT
#include <checker/report.hpp>

#include "lines.hpp"
#include "story.hpp"

#include <algorithm>
#include <cstddef>
#include <ostream>
#include <string>
#include <string_view>
#include <vector>

namespace checker {

namespace telling {

namespace {

// T1.4 flag.hpp:12 store flag release = 1
std::string what_is_done(const told_step& told) {
  return told.label + (told.where.empty() ? "" : " " + told.where) + " " + told.what;
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
    overtaken();
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
      const bool told = !story_.waits.empty();  // with its line
      if (each.culprit && !told && !each.source.empty())
        paragraph(each.where + ":  " + each.source);
    }
    for (const std::string& each : story_.waits) paragraph("- " + each);
    out_ << '\n';
  }

  static std::string cell(const told_step& told) {
    std::string text = what_is_done(told);
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

  void overtaken() {
    if (story_.overtaken.empty()) return;
    out_ << "Writes that were executed in another order than mo has them:\n";
    for (const std::string& each : story_.overtaken) paragraph("- " + each);
    out_ << '\n';
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

}  // namespace

}  // namespace telling

void print(std::ostream& out, const counterexample& told, std::size_t width) {
  telling::text_report(out, told, std::max<std::size_t>(width, 40)).print();
}

std::vector<std::string> choices(const counterexample& told) {
  std::vector<std::string> made;
  for (const told_step& each : tell(told).steps) {
    if (each.is_choice) made.push_back(telling::what_is_done(each));
  }
  return made;
}

}  // namespace checker

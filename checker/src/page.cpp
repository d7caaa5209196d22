// SPDX-License-Identifier: MIT
#include <checker/page.hpp>

#include "lines.hpp"
#include "story.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdlib>
#include <fstream>
#include <map>
#include <stdexcept>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace checker {

namespace telling {

namespace {

// Text as HTML shows it, in an element or in a quoted attribute.
std::string escaped(std::string_view text) {
  std::string safe;
  for (char c : printable(text)) {
    switch (c) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      case '\'':
        safe += "&#39;";
        break;
      default:
        safe += c;
    }
  }
  return safe;
}

// Colours are never alone: arrows differ in their dashes and bear their names, boxes in their
// borders and words.
constexpr std::string_view page_style = R"(
:root {
  color-scheme: light dark;
  --ground: #ffffff; --ink: #1b1f24; --faint: #59626d; --line: #c3cad2; --box: #f5f7f9;
  --rf: #11772d; --mo: #8a4b08; --hb: #1257c4; --bad: #c01c28; --bad-box: #fdecec;
  --other-box: #fff4e2; --stale: #7a3fb0;
}
@media (prefers-color-scheme: dark) {
  :root {
    --ground: #14171b; --ink: #e4e8ec; --faint: #9aa5b1; --line: #454e58; --box: #1f242a;
    --rf: #5ec97a; --mo: #dfa25c; --hb: #78adff; --bad: #ff7b82; --bad-box: #3a1d20;
    --other-box: #38290f; --stale: #cb9df5;
  }
}
* { box-sizing: border-box; }
body { margin: 0; padding: 1.2rem; background: var(--ground); color: var(--ink);
  font: 15px/1.5 system-ui, "Segoe UI", "DejaVu Sans", sans-serif; width: max-content;
  min-width: 100%; }
.text { max-width: min(60rem, calc(100vw - 2.4rem)); position: sticky; left: 1.2rem; }
h1 { font-size: 1.45rem; margin: 0 0 .3rem; }
h2 { font-size: 1.1rem; margin: 1.6rem 0 .4rem; }
code, .event, .heads, .number { font-family: ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
.replay { display: block; overflow-wrap: anywhere; padding: .5rem .7rem; background: var(--box);
  max-height: 9em; overflow-y: auto; border: 1px solid var(--line); border-radius: 4px; }
.legend { display: flex; flex-wrap: wrap; gap: .3rem 1.6rem; padding: 0; margin: .4rem 0 .8rem;
  list-style: none; font-size: .9rem; }
.legend svg { width: 44px; height: 12px; vertical-align: middle; }
.heads { position: sticky; top: 0; z-index: 3; height: 30px; background: var(--ground);
  border-bottom: 2px solid var(--line); font-weight: bold; }
.heads span { position: absolute; top: 4px; text-align: center; }
.diagram { position: relative; }
.lane { position: absolute; top: 0; bottom: 0; background: var(--line); width: 1px; opacity: .6; }
.number { position: absolute; left: 0; width: 34px; text-align: right; color: var(--faint);
  font-size: 11px; line-height: 16px; }
.event { position: absolute; z-index: 1; padding: 4px 8px; font-size: 12px; line-height: 16px;
  background: var(--box); border: 1px solid var(--line); border-radius: 5px; }
.event div { white-space: pre; overflow: hidden; text-overflow: ellipsis; }
.event .head { display: flex; justify-content: space-between; gap: 1em; color: var(--faint); }
.event .head b { color: var(--ink); }
.event .source { color: var(--faint); }
.event .remark { font-weight: bold; }
.event.folded { padding: 1px 8px; color: var(--faint); border-style: dotted; }
.event.folded div { white-space: normal; }
.event.folded summary { cursor: pointer; white-space: pre; overflow: hidden; text-overflow: ellipsis; }
.event.folded[open] { height: auto !important; z-index: 4; }
.event.stale { border-style: dashed; border-color: var(--stale); border-width: 2px; padding: 3px 7px; }
.event.stale a { color: var(--stale); font-weight: bold; }
.event.involved { border: 3px double var(--bad); padding: 2px 6px; background: var(--other-box); }
.event.culprit { border: 3px solid var(--bad); padding: 2px 6px; background: var(--bad-box); }
.event:target { outline: 3px solid var(--hb); outline-offset: 2px; }
.arrows { position: absolute; left: 0; top: 0; z-index: 2; pointer-events: none; }
.arrows path, .legend path { fill: none; stroke-width: 1.6; }
.rf path { stroke: var(--rf); }
.mo path { stroke: var(--mo); stroke-dasharray: 7 4; }
.hb path { stroke: var(--hb); stroke-width: 2.4; stroke-dasharray: 2 3; }
.arrows text { font: 10px ui-monospace, "DejaVu Sans Mono", Consolas, monospace; }
.rf text, path.rf-head { fill: var(--rf); }
.mo text, path.mo-head { fill: var(--mo); }
.hb text, path.hb-head { fill: var(--hb); }
marker path { stroke: none !important; }
.arrows .quiet { opacity: .4; }
.arrows .quiet path { stroke-width: 1; }
.arrows .quiet text { display: none; }
.arrows.chosen g { opacity: .12; }
.arrows.chosen g.near { opacity: 1; }
body:has(#show-rf:not(:checked)) .arrows .rf:not(.hb), body:has(#show-mo:not(:checked)) .arrows .mo,
body:has(#show-hb:not(:checked)) .arrows .hb { display: none; }
li { margin: .35rem 0; }
@media print { .text, .heads { position: static; } .heads { position: relative; } }
)";

// Fades the arrows that do not touch the box under the pointer.
constexpr std::string_view page_script = R"(
const arrows = document.querySelector(".arrows");
for (const box of document.querySelectorAll(".event")) {
  box.addEventListener("mouseenter", () => {
    const near = arrows.querySelectorAll(`[data-from="${box.id}"], [data-to="${box.id}"]`);
    for (const each of near) each.classList.add("near");
    arrows.classList.toggle("chosen", near.length !== 0);
  });
  box.addEventListener("mouseleave", () => {
    for (const each of arrows.querySelectorAll(".near")) each.classList.remove("near");
    arrows.classList.remove("chosen");
  });
}
)";

class page_writer {
 public:
  explicit page_writer(const counterexample& told) : told_(told), story_(checker::tell(told)) {}

  std::string write() {
    lay_out();
    const std::string title =
        std::string(name_of(told_.what)) + (told_.program.empty() ? "" : " in " + told_.program);
    html_ =
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<title>" +
        escaped(title) + "</title>\n<style>";
    html_ += page_style;
    html_ += "</style>\n</head>\n<body>\n";
    heading(title);
    overtaken();
    stale_reads();
    legend();
    diagram();
    html_ += "<script>";
    html_ += page_script;
    html_ += "</script>\n</body>\n</html>\n";
    return std::move(html_);
  }

 private:
  static constexpr int line_height = 16;
  // Four threads fit into a window of 1,400 pixels, without its edges.
  static constexpr int room = 1340;
  static constexpr int widest_box = 352;
  static constexpr int narrowest_box = 190;
  static constexpr int row_gap = 8;
  static constexpr int number_width = 40;
  static constexpr int lane_width = 7;
  static constexpr int gutter_side = 24;  // room for an arrow's head and name
  static constexpr int empty_gutter = 16;

  struct row {
    int top = 0;
    int height = 0;
    std::vector<std::string> what;
    std::size_t first = 0;  // of the steps that it stands for: more than one if they are folded
    std::size_t end = 0;
  };

  // An arrow's way: the gutter that it goes along, and its lane there.
  struct way {
    std::size_t gutter;  // as the column to its right
    std::size_t lane;
    bool from_right;  // it leaves its source to the right
    bool to_right;    // it enters its target from the right
  };

  static std::string px(int n) { return std::to_string(n) + "px"; }
  static std::string id(std::size_t step) { return "s" + std::to_string(step + 1); }

  // Geometry

  void lay_out() {
    choose_arrows();
    route();
    int gutters = 0;
    for (const std::size_t each : lanes_) gutters += gutter_width(each);
    box_width_ = std::clamp((room - number_width - gutters) / static_cast<int>(story_.threads),
                            narrowest_box, widest_box);
    int top = row_gap;
    for (std::size_t i = 0; i != story_.steps.size();) {
      row added;
      added.first = i;
      added.end = end_of_fold(i);
      added.top = top;
      const told_step& each = story_.steps[i];
      // As many characters of 12 pixels as fit.
      added.what = wrapped(each.what, static_cast<std::size_t>((box_width_ - 18) * 10 / 73));
      const std::size_t lines = 1 + added.what.size() + (each.origin.empty() ? 0 : 1) +
                                each.remarks.size() + (shows_source(each) ? 1 : 0);
      added.height = is_folded(i) ? line_height + 4 : static_cast<int>(lines) * line_height + 10;
      top += added.height + row_gap;
      i = added.end;
      for (std::size_t k = added.first; k != added.end; ++k) rows_.push_back(added);
    }
    height_ = top;
    int x = number_width;
    for (std::size_t t = 0; t <= story_.threads; ++t) {
      gutters_.push_back(x);
      x += gutter_width(lanes_[t]);
      columns_.push_back(x);
      if (t != story_.threads) x += box_width_;
    }
    width_ = x;
  }

  static int gutter_width(std::size_t lanes) noexcept {
    return lanes == 0 ? empty_gutter : 2 * gutter_side + (static_cast<int>(lanes) - 1) * lane_width;
  }

  bool is_folded(std::size_t i) const { return story_.steps[i].is_aside; }

  // Behind the last of the steps that are folded with step i.
  std::size_t end_of_fold(std::size_t i) const {
    std::size_t end = i + 1;
    while (is_folded(i) && end != story_.steps.size() && is_folded(end) &&
           story_.steps[end].thread == story_.steps[i].thread) {
      ++end;
    }
    return end;
  }

  static bool shows_source(const told_step& each) {
    return !each.source.empty() && (each.culprit || each.involved || each.stale);
  }

  // Those that say something new: not mo where it is the order of the steps, nor reads-from where
  // it is drawn as happens-before, nor within a thread, whose boxes say it.
  void choose_arrows() {
    for (const arrow& each : story_.arrows) {
      if (story_.steps[each.from].thread == story_.steps[each.to].thread) continue;
      if (each.what == arrow::kind::coherence && each.from < each.to) continue;
      if (each.what == arrow::kind::reads_from && goes(each, arrow::kind::happens_before)) continue;
      arrows_.push_back(each);
    }
  }

  // Whether an arrow of another kind has the same ends.
  bool goes(const arrow& as, arrow::kind what) const {
    return std::any_of(story_.arrows.begin(), story_.arrows.end(), [&](const arrow& other) {
      return other.what == what && other.from == as.from && other.to == as.to;
    });
  }

  bool is_loud(std::size_t step) const {
    const told_step& each = story_.steps[step];
    return each.culprit || each.involved || each.stale;
  }

  // Arrows of one kind from one step share a lane. Lanes are taken from the first that is free.
  void route() {
    struct bundle {
      std::size_t first;
      std::size_t last;
      std::vector<std::size_t> arrows;
    };
    std::vector<std::map<std::pair<arrow::kind, std::size_t>, bundle>> gutters(story_.threads + 1);
    for (std::size_t i = 0; i != arrows_.size(); ++i) {
      const arrow& a = arrows_[i];
      const unsigned from = story_.steps[a.from].thread;
      const unsigned to = story_.steps[a.to].thread;
      const bool to_right = from >= to;
      const std::size_t gutter = to + (to_right ? 1u : 0u);
      ways_.push_back({gutter, 0, from <= to, to_right});
      const auto [first, last] = std::minmax(a.from, a.to);
      auto [found, added] = gutters[gutter].try_emplace({a.what, a.from}, bundle{first, last, {}});
      bundle& b = found->second;
      b.first = std::min(b.first, first);
      b.last = std::max(b.last, last);
      b.arrows.push_back(i);
    }
    for (const auto& gutter : gutters) {
      std::vector<const bundle*> sorted;
      sorted.reserve(gutter.size());
      for (const auto& [key, each] : gutter) sorted.push_back(&each);
      std::sort(sorted.begin(), sorted.end(), [](const bundle* a, const bundle* b) {
        return std::pair(a->last - a->first, a->first) < std::pair(b->last - b->first, b->first);
      });
      lanes_.push_back(give_lanes(sorted));
    }
  }

  template <class Bundle>
  std::size_t give_lanes(const std::vector<const Bundle*>& sorted) {
    std::vector<std::vector<const Bundle*>> lanes;
    for (const Bundle* each : sorted) {
      std::size_t lane = 0;
      while (lane != lanes.size() &&
             std::any_of(lanes[lane].begin(), lanes[lane].end(), [&](const Bundle* other) {
               return other->first <= each->last && each->first <= other->last;
             })) {
        ++lane;
      }
      if (lane == lanes.size()) lanes.emplace_back();
      lanes[lane].push_back(each);
      for (std::size_t i : each->arrows) ways_[i].lane = lane;
    }
    return lanes.size();
  }

  // The left edge of a thread's column.
  int left_of(unsigned thread) const { return columns_[thread]; }

  int lane_at(const way& w) const {
    return gutters_[w.gutter] + gutter_side + static_cast<int>(w.lane) * lane_width;
  }

  // Writing

  void heading(const std::string& title) {
    html_ += "<div class=\"text\">\n<h1>" + escaped(title) + "</h1>\n<p><strong>" +
             escaped(told_.text) + "</strong></p>\n";
    for (std::size_t i = 0; i != story_.steps.size(); ++i) {
      const told_step& each = story_.steps[i];
      if (!each.culprit) continue;
      html_ += "<p><a href=\"#" + id(i) + "\">" + escaped(each.label) + "</a> " +
               escaped(each.where) + " <code>" + escaped(each.source) + "</code></p>\n";
    }
    for (std::size_t i = 0; i != story_.steps.size(); ++i) {
      const told_step& each = story_.steps[i];
      if (!each.involved) continue;
      html_ += "<p>" + link_to(i) + " " + escaped(each.where) + " <code>" + escaped(each.source) +
               "</code></p>\n";
    }
    if (!story_.race.empty()) html_ += "<p>" + linked(story_.race) + "</p>\n";
    if (!story_.waits.empty()) {
      html_ += "<ul>\n";
      for (const std::string& each : story_.waits) html_ += "<li>" + linked(each) + "</li>\n";
      html_ += "</ul>\n";
    }
    html_ += "<p>Memory model: " + std::string(name_of(told_.model)) +
             ". Steps: " + std::to_string(story_.steps.size()) +
             ", in the order of execution.</p>\n";
    html_ += "</div>\n";
  }

  void legend() {
    html_ += "<div class=\"text\">\n";
    if (!told_.replay.empty()) {
      html_ += "<h2>Replay</h2>\n<code class=\"replay\">" + escaped(told_.replay) + "</code>\n";
    }
    html_ += "<h2>What each thread did</h2>\n<ul class=\"legend\">\n";
    legend("rf", "reads from, without synchronising");
    legend("mo",
           "modification order: the next newer write of the location, where the steps have another "
           "order");
    legend("hb", "happens before, by synchronisation");
    html_ += "</ul>\n</div>\n";
  }

  void legend(const std::string& kind, const std::string& text) {
    html_ += R"(<li><label><input type="checkbox" id="show-)" + kind + "\" checked> <svg class=\"" +
             kind + R"(" viewBox="0 0 44 12" aria-hidden="true"><path d="M2 6H42"/></svg> <b>)" +
             kind + "</b> " + text + "</label></li>\n";
  }

  void diagram() {
    html_ += R"(<div class="heads" style="width:)" + px(width_) + "\">";
    for (unsigned t = 0; t != story_.threads; ++t) {
      html_ += "<span style=\"left:" + px(left_of(t)) + ";width:" + px(box_width_) + "\">T" +
               std::to_string(t) + "</span>";
    }
    html_ += "</div>\n<div class=\"diagram\" style=\"width:" + px(width_) +
             ";height:" + px(height_) + "\">\n";
    for (unsigned t = 0; t != story_.threads; ++t) {
      html_ +=
          R"(<div class="lane" style="left:)" + px(left_of(t) + box_width_ / 2) + "\"></div>\n";
    }
    for (std::size_t i = 0; i != story_.steps.size(); i = rows_[i].end) {
      is_folded(i) ? folded(i) : box(i);
    }
    arrows();
    html_ += "</div>\n";
  }

  void box(std::size_t i) {
    const told_step& now = story_.steps[i];
    const row& r = rows_[i];
    const bool alone = now.thread == story_.threads;
    const int left = alone ? columns_.front() : left_of(now.thread);
    const int width = width_of(i);
    std::string classes = "event";
    if (now.stale) classes += " stale";
    if (now.involved) classes += " involved";
    if (now.culprit) classes += " culprit";
    html_ += R"(<div class="number" style="top:)" + px(r.top + 5) + "\">" + std::to_string(i + 1) +
             "</div>\n<div class=\"" + classes + "\" id=\"" + id(i) + "\" title=\"" +
             escaped(now.source) + "\" style=\"left:" + px(left) + ";top:" + px(r.top) +
             ";width:" + px(width) + ";height:" + px(r.height) + "\">";
    const std::string label = now.label + (alone ? " the threads" : "");
    html_ += "<div class=\"head\"><b>" + escaped(label) + "</b><span>" + escaped(now.where) +
             "</span></div>";
    for (const std::string& line : r.what) html_ += "<div>" + escaped(line) + "</div>";
    if (!now.origin.empty()) {
      html_ += "<div>" + escaped(now.origin);
      if (now.stale) html_ += ", <a href=\"#stale-" + id(i) + "\">stale: why?</a>";
      html_ += "</div>";
    }
    for (const std::string& remark : now.remarks) {
      html_ += "<div class=\"remark\">" + escaped(remark) + "</div>";
    }
    if (shows_source(now)) {
      html_ += R"(<div class="source" title=")" + escaped(now.source) + "\">" +
               escaped(now.source) + "</div>";
    }
    html_ += "</div>\n";
  }

  // Steps of one thread, or of none, as one line that can be opened. It then lies over what is
  // below: so they share a name, by which a browser has one of them open at a time.
  void folded(std::size_t i) {
    const row& r = rows_[i];
    const told_step& first = story_.steps[i];
    const bool alone = first.thread == story_.threads;
    const int left = alone ? columns_.front() : left_of(first.thread);
    const std::size_t count = r.end - r.first;
    std::string summary = first.label + (alone ? " the threads: " : ": ");
    const auto steps = story_.steps.begin();
    const bool reads = std::all_of(
        steps + static_cast<std::ptrdiff_t>(r.first), steps + static_cast<std::ptrdiff_t>(r.end),
        [](const told_step& each) { return each.kind == step::kind::plain_read; });
    if (count == 1) {
      summary += first.what;
    } else {
      summary += std::to_string(count) + (reads ? " plain reads" : " steps");
    }
    html_ += R"(<div class="number" style="top:)" + px(r.top + 2) + "\">" + std::to_string(i + 1) +
             "</div>\n<details class=\"event folded\" name=\"folded\" id=\"" + id(i) +
             "\" style=\"left:" + px(left) + ";top:" + px(r.top) + ";width:" + px(width_of(i)) +
             ";height:" + px(r.height) + "\"><summary>" + escaped(summary) + "</summary>";
    for (std::size_t k = r.first; k != r.end; ++k) {
      const told_step& each = story_.steps[k];
      html_ += "<div>" + escaped(each.label + " " + each.where + " " + each.what) + "</div>";
    }
    html_ += "</details>\n";
  }

  // What stands before and after the threads has the width of all.
  int width_of(std::size_t i) const {
    if (story_.steps[i].thread != story_.threads) return box_width_;
    return columns_[story_.threads - 1] + box_width_ - columns_.front();
  }

  void arrows() {
    html_ += R"(<svg class="arrows" width=")" + std::to_string(width_) + "\" height=\"" +
             std::to_string(height_) + "\" aria-hidden=\"true\">\n<defs>";
    for (const char* kind : {"rf", "mo", "hb"}) {
      html_ +=
          std::string("<marker id=\"head-") + kind +
          "\" viewBox=\"0 0 8 8\" refX=\"7.5\" refY=\"4\" markerWidth=\"8\" markerHeight=\"8\" "
          "markerUnits=\"userSpaceOnUse\" orient=\"auto\"><path class=\"" +
          kind + R"(-head" d="M0 0L8 4L0 8Z"/></marker>)";
    }
    html_ += "</defs>\n";
    for (std::size_t i = 0; i != arrows_.size(); ++i) draw(arrows_[i], ways_[i]);
    html_ += "</svg>\n";
  }

  // Each kind has heights of its own at which it leaves and enters a box.
  static constexpr int port(arrow::kind kind) noexcept { return 8 + 13 * static_cast<int>(kind); }

  void draw(const arrow& a, const way& w) {
    constexpr const char* kinds[] = {"rf", "mo", "hb"};
    const std::string kind = kinds[static_cast<std::size_t>(a.what)];
    const int x1 = left_of(story_.steps[a.from].thread) + (w.from_right ? box_width_ : 0);
    const int x2 = left_of(story_.steps[a.to].thread) + (w.to_right ? box_width_ : 0);
    const int y1 = rows_[a.from].top + port(a.what) + 6;
    const int y2 = rows_[a.to].top + port(a.what);
    const int x = lane_at(w);
    // Round corners, as far as there is room for them.
    const int turn = std::min(5, std::abs(y2 - y1) / 2);
    const int down = y2 > y1 ? turn : -turn;
    const int out = x > x1 ? turn : -turn;
    const int in = x2 > x ? turn : -turn;
    const auto n = [](int value) { return std::to_string(value) + " "; };
    std::string classes = kind;
    if (a.what == arrow::kind::happens_before && goes(a, arrow::kind::reads_from)) classes += " rf";
    if (!is_loud(a.from) && !is_loud(a.to)) classes += " quiet";
    html_ += "<g class=\"" + classes + "\" data-from=\"" + id(a.from) + "\" data-to=\"" + id(a.to) +
             "\"><path marker-end=\"url(#head-" + kind + ")\" d=\"M" + n(x1) + n(y1) + "H" +
             n(x - out) + "Q" + n(x) + n(y1) + n(x) + n(y1 + down) + "V" + n(y2 - down) + "Q" +
             n(x) + n(y2) + n(x + in) + n(y2) + "H" + n(x2) + "\"/><text x=\"" +
             std::to_string(w.to_right ? x2 + 10 : x2 - 22) + "\" y=\"" + std::to_string(y2 - 3) +
             "\">" + kind + "</text></g>\n";
  }

  std::string link_to(std::size_t step) const {
    const told_step& target = story_.steps[step];
    return "<a href=\"#" + id(step) + "\">" + escaped(target.label) + "</a> <code>" +
           escaped(target.what) + "</code>";
  }

  // Text in which the labels of steps, such as T1.2, lead to these.
  std::string linked(std::string_view text) const {
    std::string html;
    for (std::size_t begin = 0; begin < text.size();) {
      const std::size_t end = std::min(text.find(' ', begin), text.size());
      const std::string_view word = text.substr(begin, end - begin);
      const std::string_view label = word.substr(0, word.find_last_not_of(".,:;") + 1);
      const auto step = std::find_if(
          story_.steps.begin(), story_.steps.end(),
          [label](const told_step& each) { return label.starts_with('T') && each.label == label; });
      if (step == story_.steps.end()) {
        html += escaped(word);
      } else {
        html += "<a href=\"#" + id(static_cast<std::size_t>(step - story_.steps.begin())) + "\">" +
                escaped(label) + "</a>" + escaped(word.substr(label.size()));
      }
      if (end != text.size()) html += ' ';
      begin = end + 1;
    }
    return html;
  }

  void overtaken() {
    if (story_.overtaken.empty()) return;
    html_ +=
        "<div class=\"text\">\n<h2>Order of the writes</h2>\n<p>Writes that were executed in "
        "another order than mo has them.</p>\n<ul>\n";
    for (const std::string& each : story_.overtaken) html_ += "<li>" + linked(each) + "</li>\n";
    html_ += "</ul>\n</div>\n";
  }

  void stale_reads() {
    if (story_.stale.empty()) return;
    html_ +=
        "<div class=\"text\">\n<h2>Stale reads</h2>\n<p>Reads of a value that was not the "
        "newest when they were executed, and why the model allows it.</p>\n<ul>\n";
    for (const stale_read& each : story_.stale) {
      html_ += "<li id=\"stale-" + id(each.step) + "\">" + link_to(each.step) + " (" +
               escaped(story_.steps[each.step].origin) + ")\n<ul>\n";
      for (const missed_writes& missed : each.missed) {
        html_ += "<li>misses ";
        for (std::size_t i = 0; i != missed.steps.size(); ++i) {
          html_ += (i == 0 ? "" : ", ") + link_to(missed.steps[i]);
        }
        html_ += ". " + linked(missed.why) + "</li>\n";
      }
      html_ += "</ul></li>\n";
    }
    html_ += "</ul>\n</div>\n";
  }

  const counterexample& told_;
  const story story_;
  std::vector<row> rows_;           // by step
  std::vector<arrow> arrows_;       // those that are drawn
  std::vector<way> ways_;           // of these
  std::vector<std::size_t> lanes_;  // in each gutter
  std::vector<int> gutters_;        // their left edges
  std::vector<int> columns_;        // of the threads, and the right edge of all
  int box_width_ = widest_box;
  int width_ = 0;
  int height_ = 0;
  std::string html_;
};

}  // namespace

}  // namespace telling

std::string page(const counterexample& told) { return telling::page_writer(told).write(); }

void write_page(const std::string& file, const counterexample& told) {
  std::ofstream out(file);
  out << page(told);
  if (!out.flush()) throw std::runtime_error("cannot write the page to '" + file + "'");
}

}  // namespace checker

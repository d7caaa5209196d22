// SPDX-License-Identifier: MIT
// One execution, as a line of text: which thread makes the next event, and with which alternative.
//
// The events stand in an order in which they can be executed, each as
//
//     thread                 a fence, or a choice without alternatives
//     thread=source          a read: the source is thread.index, or i for the initial value
//     thread=source!         a compare-and-swap that fails spuriously
//     thread=source@place    an update
//     thread@place           a write: its index among the writes that are there, in co
//     thread?alternative     a choice
//
// with commas between them, or a hyphen if there are none: 0@0,0@0,1=0.1,1=i is message passing
// gone wrong.
//
// Stands on: <checker/counterexample.hpp>.
#pragma once

#include <checker/counterexample.hpp>

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace checker {

// An alternative of an event.
struct decision {
  event_id source = initial;
  bool spurious = false;
  bool placed = false;       // it writes
  std::size_t position = 0;  // in co
  std::uint64_t alternative = 0;
};

class schedule {
 public:
  // Whether there is one: it may have no events.
  bool given() const noexcept { return given_; }
  bool done() const noexcept { return next_ == entries_.size(); }
  unsigned next_thread() const noexcept { return entries_[next_].thread; }
  // Whether a thread has events left.
  bool has(unsigned thread) const noexcept {
    return std::any_of(entries_.begin() + static_cast<std::ptrdiff_t>(next_), entries_.end(),
                       [thread](const entry& each) { return each.thread == thread; });
  }
  std::size_t left() const noexcept { return entries_.size() - next_; }

  // Whether the next event can be what the program asks for. If not, this is a schedule of another.
  bool fits(const event& request, const execution_graph& graph) const {
    const entry& now = entries_[next_];
    if (request.reads() != now.reads) return false;
    if (request.kind == event_kind::write && !now.chosen.placed) return false;
    if (!request.writes() && now.chosen.placed) return false;
    if (now.chosen.spurious && !request.may_fail_spuriously) return false;
    if (now.chosen.alternative != 0 && now.chosen.alternative >= request.alternatives) return false;
    if (now.from_thread < 0) return true;
    const auto& events = graph.thread(static_cast<unsigned>(now.from_thread));
    if (now.from_index >= events.size()) return false;
    const event& source = graph[events[now.from_index]];
    return source.writes() && source.location == request.location;
  }

  // What the next event does, which is the next of its thread and fits.
  decision next(const execution_graph& graph) {
    const entry& now = entries_[next_++];
    decision chosen = now.chosen;
    if (now.from_thread >= 0) {
      chosen.source = graph.thread(static_cast<unsigned>(now.from_thread))[now.from_index];
    }
    return chosen;
  }

  // The schedule of a graph whose events were executed in the order of `steps`.
  static schedule of(const execution_graph& graph, const std::vector<step>& steps) {
    schedule made;
    std::vector<bool> present(graph.size(), false);
    for (const step& each : steps) {
      if (each.what != step::kind::event) continue;
      const event& e = graph[each.e];
      entry added;
      added.thread = e.thread;
      added.kind = e.kind;
      added.chosen.spurious = e.failed_spuriously;
      added.chosen.alternative = e.kind == event_kind::choice ? e.value : 0;
      if (e.reads() && e.source != initial) {
        added.from_thread = graph[e.source].thread;
        added.from_index = graph[e.source].index;
      }
      if (e.writes()) {
        for (event_id w : graph.at(e.location).writes) {
          if (w == each.e) break;
          added.chosen.position += present[w] ? 1 : 0;
        }
      }
      present[each.e] = true;
      made.entries_.push_back(added);
    }
    return made;
  }

  std::string text() const {
    std::string all;
    if (entries_.empty()) return no_events;
    for (const entry& each : entries_) {
      if (!all.empty()) all += ',';
      all += std::to_string(each.thread);
      if (each.kind == event_kind::choice) all += '?' + std::to_string(each.chosen.alternative);
      if (each.kind == event_kind::read || each.kind == event_kind::update) {
        all += each.from_thread < 0
                   ? "=i"
                   : '=' + std::to_string(each.from_thread) + '.' + std::to_string(each.from_index);
      }
      if (each.chosen.spurious) all += '!';
      if (each.kind == event_kind::write || each.kind == event_kind::update) {
        all += '@' + std::to_string(each.chosen.position);
      }
    }
    return all;
  }

  // Throws std::invalid_argument that names what is wrong.
  static schedule parse(std::string_view text, unsigned threads) {
    schedule made;
    made.given_ = !text.empty();
    if (text == no_events) return made;
    reader in{text};
    while (!in.rest.empty()) {
      entry added;
      added.thread = in.number<unsigned>();
      if (added.thread >= threads) in.reject("there is no such thread");
      if (in.take('?')) added.chosen.alternative = in.number<std::uint64_t>();
      added.reads = in.take('=');
      if (added.reads && !in.take('i')) {
        added.from_thread = static_cast<int>(in.number<unsigned>());
        if (static_cast<unsigned>(added.from_thread) >= threads)
          in.reject("there is no such thread");
        if (!in.take('.')) in.reject("a source is thread.index");
        added.from_index = in.number<std::size_t>();
      }
      added.chosen.spurious = in.take('!');
      added.chosen.placed = in.take('@');
      if (added.chosen.placed) added.chosen.position = in.number<std::size_t>();
      if (!in.rest.empty() && !(in.take(',') && !in.rest.empty())) {
        in.reject("a comma stands between events");
      }
      made.entries_.push_back(added);
    }
    return made;
  }

 private:
  struct entry {
    unsigned thread = 0;
    event_kind kind = event_kind::fence;
    bool reads = false;
    decision chosen;
    int from_thread = -1;
    std::size_t from_index = 0;
  };

  struct reader {
    std::string_view rest;

    bool take(char c) noexcept {
      if (rest.empty() || rest.front() != c) return false;
      rest.remove_prefix(1);
      return true;
    }

    template <class Number>
    Number number() {
      Number value{};
      const auto [end, error] = std::from_chars(rest.data(), rest.data() + rest.size(), value);
      if (error != std::errc{}) reject("a number is missing");
      rest.remove_prefix(static_cast<std::size_t>(end - rest.data()));
      return value;
    }

    [[noreturn]] void reject(const char* what) const {
      throw std::invalid_argument("replay string, before \"" + std::string(rest.substr(0, 20)) +
                                  "\": " + what);
    }
  };

  static constexpr const char* no_events = "-";

  bool given_ = false;
  std::vector<entry> entries_;
  std::size_t next_ = 0;
};

}  // namespace checker

// SPDX-License-Identifier: MIT
#include "story.hpp"

#include "object_words.hpp"
#include "source_text.hpp"

#include <algorithm>
#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <map>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace checker {

std::string_view name_of(memory_model m) noexcept {
  constexpr std::string_view names[] = {"rc11", "iso", "sc"};
  return names[static_cast<std::size_t>(m)];
}

namespace telling {

namespace {

object_kind kind_of(const counterexample& told, location_id l) noexcept {
  return l < told.locations.size() ? told.locations[l].is : object_kind::word;
}

const object_words& words_at(const counterexample& told, location_id l) noexcept {
  return words_of(kind_of(told, l));
}

// The names of what the program shares, and so of values that are addresses.
class name_table {
 public:
  name_table(const counterexample& told, source_files& files) : told_(told) {
    std::map<location_id, tally> locations;
    std::map<const void*, tally> objects;
    for (std::size_t i = 0; i != told.steps.size(); ++i) {
      const step& now = told.steps[i];
      if (now.what == step::kind::event && told.graph[now.e].location != no_location) {
        // What is unlocked may be a lock of the mutex.
        const event& e = told.graph[now.e];
        const bool unlocks =
            words_at(told, e.location).hides_behind_locks && e.update != update_kind::compare;
        locations[e.location][named_in(files, now)] += unlocks ? 1 : 2;
      } else if (now.what == step::kind::plain_read || now.what == step::kind::plain_write) {
        ++objects[now.object][named_in(files, now)];
      } else if (now.what == step::kind::allocate) {
        blocks_.push_back({i, static_cast<const std::byte*>(now.object), now.value});
      }
    }
    std::map<std::string, unsigned> uses;
    for (const auto& [l, votes] : locations) {
      const std::string known = known_name(object_of(l));
      locations_[l] =
          is_exact(object_of(l)) ? known : winner(votes, known.empty() ? made_at(l) : known);
      if (is_object(l)) ++uses[locations_[l]];
    }
    for (const auto& [o, votes] : objects) {
      if (!location_at(o).empty()) {
        objects_[o];
        continue;
      }
      const std::string known = known_name(o);
      ++uses[objects_[o] = winner(votes, known.empty() ? part_of_block(o) : known)];
    }
    // By what is known of them; and if that is nothing, or the same, by numbers.
    std::map<std::string, unsigned> after;
    const auto distinguish = [&](std::string& name, const void* object) {
      const std::string known = known_name(object);
      if (uses[name] > 1 && !known.empty()) name = known;
      ++after[name];
    };
    std::map<std::string, unsigned> used;
    const auto number = [&](std::string& name) {
      if (after[name] > 1) name += "#" + std::to_string(++used[name]);
    };
    for (auto& [l, name] : locations_) {
      if (is_object(l)) distinguish(name, object_of(l));
    }
    for (auto& [o, name] : objects_) distinguish(name, o);
    for (auto& [l, name] : locations_) {
      if (is_object(l)) number(name);
    }
    for (auto& [o, name] : objects_) {
      if (!name.empty()) number(name);
    }
    // Who sleeps on a word sleeps on what that is called, as is what is read there plainly.
    for (auto& [l, name] : locations_) {
      if (words_at(told_, l).is_called_as_its_word && !is_inner(object_of(l))) {
        name = object_at(object_of(l), name);
      }
    }
    for (auto& [o, name] : objects_) {
      if (const std::string shared = location_at(o); !shared.empty()) name = shared;
    }
  }

  // What lies in memory that a thread has allocated is called by where it lies.
  std::string part_of_block(const void* object) const {
    const std::size_t number = block_at(object, told_.steps.size());
    if (number == 0 || told_.steps[step_of_block(number)].thread >= told_.graph.thread_count()) {
      return "variable";
    }
    const auto offset = static_cast<const std::byte*>(object) - blocks_[number - 1].start;
    return "block " + std::to_string(number) + "+" + std::to_string(offset);
  }

  // The object that the line of a step operates on, by name; empty if the line does not tell.
  std::string named_in(source_files& files, const step& now) const {
    const std::string_view line = files.line(now.from);
    std::string_view name;
    if (now.what == step::kind::plain_read) {
      name = object_of_call(line, {"get"});
    } else if (now.what == step::kind::plain_write) {
      name = object_of_call(line, {"set"});
    } else if (now.what == step::kind::fault) {
      name = object_of_call(line, {"get", "set"});
    } else {
      const event& e = told_.graph[now.e];
      name = words_at(told_, e.location).named_in(line, e);
    }
    return std::string(name);
  }

  const std::string& location(location_id l) const { return locations_.at(l); }

  bool is_inner(const void* object) const {
    return std::any_of(told_.names.begin(), told_.names.end(), [&](const named_object& each) {
      return each.inner && each.object == object;
    });
  }

  std::string object(const void* o) const {
    const auto found = objects_.find(o);
    return found != objects_.end() ? found->second : std::string("variable");
  }

  // The block that holds an address, the youngest before step `now`: 1 is the first; 0 if none.
  std::size_t block_at(const void* address, std::size_t now) const noexcept {
    for (std::size_t i = blocks_.size(); i != 0; --i) {
      const block& tried = blocks_[i - 1];
      if (tried.step <= now && address >= tried.start && address < tried.start + tried.size) {
        return i;
      }
    }
    return 0;
  }

  std::size_t step_of_block(std::size_t number) const noexcept { return blocks_[number - 1].step; }

  std::string value(std::uint64_t v, std::size_t now) const {
    const auto* const address = reinterpret_cast<const std::byte*>(static_cast<std::uintptr_t>(v));
    const std::size_t number = block_at(address, now);
    if (number == 0) return plain_number(v);
    const auto offset = static_cast<std::size_t>(address - blocks_[number - 1].start);
    // A block that the threads share from the start, like the model itself, is no more than the
    // sum of its members.
    const bool own = told_.steps[step_of_block(number)].thread < told_.graph.thread_count();
    if (offset != 0 || !own) {
      const std::string member = object_at(address);
      if (!member.empty()) return "&" + member;
    }
    std::string name = "block " + std::to_string(number);
    if (offset != 0) name += "+" + std::to_string(offset);
    return name;
  }

  // Small ones in decimal. Of large ones the halves are set apart: programs pack two numbers.
  static std::string plain_number(std::uint64_t v) {
    if (v < 1'000'000) return std::to_string(v);
    char text[24];
    const auto high = static_cast<unsigned>(v >> 32);
    const auto low = static_cast<unsigned>(v);
    if (high == 0) {
      std::snprintf(text, sizeof text, "0x%x", low);
    } else {
      std::snprintf(text, sizeof text, "0x%x'%08x", high, low);
    }
    return text;
  }

 private:
  using tally = std::map<std::string, unsigned>;

  struct block {
    std::size_t step;
    const std::byte* start;
    std::size_t size;
  };

  static std::string winner(const tally& votes, std::string otherwise) {
    unsigned most = 0;
    for (const auto& [name, count] : votes) {
      if (name.empty() || count <= most) continue;
      most = count;
      otherwise = name;
    }
    return otherwise;
  }

  std::string made_at(location_id l) const {
    if (l >= told_.locations.size()) return "location";
    const object_words& words = words_at(told_, l);
    if (!told_.names.empty()) {
      char address[24];
      std::snprintf(address, sizeof address, "%p", object_of(l));
      return "the " + std::string(words.name) + " at " + address;
    }
    if (!words.otherwise.empty()) return std::string(words.otherwise);
    const place& made = told_.locations[l].made;
    // A program that is data, such as a litmus test, gives the name in the place of a function's.
    if (made.line == 0) return *made.function == '\0' ? "location" : made.function;
    return std::string(made.name()) + ":" + std::to_string(made.line);
  }

  bool is_object(location_id l) const noexcept { return !words_at(told_, l).is_beside_another; }

  const void* object_of(location_id l) const noexcept {
    return l < told_.locations.size() ? told_.locations[l].object : nullptr;
  }

  bool is_exact(const void* object) const {
    return std::any_of(told_.names.begin(), told_.names.end(), [&](const named_object& each) {
      return each.exact && each.object == object;
    });
  }

  std::string known_name(const void* object) const {
    for (const named_object& each : told_.names) {
      if (each.object == object) return each.name;
    }
    return {};
  }

  std::string object_at(const void* address, std::string otherwise = {}) const {
    const auto found = objects_.find(address);
    if (found != objects_.end() && !found->second.empty()) return found->second;
    for (const auto& [l, name] : locations_) {
      if (is_object(l) && object_of(l) == address && address != nullptr) return name;
    }
    return otherwise;
  }

  // Of memory that is accessed as what it is, and plainly too.
  std::string location_at(const void* object) const {
    if (told_.names.empty() || object == nullptr) return {};
    for (const auto& [l, name] : locations_) {
      if (is_object(l) && object_of(l) == object) return name;
    }
    return {};
  }

  const counterexample& told_;
  std::map<location_id, std::string> locations_;
  std::map<const void*, std::string> objects_;
  std::vector<block> blocks_;
};

class teller final : public narrator {
 public:
  explicit teller(const counterexample& told)
      : told_(told), graph_(told.graph), names_(told, files_), step_of_(graph_.size(), no_step) {}

  story tell() {
    made_.threads = threads();
    describe_steps();
    relate_events();
    for (std::size_t i = 0; i != told_.steps.size(); ++i) explain_read(i);
    for (const location_id l : graph_.active_locations()) explain_order(l);
    mark_culprits();
    for (const waiting_thread& each : told_.waiting) explain_wait(each);
    set_aside();
    return std::move(made_);
  }

 private:
  // Of a program that starts its threads, those that it did start.
  unsigned threads() const {
    unsigned started = 0;
    for (event_id e = 0; e != graph_.size(); ++e) {
      if (graph_[e].thread_life != lifetime::starts) continue;
      started = std::max(started, static_cast<unsigned>(graph_[e].operand) + 1);
    }
    return started == 0 ? graph_.thread_count() : started;
  }

  // Steps

  void describe_steps() {
    std::vector<std::size_t> events(made_.threads, 0);
    std::vector<std::size_t> others(made_.threads, 0);
    bool started = false;
    for (std::size_t i = 0; i != told_.steps.size(); ++i) {
      const step& now = told_.steps[i];
      told_step added;
      added.thread = std::min(now.thread, made_.threads);
      added.kind = now.what;
      if (now.thread < made_.threads) {
        std::size_t& event_count = events[now.thread];
        std::size_t& other_count = others[now.thread];
        added.label = "T" + std::to_string(now.thread) + ".";
        if (now.what == step::kind::event) {
          added.label += std::to_string(event_count++);
          other_count = 0;
        } else {
          if (event_count != 0) added.label += std::to_string(event_count - 1);
          added.label += letters(other_count++);
        }
        times_.push_back(event_count - (now.what == step::kind::event ? 1 : 0));
        started = true;
      } else {
        added.label = started ? "after" : "before";
        times_.push_back(0);
      }
      if (now.from.line != 0) {
        added.where = std::string(now.from.name()) + ":" + std::to_string(now.from.line);
      }
      added.source = files_.line(now.from);
      if (now.what == step::kind::event) step_of_[now.e] = i;
      made_.steps.push_back(std::move(added));
      describe(i);
    }
  }

  // a, b, ..., z, aa, ab, ...
  static std::string letters(std::size_t n) {
    std::string text;
    for (++n; n != 0; n = (n - 1) / 26) {
      text.insert(text.begin(), static_cast<char>('a' + (n - 1) % 26));
    }
    return text;
  }

  void describe(std::size_t i) {
    const step& now = told_.steps[i];
    told_step& added = made_.steps[i];
    switch (now.what) {
      case step::kind::event:
        describe_event(i, graph_[now.e]);
        break;
      case step::kind::plain_read:
        added.what = "read " + names_.object(now.object) + " -> " + names_.value(now.value, i);
        break;
      case step::kind::plain_write:
        added.what = "write " + names_.object(now.object) + " = " + names_.value(now.value, i);
        break;
      case step::kind::allocate:
        added.what = "allocate " + block_name(now.object, i) + ", " + std::to_string(now.value) +
                     (now.value == 1 ? " byte" : " bytes");
        break;
      case step::kind::free:
        added.what = "free " + block_name(now.object, i);
        break;
      case step::kind::fault:
        added.what = std::string(name_of(told_.what)) + ": " + told_.text;
        break;
    }
  }

  std::string block_name(const void* start, std::size_t now) const {
    const std::size_t number = names_.block_at(start, now);
    return number == 0 ? std::string("a block") : "block " + std::to_string(number);
  }

  void describe_event(std::size_t i, const event& e) {
    told_step& added = made_.steps[i];
    if (e.kind == event_kind::choice) {
      added.is_choice = e.alternatives > 1;
      if (describe_memory(added, e) || describe_thread(added, e)) return;
      added.what = what_is_chosen(i);
      return;
    }
    if (e.kind == event_kind::fence) {
      added.what = verb(told_.steps[i].e);
      if (e.success <= order::seq_cst) added.what.append(" ").append(name_of(e.success));
      return;
    }
    if (e.reads()) {
      added.origin = e.source == initial ? std::string(words_at(told_, e.location).at_first)
                                         : "from " + named(e.source);
    }
    added.what = words_at(told_, e.location).what(*this, told_.steps[i].e);
    added.is_choice = e.failed_spuriously;
  }

  // What is chosen, of more than memory: the program's own choice, or one that is made for it.
  std::string what_is_chosen(std::size_t i) const {
    const step& now = told_.steps[i];
    const event& e = graph_[now.e];
    const std::string_view line = made_.steps[i].source;
    if (e.may_fail_spuriously) {
      return e.value == 0 ? "does not wake without a notification" : "wakes without a notification";
    }
    switch (now.about.is) {
      case choice_kind::time_limit: {
        const std::string_view call =
            called_in(line, {"wait_for", "wait_until", "try_acquire_for", "try_acquire_until",
                             "pthread_cond_timedwait", "pthread_cond_clockwait"});
        return "the time limit of " + std::string(call.empty() ? "the wait" : call) +
               (e.value == 0 ? " does not expire" : " expires");
      }
      case choice_kind::whom_to_wake:
        return who_is_woken(now, line);
      case choice_kind::interruption:
        return e.value == 0 ? "the section is not aborted here"
                            : "the section is aborted here: it starts again";
      case choice_kind::cpu:
        return "runs on CPU " + std::to_string((now.about.among + e.value) % e.alternatives);
      case choice_kind::program:
        break;
    }
    return "choose of " + std::to_string(e.alternatives) + " -> " + std::to_string(e.value);
  }

  // notify_one wakes T2 (waiting at queue.hpp:12), not T1
  std::string who_is_woken(const step& now, std::string_view line) const {
    const event& e = graph_[now.e];
    const auto& own = graph_.thread(e.thread);
    std::uint64_t left = now.about.among;
    for (std::uint64_t skip = e.value; skip != 0; --skip) left &= left - 1;
    const std::uint64_t chosen = left & -left;
    const std::uint64_t others = now.about.among & ~chosen;
    const std::string_view call =
        called_in(line, {"notify_one", "pthread_cond_signal", "release", "syscall"});
    // Who went to sleep meanwhile makes it choose again.
    const bool done = e.index + 1u < own.size() && graph_[own[e.index + 1u]].writes();
    std::string text = std::string(call.empty() ? "the notification" : call) +
                       (done ? " wakes " : " is to wake ") + names_of_threads(chosen);
    const auto thread = static_cast<unsigned>(std::countr_zero(chosen));
    if (const event_id entered = last_write_of(thread, e); entered != initial) {
      if (const std::string at = where(entered); !at.empty()) text += " (waiting at " + at + ")";
    }
    if (others != 0) text += ", not " + names_of_threads(others, " or ");
    return text;
  }

  // The last write of a thread among those that what stands before `e` in its own has seen, at the
  // location of that.
  event_id last_write_of(unsigned thread, const event& e) const {
    if (e.index == 0) return initial;
    const event& before = graph_[graph_.thread(e.thread)[e.index - 1u]];
    event_id w = before.writes() ? graph_.thread(e.thread)[e.index - 1u] : before.source;
    while (w != initial && graph_[w].thread != thread) w = graph_[w].source;
    return w;
  }

  // That freed memory can be used again makes events of frees, and choices of allocations.
  bool describe_memory(told_step& added, const event& e) const {
    if (e.frees) {
      added.what = "from here on, the memory can be used again";
    } else if (e.allocates) {
      added.what =
          e.source == initial ? "use fresh memory" : "use the memory of " + label(e.source);
    }
    return e.frees || e.allocates;
  }

  static bool describe_thread(told_step& added, const event& e) {
    const std::string other = "thread " + std::to_string(e.operand);
    switch (e.thread_life) {
      case lifetime::none:
        return false;
      case lifetime::starts:
        added.what = "start " + other;
        break;
      case lifetime::begins:
        added.what = "begins";
        break;
      case lifetime::ends:
        added.what = "ends";
        break;
      case lifetime::joins:
        added.what = "join " + other;
        break;
    }
    return true;
  }

  // T1.4 store
  std::string named(event_id e) const { return label(e) + " " + std::string(verb(e)); }

  std::string_view verb(event_id e) const {
    return words_at(told_, graph_[e].location).verb(graph_, e);
  }

  std::string told(event_id e) const override {
    if (step_of_[e] == no_step) return named(e);
    const told_step& step = made_.steps[step_of_[e]];
    return step.label + " " + step.what + in_brackets(step.where);
  }

  static std::string in_brackets(const std::string& where) {
    return where.empty() ? "" : " (" + where + ")";
  }

  std::string label(event_id e) const override {
    return "T" + std::to_string(graph_[e].thread) + "." + std::to_string(graph_[e].index);
  }

  const execution_graph& graph() const override { return graph_; }
  std::string name(location_id l) const override { return names_.location(l); }
  std::string value_at(std::uint64_t v, event_id e) const override {
    return names_.value(v, step_of_[e] == no_step ? 0 : step_of_[e]);
  }
  std::string line_of(event_id e) const override { return in_brackets(where(e)); }

  // Arrows

  void relate_events() {
    for (const step& each : told_.steps) {
      if (each.what != step::kind::event) continue;
      const event_id e = each.e;
      if (graph_[e].reads()) draw(arrow::kind::reads_from, graph_[e].source, e);
      draw_synchronisation(e);
    }
    for (location_id l : graph_.active_locations()) {
      event_id previous = initial;
      for (event_id w : graph_.at(l).writes) {
        if (step_of_[w] == no_step) continue;
        draw(arrow::kind::coherence, previous, w);
        previous = w;
      }
    }
  }

  void draw(arrow::kind what, event_id from, event_id to) {
    if (from == initial || step_of_[from] == no_step) return;
    made_.arrows.push_back({what, step_of_[from], step_of_[to]});
  }

  // What of other threads happens before e, and not before what precedes e in its thread. Of these
  // events only the last ones count: the others are before them.
  void draw_synchronisation(event_id e) {
    const event& to = graph_[e];
    std::vector<event_id> learnt;
    for (unsigned t = 0; t != made_.threads; ++t) {
      if (t == to.thread) continue;
      const unsigned known = graph_.happens_before(e)[t];
      const unsigned before =
          to.index == 0 ? 0u : graph_.happens_before(graph_.thread(to.thread)[to.index - 1u])[t];
      if (known > before) learnt.push_back(graph_.thread(t)[known - 1]);
    }
    for (event_id from : learnt) {
      const bool implied = std::any_of(learnt.begin(), learnt.end(), [&](event_id other) {
        return other != from && graph_.knows(graph_.happens_before(other), from);
      });
      if (!implied) draw(arrow::kind::happens_before, from, e);
    }
  }

  // Stale reads

  void explain_read(std::size_t i) {
    if (told_.steps[i].what != step::kind::event) return;
    const event_id r = told_.steps[i].e;
    if (!graph_[r].reads()) return;
    const event_id source = graph_[r].source;
    const auto& co = graph_.at(graph_[r].location).writes;
    const std::size_t first = source == initial ? 0 : graph_[source].position + std::size_t{1};
    stale_read found{i, {}};
    // Writes that are missed for one reason are told of together.
    for (std::size_t place = first; place < co.size(); ++place) {
      const event_id w = co[place];
      if (w == r || step_of_[w] == no_step || step_of_[w] > i) continue;
      const std::string why = why_allowed(w, r);
      if (found.missed.empty() || found.missed.back().why != why) found.missed.push_back({{}, why});
      found.missed.back().steps.push_back(step_of_[w]);
    }
    if (found.missed.empty()) return;
    made_.steps[i].stale = true;
    made_.stale.push_back(std::move(found));
  }

  // Of writes that were executed in another order than mo has them: where somebody reads one that
  // was executed first as if it came last, the steps do not show why.
  void explain_order(location_id l) {
    const auto& co = graph_.at(l).writes;
    for (std::size_t i = 0; i != co.size(); ++i) {
      const event_id last = co[i];
      std::string later;
      std::size_t first_missed = no_step;
      for (std::size_t k = 0; k != i; ++k) {
        const event_id w = co[k];
        const bool executed = step_of_[w] != no_step && step_of_[last] != no_step;
        if (!executed || step_of_[w] < step_of_[last]) continue;
        if (graph_[w].value == graph_[last].value) continue;
        later += (later.empty() ? "" : "; ") + told(w);
        first_missed = std::min(first_missed, step_of_[w]);
      }
      if (later.empty()) continue;
      std::string readers;
      for (const event_id r : graph_.at(l).reads) {
        if (graph_[r].source != last || step_of_[r] == no_step || step_of_[r] < first_missed)
          continue;
        readers += (readers.empty() ? "" : "; ") + told(r);
      }
      if (readers.empty()) continue;
      std::string& text = made_.overtaken.emplace_back(told(last));
      text += " comes later in mo than " + later + ", although it was executed before: ";
      text += told_.model == memory_model::sc
                  ? "the steps stand in the order of the re-run, not of the interleaving."
                  : "nothing orders the two, and so mo may be either way.";
      text += " So it is what is read by " + readers + ".";
    }
  }

  std::string why_allowed(event_id w, event_id r) const {
    std::string why = told_.model == memory_model::sc ? "" : why_not_ordered(w, r);
    if (told_.model == memory_model::sc) {
      why =
          "The steps stand in the order of the re-run. In the interleaving that the graph stands "
          "for, " +
          label(r) + " comes first.";
    } else if (is_seq_cst(graph_[w].success) && is_seq_cst(graph_[r].effective_order())) {
      why += " Both are seq_cst: in the order of these, " + label(r) + " comes first.";
    }
    return why;
  }

  std::string why_not_ordered(event_id w, event_id r) const {
    const std::string reader = "T" + std::to_string(graph_[r].thread);
    const std::string writer = "T" + std::to_string(graph_[w].thread);
    if (!graph_.knows(graph_.causes(r), w)) {
      return "Up to " + label(r) + ", " + reader +
             " has read nothing, directly or through others, "
             "that tells of what " +
             writer + " did here: the write may just as well come later.";
    }
    return "Neither it nor a read of it happens before " + label(r) + "." +
           broken_links(w, r, true);
  }

  // What on the path from w to r does not synchronise. For coherence it is enough that a read of w
  // happens before r.
  std::string broken_links(event_id w, event_id r, bool to_read_is_enough) const {
    // First those of which one side synchronises already: the other is what the program's author
    // has most likely got wrong.
    std::string halves;
    std::string others;
    event_id from = w;
    for (const link& each : links(w, r, to_read_is_enough)) {
      if (to_read_is_enough && each.head == w) {
        from = each.read;
        continue;
      }
      const event_id learnt = first_that_knows(from, each);
      if (learnt == initial) {
        (sides(each.head, each.read) == 1 ? halves : others) +=
            " " + label(each.read) + " reads from " + label(each.head) +
            " but does not synchronise with it: " + what_is_missing(each, from) + ".";
      }
      from = learnt == initial ? each.read : learnt;
    }
    return halves + others;
  }

  // How many of the two, a write and a read of it by another thread, synchronise: by their own
  // orders or with a fence.
  unsigned sides(event_id head, event_id read) const {
    const event& from = graph_[head];
    const event& to = graph_[read];
    const bool out = releases(from.success) || fenced(from.thread, 0, from.index, releases);
    const bool in = acquires(to.effective_order()) ||
                    fenced(to.thread, to.index, graph_.thread(to.thread).size(), acquires);
    return (out ? 1u : 0u) + (in ? 1u : 0u);
  }

  // A step of a causal path from one thread to another: a read of what `head` wrote, or of what
  // updates made of it. The path leaves the thread of the read at `to`.
  struct link {
    event_id head;
    event_id read;
    event_id to;
  };

  // The path of program order and reads from w to r that lacks least: of two reads that tell of w,
  // the one that was meant to synchronise with what it reads.
  std::vector<link> links(event_id w, event_id r, bool to_read_is_enough) const {
    const std::vector<event_id> path = shortest_path(w, r);
    std::vector<link> made;
    for (std::size_t i = 1; i < path.size(); ++i) {
      const event_id from = path[i - 1];
      if (graph_[path[i]].thread == graph_[from].thread) continue;
      // An update carries on what its source releases: to read it is to read from the source.
      if (!made.empty() && made.back().read == from && graph_[from].kind == event_kind::update &&
          !(to_read_is_enough && made.back().head == w)) {
        made.back().read = path[i];
        continue;
      }
      if (!made.empty()) made.back().to = from;
      made.push_back({from, path[i], r});
    }
    return made;
  }

  std::vector<event_id> shortest_path(event_id w, event_id r) const {
    constexpr std::size_t far = ~std::size_t{0};
    constexpr std::size_t costs[] = {64, 8, 1};  // by the sides that synchronise
    std::vector<std::size_t> distance(graph_.size(), far);
    std::vector<event_id> towards(graph_.size(), initial);
    std::multimap<std::size_t, event_id> open{{0, r}};
    distance[r] = 0;
    const auto reach = [&](event_id e, event_id by, std::size_t length) {
      if (distance[e] <= length) return;
      distance[e] = length;
      towards[e] = by;
      open.emplace(length, e);
    };
    while (!open.empty()) {
      const auto [length, e] = *open.begin();
      open.erase(open.begin());
      if (length != distance[e]) continue;
      const event& here = graph_[e];
      if (here.index != 0) reach(graph_.thread(here.thread)[here.index - 1u], e, length);
      if (here.source == initial) continue;
      const bool own = graph_[here.source].thread == here.thread;
      reach(here.source, e, length + (own ? 0 : costs[sides(here.source, e)]));
    }
    std::vector<event_id> path{w};
    while (path.back() != r && path.back() != initial) path.push_back(towards[path.back()]);
    return path;
  }

  // The first event of the reading thread, on the path, that `from` happens before.
  event_id first_that_knows(event_id from, const link& l) const {
    const auto& own = graph_.thread(graph_[l.read].thread);
    for (std::size_t i = graph_[l.read].index; i <= graph_[l.to].index; ++i) {
      if (graph_.knows(graph_.happens_before(own[i]), from)) return own[i];
    }
    return initial;
  }

  // Which halves of the synchronisation a link lacks, that leaves its first thread after `from`.
  std::string what_is_missing(const link& l, event_id from) const {
    const event& head = graph_[l.head];
    const event& read = graph_[l.read];
    std::string missing;
    if (!releases(head.success) && !fenced(head.thread, graph_[from].index, head.index, releases)) {
      missing =
          named(l.head) + " is " + std::string(name_of(head.success)) + ": it releases nothing";
    }
    if (!acquires(read.effective_order()) &&
        !fenced(read.thread, read.index, graph_[l.to].index, acquires)) {
      if (!missing.empty()) missing += "; ";
      missing += named(l.read) + " is " + std::string(name_of(read.effective_order())) +
                 ": it acquires nothing";
    }
    return missing.empty() ? "light fences order only against heavy ones" : missing;
  }

  // Whether a fence of this kind stands at or behind one event of a thread and before another.
  bool fenced(unsigned t, std::size_t first, std::size_t last, bool (*wanted)(order)) const {
    for (std::size_t i = first; i < last; ++i) {
      const event& e = graph_[graph_.thread(t)[i]];
      if (e.kind == event_kind::fence && wanted(e.success)) return true;
    }
    return false;
  }

  // Threads that wait for ever

  void explain_wait(const waiting_thread& waits) {
    const auto& own = graph_.thread(waits.thread);
    if (waits.joins != waiting_thread::nobody) {
      made_.waits.push_back(why_not_joined(waits));
      return;
    }
    if (waits.since >= own.size()) {
      made_.waits.push_back("T" + std::to_string(waits.thread) +
                            " waits in a loop that reads nothing.");
      return;
    }
    const event_id first = own[waits.since];
    std::string text = "T" + std::to_string(waits.thread);
    const object_words& words = words_at(told_, graph_[first].location);
    text += words.sleeps ? " sleeps" : waits.spins ? " spins" : " waits";
    if (step_of_[first] != no_step) {
      const told_step& step = made_.steps[step_of_[first]];
      if (!step.where.empty()) text += " at " + step.where;
      if (!step.source.empty()) text += ", `" + step.source + "`";
      made_.steps[step_of_[first]].culprit = true;
      made_.steps[step_of_[first]].remarks.emplace_back(waits.spins ? "spins for ever"
                                                                    : "waits for ever");
    }
    text += words.why(*this, waits);
    made_.waits.push_back(std::move(text));
  }

  std::string why_not_joined(const waiting_thread& waits) {
    std::string text = "T" + std::to_string(waits.thread) + " waits";
    if (waits.from.line != 0) {
      text += " at " + std::string(waits.from.name()) + ":" + std::to_string(waits.from.line);
    }
    if (const std::string_view source = files_.line(waits.from); !source.empty()) {
      text += ", `" + std::string(source) + "`";
    }
    return text + ": for the end of T" + std::to_string(waits.joins) +
           what_it_does(waits.joins, "does not come");
  }

  std::string what_it_does(unsigned thread, std::string_view else_it) const override {
    if (const waiting_thread* const other = waiting(thread)) {
      return other->spins ? ", which spins." : ", which waits itself.";
    }
    const event_id last = graph_.last_of(thread);
    const auto& stopped = told_.stopped;
    if (std::find(stopped.begin(), stopped.end(), thread) != stopped.end()) {
      return last == initial ? ", which is stopped before its first operation."
                             : ", which is stopped after " + told(last) + ".";
    }
    const bool ended = last != initial && graph_[last].thread_life == lifetime::ends;
    return ended ? ", which has ended." : ", which " + std::string(else_it) + ".";
  }

  const waiting_thread* waiting(unsigned thread) const noexcept {
    const auto& all = told_.waiting;
    const auto found = std::find_if(
        all.begin(), all.end(), [&](const waiting_thread& each) { return each.thread == thread; });
    return found == all.end() ? nullptr : &*found;
  }

  std::string where(event_id e) const {
    return step_of_[e] == no_step ? "" : made_.steps[step_of_[e]].where;
  }

  std::string read_of_atomic(event_id entered, bool at_same_place) const override {
    const event& e = graph_[entered];
    std::size_t before = e.index;
    const auto& own = graph_.thread(e.thread);
    const auto is_inner = [&](const event& read) {
      return read.location < told_.locations.size() &&
             names_.is_inner(told_.locations[read.location].object);
    };
    while (before != 0 && is_inner(graph_[own[before - 1]])) --before;
    if (before == 0) return "";
    const event_id looked = own[before - 1];
    const event& value = graph_[looked];
    if (value.kind != event_kind::read) return "";
    if (at_same_place && value.place != e.place) return "";
    if (kind_of(told_, value.location) != object_kind::word) return "";
    return ", since it read " + read_by(looked) + what_comes_later(looked);
  }

  // The last write behind the one that was read.
  std::string what_comes_later(event_id r) const {
    const event& read = graph_[r];
    const auto& co = graph_.at(read.location).writes;
    const std::size_t next = read.source == initial ? 0 : graph_[read.source].position + 1u;
    return next < co.size() ? "; " + told(co.back()) + " comes later" : "";
  }

  // The last read before it, if there is one since the mutex was locked; and who has written since.
  std::string read_before(event_id entered) const override {
    if (step_of_[entered] == no_step) return "";
    for (std::size_t i = step_of_[entered]; i-- != 0;) {
      const step& before = told_.steps[i];
      if (before.thread != graph_[entered].thread) continue;
      if (before.what == step::kind::event) {
        const event& value = graph_[before.e];
        const bool word = value.kind == event_kind::read && value.update == update_kind::none &&
                          kind_of(told_, value.location) == object_kind::word;
        return word ? ", since it read " + read_by(before.e) + what_comes_later(before.e) : "";
      }
      if (before.what != step::kind::plain_read) continue;
      std::string text = ", since it read " + names_.object(before.object) + " -> " +
                         names_.value(before.value, i) + in_brackets(made_.steps[i].where);
      for (std::size_t k = i + 1; k != told_.steps.size(); ++k) {
        const step& later = told_.steps[k];
        if (later.what != step::kind::plain_write || later.object != before.object) continue;
        return text + "; " + made_.steps[k].label + " " + made_.steps[k].what +
               in_brackets(made_.steps[k].where) + " comes later";
      }
      return text;
    }
    return "";
  }

  std::string read_by(event_id e) const override {
    const event& read = graph_[e];
    return names_.location(read.location) + " -> " + value_at(graph_.value_read(e), e) +
           (read.source == initial ? ", its initial value" : ", from " + told(read.source));
  }

  // Culprits

  void mark_culprits() {
    if (told_.steps.empty()) return;
    const std::size_t last = told_.steps.size() - 1;
    if (told_.what == fault::memory_leak) return mark_leaks();
    if (told_.steps[last].what != step::kind::fault) return;
    made_.steps[last].culprit = true;
    if (told_.what == fault::data_race || told_.what == fault::use_after_return) {
      mark_race(last);
    } else if (told_.what == fault::double_free || told_.what == fault::use_after_free) {
      mark_free(last);
    }
  }

  void mark_leaks() {
    for (std::size_t i = 0; i != told_.steps.size(); ++i) {
      if (told_.steps[i].what != step::kind::allocate) continue;
      const bool freed =
          std::any_of(told_.steps.begin() + static_cast<std::ptrdiff_t>(i), told_.steps.end(),
                      [&](const step& s) {
                        return s.what == step::kind::free && s.object == told_.steps[i].object;
                      });
      if (freed) continue;
      made_.steps[i].culprit = true;
      made_.steps[i].remarks.emplace_back("never freed");
    }
  }

  // What the thread of the last step was doing: the step before, if it stands at the same place.
  const void* object_of_fault(std::size_t last) {
    const step& fault = told_.steps[last];
    if (fault.object != nullptr) return fault.object;
    for (std::size_t i = last; i != 0; --i) {
      const step& before = told_.steps[i - 1];
      if (before.thread != fault.thread) continue;
      const bool same =
          before.from.line == fault.from.line && before.from.name() == fault.from.name();
      return same ? before.object : nullptr;
    }
    return nullptr;
  }

  void mark_race(std::size_t last) {
    const void* const object = object_of_fault(last);
    const std::string name = names_.named_in(files_, told_.steps[last]);
    std::size_t other = no_step;
    for (std::size_t i = 0; i != last; ++i) {
      const bool meant = object != nullptr ? touches(i, object) : is_called(i, name);
      if (!meant || ordered(i, last)) continue;
      // Of a read and a write, the write is the one that any access collides with.
      if (other == no_step || changes(i) || !changes(other)) other = i;
    }
    if (other == no_step) return;
    made_.steps[other].involved = true;
    made_.steps[other].remarks.push_back("not ordered with " + made_.steps[last].label);
    made_.steps[last].remarks.push_back("not ordered with " + made_.steps[other].label);
    made_.race = why_not_ordered_by_events(other, last);
  }

  // The same for steps that are no events: the events around them have to be ordered.
  std::string why_not_ordered_by_events(std::size_t earlier, std::size_t later) const {
    const auto& behind = graph_.thread(told_.steps[earlier].thread);
    const auto& ahead = graph_.thread(told_.steps[later].thread);
    const std::string labels = made_.steps[earlier].label + " and " + made_.steps[later].label;
    if (times_[earlier] == behind.size() || times_[later] == 0 ||
        !graph_.knows(graph_.causes(ahead[times_[later] - 1]), behind[times_[earlier]])) {
      return "Nothing leads from one of " + labels + " to the other.";
    }
    return "Neither of " + labels + " happens before the other." +
           broken_links(behind[times_[earlier]], ahead[times_[later] - 1], false);
  }

  bool changes(std::size_t i) const noexcept {
    return told_.steps[i].what == step::kind::plain_write ||
           told_.steps[i].what == step::kind::free;
  }

  bool touches(std::size_t i, const void* object) const {
    const step& tried = told_.steps[i];
    if (tried.what == step::kind::event) {
      const location_id l = graph_[tried.e].location;
      return l < told_.locations.size() && told_.locations[l].object == object;
    }
    if (tried.what == step::kind::free) {
      const std::size_t block = names_.block_at(object, i);
      return block != 0 && block == names_.block_at(tried.object, i);
    }
    return tried.what != step::kind::allocate && tried.object == object;
  }

  bool is_called(std::size_t i, const std::string& name) {
    const step::kind what = told_.steps[i].what;
    return !name.empty() && (what == step::kind::plain_read || what == step::kind::plain_write) &&
           names_.named_in(files_, told_.steps[i]) == name;
  }

  // Whether step `first` happens before what the thread of step `then` does there. Between two
  // events of its thread a plain access has the time of the later.
  bool ordered(std::size_t first, std::size_t then) const noexcept {
    const unsigned a = told_.steps[first].thread;
    const unsigned b = told_.steps[then].thread;
    if (a == b || a >= made_.threads || b >= made_.threads) return true;
    if (times_[then] == 0) return false;
    return graph_.happens_before(graph_.thread(b)[times_[then] - 1])[a] > times_[first];
  }

  void mark_free(std::size_t last) {
    const void* const object = object_of_fault(last);
    if (object == nullptr) return;
    // The attempt to free once more is a step as well: the one before the fault.
    const std::size_t end = told_.what == fault::double_free ? last - 1 : last;
    for (std::size_t i = end; i != 0; --i) {
      if (told_.steps[i - 1].what != step::kind::free || !touches(i - 1, object)) continue;
      made_.steps[i - 1].involved = true;
      made_.steps[i - 1].remarks.emplace_back("freed here");
      return;
    }
  }

  // What nobody looks for first

  bool is_step_of_thread(std::size_t i, lifetime what) const noexcept {
    const step& now = told_.steps[i];
    return now.what == step::kind::event && graph_[now.e].thread_life == what;
  }

  void set_aside() {
    const std::size_t size = told_.steps.size();
    // Of a program that starts its threads: main is alone before the first, and behind the others.
    std::size_t first_start = 0;
    while (first_start != size && !is_step_of_thread(first_start, lifetime::starts)) ++first_start;
    const bool starts = first_start != size;
    std::size_t alone_from = size;
    while (starts && alone_from != 0 && told_.steps[alone_from - 1].thread == 0) --alone_from;
    for (std::size_t i = 0; i != size; ++i) {
      told_step& each = made_.steps[i];
      if (each.culprit || each.involved || !each.remarks.empty()) continue;
      const bool is_event = told_.steps[i].what == step::kind::event;
      const bool alone = starts && (i < first_start || i >= alone_from);
      each.is_aside = each.thread == made_.threads || each.kind == step::kind::plain_read ||
                      each.kind == step::kind::free ||
                      (is_event ? graph_[told_.steps[i].e].frees : alone || makes_thread(i));
    }
  }

  // Whether a step that is no event is part of the line that starts a thread.
  bool makes_thread(std::size_t i) const {
    for (std::size_t k = i + 1; k != told_.steps.size(); ++k) {
      if (told_.steps[k].thread != told_.steps[i].thread) continue;
      if (made_.steps[k].where != made_.steps[i].where) return false;
      if (told_.steps[k].what == step::kind::event) return is_step_of_thread(k, lifetime::starts);
    }
    return false;
  }

  const counterexample& told_;
  const execution_graph& graph_;
  source_files files_;
  name_table names_;
  std::vector<std::size_t> step_of_;  // of an event
  std::vector<std::size_t> times_;    // of a step: the events of its thread before it
  story made_;
};

}  // namespace

}  // namespace telling

story tell(const counterexample& told) { return telling::teller(told).tell(); }

}  // namespace checker

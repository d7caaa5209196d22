// SPDX-License-Identifier: MIT
#include "story.hpp"

#include "source_text.hpp"

#include <algorithm>
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

constexpr std::string_view name_of(order o) noexcept {
  constexpr std::string_view names[] = {"relaxed", "acquire", "release", "acq_rel",
                                        "seq_cst", "light",   "heavy"};
  return names[static_cast<std::size_t>(o)];
}

// What the operation is called in the source.
constexpr std::string_view verb_of(const event& e) noexcept {
  constexpr std::string_view updates[] = {"load",     "fetch_add", "fetch_sub", "fetch_and",
                                          "fetch_or", "fetch_xor", "exchange",  "compare_exchange"};
  switch (e.kind) {
    case event_kind::read:
    case event_kind::update:
      return updates[static_cast<std::size_t>(e.update)];
    case event_kind::write:
      return "store";
    case event_kind::choice:
      return e.thread_life == lifetime::none ? "choose" : "thread";
    case event_kind::fence:
      break;
  }
  if (e.success == order::light) return "light_fence";
  return e.success == order::heavy ? "heavy_fence" : "fence";
}

object_kind kind_of(const counterexample& told, location_id l) noexcept {
  return l < told.locations.size() ? told.locations[l].is : object_kind::word;
}

constexpr std::string_view name_of(object_kind is) noexcept {
  constexpr std::string_view names[] = {
      "atomic", "mutex",     "condition", "condition variable",       "atomic",
      "lock",   "semaphore", "barrier",   "flag of what is done once"};
  return names[static_cast<std::size_t>(is)];
}

constexpr bool is_asleep_on(object_kind is) noexcept {
  return is == object_kind::sleepers || is == object_kind::condition || is == object_kind::futex;
}

// What an event on a set of sleepers does, for whoever knows no such thing.
struct sleepers_event {
  enum class kind : std::uint8_t {
    look,
    enter,
    sleep,
    wake_up,
    notify_one,
    notify_all,
    wake,
    retry,
    destroy
  };

  sleepers_event(const execution_graph& graph, event_id id, object_kind object)
      : is(object),
        most(object == object_kind::sleepers ? 32 : 40),
        everyone((std::uint64_t{1} << most) - 1) {
    const event& e = graph[id];
    const std::uint64_t own = std::uint64_t{1} << e.thread % most;
    const std::uint64_t before = graph.value_read(id);
    const bool enters =
        e.update == update_kind::bit_or ||
        (e.update == update_kind::compare && (e.operand & own) != 0 && (e.expected & own) == 0);
    if (e.update == update_kind::add) {
      what = e.operand == everyone + 1 ? kind::notify_one : kind::notify_all;
      whom = before & everyone;
    } else if (e.kind == event_kind::update && enters) {
      what = kind::enter;
    } else if (e.kind == event_kind::update) {
      whom = before & ~e.value & everyone;
      what = e.update == update_kind::bit_and && e.operand == ~own ? kind::wake_up : kind::wake;
    } else if (e.update == update_kind::compare) {
      what = kind::retry;
    } else if ((before & own) != 0) {
      what = kind::sleep;
    } else if (has_slept(graph, e)) {
      what = kind::wake_up;
    } else {
      what = is == object_kind::condition ? kind::destroy : kind::look;
    }
  }

  bool notifies() const noexcept { return what == kind::notify_one || what == kind::notify_all; }

  // The verb of the call that it belongs to. Of a futex that may be one of several.
  std::string_view verb() const noexcept {
    constexpr std::string_view verbs[] = {"wait",       "wait", "wait", "wait",   "notify_one",
                                          "notify_all", "wake", "wait", "destroy"};
    if (is == object_kind::futex && notifies()) return "wake";
    return verbs[static_cast<std::size_t>(what)];
  }

  std::string text(const std::string& name) const {
    switch (what) {
      case kind::look:
        return "wait on " + name;
      case kind::enter:
        return "go to sleep on " + name;
      case kind::sleep:
        return "sleep on " + name;
      case kind::wake_up:
        return "wake up on " + name;
      case kind::wake:
        return "wake " + threads() + " on " + name;
      case kind::retry:
        return "look again on " + name;
      case kind::destroy:
        return "destroy " + name;
      case kind::notify_one:
      case kind::notify_all:
        break;
    }
    const std::string found = whom == 0 ? "nobody sleeps" : threads() + " may be woken";
    return std::string(verb()) + " " + name + ": " + found;
  }

  std::string threads() const {
    std::string all;
    for (unsigned t = 0; t != most; ++t) {
      if ((whom >> t & 1) != 0) all += (all.empty() ? "T" : ", T") + std::to_string(t);
    }
    return all;
  }

  kind what = kind::look;
  object_kind is;
  unsigned most;           // threads
  std::uint64_t everyone;  // the bits of all
  std::uint64_t whom = 0;  // threads, as bits

 private:
  // Whether the last thing that the thread did here was to go to sleep.
  bool has_slept(const execution_graph& graph, const event& e) const {
    for (std::size_t i = e.index; i-- != 0;) {
      const event& before = graph[graph.thread(e.thread)[i]];
      if (before.location != e.location) continue;
      return before.writes() && (before.value >> e.thread % most & 1) != 0;
    }
    return false;
  }
};

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
            kind_of(told, e.location) == object_kind::mutex && e.update != update_kind::compare;
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
      if (kind_of(told_, l) == object_kind::futex && !is_inner(object_of(l))) {
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
    constexpr auto any = [](std::string_view first, std::string_view second) {
      return first.empty() ? second : first;
    };
    if (now.what == step::kind::plain_read) {
      name = object_of_call(line, {"get"});
    } else if (now.what == step::kind::plain_write) {
      name = object_of_call(line, {"set"});
    } else if (now.what == step::kind::fault) {
      name = object_of_call(line, {"get", "set"});
    } else if (const object_kind is = kind_of(told_, told_.graph[now.e].location);
               is == object_kind::mutex || is == object_kind::rwlock) {
      name = any(argument_of(
                     line, {"lock_guard", "unique_lock", "scoped_lock", "shared_lock",
                            "pthread_mutex_lock", "pthread_mutex_unlock", "pthread_rwlock_rdlock",
                            "pthread_rwlock_wrlock", "pthread_rwlock_unlock", "pthread_spin_lock"}),
                 object_of_call(line, {"lock", "try_lock", "unlock", "lock_shared",
                                       "try_lock_shared", "unlock_shared"}));
    } else if (is_asleep_on(is)) {
      name = any(object_of_call(line, {"wait", "notify_one", "notify_all"}),
                 argument_of(line, {"pthread_cond_wait", "pthread_cond_timedwait",
                                    "pthread_cond_signal", "pthread_cond_broadcast"}));
    } else if (is == object_kind::semaphore) {
      name = argument_of(line, {"sem_wait", "sem_post", "sem_trywait", "sem_timedwait"});
    } else if (is == object_kind::barrier) {
      name = argument_of(line, {"pthread_barrier_wait"});
    } else if (is == object_kind::once) {
      name = argument_of(line, {"call_once", "pthread_once"});
    } else if (told_.graph[now.e].update == update_kind::compare) {
      name = object_of_call(line, {"compare_exchange_strong", "compare_exchange_weak"});
    } else {
      name = object_of_call(line, {verb_of(told_.graph[now.e])});
      // What the C++ library makes of atomics.
      if (name.empty()) {
        name = object_of_call(line, {"wait", "test", "test_and_set", "clear", "acquire", "release",
                                     "arrive", "arrive_and_wait", "arrive_and_drop", "count_down"});
      }
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
    const object_kind is = told_.locations[l].is;
    if (is == object_kind::mutex && told_.names.empty()) return "mutex";
    if (is == object_kind::sleepers) return "a condition";
    if (!told_.names.empty()) {
      char address[24];
      std::snprintf(address, sizeof address, "%p", object_of(l));
      return "the " + std::string(name_of(is)) + " at " + address;
    }
    const place& made = told_.locations[l].made;
    // A program that is data, such as a litmus test, gives the name in the place of a function's.
    if (made.line == 0) return *made.function == '\0' ? "location" : made.function;
    return std::string(made.name()) + ":" + std::to_string(made.line);
  }

  // Threads that sleep on an atomic are no object of their own.
  bool is_object(location_id l) const noexcept {
    const object_kind is = kind_of(told_, l);
    return is != object_kind::sleepers && is != object_kind::futex;
  }

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

class teller {
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
    added.what = verb_of(e);
    if (e.kind == event_kind::choice) {
      if (describe_memory(added, e) || describe_thread(added, e)) return;
      if (e.may_fail_spuriously) {
        added.what = e.value == 0 ? "goes on to wait" : "ends to wait, for no reason";
        return;
      }
      added.what += " of " + std::to_string(e.alternatives) + " -> " + std::to_string(e.value);
      return;
    }
    if (e.kind == event_kind::fence) {
      if (e.success <= order::seq_cst) added.what.append(" ").append(name_of(e.success));
      return;
    }
    if (e.reads()) {
      added.origin = e.source == initial ? "initial value" : "from " + named(e.source);
    }
    const object_kind is = kind_of(told_, e.location);
    if (is_asleep_on(is)) {
      added.what = sleepers_event(graph_, told_.steps[i].e, is).text(names_.location(e.location));
      return;
    }
    if (is != object_kind::word) {
      added.what = std::string(verb(told_.steps[i].e)) + " " + names_.location(e.location) +
                   what_is_found(told_.steps[i].e);
      return;
    }
    added.what += " " + names_.location(e.location) + " ";
    added.what += name_of(e.effective_order());
    if (e.kind == event_kind::write) {
      added.what += " = " + names_.value(e.value, i);
      return;
    }
    added.what += " -> " + names_.value(graph_.value_read(told_.steps[i].e), i);
    if (e.kind == event_kind::update) added.what += ", writes " + names_.value(e.value, i);
    if (e.failed_spuriously) {
      added.what += ", fails spuriously";
    } else if (e.kind == event_kind::read && e.update == update_kind::compare) {
      added.what += ", fails, expected " + names_.value(e.expected, i);
    }
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
    switch (kind_of(told_, graph_[e].location)) {
      case object_kind::mutex:
        if (graph_[e].kind == event_kind::read && graph_[e].update == update_kind::none) {
          return "destroy";
        }
        return graph_[e].update == update_kind::compare ? "lock" : "unlock";
      case object_kind::sleepers:
      case object_kind::condition:
      case object_kind::futex:
        return sleepers_event(graph_, e, kind_of(told_, graph_[e].location)).verb();
      case object_kind::rwlock:
        if (graph_[e].kind == event_kind::write) return "unlock";
        if (graph_[e].update == update_kind::sub) return "unlock_shared";
        if (graph_[e].update != update_kind::compare) return "look at";
        return graph_[e].operand == writing ? "lock" : "lock_shared";
      case object_kind::semaphore:
        if (graph_[e].update == update_kind::add) return "post";
        return graph_[e].update == update_kind::compare ? "take from" : "look at";
      case object_kind::barrier:
        return graph_[e].update == update_kind::compare ? "arrive at" : "look at";
      case object_kind::once:
        return graph_[e].kind == event_kind::write    ? "end"
               : graph_[e].kind == event_kind::update ? "begin"
                                                      : "look at";
      case object_kind::word:
        break;
    }
    return verb_of(graph_[e]);
  }

  // Of an object that is more than a word, what an event finds there.
  std::string what_is_found(event_id id) const {
    const event& e = graph_[id];
    if (!e.reads()) return {};
    const std::uint64_t found = graph_.value_read(id);
    switch (kind_of(told_, e.location)) {
      case object_kind::mutex:
        if (e.kind != event_kind::read || found == 0) return {};
        return ": T" + std::to_string(holder(id)) + " has it";
      case object_kind::rwlock:
        if (e.update == update_kind::sub) return {};
        if (found == writing) return ": it is locked";
        return found == 0 ? "" : ": " + counted(found, "thread") + " read";
      case object_kind::semaphore:
        return ": " + std::to_string(found) + " left";
      case object_kind::barrier:
        if (found % one_round == 0) return ": nobody has come in this round";
        return ": " + counted(found % one_round, "thread") + " came before in this round";
      case object_kind::once:
        if (e.kind == event_kind::update) return {};
        return found == 1 ? ": it is being done" : ": it is done";
      default:
        return {};
    }
  }

  static constexpr std::uint64_t writing = 0x8000'0000;
  static constexpr std::uint64_t one_round = std::uint64_t{1} << 32;

  static std::string counted(std::uint64_t count, const std::string& what) {
    return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
  }

  // Of a mutex that an event finds locked.
  unsigned holder(event_id e) const noexcept {
    return static_cast<unsigned>(graph_.value_read(e)) - 1;
  }

  // T1.4 store flag release = 1 (flag.hpp:12)
  std::string told(event_id e) const {
    if (step_of_[e] == no_step) return named(e);
    const told_step& step = made_.steps[step_of_[e]];
    return step.label + " " + step.what + in_brackets(step.where);
  }

  static std::string in_brackets(const std::string& where) {
    return where.empty() ? "" : " (" + where + ")";
  }

  std::string label(event_id e) const {
    return "T" + std::to_string(graph_[e].thread) + "." + std::to_string(graph_[e].index);
  }

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
    const object_kind is = kind_of(told_, graph_[first].location);
    text += is_asleep_on(is) ? " sleeps" : " waits";
    if (step_of_[first] != no_step) {
      const told_step& step = made_.steps[step_of_[first]];
      if (!step.where.empty()) text += " at " + step.where;
      if (!step.source.empty()) text += ", `" + step.source + "`";
      made_.steps[step_of_[first]].culprit = true;
      made_.steps[step_of_[first]].remarks.emplace_back("waits for ever");
    }
    if (is != object_kind::word && graph_[first].kind == event_kind::update) {
      // Not kept from it: it has taken what it wants, and given it back.
      text +=
          ": it comes here again in each turn of a loop, in which nothing that it reads changes.";
    } else if (is == object_kind::mutex) {
      text += why_locked(first);
    } else if (is_asleep_on(is)) {
      text += why_asleep(first);
    } else if (is == object_kind::word) {
      text += why_unchanged(waits);
    } else {
      text += why_not_free(is, own[own.size() - 1]);
    }
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
    return text + ": for the end of T" + std::to_string(waits.joins) + what_it_does(waits.joins);
  }

  // The end of a sentence on a thread that others wait for.
  std::string what_it_does(unsigned thread, const char* else_it = "does not come") const {
    if (waits(thread)) return ", which waits itself.";
    const event_id last = graph_.last_of(thread);
    const auto& stopped = told_.stopped;
    if (std::find(stopped.begin(), stopped.end(), thread) != stopped.end()) {
      return last == initial ? ", which is stopped before its first operation."
                             : ", which is stopped after " + told(last) + ".";
    }
    const bool ended = last != initial && graph_[last].thread_life == lifetime::ends;
    return ended ? ", which has ended." : std::string(", which ") + else_it + ".";
  }

  std::string why_locked(event_id attempt) const {
    const unsigned by = holder(attempt);
    const std::string name = names_.location(graph_[attempt].location);
    std::string text = ": " + name + " is locked by T" + std::to_string(by);
    if (graph_[attempt].source != initial) text += ", in " + told(graph_[attempt].source);
    if (by == graph_[attempt].thread) return text + ": by the same thread.";
    return text + what_it_does(by, "does not unlock it");
  }

  // Of what has a state of its own: what the last look at it has found, and who has made it so.
  std::string why_not_free(object_kind is, event_id look) const {
    const event& e = graph_[look];
    const std::string name = names_.location(e.location);
    const std::uint64_t found = graph_.value_read(look);
    const std::string since = e.source == initial ? "" : ", since " + told(e.source);
    switch (is) {
      case object_kind::rwlock:
        if (found == writing) {
          return e.source == initial
                     ? ": " + name + " is locked."
                     : ": " + name + " is locked by T" + std::to_string(graph_[e.source].thread) +
                           ", in " + told(e.source) + what_it_does(graph_[e.source].thread);
        }
        return ": " + name + " is locked by who reads: " + counted(found, "thread") + since + ".";
      case object_kind::semaphore:
        return ": nothing is left in " + name + since + other_posts(e.location) + ".";
      case object_kind::barrier:
        return ": " + counted(found % one_round, "thread") + " came to " + name +
               " in this round, and no other comes" + since + ".";
      default:
        if (e.source != initial && graph_[e.source].thread == e.thread) {
          return ": it is being done by the same thread" + since + ".";
        }
        return e.source == initial
                   ? ": it is being done."
                   : ": it is being done by T" + std::to_string(graph_[e.source].thread) + since +
                         what_it_does(graph_[e.source].thread);
    }
  }

  // How often it was posted.
  std::string other_posts(location_id l) const {
    const auto& all = graph_.at(l).writes;
    const auto posts = std::count_if(all.begin(), all.end(), [this](event_id w) {
      return graph_[w].update == update_kind::add;
    });
    return posts == 0 ? "; nobody posts it"
                      : "; all of its posts are taken (" + std::to_string(posts) + ")";
  }

  bool waits(unsigned thread) const noexcept {
    return std::any_of(told_.waiting.begin(), told_.waiting.end(),
                       [&](const waiting_thread& each) { return each.thread == thread; });
  }

  // Which notifications there were, and whom they woke.
  std::string why_asleep(event_id sleeping) const {
    const location_id l = graph_[sleeping].location;
    const auto& own = graph_.thread(graph_[sleeping].thread);
    event_id entered = graph_[sleeping].source;
    for (std::size_t i = graph_[sleeping].index; i-- != 0;) {
      if (graph_[own[i]].location != l || !graph_[own[i]].writes()) continue;
      entered = own[i];
      break;
    }
    const object_kind is = kind_of(told_, l);
    std::string text = ": it waits on " + names_.location(l) + " for a notification since " +
                       label(entered) + what_was_read(entered) + ".";
    bool later = false;
    bool any = false;
    for (const event_id n : graph_.at(l).writes) {
      const sleepers_event now(graph_, n, is);
      if (!now.notifies()) continue;
      any = true;
      const bool before = graph_[n].position < graph_[entered].position;
      later = later || !before;
      text += " " + label(n) + " " + std::string(now.verb()) + in_brackets(where(n)) +
              (before ? " came before it slept" : " came later") + woken_by(n) + ".";
    }
    if (!any) return text + " Nobody notifies it.";
    return later ? text : text + " No notification came after that.";
  }

  std::string where(event_id e) const {
    return step_of_[e] == no_step ? "" : made_.steps[step_of_[e]].where;
  }

  // Of an atomic, its value is looked at before.
  std::string what_was_read(event_id entered) const {
    const event& e = graph_[entered];
    if (kind_of(told_, e.location) == object_kind::condition) return what_was_read_before(entered);
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
    const bool same = kind_of(told_, e.location) == object_kind::futex || value.place == e.place;
    if (value.kind != event_kind::read || !same) return "";
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

  // Of a condition variable, the last read before it, if there is one since the mutex was locked;
  // and who has written since.
  std::string what_was_read_before(event_id entered) const {
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

  // flag -> 0, from T1.4 store flag release = 0 (flag.hpp:12)
  std::string read_by(event_id e) const {
    const event& read = graph_[e];
    return names_.location(read.location) + " -> " +
           names_.value(graph_.value_read(e), step_of_[e] == no_step ? 0 : step_of_[e]) +
           (read.source == initial ? ", its initial value" : ", from " + told(read.source));
  }

  // Whom a notification has woken: what its thread does next on the same sleepers.
  std::string woken_by(event_id notification) const {
    const event& n = graph_[notification];
    const object_kind is = kind_of(told_, n.location);
    if (sleepers_event(graph_, notification, is).whom == 0) return ", when nobody slept";
    const auto& own = graph_.thread(n.thread);
    for (std::size_t i = n.index + 1u; i < own.size(); ++i) {
      if (graph_[own[i]].location != n.location) continue;
      const sleepers_event next(graph_, own[i], is);
      if (next.what == sleepers_event::kind::wake) return " and woke " + next.threads();
      if (next.what != sleepers_event::kind::retry) break;
    }
    return " and woke nobody";
  }

  // What a loop reads again and again, and the writes that would let it go on.
  std::string why_unchanged(const waiting_thread& waits) const {
    const auto& own = graph_.thread(waits.thread);
    std::string text;
    std::vector<location_id> seen;
    for (std::size_t i = waits.since; i != own.size(); ++i) {
      const event& read = graph_[own[i]];
      if (!read.reads() || std::find(seen.begin(), seen.end(), read.location) != seen.end())
        continue;
      seen.push_back(read.location);
      text += (text.empty() ? ": it reads " : " It reads ") + read_by(own[i]) + "." +
              other_values(own[i]);
    }
    return text.empty() ? "." : text;
  }

  // Writes of another value than the last: each comes before that one in mo, as all do.
  std::string other_values(event_id r) const {
    constexpr std::size_t most = 3;
    const event& read = graph_[r];
    const auto& co = graph_.at(read.location).writes;
    if (read.source == initial) return " Nobody writes it.";
    std::string text;
    std::size_t count = 0;
    for (std::size_t i = graph_[read.source].position; i-- != 0 && count != most;) {
      const event_id w = co[i];
      if (graph_[w].value == graph_.value_read(r) || graph_[w].thread == read.thread) continue;
      ++count;
      text += " " + told(w) + " comes earlier in mo than " + label(read.source) + ": " +
              (graph_.knows(graph_.happens_before(read.source), w)
                   ? "it happens before that."
                   : "nothing orders the two, and so it may.");
    }
    return text.empty() ? " No other thread writes another value." : text;
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

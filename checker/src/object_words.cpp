// SPDX-License-Identifier: MIT
#include "object_words.hpp"

#include "source_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace checker::telling {

std::string_view name_of(order o) noexcept {
  constexpr std::string_view names[] = {"relaxed", "acquire", "release", "acq_rel",
                                        "seq_cst", "light",   "heavy"};
  return names[static_cast<std::size_t>(o)];
}

std::string names_of_threads(std::uint64_t bits, std::string_view between) {
  std::string all;
  for (unsigned t = 0; bits != 0; ++t, bits >>= 1) {
    if ((bits & 1) == 0) continue;
    all.append(all.empty() ? "" : between).append("T" + std::to_string(t));
  }
  return all;
}

namespace {

std::string counted(std::uint64_t count, const std::string& what) {
  return std::to_string(count) + " " + what + (count == 1 ? "" : "s");
}

constexpr std::string_view any(std::string_view first, std::string_view second) noexcept {
  return first.empty() ? second : first;
}

// Of objects whose events are verb, name, and what is found there.
template <std::string_view (*Verb)(const execution_graph&, event_id),
          std::string (*Found)(const event&, std::uint64_t)>
std::string verb_and_found(const narrator& story, event_id id) {
  const event& e = story.graph()[id];
  std::string text = std::string(Verb(story.graph(), id)) + " " + story.name(e.location);
  if (e.reads()) text += Found(e, story.graph().value_read(id));
  return text;
}

event_id first_of(const narrator& story, const waiting_thread& waits) {
  return story.graph().thread(waits.thread)[waits.since];
}

// Not kept from what it wants: it has taken it, and given it back.
constexpr std::string_view comes_again =
    ": it comes here again in each turn of a loop, in which nothing that it reads changes.";

bool has_taken(const narrator& story, const waiting_thread& waits) {
  return story.graph()[first_of(story, waits)].kind == event_kind::update;
}

// Of an object whose last look tells why the thread waits.
template <std::string (*Why)(const narrator&, event_id)>
std::string why_not_free(const narrator& story, const waiting_thread& waits) {
  if (has_taken(story, waits)) return std::string(comes_again);
  return Why(story, story.graph().thread(waits.thread).back());
}

// ", since T1.4 ..."
std::string since(const narrator& story, event_id look) {
  const event_id source = story.graph()[look].source;
  return source == initial ? "" : ", since " + story.told(source);
}

std::string its_thread_does(const narrator& story, event_id e) {
  return story.what_it_does(story.graph()[e].thread, "does not come");
}

namespace word {

std::string_view verb_of(const event& e) noexcept {
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

std::string_view verb(const execution_graph& graph, event_id e) { return verb_of(graph[e]); }

std::string_view named_in(std::string_view line, const event& e) {
  if (e.update == update_kind::compare) {
    return object_of_call(line, {"compare_exchange_strong", "compare_exchange_weak"});
  }
  const std::string_view name = object_of_call(line, {verb_of(e)});
  if (!name.empty()) return name;
  // What the C++ library makes of atomics.
  return object_of_call(line, {"wait", "test", "test_and_set", "clear", "acquire", "release",
                               "arrive", "arrive_and_wait", "arrive_and_drop", "count_down"});
}

std::string what(const narrator& story, event_id id) {
  const event& e = story.graph()[id];
  std::string text = std::string(verb_of(e)) + " " + story.name(e.location) + " ";
  text += name_of(e.effective_order());
  if (e.kind == event_kind::write) return text + " = " + story.value_at(e.value, id);
  text += " -> " + story.value_at(story.graph().value_read(id), id);
  if (e.kind == event_kind::update) text += ", writes " + story.value_at(e.value, id);
  if (e.failed_spuriously) {
    text += ", fails spuriously";
  } else if (e.kind == event_kind::read && e.update == update_kind::compare) {
    text += ", fails, expected " + story.value_at(e.expected, id);
  }
  return text;
}

// Writes of another value than the last: each comes before that one in mo, as all do.
std::string other_values(const narrator& story, event_id r) {
  constexpr std::size_t most = 3;
  const execution_graph& graph = story.graph();
  const event& read = graph[r];
  const auto& co = graph.at(read.location).writes;
  if (read.source == initial) return " Nobody writes it.";
  std::string text;
  std::size_t count = 0;
  for (std::size_t i = graph[read.source].position; i-- != 0 && count != most;) {
    const event_id w = co[i];
    if (graph[w].value == graph.value_read(r) || graph[w].thread == read.thread) continue;
    ++count;
    text += " " + story.told(w) + " comes earlier in mo than " + story.label(read.source) + ": " +
            (graph.knows(graph.happens_before(read.source), w)
                 ? "it happens before that."
                 : "nothing orders the two, and so it may.");
  }
  return text.empty() ? " No other thread writes another value." : text;
}

// What a loop reads again and again, and the writes that would let it go on.
std::string why(const narrator& story, const waiting_thread& waits) {
  const execution_graph& graph = story.graph();
  const auto& own = graph.thread(waits.thread);
  std::string text;
  std::vector<location_id> seen;
  for (std::size_t i = waits.since; i != own.size(); ++i) {
    const event& read = graph[own[i]];
    if (!read.reads() || std::find(seen.begin(), seen.end(), read.location) != seen.end()) continue;
    seen.push_back(read.location);
    text += (text.empty() ? ": it reads " : " It reads ") + story.read_by(own[i]) + "." +
            other_values(story, own[i]);
  }
  return text.empty() ? "." : text;
}

constexpr object_words words{
    .name = "atomic", .named_in = named_in, .verb = verb, .what = what, .why = why};

}  // namespace word

std::string_view lock_named_in(std::string_view line, const event&) {
  return any(
      argument_of(line, {"lock_guard", "unique_lock", "scoped_lock", "shared_lock",
                         "pthread_mutex_lock", "pthread_mutex_unlock", "pthread_rwlock_rdlock",
                         "pthread_rwlock_wrlock", "pthread_rwlock_unlock", "pthread_spin_lock"}),
      object_of_call(
          line, {"lock", "try_lock", "unlock", "lock_shared", "try_lock_shared", "unlock_shared"}));
}

// Its holder, one more than the index of a thread; 0: nobody.
namespace mutex {

std::string_view verb(const execution_graph& graph, event_id id) {
  const event& e = graph[id];
  if (e.kind == event_kind::read && e.update == update_kind::none) return "destroy";
  return e.update == update_kind::compare ? "lock" : "unlock";
}

std::string found(const event& e, std::uint64_t held) {
  if (e.kind != event_kind::read || held == 0) return {};
  return ": T" + std::to_string(held - 1) + " has it";
}

std::string why(const narrator& story, const waiting_thread& waits) {
  if (has_taken(story, waits)) return std::string(comes_again);
  const event_id attempt = first_of(story, waits);
  const event& e = story.graph()[attempt];
  const auto by = static_cast<unsigned>(story.graph().value_read(attempt)) - 1;
  std::string text = ": " + story.name(e.location) + " is locked by T" + std::to_string(by);
  if (e.source != initial) text += ", in " + story.told(e.source);
  if (by == e.thread) return text + ": by the same thread.";
  return text + story.what_it_does(by, "does not unlock it");
}

constexpr object_words words{.name = "mutex",
                             .otherwise = "mutex",
                             .at_first = "nobody locked it before",
                             .hides_behind_locks = true,
                             .named_in = lock_named_in,
                             .verb = verb,
                             .what = verb_and_found<verb, found>,
                             .why = why};

}  // namespace mutex

// Threads as bits, below those that count the notifications.
namespace sleeping {

constexpr unsigned most_threads(object_kind is) noexcept {
  return is == object_kind::sleepers ? 32 : 40;
}

// What an event does there, for whoever knows no such thing.
enum class action : std::uint8_t {
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

struct step_of_sleepers {
  action what;
  std::uint64_t whom = 0;  // threads, as bits

  bool notifies() const noexcept {
    return what == action::notify_one || what == action::notify_all;
  }
};

// Whether the last thing that the thread did here was to go to sleep.
bool has_slept(const execution_graph& graph, const event& e, std::uint64_t own) {
  for (std::size_t i = e.index; i-- != 0;) {
    const event& before = graph[graph.thread(e.thread)[i]];
    if (before.location == e.location) return before.writes() && (before.value & own) != 0;
  }
  return false;
}

template <object_kind Is>
step_of_sleepers step_of(const execution_graph& graph, event_id id) {
  constexpr unsigned most = most_threads(Is);
  constexpr std::uint64_t everyone = (std::uint64_t{1} << most) - 1;
  const event& e = graph[id];
  const std::uint64_t own = std::uint64_t{1} << e.thread % most;
  const std::uint64_t before = graph.value_read(id);
  const bool enters =
      e.update == update_kind::bit_or ||
      (e.update == update_kind::compare && (e.operand & own) != 0 && (e.expected & own) == 0);
  if (e.update == update_kind::add) {
    return {e.operand == everyone + 1 ? action::notify_one : action::notify_all, before & everyone};
  }
  if (e.kind == event_kind::update) {
    if (enters) return {action::enter};
    const bool by_itself = e.update == update_kind::bit_and && e.operand == ~own;
    return {by_itself ? action::wake_up : action::wake, before & ~e.value & everyone};
  }
  if (e.update == update_kind::compare) return {action::retry};
  if ((before & own) != 0) return {action::sleep};
  if (has_slept(graph, e, own)) return {action::wake_up};
  return {Is == object_kind::condition ? action::destroy : action::look};
}

// The verb of the call that it belongs to. Of a futex that may be one of several.
template <object_kind Is>
std::string_view verb(const execution_graph& graph, event_id id) {
  constexpr std::string_view verbs[] = {"wait",       "wait", "wait", "wait",   "notify_one",
                                        "notify_all", "wake", "wait", "destroy"};
  const step_of_sleepers now = step_of<Is>(graph, id);
  if (Is == object_kind::futex && now.notifies()) return "wake";
  return verbs[static_cast<std::size_t>(now.what)];
}

template <object_kind Is>
std::string what(const narrator& story, event_id id) {
  const step_of_sleepers now = step_of<Is>(story.graph(), id);
  const std::string name = story.name(story.graph()[id].location);
  switch (now.what) {
    case action::look:
      return "wait on " + name;
    case action::enter:
      return "go to sleep on " + name;
    case action::sleep:
      return "sleep on " + name;
    case action::wake_up:
      return "wake up on " + name;
    case action::wake:
      return "wake " + names_of_threads(now.whom) + " on " + name;
    case action::retry:
      return "look again on " + name;
    case action::destroy:
      return "destroy " + name;
    case action::notify_one:
    case action::notify_all:
      break;
  }
  const std::string found =
      now.whom == 0 ? "nobody sleeps" : names_of_threads(now.whom) + " may be woken";
  return std::string(verb<Is>(story.graph(), id)) + " " + name + ": " + found;
}

std::string_view named_in(std::string_view line, const event&) {
  return any(object_of_call(line, {"wait", "notify_one", "notify_all"}),
             argument_of(line, {"pthread_cond_wait", "pthread_cond_timedwait",
                                "pthread_cond_signal", "pthread_cond_broadcast"}));
}

// Whom a notification has woken: what its thread does next on the same sleepers.
template <object_kind Is>
std::string woken_by(const execution_graph& graph, event_id notification) {
  const event& n = graph[notification];
  if (step_of<Is>(graph, notification).whom == 0) return ", when nobody slept";
  const auto& own = graph.thread(n.thread);
  for (std::size_t i = n.index + 1u; i < own.size(); ++i) {
    if (graph[own[i]].location != n.location) continue;
    const step_of_sleepers next = step_of<Is>(graph, own[i]);
    if (next.what == action::wake) return " and woke " + names_of_threads(next.whom);
    if (next.what != action::retry) break;
  }
  return " and woke nobody";
}

template <object_kind Is>
std::string read_before(const narrator& story, event_id entered) {
  if (Is == object_kind::condition) return story.read_before(entered);
  return story.read_of_atomic(entered, Is == object_kind::sleepers);
}

// Which notifications there were, and whom they woke.
template <object_kind Is>
std::string why(const narrator& story, const waiting_thread& waits) {
  if (has_taken(story, waits)) return std::string(comes_again);
  const execution_graph& graph = story.graph();
  const event_id sleeping = first_of(story, waits);
  const location_id l = graph[sleeping].location;
  const auto& own = graph.thread(waits.thread);
  event_id entered = graph[sleeping].source;
  for (std::size_t i = graph[sleeping].index; i-- != 0;) {
    if (graph[own[i]].location != l || !graph[own[i]].writes()) continue;
    entered = own[i];
    break;
  }
  std::string text = ": it waits on " + story.name(l) + " for a notification since " +
                     story.label(entered) + read_before<Is>(story, entered) + ".";
  bool later = false;
  bool any_came = false;
  for (const event_id n : graph.at(l).writes) {
    if (!step_of<Is>(graph, n).notifies()) continue;
    any_came = true;
    const bool before = graph[n].position < graph[entered].position;
    later = later || !before;
    text += " " + story.label(n) + " " + std::string(verb<Is>(graph, n)) + story.line_of(n) +
            (before ? " came before it slept" : " came later") + woken_by<Is>(graph, n) + ".";
  }
  if (!any_came) return text + " Nobody notifies it.";
  return later ? text : text + " No notification came after that.";
}

template <object_kind Is>
constexpr object_words words_of_sleepers() {
  return {.at_first = "nobody slept or notified before",
          .sleeps = true,
          .named_in = named_in,
          .verb = verb<Is>,
          .what = what<Is>,
          .why = why<Is>};
}

constexpr object_words in_a_model() {
  object_words words = words_of_sleepers<object_kind::sleepers>();
  words.name = "condition";
  words.otherwise = "a condition";
  words.is_beside_another = true;
  return words;
}

constexpr object_words on_a_condition_variable() {
  object_words words = words_of_sleepers<object_kind::condition>();
  words.name = "condition variable";
  return words;
}

constexpr object_words on_a_futex() {
  object_words words = words_of_sleepers<object_kind::futex>();
  words.name = "atomic";
  words.is_beside_another = true;
  words.is_called_as_its_word = true;
  return words;
}

}  // namespace sleeping

// How many read; or the highest bit: somebody writes.
namespace rwlock {

constexpr std::uint64_t writing = 0x8000'0000;

std::string_view verb(const execution_graph& graph, event_id id) {
  const event& e = graph[id];
  if (e.kind == event_kind::write) return "unlock";
  if (e.update == update_kind::sub) return "unlock_shared";
  if (e.update != update_kind::compare) return "look at";
  return e.operand == writing ? "lock" : "lock_shared";
}

std::string found(const event& e, std::uint64_t readers) {
  if (e.update == update_kind::sub) return {};
  if (readers == writing) return ": it is locked";
  return readers == 0 ? "" : ": " + counted(readers, "thread") + " read";
}

std::string why(const narrator& story, event_id look) {
  const event& e = story.graph()[look];
  const std::string name = story.name(e.location);
  const std::uint64_t readers = story.graph().value_read(look);
  if (readers != writing) {
    return ": " + name + " is locked by who reads: " + counted(readers, "thread") +
           since(story, look) + ".";
  }
  if (e.source == initial) return ": " + name + " is locked.";
  return ": " + name + " is locked by T" + std::to_string(story.graph()[e.source].thread) +
         ", in " + story.told(e.source) + its_thread_does(story, e.source);
}

constexpr object_words words{.name = "lock",
                             .at_first = "nobody locked it before",
                             .named_in = lock_named_in,
                             .verb = verb,
                             .what = verb_and_found<verb, found>,
                             .why = why_not_free<why>};

}  // namespace rwlock

// What is left.
namespace semaphore {

std::string_view verb(const execution_graph& graph, event_id id) {
  const event& e = graph[id];
  if (e.update == update_kind::add) return "post";
  return e.update == update_kind::compare ? "take from" : "look at";
}

std::string found(const event&, std::uint64_t left) {
  return ": " + std::to_string(left) + " left";
}

std::string_view named_in(std::string_view line, const event&) {
  return argument_of(line, {"sem_wait", "sem_post", "sem_trywait", "sem_timedwait"});
}

std::string why(const narrator& story, event_id look) {
  const location_id l = story.graph()[look].location;
  const auto& all = story.graph().at(l).writes;
  const auto posts = std::count_if(all.begin(), all.end(), [&](event_id w) {
    return story.graph()[w].update == update_kind::add;
  });
  return ": nothing is left in " + story.name(l) + since(story, look) +
         (posts == 0 ? "; nobody posts it"
                     : "; all of its posts are taken (" + std::to_string(posts) + ")") +
         ".";
}

constexpr object_words words{.name = "semaphore",
                             .at_first = "as it began",
                             .named_in = named_in,
                             .verb = verb,
                             .what = verb_and_found<verb, found>,
                             .why = why_not_free<why>};

}  // namespace semaphore

// How many have arrived in this round, and above 32 bits the round.
namespace barrier {

constexpr std::uint64_t one_round = std::uint64_t{1} << 32;

std::string_view verb(const execution_graph& graph, event_id id) {
  return graph[id].update == update_kind::compare ? "arrive at" : "look at";
}

std::string found(const event&, std::uint64_t arrived) {
  if (arrived % one_round == 0) return ": nobody has come in this round";
  return ": " + counted(arrived % one_round, "thread") + " came before in this round";
}

std::string_view named_in(std::string_view line, const event&) {
  return argument_of(line, {"pthread_barrier_wait"});
}

std::string why(const narrator& story, event_id look) {
  return ": " + counted(story.graph().value_read(look) % one_round, "thread") + " came to " +
         story.name(story.graph()[look].location) + " in this round, and no other comes" +
         since(story, look) + ".";
}

constexpr object_words words{.name = "barrier",
                             .at_first = "nobody came before",
                             .named_in = named_in,
                             .verb = verb,
                             .what = verb_and_found<verb, found>,
                             .why = why_not_free<why>};

}  // namespace barrier

// 0; 1: somebody does it; 2: it is done.
namespace once {

std::string_view verb(const execution_graph& graph, event_id id) {
  if (graph[id].kind == event_kind::write) return "end";
  return graph[id].kind == event_kind::update ? "begin" : "look at";
}

std::string found(const event& e, std::uint64_t state) {
  if (e.kind == event_kind::update) return {};
  return state == 1 ? ": it is being done" : ": it is done";
}

std::string_view named_in(std::string_view line, const event&) {
  return argument_of(line, {"call_once", "pthread_once"});
}

std::string why(const narrator& story, event_id look) {
  const event& e = story.graph()[look];
  if (e.source == initial) return ": it is being done.";
  const unsigned by = story.graph()[e.source].thread;
  if (by == e.thread) return ": it is being done by the same thread" + since(story, look) + ".";
  return ": it is being done by T" + std::to_string(by) + since(story, look) +
         its_thread_does(story, e.source);
}

constexpr object_words words{.name = "flag of what is done once",
                             .at_first = "nobody began it before",
                             .named_in = named_in,
                             .verb = verb,
                             .what = verb_and_found<verb, found>,
                             .why = why_not_free<why>};

}  // namespace once

// By object_kind.
constexpr object_words all_words[] = {
    word::words,
    mutex::words,
    sleeping::in_a_model(),
    sleeping::on_a_condition_variable(),
    sleeping::on_a_futex(),
    rwlock::words,
    semaphore::words,
    barrier::words,
    once::words,
};

}  // namespace

const object_words& words_of(object_kind is) noexcept {
  return all_words[static_cast<std::size_t>(is)];
}

}  // namespace checker::telling

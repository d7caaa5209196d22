// SPDX-License-Identifier: MIT
#include "pool_clients.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <iterator>
#include <string>
#include <string_view>
#include <utility>

namespace poolproof::proofs {
namespace {

// What every pool's client may do. Events in front of a call are about that call alone.
const std::vector<letter> calls{
    {'p', "put a new item"},
    {'g', "get; its factory makes nothing"},
    {'r', "rotate: one cycle"},
    {'k', "put back the item that it has taken last"},
    {'t', "try_get"},
    {'b', "borrow; its factory makes nothing"},
    {'e', "return the oldest handle"},
    {'d', "detach the item of the oldest handle"},
    {'m', "move the oldest handle, and move it back"},
    {'a', "assign the newest handle to the oldest, or to itself"},
    {'R', "rotate_all: one cycle of every pool"},
    {'s', "stats"},
    {'u', "put an item whose destructor puts another"},
    {'v', "put an item whose destructor gets one"},
    {'x', "the pool's end; others may then only return handles, or be in rotate_all"},
};
// And where there are magazines: what takes or gives several of one's items at once. Of two items,
// which it does not know to be few, and of as many as are there.
const std::vector<letter> calls_of_several{
    {'n', "get_n until the first miss, whose factory throws"},
    {'q', "put_range of two new items"},
};
// Which few programs need. Of a pool without hooks, which may refuse what reserve has made.
const std::vector<letter> rare_calls{
    {'T', "try_get_near"},
    {'w', "reserve two items; its factory makes them"},
};
// And of a pool with hooks.
const std::vector<letter> calls_of_upkeep{
    {'f', "put a new item that its reset refuses"},
    {'F', "return the oldest handle, whose item its reset then refuses"},
};
const std::vector<letter> events{
    {'*', "the factory makes an item, in the next call"},
    {'%', "the factory throws, in the next call"},
    {'1', "its first request for memory is refused, of the next call"},
    {'2', "its second request for memory is refused, of the next call"},
    {'3', "its third request for memory is refused, of the next call"},
};
const std::vector<letter> events_of_two_cpus{
    {'>', "the thread is on the next CPU from now on"},
    {'~', "the thread may migrate once, in the next call"},
};
const std::vector<letter> events_of_sections{
    {'!', "a section may be interrupted once, in the next call"},
    {'z', "the kernel refuses to restart sections, once, in the next call"},
    {'Z', "the kernel refuses to restart sections, in the next call"},
    {'-', "the kernel runs no sections of this thread from now on"},
};
const std::vector<letter> events_of_clocks{
    {'c', "the clock passes the interval of automatic cycles"},
    {'h', "it passes half of it, in which the work of the last cycle is due"},
    {'C', "it passes three of them at once, for which one cycle begins"},
};

constexpr bool is_call(char sign) noexcept {
  return std::string_view("pgrktbedmaRsuvxfFnqTw").find(sign) != std::string_view::npos;
}

// What takes effect at once, and is not about the next call.
constexpr bool is_at_once(char sign) noexcept {
  return std::string_view(">-chC").find(sign) != std::string_view::npos;
}

std::size_t count(std::string_view of, std::string_view signs) {
  return static_cast<std::size_t>(std::count_if(
      of.begin(), of.end(), [&](char sign) { return signs.find(sign) != std::string_view::npos; }));
}

// Why a script makes no sense, if so; what comes before it may have taken something.
std::string objection_to(const script& of, bool others_follow) {
  bool ended = false;
  bool open = false;
  std::size_t taken = 0;
  for (const char& sign : of) {
    if (ended && count(std::string(1, sign), "eFdmaR") == 0)
      return "after the pool's end only e, F, d, m, a, R";
    if (sign == '-' && &sign != of.data()) return "'-' comes first in its script";
    if (sign == 'k' && taken-- == 0)
      return "'k' has nothing to put back: it comes after a 'g', 't', 'T' or 'n'";
    taken += count(std::string(1, sign), "gtTdn");
    const char before = &sign != of.data() ? *(&sign - 1) : ' ';
    if (sign == 'n' && count(std::string(1, before), "*%") != 0)
      return "the factory of 'n' throws in any case";
    if (sign == 'w' && before == '*') return "the factory of 'w' makes items in any case";
    ended = ended || sign == 'x';
    open = !is_call(sign);
  }
  if (open && !(others_follow && is_at_once(of.back()))) return "an event needs a call behind it";
  return "";
}

// What a thread would make or hold too much of; and what comes before and after the threads,
// together.
std::string objection_to_number(std::string_view of, std::size_t most_made) {
  if (count(of, "pufv*qw") + count(of, "qw") > most_made) {
    return "more items than a script may make: " + std::to_string(most_made);
  }
  if (count(of, "b") > most_handles) {
    return "more handles than a script may borrow: " + std::to_string(most_handles);
  }
  return "";
}

std::string objection_to(const client& asked) {
  std::size_t given = 0;
  std::size_t ends = 0;
  std::string all;
  for (const script& each : asked.threads) {
    if (each.empty()) return "a thread without a call";
    if (auto wrong = objection_to(each, false); !wrong.empty()) return wrong;
    if (auto wrong = objection_to_number(each, most_made); !wrong.empty()) return wrong;
    given += handles_needed(each).given;
    ends += count(each, "x");
    all += each;
  }
  if (auto wrong = objection_to(asked.before, true); !wrong.empty()) return wrong;
  if (auto wrong = objection_to(asked.after, false); !wrong.empty()) return wrong;
  if (count(asked.before, "x~!") + count(asked.after, "~!") != 0) {
    return "'~' and '!' are choices of threads, and 'x' ends the pool";
  }
  if (auto wrong = objection_to_number(asked.before + asked.after, most_made_alone);
      !wrong.empty()) {
    return wrong;
  }
  const std::size_t left = count(asked.before, "b") - count(asked.before, "eFd");
  if (given > left) return "a handle is missing: borrow it in the thread, or before the threads";
  if (handles_needed(asked.before).given + handles_needed(asked.after).given != 0) {
    return "a handle is missing";
  }
  if (ends + count(asked.after, "x") > 1) return "a pool ends once";
  if (ends == 0) return "";
  if (!asked.after.empty()) return "nothing comes after the pool's end";
  for (const script& each : asked.threads) {
    if (count(each, "x") == 0 && count(each, "pgrktbsuvfnqTw") != 0) {
      return "beside the pool's end others may only use handles, or be in rotate_all";
    }
  }
  if (count(all + asked.before, "b") != 0 &&
      (all.find("zx") != std::string::npos || all.find("Zx") != std::string::npos)) {
    return "a pool that has lent leaks its core if the kernel refuses its end";
  }
  if (asked.threads.size() > 1 && count(all + asked.before, "uv") != 0) {
    return "beside others a destructor must not use a pool that ends";
  }
  return "";
}

// The threads are on the CPUs in turn: threads whose numbers differ by a multiple of that are
// alike, and only one order of their scripts is needed.
bool in_order(const client& begun, unsigned cpus) {
  const std::size_t last = begun.threads.size() - 1;
  return last < cpus || begun.threads[last - cpus] <= begun.threads[last];
}

// Which clients a family explores, by size. A client has one event at most; that a factory makes an
// item is none, but a part of its call. Its size is the number of its calls, and one each for an
// event, for calls before the threads and for calls after them; but of clients of put, get and
// rotate alone an event counts nothing, and without an event nothing does but the calls of the
// threads.
struct enumeration {
  std::string calls;  // letters
  std::string events;
  bool factory_makes;  // it may, in front of a get or a borrow
  std::vector<script> befores;
  std::vector<script> afters;
  std::size_t most_threads;
  unsigned cpus;
  std::string needed;  // a client without one of these letters is another family's; none: all

  // Those of some letters, with nothing around their threads; all if none is named.
  enumeration only(const std::string& of) const {
    enumeration some = *this;
    if (of.empty()) return some;
    const auto is_other = [&](char sign) { return of.find(sign) == std::string::npos; };
    std::erase_if(some.calls, is_other);
    std::erase_if(some.events, is_other);
    some.factory_makes = factory_makes && !is_other(makes);
    some.befores = some.afters = {""};
    return some;
  }

  std::vector<client> of_size(std::size_t size) const {
    require_few_scripts(calls.size() + events.size() + (factory_makes ? 2 : 0), size);
    std::vector<client> all;
    for (std::size_t letters = size > 2 ? size - 2 : 1; letters <= size; ++letters) {
      add({}, letters, calls, size, all);
    }
    std::string plain_calls(plain);
    std::erase_if(plain_calls, [&](char sign) { return calls.find(sign) == std::string::npos; });
    add({}, size + 1, plain_calls, size, all);
    return all;
  }

 private:
  static constexpr std::string_view plain = "pgr";
  static constexpr char makes = '*';

  std::size_t size_of(const client& of) const {
    std::size_t letters = 0;
    std::size_t happens = 0;
    std::size_t others = 0;
    for (const script& each : of.threads) {
      const std::size_t made = count(each, {&makes, 1});
      letters += each.size() - made;
      happens += count(each, events);
      others += count(each, calls) - count(each, plain) + made;
    }
    const std::size_t around = (of.before.empty() ? 0u : 1u) + (of.after.empty() ? 0u : 1u);
    if (others != 0) return letters + around;
    return letters - happens + (happens == 0 ? 0 : around);
  }

  // All scripts of so many letters; with what the factory makes a call is one letter.
  std::vector<script> scripts_with(std::string of, std::size_t length) const {
    static constexpr std::array<std::pair<char, std::string_view>, 2> made{
        {{'G', "*g"}, {'B', "*b"}}};
    for (const auto& [sign, call] : made) {
      if (factory_makes && of.find(call.back()) != std::string::npos) of += sign;
    }
    std::vector<script> all = scripts_of(of, length);
    for (script& each : all) {
      for (const auto& [sign, call] : made) {
        for (auto at = each.find(sign); at != script::npos; at = each.find(sign)) {
          each.replace(at, 1, call);
        }
      }
    }
    return all;
  }

  // All clients that begin so, with `left` further letters in their threads, and each of what may
  // come before and after them.
  void add(const client& begun, std::size_t left, const std::string& of, std::size_t size,
           std::vector<client>& all) const {
    if (left == 0) add_around(begun, size, all);
    if (begun.threads.size() == most_threads) return;
    std::size_t used = 0;
    for (const script& each : begun.threads) used += count(each, events);
    for (std::size_t length = 1; length <= left; ++length) {
      for (script& next : scripts_with(of + events, length)) {
        if (used + count(next, events) > 1 || !objection_to(next, false).empty()) continue;
        client longer = begun;
        longer.threads.push_back(std::move(next));
        if (in_order(longer, cpus)) add(longer, left - length, of, size, all);
      }
    }
  }

  bool is_wanted(const client& whole) const {
    return needed.empty() ||
           std::any_of(whole.threads.begin(), whole.threads.end(),
                       [&](const script& each) { return count(each, needed) != 0; });
  }

  void add_around(const client& alone, std::size_t size, std::vector<client>& all) const {
    client whole = alone;
    for (const script& before : befores) {
      for (const script& after : afters) {
        whole.before = before;
        whole.after = after;
        if (size_of(whole) == size && is_wanted(whole) && objection_to(whole).empty()) {
          all.push_back(whole);
        }
      }
    }
  }
};

std::string signs_of(const std::vector<letter>& letters) {
  std::string all;
  for (const letter& each : letters) all += each.sign;
  return all;
}

void append(std::vector<letter>& to, const std::vector<letter>& more) {
  to.insert(to.end(), more.begin(), more.end());
}

constexpr std::string_view property =
    "what was seen is what the specification allows, in some order (proofs/specification.hpp)";

// Before the threads: nothing, so that the first use is inside; a first use alone, and one that
// cycles have gone by since; some items, some of another CPU, and an item on each; so many that a
// full magazine has let go of some, and has none any more; an item that is a victim, and a younger
// one; handles; an interval that is over, and of two gets the first.
const std::vector<script> befores{"",     "g",    "grr", "p",  "pp",   "pppp", "pppppppg",
                                  ">pp>", ">p>p", "prp", "*b", "*b*b", "ppcgp"};
// After them: what is left is taken out by gets; or destroyed by the pool's end; or by two cycles;
// or counted before.
const std::vector<script> afters{"", "x", "rr", "s"};

family family_of(std::string_view name, std::string_view bound, pool_setting setting, bool sections,
                 pool_player* play, const std::vector<letter>& needed = {}) {
  std::vector<letter> happens = events;
  if (setting.cpus > 1) append(happens, events_of_two_cpus);
  if (sections) append(happens, events_of_sections);
  if (setting.automatic_cycles) append(happens, events_of_clocks);
  std::vector<letter> made = calls;
  // With smaller sizes a round of several takes is one tick of the clock, or more; and a pool with
  // hooks moves one at a time.
  if (sections && !setting.automatic_cycles && !setting.has_upkeep())
    append(made, calls_of_several);
  if (setting.has_upkeep()) append(made, calls_of_upkeep);
  append(made, needed);
  std::vector<letter> all = made;
  append(all, happens);
  std::vector<script> possible;
  std::copy_if(befores.begin(), befores.end(), std::back_inserter(possible),
               [known = signs_of(all)](const script& each) {
                 return each.find_first_not_of(known) == script::npos;
               });
  std::string at_most_one = signs_of(happens);
  const bool factory_makes = std::erase(at_most_one, '*') != 0;
  const enumeration clients{.calls = signs_of(made),
                            .events = std::move(at_most_one),
                            .factory_makes = factory_makes,
                            .befores = std::move(possible),
                            .afters = afters,
                            .most_threads = 3,
                            .cpus = setting.cpus,
                            .needed = signs_of(needed)};
  return {.name = name,
          .letters = std::move(all),
          .property = property,
          .bound = bound,
          .least_threads = 1,
          .most_threads = 4,
          .most_calls = most_calls_of_client,
          .plays_around = true,
          .of_size = [clients](std::size_t size,
                               const std::string& of) { return clients.only(of).of_size(size); },
          .make = [setting, play](const client& played) { return play(played, setting); },
          .objection = [](const client& asked) { return objection_to(asked); },
          .begins_in = [setting](std::size_t t) { return setting.cpu_of(t); },
          .makes_fences = sections};
}

}  // namespace

std::vector<family> pool_families() {
  const pool_setting small{.cpus = 2, .patience = 2, .automatic_cycles = true};
  const pool_setting narrow_one{.cpus = 1, .patience = 2, .automatic_cycles = true};
  // The first thread's CPU has a shard of its own, the second's shares the one that nobody has
  // begun.
  const pool_setting beyond{.cpus = 3, .cpus_told = 2, .first_cpu = 1};
  return {
      family_of("object_pool_one_cpu", "portable pin, private parts of 2, 1 CPU", {.cpus = 1},
                false, portable_player),
      family_of("object_pool_two_cpus",
                "portable pin, private parts of 2, 2 CPUs, a shard that begins inside", {.cpus = 2},
                false, portable_player),
      family_of("object_pool_sections_one_cpu", "sections, magazines of 2, 1 CPU", {.cpus = 1},
                true, section_player),
      family_of("object_pool_sections_two_cpus",
                "sections, magazines of 2, 2 CPUs, a shard that begins inside", {.cpus = 2}, true,
                section_player),
      family_of("object_pool_small",
                "portable pin, private parts of 2, 2 CPUs, rings from 2 on, batches of 2, budgets "
                "of 1, automatic cycles",
                small, false, small_portable_player),
      family_of("object_pool_sections_small",
                "sections, magazines of 3, 2 CPUs, rings from 2 on, batches of 2, budgets of 1, "
                "automatic cycles",
                small, true, small_section_player),
      family_of("wide_pool_three_cpus",
                "portable pin, private parts of 2, 3 CPUs, shards that begin inside", {.cpus = 3},
                false, portable_player),
      family_of("wide_pool_beyond",
                "portable pin, private parts of 2, 3 CPUs, of which the pool is told 2", beyond,
                false, portable_player),
      family_of("wide_pool_sections_beyond",
                "sections, magazines of 2, 3 CPUs, of which the pool is told 2", beyond, true,
                section_player),
      family_of(
          "narrow_pool_one_cpu",
          "portable pin, private parts of 1, 1 CPU, rings from 2 on, batches of 1, budgets of "
          "2, automatic cycles",
          narrow_one, false, narrow_portable_player),
      family_of("narrow_pool_two_cpus",
                "portable pin, private parts of 1, 2 CPUs, rings from 2 on, batches of 1, budgets "
                "of 2, automatic cycles",
                small, false, narrow_portable_player),
      family_of("narrow_pool_sections_one_cpu",
                "sections, magazines of 2, 1 CPU, rings from 2 on, batches of 1, budgets of 2, "
                "automatic cycles",
                narrow_one, true, narrow_section_player),
      family_of("narrow_pool_sections_two_cpus",
                "sections, magazines of 2, 2 CPUs, rings from 2 on, batches of 1, budgets of 2, "
                "automatic cycles",
                small, true, narrow_section_player),
      family_of("rare_pool_two_cpus",
                "portable pin, private parts of 2, 2 CPUs, try_get_near or reserve is called",
                {.cpus = 2}, false, portable_player, rare_calls),
      family_of("rare_pool_sections_one_cpu",
                "sections, magazines of 2, 1 CPU, try_get_near or reserve is called", {.cpus = 1},
                true, section_player, rare_calls),
      family_of("rare_pool_sections_two_cpus",
                "sections, magazines of 2, 2 CPUs, try_get_near or reserve is called", {.cpus = 2},
                true, section_player, rare_calls),
      family_of("upkept_pool_one_cpu",
                "portable pin, private parts of 2, 1 CPU, one item at most, hooks",
                {.cpus = 1, .most_items = 1}, false, portable_player),
      family_of("upkept_pool_two_cpus",
                "portable pin, private parts of 2, 2 CPUs, two items at most, hooks",
                {.cpus = 2, .most_items = 2}, false, portable_player),
      family_of("upkept_pool_sections", "sections, magazines of 2, 2 CPUs, one item at most, hooks",
                {.cpus = 2, .most_items = 1}, true, section_player),
      family_of("upkept_pool_idle",
                "portable pin, private parts of 2, 2 CPUs, a cycle leaves one item, hooks",
                {.cpus = 2, .least_items = 1}, false, portable_player),
      family_of("upkept_pool_idle_sections",
                "sections, magazines of 2, 2 CPUs, a cycle leaves one item, hooks",
                {.cpus = 2, .least_items = 1}, true, section_player),
  };
}

}  // namespace poolproof::proofs

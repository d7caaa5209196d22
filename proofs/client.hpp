// SPDX-License-Identifier: MIT
// What is proved: every small client of a header. A client is a program of a few threads, each of
// which makes a few calls; a family enumerates all clients of a size, symmetric ones once.
//
// Stands on: the checker.
#pragma once

#include <checker/model.hpp>

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <stdexcept>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::proofs {

// The calls of one thread, a letter each.
using script = std::string;

struct client {
  std::vector<script> threads;
  script before = {};  // made by one thread alone, before the threads
  script after = {};   // and after them

  // As it is called on the command line: the threads' scripts with a bar between them; what comes
  // before and after them is set off by a slash.
  std::string name() const {
    std::string all = before.empty() && after.empty() ? "" : before + '/';
    for (const script& each : threads) all += (&each == threads.data() ? "" : "|") + each;
    return after.empty() ? all : all + '/' + after;
  }

  std::size_t calls() const {
    std::size_t count = 0;
    for (const script& each : threads) count += each.size();
    return count;
  }

  friend bool operator==(const client&, const client&) = default;
};

// Whether its threads' scripts have these letters alone, and nothing comes before or after them.
inline bool consists_of(const client& played, std::string_view letters) {
  return played.before.empty() && played.after.empty() &&
         std::all_of(played.threads.begin(), played.threads.end(), [&](const script& each) {
           return each.find_first_not_of(letters) == script::npos;
         });
}

// A call that a script can make.
struct letter {
  enum class of : std::uint8_t { any_thread, first_thread, other_threads };

  char sign;
  std::string_view help;
  of whose = of::any_thread;

  bool is_for(std::size_t thread) const noexcept {
    return whose == of::any_thread || (whose == of::first_thread) == (thread == 0);
  }
};

struct family {
  std::string_view name;
  std::vector<letter> letters;
  std::string_view property;  // what is checked in every execution
  std::string_view bound;     // what all its clients have in common
  std::size_t least_threads;
  std::size_t most_threads;
  std::size_t most_calls;     // that a client can make in all
  bool plays_around = false;  // whether something may come before and after the threads
  // Those of a number of calls; if letters are named, only of these.
  std::function<std::vector<client>(std::size_t calls, const std::string& letters)> of_size;
  std::function<std::unique_ptr<checker::program>(const client& played)> make;
  // Why a client of its letters makes no sense; empty if it does.
  std::function<std::string(const client& asked)> objection = [](const client&) { return ""; };
  // Where a thread begins: threads that begin in the same place and make the same calls are alike.
  std::function<unsigned(std::size_t thread)> begins_in;
  // Whether calls make acquire fences: no reads can be merged then, which each search would find
  // out.
  bool makes_fences = false;
};

inline std::string text_of(const std::vector<letter>& letters) {
  std::string all;
  for (const letter& each : letters) {
    all += (all.empty() ? "" : ", ") + std::string(1, each.sign) + ' ' + std::string(each.help);
    if (each.whose == letter::of::first_thread) all += " (first thread)";
    if (each.whose == letter::of::other_threads) all += " (other threads)";
  }
  return all;
}

// Which letter of a script the family does not have, or not for a thread; empty if there is none.
inline std::string unknown_letter(const family& of, const script& asked, std::size_t thread) {
  for (const char sign : asked) {
    const auto known = std::find_if(of.letters.begin(), of.letters.end(),
                                    [&](const letter& each) { return each.sign == sign; });
    const std::string found = std::string("'") + sign + "' is none of ";
    if (known == of.letters.end()) return found + "its letters: " + text_of(of.letters);
    if (!known->is_for(thread)) {
      return found + "thread " + std::to_string(thread) + "'s letters: " + text_of(of.letters);
    }
  }
  return "";
}

// Why a client is none of the family's; empty if it is one.
inline std::string refusal(const family& of, const client& played) {
  const std::size_t threads = played.threads.size();
  if (!of.plays_around && !(played.before.empty() && played.after.empty())) {
    return "nothing comes before or after its threads";
  }
  for (const script& around : {played.before, played.after}) {
    if (auto wrong = unknown_letter(of, around, 0); !wrong.empty()) return wrong;
  }
  for (std::size_t t = 0; t != threads; ++t) {
    if (auto wrong = unknown_letter(of, played.threads[t], t); !wrong.empty()) return wrong;
    if (played.threads[t].empty()) return "thread " + std::to_string(t) + " makes no call";
  }
  if (threads < of.least_threads || threads > of.most_threads) {
    return std::to_string(threads) + " threads: it has " + std::to_string(of.least_threads) +
           (of.least_threads == of.most_threads ? "" : " to " + std::to_string(of.most_threads));
  }
  if (played.calls() > of.most_calls) {
    return std::to_string(played.calls()) + " calls: it can hold " + std::to_string(of.most_calls);
  }
  return of.objection(played);
}

// In how many orders the calls of a client can be made, if each is one step: what clients are
// ordered by, so that the cheapest come first.
inline double orders_of(const client& played) {
  double orders = 1;
  std::size_t made = 0;
  for (const script& each : played.threads) {
    for (std::size_t i = 1; i <= each.size(); ++i) {
      orders = orders * static_cast<double>(++made) / static_cast<double>(i);
    }
  }
  return orders;
}

// The largest set of threads of a client that are alike; empty if no two are.
inline std::vector<unsigned> alike_in(const client& played, const family& of) {
  std::vector<unsigned> most;
  for (std::size_t t = 0; t != played.threads.size(); ++t) {
    std::vector<unsigned> alike;
    for (std::size_t other = t; other != played.threads.size(); ++other) {
      if (played.threads[other] == played.threads[t] && of.begins_in(other) == of.begins_in(t)) {
        alike.push_back(static_cast<unsigned>(other));
      }
    }
    if (alike.size() > std::max<std::size_t>(most.size(), 1)) most = std::move(alike);
  }
  return most;
}

// The families that are linked into the program.
const std::vector<family>& all_families();

// Refuses to list more scripts than a machine could explore, before it takes minutes and all
// memory.
inline void require_few_scripts(std::size_t letters, std::size_t length) {
  constexpr double most = 5e6;
  if (std::pow(static_cast<double>(letters), static_cast<double>(length)) <= most) return;
  throw std::length_error("--calls: more than 5 million clients; name fewer calls, or --letters");
}

// All scripts of a length.
inline std::vector<script> scripts_of(std::string_view letters, std::size_t length) {
  require_few_scripts(letters.size(), length);
  std::vector<script> all{""};
  for (std::size_t i = 0; i != length; ++i) {
    std::vector<script> longer;
    for (const script& each : all) {
      for (const char letter : letters) longer.push_back(each + letter);
    }
    all = std::move(longer);
  }
  return all;
}

}  // namespace poolproof::proofs

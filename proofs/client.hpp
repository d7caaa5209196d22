// What is proved: every small client of a header. A client is a program of a few threads, each of
// which makes a few calls; a family enumerates all clients of a size, symmetric ones once, and none
// that is the beginning of another.
//
// Stands on: the checker.
#pragma once

#include <checker/model.hpp>

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace poolproof::proofs {

// The calls of one thread, a letter each.
using script = std::string;

struct client {
  std::vector<script> threads;

  // As it is called on the command line: the threads' scripts with a bar between them.
  std::string name() const {
    std::string all;
    for (const script& each : threads) all += (&each == threads.data() ? "" : "|") + each;
    return all;
  }

  std::size_t calls() const {
    std::size_t count = 0;
    for (const script& each : threads) count += each.size();
    return count;
  }

  friend bool operator==(const client&, const client&) = default;
};

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
  std::size_t most_calls;  // that a client can make in all
  std::vector<client> (*of_size)(std::size_t calls);
  std::function<std::unique_ptr<checker::program>(const client& played)> make;
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

// Why a client is none of the family's; empty if it is one.
inline std::string refusal(const family& of, const client& played) {
  const std::size_t threads = played.threads.size();
  for (std::size_t t = 0; t != threads; ++t) {
    for (const char sign : played.threads[t]) {
      const auto known = std::find_if(of.letters.begin(), of.letters.end(),
                                      [&](const letter& each) { return each.sign == sign; });
      const std::string found = std::string("'") + sign + "' is none of ";
      if (known == of.letters.end()) return found + "its letters: " + text_of(of.letters);
      if (!known->is_for(t)) {
        return found + "thread " + std::to_string(t) + "'s letters: " + text_of(of.letters);
      }
    }
    if (played.threads[t].empty()) return "thread " + std::to_string(t) + " makes no call";
  }
  if (threads < of.least_threads || threads > of.most_threads) {
    return std::to_string(threads) + " threads: it has " + std::to_string(of.least_threads) +
           (of.least_threads == of.most_threads ? "" : " to " + std::to_string(of.most_threads));
  }
  if (played.calls() > of.most_calls) {
    return std::to_string(played.calls()) + " calls: it can hold " + std::to_string(of.most_calls);
  }
  return "";
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

// The families that are linked into the program.
const std::vector<family>& all_families();

// All scripts of a length.
inline std::vector<script> scripts_of(std::string_view letters, std::size_t length) {
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

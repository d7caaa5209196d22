// What is proved: every small client of a header. A client is a program of a few threads, each of
// which makes a few calls; a family enumerates all clients of a size, symmetric ones once, and none
// that is the beginning of another.
//
// Stands on: the checker.
#pragma once

#include <checker/model.hpp>

#include <cstddef>
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

struct family {
  std::string_view name;
  std::string_view letters;   // what each letter of a script calls
  std::string_view property;  // what is checked in every execution
  std::string_view bound;     // what all its clients have in common
  std::vector<client> (*of_size)(std::size_t calls);
  std::function<std::unique_ptr<checker::program>(const client& played)> make;
};

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

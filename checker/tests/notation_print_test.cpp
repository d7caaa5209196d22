// SPDX-License-Identifier: MIT
// What is printed is read again as the same program, whatever the program is.

#include "../tools/notation.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <cstdint>
#include <set>
#include <sstream>
#include <string>
#include <vector>

#include "../tools/program.hpp"
#include "catch.hpp"
#include "oracles.hpp"
#include "random_programs.hpp"

using namespace checker;
using namespace checker::litmus;

namespace {

program one(const std::string& text) {
  std::vector<program> all = parse(text, "test.litmus");
  REQUIRE(all.size() == 1);
  return all[0];
}

void check_printing(const program& p) {
  INFO(print(p));
  REQUIRE(one(print(p)) == p);
}

constexpr std::array stems = {"litmus", "fences", "closed_forms", "large", "ring"};

// The programs as they stand in the files, each with its heading.
std::vector<std::string> oracle_texts() {
  std::vector<std::string> texts;
  for (const char* const stem : stems) {
    const std::string all = oracle_file(stem);
    for (std::size_t start = all.find("name:"); start != std::string::npos;) {
      const std::size_t end = all.find("name:", start + 1);
      texts.push_back(all.substr(start, end - start));
      start = end;
    }
  }
  return texts;
}

// What happens to a text of which parts are lost, doubled, exchanged or replaced.
class mutilation {
 public:
  explicit mutilation(std::uint64_t seed) : random_(seed) {}

  std::string of(std::string text) {
    for (std::size_t times = 1 + random_.below(3); times != 0; --times) {
      const std::size_t at = random_.below(text.size() + 1);
      const std::size_t length = random_.below(std::min<std::size_t>(text.size() - at, 12) + 1);
      switch (random_.below(4)) {
        case 0:
          text.erase(at, length);
          break;
        case 1:
          text.insert(random_.below(text.size() + 1), text.substr(at, length));
          break;
        case 2:
          text.replace(at, length, random_.pick(words_));
          break;
        default:
          text.insert(at, random_.pick(words_));
      }
    }
    return text;
  }

 private:
  static std::vector<std::string> split_words() {
    std::istringstream all(
        "(~)~{~}~[~]~;~\n~||~&&~=~+=~->~..~.~:~!~-~/~%~<~#~\xff~0~7~99999999999999999999~R ~W.rel ~"
        "U ~X x = ~C(ar, acq) x: ~F.~if ~ else ~for i = ~while ~ bound 2 ~repeat ~require ~lock ~"
        "choose(2)~copy~ x ~let n = 3\n~plain ~array a[2]\n~init ~name: b\n~r1~y~expect rc11 ");
    std::vector<std::string> words;
    for (std::string each; std::getline(all, each, '~');) words.push_back(each);
    return words;
  }

  inline static const std::vector<std::string> words_ = split_words();
  random_source random_;
};

}  // namespace

TEST_CASE("a_program_is_printed_in_full") {
  CHECK(print(one("name: it\nplain p; array a[2]; init a[1] = 3; mutex m\n"
                  "i = R x\nif !(C x: 0 -> 1) && (R a[i] || i) {R p} else {lock m}\n"
                  "|| W x = (U x += 1) - 1; for i = 1..2 {while R x bound 3 {F.light}}")) ==
        "name: it\nplain p\narray a[2]\ninit a[1] = 3\ninit x = 0\nmutex m\n"
        "i = R.rlx x\nif (!(C(rlx, rlx) x: 0 -> 1)) && (R.rlx a[i] || i) {\n  R p\n} else {\n"
        "  lock m\n}\n||\nW.rlx x = (U.rlx x += 1) - 1\nfor i = 1..2 {\n"
        "  while R.rlx x bound 3 {\n    F.light\n  }\n}\n");
}

TEST_CASE("random_programs_survive_printing_and_reading") {
  for (std::uint64_t seed = 0; seed < 1000; ++seed) check_printing(random_program(seed));
}

TEST_CASE("oracle_programs_survive_printing_and_reading") {
  for (const char* const stem : stems) {
    for (const program& p : load_oracles(stem)) check_printing(p);
  }
}

// A mutilated text is an error, or a program like any other.
TEST_CASE("mutilated_programs_are_rejected_or_survive_printing") {
  std::size_t rejected = 0, accepted = 0;
  const std::vector<std::string> texts = oracle_texts();
  for (std::uint64_t seed = 0; seed != 20'000; ++seed) {
    const std::string& whole = texts[seed % texts.size()];
    const std::string text =
        mutilation(seed).of(seed % 2 == 0 ? whole : print(random_program(seed)));
    INFO(text);
    std::vector<program> read;
    try {
      read = parse(text, "t");
      ++accepted;
    } catch (const notation_error&) {
      ++rejected;
    }
    for (const program& p : read) check_printing(p);
  }
  CHECK(rejected > 5'000);
  CHECK(accepted > 1'000);
}

TEST_CASE("programs_that_differ_are_not_equal") {
  std::set<std::string> texts;
  for (std::uint64_t seed = 0; seed < 1000; ++seed) {
    program p = random_program(seed);
    p.name.clear();
    texts.insert(print(p));
  }
  CHECK(texts.size() > 990);
  CHECK_FALSE(one("R.acq x") == one("R.rlx x"));
  CHECK_FALSE(one("C(acq, rlx) x: 0 -> 1") == one("C(acq, acq) x: 0 -> 1"));
}

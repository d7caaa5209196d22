# SPDX-License-Identifier: MIT
"""doxygen_filter.py: which comments become documentation, and of what."""

from __future__ import annotations

import sys
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import doxygen_filter  # noqa: E402

HEADER = """\
// What it is.
//
// Stands on: nothing.
#pragma once

// Two numbers.
struct pair {
  int first;   // the one
  int second;  // the other
};

class thing {
 public:
  // Whether it is.
  bool is() const {
    // [is.read] relaxed: counter.
    return value_;  // at once
  }
  explicit operator bool() const { return is(); }

  int other();

  // Goes away.
  // NOLINTNEXTLINE(some-check)
  ~thing() {}

 private:
  // What it is.
  class part;
  int value_;
};
"""


def filtered(stem: str) -> list[str]:
    return doxygen_filter.filtered(HEADER, stem).split("\n")


class Filter(unittest.TestCase):
    def test_lines_stay_where_they_are(self) -> None:
        lines = HEADER.split("\n")
        for before, after in zip(lines, filtered("thing"), strict=True):
            if before != "#pragma once":
                self.assertIn(before, after.replace("///<", "//").replace("///", "//"))

    def test_head_is_that_of_the_class_of_its_name_else_of_the_file(self) -> None:
        self.assertEqual("/// Stands on: nothing. @class poolproof::thing", filtered("thing")[2])
        self.assertEqual("/// Stands on: nothing. @file", filtered("other")[2])

    def test_an_attribute_does_not_hide_a_class(self) -> None:
        plain, attributed = "class thing {", 'class [[gnu::abi_tag("checked")]] thing {'
        self.assertEqual("\n".join(filtered("thing")).replace(plain, attributed),
                         doxygen_filter.filtered(HEADER.replace(plain, attributed), "thing"))

    def test_comment_above_and_behind_a_declaration_is_its_own(self) -> None:
        self.assertIn("/// Two numbers.", filtered("thing"))
        self.assertIn("  int first;   ///< the one", filtered("thing"))

    def test_comment_is_shared_until_a_blank_line(self) -> None:
        self.assertIn("/** Whether it is. */   explicit operator bool() const { return is(); }", filtered("thing"))
        self.assertIn("  int other();", filtered("thing"))

    def test_the_first_declaration_gets_it_once(self) -> None:
        self.assertEqual(1, sum("Goes away." in line for line in filtered("thing")))

    def test_a_name_in_angles_is_no_tag(self) -> None:
        self.assertEqual(" writes to &lt;ostream&gt;", doxygen_filter.prose(" writes to <ostream>"))
        self.assertEqual("     vector<int> v;", doxygen_filter.prose("     vector<int> v;"))
        self.assertEqual(" of a std::unique_ptr<T, Deleter>", doxygen_filter.prose(" of a std::unique_ptr<T, Deleter>"))

    def test_what_stands_in_functions_and_what_is_for_tools_is_left_alone(self) -> None:
        for line in ("    // [is.read] relaxed: counter.", "    return value_;  // at once",
                     "  // NOLINTNEXTLINE(some-check)", "  class part;"):
            self.assertIn(line, filtered("thing"))

    def test_the_licence_is_no_documentation(self) -> None:
        line = "// SPDX-License-Identifier: MIT\n"
        self.assertEqual(line + doxygen_filter.filtered(HEADER, "thing"),
                         doxygen_filter.filtered(line + HEADER, "thing"))


if __name__ == "__main__":
    unittest.main()

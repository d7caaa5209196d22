# SPDX-License-Identifier: MIT
"""A checked_pool has all that an object_pool has: else a program could not be compiled both ways. And the program
that is compiled both ways, impl/tests/builds/every_call.cpp, makes every call."""

from __future__ import annotations

import re
import sys
import unittest
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import headers  # noqa: E402

NO_NAMES = {"requires", "noexcept", "static_assert", "decltype", "alignas", "delete"}


def source(name: str) -> str:
    return (headers.HEADERS / f"{name}.hpp").read_text()


def public_part(text: str, head: str) -> Iterator[str]:
    """The tokens of a class's own public declarations: nothing in brackets of any kind."""
    body = text.split(head, 1)[1]
    depth, is_public = 0, False
    tokens = list(headers.tokens_of(body))
    for this, following in zip(tokens, tokens[1:]):
        depth += (this in "([{") - (this in ")]}")
        if depth < 0:
            return
        if following == ":" and this in ("public", "private", "protected"):
            is_public = this == "public"
        elif is_public and depth == 0 or this in "([{" and depth == 1 and is_public:
            yield this


def names(text: str, head: str, own: str) -> set[str]:
    """What a class offers: functions, operators and types, but for constructors and the destructor."""
    tokens = list(public_part(text, head))
    found = set()
    for before, this, following in zip(["", *tokens], tokens, tokens[1:]):
        if this in ("using", "class") and before not in ("<", ","):  # of a template
            found.add(following)
        elif this == "operator":
            found.add(f"operator {following}")
        elif following == "(" and re.fullmatch(r"[a-z]\w*[a-z]", this) and before != "operator":
            found.add(this)
    return found - NO_NAMES - {own}


def object_pools() -> tuple[set[str], set[str]]:
    return (names(source("object_pool"), "\nclass object_pool {", "object_pool"),
            names(source("handle"), "\nclass handle {", "handle"))


def checked_pools() -> tuple[set[str], set[str]]:
    text = source("checked_pool")
    return (names(text, "checked_pool {", "checked_pool"),
            names(text, "\nclass checked_pool<T, Deleter>::handle {", "handle"))


class BothWays(unittest.TestCase):
    def test_what_a_pool_offers_is_found(self) -> None:
        pool, handle = object_pools()
        self.assertLessEqual({"item", "handle", "get", "try_get", "try_get_near", "put", "get_n", "put_range",
                              "reserve", "borrow", "stats", "rotate", "operator ="}, pool)
        self.assertEqual({"item", "get", "detach", "operator =", "operator *", "operator ->", "operator bool"}, handle)

    def test_a_checked_pool_offers_the_same_and_a_list(self) -> None:
        self.assertEqual(object_pools()[0] | {"outstanding"}, checked_pools()[0])
        self.assertEqual(object_pools()[1], checked_pools()[1])

    def test_each_call_option_and_hook_is_in_the_program(self) -> None:
        program = (ROOT / "impl/tests/builds/every_call.cpp").read_text()
        for name in object_pools()[0] | object_pools()[1]:
            if not name.startswith("operator") and name not in ("item", "handle"):
                self.assertTrue(re.search(rf"(\.|->){name}\(", program), name)
        options = source("pool_options")
        for head in ("\nstruct pool_options {", "\nstruct pool_hooks {"):
            members = re.findall(r"^  (?!static)[\w<>(),&: ]+\*? (\w+) = ", options.split(head)[1].split("\n};")[0],
                                 re.MULTILINE)
            self.assertGreater(len(members), 2)
            for name in members:
                self.assertTrue(re.search(rf"\.{name} =", program), name)


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""Which function of C++ a place stands in: of the grammar what headers need that clang-format has laid out."""

from __future__ import annotations

import dataclasses
import re

ATTRIBUTE = re.compile(r"\[\[[^\]]*\]\]")
CLASS = re.compile(r".*\b(?:class|struct)\s+(?:(?:\w+)(?:<[^{}]*>)?::)*(\w+)", re.DOTALL)
LAMBDA = re.compile(r"(?<![\w\])])\[[^\[\]]*\]\s*(?:\([^{}]*)?$")
# A name and what opens the brackets behind it, perhaps with the class in front.
FUNCTION = re.compile(r"(?:\b(\w+)(?:<[\w\s,]*>)?::)?(~?\w+|operator[^\s\w]+|operator bool)\s*\(")
STATEMENTS = ("if", "for", "while", "switch", "catch", "return")
SPECIFIERS = ("requires", "noexcept", "decltype", "alignas", "explicit")


@dataclasses.dataclass(frozen=True)
class Function:
    """Its name, of a constructor the class's, and the name of the class that it is a member of, or nothing."""

    name: str
    member_of: str

    @property
    def is_destructor(self) -> bool:
        return self.name.startswith("~")


def function_at(code: str, offset: int) -> Function | None:
    """The innermost named function around a place; `code` has no comments and no texts."""
    heads = [code[begin + 1:opening] for begin, opening in scopes_around(code, offset)]
    for depth in range(len(heads) - 1, -1, -1):
        if (found := function_of(heads[depth])) is not None:
            name, qualifier = found
            return Function(name, qualifier or class_around(heads[:depth]))
    return None


def scopes_around(code: str, offset: int) -> list[tuple[int, int]]:
    """The braces that are open at a place, from the outermost: where the text before each begins, and each itself."""
    stack: list[tuple[int, int]] = []
    begin = -1  # the last end of a statement or of a scope
    round_brackets = 0
    for i in range(offset):
        character = code[i]
        if character == "(":
            round_brackets += 1
        elif character == ")":
            round_brackets -= 1
        elif character == "{":
            stack.append((begin, i))
            begin = i
        elif character == "}":
            stack.pop()
            begin = i
        elif character == ";" and round_brackets == 0:
            begin = i
    return stack


def function_of(head: str) -> tuple[str, str] | None:
    """Name and qualifier, if what stands before a brace is the head of a function."""
    head = ATTRIBUTE.sub("", head)
    if LAMBDA.search(head):
        return None
    for match in FUNCTION.finditer(head):
        if match[2] in STATEMENTS:
            return None
        if match[2] not in SPECIFIERS:
            return match[2], match[1] or ""
    return None


def class_around(heads: list[str]) -> str:
    """The class that the innermost of these scopes is of, if any is."""
    for head in reversed(heads):
        if match := CLASS.match(ATTRIBUTE.sub("", head)):
            return match[1]
    return ""

#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""What Doxygen reads of a header: the header, its comments marked as documentation.

Doxygen calls this for each header (FILTER_PATTERNS in docs/Doxyfile). A comment above a declaration becomes
that of the declaration, and of those that follow it without a blank line; one behind a member becomes that
of the member. The comment at the head of the file becomes that of the class which the file is named after,
or else of the file. What stands inside functions stays as it is. No line is added or taken away, so that
Doxygen's warnings name the header's own lines.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# What opens a scope in which things are declared. Any other brace opens a body.
DECLARES = re.compile(r"\b(?:namespace|class|struct|union|enum)\b[^()]*$")
ATTRIBUTE = r"\[\[[^]]*\]\]"
NO_CODE = re.compile(r'"(?:\\.|[^"\\])*"|\'(?:\\.|[^\'\\])*\'|//.*|' + ATTRIBUTE)
COMMENT = re.compile(r"( *)//(?!/)(.*)")
LICENCE = "SPDX-License-Identifier"  # a line before the comment at the head
NO_PROSE = re.compile(r" NOLINT| clang-format")
FORWARD = re.compile(r" *(?:friend )?(?:class|struct) \w+;")
BEHIND = re.compile(r"( *\w.*[;,{}\w)] *)//( .*)")


class Scopes:
    """Which braces are open, and what stands before the next one."""

    def __init__(self) -> None:
        self._declaring: list[bool] = []
        self._begun = ""

    def declares(self) -> bool:
        return all(self._declaring)

    def depth(self) -> int:
        return len(self._declaring)

    def begins(self) -> bool:
        """Whether a new declaration begins here."""
        return not self._begun.strip()

    def read(self, line: str) -> None:
        for character in "" if line.startswith("#") else NO_CODE.sub("", line) + "\n":
            if character == "{":
                self._declaring.append(bool(DECLARES.search(self._begun)))
            elif character == "}" and self._declaring:
                self._declaring.pop()
            self._begun = "" if character in "{};" else self._begun + character
        if re.fullmatch(r"\s*(public|protected|private):\s*", self._begun):
            self._begun = ""


def head_of(text: str, stem: str) -> str:
    """What the comment at the head of the file is about."""
    is_class = re.search(rf"^class (?:{ATTRIBUTE} )?{stem}\b[^;]*\{{", text, re.MULTILINE)
    return f"@class poolproof::{stem}" if is_class else "@file"


def prose(text: str) -> str:
    """A comment in which a header's name, such as <ostream>, is no tag of HTML; what is indented is code."""
    return text if text.startswith("    ") else re.sub(r"<([\w./]+)>", r"&lt;\1&gt;", text)


def filtered(text: str, stem: str) -> str:
    lines = text.split("\n")
    first = 1 if LICENCE in lines[0] else 0
    head = first
    while COMMENT.fullmatch(lines[head]):
        head += 1
    result = lines[:first] + [f"///{prose(line[2:])}" for line in lines[first:head]]
    if head > first:
        result[-1] += f" {head_of(text, stem)}"
    scopes = Scopes()
    shared = ""  # the comment of the declarations from here to the next blank line
    is_first = True  # of these
    for written in lines[head:]:
        line = written
        comment = COMMENT.fullmatch(line)
        if comment and scopes.declares() and scopes.begins():
            if not NO_PROSE.match(comment[2]):
                shared += prose(comment[2])
                is_first = True
                line = f"{comment[1]}///{prose(comment[2])}"
            result.append(line)
            continue
        behind = BEHIND.fullmatch(line) if scopes.declares() else None
        if line == "#pragma once":
            line = "/** @file */"  # so that the functions in it are listed
        elif not line.strip():
            shared = ""
        elif behind:
            line = f"{behind[1]}///<{prose(behind[2])}"
        elif scopes.declares() and scopes.begins() and line.strip("} ;"):
            if shared and not is_first and not FORWARD.fullmatch(line):
                line = f"/**{shared} */ {line}"
            is_first = False
        result.append(line)
        before = scopes.depth()
        scopes.read(written)
        if scopes.declares() and scopes.depth() > before:
            shared = ""  # it was the comment of the class whose members come now
    return "\n".join(result)


if __name__ == "__main__":
    header = Path(sys.argv[1])
    sys.stdout.write(filtered(header.read_text(encoding="utf-8"), header.stem))

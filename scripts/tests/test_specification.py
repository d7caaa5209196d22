# SPDX-License-Identifier: MIT
"""The table of the specification's clauses: each stands beside what the project says, and a mutant that needs it."""

from __future__ import annotations

import re
import tomllib
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
SAID_IN = [ROOT / "docs" / "guarantees.md", ROOT / "docs" / "interface.md",
           *sorted((ROOT / "impl" / "include" / "poolproof").glob("*.hpp"))]


def plain(text: str) -> str:
    """Without what wraps lines: comment signs at their beginning, and white space."""
    return re.sub(r"\s+", " ", re.sub(r"(?m)^\s*//", " ", text))


def clauses() -> list[str]:
    text = (ROOT / "proofs" / "specification.hpp").read_text()
    return re.findall(r'\{clause::\w+, "([\w-]+)",', text)


def table() -> list[list[str]]:
    """Clause, sentence, mutant."""
    text = (ROOT / "proofs" / "README.md").read_text()
    rows = text.split("| clause | what is said | the mutant that needs it |\n", 1)[1].split("\n\n", 1)[0]
    return [[cell.strip() for cell in row.strip("|").split("|")] for row in rows.splitlines()[1:]]


class Table(unittest.TestCase):
    def test_every_clause_stands_in_it_once(self) -> None:
        self.assertGreater(len(clauses()), 1)
        self.assertEqual(clauses(), [row[0].strip("`") for row in table()])

    def test_what_it_quotes_is_said(self) -> None:
        said = " ".join(plain(path.read_text()) for path in SAID_IN)
        for clause, sentence, _ in table():
            self.assertTrue(plain(sentence) in said, f"{clause}: nobody says {sentence!r}")

    def test_every_mutant_exists(self) -> None:
        ledger = tomllib.loads((ROOT / "relacy_models" / "mutants.toml").read_text())
        names = {entry["name"] for entry in ledger["patch"] + ledger["operation"]}
        for clause, _, mutant in table():
            self.assertIn(mutant, names, clause)


if __name__ == "__main__":
    unittest.main()

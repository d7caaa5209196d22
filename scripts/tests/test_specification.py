# SPDX-License-Identifier: MIT
"""The table of the specification's clauses: each stands beside what the project says, and a mutant that needs it."""

from __future__ import annotations

import re
import sys
import tomllib
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))
from mutation.clauses import table  # noqa: E402
from mutation.ledger import PLAYERS  # noqa: E402

SAID_IN = [ROOT / "docs" / "guarantees.md", ROOT / "docs" / "interface.md",
           *sorted((ROOT / "impl" / "include" / "poolproof").glob("*.hpp"))]


def plain(text: str) -> str:
    """Without what wraps lines: comment signs at their beginning, and white space."""
    return re.sub(r"\s+", " ", re.sub(r"(?m)^\s*//", " ", text))


def clauses() -> list[str]:
    text = (ROOT / "proofs" / "specification.hpp").read_text()
    return re.findall(r'\{clause::\w+, "([\w-]+)",', text)


class Table(unittest.TestCase):
    def test_every_clause_stands_in_it_once(self) -> None:
        self.assertGreater(len(clauses()), 1)
        self.assertEqual(clauses(), [need.clause for need in table()])

    def test_what_it_quotes_is_said(self) -> None:
        said = " ".join(plain(path.read_text()) for path in SAID_IN)
        for need in table():
            self.assertTrue(plain(need.sentence) in said, f"{need.clause}: nobody says {need.sentence!r}")

    def test_every_mutant_exists(self) -> None:
        ledger = tomllib.loads((ROOT / "relacy_models" / "mutants.toml").read_text())
        names = {entry["name"] for entry in ledger["patch"] + ledger["operation"]}
        for need in table():
            self.assertIn(need.mutant, names, need.clause)

    def test_every_client_is_of_a_family(self) -> None:
        for need in table():
            self.assertIn(need.client.partition(" ")[0], PLAYERS, need.clause)


if __name__ == "__main__":
    unittest.main()

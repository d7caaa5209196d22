# SPDX-License-Identifier: MIT
"""The record of strangers' faults: its sums are those of the decision, and what is said of a survivor is there."""

from __future__ import annotations

import re
import tomllib
import unittest
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
RECORD = ROOT / "relacy_models" / "strangers.toml"
DECISION = ROOT / "docs" / "decisions" / "2026-11-30-mutants-by-strangers.md"
COUNTS = ("written", "left_out", "judged", "verification", "tests", "neither", "not_known")
# What became of a survivor: exactly one of them is said.
FATES = ("mutant", "test", "equivalent", "gone")


def record() -> dict[str, list[dict[str, Any]]]:
    return tomllib.loads(RECORD.read_text())


def names_of_mutants() -> set[str]:
    core = tomllib.loads((ROOT / "relacy_models" / "mutants.toml").read_text())
    around = tomllib.loads((ROOT / "impl" / "tests" / "mutants" / "mutants.toml").read_text())
    return {entry["name"] for entry in [*core["patch"], *core["operation"], *around["mutant"]]}


def cases() -> str:
    return "".join(path.read_text() for path in sorted((ROOT / "impl" / "tests").glob("*_test.cpp")))


class Strangers(unittest.TestCase):
    def test_no_fault_is_counted_twice_or_not_at_all(self) -> None:
        for each in record()["round"]:
            judged = sum(each[key] for key in ("verification", "tests", "neither", "not_known"))
            self.assertEqual(each["judged"], judged, each["name"])
            self.assertEqual(each["written"], each["left_out"] + each["judged"], each["name"])

    def test_each_survivor_is_told_where_its_text_was_kept(self) -> None:
        for each in record()["round"]:
            told = [survivor for survivor in record()["survivor"] if survivor["round"] == each["name"]]
            for seen_by in ("tests", "neither"):
                if each.get("told", True):
                    known = sum(survivor["seen_by"] == seen_by for survivor in told)
                    self.assertEqual(each[seen_by], known, f"{each['name']}: {seen_by}")

    def test_what_became_of_a_survivor_is_there(self) -> None:
        mutants, tests = names_of_mutants(), cases()
        for each in record()["survivor"]:
            self.assertEqual(sum(fate in each for fate in FATES), 1, each["name"])
            if "mutant" in each:
                self.assertIn(each["mutant"], mutants, each["name"])
            if "test" in each:
                self.assertTrue(f'"{each["test"]}"' in tests, each["name"])

    def test_the_decision_has_these_sums(self) -> None:
        rows = [[cell.strip() for cell in line.strip("|").split("|")]
                for line in re.findall(r"(?m)^\|.*\|$", DECISION.read_text())]
        for each in record()["round"]:
            self.assertIn([each["name"], *(str(each[key]) for key in COUNTS)], rows, each["name"])


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""Options of the programs: what two or more have stands in a list, with its one meaning."""

from __future__ import annotations

import ast
import re
import subprocess
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
FOLDERS = ("bench", "checker", "examples", "impl", "plots", "proofs", "relacy_models", "scripts")
# One meaning, two names: the second is gone.
GONE = {"--preemptions": "--most-preemptions", "--results": "--json"}


def of_script(path: Path) -> set[str]:
    calls = [node for node in ast.walk(ast.parse(path.read_text()))
             if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute)
             and node.func.attr == "add_argument"]
    return {each.value for call in calls for each in call.args
            if isinstance(each, ast.Constant) and str(each.value).startswith("--")}


def of_program(path: Path) -> set[str]:
    return set(re.findall(r'\badd_(?:option|flag)\w*\(\s*"(--[a-z-]+)', path.read_text()))


def options() -> dict[str, set[str]]:
    """By program."""
    found = {path: of_script(path) for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")}
    found |= {path: of_program(path) for folder in ("proofs", "engines")
              for path in (ROOT / folder).rglob("*.cpp")}
    return {str(path.relative_to(ROOT)): each for path, each in found.items() if each}


class Options(unittest.TestCase):
    def test_those_of_two_programs_are_in_the_list(self) -> None:
        by_program = options()
        self.assertIn("proofs/main.cpp", by_program)
        every = [option for each in by_program.values() for option in each]
        page = (ROOT / "scripts" / "README.md").read_text().partition("## Options with one meaning have one name")[2]
        listed = re.findall(r"(?<=[|,] )`(--[a-z-]+)`(?=,| \|)", page)
        self.assertEqual(sorted({option for option in every if every.count(option) > 1}), sorted(listed))

    def test_no_second_name_has_come_back(self) -> None:
        for program, each in options().items():
            self.assertEqual(set(), each & set(GONE), program)

    def test_a_name_that_is_gone_is_refused_by_name(self) -> None:
        for script, old in (("relacy_models/run.py", "--preemptions"), ("scripts/mutants.py", "--results")):
            done = subprocess.run(["python3", ROOT / script, old, "1"], capture_output=True, text=True, check=False)
            self.assertEqual(2, done.returncode)
            self.assertIn(f"unrecognized arguments: {old}", done.stderr)


if __name__ == "__main__":
    unittest.main()

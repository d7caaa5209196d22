"""Numbers and lists in prose, against what they are about."""

from __future__ import annotations

import json
import re
import sys
import tomllib
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "scripts"))

import hit_path  # noqa: E402
import portable_path  # noqa: E402

INCLUDE = ROOT / "impl" / "include" / "poolproof"
PROSE = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted(ROOT.glob("docs/*.md")),
         *sorted(ROOT.glob("*/README.md")), *sorted(ROOT.glob("checker/*/*.md"))]


def counts() -> dict[str, int]:
    """What grows: a count of it in prose is wrong on the day after."""
    mutants = tomllib.loads((ROOT / "relacy_models" / "mutants.toml").read_text())
    faults = tomllib.loads((ROOT / "checker" / "tests" / "faults.toml").read_text())
    return {
        "patches": len(mutants["patch"]),
        "operations that do": len(mutants["operation"]),
        "weakenings": len(mutants["weakening"]),
        "mutants": sum(len(mutants[kind]) for kind in ("patch", "operation", "weakening")),
        "ways and sees a model": len(mutants["patch"]) + len(mutants["operation"]),
        "ways, and each must be caught": len(faults["fault"]),
    }


class Numbers(unittest.TestCase):
    def test_what_is_counted_in_prose_is_what_there_is(self) -> None:
        """Best is no number. History, such as a run on a commit, says 'of' or 'for' before it."""
        for path in PROSE:
            text = re.sub(r"\s+", " ", path.read_text())
            for what, count in counts().items():
                for found in re.finditer(rf"(\w*) ?\b(\d+) {what}", text):
                    if found[1] not in ("for", "of"):
                        self.assertEqual(count, int(found[2]), f"{path.relative_to(ROOT)}: {found[0]}")

    def test_models_of_the_whole_pool_take_minutes_as_it_says(self) -> None:
        entries = json.loads((ROOT / "proofs" / "ledger.json").read_text())["entries"]
        models = [entry for entry in entries if not re.search(r", \d+ calls( of [\w, ]+)?$", entry["subject"])]
        longest = max(entry["seconds"] for entry in models)
        proved = sum(entry["proved"] for entry in models)
        text = re.sub(r"\s+", " ", (ROOT / "README.md").read_text())
        said = re.search(r"most in seconds, some of the whole pool in (a minute or two|minutes|seconds)", text)
        assert said is not None
        words = "seconds" if longest < 60 else "a minute or two" if longest <= 120 else "minutes"
        self.assertEqual(words, said[1], f"the longest took {longest:.0f} s")
        self.assertIn(f"which has proved {proved} of {len(models)} of them", text)

    def test_instructions_are_those_of_the_budgets(self) -> None:
        budgets = [most for _, most in hit_path.COMPILERS.values()]
        text = re.sub(r"\s+", " ", (ROOT / "README.md").read_text())
        self.assertIn(f"cost {min(budgets)} to {max(budgets)} instructions", text)
        text = re.sub(r"\s+", " ", (ROOT / "docs" / "performance.md").read_text())
        known = hit_path.COMPILERS
        self.assertIn(f"in all {known['g++'][1]} with g++ and {known['clang++'][1]} with clang++", text)
        of = portable_path.COMPILERS
        self.assertIn(f"{of['g++']} instructions with g++, {of['clang++']} with clang++", text)

    def test_every_header_stands_on_those_to_its_left(self) -> None:
        lines = re.search(r"^    section .*(?:\n    -> .*)*", (ROOT / "docs" / "design.md").read_text(), re.MULTILINE)
        assert lines is not None
        order = re.findall(r"\w+", lines[0])
        headers = {path.stem for path in INCLUDE.glob("*.hpp")} - {"rseq_x86_64", "rseq_aarch64"}
        self.assertEqual(headers, set(order))
        for place, name in enumerate(order):
            used = re.findall(r"#include <poolproof/(\w+)\.hpp>", (INCLUDE / f"{name}.hpp").read_text())
            used = [each for each in used if not each.startswith("rseq_")]
            self.assertEqual([], [each for each in used if each not in order[:place]], name)

    def test_no_line_number_of_a_header_stands_in_prose(self) -> None:
        """The example in the checker's guide is compared with what its program prints."""
        for path in PROSE:
            if path != ROOT / "checker" / "docs" / "guide.md":
                self.assertEqual([], re.findall(r"\w+\.hpp:\d+", path.read_text()), path.name)

    def test_prose_is_no_wider_than_a_page(self) -> None:
        """But for tables, what is indented as it would be typed, and what is generated."""
        for path in PROSE:
            if path == ROOT / "docs" / "proofs.md":  # generated as a whole
                continue
            text = re.sub(r"<!-- .*: begin -->.*?<!-- .*: end -->", "", path.read_text(), flags=re.DOTALL)
            text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
            wide = [line for line in text.splitlines() if len(line) > 100 and not line.startswith(("|", "    "))]
            self.assertEqual([], wide, path.relative_to(ROOT))

    def test_targets_in_prose_exist(self) -> None:
        targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        for path in PROSE:
            for target in re.findall(r"`make ([a-z0-9-]+)[` ]", path.read_text()):
                self.assertIn(target, targets, path.name)


if __name__ == "__main__":
    unittest.main()

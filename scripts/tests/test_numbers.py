# SPDX-License-Identifier: MIT
"""Numbers and lists in prose, against what they are about."""

from __future__ import annotations

import re
import sys
import tomllib
import unittest
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "scripts"), str(ROOT / "plots")]

import campaign  # noqa: E402
import facts  # noqa: E402

INCLUDE = ROOT / "impl" / "include" / "poolproof"
PROSE = facts.documents()
SOURCES = ("impl", "checker", "relacy_models", "engines", "proofs", "stress", "bench", "examples", "cmake")


def counts() -> dict[str, int]:
    """What grows: a count of it in prose is wrong on the day after."""
    mutants = facts.mutants()
    faults = tomllib.loads((ROOT / "checker" / "tests" / "faults.toml").read_text())
    clauses = re.findall(r"\{clause::\w+, ", (ROOT / "proofs" / "specification.hpp").read_text())
    return {
        "patches": mutants["patch"],
        "operations that do": mutants["operation"],
        "weakenings": mutants["weakening"],
        "mutants": sum(mutants.values()),
        "faults": len(faults["fault"]),
        "models": len(facts.models()),
        "clauses": len(clauses),
        "headers": len(list(INCLUDE.glob("*.hpp"))),
        "scenarios": len(list(ROOT.glob("bench/scenarios/*.hpp"))),
    }


def constant(header: str, name: str) -> int:
    found = re.search(rf"\b{name} = (\d+);", (INCLUDE / header).read_text())
    assert found is not None, f"{header} has no {name}"
    return int(found[1])


class Numbers(unittest.TestCase):
    def test_what_is_counted_in_prose_is_what_there_is(self) -> None:
        """Best is no number. History, such as a run on a commit, says 'of' or 'for' before it."""
        for path in PROSE:
            text = re.sub(r"<!-- ending: begin -->.*<!-- ending: end -->", "", path.read_text(), flags=re.DOTALL)
            text = re.sub(r"\s+", " ", text)
            for what, count in counts().items():
                for found in re.finditer(rf"(\w*) ?\b(\d+) {what}", text):
                    if found[1] not in ("for", "of"):
                        self.assertEqual(count, int(found[2]), f"{path.relative_to(ROOT)}: {found[0]}")

    def test_the_workflow_runs_what_ci_runs(self) -> None:
        workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
        steps = (ROOT / ".ci" / "run").read_text()
        for target in re.findall(r"^make (?:setup(?:-all)? )?([\w-]+)$", steps, re.MULTILINE):
            self.assertRegex(workflow, rf"make setup(-all)? {target}\b")
        chosen = re.search(r"--tests-regex '(.*)'$", steps)
        assert chosen is not None
        self.assertIn(chosen[1], workflow)

    def test_the_workflow_runs_where_the_readme_says_that_it_works(self) -> None:
        workflow = (ROOT / ".github" / "workflows" / "ci.yml").read_text()
        parts, _, weekly = workflow.partition("\n  weekly:\n")
        for command in re.findall(r"^    (make setup \w+)", (ROOT / "README.md").read_text(), re.MULTILINE):
            self.assertIn(f"\n          - {command}", parts)
            for image in ("debian:13", "ubuntu:24.04"):
                self.assertIn(f'image: "{image}", run: {command}}}', parts)
        self.assertRegex(parts, r"runner: \S+-arm\n")
        self.assertIn("\n  schedule:\n", parts)
        self.assertEqual(["mutants", "check-full"], re.findall(r"- make setup-all (\S+)\n", weekly))
        self.assertTrue(weekly.startswith("    if: github.event_name == 'schedule'\n"))

    def test_sizes_are_those_of_the_headers(self) -> None:
        """Each phrase stands somewhere, and wherever it does, with the number that the headers have."""
        handful = re.search(r"\bhandful = std::clamp\(magazine_type::capacity, 2U, (\d+)U\);",
                            (INCLUDE / "shard.hpp").read_text())
        assert handful is not None
        minute = re.search(r"cycle_interval = std::chrono::seconds\((\d+)\);",
                           (INCLUDE / "pool_options.hpp").read_text())
        assert minute is not None
        self.assertEqual(("52", "60"), (handful[1], minute[1]), "'52 items' and 'a minute' stand in many places")
        said = {
            r"(?:up to|holds) ([\d,]+) items (?:that the threads|at most)": constant("rseq.hpp", "magazine_capacity"),
            r"next ([\d,]+) puts": constant("sync.hpp", "exposed_puts"),
            r"a call destroys ([\d,]+) items": constant("sync.hpp", "call_budget"),
            r"as an owner, ([\d,]+) per hold": constant("sync.hpp", "cycle_batch"),
        }
        told = {path: re.sub(r"\s+", " ", path.read_text()) for path in PROSE}
        for phrase, number in said.items():
            found = [(path.name, each) for path, text in told.items() for each in re.findall(phrase, text)]
            self.assertTrue(found, phrase)
            for name, each in found:
                self.assertEqual(number, int(each.replace(",", "")), f"{name}: {phrase}")

    def test_headings_have_the_times_of_the_campaign(self) -> None:
        measured = campaign.load([])
        page = re.sub(r"\s+", " ", (ROOT / "docs" / "performance.md").read_text())
        cases = {r"## A hit: ([\d.]+) ns": ("pool", 1), r"## A burst: ([\d.]+) ns": ("pool_overflow", 1),
                 r"within a magazine, ([\d.]+) beyond": ("pool_overflow_1000", 1),
                 r"find nothing: ([\d.]+) ns with one thread": ("pool_starvation", 1),
                 r"with one thread, ([\d.]+) with two": ("pool_starvation", 2)}
        self.assertIn(f"the campaign on commit {measured.result['source']['commit'][:12]},", page)
        for heading, (scenario, threads) in cases.items():
            said = re.search(heading, page)
            assert said is not None, heading
            took = measured.time(campaign.Case(scenario, threads), campaign.SUBJECT)
            assert took is not None, scenario
            self.assertAlmostEqual(took.median, float(said[1]), msg=heading,
                                   delta=0.05 if float(said[1]) > 9 else 0.005)

    def test_times_in_prose_are_those_of_the_campaign(self) -> None:
        """Those whose sentence tells what they are of; who words a sentence anew words it here, too."""
        measured, on_top = campaign.load([]), campaign.load_on_top([])
        assert on_top is not None
        page = re.sub(r"\s+", " ", (ROOT / "docs" / "performance.md").read_text())
        own, portable, elsewhere = campaign.SUBJECT, campaign.PORTABLE, campaign.ELSEWHERE
        mimalloc, tcmalloc = (campaign.Contender(name, "new_delete") for name in ("mimalloc", "tcmalloc"))
        exchanges = campaign.Contender(campaign.BASE, "two_exchanges")
        number = r"([\d.]+) ns"
        said = {
            rf"tcmalloc takes {number}\. By the times": ("pool", 1, tcmalloc),
            rf"mimalloc takes {number}, 2\.4": ("pool", 1, mimalloc),
            rf"loops over sixteen items: {number}": ("burst_16", 1, own),
            rf"tcmalloc takes {number}: 1\.57": ("burst_16", 1, tcmalloc),
            rf"wanted: missed\.\*\* It takes {number}": ("pool_borrow", 1, own),
            rf"They take {number}, and": ("burst_16_borrow", 1, own),
            rf"the throughput of one\*\*, {number}": ("pool", 2, own),
            rf"slower than Go\.\*\* It takes {number}": ("pool", 1, portable),
            r"its two exchanges alone ([\d.]+)": ("pool", 1, exchanges),
            rf"Bursts of 16 take {number}": ("burst_16", 1, elsewhere),
            rf"the ring's ownership: {number}": ("pool_overflow", 1, elsewhere),
            rf"One at a time such a build takes {number}": ("pool", 1, elsewhere),
            rf"mimalloc takes {number}, 0\.82": ("pool_overflow_1000", 1, mimalloc),
            rf"the pool takes {number}, mimalloc": ("pool_overflow_10000", 1, own),
            rf"a burst of 1,000 takes {number}": ("pool_overflow_1000", 2, own),
            rf"The pool takes {number} a pair": ("producer_consumer", 2, own),
            rf"The pool takes {number}, 1\.5 times": ("many_pools", 1, own),
            rf"\| more gets than puts, 2 threads \| {number}": ("pool_starvation", 2, own),
            rf"\| bursts, with cycles in between, 2 threads \| {number}": ("pool_expensive_new", 2, own),
            rf"\| 100 gets after a cycle \| {number}": ("after_cycle", 1, own),
            rf"\| a pool made, used once, destroyed \| {number}": ("first_use", 1, own),
            rf"\| 1,000 puts, 1,000 gets, 2 threads \| {number}": ("pool_overflow_1000", 2, own),
        }
        found = {phrase: re.findall(phrase, page) for phrase in said}
        self.assertEqual([], [phrase for phrase, numbers in found.items() if not numbers])
        for phrase, numbers in found.items():
            scenario, threads, who = said[phrase]
            took = campaign.known(measured.time(campaign.Case(scenario, threads), who)).median
            for each in numbers:
                self.assertAlmostEqual(took, float(each), msg=phrase,
                                       delta=0.501 * 10 ** -len(each.partition(".")[2]))
        longest = max(campaign.known(on_top.time(case, campaign.ON_TOP["bounded"])).median
                      for case in on_top.cases_of("bounded"))
        self.assertIn(f"2 items | {longest / 1000:.1f} us, 118 times Poco", page)

    def test_newest_release_is_the_version_of_the_headers(self) -> None:
        version = ".".join(re.findall(r"^#define POOLPROOF_VERSION_(?:MAJOR|MINOR|PATCH) (\d+)$",
                                      (INCLUDE / "version.hpp").read_text(), re.MULTILINE))
        released = re.findall(r"^## \[?(\d+\.\d+\.\d+)", (ROOT / "CHANGELOG.md").read_text(), re.MULTILINE)
        self.assertEqual(version, released[0])

    def test_every_header_stands_on_those_to_its_left(self) -> None:
        page = (ROOT / "docs" / "architecture.md").read_text()
        lines = re.search(r"^    section .*(?:\n    -> .*)*", page, re.MULTILINE)
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
        more = ("CHANGELOG.md", "SECURITY.md", "checker/examples/headers/README.md")
        for path in [*PROSE, *sorted(ROOT.glob("docs/decisions/*.md")), *(ROOT / name for name in more)]:
            text = re.sub(r"<!-- .*: begin -->.*?<!-- .*: end -->", "", path.read_text(), flags=re.DOTALL)
            text = re.sub(r"^```.*?^```", "", text, flags=re.DOTALL | re.MULTILINE)
            wide = [line for line in text.splitlines()
                    if len(line) > 100 and not line.lstrip().startswith("|") and not line.startswith("    ")]
            self.assertEqual([], wide, path.relative_to(ROOT))

    def test_comments_are_no_wider_than_the_code(self) -> None:
        """clang-format sees to the code; comments it leaves as they are, for it would pull lists out of shape."""
        for folder in SOURCES:
            for path in sorted((ROOT / folder).rglob("*.[ch]pp")):
                wide = [number for number, line in enumerate(path.read_text().splitlines(), 1)
                        if len(line) > 100 and line.lstrip().startswith("//")]
                self.assertEqual([], wide, path.relative_to(ROOT))

    def test_so_are_those_of_scripts_and_builds(self) -> None:
        scripts = [ROOT / "Makefile", ROOT / "CMakeLists.txt", ROOT / ".ci" / "run", ROOT / "pyproject.toml",
                   ROOT / ".github" / "workflows" / "ci.yml", *(ROOT / "checker" / "bin").iterdir()]
        scripts += [path for folder in (*SOURCES, "scripts", "plots", "packaging")
                    for pattern in ("*.py", "*.sh", "*.cmake", "CMakeLists.txt", "*.toml")
                    for path in sorted((ROOT / folder).rglob(pattern))]
        for path in scripts:
            wide = [number for number, line in enumerate(path.read_text().splitlines(), 1)
                    if len(line) > 100 and line.lstrip().startswith("#")]
            self.assertEqual([], wide, path.relative_to(ROOT))

    def test_targets_in_prose_exist(self) -> None:
        targets = re.findall(r"^([a-z0-9-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
        for path in PROSE:
            for target in re.findall(r"`make ([a-z0-9-]+)[` ]", path.read_text()):
                self.assertIn(target, targets, path.name)


if __name__ == "__main__":
    unittest.main()

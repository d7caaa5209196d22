# SPDX-License-Identifier: MIT
"""The end of `make check`: what it says is what the steps have left, and a step that fails is named."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

CHECK = Path(__file__).resolve().parent.parent / "check.py"
sys.path.insert(0, str(CHECK.parent))

import check  # noqa: E402
import facts  # noqa: E402

MAKE = """#!/bin/sh
for step; do :; done
echo "31033 warnings generated."
echo "pool_dequeue, 6 calls: 2 of 2 clients finished without error"
[ -z "$SLEEPS" ] || sleep "$SLEEPS"
if [ "$step" = "$FAILS" ]; then echo "race in step 7"; exit 2; fi
if [ -d "$RESULTS/$step" ]; then cp "$RESULTS/$step"/* "$FOUND"; fi
"""


def client(search: str, name: str, **changes: object) -> dict[str, Any]:
    return {"search": search, "client": name, "complete": 700, "errors": 0, "cut": 0} | changes


def head(search: str, family: str, calls: int, progress: bool = False) -> dict[str, Any]:
    return {"search": search, "shard": "0/1", "family": family, "calls": calls, "progress": progress,
            "property": f"{family}: lives"}


LINES = [
    head("a", "pool_dequeue", 6), client("a", "+|s"), client("a", "+-|s"),
    head("b", "object_pool_one_cpu", 3), client("b", "p|g|r"), client("b --seconds 5", "p|g", cut=1) | {"search": "b"},
    head("c", "object_pool_one_cpu", 2, progress=True), client("c", "p|g"),
    head("d", "upkept_pool_idle", 2), client("d", "p|g"),
    {"search": "m --seconds 3", "shard": "0/1", "models": True},
    {"search": "m --seconds 3", "name": "one", "threads": 2, "complete": 34, "errors": 0, "cut": 0, "timed_out": False},
    {"search": "m --seconds 3", "name": "two", "threads": 3, "complete": 9, "errors": 0, "cut": 0, "timed_out": True},
]
SURVEY = [{"family": name, "calls": 3, "proved": 2, "clients": 1003, "executions": 10} for name in ("one", "two")]
SURVEY.append({"family": "one", "calls": 5, "proved": 1, "clients": 1200, "executions": 0})
RELACY = [{"passed": True, "exhaustive": True, "random_iterations": 0},
          {"passed": True, "exhaustive": False, "random_iterations": 5000}]
ASSEMBLY = [{"compiler": "g++", "architecture": "x86-64", "sections": 4, "different": []},
            {"compiler": "g++", "architecture": "x86-64", "sections": 5, "different": []},
            {"compiler": "clang++ --target=a", "architecture": "aarch64", "sections": 5, "different": []}]
MUTANTS = [{"agrees": True}, {"agrees": True}, {"agrees": False}]


class Ending(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = Path(directory.name)
        (self.place / "make").write_text(MAKE)
        (self.place / "make").chmod(0o755)
        for name, text in (("proofs/proofs.lines", "".join(json.dumps(line) + "\n" for line in LINES)),
                           ("proofs/survey.json", json.dumps(SURVEY)),
                           ("assembly/assembly.json", json.dumps(ASSEMBLY)),
                           ("models-quick/relacy.json", json.dumps(RELACY)),
                           ("mutants-quick/mutants-checker.json", json.dumps(MUTANTS)),
                           ("mutants-quick/mutants-relacy.json", json.dumps(MUTANTS[:2]))):
            path = self.place / "results" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)

    def check(self, *steps: str, fails: str = "") -> subprocess.CompletedProcess[str]:
        found = self.place / "found"
        return subprocess.run(
            [sys.executable, CHECK, "--found", found, *steps], capture_output=True, text=True, check=False,
            env=os.environ | {"PATH": f"{self.place}:{os.environ['PATH']}", "FAILS": fails, "FOUND": str(found),
                              "RESULTS": str(self.place / "results")})

    def test_on_a_terminal_time_passes_while_a_step_is_silent(self) -> None:
        ours, theirs = pty.openpty()
        with open(ours, "rb", buffering=0) as terminal:
            running = subprocess.Popen([sys.executable, CHECK, "--found", self.place / "found", "lint"], stdout=theirs,
                                       env=os.environ | {"PATH": f"{self.place}:{os.environ['PATH']}", "SLEEPS": "2.5"})
            os.close(theirs)
            text = b""
            with contextlib.suppress(OSError):  # the other end is closed
                while got := terminal.read(4096):
                    text += got
            self.assertEqual(0, running.wait())
        shown = re.findall(r"lint, (\d+) s: pool_dequeue, 6 calls: 2 of 2 clients finished", text.decode())
        self.assertGreaterEqual(len(set(shown)), 2, text)

    def test_no_family_that_the_makefile_names_is_left_out(self) -> None:
        named = re.findall(r"\b\w+_pool_(?:one|two|three|small|idle|beyond|sections)\w*|\bpool_dequeue\w*",
                           (facts.ROOT / "Makefile").read_text())
        self.assertLess(15, len(set(named)))
        for family in set(named):
            self.assertEqual(1, sum(family.startswith(prefix) for prefix, _ in check.SUBJECTS), family)

    def test_it_says_what_the_steps_have_found(self) -> None:
        done = self.check("proofs", "assembly", "models-quick", "mutants-quick")
        self.assertEqual(0, done.returncode, done.stderr)
        ending = done.stdout.split("\n\n")[1].splitlines()
        self.assertEqual(14, len(ending), done.stdout)
        self.assertRegex(ending[0], r"^make check: everything holds, in \d+ s on \d+ processors; headers [0-9a-f]{12}")
        self.assertIn("(3,554)", ending[1])
        self.assertEqual("  ring, clients of up to 2 threads: pool_dequeue, all 2 of 6 calls", ending[2])
        self.assertEqual("    pool_dequeue: lives", ending[3])
        self.assertEqual("  pool, clients of up to 3 threads: object_pool_one_cpu, 1 of 2 of 3 calls, "
                         "all 1 of 2 calls with each thread stopped anywhere", ending[4])
        self.assertEqual("  pool with hooks and bounds, clients of up to 2 threads: upkept_pool_idle, all 1 of 2 calls",
                         ending[6])
        self.assertIn("on 2 machines: 4 of 2,006 clients of up to 3 calls; "
                      "of put, get and rotate, on 1 of them: 1 of 1,200 clients of 4 and 5 calls", ending[8])
        self.assertEqual("  models: 1 of 2, each with its own property and 2 to 3 threads", ending[9])
        self.assertIn("1 models that take more than 3 s", ending[10])
        self.assertEqual("The assembly of the sections was run instruction by instruction, as made by g++ on x86-64; "
                         "by clang++ on aarch64: none did other than the proved steps.", ending[11])
        self.assertIn("2 models and litmus tests, 1 in full for its semantics, 5,000 random executions; none failed",
                      ending[12])
        self.assertIn("2 of 3 on the checker, 2 of 2 on Relacy", ending[13])

    def test_what_the_steps_say_stays_in_their_logs(self) -> None:
        done = self.check("proofs", "lint")
        self.assertNotIn("warnings generated", done.stdout)
        self.assertIn("\n  pool_dequeue, 6 calls: 2 of 2", done.stdout)
        self.assertIn("warnings generated", (self.place / "found" / "lint.log").read_text())

    def test_a_step_that_fails_is_named_and_shown_and_ends_it(self) -> None:
        done = self.check("proofs", "models-quick", "lint", fails="models-quick")
        self.assertEqual(1, done.returncode)
        self.assertIn("race in step 7", done.stdout)
        self.assertIn("make check: FAILED", done.stdout)
        self.assertIn("FAILED: the step 'models-quick', above. Again: make models-quick.", done.stdout.splitlines()[-1])
        self.assertNotIn("lint: begins", done.stdout)
        self.assertNotIn("Searched on Relacy", done.stdout)

    def test_nothing_is_said_of_what_an_earlier_run_has_found(self) -> None:
        self.check("proofs", "models-quick")
        done = self.check("proofs", fails="proofs")
        self.assertIn("Proved: nothing was run.", done.stdout)
        self.assertNotIn("everything holds", done.stdout)

    def test_a_step_that_passes_and_leaves_nothing_has_failed(self) -> None:
        (self.place / "results" / "mutants-quick" / "mutants-relacy.json").unlink()
        done = self.check("proofs", "mutants-quick", "lint")
        self.assertEqual(1, done.returncode)
        self.assertIn("It passed, but left no mutants-relacy.json in", done.stdout)
        self.assertNotIn("everything holds", done.stdout)

    def test_a_dry_run_runs_nothing(self) -> None:
        done = subprocess.run(["make", "--dry-run", "check"], cwd=CHECK.parent.parent, capture_output=True, text=True,
                              check=False, env={key: value for key, value in os.environ.items() if key != "MAKEFLAGS"})
        self.assertEqual(0, done.returncode, done.stderr)
        self.assertNotIn("make check:", done.stdout)


class Full(unittest.TestCase):
    """`make check-full` takes an hour at most: on two processors that have nothing else to do."""

    BUILT = 360  # from nothing: the models, and the checker with its tests
    # Of `ctest --preset checker-full`, by what ctest has noted of each on a machine with other
    # work: 1,270 s of those that test-checker runs, 40 of those that are slow, and most of 1,100
    # for the list of faults.
    TESTED = 1200
    PROCESSORS = 2

    def setUp(self) -> None:
        self.commands = [each.strip() for each in re.split(r"&&|\n", facts.would_run("check-full"))]

    def limits(self) -> list[int]:
        """Of what explores clients, in seconds: each has one, and one alone."""
        found = []
        for command in self.commands:
            if "proofs/proofs" not in command and not command.startswith("timeout"):
                continue
            one = re.findall(r"(?:--total|--within|--seconds|^timeout) (\d+)", command)
            self.assertEqual(1, len(one), command)
            if "--seconds" in command:
                self.assertIn("--client", command, "it is the limit of one client: how many are there?")
            found.append(int(one[0]))
        return found

    def models(self) -> float:
        """By the ledger: those that it has not finished take all that they may."""
        [most] = re.findall(r"checked_models .*--seconds (\d+)", "\n".join(self.commands))
        took = [min(entry["seconds"], int(most)) if entry["proved"] else int(most) for entry in facts.models()]
        return float(sum(took) / self.PROCESSORS + max(took))

    def test_its_limits_and_what_has_none_are_an_hour(self) -> None:
        clients, models = sum(self.limits()), self.models()
        self.assertGreater(len(self.limits()), 20)
        told = f"{self.BUILT} s to build, {self.TESTED} to test, {clients} of clients, {models:.0f} of models"
        self.assertLess(self.BUILT + self.TESTED + clients + models, 3600, told)

    def test_it_says_so(self) -> None:
        self.assertRegex((CHECK.parent.parent / "Makefile").read_text(), r"\ncheck-full: .*; 60 min\n")


if __name__ == "__main__":
    unittest.main()

# SPDX-License-Identifier: MIT
"""The recipes of docs/checking-at-scale.md, run as they stand there; and what the litmus tool compares with --check.

They need the tool: that of the build `checker`, or the one that CHECKER_LITMUS names.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from typing import Any

import workflows

ROOT = Path(__file__).resolve().parent.parent.parent
RECIPES = ROOT / "docs" / "checking-at-scale.md"
LITMUS = Path(os.environ.get("CHECKER_LITMUS",
                             ROOT / "build" / "dev" / "checker" / "checker_litmus"))

# 5,040 executions, as many outcomes.
PROGRAM = "name: additions\nlet n = 7\nn x {U.rlx x += 1}\n"

# What depends on the run, or on the shards, each of which walks the top of the tree; and what only
# the line of a shard has.
MEASURED = ("seconds", "peak_bytes", "runs", "shard", "outcome_hashes")


def recipe(heading: str) -> str:
    """The first bash block below a heading."""
    section = RECIPES.read_text().split(f"\n## {heading}\n", 1)[1].split("\n## ", 1)[0]
    block = re.search(r"```bash\n(.*?)```", section, re.DOTALL)
    assert block is not None, heading
    return block.group(1)


def replaced(text: str, old: str, new: str) -> str:
    assert text.count(old) == 1, f"{old!r} is not in the recipe once"
    return text.replace(old, new)


def certificate(line: str) -> dict[str, Any]:
    return {key: value for key, value in json.loads(line).items() if key not in MEASURED}


@unittest.skipUnless(LITMUS.is_file(), f"{LITMUS} is not built, and CHECKER_LITMUS names no other")
class Check(unittest.TestCase):
    def test_each_kind_of_expectation_is_compared(self) -> None:
        """Of two that contradict each other --check accepts one."""
        proved = "W x = 1 || R x"
        fails = "W x = 1 || r = R x; require r == 0"
        races = "plain x; W x = 1 || W x = 2"
        for right, wrong, program in (("rc11 2", "rc11 3", proved), ("outcomes 2", "outcomes 1", proved),
                                      ("failure", "no failure", fails), ("no failure", "failure", proved),
                                      ("race", "no race", races), ("no race", "race", proved)):
            for expectation, status in ((right, 0), (wrong, 1)):
                text = f"name: one\nexpect {expectation}\n{program}\n"
                done = subprocess.run([LITMUS, "--check", "/dev/stdin"], input=text, capture_output=True, text=True,
                                      timeout=60, check=False)
                self.assertEqual(status, done.returncode, text + done.stdout + done.stderr)

    def test_errors_behind_the_first_and_of_other_kinds_are_looked_at(self) -> None:
        both = "plain p\nW p = 1; W f = 1 || a = R f; if a {R p}; b = R f; require b != 1"
        locked = ("mutex m; mutex n\n"
                  "lock m; lock n; unlock n; unlock m || lock n; lock m; unlock m; unlock n")
        for expectation, program, status in (("race failure", both, 0), ("race no failure", both, 1),
                                             ("no race failure", both, 1), ("no race no failure", locked, 1)):
            text = f"name: one\nexpect {expectation}\n{program}\n"
            done = subprocess.run([LITMUS, "--check", "-"], input=text, capture_output=True, text=True, timeout=60,
                                  check=False)
            self.assertEqual(status, done.returncode, text + done.stdout + done.stderr)

    def test_a_replay_without_an_error_proves_nothing(self) -> None:
        for option in ("--remember=0", "--check", "--shard=0/1"):
            done = subprocess.run([LITMUS, option, "--replay", "0@0,1=i", "-"], input="name: one\nW x = 1 || R x\n",
                                  capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual((3, "not finished"), (done.returncode, json.loads(done.stdout)["verdict"]), done.stderr)

    def test_keep_going_counts_all_errors_by_kind_and_shows_one_of_each(self) -> None:
        program = "name: two\nplain x; if choose(2) {require choose(3) == 0} else {W x = 1} || W x = 2\n"

        def found(*options: str) -> dict[str, Any]:
            done = subprocess.run([LITMUS, *options, "/dev/stdin"], input=program, capture_output=True, text=True,
                                  timeout=60, check=False)
            self.assertEqual(1, done.returncode, done.stdout + done.stderr)
            line: dict[str, Any] = json.loads(done.stdout)
            return line

        first = found()
        self.assertEqual((1, 1), (first["errors"], len(first["kinds"])))
        whole = found("--keep-going")
        counts = {each["error"]: each["count"] for each in whole["kinds"]}
        self.assertEqual({"assertion": 2, "data race": 1}, counts)
        self.assertEqual(3, whole["errors"])
        for kind in whole["kinds"]:
            again = found("--replay", kind["replay"])
            self.assertEqual([kind["error"]], [each["error"] for each in again["kinds"]])
            self.assertIn("choose of 2 -> ", kind["choices"][0])


@unittest.skipUnless(LITMUS.is_file(), f"{LITMUS} is not built, and CHECKER_LITMUS names no other")
class Recipes(unittest.TestCase):
    def setUp(self) -> None:
        directory = tempfile.TemporaryDirectory()
        self.addCleanup(directory.cleanup)
        self.place = Path(directory.name)
        (self.place / "program.litmus").write_text(PROGRAM)
        (self.place / "bin").mkdir()
        (self.place / "bin" / "checker_litmus").symlink_to(LITMUS.resolve())
        (self.place / "checker").symlink_to(ROOT / "checker")
        self.whole = certificate(self.run_bash("checker_litmus --jobs 1 program.litmus").stdout)
        self.assertEqual((5040, 0), (self.whole["complete"], self.whole["errors"]))

    def run_bash(self, text: str, place: Path | None = None) -> subprocess.CompletedProcess[str]:
        path = f"{self.place / 'bin'}{os.pathsep}{os.environ['PATH']}"
        done = subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=place or self.place,
                              env={**os.environ, "PATH": path, "HOME": str(self.place)},
                              capture_output=True, text=True, timeout=120)
        self.assertEqual(0, done.returncode, done.stdout + done.stderr)
        return done

    def test_parts_with_different_parameters_are_refused(self) -> None:
        text = ("checker_litmus --set n={} --shard 0/2 program.litmus; checker_litmus --set n=4 --shard 1/2 "
                "program.litmus")
        merge = (sys.executable, str(ROOT / "checker" / "tools" / "merge.py"))
        for first, status in ((4, 0), (3, 2)):
            parts = self.run_bash(text.format(first)).stdout
            done = subprocess.run(merge, input=parts, capture_output=True, text=True, timeout=60, check=False)
            self.assertEqual(status, done.returncode, done.stdout + done.stderr)
        self.assertIn("parts of different searches are mixed: digest is ", done.stderr)

    def test_checkpoint_with_different_parameters_is_refused(self) -> None:
        text = ("checker_litmus --jobs 1 --set n={} --checkpoint shard.checkpoint --seconds 0.000001 program.litmus "
                "|| true")
        self.run_bash(text.format(7))
        self.assertTrue((self.place / "shard.checkpoint").exists())
        said = self.run_bash(text.format(6))
        self.assertIn("checkpoint of another program", said.stdout + said.stderr)

    @unittest.skipUnless(shutil.which("parallel"), "GNU parallel is not installed")
    def test_parallel_merges_to_the_undivided_search(self) -> None:
        text = recipe("GNU parallel")
        for parts in (1, 2, 7, 28):
            for old in self.place.glob("shard*"):
                old.unlink()
            found = self.run_bash(replaced(text, "parts=28\n", f"parts={parts}\n")).stdout
            lines = [json.loads(path.read_text()) for path in self.place.glob("shard-*.json")]
            self.assertEqual(parts, len(lines))
            most = 5040 if parts == 1 else 5039
            self.assertTrue(all(0 < line["complete"] <= most for line in lines))
            self.assertEqual(self.whole, certificate(found))

    def test_a_search_in_slices_ends_with_the_same_certificate(self) -> None:
        text = replaced(recipe("Checkpoints"), "--seconds 3000", "--seconds 0.002")
        text = replaced(text, "shard=0/7", "shard=0/1")
        self.assertIn("goes on", self.run_bash(text).stderr)
        self.assertFalse((self.place / "shard.checkpoint").exists())
        self.assertEqual(self.whole, certificate((self.place / "shard.json").read_text()))

    def test_jobs_of_a_ci_matrix_merge_to_the_undivided_search(self) -> None:
        section = RECIPES.read_text().split("\n## A CI matrix\n", 1)[1].split("\n## ", 1)[0]
        shard, merge = workflows.blocks(section)[0].split("\n  merge:\n")
        parts = workflows.matrix(shard)
        build, search = workflows.commands(shard)
        self.assertIn("cmake --build", build)
        [merged] = workflows.commands(merge)
        for part in parts:
            job = self.place / f"job-{part}"
            job.mkdir()
            (job / "build").symlink_to(LITMUS.resolve().parent.parent.parent)
            (job / "program.litmus").write_text(PROGRAM)
            self.run_bash(workflows.filled_in(search, len(parts), part), job)
            name = workflows.artefact(shard, len(parts), part)
            shutil.copy(job / name, self.place / name)
        self.assertEqual(self.whole, certificate(self.run_bash(merged).stdout))


if __name__ == "__main__":
    unittest.main()

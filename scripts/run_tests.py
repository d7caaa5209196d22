#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs the tests that `make test` has built, and ends with a few lines: how many ran, where, and what failed.

Without options: the unit tests on a build as for a system that is not Linux; those of the dev build, on the pin that
this machine has, and on each that a process may find itself with, if its C library does not register threads for
restartable sequences, if membarrier is refused, or if a user asks for the portable pin; and by ctest all else of the
dev build. A run of a program of unit tests is one process, and what it reports of its cases is counted and named.

With --repeat N, each unit test N times on each pin: whole programs, in turn, so that a run which is interrupted has
tried all of them about as often. --only takes those programs whose name it matches, and --beside is what runs
meanwhile, such as 'stress-ng --cpu 4'.

What ctest prints, and programs that fail, is kept in build/logs.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as xml
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

from ending import Progress, duration, lines_or_ticks, table

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "build" / "logs"
LONGEST = 600  # seconds for a program's run: only a hang takes so long
MOST_SHOWN = 3  # failures of a step whose output is printed, and
MOST_LINES = 30  # the last lines of it
COUNTED = re.compile(r"\s*(\d+/\d+) Test")  # as ctest says how far it is
MOST_NAMED = 10  # failures that the ending names; the logs have all


@dataclass(frozen=True)
class Step:
    """The unit tests of one build, on one pin."""

    name: str
    says: str
    preset: str = "dev"
    prefix: str = ""  # of the command: variables of its environment, or a program that runs it

    def command(self, *words: str) -> list[str]:
        return ["env", *shlex.split(self.prefix), *words]

    def shown(self, *words: str) -> str:
        """The same, to be typed."""
        return f"{self.prefix} {shlex.join(words)}".strip()


OWN = Step("own", "unit tests on the pin that this machine has")
PINS = (Step("no_rseq", "unit tests, where the C library does not register threads for rseq",
             prefix="GLIBC_TUNABLES=glibc.pthread.rseq=0"),
        Step("no_membarrier", "unit tests, where membarrier is refused",
             prefix="build/dev/impl/tests/refuse_membarrier"),
        Step("portable", "unit tests with POOLPROOF_PIN=portable", prefix="POOLPROOF_PIN=portable"))
FALLBACK = Step("fallback", "unit tests of a build as for a system that is not Linux", "fallback")
REST = Step("dev", "examples, the installed package, scripts")


@dataclass
class Outcome:
    """What came of a step."""

    step: Step
    passed: int = 0
    failed: Counter[str] = field(default_factory=Counter)  # by the command that runs it again
    skipped: list[str] = field(default_factory=list)  # what they need is not installed

    def fail(self, what: str, again: str) -> None:
        self.failed[f"{what}\n    {again}"] += 1


# ---- One run of tests, judged by the report that it writes ---------------------------------------


def cases(report: Path) -> list[tuple[str, bool | None, str]]:
    """Name, whether it passed (None: it was skipped), and output of each test, from JUnit's format, which ctest and
    Catch2 write."""
    try:
        tests = xml.parse(report).getroot().iter("testcase")
    except (FileNotFoundError, xml.ParseError):  # who crashes writes none, or half of one
        return []
    found: list[tuple[str, bool | None, str]] = []
    for case in tests:
        bad = [child for child in case if child.tag in ("failure", "error")]
        texts = [child.text or child.get("message", "") for child in (*bad, *case.findall("system-out"))]
        passed = not bad and case.get("status", "run") == "run"
        skipped = not bad and case.find("skipped") is not None
        found.append((case.attrib["name"], None if skipped else passed, "\n".join(texts)))
    return found


def show_failure(name: str, output: str) -> None:
    print(f"\n--- {name}", *output.strip().splitlines()[-MOST_LINES:], sep="\n")


def run_ctest(step: Step, jobs: int, logs: Path, progress: Progress) -> Outcome:
    """All tests of a build but the unit tests."""
    outcome = Outcome(step)
    report, log = logs / f"{step.name}.xml", logs / f"{step.name}.txt"
    ctest = ["ctest", "--preset", step.preset, "--label-exclude", "unit"]
    command = [*ctest, "--parallel", str(jobs), "--output-junit", str(report)]
    with (open(log, "w", encoding="utf-8") as out,
          subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                           errors="replace") as started):
        assert started.stdout is not None
        for line in lines_or_ticks(started.stdout):
            out.write(line or "")
            progress.show(counted[1] if line and (counted := COUNTED.match(line)) else None)
    status = started.returncode
    progress.clear()
    for name, passed, output in cases(report):
        if passed is None:
            outcome.skipped.append(name)
            continue
        if passed:
            outcome.passed += 1
            continue
        if outcome.failed.total() < MOST_SHOWN:
            show_failure(name, output)
        outcome.fail(name, step.shown("ctest", "--preset", step.preset, "-R", f"^{re.escape(name)}$"))
    if not outcome.failed and (status != 0 or outcome.passed == 0):
        show_failure("ctest", log.read_text(encoding="utf-8", errors="replace"))
        outcome.fail(f"ctest itself, with status {status}", step.shown(*ctest))
    return outcome


# ---- Programs of unit tests ----------------------------------------------------------------------


@dataclass(frozen=True)
class Program:
    """A program of unit tests. One of Catch2 has many cases and reports on each; another is one test."""

    path: str
    is_catch: bool


def programs(preset: str) -> list[Program]:
    listed = subprocess.run(["ctest", "--preset", preset, "--label-regex", "unit", "--show-only=json-v1"], cwd=ROOT,
                            capture_output=True, text=True, check=True).stdout
    return [Program(test["command"][0], test["name"].startswith("unit.")) for test in json.loads(listed)["tests"]]


def run_program(step: Step, program: Program, log: Path) -> Outcome:
    """Runs a program once. If it fails, the log is kept."""
    outcome = Outcome(step)
    path = os.path.relpath(program.path, ROOT)
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.xml"
        options = ["--reporter", "junit", "--out", str(report)] if program.is_catch else []
        try:
            done = subprocess.run(step.command(program.path, *options), cwd=ROOT, stdout=subprocess.PIPE,
                                  stderr=subprocess.STDOUT, errors="replace", timeout=LONGEST, check=False)
            status, output = f"status {done.returncode}", done.stdout
        except subprocess.TimeoutExpired as error:
            done, status, output = None, f"no end in {duration(LONGEST)}", str(error.stdout)
        found = cases(report) if done is not None and program.is_catch else []
    for name, passed, text in found:
        if passed is None:
            outcome.skipped.append(name)
        elif passed:
            outcome.passed += 1
        else:
            outcome.fail(name, step.shown(path, name))
            output += f"\n{name}\n{text}"
    if done is not None and done.returncode == 0 and not found:
        outcome.passed += 1
    elif (done is None or done.returncode != 0) and not outcome.failed:
        outcome.fail(f"{Path(path).name}: {status}", step.shown(path))
    if outcome.failed:
        log.write_text(output, encoding="utf-8")
    return outcome


def run_units(step: Step, jobs: int, logs: Path, progress: Progress) -> Outcome:
    """Runs each program of a build once."""
    outcome = Outcome(step)
    tested = programs(step.preset)
    failures = []
    with concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = {pool.submit(run_program, step, program, logs / f"{step.name}.{Path(program.path).name}.txt"): program
                for program in tested}
        try:
            for ended, run in enumerate(concurrent.futures.as_completed(runs), 1):
                one = run.result()
                outcome.passed += one.passed
                outcome.failed += one.failed
                outcome.skipped += one.skipped
                if one.failed:
                    failures.append(logs / f"{step.name}.{Path(runs[run].path).name}.txt")
                progress.show(f"{ended}/{len(runs)}")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    progress.clear()
    for log in failures[:MOST_SHOWN]:
        show_failure(log.stem, log.read_text(encoding="utf-8"))
    if not tested:
        outcome.fail("there are no unit tests", step.shown("ctest", "--preset", step.preset, "--show-only"))
    return outcome


def run_steps(steps: Iterable[tuple[Step, Runner]], jobs: int, logs: Path, outcomes: list[Outcome]) -> None:
    for step, run in steps:
        # On a terminal one line tells how far it is, and in the end how long it took.
        print(f"{step.says} ...", end=" ", flush=True)
        began = time.monotonic()
        outcomes.append(run(step, jobs, logs, Progress(step.says)))
        again = f"{step.says} ... " if sys.stdout.isatty() else ""
        print(f"{again}{duration(time.monotonic() - began)}", flush=True)


Runner = Callable[[Step, int, Path, Progress], Outcome]
UNIT_STEPS: tuple[tuple[Step, Runner], ...] = tuple((step, run_units) for step in (FALLBACK, OWN, *PINS))
STEPS = (*UNIT_STEPS, (REST, run_ctest))
PIN_STEPS = UNIT_STEPS[2:]
REPEATED = (OWN, *PINS)


# ---- The same tests again and again --------------------------------------------------------------


@contextlib.contextmanager
def running(command: str) -> Iterator[None]:
    """What runs beside the tests, until they have ended."""
    if not command:
        yield
        return
    started = subprocess.Popen(shlex.split(command), stdout=subprocess.DEVNULL, start_new_session=True)
    try:
        yield
        if started.poll() is not None:
            sys.exit(f"run_tests.py: '{command}' has ended before the tests")
    finally:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(started.pid, signal.SIGTERM)
        started.wait()


def repeat(times: int, only: str, jobs: int, beside: str, logs: Path, outcomes: list[Outcome]) -> None:
    outcomes += [Outcome(step) for step in REPEATED]
    of_step = {each.step.name: each for each in outcomes}
    tested = [program for program in programs("dev") if re.search(only, Path(program.path).name)]
    if not tested:
        sys.exit(f"run_tests.py: no program of unit tests has a name that '{only}' matches")
    order = [(number, program, step) for number in range(times) for program in tested for step in REPEATED]
    began, ended, failed = time.monotonic(), 0, 0
    with running(beside), concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        runs = [pool.submit(run_program, step, program, logs / f"{step.name}.{Path(program.path).name}.{number}.txt")
                for number, program, step in order]
        try:
            for run in concurrent.futures.as_completed(runs):
                one = run.result()
                of_step[one.step.name].passed += one.passed
                of_step[one.step.name].failed += one.failed
                ended, failed = ended + 1, failed + one.failed.total()
                if ended * 10 // len(runs) != (ended - 1) * 10 // len(runs):
                    print(f"{ended * 100 // len(runs)} % after {duration(time.monotonic() - began)}, {failed} failed",
                          flush=True)
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


# ---- The ending ----------------------------------------------------------------------------------


def ending(outcomes: list[Outcome], seconds: float, logs: Path) -> list[str]:
    rows = [(f"{each.passed + each.failed.total():,}", str(each.failed.total()), each.step.says) for each in outcomes]
    lines = ["", *table([("tests", "failed", "of"), *rows])]
    failed = sum((each.failed for each in outcomes), Counter[str]())
    for what, count in failed.most_common(MOST_NAMED):
        lines.append(f"failed{f', {count} times' if count > 1 else ''}: {what}")
    if len(failed) > MOST_NAMED:
        lines.append(f"and {len(failed) - MOST_NAMED} others")
    skipped = sorted({name for each in outcomes for name in each.skipped})
    if skipped:
        lines.append(f"skipped, for what they need is not installed (make setup-all): {', '.join(skipped)}")
    lines.append(f"It took {duration(seconds)}. What the tests printed is in {os.path.relpath(logs, ROOT)}/.")
    lines.append(f"{sum(each.passed for each in outcomes)} passed, {failed.total()} failed")
    return lines


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), metavar="N", help="how many at once (%(default)s)")
    parser.add_argument("--pins", action="store_true", help="the unit tests on those three pins only")
    parser.add_argument("--repeat", type=int, metavar="N", help="each unit test N times on each pin")
    parser.add_argument("--only", default="", metavar="REGEX", help="with --repeat: of these programs")
    parser.add_argument("--beside", default="", metavar="COMMAND", help="with --repeat: what runs meanwhile")
    chosen = parser.parse_args(arguments)
    if (chosen.only or chosen.beside) and not chosen.repeat:
        parser.error("--only and --beside go with --repeat")
    # Whoever ends it early, in the background too, is told what ran until then.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    logs = LOGS / ("repeat" if chosen.repeat else "pins" if chosen.pins else "test")
    shutil.rmtree(logs, ignore_errors=True)
    logs.mkdir(parents=True)
    began = time.monotonic()
    outcomes: list[Outcome] = []
    interrupted = False
    try:
        if chosen.repeat:
            repeat(chosen.repeat, chosen.only, chosen.jobs, chosen.beside, logs, outcomes)
        else:
            run_steps(PIN_STEPS if chosen.pins else STEPS, chosen.jobs, logs, outcomes)
    except KeyboardInterrupt:
        interrupted = True
        print("\ninterrupted: what had not ended is not counted")
    print(*ending(outcomes, time.monotonic() - began, logs), sep="\n")
    return 1 if interrupted or any(each.failed for each in outcomes) else 0


if __name__ == "__main__":
    sys.exit(main())

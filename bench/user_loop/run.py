#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""What a get and a put cost in a user's loop: compiles loops.cpp with -O2 and each compiler, and runs it.

Prints a table of ratios for each compiler, beside the targets that are about such loops. Each ratio is of one run;
the middle one of RUNS runs is shown, and the lowest and the highest. Nothing is kept: the numbers of bench/results
come from campaigns. Other work on the machine disturbs; the thread's own time and the fastest rounds count.
"""
from __future__ import annotations

import argparse
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

HERE = Path(__file__).resolve().parent
HEADERS = HERE.parents[1] / "impl" / "include"
ALLOCATORS = {"glibc": "", "jemalloc": "libjemalloc.so.2", "mimalloc": "libmimalloc.so.2",
              "tcmalloc": "libtcmalloc_minimal.so.4"}

Times = dict[str, float]
Measure = Callable[[Times, Times], float]

# What is compared, the target, and how; of the loops of one run, and of the best allocator's in
# that run.
ROWS: tuple[tuple[str, str, Measure], ...] = (
    ("get + put / a vector of the thread", "at most 1.45", lambda own, best: own["get_put"] / own["vector"]),
    ("best allocator / get + put", "at least 2", lambda own, best: best["new"] / own["get_put"]),
    ("borrow / get + put", "at most 1.3", lambda own, best: own["borrow"] / own["get_put"]),
    ("bursts of 16: best allocator / pool", "at least 2", lambda own, best: best["new_16"] / own["get_put_16"]),
    ("bursts of 1,000: pool / best allocator", "at most 1.25",
     lambda own, best: own["get_put_1000"] / best["new_1000"]),
    ("bursts of 10,000: pool / best allocator", "at most 1.25",
     lambda own, best: own["get_put_10000"] / best["new_10000"]),
)


def run(program: Path, preload: str, rounds: int) -> Times:
    """Nanoseconds a pair, by loop. Empty if the allocator is not installed."""
    environment = {**os.environ, "LD_PRELOAD": preload}
    done = subprocess.run([program, str(rounds)], capture_output=True, text=True, check=True, env=environment)
    if preload and "cannot be preloaded" in done.stderr:
        return {}
    return {name: float(value) for name, value in (line.split() for line in done.stdout.splitlines())}


def measure(program: Path, rounds: int) -> tuple[Times, Times]:
    """The loops with glibc's allocator, and of those of new and delete the best of any allocator's."""
    all_times = {name: run(program, preload, rounds) for name, preload in ALLOCATORS.items()}
    for name in [name for name, times in all_times.items() if not times]:
        print(f"  without {name}: make setup-bench installs it")
        del all_times[name]
    own = all_times["glibc"]
    return own, {name: min(times[name] for times in all_times.values()) for name in own if name.startswith("new")}


def report(compiler: str, runs: int, rounds: int) -> None:
    """Compiles, runs, and prints the table."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "loops"
        subprocess.run([compiler, "-std=c++20", "-O2", "-pthread", "-I", HEADERS, HERE / "loops.cpp", "-o", program],
                       check=True)
        print(f"{compiler} -O2")
        measured = [measure(program, rounds) for _ in range(runs)]
    for what, target, ratio in ROWS:
        ratios = sorted(ratio(own, best) for own, best in measured)
        print(f"  {what:<42} {statistics.median(ratios):5.2f}  ({ratios[0]:.2f} to {ratios[-1]:.2f}; {target})")
    for name in measured[0][0]:
        print(f"  {name:<14} {min(own[name] for own, _ in measured):6.2f} ns")


def main() -> int:
    """Reads the arguments; a table for each compiler that is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=5, metavar="N", help="runs of each program (default: 5)")
    parser.add_argument("--rounds", type=int, default=40, metavar="N", help="rounds of each run (default: 40)")
    arguments = parser.parse_args()
    if arguments.runs < 1 or arguments.rounds < 1:
        parser.error("--runs and --rounds must be at least 1")
    compilers = [each for each in ("g++", "clang++") if shutil.which(each)]
    for compiler in compilers:
        report(compiler, arguments.runs, arguments.rounds)
    return 0 if compilers else 1


if __name__ == "__main__":
    sys.exit(main())

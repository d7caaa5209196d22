#!/usr/bin/python3
# SPDX-License-Identifier: MIT
"""How fast unmodified programs are explored: beside models of the same algorithms, and for each plain access.

Needs the checker's libraries:

    cmake --preset install && cmake --build build/install
    bench/front_ends/run.py

Prints executions a second (complete and blocked ones) of both front ends, and nanoseconds for each plain access. The
processes take turns; the middle of all rounds is shown, with the lowest and the highest. Nothing is kept.
"""
from __future__ import annotations

import argparse
import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
ALGORITHMS = ("ring", "queue", "chase_lev")
NUMBERS = (16, 4096)  # that the loop of plain accesses goes over
TURNS = 1_000_000  # of it: each reads and writes


def found(program: Path, *arguments: str) -> dict[str, float]:
    """What a search found: the program writes it as a line of JSON."""
    done = subprocess.run([program, *arguments], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"{program.name} ends with {done.returncode}: {done.stdout}{done.stderr}")
    result: dict[str, float] = json.loads(done.stdout)
    return result


def executions(of: dict[str, float]) -> float:
    return of["complete"] + of["blocked"]


def shown(values: list[float], form: str = ",.0f") -> str:
    low, high = min(values), max(values)
    return f"{statistics.median(values):{form}} ({low:{form}} to {high:{form}})"


def build(folder: Path, libraries: Path, compiler: str) -> None:
    """Compiles each algorithm for both front ends, and the loop."""
    environment = {**os.environ, "CXX": compiler, "CHECKER_LIBRARY": str(libraries / "libpoolproof_check.so")}
    check: list[str | Path] = [ROOT / "checker" / "bin" / "check-c++", "-std=c++20", "-O2"]
    model: list[str | Path] = [compiler, "-std=c++20", "-O2", "-DMODEL", "-I", ROOT / "checker" / "include"]
    for each in ALGORITHMS:
        source: list[str | Path] = [f"-DPROGRAM={each}", HERE / "programs.cpp"]
        subprocess.run([*model, *source, libraries / "libpoolproof_checker.a", "-o", folder / f"{each}_model"],
                       check=True)
        subprocess.run([*check, *source, "-o", folder / f"{each}_unmodified"], env=environment, check=True)
    subprocess.run([*check, HERE / "plain.cpp", "-o", folder / "plain"], env=environment, check=True)


def measure(folder: Path, rounds: int) -> None:
    """Runs all that build has compiled, in turn, and prints the rates and the times."""
    ask = ("--check-quiet", "--check-json", "-")
    rates: dict[str, list[tuple[float, float]]] = {each: [] for each in ALGORITHMS}
    counts = {}
    accesses: dict[int, list[float]] = {each: [] for each in NUMBERS}
    for _ in range(rounds):
        for each in ALGORITHMS:
            model = found(folder / f"{each}_model")
            program = found(folder / f"{each}_unmodified", *ask)
            if model["complete"] != program["complete"]:
                sys.exit(f"{each}: the front ends differ: {model} and {program}")
            counts[each] = model["complete"]
            rates[each].append((executions(model) / model["seconds"], executions(program) / program["seconds"]))
        for numbers in NUMBERS:
            none, many = (found(folder / "plain", *ask, str(turns), str(numbers)) for turns in (1, TURNS))
            accesses[numbers].append((many["seconds"] - none["seconds"]) / (2 * TURNS) * 1e9)
    print(f"executions a second: middle (lowest to highest) of {rounds}")
    for each, pairs in rates.items():
        models, programs = (list(rate) for rate in zip(*pairs, strict=True))
        times = [model / program for model, program in pairs]
        print(f"  {each}, {counts[each]:,.0f} executions: model {shown(models)}, unmodified {shown(programs)}: "
              f"{shown(times, '.1f')} times")
    for numbers, nanoseconds in accesses.items():
        print(f"  a plain access, {numbers:,} numbers: {shown(nanoseconds, '.1f')} ns")


def main() -> None:
    """Reads the arguments, compiles and measures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--libraries", type=Path, default=ROOT / "build" / "install" / "checker",
                        help="the folder that they are in (default: build/install/checker)")
    parser.add_argument("--rounds", type=int, default=7, metavar="N", help="of each program (default: 7)")
    arguments = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        build(Path(folder), arguments.libraries, arguments.compiler)
        measure(Path(folder), arguments.rounds)


if __name__ == "__main__":
    main()

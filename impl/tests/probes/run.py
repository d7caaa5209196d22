#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""That probes.hpp makes USDT probes: where they are asked for, and nowhere else.

It reads the notes of a program as a tracer does (readelf), and where bpftrace is there and may trace, runs the
commands of docs/observability.md on the program and compares what they count. Exit status: 77, nothing could be
tried; 1, something is wrong.
"""
import argparse
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).parent
PAGE = HERE.parents[2] / "docs" / "observability.md"
PROBES = ("miss", "steal", "cycle", "drop")  # each with two arguments
NAME_OF_POOL = "traced"


def compile_program(arguments: argparse.Namespace, into: Path, macros: list[str]) -> None:
    """Compiles the traced program."""
    command = [arguments.compiler, "-std=c++20", "-O2", "-Wall", "-Wextra", "-Werror", "-pthread",
               "-I", arguments.include, *macros, str(HERE / "traced.cpp"), "-o", str(into)]
    subprocess.run(command, check=True)


def probes_of(program: Path) -> dict[str, set[int]]:
    """The probes in a program's notes: how many arguments each of their places has."""
    notes = subprocess.run(["readelf", "--notes", "--wide", str(program)], capture_output=True, text=True, check=True,
                           env={**os.environ, "LC_ALL": "C"})
    found: dict[str, set[int]] = {}
    pattern = r"Provider: poolproof\s+Name: (\w+)\s+Location: .*\s+Arguments: (.*)"
    for name, arguments in re.findall(pattern, notes.stdout):
        found.setdefault(name, set()).add(len(re.findall(r"-?\d+@", arguments)))
    return found


def commands_of_page() -> list[str]:
    """The programs for bpftrace that the page shows."""
    return re.findall(r"^    bpftrace -e '([^']*)'$", PAGE.read_text(encoding="utf-8"), re.MULTILINE)


def may_trace() -> bool:
    """Whether bpftrace is there, and is allowed to."""
    try:
        tried = subprocess.run(["bpftrace", "-e", "BEGIN { exit(); }"], capture_output=True, check=False, timeout=60)
    except (FileNotFoundError, subprocess.TimeoutExpired):
        return False
    return tried.returncode == 0


def trace(program: Path, script: str) -> str:
    """What bpftrace prints of a run of the program."""
    done = subprocess.run(["bpftrace", "-e", script.replace("./server", str(program)), "-c", str(program)],
                          capture_output=True, text=True, check=False, timeout=120)
    return done.stdout + done.stderr


def check_counts(program: Path) -> list[str]:
    """Runs all of the page's commands; what is wrong with what they say."""
    wrong = []
    scripts = commands_of_page()
    traced = {name for script in scripts for name in PROBES if f":poolproof:{name} " in script}
    if traced != set(PROBES):
        wrong.append(f"{PAGE.name} shows commands for {sorted(traced)}")
    for script in scripts:
        said = trace(program, script)
        counts = dict(re.findall(r"(\w+) (\d+)", said[said.find("miss "):].split("\n", 1)[0]))
        name = next(each for each in PROBES if f":poolproof:{each} " in script)
        # With a stack in it, an entry has several lines.
        seen = sum(int(number) for number in re.findall(rf"^@\[{NAME_OF_POOL}[^\]]*\]: (\d+)$", said, re.MULTILINE))
        print(f"{name}: {seen} traced, {counts.get(name)} counted")
        if seen != int(counts.get(name, -1)):
            wrong.append(f"{script}\n{said}")
    return wrong


def main() -> int:
    """Compiles, reads the notes, traces."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--compiler", required=True)
    parser.add_argument("--include", required=True)
    arguments = parser.parse_args()
    if subprocess.run([arguments.compiler, "-x", "c++", "-fsyntax-only", "-"], input="#include <sys/sdt.h>\n",
                      capture_output=True, text=True, check=False).returncode != 0:
        print("no <sys/sdt.h> here: make setup")
        return 77
    with tempfile.TemporaryDirectory() as folder:
        plain, traced = Path(folder) / "plain", Path(folder) / "traced"
        compile_program(arguments, plain, [])
        # As where a header that `dtrace -h` has written comes first.
        compile_program(arguments, traced, ["-DPOOLPROOF_PROBES", "-D_SDT_HAS_SEMAPHORES"])
        with_semaphores = probes_of(traced)
        compile_program(arguments, traced, ["-DPOOLPROOF_PROBES"])
        wrong = []
        if probes_of(plain):
            wrong.append(f"there are probes that nobody asked for: {probes_of(plain)}")
        expected = {name: {2} for name in PROBES}
        for found in (probes_of(traced), with_semaphores):
            if found != expected:
                wrong.append(f"{found} instead of {expected}")
        if may_trace():
            wrong += check_counts(traced)
        else:
            print("no bpftrace here, or it may not trace: the notes alone were read")
    for each in wrong:
        print(each)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())

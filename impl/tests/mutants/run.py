#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Breaks the headers that have no model, one after the other, and sees the unit tests notice.

These headers stand around the pool, and have no protocol of their own to check: what they do wrong a unit test must
see. Each entry of mutants.toml changes a few words of a header, in a copy; the header's unit test is compiled with it,
and the case that the entry names must fail, or hang. An entry may instead say what the compiler must refuse it with.
One that passes is a gap in the unit tests, and fails the run. Mutants of the pool itself are in
relacy_models/mutants.toml, those of bounded_pool's waiting in bounded_clients/run.py.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import os
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
TESTS = HERE.parent
INCLUDE = TESTS.parents[1] / "impl" / "include"
FLAGS = ("-std=c++20", "-O0", f"-I{TESTS}")


def precompiled(arguments: argparse.Namespace) -> list[str]:
    """What most tests include, parsed once: no header of ours is in it."""
    header = arguments.work / "common.hpp"
    header.write_text(f'#include "{TESTS / "common.hpp"}"\n')
    subprocess.run([arguments.compiler, *FLAGS, "-x", "c++-header", str(header), "-o", f"{header}.gch"], check=True)
    return ["-include", str(header)]


def told_by_case(program: Path, case: str, seconds: float) -> str:
    """What the case says if it fails, else nothing."""
    try:
        done = subprocess.run([str(program), case], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                              stdin=subprocess.DEVNULL, text=True, errors="replace", timeout=seconds, check=False)
    except subprocess.TimeoutExpired:
        return f"hangs for {seconds:.0f} s"
    return "" if done.returncode == 0 else f"exit status {done.returncode}\n{done.stdout}"


def misfit(mutant: dict[str, Any]) -> str:
    """Why a mutant does not fit the sources, or nothing."""
    times = (INCLUDE / "poolproof" / mutant["header"]).read_text().count(mutant["find"])
    if times != 1:
        return f"what it changes stands {times} times in the header"
    if "case" in mutant and f'"{mutant["case"]}"' not in (TESTS / f"{mutant['test']}_test.cpp").read_text():
        return f"{mutant['test']}_test has no case {mutant['case']}"
    return ""


def kill(arguments: argparse.Namespace, common: list[str], mutant: dict[str, Any]) -> str:
    """What is wrong with a mutant, or nothing."""
    if problem := misfit(mutant):
        return problem
    header = INCLUDE / "poolproof" / mutant["header"]
    text = header.read_text()
    with tempfile.TemporaryDirectory(dir=arguments.work) as folder:
        include, program = Path(folder), Path(folder) / "mutant"
        (include / "poolproof").mkdir()
        (include / "poolproof" / header.name).write_text(text.replace(mutant["find"], mutant["replace"]))
        source = TESTS / f"{mutant['test']}_test.cpp"
        command = [arguments.compiler, *FLAGS, f"-I{include}", f"-I{INCLUDE}", *common, str(source), "-o", str(program)]
        compiled = subprocess.run([*command, *arguments.link, "-pthread"], capture_output=True, text=True, check=False)
        refused = mutant.get("refused")
        if refused is not None:
            found = compiled.returncode != 0 and re.search(refused, compiled.stderr)
            return "" if found else "the compiler lets it pass"
        if compiled.returncode != 0:
            return f"it does not compile:\n{compiled.stderr[:2000]}"
        told = told_by_case(program, mutant["case"], arguments.seconds)
    if arguments.verbose and told:
        print(f"{mutant['header']}: {mutant['name']}: {mutant['case']}: {told}", flush=True)
    return "" if told else f"{mutant['test']}_test {mutant['case']} passes"


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--fit", action="store_true", help="only see that each fits the sources, which needs no more")
    parser.add_argument("--link", nargs="+", default=[], help="what has a unit test's main function")
    parser.add_argument("--work", type=Path, help="a folder for what is compiled")
    parser.add_argument("--only", default="", metavar="REGEX", help="only those whose header and name match")
    parser.add_argument("--seconds", type=float, default=60, help="for a case to end (%(default)s)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count(), help="how many at once (%(default)s)")
    parser.add_argument("--verbose", action="store_true", help="print what the cases say")
    arguments = parser.parse_args()
    mutants = [each for each in tomllib.loads((HERE / "mutants.toml").read_text())["mutant"]
               if re.search(arguments.only, f"{each['header']}: {each['name']}")]
    began = time.monotonic()
    if arguments.fit:
        problems = [misfit(each) for each in mutants]
    elif arguments.work is None or not arguments.link:
        parser.error("--link and --work are needed")
    else:
        arguments.work.mkdir(parents=True, exist_ok=True)
        common = precompiled(arguments)
        with concurrent.futures.ThreadPoolExecutor(arguments.jobs) as pool:
            problems = list(pool.map(lambda each: kill(arguments, common, each), mutants))
    for mutant, problem in zip(mutants, problems):
        if problem:
            print(f"{mutant['header']}: {mutant['name']}: {problem}")
    survivors = sum(map(bool, problems))
    print(f"unit tests: {len(mutants) - survivors} of {len(mutants)} mutants {'fit' if arguments.fit else 'found'}, "
          f"{time.monotonic() - began:.0f} s")
    return survivors != 0 or not mutants


if __name__ == "__main__":
    sys.exit(main())

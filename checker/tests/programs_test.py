#!/usr/bin/env python3
"""Unmodified programs on the checker: what check-c++ makes of programs/*.cpp must say what their heads say.

Each program is compiled as it is (Mended) and with -DBROKEN (Broken). "Mended: proved" may bound the number of
executions: "proved, at most 20". "Broken: data race | use after free" names the errors that may be found.
"""

import argparse
import json
import os
import pathlib
import re
import subprocess
import sys
from typing import Any

HERE = pathlib.Path(__file__).parent


def expectation(source: str, which: str) -> str:
    found = re.search(rf"^// {which}: (.*)$", source, re.MULTILINE)
    if not found:
        sys.exit(f"a program without a line '// {which}: ...'")
    return found.group(1)


def run(arguments: argparse.Namespace, environment: dict[str, str], program: pathlib.Path, broken: bool,
        flags: str) -> tuple[int, dict[str, Any], str]:
    """Compiles and runs one variant. Returns its exit status and what it wrote as JSON."""
    binary = arguments.work / f"{program.stem}{'.broken' if broken else ''}{flags.replace(' ', '')}"
    command = [arguments.check, "-std=c++20", *flags.split(), *(["-DBROKEN"] if broken else []),
               str(program), "-o", str(binary)]
    subprocess.run(command, env=environment, check=True)
    report = binary.with_suffix(".json")
    report.unlink(missing_ok=True)
    done = subprocess.run([str(binary), "--check-seconds", str(arguments.seconds), "--check-json", str(report)],
                          env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                          timeout=arguments.seconds + 60, check=False)
    found = json.loads(report.read_text()) if report.exists() else {}
    return done.returncode, found, done.stdout


def wrong(status: int, found: dict[str, Any], expected: str) -> str | None:
    """What is wrong with a verdict, or nothing."""
    if expected.startswith("proved"):
        if status != 0:
            return f"exit status {status} for a program that is to be proved"
        most = re.search(r"at most (\d+)", expected)
        if most and found["complete"] > int(most.group(1)):
            return f"{found['complete']} executions, more than {most.group(1)}"
        return None
    if status != 1:
        return f"exit status {status} for a program with an error"
    if found["error"] not in [each.strip() for each in expected.split("|")]:
        return f"'{found['error']}' was found where '{expected}' is"
    return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", required=True, help="check-c++")
    parser.add_argument("--library", help="the runtime")
    parser.add_argument("--compiler", default="g++")
    parser.add_argument("--flags", default="-O1")
    parser.add_argument("--work", required=True, type=pathlib.Path)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--verbose", action="store_true")
    parser.add_argument("names", nargs="*", help="programs, without .cpp (default: all)")
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    environment = {**os.environ, "CXX": arguments.compiler}
    if arguments.library:
        environment["CHECKER_LIBRARY"] = arguments.library
    programs = sorted((HERE / "programs").glob("*.cpp"))
    if arguments.names:
        programs = [each for each in programs if each.stem in arguments.names]
    failures = 0
    for program in programs:
        source = program.read_text()
        for broken in (False, True):
            status, found, output = run(arguments, environment, program, broken, arguments.flags)
            expected = expectation(source, "Broken" if broken else "Mended")
            problem = wrong(status, found, expected)
            variant = "broken" if broken else "mended"
            failures += problem is not None
            if problem or arguments.verbose:
                print(f"{program.stem} ({variant}, {arguments.compiler} {arguments.flags}): {problem or 'good'}; "
                      f"{found.get('complete')} complete, {found.get('blocked')} blocked, "
                      f"{found.get('cut')} cut, {found.get('seconds')} s, {found.get('error', '')}")
            if problem:
                print(output)
    if not programs:
        sys.exit("no such program")
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())

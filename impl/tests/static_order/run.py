#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks that pools with static storage are constant-initialised, also those that nobody declared constinit.

Compiles the program beside this script, without and with optimisation, and with checked pools. Each pool must lie in
a section of initialised data, rather than be written by a constructor at run time; and what the constructor of an
earlier file puts into a pool must be there in main.
"""

import argparse
import os
import re
import shlex
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
POOLS = re.findall(r"^extern .* (\w+);$", (HERE / "pools.hpp").read_text(encoding="utf-8"), re.MULTILINE)


def failures_of(program: Path) -> list[str]:
    symbols = subprocess.run(["nm", str(program)], capture_output=True, text=True, check=True).stdout
    found = []
    for pool in POOLS:
        section = re.search(rf" (\w) (?:_Z\d+)?{pool}(?:B\d+poolproof_checked)?$", symbols, re.MULTILINE)
        if section is None or section[1] not in "Dd":
            found.append(f"{pool} is not in .data: {section[0] if section else 'no such symbol'}")
    done = subprocess.run([str(program)], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        found.append(f"the program ends with {done.returncode}: {done.stdout}{done.stderr}")
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", maxsplit=1)[0])
    parser.add_argument("--compiler", default=os.environ.get("CXX", "c++"), help="default: $CXX, else c++")
    parser.add_argument("--include", type=Path, default=HERE.parents[1] / "include",
                        help="where the library's headers are (default: %(default)s)")
    arguments = parser.parse_args()
    failed = False
    with tempfile.TemporaryDirectory() as folder:
        program = Path(folder) / "static_order"
        for options in (["-O0"], ["-O2"], ["-O2", "-DPOOLPROOF_CHECKED"]):
            subprocess.run([*shlex.split(arguments.compiler), "-std=c++20", *options, "-pthread", "-I",
                            str(arguments.include), str(HERE / "early.cpp"), str(HERE / "pools.cpp"), "-o",
                            str(program)], check=True)
            failures = failures_of(program)
            said = "; ".join(failures) if failures else f"{len(POOLS)} pools in .data, no item lost"
            print(f"{' '.join(options)}: {said}")
            failed = failed or bool(failures)
    return 1 if failed or not POOLS else 0


if __name__ == "__main__":
    sys.exit(main())

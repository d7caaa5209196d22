#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of a get and a put that hit on the portable pin, under callgrind; fails if they are more.

The program is the one that runs on either pin: valgrind has no restartable sequences, so that each section
finds the thread unregistered, and the call goes on with locked instructions. What two runs with different numbers of
hits differ by is the cost of the hits. hit_path.py counts the pin that is used elsewhere.
"""

from __future__ import annotations

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import NoReturn

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = 77  # as ctest is told
HITS = (10_000, 20_000)
PROGRAM = """#include <poolproof/object_pool.hpp>
#include <cstdlib>
int main(int, char** arguments) {
  poolproof::object_pool<int> pool;
  pool.put(std::make_unique<int>(1));
  for (int i = std::atoi(arguments[1]); i != 0; --i) pool.put(pool.get());
  const poolproof::pool_stats stats = pool.stats();
  return stats.constructions == 0 && stats.pin != poolproof::pin_kind::rseq ? 0 : 1;
}
"""

# What each compiler needs at most, for a get and a put.
COMPILERS = {"g++": 206, "clang++": 211}


def fail(message: str) -> NoReturn:
    sys.exit(f"portable_path.py: {message}")


def compiled(compiler: str, folder: Path) -> Path:
    source, program = folder / "hits.cpp", folder / f"hits_{compiler}"
    source.write_text(PROGRAM)
    subprocess.run([compiler, "-std=c++20", "-O2", f"-I{ROOT / 'impl' / 'include'}", source, "-o", program],
                   check=True)
    return program


def instructions(program: Path, hits: int) -> int:
    """Of a whole run."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program), str(hits)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    counted = re.search(r"Collected : (\d+)", done.stderr)
    if done.returncode != 0 or counted is None:
        fail(f"{program.name} under callgrind: exit status {done.returncode}\n{done.stderr[-2000:]}")
    return int(counted[1])


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.parse_args()
    if shutil.which("valgrind") is None:
        print("not run: valgrind is missing; 'make setup-all' installs it")
        return SKIPPED
    failed = 0
    with tempfile.TemporaryDirectory() as folder:
        for compiler, most in COMPILERS.items():
            program = compiled(compiler, Path(folder))
            few, many = (instructions(program, hits) for hits in HITS)
            cost = round((many - few) / (HITS[1] - HITS[0]))
            failed += cost > most
            print(f"{compiler}: a get and a put that hit on the portable pin are {cost} instructions, "
                  f"of {most} at most{'' if cost <= most else ': FAILED'}")
    print(f"{len(COMPILERS) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

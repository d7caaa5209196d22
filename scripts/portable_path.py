#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Counts the instructions of a get and a put that hit on the portable pin, under callgrind; fails if they are more.
Those of pools with options and hooks, too: docs/tuning.md has the table of them, which facts.py writes from here.

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
INCLUDES = """#include <poolproof/object_pool.hpp>
#include <cstdlib>
"""
PROGRAM = INCLUDES + """
int main(int, char** arguments) {
  poolproof::object_pool<int> pool;
  pool.put(std::make_unique<int>(1));
  for (int i = std::atoi(arguments[1]); i != 0; --i) pool.put(pool.get());
  const poolproof::pool_stats stats = pool.stats();
  return stats.constructions == 0 && stats.pin != poolproof::pin_kind::rseq ? 0 : 1;
}
"""

# The same code for all of a pool's options: which, its second argument says.
WITH_OPTIONS = INCLUDES + """
using namespace poolproof;
using pool_type = object_pool<int>;
pool_type make_pool(int option) {
  const auto make = [] { return std::make_unique<int>(1); };
  const auto reset = [](int&) { return true; };
  const auto size_of = [](const int&) { return std::size_t{8}; };
  const auto on_drop = [](int&, drop_cause) {};
  switch (option) {
    case 1: return pool_type(make, {.name = "pool"});
    case 2: return pool_type(make, {}, {.on_drop = on_drop});
    case 3: return pool_type(make, {}, {.reset = reset});
    case 4: return pool_type(make, {.max_retained = 10});
    case 5: return pool_type(make, {.min_idle = 1});
    case 6: return pool_type(make, {.max_bytes = 100}, {.size_of = size_of});
  }
  return pool_type(make);
}
int main(int, char** arguments) {
  pool_type pool = make_pool(std::atoi(arguments[2]));
  pool.put(pool.get());
  for (int i = std::atoi(arguments[1]); i != 0; --i) pool.put(pool.get());
  return pool.stats().constructions == 1 && pool.stats().pin != pin_kind::rseq ? 0 : 1;
}
"""

# What each compiler needs at most, for a get and a put.
COMPILERS = {"g++": 206, "clang++": 211}

# And with each option, in the order of WITH_OPTIONS.
OPTIONS = {
    "none": {"g++": 206, "clang++": 207},
    "`name`": {"g++": 206, "clang++": 207},
    "the hook `on_drop`": {"g++": 206, "clang++": 207},
    "the hook `reset`, which does nothing": {"g++": 331, "clang++": 335},
    "`max_retained`": {"g++": 338, "clang++": 339},
    "`min_idle`": {"g++": 338, "clang++": 339},
    "`max_bytes`, with the hook `size_of`": {"g++": 349, "clang++": 351},
}


def fail(message: str) -> NoReturn:
    sys.exit(f"portable_path.py: {message}")


def compiled(compiler: str, folder: Path, text: str) -> Path:
    source, program = folder / "hits.cpp", folder / f"hits_{compiler}"
    source.write_text(text)
    subprocess.run([compiler, "-std=c++20", "-O2", f"-I{ROOT / 'impl' / 'include'}", source, "-o", program],
                   check=True)
    return program


def instructions(program: Path, hits: int, option: int) -> int:
    """Of a whole run."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", str(program), str(hits), str(option)]
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

    def judge(what: str, program: Path, most: int, option: int = 0) -> None:
        nonlocal failed
        few, many = (instructions(program, hits, option) for hits in HITS)
        cost = round((many - few) / (HITS[1] - HITS[0]))
        failed += cost > most
        print(f"{what}: a get and a put that hit on the portable pin are {cost} instructions, "
              f"of {most} at most{'' if cost <= most else ': FAILED'}", flush=True)

    with tempfile.TemporaryDirectory() as folder:
        for compiler, most in COMPILERS.items():
            judge(compiler, compiled(compiler, Path(folder), PROGRAM), most)
            program = compiled(compiler, Path(folder), WITH_OPTIONS)
            for option, (name, budgets) in enumerate(OPTIONS.items()):
                judge(f"{compiler}, option {name}", program, budgets[compiler], option)
    print(f"{len(COMPILERS) * (1 + len(OPTIONS)) - failed} passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())

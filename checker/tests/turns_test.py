#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random programs with loops: what is left out of the turns that loops make in vain loses no outcome.

Each program is explored twice: as always, and with --check-all-turns, where each loop may make so many turns at most,
and executions with more are left out. What the second finds the first must find, and with enough turns the other way
round.
"""

import pathlib
import subprocess
import sys

from single import compiled, parser_of

HERE = pathlib.Path(__file__).parent
TURNS = 4
MOST = "20000"


def explore(binary: pathlib.Path, seed: int, turns: int, *options: str) -> tuple[set[str], str]:
    done = subprocess.run([binary, str(seed), str(turns), "--check-outcomes", "--check-spurious", "0",
                           "--check-keep-going", *options], text=True, check=False, timeout=300,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    lines = done.stdout.splitlines()
    return {each for each in lines if each.startswith("outcome: ")}, done.stdout


def main() -> int:
    parser = parser_of(__doc__)
    parser.add_argument("--programs", type=int, default=100)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    arguments = parser.parse_args()
    binary = compiled(arguments, HERE / "hunted" / "turns.cpp", "turns")
    compared = smaller = disagree = 0
    for seed in range(arguments.first, arguments.first + arguments.programs):
        whole, said = explore(binary, seed, TURNS, "--check-all-turns", "--check-runs", MOST)
        pruned, told = explore(binary, seed, 0, "--check-runs", MOST)
        if "allows no more runs" in said + told:
            continue
        compared += 1
        smaller += "that wait" in told
        if pruned != whole:
            disagree += 1
            print(f"seed {seed}: lost {sorted(whole - pruned)}, more {sorted(pruned - whole)}\n{said}\n{told}")
    print(f"seeds {arguments.first} to {arguments.first + arguments.programs - 1}, {arguments.compiler}: "
          f"{compared} programs compared, {smaller} with turns in vain, {disagree} disagreements")
    return int(disagree != 0 or compared < arguments.programs / 2 or smaller < arguments.programs / 4)


if __name__ == "__main__":
    sys.exit(main())

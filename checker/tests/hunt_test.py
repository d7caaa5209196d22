#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""--check-hunt: what it promises to find it finds, it can be run again, and it is never called a proof.

An error that needs d orders is to be found by one of two executions with a probability of 1 in n * k^(d - 1). So
many executions are made that none finds it in one of a thousand cases. The seeds are fixed: what is found once is
found again.
"""

import argparse
import math
import pathlib
import re
import subprocess

from single import compiled, parser_of

HERE = pathlib.Path(__file__).parent
MISSED = 0.001
SEEDS = 5


class Test:
    def __init__(self, arguments: argparse.Namespace) -> None:
        self.arguments = arguments
        self.size = (0, 0)  # threads and events

    def build(self, orders: int) -> pathlib.Path:
        return compiled(self.arguments, HERE / "hunted" / "orders.cpp", f"orders{orders}", f"-DORDERS={orders}")

    @staticmethod
    def run(binary: pathlib.Path, *options: object) -> tuple[int, str]:
        done = subprocess.run([binary, "--check-model", "sc", *map(str, options)], text=True, check=False,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=300)
        return done.returncode, done.stdout

    def test_no_proof(self) -> None:
        """Of a program without an error. It says how large it is."""
        status, said = self.run(self.build(0), "--check-hunt", 2000, "--check-depth", 2)
        assert status == 3 and "not a proof. 2,000 executions by chance, seed 1" in said and "proved" not in said, said
        [(threads, events)] = re.findall(r"1 in (\d+) \* (\d+)\^1", said)
        self.size = int(threads), int(events)

    def test_promise(self, orders: int) -> None:
        binary = self.build(orders)
        threads, events = self.size
        runs = math.ceil(2 * math.log(1 / MISSED) * threads * events ** (orders - 1))
        needed = []
        for seed in range(1, SEEDS + 1):
            status, said = self.run(binary, "--check-hunt", runs, "--check-depth", orders, "--check-seed", seed)
            found = status == 1 and "assertion" in said and f"seed {seed}" in said
            assert found, f"not in {runs}, seed {seed}:\n{said}"
            needed.append(int(re.findall(r"([\d,]+) executions by chance", said)[0].replace(",", "")))
            replay = re.findall(r"--check-replay '?([^'\s]+)", said)[0]
            status, again = self.run(binary, "--check-replay", replay)
            assert status == 1 and "assertion" in again, again
        print(f"{orders} orders, {threads} threads, {events} events: at most {runs:,} executions; "
              f"found after {', '.join(map(str, needed))}")


def main() -> None:
    test = Test(parser_of(__doc__).parse_args())
    test.test_no_proof()
    for orders in (2, 3):
        test.test_promise(orders)


if __name__ == "__main__":
    main()
